//! A value that is never shown.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// A value that is never shown: `check-config` prints stars for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// The value, if one is set.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        Some(self.0.expose_secret()).filter(|value| !value.is_empty())
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.get().is_some() { "***" } else { "" })
    }
}
