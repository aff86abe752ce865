//! People who sign in to the portal.

use super::{Connection, StoreError};
use crate::domain::id::{InstitutionId, UserId};

/// A person's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: uuid::Uuid,
    /// Whose employee.
    pub institution_id: uuid::Uuid,
    /// By which they sign in, in lower case.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their part, by its name.
    pub role: String,
    /// Argon2id, as a PHC string.
    pub password_hash: Option<String>,
    /// SHA-256 of the link by which they may set a password.
    pub invite_sha256: Option<Vec<u8>>,
    /// Until when, in microseconds since the Unix epoch.
    pub invite_until_us: Option<i64>,
    /// What their second factor's secret is derived from, once it is confirmed.
    pub totp_salt: Option<Vec<u8>>,
    /// The last time step whose code was taken.
    pub totp_step: Option<i64>,
    /// The issuer that they sign in at, by its name in the configuration.
    pub external_issuer: Option<String>,
    /// What that issuer calls them.
    pub external_subject: Option<String>,
    /// When they were added, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When they were disabled.
    pub disabled_at_us: Option<i64>,
}

from_row!(User {
    id,
    institution_id,
    email,
    name,
    role,
    password_hash,
    invite_sha256,
    invite_until_us,
    totp_salt,
    totp_step,
    external_issuer,
    external_subject,
    created_at_us,
    disabled_at_us
});

/// What somebody proves who they are by. What was checked against it counts as long as it is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    password_hash: Option<String>,
    totp_salt: Option<Vec<u8>>,
    external: (Option<String>, Option<String>),
}

impl User {
    /// What they prove who they are by.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials {
            password_hash: self.password_hash.clone(),
            totp_salt: self.totp_salt.clone(),
            external: (self.external_issuer.clone(), self.external_subject.clone()),
        }
    }

    /// The hash of the password that they sign in by: none for who may not, or does so at an issuer.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        let is_by_password = self.disabled_at_us.is_none() && self.external_issuer.is_none();
        self.password_hash.as_deref().filter(|_| is_by_password)
    }

    /// Makes them sign in at an issuer and nowhere else: no password, no link to set one, no second factor here.
    pub fn link(&mut self, issuer: String, subject: String) {
        self.external_issuer = Some(issuer);
        self.external_subject = Some(subject);
        self.password_hash = None;
        self.invite_sha256 = None;
        self.invite_until_us = None;
        self.totp_salt = None;
    }

    /// Has them sign in at an issuer no longer; which one it was, and what it called them.
    pub fn unlink(&mut self) -> Option<(String, Option<String>)> {
        let issuer = self.external_issuer.take()?;
        Some((issuer, self.external_subject.take()))
    }
}

/// A code of a second factor that is good once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// By time, of this step.
    Step(i64),
    /// One that stands in, by its SHA-256.
    Recovery([u8; 32]),
}

const SELECT: &str = "SELECT id, institution_id, email, name, role, password_hash, invite_sha256, \
                      invite_until_us, totp_salt, totp_step, external_issuer, external_subject, \
                      created_at_us, disabled_at_us FROM users";

/// Adds a person.
pub async fn insert(connection: &mut Connection, row: &User) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO users (id, institution_id, email, name, role, password_hash, invite_sha256, \
             invite_until_us, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(row.id)
        .bind(row.institution_id)
        .bind(&row.email)
        .bind(&row.name)
        .bind(&row.role)
        .bind(row.password_hash.as_deref())
        .bind(row.invite_sha256.as_deref())
        .bind(row.invite_until_us)
        .bind(row.created_at_us)
    )?;
    Ok(())
}

/// Writes what can be changed of a person, but for the time step.
pub async fn update(connection: &mut Connection, row: &User) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE users SET password_hash = $2, invite_sha256 = $3, invite_until_us = $4, totp_salt = $5, \
             external_issuer = $6, external_subject = $7, disabled_at_us = $8 WHERE id = $1",
        )
        .bind(row.id)
        .bind(row.password_hash.as_deref())
        .bind(row.invite_sha256.as_deref())
        .bind(row.invite_until_us)
        .bind(row.totp_salt.as_deref())
        .bind(row.external_issuer.as_deref())
        .bind(row.external_subject.as_deref())
        .bind(row.disabled_at_us)
    )?;
    Ok(())
}

/// Notes the first step whose code was taken of a new secret.
pub async fn put_step(connection: &mut Connection, id: UserId, step: i64) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query("UPDATE users SET totp_step = $2 WHERE id = $1").bind(id.uuid()).bind(step)
    )?;
    Ok(())
}

/// Takes a time step's code; `false` if it, or a later one, was taken before.
async fn take_step(connection: &mut Connection, id: UserId, step: i64) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "UPDATE users SET totp_step = $2 WHERE id = $1 AND (totp_step IS NULL OR totp_step < $2)"
        )
        .bind(id.uuid())
        .bind(step)
    )?;
    Ok(done == 1)
}

/// Uses up a code; `false` if it was used before, or is none of theirs.
pub async fn use_code(connection: &mut Connection, id: UserId, code: &Code) -> Result<bool, StoreError> {
    match code {
        Code::Step(step) => take_step(connection, id, *step).await,
        Code::Recovery(sha256) => use_recovery_code(connection, id, sha256).await,
    }
}

/// One person, disabled ones included.
pub async fn get(connection: &mut Connection, id: UserId) -> Result<Option<User>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id.uuid())
    )
}

/// The person who signs in by an e-mail address, disabled ones included.
pub async fn by_email(connection: &mut Connection, email: &str) -> Result<Option<User>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE email = $1"))).bind(email)
    )
}

/// The person whom a link lets set a password.
pub async fn by_invite(connection: &mut Connection, sha256: &[u8]) -> Result<Option<User>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE invite_sha256 = $1"))).bind(sha256)
    )
}

/// The person whom an issuer knows by this name.
pub async fn by_external(
    connection: &mut Connection,
    issuer: &str,
    subject: &str,
) -> Result<Option<User>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE external_issuer = $1 AND external_subject = $2"
        )))
        .bind(issuer)
        .bind(subject)
    )
}

/// People with an id above `after`, by id; of one home, or of all.
pub async fn page(
    connection: &mut Connection,
    home: Option<InstitutionId>,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE ($1 IS NULL OR institution_id = $1) AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
        )))
        .bind(home.map(|id| id.uuid()))
        .bind(after.map(|id| id.uuid()))
        .bind(limit)
    )
}

/// Puts codes in the place of the ones that a person had.
pub async fn put_recovery_codes(
    connection: &mut Connection,
    id: UserId,
    hashes: &[[u8; 32]],
) -> Result<(), StoreError> {
    execute!(connection, sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(id.uuid()))?;
    for hash in hashes {
        execute!(
            connection,
            sqlx::query("INSERT INTO recovery_codes (user_id, sha256) VALUES ($1, $2)")
                .bind(id.uuid())
                .bind(hash.as_slice())
        )?;
    }
    Ok(())
}

/// Uses up a code that stands in; `false` if the person has no such code.
async fn use_recovery_code(
    connection: &mut Connection,
    id: UserId,
    sha256: &[u8],
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1 AND sha256 = $2")
            .bind(id.uuid())
            .bind(sha256)
    )?;
    Ok(done == 1)
}

/// How many codes a person has left.
pub async fn recovery_codes(connection: &mut Connection, id: UserId) -> Result<i64, StoreError> {
    fetch_one!(
        connection,
        sqlx::query_scalar("SELECT count(*) FROM recovery_codes WHERE user_id = $1").bind(id.uuid())
    )
}
