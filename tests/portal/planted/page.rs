//! A page as a browser reads it: a tokenizer of HTML that is not ours takes it apart.

use std::collections::BTreeMap;

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// A page's parts.
#[derive(Debug, Default)]
pub struct Page {
    /// What a person reads, and what stands in fields; a line end between elements.
    pub text: String,
    /// Where its links lead.
    pub links: Vec<String>,
    pub forms: Vec<Form>,
    /// What a page of ours never has.
    pub faults: Vec<String>,
}

/// A form.
#[derive(Debug)]
pub struct Form {
    pub post: bool,
    /// Where it is sent; empty for the page's own address.
    pub action: String,
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    /// `text`, `hidden`, `checkbox` and so on; also `textarea` and `select`.
    pub kind: String,
    pub value: String,
    /// Of a choice, whether one of its options was read.
    chosen: bool,
}

impl Field {
    /// Whether anything can be typed in it.
    pub fn is_free(&self) -> bool {
        ["text", "search", "email", "url", "textarea"].contains(&self.kind.as_str())
    }
}

/// Elements that no page of ours has: they run something, load something, or came out of a payload.
const FOREIGN: &[&str] = &[
    "applet",
    "animate",
    "audio",
    "base",
    "embed",
    "frame",
    "frameset",
    "iframe",
    "img",
    "marquee",
    "math",
    "object",
    "set",
    "style",
    "foreignobject",
    "video",
];
/// Attributes that lead somewhere.
const LEADING: &[&str] =
    &["href", "src", "action", "formaction", "xlink:href", "poster", "data", "ping", "background", "srcset"];

type Attributes = BTreeMap<String, String>;

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Page {
    /// Takes a page apart.
    pub fn read(html: &str) -> Self {
        let mut page = Self::default();
        let mut emitter: DefaultEmitter<()> = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        // The form and the element that text goes to.
        let (mut form, mut inside) = (None, String::new());
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => {
                    page.text.push('\n');
                    let name = string(&tag.name);
                    let attributes: Attributes =
                        tag.attributes.iter().map(|(name, value)| (string(name), string(value))).collect();
                    page.judge(&name, &attributes);
                    page.take(&name, &attributes, &mut form);
                    if ["script", "textarea"].contains(&name.as_str()) {
                        inside = name;
                    }
                }
                Token::EndTag(tag) => {
                    page.text.push('\n');
                    let name = string(&tag.name);
                    if name == "form" {
                        form = None;
                    }
                    if name == inside {
                        inside.clear();
                    }
                }
                Token::String(text) => page.said(&string(&text), &inside, form),
                Token::Comment(comment) => page.faults.push(format!("a comment: {comment:?}")),
                Token::Error(error) => page.faults.push(format!("it is no good HTML: {error:?}")),
                Token::Doctype(_) => {}
            }
        }
        page
    }

    /// Takes a text within an element.
    fn said(&mut self, text: &str, inside: &str, form: Option<usize>) {
        if inside == "script" && !text.trim().is_empty() {
            self.faults.push(format!("a script within the page: {text}"));
        }
        if inside == "textarea"
            && let Some(field) = form.and_then(|form| self.forms[form].fields.last_mut())
        {
            field.value.push_str(text);
        }
        self.text.push_str(text);
    }

    /// What an element has that a page of ours never has.
    fn judge(&mut self, element: &str, attributes: &Attributes) {
        if FOREIGN.contains(&element) {
            self.faults.push(format!("<{element}> {attributes:?}"));
        }
        let own = |path: &str| path.starts_with("/assets/") || path.starts_with("/verify/");
        if element == "script" && !attributes.get("src").is_some_and(|src| own(src)) {
            self.faults.push(format!("a script that is not ours: {attributes:?}"));
        }
        if element == "meta" && attributes.contains_key("http-equiv") {
            self.faults.push(format!("a page that acts as a header: {attributes:?}"));
        }
        for (name, value) in attributes {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ':');
            if !plain || name.starts_with("on") || name == "style" || name == "srcdoc" {
                self.faults.push(format!("<{element} {name}={value:?}>"));
            }
            let is_icon = element == "link" && value == "data:,";
            if LEADING.contains(&name.as_str()) && !is_icon && !leads_well(value) {
                self.faults.push(format!("<{element} {name}={value:?}> leads astray"));
            }
        }
    }

    /// Keeps what leads on.
    fn take(&mut self, element: &str, attributes: &Attributes, form: &mut Option<usize>) {
        let of = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        match element {
            "a" if attributes.contains_key("href") => self.links.push(of("href")),
            "form" => {
                let post = of("method").eq_ignore_ascii_case("post");
                self.forms.push(Form { post, action: of("action"), fields: Vec::new() });
                *form = Some(self.forms.len() - 1);
            }
            "input" | "textarea" | "select" => {
                if ["text", "search", "email", "url", ""].contains(&of("type").as_str()) {
                    self.text.push_str(&of("value"));
                }
                let kind = match (element, of("type")) {
                    ("input", kind) if kind.is_empty() => "text".to_owned(),
                    ("input", kind) => kind,
                    (other, _) => other.to_owned(),
                };
                if let Some(form) = *form {
                    self.forms[form].fields.push(Field {
                        name: of("name"),
                        kind,
                        value: of("value"),
                        chosen: false,
                    });
                }
            }
            // The one that is chosen, or else the first.
            "option" => {
                let last = form.and_then(|form| self.forms[form].fields.last_mut());
                if let Some(field) = last.filter(|field| field.kind == "select")
                    && (!field.chosen || attributes.contains_key("selected"))
                {
                    field.chosen = true;
                    field.value = of("value");
                }
            }
            _ => {}
        }
    }
}

