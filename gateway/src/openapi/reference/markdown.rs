//! As much of Markdown as the document's own texts use: headings, paragraphs, lists, fenced code, and
//! within them code, emphasis and links. Everything else is text, and nothing is markup by accident.

use std::fmt::Write as _;

/// A text as HTML, and its headings.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) html: String,
    /// Id and text of each heading of the second level.
    pub(super) headings: Vec<(String, String)>,
}

/// Text without meaning to HTML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}

/// A line: code in backticks, strong text in double asterisks, links in brackets.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", escape(piece));
        } else {
            for (index, piece) in piece.split("**").enumerate() {
                let linked = links(piece);
                html += &if index % 2 == 1 { format!("<strong>{linked}</strong>") } else { linked };
            }
        }
    }
    html
}

fn links(text: &str) -> String {
    let Some((before, rest)) = text.split_once('[') else { return escape(text) };
    match rest.split_once("](").and_then(|(label, rest)| Some((label, rest.split_once(')')?))) {
        Some((label, (target, after))) if !label.contains('[') => {
            format!("{}<a href=\"{}\">{}</a>{}", escape(before), escape(target), escape(label), links(after))
        }
        _ => format!("{}[{}", escape(before), links(rest)),
    }
}

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Paragraph,
    Bullets,
    Numbers,
}

/// A text of several blocks.
pub(super) fn blocks(text: &str) -> Blocks {
    let mut made = Blocks::default();
    let mut waiting: Vec<(Block, String)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let number = line
            .split_once(". ")
            .filter(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        if line.starts_with("```") {
            flush(&mut made.html, &mut waiting);
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            let _ =
                writeln!(made.html, "<pre tabindex=\"0\"><code>{}</code></pre>", escape(&code.join("\n")));
        } else if let Some(heading) = line.strip_prefix("## ") {
            flush(&mut made.html, &mut waiting);
            let id = heading.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            let _ = writeln!(made.html, "<h2 id=\"{id}\">{}</h2>", inline(heading));
            made.headings.push((id, heading.to_owned()));
        } else if let Some(item) = line.strip_prefix("- ") {
            waiting.push((Block::Bullets, item.to_owned()));
        } else if let Some((_, item)) = number {
            waiting.push((Block::Numbers, item.to_owned()));
        } else if line.trim().is_empty() {
            flush(&mut made.html, &mut waiting);
        } else if let Some((_, text)) = waiting.last_mut() {
            text.push(' ');
            text.push_str(line.trim());
        } else {
            waiting.push((Block::Paragraph, line.trim().to_owned()));
        }
    }
    flush(&mut made.html, &mut waiting);
    made
}

/// Writes what waits: one paragraph, or the items of one list.
fn flush(html: &mut String, waiting: &mut Vec<(Block, String)>) {
    let Some((kind, _)) = waiting.first() else { return };
    let (before, after, item) = match kind {
        Block::Paragraph => ("", "", "p"),
        Block::Bullets => ("<ul>\n", "</ul>\n", "li"),
        Block::Numbers => ("<ol>\n", "</ol>\n", "li"),
    };
    *html += before;
    for (_, text) in waiting.drain(..) {
        let _ = writeln!(html, "<{item}>{}</{item}>", inline(&text));
    }
    *html += after;
}

#[cfg(test)]
mod tests {
    use super::{blocks, inline};

    #[test]
    fn what_is_written_is_text_unless_it_is_markdown() {
        assert_eq!(inline("a <b> & `c<d>`"), "a &lt;b&gt; &amp; <code>c&lt;d&gt;</code>");
        assert_eq!(inline("**so** [there](#x)."), "<strong>so</strong> <a href=\"#x\">there</a>.");
        assert_eq!(inline("`page[0]` and [1]"), "<code>page[0]</code> and [1]");
    }

    #[test]
    fn blocks_are_headings_paragraphs_lists_and_code() {
        let made = blocks(
            "## To begin\none\ntwo\n\n1. first\n2. second\n   goes on\n\n- a\n- b\n\n```\nx < y\n```\n",
        );
        assert_eq!(made.headings, [("to-begin".to_owned(), "To begin".to_owned())]);
        assert_eq!(
            made.html,
            "<h2 id=\"to-begin\">To begin</h2>\n<p>one two</p>\n<ol>\n<li>first</li>\n<li>second goes on</li>\n</ol>\n\
             <ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<pre tabindex=\"0\"><code>x &lt; y</code></pre>\n"
        );
    }
}
