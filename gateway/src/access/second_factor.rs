//! The second factor: a code by time (RFC 6238), asked after the password, and codes that stand in for it once.
//!
//! A secret is derived from a random salt and a key that is not in the database, so that who reads the database
//! has no second factors. Codes that stand in are stored by their hashes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _, digest::InvalidLength};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::{
    Context, Door, Session,
    session::{Begun, UsedUp},
    totp,
};
use crate::{
    domain::{Tenant, UserId},
    error::{Code, Problem},
    keys::Seed,
    ledger::command::{Rows, UserChange},
    store::users::{self, User},
    world::random,
};

/// The cookie between the password and the code.
pub const HALF_COOKIE: &str = "__Host-sign-in";
/// Seconds for that.
const HALF_S: i64 = 300;
/// Codes that stand in for a lost second factor.
const RECOVERY_CODES: usize = 10;

/// The key that second factors are derived from, and that half a sign-in is sealed with.
pub(super) struct Factors(Hmac<Sha256>);

impl Factors {
    pub(super) fn new(secret: &Seed) -> Result<Self, InvalidLength> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose())?;
        mac.update(b"veritrail people\0");
        Hmac::new_from_slice(&mac.finalize().into_bytes()).map(Self)
    }

    fn secret(&self, user: UserId, salt: &[u8]) -> [u8; 20] {
        let mut mac = self.0.clone();
        mac.update(b"totp\0");
        mac.update(user.uuid().as_bytes());
        mac.update(salt);
        let mut secret = [0; 20];
        secret.copy_from_slice(&mac.finalize().into_bytes()[..20]);
        secret
    }

    /// What a half sign-in is sealed with: it ends with its time, and with the password.
    fn seal(&self, user: &User, until_s: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"half\0");
        mac.update(user.id.as_bytes());
        mac.update(&until_s.to_be_bytes());
        mac.update(user.password_hash.as_deref().unwrap_or_default().as_bytes());
        mac
    }
}

/// What an authenticator app is told.
#[derive(Debug)]
pub struct Setup {
    /// The secret, in Base32.
    pub secret: String,
    /// The same as a URI, for a QR code.
    pub uri: String,
}

impl Door {
    /// Half a sign-in: the password was right, and the code is to come.
    pub(super) fn half(&self, user: &User) -> Begun {
        let until_s = self.world.now_us().div_euclid(1_000_000) + HALF_S;
        let tag = self.people.factors.seal(user, until_s).finalize().into_bytes();
        let sealed = [user.id.as_bytes().as_slice(), &until_s.to_be_bytes(), &tag].concat();
        Begun { cookie: URL_SAFE_NO_PAD.encode(sealed), max_age_s: HALF_S }
    }

