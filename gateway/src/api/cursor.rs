//! Cursors: opaque, authenticated, and bound to what they were made for.
//!
//! A cursor holds where the last page ended and the snapshot that the whole run is pinned to. Its
//! HMAC-SHA-256 also covers the operation, the institution and the query, so that it fits nothing else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{as_of::Snapshot, params::Params};
use crate::{
    domain::Tenant,
    error::{Code, Problem},
    keys::Seed,
    world::World,
};

/// How long the cursor of a list is good for.
pub const LIFETIME_US: i64 = 24 * 3600 * 1_000_000;
const TAG_BYTES: usize = 32;
const CURSOR_MAX: usize = 2048;

/// Where a run of pages is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What the run is pinned to.
    pub snapshot: Snapshot,
    /// The last row's sort key, when it is not the seq alone.
    pub key: Option<String>,
    /// The last row's seq.
    pub seq: i64,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    position: Position,
    expires_us: i64,
}

/// Makes cursors, and believes its own.
pub struct Cursors(Seed);

impl Cursors {
    /// Cursors authenticated with a secret.
    #[must_use]
    pub fn new(secret: Seed) -> Self {
        Self(secret)
    }

    /// A cursor for the next page of a query, good for some microseconds.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn seal(
        &self,
        lifetime_us: i64,
        world: &dyn World,
        operation: &str,
        tenant: Tenant,
        params: &Params<'_>,
        position: Position,
    ) -> Result<String, Problem> {
        let sealed = Sealed { position, expires_us: world.now_us() + lifetime_us };
        let text = serde_json::to_vec(&sealed).map_err(Problem::internal)?;
        let tag = self.mac(operation, tenant, params, &text)?.finalize().into_bytes();
        Ok(URL_SAFE_NO_PAD.encode([tag.as_slice(), text.as_slice()].concat()))
    }

    /// Where a query's cursor points, if it has one.
    ///
    /// # Errors
    /// 400 when it was not made here for this operation, institution and query, or is too old.
    pub fn open(
        &self,
        world: &dyn World,
        operation: &str,
        tenant: Tenant,
        params: &Params<'_>,
    ) -> Result<Option<Position>, Problem> {
        let Some(cursor) = params.get("cursor") else { return Ok(None) };
        let unfit = || {
            Problem::new(
                Code::InvalidCursor,
                "this cursor was not made for this query; take next_cursor as it is and repeat the query unchanged",
            )
        };
        if cursor.len() > CURSOR_MAX {
            return Err(unfit());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unfit())?;
        let (tag, text) = bytes.split_at_checked(TAG_BYTES).ok_or_else(unfit)?;
        self.mac(operation, tenant, params, text)?.verify_slice(tag).map_err(|_| unfit())?;
        let sealed: Sealed = serde_json::from_slice(text).map_err(|_| unfit())?;
        if sealed.expires_us < world.now_us() {
            return Err(Problem::new(Code::ExpiredCursor, "the cursor has expired; begin again without one"));
        }
        Ok(Some(sealed.position))
    }

    fn mac(
        &self,
        operation: &str,
        tenant: Tenant,
        params: &Params<'_>,
        text: &[u8],
    ) -> Result<Hmac<Sha256>, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).map_err(Problem::internal)?;
        let (institution, query) = (tenant.uuid(), params.fingerprint());
        for part in [operation.as_bytes(), institution.as_bytes(), query.as_bytes(), text] {
            // With its length before it, no part can pass for the end of another.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::world::At;

    #[test]
    fn a_cursor_is_good_for_its_time_and_then_says_that_it_is_too_old() {
        let world = At(AtomicI64::new(1_800_000_000_000_000));
        let cursors = Cursors::new(Seed::known());
        let tenant = Tenant::some();
        let snapshot = Snapshot { origin: "a.example".to_owned(), size: 8, root: String::new() };
        let position = Position { snapshot, key: None, seq: 7 };
        let none = Params::read("", &[]).unwrap();
        let cursor = cursors.seal(60_000_000, &world, "list", tenant, &none, position.clone()).unwrap();
        let query = format!("cursor={cursor}");
        let params = Params::read(&query, &["cursor"]).unwrap();
        let open = || cursors.open(&world, "list", tenant, &params);
        assert_eq!(open().unwrap(), Some(position));
        world.0.fetch_add(60_000_001, Ordering::SeqCst);
        assert_eq!(open().unwrap_err().code, Code::ExpiredCursor);
    }
}
