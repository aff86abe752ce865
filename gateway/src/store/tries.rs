//! Tries to prove who one is: so many at once, then one more every so often. A key says of what.

use sha2::{Digest as _, Sha256};

use super::{Connection, StoreError, engine::Link};
use crate::domain::id::UserId;

/// How many tries there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At once: one at least.
    pub at_once: i64,
    /// Microseconds after which there is one more.
    pub every_us: i64,
}

impl Pace {
    /// So many at once, and one more after so many seconds.
    #[must_use]
    pub fn new(at_once: u32, every_s: u32) -> Self {
        Self { at_once: at_once.into(), every_us: i64::from(every_s) * 1_000_000 }
    }

    /// How long before all of them are there again one may still be taken.
    const fn slack_us(self) -> i64 {
        (self.at_once - 1) * self.every_us
    }
}

/// The key of some parts, none of which may be taken for another.
#[must_use]
pub fn key(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The key of the codes of somebody's second factor.
#[must_use]
pub fn codes_of(user: UserId) -> [u8; 32] {
    key(&["codes", &user.to_string()])
}

/// Takes a try, if there is one, in one statement. Microseconds to wait for one; 0 when it was taken.
pub async fn take(
    connection: &mut Connection,
    key: &[u8; 32],
    pace: Pace,
    now_us: i64,
) -> Result<i64, StoreError> {
    let taken = execute!(
        connection,
        sqlx::query(
            "INSERT INTO tries (key_sha256, full_at_us) VALUES ($1, $2 + $3) ON CONFLICT (key_sha256) DO UPDATE \
             SET full_at_us = CASE WHEN tries.full_at_us > $2 THEN tries.full_at_us ELSE $2 END + $3 \
             WHERE tries.full_at_us <= $2 + $4",
        )
        .bind(key.as_slice())
        .bind(now_us)
        .bind(pace.every_us)
        .bind(pace.slack_us())
    )?;
    if taken == 1 {
        return Ok(0);
    }
    let full_at_us: i64 = fetch_one!(
        connection,
        sqlx::query_scalar("SELECT full_at_us FROM tries WHERE key_sha256 = $1").bind(key.as_slice())
    )?;
    Ok((full_at_us - pace.slack_us() - now_us).max(1))
}

/// Gives a try back that took so long to come again.
pub async fn give_back(connection: &mut Connection, key: &[u8; 32], every_us: i64) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query("UPDATE tries SET full_at_us = full_at_us - $2 WHERE key_sha256 = $1")
            .bind(key.as_slice())
            .bind(every_us)
    )?;
    Ok(())
}

/// Gives all of them back.
pub async fn forget(connection: &mut Connection, key: &[u8; 32]) -> Result<(), StoreError> {
    execute!(connection, sqlx::query("DELETE FROM tries WHERE key_sha256 = $1").bind(key.as_slice()))?;
    Ok(())
}

/// Forgets those that are all there again, so many at most; how many.
pub async fn sweep(connection: &mut Connection, now_us: i64, limit: i64) -> Result<u64, StoreError> {
    let sql = match connection.link() {
        // One writer alone: what was chosen stays so.
        Link::Sqlite(_) => {
            "DELETE FROM tries WHERE full_at_us < $1 AND key_sha256 IN \
             (SELECT key_sha256 FROM tries WHERE full_at_us < $1 ORDER BY full_at_us LIMIT $2)"
        }
        // Others count meanwhile: whoever holds a row is not waited for, and one that counts again is left.
        Link::Postgres(_) => {
            "DELETE FROM tries WHERE full_at_us < $1 AND key_sha256 IN \
             (SELECT key_sha256 FROM tries WHERE full_at_us < $1 ORDER BY full_at_us LIMIT $2 \
             FOR UPDATE SKIP LOCKED)"
        }
    };
    execute!(connection, sqlx::query(sql).bind(now_us).bind(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_parts_apart() {
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["a"]), key(&["a", ""]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}