/// Whether an address is on our pages, or one that a person can follow without harm.
fn leads_well(address: &str) -> bool {
    let is_own = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    let known = ["?", "#", "https://", "mailto:"].iter().any(|begin| address.starts_with(begin));
    (is_own || known) && !address.contains(char::is_control)
}

#[test]
fn what_a_careless_page_would_have_is_found() {
    for bad in [
        "<p><script>planted=1</script>",
        "<p title=\"\"><img src=x onerror=planted=1>\">",
        "<p onclick=\"planted=1\">",
        "<a href=\"javascript:planted=1\">x</a>",
        "<a href=\" javascript:planted=1\">x</a>",
        "<a href=\"//evil.test\">x</a>",
        "<form action=\"/\\evil.test\"></form>",
        "<p style=\"color:red\">x",
        "<!-- x -->",
        "<meta http-equiv=\"refresh\" content=\"0\">",
        "<svg><animate attributeName=\"href\"/></svg>",
    ] {
        assert!(!Page::read(bad).faults.is_empty(), "{bad}");
    }
    for good in [
        "<!doctype html><p title=\"<script>\">&lt;script&gt; <a href=\"/x?y=%3Cscript%3E\">x</a>",
        "<script type=\"module\" src=\"/assets/portal.js\"></script>",
        "<title>&lt;/title&gt;&lt;marquee&gt;</title><textarea name=\"a\">&lt;b&gt;</textarea>",
    ] {
        assert_eq!(Page::read(good).faults, Vec::<String>::new(), "{good}");
    }
    let page = Page::read(
        "<title>&lt;b&gt;</title><form method=\"post\" action=\"/x\"><input name=\"a\" value=\"&quot;1\">\
         <textarea name=\"b\">two &amp; three</textarea>\
         <select name=\"c\"><option value=\"\">Any<option value=\"4\">4</select>\
         <select name=\"d\"><option value=\"5\">5<option value=\"6\" selected>6</select></form>",
    );
    assert!(page.text.contains("<b>") && page.text.contains("\"1"), "{}", page.text);
    let values: Vec<&str> = page.forms[0].fields.iter().map(|field| field.value.as_str()).collect();
    assert_eq!(values, ["\"1", "two & three", "", "6"]);
}
