//! Signing in by e-mail address and password, and setting the password.
//!
//! A wrong password and an address of nobody are answered alike and take alike long. What was tried is recorded:
//! on the log of the person's home, or, if there is no such person, counted on the provider's.

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Context, Door, Session, password,
    session::{Begun, hash_of},
};
use crate::{
    domain::{InstitutionId, Tenant, UserId, email},
    error::{Code, Problem},
    ledger::{
        By,
        command::{Change, Denial, UserChange},
    },
    store::users::{self, User},
    world::random,
};

/// What a right password leads to.
#[derive(Debug)]
pub enum SignedIn {
    /// A session.
    Whole(Begun),
    /// The second factor: what the browser is to keep meanwhile.
    Half(Begun),
}

impl Door {
    /// Signs somebody in by their password.
    ///
    /// # Errors
    /// 403 [`Code::SignInFailed`], which is recorded already; 429 when there were too many tries.
    pub async fn sign_in(
        &self,
        context: &Context,
        address: &str,
        password: SecretString,
        before: Option<&str>,
    ) -> Result<SignedIn, Problem> {
        let account = email::normal(address);
        let taken = self.take_try(context, account.as_deref()).await?;
        let user = match &account {
            Some(account) => users::by_email(&mut self.db.directory().await?, account).await?,
            None => None,
        };
        let stored = user.as_ref().and_then(User::password).map(ToOwned::to_owned);
        let is_right = self.people.is_right(stored, password).await?;
        match user {
            Some(user) if is_right => {
                let signed_in = self.enter(context, &user, before).await;
                self.give_back(taken).await?;
                signed_in
            }
            // A flood of tries from everywhere is the provider's to know: it fills no institution's log.
            user => Err(self.failed(context, user.as_ref().filter(|_| !taken.is_flooded)).await?),
        }
    }

    /// Lets somebody in whose password was right, or asks for their second factor.
    async fn enter(&self, context: &Context, user: &User, before: Option<&str>) -> Result<SignedIn, Problem> {
        if user.totp_salt.is_some() {
            return Ok(SignedIn::Half(self.half(user)));
        }
        match self.begin(context, user, ("password".to_owned(), None), before).await {
            Err(problem) if problem.code == Code::Conflict => Err(self.failed(context, Some(user)).await?),
            begun => begun.map(SignedIn::Whole),
        }
    }

    /// Records that a sign-in failed; what to say of it.
    pub(super) async fn failed(&self, context: &Context, user: Option<&User>) -> Result<Problem, Problem> {
        let problem = Problem::new(
            Code::SignInFailed,
            "The e-mail address or the password is wrong, or the account is disabled.",
        );
        match user {
            None => drop(self.refuse(context, &problem).await?),
            Some(user) => {
                let denial = Denial {
                    actor: UserId::from_uuid(user.id).to_string(),
                    code: problem.code.as_str().to_owned(),
                    count: 1,
                    method: context.method.clone(),
                    path: context.route.clone(),
                    request: None,
                    status: problem.code.status().as_u16(),
                };
                let home = Tenant::vouched(InstitutionId::from_uuid(user.institution_id));
                self.recorder.denied(home, denial).await?;
            }
        }
        Ok(problem)
    }

    /// Sets the password of whoever has a link, if it is good.
    ///
    /// # Errors
    /// 422 for a password that can't be one, 410 for a link that was used or is too old, 429 when there were too
    /// many tries.
    pub async fn set_password_by_link(
        &self,
        context: &Context,
        link: &str,
        password: SecretString,
    ) -> Result<(), Problem> {
        let taken = self.take_try(context, None).await?;
        if self.use_link(context, link, password).await? {
            return self.give_back(taken).await;
        }
        let problem = Problem::new(Code::Expired, "The link was used, or is too old. Ask for another one.");
        self.refuse(context, &problem).await?;
        Err(problem)
    }

    /// Whether a link was good, and the password is set.
    async fn use_link(&self, context: &Context, link: &str, password: SecretString) -> Result<bool, Problem> {
        let Some(invite) = hash_of(link) else { return Ok(false) };
        let now_us = self.world.now_us();
        let user = users::by_invite(&mut self.db.directory().await?, &invite).await?;
        let user = user
            .filter(|user| user.disabled_at_us.is_none())
            .filter(|user| user.invite_until_us.is_some_and(|until_us| until_us > now_us));
        let Some(user) = user else { return Ok(false) };
        fits(&password, &user.email)?;
        let hash = self.people.hash(password, random(&*self.world)).await?;
        let id = UserId::from_uuid(user.id);
        let change = UserChange::SetPassword { hash, invite: Some(invite), checked: None, session: None };
        match self.change_user(context, id, id, change).await {
            Err(problem) if problem.code == Code::Conflict => Ok(false),
            changed => changed.map(|()| true),
        }
    }

    /// Changes the password of who is signed in; all other sessions of theirs end.
    ///
    /// # Errors
    /// 403 when the one of now is wrong, 409 when it was changed since, 422 when the new one can't be one, 429 when
    /// there were too many tries.
    pub async fn change_password(
        &self,
        context: &Context,
        session: &Session,
        (now, new): (SecretString, SecretString),
    ) -> Result<(), Problem> {
        let user = self.check_password(context, session, now).await?;
        fits(&new, &session.email)?;
        let hash = self.people.hash(new, random(&*self.world)).await?;
        let checked = Some(user.credentials());
        let change = UserChange::SetPassword { hash, invite: None, checked, session: Some(session.id) };
        self.change_user(context, session.user, session.user, change).await
    }

    /// Who is signed in, if they know their password: asked again before it, or what stands beside it, changes.
    pub(super) async fn check_password(
        &self,
        context: &Context,
        session: &Session,
        password: SecretString,
    ) -> Result<User, Problem> {
        let taken = self.take_try(context, Some(&session.email)).await?;
        let user = users::get(&mut self.db.directory().await?, session.user).await?;
        let stored = user.as_ref().and_then(User::password).map(ToOwned::to_owned);
        let is_right = self.people.is_right(stored, password).await?;
        match user {
            Some(user) if is_right => {
                self.give_back(taken).await?;
                Ok(user)
            }
            user => {
                self.failed(context, user.as_ref()).await?;
                Err(Problem::new(Code::SignInFailed, "The password is wrong."))
            }
        }
    }

    /// Makes a change of a person and records it.
    pub(super) async fn change_user(
        &self,
        context: &Context,
        by: UserId,
        user: UserId,
        change: UserChange,
    ) -> Result<(), Problem> {
        let by = By { actor: by.to_string(), request: Some(context.request_id.clone()) };
        let recorder = self.recorder.clone();
        Self::whole(async move { recorder.change(by, Change::AlterUser(user, change), None).await }).await?;
        Ok(())
    }
}

fn fits(password: &SecretString, email: &str) -> Result<(), Problem> {
    match password::fault(password.expose_secret(), email) {
        Some(why) => Err(Problem::member("/password", "unfit_password", why)),
        None => Ok(()),
    }
}
