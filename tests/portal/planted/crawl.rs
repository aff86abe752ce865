//! A person who follows every link and sends every form, and looks hard at what comes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use reqwest::{Response, header};

use super::page::{Form, Page};
use crate::support::Person;

/// How many pages of one shape are followed: they differ in ids and values alone.
const ALIKE: usize = 3;
/// More than this would be a trap.
const PAGES_MAX: usize = 1_500;
/// What is typed into fields on the way.
pub const TYPED: &str = "\"><script>planted='typed'</script>";
/// What is no page of the portal's, or has no more than a program in it.
const PASSED_OVER: &[&str] = &["/docs", "/openapi.json", "/verify/offline"];

/// What was seen on the way.
#[derive(Debug, Default)]
pub struct Crawl {
    /// Each page's path, its status and its parts.
    pub pages: Vec<(String, u16, Page)>,
    /// Files that are text: their paths and contents.
    pub files: Vec<(String, String)>,
    pub faults: Vec<String>,
}

/// Follows everything from these pages on; they themselves are all looked at.
pub async fn crawl(person: &Person, begin: Vec<String>) -> Crawl {
    let mut crawl = Crawl::default();
    let (mut known, mut alike) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    let mut next: VecDeque<String> = VecDeque::new();
    for path in begin {
        if known.insert(path.clone()) {
            *alike.entry(shape(&path)).or_default() += 1;
            next.push_back(path);
        }
    }
    while let Some(path) = next.pop_front() {
        assert!(known.len() < PAGES_MAX, "there is no end: {:?}", alike.keys());
        for found in crawl.look(person, &path).await {
            let count = alike.entry(shape(&found)).or_default();
            if *count < ALIKE && known.insert(found.clone()) {
                *count += 1;
                next.push_back(found);
            }
        }
    }
    crawl
}

impl Crawl {
    fn fault(&mut self, path: &str, what: impl std::fmt::Display) {
        self.faults.push(format!("{path}: {what}"));
    }

    /// Looks at one page; where one can go from it.
    async fn look(&mut self, person: &Person, path: &str) -> Vec<String> {
        let answer = person.open(path).await;
        self.take(path, answer).await
    }

    /// Looks at an answer.
    async fn take(&mut self, path: &str, answer: Response) -> Vec<String> {
        let status = answer.status().as_u16();
        let head = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap_or("unreadable").to_owned())
        };
        let (kind, policy) = (head("content-type").unwrap_or_default(), head("content-security-policy"));
        let (place, sniffs) = (head(header::LOCATION.as_str()), head("x-content-type-options"));
        let attached = head("content-disposition").is_some_and(|how| how.starts_with("attachment"));
        if status >= 500 {
            self.fault(path, status);
        }
        if sniffs.as_deref() != Some("nosniff") {
            self.fault(path, "a browser may guess what it is");
        }
        let policy = policy.unwrap_or_default();
        if !policy.contains("default-src 'none'") || policy.contains("unsafe") {
            self.fault(path, format!("the policy is {policy:?}"));
        }
        if let Some(place) = place {
            // Only to ourselves.
            if !place.starts_with('/') || place.starts_with("//") {
                self.fault(path, format!("it leads to {place}"));
                return Vec::new();
            }
            return vec![place];
        }
        let bytes = answer.bytes().await.unwrap();
        if kind != "text/html; charset=utf-8" {
            if kind.starts_with("text/html") || kind.contains("svg") && !attached {
                self.fault(path, format!("a browser would show it: {kind}"));
            }
            if kind.contains("svg") {
                let drawing = Page::read(&String::from_utf8_lossy(&bytes));
                drawing.faults.iter().for_each(|fault| self.fault(path, fault));
            }
            self.files.push((path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
            return Vec::new();
        }
        let page = Page::read(std::str::from_utf8(&bytes).unwrap());
        page.faults.iter().for_each(|fault| self.fault(path, fault));
        let mut found: Vec<String> = page.links.iter().filter_map(|link| within(path, link)).collect();
        for form in page.forms.iter().filter(|form| !form.post) {
            found.extend(asked(path, form, None));
            found.extend(asked(path, form, Some(TYPED)));
        }
        self.pages.push((path.to_owned(), status, page));
        // What is wrong with a page's address is told on it; it leads nowhere else.
        if status == 200 { found } else { Vec::new() }
    }

    /// Sends each form that is sent to change something, once for each place where it goes, with payloads in all
    /// that one can type; how many showed again what was typed.
    pub async fn send_forms(&mut self, person: &Person) -> usize {
        let mut sent = BTreeSet::new();
        let mut forms = Vec::new();
        for (path, _, page) in &self.pages {
            for form in page.forms.iter().filter(|form| form.post) {
                let to = if form.action.is_empty() { path } else { &form.action };
                let is_about_us =
                    ["/account", "/sign-", "/set-password"].iter().any(|own| to.starts_with(own));
                if form.fields.iter().any(super::page::Field::is_free)
                    && !is_about_us
                    && sent.insert(shape(to))
                {
                    forms.push((to.clone(), filled(form)));
                }
            }
        }
        let mut shown = 0;
        for (to, fields) in forms {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = person.submit(&to, &fields).await;
            let (before, is_led) = (self.pages.len(), answer.status().is_redirection());
            let found = self.take(&format!("POST {to}"), answer).await;
            if let Some(place) = found.first().filter(|_| is_led) {
                self.look(person, place).await;
            }
            shown += self.pages[before..].iter().filter(|(.., page)| page.text.contains(TYPED)).count();
        }
        shown
    }
}

/// What a form is sent with.
fn filled(form: &Form) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut chosen = BTreeSet::new();
    for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
        let value = match field.kind.as_str() {
            _ if field.is_free() => TYPED.to_owned(),
            // Nothing is meant: what asks for a tick is to ask again.
            "checkbox" | "submit" | "button" | "file" | "password" => continue,
            "radio" if !chosen.insert(field.name.clone()) => continue,
            _ => field.value.clone(),
        };
        fields.push((field.name.clone(), value));
    }
    fields
}

/// Where a form that asks leads: as it stands, or with something typed in each field for a text.
fn asked(path: &str, form: &Form, typed: Option<&str>) -> Option<String> {
    let own = path.split('?').next().unwrap_or_default();
    let to = if form.action.is_empty() { own.to_owned() } else { within(path, &form.action)? };
    let to = to.split('?').next().unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
        let value = match typed {
            Some(typed) if field.is_free() => typed,
            _ if ["checkbox", "radio", "submit"].contains(&field.kind.as_str()) => continue,
            _ => &field.value,
        };
        query.append_pair(&field.name, value);
    }
    Some(format!("{to}?{}", query.finish()))
}

/// A link to a page of the portal, without what stands behind a `#`.
fn within(path: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or_default();
    let link = match link.strip_prefix('?') {
        Some(query) => format!("{}?{query}", path.split('?').next().unwrap_or_default()),
        None => link.to_owned(),
    };
    let is_ours = link.starts_with('/') && !PASSED_OVER.iter().any(|begin| link.starts_with(begin));
    is_ours.then_some(link)
}

/// What pages have in common that differ in ids and values alone.
pub fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_value =
        |part: &str| part.contains('_') || !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if is_value(part) { "{}" } else { part }).collect();
    let names: BTreeSet<String> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    format!("{}?{}", parts.join("/"), names.into_iter().collect::<Vec<_>>().join("&"))
}
