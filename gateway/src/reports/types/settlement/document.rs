//! The document: xBRL-JSON, written fact by fact.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use jiff::{ToSpan as _, civil::Date};
use serde::Serialize;

use super::{ENTRY_POINT, TAXONOMY};
use crate::reports::{Basis, ProduceError, Sheet, Unit, lei};

/// The scheme of institutions that tell no legal entity identifier: their names, percent-encoded.
const BY_NAME: &str = "https://veritrail.example/institution";

/// What a fact is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// The account, by its reference; of none where the fact is of all or of the report.
    pub(super) account: Option<&'a str>,
    /// What it is counted in, where it is a number.
    pub(super) unit: Option<Unit>,
}

/// The document, being written.
#[derive(Debug)]
pub(super) struct Document {
    entity: String,
    period: String,
    facts: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    document_type: &'a str,
    namespaces: BTreeMap<&'a str, &'a str>,
    taxonomy: [String; 1],
}

#[derive(Serialize)]
struct Fact<'a> {
    value: &'a str,
    dimensions: Dimensions<'a>,
}

#[derive(Serialize)]
struct Dimensions<'a> {
    concept: String,
    entity: &'a str,
    period: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(rename = "sr:AccountAxis", skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
}

impl Document {
    /// Begins the document.
    pub(super) fn begin(basis: &Basis, sheet: &mut Sheet) -> Result<Self, ProduceError> {
        let (prefix, scheme, identifier) = match basis.parameter("entity") {
            Some(entity) => ("lei", lei::SCHEME, entity.to_owned()),
            None => ("institution", BY_NAME, encoded(&basis.institution)),
        };
        let namespaces = BTreeMap::from([
            ("iso4217", "http://www.xbrl.org/2003/iso4217"),
            (prefix, scheme),
            ("sr", TAXONOMY),
            ("xbrl", "https://xbrl.org/2021"),
        ]);
        let info = Info {
            document_type: "https://xbrl.org/2021/xbrl-json",
            namespaces,
            taxonomy: [format!("{TAXONOMY}/{ENTRY_POINT}")],
        };
        sheet.write_all(b"{\"documentInfo\":")?;
        serde_json::to_writer(&mut *sheet, &info).map_err(io::Error::from)?;
        sheet.write_all(b",\n\"facts\":{")?;
        let period = format!("{}/{}", midnight(basis.period.first), after(basis.period.last)?);
        Ok(Self { entity: format!("{prefix}:{identifier}"), period, facts: 0 })
    }

    /// Writes a fact.
    pub(super) fn fact(
        &mut self,
        id: &str,
        concept: &str,
        value: &str,
        about: About<'_>,
        sheet: &mut Sheet,
    ) -> Result<(), ProduceError> {
        // A count has no unit: OIM forbids to write `xbrli:pure`.
        let unit = match about.unit {
            Some(Unit::Money(currency)) => Some(format!("iso4217:{currency}")),
            Some(Unit::Count(_)) | None => None,
        };
        let dimensions = Dimensions {
            concept: format!("sr:{concept}"),
            entity: &self.entity,
            period: &self.period,
            unit,
            account: about.account,
        };
        sheet.write_all(if self.facts == 0 { b"\n" } else { b",\n" })?;
        self.facts += 1;
        serde_json::to_writer(&mut *sheet, id).map_err(io::Error::from)?;
        sheet.write_all(b":")?;
        serde_json::to_writer(&mut *sheet, &Fact { value, dimensions }).map_err(io::Error::from)?;
        Ok(())
    }

    /// Ends the document.
    pub(super) fn end(&self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        Ok(sheet.write_all(b"\n}}\n")?)
    }
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00")
}

/// A period ends where the day after its last begins (OIM 1.0, section 3.1.3).
fn after(day: Date) -> Result<String, ProduceError> {
    let next =
        day.checked_add(1.day()).map_err(|_| ProduceError::Figure("a period ends too late".to_owned()))?;
    Ok(midnight(next))
}

/// A name without white space and what else an identifier must not have: RFC 3986's percent-encoding.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to memory can't fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_identifier_without_white_space() {
        assert_eq!(encoded("Bank Ä & Co."), "Bank%20%C3%84%20%26%20Co.");
    }
}
