//! Ids in hexadecimal digits, as SQLite's `hex` writes them into JSON.

use serde::{Deserialize, Deserializer, de::Error};
use uuid::Uuid;

/// An id.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
    Uuid::try_parse(<&str>::deserialize(from)?).map_err(D::Error::custom)
}

/// An id that may not be there.
pub(super) fn maybe_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
    let id = Option::<&str>::deserialize(from)?;
    id.map(Uuid::try_parse).transpose().map_err(D::Error::custom)
}
