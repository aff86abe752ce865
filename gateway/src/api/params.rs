//! Query parameters, from an allow-list: an unknown one is refused, and the nearest known one named.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use crate::{
    domain::nearest::nearest,
    error::{Code, Problem},
};

/// What each tenant operation takes: the institution that is meant. `access` reads it.
const INSTITUTION: &str = "institution";
/// Values of a list parameter.
const LIST_MAX: usize = 100;

/// The parameters of one request.
#[derive(Debug)]
pub struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// Reads a query string whose parameters are among `known`, each at most once.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn read(query: &'a str, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name != INSTITUTION && !known.contains(&name.as_ref()) {
                return Err(unknown(&name, known));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Problem::parameter(&name, "duplicate_parameter", "it may stand once"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// A parameter's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// A parameter's value, read by its type.
    ///
    /// # Errors
    /// 400, naming the parameter and what is wrong.
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|value| value.parse().map_err(|e| Problem::parameter(name, "invalid_value", format!("{e}"))))
            .transpose()
    }

    /// A parameter's value, which must be there.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn require<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Problem> {
        self.parse(name)?.ok_or_else(|| {
            Problem::new(Code::MissingParameter, format!("the parameter {name} must be there"))
        })
    }

    /// A parameter's value as one of some words.
    ///
    /// # Errors
    /// 400, naming the words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        self.get(name).map(|value| one_of(name, value, words)).transpose()
    }

    /// A parameter's comma-separated values, each one of some words.
    ///
    /// # Errors
    /// 400, naming the words.
    pub fn words<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Vec<T>, Problem> {
        self.list(name)?.into_iter().map(|value| one_of(name, value, words)).collect()
    }

    /// A parameter's comma-separated values.
    ///
    /// # Errors
    /// 400 when there are too many, or an empty one.
    pub fn list(&self, name: &str) -> Result<Vec<&str>, Problem> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let values: Vec<&str> = value.split(',').collect();
        if values.len() > LIST_MAX || values.iter().any(|value| value.is_empty()) {
            let detail = format!("a comma-separated list of 1 to {LIST_MAX} values");
            return Err(Problem::parameter(name, "invalid_list", detail));
        }
        Ok(values)
    }

    /// A parameter's value as a text of 1 to `max` characters, none of them a control character.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<&str>, Problem> {
        self.get(name).map(|value| fitting(name, value, max)).transpose()
    }

    /// A parameter's comma-separated values, each a text of 1 to `max` characters.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn texts(&self, name: &str, max: usize) -> Result<Vec<&str>, Problem> {
        self.list(name)?.into_iter().map(|value| fitting(name, value, max)).collect()
    }

    /// Page size: 1 to 500, 100 unless told.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn limit(&self) -> Result<i64, Problem> {
        let limit = self.parse::<i64>("limit")?.unwrap_or(100);
        if (1..=500).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::parameter("limit", "out_of_range", "1 to 500"))
        }
    }

    /// What a cursor is bound to: every parameter but the cursor itself and the page size.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut pairs: Vec<_> =
            self.0.iter().filter(|(name, _)| name != "cursor" && name != "limit").collect();
        pairs.sort();
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(pairs.into_iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
        text.finish()
    }
}

fn fitting<'v>(name: &str, value: &'v str, max: usize) -> Result<&'v str, Problem> {
    if (1..=max).contains(&value.chars().count()) && !value.chars().any(char::is_control) {
        Ok(value)
    } else {
        let detail = format!("1 to {max} characters, without control characters");
        Err(Problem::parameter(name, "invalid_value", detail))
    }
}

fn one_of<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Result<T, Problem> {
    words.iter().find(|(word, _)| *word == value).map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Problem::parameter(name, "invalid_value", format!("one of {}", words.join(", ")))
    })
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let near = nearest(name, known.iter().copied().chain([INSTITUTION]));
    let hint = near.map_or_else(
        || if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) },
        |near| format!("; did you mean {near:?}?"),
    );
    let shown: String = name.chars().take(64).collect();
    Problem::new(Code::UnknownParameter, format!("there is no parameter {shown:?}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_is_refused_and_the_nearest_named() {
        let problem = Params::read("acount_id=1", &["account_id", "limit"]).unwrap_err();
        assert_eq!(problem.code, Code::UnknownParameter);
        assert!(problem.detail.contains("did you mean \"account_id\"?"), "{}", problem.detail);
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert!(Params::read("limit=1&limit=2", &["limit"]).is_err());
    }

    #[test]
    fn a_limit_is_a_number_within_its_bounds() {
        for bad in ["limit=0", "limit=501", "limit=x", "limit=", "limit=1e2", "limit=-1"] {
            assert!(Params::read(bad, &["limit"]).unwrap().limit().is_err(), "{bad}");
        }
        assert_eq!(Params::read("limit=500", &["limit"]).unwrap().limit().unwrap(), 500);
        assert_eq!(Params::read("", &["limit"]).unwrap().limit().unwrap(), 100);
    }

    #[test]
    fn a_text_has_its_limits_and_no_control_characters() {
        for bad in ["reference=", "reference=12345", "reference=a%00b", "reference=%0A"] {
            assert!(Params::read(bad, &["reference"]).unwrap().text("reference", 4).is_err(), "{bad}");
        }
        let params = Params::read("reference=%C3%BC%C3%BC,%C3%BC", &["reference"]).unwrap();
        assert_eq!(params.text("reference", 4).unwrap(), Some("üü,ü"));
        assert_eq!(params.texts("reference", 2).unwrap(), ["üü", "ü"]);
    }

    #[test]
    fn a_fingerprint_ignores_order_cursor_and_page_size() {
        let known = ["a", "b", "cursor", "limit"];
        let one = Params::read("a=1&b=2&limit=5", &known).unwrap().fingerprint();
        let other = Params::read("b=2&cursor=x&a=1", &known).unwrap().fingerprint();
        assert_eq!(one, other);
        assert_ne!(one, Params::read("a=1&b=3", &known).unwrap().fingerprint());
    }
}
