//! Where the reader is in the document.

/// The most elements within each other; camt has 15 at most.
pub(super) const DEPTH_MAX: usize = 64;

/// The names from the root down to the element at hand.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The names with `/` between them.
    joined: String,
    /// Where each name begins.
    starts: Vec<usize>,
}

impl Place {
    pub(super) fn enter(&mut self, name: &str) {
        if !self.starts.is_empty() {
            self.joined.push('/');
        }
        self.starts.push(self.joined.len());
        self.joined.push_str(name);
    }

    pub(super) fn leave(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.joined.truncate(start.saturating_sub(1));
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.starts.len()
    }

    /// The names from this many elements down, with `/` between them.
    pub(super) fn below(&self, depth: usize) -> &str {
        self.starts.get(depth).map_or("", |start| &self.joined[*start..])
    }

    /// The whole way.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.joined)
    }
}

/// The values of some elements, the first of each: those of a list of known ones that are there.
#[derive(Debug)]
pub(super) struct Fields {
    known: &'static [&'static str],
    values: Vec<(usize, Value)>,
}

/// An element's text.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) text: String,
    /// The attribute `Ccy`.
    pub(super) currency: Option<String>,
    pub(super) line: u64,
}

impl Fields {
    pub(super) fn new(known: &'static [&'static str]) -> Self {
        Self { known, values: Vec::new() }
    }

    /// Keeps an element's value; of several, the first, but texts of one message are put together.
    pub(super) fn keep(&mut self, name: &str, value: Value) {
        let Some(index) = self.known.iter().position(|known| *known == name) else { return };
        match self.values.iter_mut().find(|(known, _)| *known == index) {
            Some((_, first)) if name.ends_with("/Ustrd") => {
                first.text.push(' ');
                first.text.push_str(&value.text);
            }
            Some(_) => {}
            None => self.values.push((index, value)),
        }
    }

    /// The first of these elements that is there, and its name.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &Value)> {
        names.iter().find_map(|name| {
            let (index, value) = self.values.iter().find(|(index, _)| self.known[*index] == *name)?;
            Some((self.known[*index], value))
        })
    }

    /// The text of the first of these elements that is there.
    pub(super) fn text(&self, names: &[&'static str]) -> Option<&str> {
        self.first(names).map(|(_, value)| value.text.as_str())
    }
}
