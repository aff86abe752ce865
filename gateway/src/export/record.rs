//! Records as they are read out of their canonical JSON, borrowed where they can be.
//!
//! Fields that are not listed here are left out of tables, so a record may get more of them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

/// A string that is borrowed from the JSON where it has no escapes.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Str<'a>(Cow<'a, str>);

impl Str<'_> {
    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A transaction.
#[derive(Debug, Deserialize)]
pub(super) struct Transaction<'a> {
    #[serde(borrow)]
    pub account: Str<'a>,
    pub account_id: Str<'a>,
    pub amount: Amount<'a>,
    pub balance_after: Option<Amount<'a>>,
    pub bank_transaction_code: Option<Str<'a>>,
    pub booking_date: Str<'a>,
    pub counterparty: Option<Counterparty<'a>>,
    pub direction: Str<'a>,
    pub end_to_end_id: Option<Str<'a>>,
    pub id: Str<'a>,
    pub purpose: Option<Str<'a>>,
    pub reference: Str<'a>,
    pub remittance_information: Option<Str<'a>>,
    pub status: Str<'a>,
    pub value_date: Option<Str<'a>>,
}

/// An amount, or a balance with its direction.
#[derive(Debug, Deserialize)]
pub(super) struct Amount<'a> {
    #[serde(borrow)]
    pub amount: Str<'a>,
    pub currency: Str<'a>,
    pub direction: Option<Str<'a>>,
}

/// Who is on the other side of a transaction.
#[derive(Debug, Deserialize)]
pub(super) struct Counterparty<'a> {
    #[serde(borrow)]
    pub account: Option<Str<'a>>,
    pub agent: Option<Str<'a>>,
    pub name: Option<Str<'a>>,
}

/// An entry of the ledger.
#[derive(Debug, Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub actor: Str<'a>,
    pub at: Str<'a>,
    pub commitment: Str<'a>,
    pub kind: Str<'a>,
    pub prev: Str<'a>,
    pub request: Option<Str<'a>>,
    pub subject: Option<Subject<'a>>,
}

/// What an entry is about.
#[derive(Debug, Deserialize)]
pub(super) struct Subject<'a> {
    #[serde(borrow)]
    pub id: Str<'a>,
    pub kind: Str<'a>,
}

/// The payload of an `access` entry.
#[derive(Debug, Deserialize)]
pub(super) struct Looks<'a> {
    #[serde(borrow)]
    pub accesses: Vec<Look<'a>>,
}

/// A look that was taken. Field order is the canonical one, since this is written as NDJSON.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Look<'a> {
    #[serde(borrow)]
    pub actor: Str<'a>,
    pub at: Str<'a>,
    pub digest: Str<'a>,
    pub method: Str<'a>,
    pub path: Str<'a>,
    pub request: Str<'a>,
    #[serde(default)]
    pub seq: String,
    pub status: u16,
}

/// How many looks an `access` entry lists.
///
/// # Errors
/// When the payload is none of an `access` entry.
pub(super) fn count_looks(payload: &[u8]) -> serde_json::Result<usize> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        accesses: Vec<&'a RawValue>,
    }
    serde_json::from_slice::<Listed<'_>>(payload).map(|listed| listed.accesses.len())
}
