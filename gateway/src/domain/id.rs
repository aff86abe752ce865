//! Prefixed identifiers.
//!
//! An id's text is a prefix that names its noun, then the 32 lower-case hexadecimal digits of a UUID (RFC 9562)
//! without hyphens: `txn_0190163d8694739bba1a9fbee4e5c1b2`. New ids are version 7, whose first 48 bits are the
//! Unix time in milliseconds, so ids made later sort later. Reading accepts exactly that text and nothing like
//! it: one id has one spelling.
//!
//! No clock and no random source lives here: [`from_parts`](TransactionId::from_parts) takes both.

use super::Fault;

/// A text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `{expected}` followed by 32 lower-case hexadecimal digits")]
pub struct IdError {
    /// The prefix that the text should have had, underscore included.
    pub expected: &'static str,
}

impl Fault for IdError {
    fn code(&self) -> &'static str {
        "invalid_id"
    }
}

/// The UUID after `prefix`, if `text` is exactly that prefix and 32 lower-case hexadecimal digits.
fn parse(text: &str, prefix: &'static str) -> Result<uuid::Uuid, IdError> {
    let error = IdError { expected: prefix };
    let digits = text.strip_prefix(prefix).ok_or(error)?;
    let plain = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !plain {
        return Err(error);
    }
    uuid::Uuid::try_parse(digits).map_err(|_| error)
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// What every id of this kind begins with, underscore included.
            pub const PREFIX: &'static str = $prefix;

            /// A new UUIDv7 id made of a Unix time in milliseconds (its low 48 bits are used) and random
            /// bytes, of which version and variant bits overwrite six bits.
            #[must_use]
            pub fn from_parts(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
            }

            /// The id with this UUID, of any version: what a store holds under its bare UUID.
            #[must_use]
            pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, as a store holds it.
            #[must_use]
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-9a-f]{32}$")))
                    .examples([concat!($prefix, "0190163d8694739bba1a9fbee4e5c1b2")])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

prefixed_id! {
    /// An institution: a tenant, whose records and ledger these are.
    InstitutionId, "ins_"
}
prefixed_id! {
    /// An OAuth2 client of an institution.
    ClientId, "cli_"
}
prefixed_id! {
    /// A person who signs in to the portal.
    UserId, "usr_"
}
prefixed_id! {
    /// An account that an institution keeps.
    AccountId, "acc_"
}
prefixed_id! {
    /// A transaction on an account.
    TransactionId, "txn_"
}
prefixed_id! {
    /// An evidence bundle made for a caller.
    BundleId, "evb_"
}
prefixed_id! {
    /// A file of records that a feeder delivers.
    IntakeId, "int_"
}
prefixed_id! {
    /// An export ordered by a caller.
    ExportId, "exp_"
}
prefixed_id! {
    /// An OpenLineage event, by a hash of it.
    LineageEventId, "lev_"
}
prefixed_id! {
    /// A report: of one type, for one period.
    ReportId, "rep_"
}
prefixed_id! {
    /// An amount that is added to a report's figure by hand.
    AdjustmentId, "adj_"
}
prefixed_id! {
    /// A schedule by which reports are ordered.
    ScheduleId, "rsc_"
}
prefixed_id! {
    /// A webhook endpoint of an institution.
    EndpointId, "whk_"
}
prefixed_id! {
    /// A regulator's grant.
    GrantId, "grt_"
}
prefixed_id! {
    /// An incident of the service.
    IncidentId, "inc_"
}
prefixed_id! {
    /// An attempt to tell a webhook endpoint of an event.
    AttemptId, "wha_"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_shows_its_kind_and_its_time() {
        let id = TransactionId::from_parts(0x0190_163d_8694, [0xff; 10]);
        assert_eq!(id.to_string(), "txn_0190163d86947fffbfffffffffffffff");
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    #[test]
    fn ids_made_later_sort_later() {
        let early = AccountId::from_parts(1_700_000_000_000, [0xff; 10]);
        let late = AccountId::from_parts(1_700_000_000_001, [0x00; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        let good = "ins_0190163d8694739bba1a9fbee4e5c1b2";
        assert!(good.parse::<InstitutionId>().is_ok());
        for bad in [
            "",
            "ins_",
            "0190163d8694739bba1a9fbee4e5c1b2",
            "INS_0190163d8694739bba1a9fbee4e5c1b2",
            "ins_0190163D8694739BBA1A9FBEE4E5C1B2",
            "ins_0190163d-8694-739b-ba1a-9fbee4e5c1b2",
            "ins_{190163d8694739bba1a9fbee4e5c1b2}",
            " ins_0190163d8694739bba1a9fbee4e5c1b2",
            "ins_0190163d8694739bba1a9fbee4e5c1b2 ",
            "ins_0190163d8694739bba1a9fbee4e5c1b",
            "ins_0190163d8694739bba1a9fbee4e5c1é",
        ] {
            assert_eq!(bad.parse::<InstitutionId>(), Err(IdError { expected: "ins_" }), "{bad}");
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused_by_name() {
        let error = "txn_0190163d8694739bba1a9fbee4e5c1b2".parse::<AccountId>().unwrap_err();
        assert_eq!(error.to_string(), "expected `acc_` followed by 32 lower-case hexadecimal digits");
    }

    proptest! {
        #[test]
        fn text_and_json_come_back_as_the_same_id(bytes: [u8; 16]) {
            let id = BundleId::from_uuid(uuid::Uuid::from_bytes(bytes));
            prop_assert_eq!(id.to_string().parse::<BundleId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{id}\""));
            prop_assert_eq!(serde_json::from_str::<BundleId>(&json).unwrap(), id);
        }

        #[test]
        fn no_text_makes_reading_panic(text: String) {
            let _ = text.parse::<ClientId>();
        }
    }
}
