//! Signing in at another issuer: OpenID Connect Core 1.0, by the authorization code flow with PKCE (RFC 7636).
//!
//! Who signs in was added beforehand: nobody registers himself. The first time they are known by an e-mail address
//! that the issuer has verified; from then on by the issuer's `sub` alone, and by no password here. An issuer speaks
//! for the people of the homes that it is configured for, and for nobody else's.
//!
//! What is remembered between leaving and coming back is in a cookie of the browser that left: nobody else's
//! browser can come back with it (RFC 9700 section 4.7).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    Context, Door,
    issuers::{IdTokens, can_be_registered},
    session::Begun,
};
use crate::{
    domain::{InstitutionId, Role, UserId, email},
    error::{Code, Problem},
    ledger::command::UserChange,
    store::users::{self, User},
    world::random,
};

/// The cookie between leaving and coming back.
pub const LEFT_COOKIE: &str = "__Host-oidc";
/// Seconds for that.
const LEFT_S: i64 = 600;
/// Most characters of a code.
const CODE_MAX: usize = 4096;

/// Whose people an issuer speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Homes {
    /// An institution's.
    One(InstitutionId),
    /// The provider's own: operators.
    Provider,
    /// Regulators whose e-mail addresses are of these domains, in lower case: a supervisor's, and not those of another.
    Regulators(Vec<String>),
    /// Everybody's.
    Any,
}

impl Homes {
    /// Whether somebody is among them.
    fn has(&self, user: &User) -> bool {
        match self {
            Self::Any => true,
            Self::Provider => user.role == Role::Operator.as_str(),
            Self::Regulators(domains) => {
                let domain = user.email.rsplit_once('@').map_or("", |(_, domain)| domain);
                user.role == Role::Regulator.as_str() && domains.iter().any(|one| one == domain)
            }
            Self::One(one) => InstitutionId::from_uuid(user.institution_id) == *one,
        }
    }
}

/// An issuer that people sign in at.
pub struct Issuer {
    /// Its name in the configuration.
    pub name: String,
    /// What people know it by.
    pub label: String,
    /// Whose people.
    pub homes: Homes,
    /// What we are called there.
    pub client_id: String,
    /// What we prove that by.
    pub client_secret: SecretString,
    /// What is asked for.
    pub scope: String,
    /// Where people come back to.
    pub redirect_uri: String,
    /// Its metadata and its keys.
    pub tokens: IdTokens,
}

/// Who leaves, and where to.
#[derive(Debug)]
pub struct Leaving {
    /// The issuer's page.
    pub to: String,
    /// What the browser is to keep.
    pub cookie: Begun,
}

/// What came back.
#[derive(Debug)]
pub struct Back<'a> {
    /// The issuer whose way back it came by.
    pub came_to: &'a str,
    /// The cookie of who left.
    pub cookie: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `code`.
    pub code: &'a str,
    /// `iss` (RFC 9207).
    pub issuer: Option<&'a str>,
}

fn failed() -> Problem {
    Problem::new(
        Code::SignInFailed,
        "You could not be signed in there. Try again, or ask whoever manages access at your institution.",
    )
}

fn away(why: String) -> Problem {
    let mut problem =
        Problem::new(Code::Unavailable, "The issuer cannot be asked now. Try again in a moment.");
    problem.cause = Some(why);
    problem.retry_after_s = Some(5);
    problem
}

