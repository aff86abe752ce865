//! One line of a table, taken apart.
//!
//! Not the crate `csv`: it never refuses anything (a quote that is not closed runs to the end of the file, text
//! after a closing quote is joined to it), and here every line must either be right or be named. A quoted field
//! does not span lines, since no text of ours holds a line break; so a stray quote costs its own line alone. On
//! well-formed lines a property test holds the two alike.

use std::borrow::Cow;

use super::lines::Line;
use crate::domain::Finding;

/// How the fields of a line are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Stands between fields.
    pub(super) delimiter: char,
    /// Stands around a field that may hold the delimiter; doubled, it stands for itself. None: never.
    pub(super) quote: Option<char>,
}

impl Dialect {
    /// The fields of a line, of which there must be this many.
    pub(super) fn split_into<'a>(self, line: &Line<'a>, count: usize) -> Result<Vec<Cow<'a, str>>, Finding> {
        let fields = self.split(line);
        let is_short = match &fields {
            Ok(fields) => fields.len() < count,
            Err(finding) => finding.code == UNCLOSED_QUOTE,
        };
        if is_short && !line.terminated {
            let detail = "the last line breaks off; the delivery may have been cut";
            return Err(Finding::on_line(line.number, "truncated_line", detail));
        }
        let fields = fields?;
        if fields.len() != count {
            let detail = format!("{} fields, where the header has {count}", fields.len());
            return Err(Finding::on_line(line.number, "wrong_field_count", detail));
        }
        Ok(fields)
    }

    /// The fields of a line, however many.
    pub(super) fn split<'a>(self, line: &Line<'a>) -> Result<Vec<Cow<'a, str>>, Finding> {
        let mut fields = Vec::new();
        let mut rest = line.text;
        loop {
            let opened = self.quote.and_then(|quote| Some((quote, rest.strip_prefix(quote)?)));
            let (field, after) = match opened {
                Some((quote, inside)) => quoted(inside, quote).ok_or_else(|| {
                    let detail = format!("the quote of field {} is not closed on its line", fields.len() + 1);
                    Finding::on_line(line.number, UNCLOSED_QUOTE, detail)
                })?,
                None => {
                    let (field, after) = rest.split_at(rest.find(self.delimiter).unwrap_or(rest.len()));
                    (Cow::Borrowed(field), after)
                }
            };
            fields.push(field);
            match after.strip_prefix(self.delimiter) {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(fields),
                None => {
                    let detail = format!("text follows the closing quote of field {}", fields.len());
                    return Err(Finding::on_line(line.number, "text_after_quote", detail));
                }
            }
        }
    }
}

const UNCLOSED_QUOTE: &str = "unclosed_quote";

/// The text up to the closing quote, doubled quotes made single, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(Cow<'_, str>, &str)> {
    let mut unescaped = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once(quote)?;
        match after.strip_prefix(quote) {
            Some(next) => {
                unescaped.push_str(before);
                unescaped.push(quote);
                rest = next;
            }
            None if unescaped.is_empty() => return Some((Cow::Borrowed(before), after)),
            None => {
                unescaped.push_str(before);
                return Some((Cow::Owned(unescaped), after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEMICOLONS: Dialect = Dialect { delimiter: ';', quote: Some('"') };

    fn split(text: &str) -> Result<Vec<Cow<'_, str>>, &'static str> {
        let line = Line { number: 1, offset: 0, text, terminated: true };
        SEMICOLONS.split(&line).map_err(|finding| finding.made())
    }

    #[test]
    fn quotes_hold_delimiters_and_doubled_quotes() {
        assert_eq!(split(r#"a;"b;c";;"d""e";"""";"""#).unwrap(), ["a", "b;c", "", "d\"e", "\"", ""]);
        assert_eq!(split(r#"5" pipe;x"#).unwrap(), ["5\" pipe", "x"]);
        assert_eq!(split("").unwrap(), [""]);
    }

    #[test]
    fn a_line_that_is_not_well_formed_is_refused() {
        assert_eq!(split(r#"a;"b"#), Err("unclosed_quote"));
        assert_eq!(split(r#"a;"b""#), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(split(r#"a;"b"c"#), Err("text_after_quote"));
    }

    #[test]
    fn a_last_line_that_breaks_off_is_called_so() {
        let code = |text, terminated| {
            let line = Line { number: 1, offset: 0, text, terminated };
            SEMICOLONS.split_into(&line, 3).map(|_| ()).map_err(|finding| finding.made())
        };
        assert_eq!(code("a;\"b", false), Err("truncated_line"));
        assert_eq!(code("a;b", false), Err("truncated_line"));
        assert_eq!(code("a;b", true), Err("wrong_field_count"));
        assert_eq!(code("a;b;c;d", false), Err("wrong_field_count"));
        assert_eq!(code("a;b;c", false), Ok(()));
    }

    proptest! {
        #[test]
        fn what_another_writer_wrote_is_read_alike(fields in proptest::collection::vec("[^\r\n]{0,8}", 1..6)) {
            let mut writer = ::csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
            writer.write_record(&fields).unwrap();
            let bytes = writer.into_inner().unwrap();
            let text = std::str::from_utf8(&bytes).unwrap().strip_suffix('\n').unwrap();
            prop_assert_eq!(split(text).unwrap(), fields);
        }

        #[test]
        fn what_is_taken_another_reader_reads_alike(text in "[a-z;\" ]{1,20}") {
            if let Ok(fields) = split(&text) {
                let mut reader = ::csv::ReaderBuilder::new()
                    .delimiter(b';')
                    .has_headers(false)
                    .from_reader(text.as_bytes());
                let record = reader.records().next().unwrap().unwrap();
                prop_assert_eq!(record.iter().collect::<Vec<_>>(), fields);
            }
        }
    }
}
