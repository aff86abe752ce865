//! Texts that are more than text to whoever is careless with them: a browser, a spreadsheet program, a template.

use super::fields;

/// How many kinds there are. With a mark of three characters none is longer than 34.
pub const KINDS: usize = 9;
/// Markup that fits everywhere: it has no space and no double quote.
pub const SCRIPT: usize = 0;
/// What a spreadsheet program takes for a formula.
pub const FORMULA: usize = 4;
/// The order in which a long text has them: a formula counts only where it stands first.
const ORDER: [usize; KINDS] = [FORMULA, SCRIPT, 1, 2, 3, 8, 5, 6, 7];

/// A field's payload of one kind, as it is sent.
pub fn of(field: Field, kind: usize) -> String {
    payload(kind, &fields::mark(field))
}

/// A payload. Each one that a browser runs leaves its mark in `window.planted`, or opens a dialog.
fn payload(kind: usize, mark: &str) -> String {
    match kind {
        SCRIPT => format!("<script>planted='{mark}'</script>"),
        1 => format!("\"><img src={mark} onerror=planted=1>"),
        2 => format!("</title><marquee>{mark}{{{{7*7}}}}"),
        3 => format!("javascript:planted='{mark}'"),
        FORMULA => format!("=HYPERLINK(\"//evil.test\",\"{mark}\")"),
        5 => format!("+cmd|' /C calc'!{mark}"),
        6 => format!("-2+3+cmd|' /C calc'!{mark}"),
        7 => format!("@SUM(1,9)*{mark}"),
        _ => format!("<svg onload=alert('{mark}')>"),
    }
}

/// A field: the operation, and the place in what it is sent.
pub type Field = (&'static str, &'static str);

/// What was planted, text by text.
#[derive(Default)]
pub struct Texts(pub Vec<(Field, String)>);

impl Texts {
    /// A payload of one kind for a field.
    pub fn one(&mut self, field: Field, kind: usize) -> String {
        self.keep(field, of(field, kind))
    }

    /// As many kinds as fit, one after another; they are plain ASCII.
    pub fn whole(&mut self, field: Field, max: usize) -> String {
        let mut whole = String::new();
        for kind in ORDER {
            let next = of(field, kind);
            if whole.len() + 1 + next.len() <= max {
                let joint = if whole.is_empty() { "" } else { " " };
                whole = format!("{whole}{joint}{next}");
            }
        }
        self.keep(field, whole)
    }

    /// Keeps a text as it is to be shown.
    pub fn keep(&mut self, field: Field, text: String) -> String {
        assert!(!text.is_empty(), "{field:?}");
        self.0.push((field, text.clone()));
        text
    }

    /// The fields that something was planted in.
    pub fn fields(&self) -> std::collections::BTreeSet<Field> {
        self.0.iter().map(|(field, _)| *field).collect()
    }
}

/// How a text may stand somewhere: as it is, or as JSON writes it, once or twice.
pub fn forms(text: &str) -> [String; 3] {
    let once = inner(text);
    let twice = inner(&once);
    [text.to_owned(), once, twice]
}

/// A text as it stands within a string of JSON.
fn inner(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
