//! The second factor: a code by time (RFC 6238), asked after the password, and codes that stand in for it once.
//!
//! A secret is derived from a random salt and a key that is not in the database, so that who reads the database
//! has no second factors. Codes that stand in are stored by their hashes.
//!
//! Setting one up leaves nothing behind until it is confirmed: what was begun is sealed into the page that shows the
//! secret, which is shown that once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _, digest::InvalidLength};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Context, Door, Session, session::Begun, totp};
use crate::{
    domain::UserId,
    error::{Code, Problem},
    keys::Seed,
    ledger::{
        RecordError,
        command::{Rows, UserChange},
    },
    store::users::{self, User},
    world::random,
};

/// The cookie between the password and the code.
pub const HALF_COOKIE: &str = "__Host-sign-in";
/// Seconds for that.
const HALF_S: i64 = 300;
/// Seconds for setting one up.
const SET_UP_S: i64 = 900;
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

    /// What a set-up that was begun is sealed with: it ends with its time, its session, the password, and the second
    /// factor that it is to replace.
    fn seal_set_up(&self, user: &User, session: &Session, (salt, until_s): (&[u8; 32], i64)) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"set up\0");
        mac.update(user.id.as_bytes());
        mac.update(&session.id);
        mac.update(salt);
        mac.update(&until_s.to_be_bytes());
        mac.update(&[u8::from(user.totp_salt.is_some())]);
        mac.update(user.totp_salt.as_deref().unwrap_or_default());
        mac.update(user.password_hash.as_deref().unwrap_or_default().as_bytes());
        mac
    }
}