impl Door {
    /// The issuers that people sign in at, by name and label.
    pub fn sign_in_issuers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.people.issuers.iter().map(|issuer| (issuer.name.as_str(), issuer.label.as_str()))
    }

    fn issuer(&self, name: &str) -> Result<&Issuer, Problem> {
        self.people.issuers.iter().find(|issuer| issuer.name == name).ok_or_else(Problem::not_found)
    }

    /// Sends somebody to an issuer.
    ///
    /// # Errors
    /// 404 when there is no such issuer, 503 when it can't be asked where.
    pub async fn leave_for(&self, name: &str, next: &str) -> Result<Leaving, Problem> {
        let issuer = self.issuer(name)?;
        let metadata = issuer.tokens.metadata().await.map_err(away)?;
        let endpoint = metadata["authorization_endpoint"].as_str();
        let endpoint = endpoint.ok_or_else(|| away("it names no authorization_endpoint".to_owned()))?;
        let mut to = reqwest::Url::parse(endpoint).map_err(|error| away(error.to_string()))?;
        let fresh = || URL_SAFE_NO_PAD.encode(random::<32>(&*self.world));
        let (state, nonce, verifier) = (fresh(), fresh(), fresh());
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &issuer.client_id)
            .append_pair("redirect_uri", &issuer.redirect_uri)
            .append_pair("scope", &issuer.scope)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)))
            .append_pair("code_challenge_method", "S256");
        let next = URL_SAFE_NO_PAD.encode(next);
        let cookie = format!("{name}.{state}.{nonce}.{verifier}.{next}");
        Ok(Leaving { to: to.into(), cookie: Begun { cookie, max_age_s: LEFT_S } })
    }

    /// Signs somebody in who comes back from an issuer; and where they were going.
    ///
    /// # Errors
    /// 403 [`Code::SignInFailed`], which is recorded already; 429 when there were too many tries; 503 when the
    /// issuer can't be asked.
    pub async fn come_back(
        &self,
        context: &Context,
        back: Back<'_>,
        before: Option<&str>,
    ) -> Result<(Begun, String), Problem> {
        let taken = self.take_try(context, None).await?;
        let (said, next) = match self.said_by_issuer(&back).await {
            Ok(said) => said,
            Err(problem) if problem.code == Code::SignInFailed => {
                tracing::info!(request_id = context.request_id, cause = problem.cause, "a sign-in failed");
                self.refuse(context, &problem).await?;
                return Err(problem);
            }
            Err(problem) => return Err(problem),
        };
        let Some(user) = self.known_to(&said).await? else {
            self.refuse(context, &failed()).await?;
            return Err(failed());
        };
        let Some(begun) = self.let_in(context, &said, &user, before).await? else {
            self.failed(context, Some(&user)).await?;
            return Err(failed());
        };
        self.give_back(taken).await?;
        Ok((begun, next))
    }

    /// What an issuer says of who comes back, and where they were going.
    async fn said_by_issuer(&self, back: &Back<'_>) -> Result<(Said<'_>, String), Problem> {
        let wrong = |why: &str| {
            let mut problem = failed();
            problem.cause = Some(why.to_owned());
            problem
        };
        let parts: Vec<&str> = back.cookie.split('.').collect();
        let [name, state, nonce, verifier, next] = parts[..] else {
            return Err(wrong("nobody left from this browser"));
        };
        let issuer = self.issuer(name).map_err(|_| wrong("there is no such issuer any longer"))?;
        if !bool::from(state.as_bytes().ct_eq(back.state.as_bytes())) || state.is_empty() {
            return Err(wrong("the state is another"));
        }
        // Another issuer's answer must not be taken to this one (RFC 9700 section 4.4.2.2).
        if back.came_to != name {
            return Err(wrong("this is where others come back to"));
        }
        match back.issuer {
            Some(given) if given != issuer.tokens.url() => return Err(wrong("another issuer answers")),
            Some(_) => {}
            // RFC 9207 section 2.4: who says that it names itself does so in every answer.
            None => {
                let metadata = issuer.tokens.metadata().await.map_err(away)?;
                if metadata["authorization_response_iss_parameter_supported"] == Value::Bool(true) {
                    return Err(wrong("the answer does not name its issuer"));
                }
            }
        }
        if back.code.is_empty() || back.code.len() > CODE_MAX {
            return Err(wrong("there is no code"));
        }
        let form = [
            ("grant_type", "authorization_code"),
            ("code", back.code),
            ("redirect_uri", issuer.redirect_uri.as_str()),
            ("code_verifier", verifier),
        ];
        let client = (issuer.client_id.as_str(), issuer.client_secret.expose_secret());
        let answer = issuer.tokens.exchange(client, &form).await.map_err(away)?;
        let token = answer["id_token"].as_str().ok_or_else(|| wrong("there is no id_token"))?;
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let claims = issuer.tokens.verify(token, (&issuer.client_id, nonce), now_s).await;
        let claims = claims.map_err(|fault| wrong(&fault))?;
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        if !can_be_registered(&subject) {
            return Err(wrong("its sub is none"));
        }
        let address = claims["email"].as_str().filter(|_| claims["email_verified"] == Value::Bool(true));
        let next = URL_SAFE_NO_PAD.decode(next).ok().and_then(|next| String::from_utf8(next).ok());
        let said = Said { issuer, subject, email: address.and_then(email::normal) };
        Ok((said, next.unwrap_or_default()))
    }

    /// Who that is: as they are known there, or, the first time, by their e-mail address.
    async fn known_to(&self, said: &Said<'_>) -> Result<Option<User>, Problem> {
        let mut reader = self.db.directory().await?;
        let known = users::by_external(&mut reader, &said.issuer.name, &said.subject).await?;
        let user = match (known, &said.email) {
            (Some(user), _) => Some(user),
            (None, Some(email)) => users::by_email(&mut reader, email).await?.filter(may_be_linked),
            (None, None) => None,
        };
        Ok(user.filter(|user| said.issuer.homes.has(user)))
    }

    /// Begins a session, and remembers whom the issuer means by its `sub`; none when they may not.
    async fn let_in(
        &self,
        context: &Context,
        said: &Said<'_>,
        user: &User,
        before: Option<&str>,
    ) -> Result<Option<Begun>, Problem> {
        let (id, mut user) = (UserId::from_uuid(user.id), user.clone());
        if user.external_issuer.is_none() && user.disabled_at_us.is_none() {
            let (issuer, subject) = (said.issuer.name.clone(), said.subject.clone());
            let checked = Some(user.credentials());
            let link = UserChange::LinkIssuer { issuer: issuer.clone(), subject: subject.clone(), checked };
            match self.change_user(context, id, id, link).await {
                Err(problem) if problem.code == Code::Conflict => return Ok(None),
                linked => linked?,
            }
            user.link(issuer, subject);
        }
        let how = (format!("oidc {}", said.issuer.name), None);
        match self.begin(context, &user, how, before).await {
            Err(problem) if problem.code == Code::Conflict => Ok(None),
            begun => begun.map(Some),
        }
    }
}

/// Whether an e-mail address is enough to be known by at an issuer from then on: not for an operator, and not
/// where somebody has a password or a second factor already. `veritrail user link` says so for these.
fn may_be_linked(user: &User) -> bool {
    user.external_issuer.is_none()
        && user.password_hash.is_none()
        && user.totp_salt.is_none()
        && user.role != Role::Operator.as_str()
}

/// What an issuer says of somebody, believed.
struct Said<'a> {
    issuer: &'a Issuer,
    subject: String,
    /// Their e-mail address, if the issuer has verified it.
    email: Option<String>,
}
