//! Elements with text in them.

use std::io::{self, Write};

use quick_xml::escape::escape;

/// Writes elements; whoever opens one closes it.
pub(super) struct Xml<W: Write>(W);

impl<W: Write> Xml<W> {
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    pub(super) fn open(&mut self, name: &str) -> io::Result<()> {
        write!(self.0, "<{name}>")
    }

    pub(super) fn close(&mut self, name: &str) -> io::Result<()> {
        write!(self.0, "</{name}>")
    }

    /// An element that holds a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        write!(self.0, "<{name}>{}</{name}>", escape(text))
    }

    /// Elements within each other, the innermost of which holds a text; their names have `/` between them.
    pub(super) fn nested(&mut self, path: &str, text: &str) -> io::Result<()> {
        let names: Vec<&str> = path.split('/').collect();
        names.iter().try_for_each(|name| self.open(name))?;
        write!(self.0, "{}", escape(text))?;
        names.iter().rev().try_for_each(|name| self.close(name))
    }

    /// An amount of a currency.
    pub(super) fn amount(&mut self, amount: &str, currency: &str) -> io::Result<()> {
        write!(self.0, "<Amt Ccy=\"{currency}\">{amount}</Amt>")
    }

    /// What it writes to.
    pub(super) fn into_inner(self) -> W {
        self.0
    }
}
