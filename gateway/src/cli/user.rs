//! `veritrail user`: people who sign in to the portal.

use std::io::Read as _;

use clap::{Args, Subcommand};

use super::{Failure, existing};
use crate::{
    access::{issuers::can_be_registered, password},
    config::Config,
    directory::{UserOrder, add_user, invite_user},
    domain::{InstitutionId, Role, UserId, email},
    ledger::{
        By,
        command::{Change, UserChange},
    },
    service::Ledger,
    store::users::{self, User},
    telemetry,
    world::{World, random, rfc3339},
};

/// Rows that are read at a time.
const PAGE: i64 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person; prints a link by which they set a password, unless one is given
    Add(Add),
    /// Print a new link by which a person sets a password; the old one still counts until they do
    Invite(Named),
    /// Have a person sign in at an issuer of the configuration (portal.oidc), and in no other way; moves them there
    Link(Link),
    /// Have a person sign in at their issuer no longer; their sessions end, and `user invite` gives a password
    Unlink(Named),
    /// Let a person who has lost their second factor sign in without
    DropSecondFactor(Named),
    /// Let a person try codes of their second factor again after too many wrong ones
    AllowCodes(Named),
    /// Let a person sign in no longer, for good; their sessions end, and their address is not used again
    Disable(Named),
    /// List people
    List,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// By which they sign in
    #[arg(long)]
    email: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// compliance-officer, integration-engineer, regulator or operator
    #[arg(long, value_parser = role)]
    role: Role,
    /// Whose officer or engineer
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
    /// Read their password from standard input, up to the first line end
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct Link {
    #[command(flatten)]
    named: Named,
    /// The issuer's name in the configuration
    #[arg(long)]
    issuer: String,
    /// What its tokens call the person (sub)
    #[arg(long)]
    subject: String,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// By which they sign in
    #[arg(long)]
    email: String,
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| {
        let names = Role::ALL.map(Role::as_str).join(", ");
        format!("one of {names}")
    })
}

impl UserCommand {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        telemetry::start(&config.log);
        let ledger = existing(config).await?;
        let done = self.on(&ledger, config).await;
        ledger.close().await;
        done
    }

    async fn on(self, ledger: &Ledger, config: &Config) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(ledger, config).await,
            Self::Invite(named) => {
                let user = named.find(ledger).await?;
                invite(ledger, config, UserId::from_uuid(user.id)).await
            }
            Self::Link(Link { named, issuer, subject }) => {
                if !config.portal.oidc.contains_key(&issuer) {
                    return Err(format!("the configuration has no [portal.oidc.{issuer}]").into());
                }
                if !can_be_registered(&subject) {
                    return Err("--subject is none: it is the claim `sub`, as the issuer writes it".into());
                }
                let there = format!("{issuer} as {subject}");
                change(ledger, &named, UserChange::LinkIssuer { issuer, subject, checked: None }).await?;
                println!("{} signs in at {there} from now on", named.email);
                Ok(())
            }
            Self::Unlink(named) => {
                change(ledger, &named, UserChange::UnlinkIssuer).await?;
                println!("{} signs in at no issuer now", named.email);
                Ok(())
            }
            Self::DropSecondFactor(named) => {
                change(ledger, &named, UserChange::DropSecondFactor(None)).await?;
                println!("{} signs in without a second factor now", named.email);
                Ok(())
            }
            Self::AllowCodes(named) => {
                change(ledger, &named, UserChange::AllowCodes).await?;
                println!("{} may try codes again", named.email);
                Ok(())
            }
            Self::Disable(named) => {
                change(ledger, &named, UserChange::Disable).await?;
                println!("{} is disabled", named.email);
                Ok(())
            }
            Self::List => list(ledger).await,
        }
    }
}

impl Add {
    async fn run(self, ledger: &Ledger, config: &Config) -> Result<(), Failure> {
        let email = email::normal(&self.email).ok_or("the e-mail address is none, or not of plain ASCII")?;
        if self.name.trim().is_empty()
            || self.name.chars().count() > 200
            || self.name.contains(char::is_control)
        {
            return Err("a name has 1 to 200 characters".into());
        }
        let home = match (self.role.is_outside(), self.institution) {
            (true, None) => ledger.provider.id(),
            (false, Some(institution)) => institution,
            (true, Some(_)) => return Err("an operator or regulator has no institution".into()),
            (false, None) => {
                return Err("an officer or engineer belongs to an institution: say --institution".into());
            }
        };
        let password_hash = match self.password_stdin {
            true => Some(read_password(&*ledger.world, &email)?),
            false => None,
        };
        let has_password = password_hash.is_some();
        let order = UserOrder { home, email, name: self.name, role: self.role, password_hash };
        let id = add_user(&ledger.recorder, &*ledger.world, By::service(), order).await?;
        println!("user {id}");
        if has_password { Ok(()) } else { invite(ledger, config, id).await }
    }
}

impl Named {
    async fn find(&self, ledger: &Ledger) -> Result<User, Failure> {
        let email = email::normal(&self.email).ok_or("the e-mail address is none")?;
        let user = users::by_email(&mut ledger.db.directory().await?, &email).await?;
        Ok(user.ok_or_else(|| format!("nobody has the address {email}"))?)
    }
}

async fn change(ledger: &Ledger, named: &Named, change: UserChange) -> Result<(), Failure> {
    let id = UserId::from_uuid(named.find(ledger).await?.id);
    ledger.recorder.change(By::service(), Change::AlterUser(id, change), None).await?;
    Ok(())
}

async fn invite(ledger: &Ledger, config: &Config, id: UserId) -> Result<(), Failure> {
    let token = invite_user(&ledger.recorder, &*ledger.world, By::service(), id).await?;
    println!("set password {}/set-password?token={token}", config.http.base_url);
    println!("\nThe link is shown this once, works once, and for three days.");
    Ok(())
}

fn read_password(world: &dyn World, email: &str) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(64 * 1024).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default();
    if let Some(why) = password::fault(password, email) {
        return Err(why.into());
    }
    Ok(password::hash(password, random(world))?)
}

async fn list(ledger: &Ledger) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = users::page(&mut ledger.db.directory().await?, None, after, PAGE).await?;
        for user in &page {
            let home = InstitutionId::from_uuid(user.institution_id);
            let state = match user.disabled_at_us {
                Some(at_us) => format!("disabled {}", rfc3339(at_us)),
                None if user.password_hash.is_none() && user.external_issuer.is_none() => {
                    "invited".to_owned()
                }
                None => "active".to_owned(),
            };
            let by = match (&user.external_issuer, &user.totp_salt) {
                (Some(issuer), _) => format!(" at {issuer}"),
                (None, Some(_)) => " with a second factor".to_owned(),
                (None, None) => String::new(),
            };
            let (id, role) = (UserId::from_uuid(user.id), &user.role);
            println!("{id} {role} {home} {} \"{}\" {state}{by}", user.email, user.name);
        }
        match page.last() {
            Some(last) if page.len() >= usize::try_from(PAGE)? => after = Some(UserId::from_uuid(last.id)),
            _ => return Ok(()),
        }
    }
}
