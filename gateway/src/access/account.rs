//! What somebody who is signed in sees of their own account.

use serde_json::json;

use super::{Context, Door, Session};
use crate::{
    error::Problem,
    ledger::command::Rows,
    store::{sessions, users},
};

/// An account.
#[derive(Debug)]
pub struct Account {
    /// Whether there is a password.
    pub has_password: bool,
    /// The issuer that they sign in at.
    pub issuer: Option<String>,
    /// How many codes are left that stand in for the second factor.
    pub recovery_codes: i64,
    /// Sessions that go on, the newest first.
    pub sessions: Vec<Open>,
}

/// A session of one's own.
#[derive(Debug)]
pub struct Open {
    /// What it is ended by: a hash, good for nothing else.
    pub id: String,
    /// Whether it is the one of now.
    pub is_this: bool,
    /// When it began, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it was last used, to a minute or so.
    pub seen_at_us: i64,
    /// By what.
    pub factors: String,
    /// From where.
    pub address: String,
}

impl Door {
    /// Somebody's own account.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn account(&self, session: &Session) -> Result<Account, Problem> {
        let now_us = self.world.now_us();
        let mut reader = self.db.directory().await?;
        let user = users::get(&mut reader, session.user).await?.ok_or_else(Problem::not_found)?;
        let since_us = now_us - self.people.settings.idle_us;
        let open = sessions::of(&mut reader, session.user, since_us, now_us).await?;
        let recovery_codes = users::recovery_codes(&mut reader, session.user).await?;
        let sessions = open.into_iter().map(|row| Open {
            is_this: row.id_sha256 == session.id,
            id: hex(&row.id_sha256),
            created_at_us: row.created_at_us,
            seen_at_us: row.seen_at_us,
            factors: row.factors,
            address: row.address,
        });
        Ok(Account {
            has_password: user.password().is_some(),
            issuer: user.external_issuer,
            recovery_codes,
            sessions: sessions.collect(),
        })
    }

    /// Ends one of somebody's other sessions, or all of them. One that is not theirs, or not there, is left alone.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub async fn end_sessions(
        &self,
        context: &Context,
        session: &Session,
        id: Option<&str>,
    ) -> Result<(), Problem> {
        let (user, own) = (session.user, session.id);
        let one = match id {
            Some(id) => Some(unhex(id).ok_or_else(Problem::not_found)?),
            None => None,
        };
        let said = json!({"action": "user.end_sessions", "all": one.is_none()});
        let rows: Rows = Box::new(move |connection, _| {
            Box::pin(async move {
                match one {
                    Some(one) => drop(sessions::end(connection, &one, Some(user)).await?),
                    None => drop(sessions::end_all(connection, user, Some(&own)).await?),
                }
                Ok(())
            })
        });
        self.file_of(context, (session.user, session.home), &said, rows).await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2).filter(|_| is_hex)?, 16).ok()?;
    }
    Some(bytes)
}