/// What an authenticator app is told, this once.
#[derive(Debug)]
pub struct Setup {
    /// The secret, in Base32.
    pub secret: String,
    /// The same as a URI, for a QR code.
    pub uri: String,
    /// What the confirmation brings along: sealed, and nothing to begin with for others.
    pub begun: String,
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
            .filter(|user| user.password().is_some())
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
        let taken = self.take_try(context, None).await?;
        let (factors, code) = self.check_code(context, &user, code).await?.ok_or_else(over)?;
        match self.begin(context, &user, (factors, Some(code)), before).await {
            Err(problem) if problem.code == Code::Conflict => Err(self.wrong_code(context, &user).await?),
            Err(problem) => Err(problem),
            Ok(begun) => {
                self.forget_codes(UserId::from_uuid(user.id)).await?;
                self.give_back(taken).await?;
                Ok(begun)
            }
        }
    }

    /// What a code of somebody's second factor is good for, if they have one; it is counted before it is looked at.
    async fn check_code(
        &self,
        context: &Context,
        user: &User,
        code: &str,
    ) -> Result<Option<(String, users::Code)>, Problem> {
        if user.totp_salt.is_none() {
            return Ok(None);
        }
        self.take_code(UserId::from_uuid(user.id)).await?;
        match self.factor_of(user, code) {
            Some(found) => Ok(Some(found)),
            None => Err(self.wrong_code(context, user).await?),
        }
    }

    /// Records that a code was wrong; what to say of it.
    async fn wrong_code(&self, context: &Context, user: &User) -> Result<Problem, Problem> {
        self.failed(context, Some(user)).await?;
        let why = "The code is wrong, or was used before. Wait for the next one.";
        Ok(Problem::new(Code::SignInFailed, why))
    }

    /// By what a code is good: by time, or as one that stands in.
    fn factor_of(&self, user: &User, code: &str) -> Option<(String, users::Code)> {
        let plain: String = code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let secret = self.people.factors.secret(UserId::from_uuid(user.id), user.totp_salt.as_deref()?);
        if let Some(step) = totp::step_of(&secret, &plain, now_s) {
            return Some(("password totp".to_owned(), users::Code::Step(step)));
        }
        (plain.len() == 16).then(|| {
            let hash = Sha256::digest(plain.to_ascii_uppercase()).into();
            ("password recovery".to_owned(), users::Code::Recovery(hash))
        })
    }

    /// Begins to set up a second factor; the one of now, if there is one, is asked for, and counts until the new one
    /// is confirmed.
    ///
    /// # Errors
    /// As [`check_password`](Self::check_password); 403 also when the code is wrong.
    pub async fn begin_second_factor(
        &self,
        context: &Context,
        session: &Session,
        (password, code): (SecretString, &str),
    ) -> Result<Setup, Problem> {
        let user = self.check_password(context, session, password).await?;
        let (factors, code) = match self.check_code(context, &user, code).await? {
            Some((factors, code)) => (factors, Some(code)),
            None => ("password".to_owned(), None),
        };
        let had = code.is_some();
        let (id, checked) = (session.user, user.credentials());
        let said = json!({"action": "user.begin_second_factor", "factors": factors});
        let rows: Rows = Box::new(move |connection, _| {
            Box::pin(async move {
                let user = users::get(connection, id).await?;
                if user.is_none_or(|user| user.credentials() != checked) {
                    return Err(RecordError::Conflict("what was checked was changed meanwhile"));
                }
                if let Some(code) = code
                    && !users::use_code(connection, id, &code).await?
                {
                    return Err(RecordError::Conflict("the code was used before"));
                }
                Ok(())
            })
        });
        match self.file_of(context, (id, session.home), &said, rows).await {
            Err(problem) if problem.code == Code::Conflict => {
                return Err(self.wrong_code(context, &user).await?);
            }
            filed => filed?,
        }
        if had {
            self.forget_codes(id).await?;
        }
        Ok(self.set_up(&user, session))
    }

    /// A new secret, for who was checked.
    fn set_up(&self, user: &User, session: &Session) -> Setup {
        let salt: [u8; 32] = random(&*self.world);
        let until_s = self.world.now_us().div_euclid(1_000_000) + SET_UP_S;
        let factors = &self.people.factors;
        let tag = factors.seal_set_up(user, session, (&salt, until_s)).finalize().into_bytes();
        let begun = URL_SAFE_NO_PAD.encode([salt.as_slice(), &until_s.to_be_bytes(), &tag].concat());
        let secret = totp::base32(&factors.secret(session.user, &salt));
        let account: String = form_urlencoded::byte_serialize(session.email.as_bytes()).collect();
        let uri = format!(
            "otpauth://totp/Veritrail:{account}?secret={secret}&issuer=Veritrail&algorithm=SHA1&digits=6&period=30"
        );
        Setup { secret, uri, begun }
    }

    /// What the secret of a set-up is derived from, if it was begun by this person in this session and still holds.
    fn begun_by(&self, user: &User, session: &Session, begun: &str) -> Option<[u8; 32]> {
        let sealed = URL_SAFE_NO_PAD.decode(begun).ok()?;
        let (salt, rest) = sealed.split_first_chunk::<32>()?;
        let (until_s, tag) = rest.split_first_chunk::<8>()?;
        let until_s = i64::from_be_bytes(*until_s);
        let is_in_time = until_s > self.world.now_us().div_euclid(1_000_000);
        let seal = self.people.factors.seal_set_up(user, session, (salt, until_s));
        (is_in_time && seal.verify_slice(tag).is_ok()).then_some(*salt)
    }

    /// Confirms a second factor that was begun by its first code; the codes that stand in for it, which are shown
    /// this once.
    ///
    /// # Errors
    /// 403 when the code is wrong, 409 when nothing was begun or what was begun holds no longer, 429 when there were
    /// too many tries.
    pub async fn confirm_second_factor(
        &self,
        context: &Context,
        session: &Session,
        (begun, code): (&str, &str),
    ) -> Result<Vec<String>, Problem> {
        let again = || Problem::new(Code::Conflict, "nothing was begun, or too long ago; begin again");
        let user = users::get(&mut self.db.directory().await?, session.user).await?.ok_or_else(again)?;
        let salt = self.begun_by(&user, session, begun).ok_or_else(again)?;
        self.take_code(session.user).await?;
        let secret = self.people.factors.secret(session.user, &salt);
        let plain: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let Some(step) = totp::step_of(&secret, &plain, now_s) else {
            return Err(self.wrong_code(context, &user).await?);
        };
        let codes: Vec<String> =
            (0..RECOVERY_CODES).map(|_| totp::base32(&random::<10>(&*self.world))).collect();
        let recovery = codes.iter().map(|code| Sha256::digest(code).into()).collect();
        let (checked, keep) = (user.credentials(), Some(session.id));
        let change = UserChange::ConfirmSecondFactor { salt, checked, step, recovery, session: keep };
        self.change_user(context, session.user, session.user, change).await?;
        self.forget_codes(session.user).await?;
        Ok(codes)
    }

    /// Goes on without a second factor, by a code of it. All sessions end, this one too.
    ///
    /// # Errors
    /// As [`check_password`](Self::check_password); 403 also when the code is wrong, 409 when there is none.
    pub async fn drop_second_factor(
        &self,
        context: &Context,
        session: &Session,
        (password, code): (SecretString, &str),
    ) -> Result<(), Problem> {
        let user = self.check_password(context, session, password).await?;
        let none = || Problem::new(Code::Conflict, "there is no second factor");
        let (_, code) = self.check_code(context, &user, code).await?.ok_or_else(none)?;
        let change = UserChange::DropSecondFactor(Some((user.credentials(), code)));
        match self.change_user(context, session.user, session.user, change).await {
            Err(problem) if problem.code == Code::Conflict => Err(self.wrong_code(context, &user).await?),
            dropped => dropped,
        }
    }
}
