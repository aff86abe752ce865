//! Which representation of a list a caller wants (RFC 9110 section 12.5.1): a page of JSON, or all of it
//! as CSV or NDJSON.

use crate::{
    access::{Permit, right::Right},
    error::{Code, Problem},
    export::order::Format,
};

/// What a list can be, the first one where the caller does not mind.
const OFFERED: [(&str, &str, Option<Format>); 3] = [
    ("application", "json", None),
    ("text", "csv", Some(Format::Csv)),
    ("application", "x-ndjson", Some(Format::Ndjson)),
];

/// The format in which a caller wants a whole list; none for a page of JSON.
///
/// # Errors
/// 406 when there is nothing that the caller takes.
pub fn whole<R: Right>(permit: &Permit<R>) -> Result<Option<Format>, Problem> {
    chosen(permit.header("accept").unwrap_or_default())
}

fn chosen(accept: &str) -> Result<Option<Format>, Problem> {
    if accept.trim().is_empty() {
        return Ok(None);
    }
    let mut best: Option<(u16, Option<Format>)> = None;
    for (kind, subtype, format) in OFFERED {
        let quality = quality(accept, kind, subtype);
        if quality > best.map_or(0, |(best, _)| best) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format).ok_or_else(|| {
        let offered = OFFERED.map(|(kind, subtype, _)| format!("{kind}/{subtype}")).join(", ");
        Problem::new(Code::NotAcceptable, format!("there are {offered}"))
    })
}

/// How much a caller wants a media type, in thousandths: as the most specific range that fits it says.
fn quality(accept: &str, kind: &str, subtype: &str) -> u16 {
    let mut found = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((wanted, of)) = parts.next().and_then(|name| name.split_once('/')) else { continue };
        let specific = match (wanted, of) {
            ("*", "*") => 1,
            (wanted, "*") if wanted.eq_ignore_ascii_case(kind) => 2,
            (wanted, of) if wanted.eq_ignore_ascii_case(kind) && of.eq_ignore_ascii_case(subtype) => 3,
            _ => continue,
        };
        let given = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = given.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
        if specific > found.0 {
            found = (specific, (weight * 1000.0).round() as u16);
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_most_is_chosen_and_json_where_nobody_minds() {
        for (accept, format) in [
            ("", None),
            ("*/*", None),
            ("application/*", None),
            ("text/html, */*;q=0.1", None),
            ("text/csv", Some(Format::Csv)),
            ("TEXT/CSV; header=present", Some(Format::Csv)),
            ("text/*", Some(Format::Csv)),
            ("text/csv, */*;q=0.5", Some(Format::Csv)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("application/json;q=0.2, application/x-ndjson;q=0.7", Some(Format::Ndjson)),
            ("application/json, text/csv", None),
            ("text/csv;q=0, */*", None),
            ("application/json;q=0, */*;q=0.3", Some(Format::Csv)),
        ] {
            assert_eq!(chosen(accept).unwrap(), format, "{accept}");
        }
        for none in ["text/html", "application/xml, text/html;q=0.9", "text/csv;q=0", "nonsense", "*/*;q=0"] {
            assert_eq!(chosen(none).unwrap_err().code, Code::NotAcceptable, "{none}");
        }
    }
}
