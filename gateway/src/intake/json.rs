//! JSON as it was written: duplicated keys are seen, and nesting is bounded.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::faults::{Faults, excerpt};
use crate::domain::Finding;
use crate::domain::nearest::nearest;

/// How deep objects and lists may lie in one another. A record of ours is two deep.
pub(super) const MAX_DEPTH: usize = 16;

/// A JSON value. Numbers and lists are only known to be such, since no field of ours takes one.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Bool,
    Number,
    Text(String),
    List,
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Reads one line of JSON.
    pub(super) fn parse(line: &super::Line<'_>) -> Result<Self, Finding> {
        if is_too_deep(line.text) {
            let detail = format!("objects and lists nest more than {MAX_DEPTH} deep");
            return Err(Finding::on_line(line.number, "nested_too_deep", detail));
        }
        serde_json::from_str(line.text).map_err(|error| {
            if error.is_eof() && !line.terminated {
                let detail = "the last line breaks off; the delivery may have been cut";
                return Finding::on_line(line.number, "truncated_line", detail);
            }
            let message = error.to_string();
            // serde_json counts lines within this one.
            let what = message.rsplit_once(" at line ").map_or(&*message, |(what, _)| what);
            let detail = format!("{what}, at column {}", error.column());
            Finding::on_line(line.number, "malformed_json", detail)
        })
    }

    /// What kind of value it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The values of the `known` fields, in that order, if this is an object. Notes fields that are unknown or
    /// written twice.
    pub(super) fn fields<const N: usize>(
        self,
        pointer: &str,
        known: [&'static str; N],
        faults: &mut Faults,
    ) -> Option<[Option<Self>; N]> {
        let Self::Object(pairs) = self else {
            faults.at(pointer, "wrong_type", format!("{}, where an object is expected", self.kind()));
            return None;
        };
        let mut values = [const { None }; N];
        for (key, value) in pairs {
            let at = format!("{pointer}/{}", escape(&excerpt(&key)));
            match known.iter().position(|name| *name == key) {
                Some(i) if values[i].is_none() => values[i] = Some(value),
                Some(_) => faults.at(&at, "duplicate_field", "the field is written more than once"),
                None => {
                    let hint = nearest(&key, known).map(|name| format!("; `{name}` may be meant"));
                    let detail = format!("no such field{}", hint.unwrap_or_default());
                    faults.at(&at, "unknown_field", detail);
                }
            }
        }
        Some(values)
    }
}

/// Escapes a key for a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether brackets outside of strings nest too deep; an answer about malformed JSON may be either.
///
/// Looked at before parsing, so that the parser never recurses further than this.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Node::Object(pairs))
    }
}