    /// Whose half a sign-in is, if it still holds.
    async fn half_of(&self, cookie: &str) -> Result<Option<User>, Problem> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).unwrap_or_default();
        let parts = sealed.split_first_chunk::<16>().and_then(|(id, rest)| {
            let (until_s, tag) = rest.split_first_chunk::<8>()?;
            Some((UserId::from_uuid(uuid::Uuid::from_bytes(*id)), i64::from_be_bytes(*until_s), tag))
        });
        let Some((id, until_s, tag)) = parts else { return Ok(None) };
        if until_s <= self.world.now_us().div_euclid(1_000_000) {
            return Ok(None);
        }
        let user = users::get(&mut self.db.directory().await?, id).await?;
        Ok(user
            .filter(|user| user.disabled_at_us.is_none())
            .filter(|user| self.people.factors.seal(user, until_s).verify_slice(tag).is_ok()))
    }

    /// Signs somebody in by their code, after their password.
    ///
    /// # Errors
    /// 403 [`Code::SignInFailed`], which is recorded already; 410 when the password is to be given again; 429
    /// when there were too many tries.
    pub async fn sign_in_by_code(
        &self,
        context: &Context,
        half: &str,
        code: &str,
        before: Option<&str>,
    ) -> Result<Begun, Problem> {
        let over = || Problem::new(Code::Expired, "This took too long. Sign in again.");
        let user = self.half_of(half).await?.ok_or_else(over)?;
        self.people.take_try(Some(&user.email), context.address, self.world.now_us())?;
        let how = self.factor_of(&user, code);
        let begun = match how {
            Some(how) => self.begin(context, &user, how, before).await,
            None => Err(Problem::new(Code::Conflict, "the code is wrong")),
        };
        match begun {
            Err(problem) if problem.code == Code::Conflict => {
                self.failed(context, Some(&user)).await?;
                let why = "The code is wrong, or was used before. Wait for the next one.";
                Err(Problem::new(Code::SignInFailed, why))
            }
            Err(problem) => Err(problem),
            Ok(begun) => {
                self.people.give_back(Some(&user.email), context.address);
                Ok(begun)
            }
        }
    }

    /// By what a code is good: by time, or as one that stands in.
    fn factor_of(&self, user: &User, code: &str) -> Option<(String, UsedUp)> {
        let plain: String = code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let secret = self.people.factors.secret(UserId::from_uuid(user.id), user.totp_salt.as_deref()?);
        if let Some(step) = totp::step_of(&secret, &plain, now_s) {
            return Some(("password totp".to_owned(), UsedUp::Step(step)));
        }
        (plain.len() == 16).then(|| {
            let hash = Sha256::digest(plain.to_ascii_uppercase()).into();
            ("password recovery".to_owned(), UsedUp::Recovery(hash))
        })
    }

    /// Begins to set up a second factor; the one of now, if there is one, counts until the new one is confirmed.
    ///
    /// # Errors
    /// As [`check_password`](Self::check_password).
    pub async fn begin_second_factor(
        &self,
        context: &Context,
        session: &Session,
        password: SecretString,
    ) -> Result<(), Problem> {
        self.check_password(context, session, password).await?;
        let (user, salt): (_, [u8; 32]) = (session.user, random(&*self.world));
        let rows: Rows = Box::new(move |connection, _| {
            Box::pin(async move { Ok(users::begin_second_factor(connection, user, &salt).await?) })
        });
        let (recorder, home) = (self.recorder.clone(), Tenant::vouched(session.home));
        Self::whole(async move { recorder.store(home, rows).await }).await
    }

    /// What an authenticator app is to be told, of a second factor that was begun.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn second_factor_begun(&self, session: &Session) -> Result<Option<Setup>, Problem> {
        let user = users::get(&mut self.db.directory().await?, session.user).await?;
        Ok(user.and_then(|user| user.totp_pending).map(|salt| {
            let secret = totp::base32(&self.people.factors.secret(session.user, &salt));
            let account: String = form_urlencoded::byte_serialize(session.email.as_bytes()).collect();
            let uri = format!(
                "otpauth://totp/Veritrail:{account}?secret={secret}&issuer=Veritrail&algorithm=SHA1&digits=6&period=30"
            );
            Setup { secret, uri }
        }))
    }

    /// Confirms a second factor by its first code; the codes that stand in for it, which are shown this once.
    ///
    /// # Errors
    /// 403 when the code is wrong, 409 when it was used or nothing was begun, 429 when there were too many tries.
    pub async fn confirm_second_factor(
        &self,
        context: &Context,
        session: &Session,
        code: &str,
    ) -> Result<Vec<String>, Problem> {
        let now_us = self.world.now_us();
        self.people.take_try(Some(&session.email), context.address, now_us)?;
        let user = users::get(&mut self.db.directory().await?, session.user).await?;
        let salt = user.as_ref().and_then(|user| user.totp_pending.as_deref()?.try_into().ok());
        let salt: [u8; 32] =
            salt.ok_or_else(|| Problem::new(Code::Conflict, "nothing was begun; begin again"))?;
        let secret = self.people.factors.secret(session.user, &salt);
        let plain: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let Some(step) = totp::step_of(&secret, &plain, now_us.div_euclid(1_000_000)) else {
            self.failed(context, user.as_ref()).await?;
            return Err(Problem::new(Code::SignInFailed, "The code is wrong. Wait for the next one."));
        };
        let codes: Vec<String> =
            (0..RECOVERY_CODES).map(|_| totp::base32(&random::<10>(&*self.world))).collect();
        let recovery = codes.iter().map(|code| Sha256::digest(code).into()).collect();
        let change = UserChange::ConfirmSecondFactor { salt, step, recovery, session: Some(session.id) };
        self.change_user(context, session.user, session.user, change).await?;
        self.people.give_back(Some(&session.email), context.address);
        Ok(codes)
    }

    /// Goes on without a second factor. All sessions end, this one too.
    ///
    /// # Errors
    /// As [`check_password`](Self::check_password); 409 when there is none.
    pub async fn drop_second_factor(
        &self,
        context: &Context,
        session: &Session,
        password: SecretString,
    ) -> Result<(), Problem> {
        self.check_password(context, session, password).await?;
        self.change_user(context, session.user, session.user, UserChange::DropSecondFactor).await
    }
}
