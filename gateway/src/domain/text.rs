//! Text with a limit.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Fault;

/// A text is empty, too long, or holds what no text may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text has no character; an absent value is left out instead.
    #[error("a text is not empty; leave the field out when there is no value")]
    Empty,
    /// The text has more characters than its field takes.
    #[error("{actual} characters, where at most {limit} are taken")]
    TooLong {
        /// How many characters the field takes.
        limit: usize,
        /// How many the text has.
        actual: usize,
    },
    /// A character of Unicode category Cc: line breaks, tabs, NUL, escape.
    #[error("U+{code_point:04X} at character {position} is a control character")]
    Control {
        /// The character.
        code_point: u32,
        /// Where it is, counted from 1.
        position: usize,
    },
}

impl Fault for TextError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "text_empty",
            Self::TooLong { .. } => "text_too_long",
            Self::Control { .. } => "control_character",
        }
    }
}

/// A text of 1 to `MAX` characters, none of which is a control character.
///
/// Characters are Unicode scalar values, as XML Schema's `maxLength` counts them, so the ISO 20022 types
/// `Max35Text`, `Max70Text` and `Max140Text` are `Text<35>`, `Text<70>` and `Text<140>`. Everything else
/// about the text is as it was delivered. Control characters are refused because they forge lines in logs and
/// reports, and because PostgreSQL cannot store NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// How many characters such a text may have.
    pub const MAX: usize = MAX;

    /// This text, if it keeps the rules.
    ///
    /// # Errors
    /// [`TextError`], naming the first rule that it breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        let actual = text.chars().count();
        if actual > MAX {
            return Err(TextError::TooLong { limit: MAX, actual });
        }
        match text.chars().enumerate().find(|(_, c)| c.is_control()) {
            Some((i, c)) => Err(TextError::Control { code_point: c.into(), position: i + 1 }),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, given away.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> std::ops::Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> AsRef<str> for Text<MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> std::fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> PartialEq<str> for Text<MAX> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl<const MAX: usize> PartialEq<&str> for Text<MAX> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<const MAX: usize> std::str::FromStr for Text<MAX> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(Text::<4>::new("žluť").is_ok());
        assert_eq!(Text::<3>::new("žluť"), Err(TextError::TooLong { limit: 3, actual: 4 }));
    }

    #[test]
    fn nothing_is_not_a_text() {
        assert_eq!(Text::<4>::new(""), Err(TextError::Empty));
    }

    #[test]
    fn control_characters_are_refused_and_named() {
        let error = Text::<9>::new("a\nb").unwrap_err();
        assert_eq!(error, TextError::Control { code_point: 10, position: 2 });
        assert_eq!(error.to_string(), "U+000A at character 2 is a control character");
        for bad in ["\0", "\t", "\u{7f}", "\u{85}", "\u{1b}[31m"] {
            assert_eq!(Text::<9>::new(bad).unwrap_err().code(), "control_character");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_kept_as_it_was(input: String) {
            if let Ok(text) = Text::<20>::new(input.clone()) {
                prop_assert_eq!(text.as_str(), input);
            }
        }
    }
}
