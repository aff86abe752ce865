//! Plain calendar dates on the wire: `YYYY-MM-DD` (RFC 3339 `full-date`), years 0001 to 9999.
//!
//! jiff reads much more than that (basic format, times, signed years). One date has one spelling here, so that
//! a value read and written again is the same bytes.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serializer};

use super::Fault;

/// A text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text does not have the shape `YYYY-MM-DD`.
    #[error("a date is written YYYY-MM-DD")]
    Malformed,
    /// The shape is right, and the calendar has no such day.
    #[error("the calendar has no such day")]
    NoSuchDay,
}

impl Fault for DateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "invalid_date",
            Self::NoSuchDay => "no_such_day",
        }
    }
}

/// The date written as `YYYY-MM-DD`.
///
/// # Errors
/// [`DateError`] when the shape is another, or the calendar has no such day.
pub fn parse(text: &str) -> Result<Date, DateError> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return Err(DateError::Malformed);
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<i16>().map_err(|_| DateError::Malformed);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    of(year, month, day)
}

/// The date of a year (1 to 9999), a month and a day.
///
/// # Errors
/// [`DateError::NoSuchDay`] when the calendar does not have it.
pub fn of(year: i16, month: i16, day: i16) -> Result<Date, DateError> {
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return Err(DateError::NoSuchDay);
    };
    // PostgreSQL has no year 0, and ISO 20022 dates begin with year 1.
    if year < 1 {
        return Err(DateError::NoSuchDay);
    }
    Date::new(year, month, day).map_err(|_| DateError::NoSuchDay)
}

/// For `#[serde(with)]` on a [`Date`]: the strict spelling only.
pub mod iso {
    use super::{Date, Deserialize, Deserializer, Serializer};

    /// Writes `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Those of [`super::parse`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        super::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// For `#[serde(with)]` on an optional [`Date`]: the strict spelling only.
pub mod iso_option {
    use super::{Date, Deserialize, Deserializer, Serializer};

    /// Writes `YYYY-MM-DD`, or null; the fields using this skip an absent date altogether.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => serializer.collect_str(date),
            None => serializer.serialize_none(),
        }
    }

    /// Reads `YYYY-MM-DD` or null.
    ///
    /// # Errors
    /// Those of [`super::parse`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        let text = <Option<std::borrow::Cow<'de, str>>>::deserialize(deserializer)?;
        text.map(|text| super::parse(&text)).transpose().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_has_one_spelling() {
        assert_eq!(parse("2024-02-29"), Ok(jiff::civil::date(2024, 2, 29)));
        for bad in [
            "",
            "2024-2-9",
            "20240229",
            "2024-02-29T00:00",
            " 2024-02-29",
            "24-02-29",
            "+002024-02-29",
            "2024/02/29",
        ] {
            assert_eq!(parse(bad), Err(DateError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_day_that_never_was_is_told_from_a_misspelt_one() {
        for bad in ["1999-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "0000-01-01"] {
            assert_eq!(parse(bad), Err(DateError::NoSuchDay), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text: String) {
            if let Ok(date) = parse(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }

        #[test]
        fn what_is_read_is_written_alike(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}") {
            if let Ok(date) = parse(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
