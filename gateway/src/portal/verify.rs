//! `/verify`: checks a bundle in the reader's own browser, and `/verify/offline`: the same as one file, for a
//! disk and no network. Nothing that a reader checks is sent anywhere: the page's policy forbids it. The page has the
//! portal's frame, for whoever is signed in or for nobody; the file has its style and no link.
//!
//! The verifier is a second implementation of FORMAT.md, in JavaScript. Its script is both the page's and that
//! of the workers that the page starts.

mod script;

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, HeaderValue},
    web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{
    assets, layout,
    visit::{Visit, Visitor},
};
use crate::{error::Problem, packed::Packed};
use script::SCRIPT;

/// The portal's style, for the file.
const PORTAL_STYLE: &str = include_str!("assets/portal.css");
/// What the page has besides.
const STYLE: &str = include_str!("assets/verify/verify.css");
/// What the page may load and do. It starts workers of its own script, by the one policy of Trusted Types that
/// there is, and reaches nothing.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                           connect-src 'none'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'none'; require-trusted-types-for 'script'; \
                           trusted-types veritrail-worker";
/// What a worker may: nothing.
const WORKER_POLICY: &str = "default-src 'none'";
/// The file's name once it is saved.
const OFFLINE_NAME: &str = "veritrail-verify.html";

/// The style of the file, in the order of its parts.
static STYLES: LazyLock<String> = LazyLock::new(|| format!("{PORTAL_STYLE}{STYLE}"));
/// A hash over what the page loads: a browser keeps it until it changes.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::new().chain_update(STYLE).chain_update(&*SCRIPT).finalize();
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});
static OFFLINE: LazyLock<String> = LazyLock::new(|| one_file().0);

// As they are sent.
static SENT_PAGE: LazyLock<Packed> = LazyLock::new(|| Packed::new(served_page(None).0));
static SENT_OFFLINE: LazyLock<Packed> = LazyLock::new(|| Packed::new(OFFLINE.as_str()));
static SENT_STYLE: LazyLock<Packed> = LazyLock::new(|| Packed::new(STYLE));
static SENT_SCRIPT: LazyLock<Packed> = LazyLock::new(|| Packed::new(SCRIPT.as_str()));

/// The routes.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(page).service(offline).service(asset);
}

/// The page. Whoever is not signed in gets it too.
#[get("/verify")]
pub async fn page(request: HttpRequest, visit: Option<Visit>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .content_type("text/html; charset=utf-8");
    let mut answer = match visit {
        Some(visit) => {
            response
                .insert_header((header::CACHE_CONTROL, "private, no-store"))
                // Without any, browsers send `Origin: null` with the form that signs out.
                .insert_header((header::REFERRER_POLICY, "same-origin"));
            Packed::new(served_page(Some(visit.visitor())).0).answer(&request, &mut response)
        }
        None => {
            response.insert_header((header::CACHE_CONTROL, "public, max-age=60"));
            SENT_PAGE.answer(&request, &mut response)
        }
    };
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("Cookie"));
    answer
}

/// The page as one file.
#[get("/verify/offline")]
pub async fn offline(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{OFFLINE_NAME}\"")))
        .content_type("text/html; charset=utf-8");
    SENT_OFFLINE.answer(&request, &mut response)
}

/// The page as one file, as a text.
#[must_use]
pub fn offline_page() -> &'static str {
    OFFLINE.as_str()
}

/// What the page loads. Under another version than the present one it is not kept.
#[get("/verify/{version}/{name}")]
pub async fn asset(request: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (version, name) = path.into_inner();
    let (kind, content) = match name.as_str() {
        "verify.css" => ("text/css; charset=utf-8", &SENT_STYLE),
        "verify.js" => ("text/javascript; charset=utf-8", &SENT_SCRIPT),
        _ => return Err(Problem::not_found()),
    };
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::CONTENT_SECURITY_POLICY, WORKER_POLICY))
        .content_type(kind);
    Ok(content.answer(&request, &mut response))
}

/// The page as it is served: its styles and script are files beside it, and one can go on to other pages.
fn served_page(visitor: Option<&Visitor>) -> Markup {
    let src = |name: &str| format!("/verify/{}/{name}", *VERSION);
    let head = html! {
        link rel="stylesheet" href=(assets::href("portal.css"));
        link rel="stylesheet" href=(src("verify.css"));
        script src=(src("verify.js")) defer {}
    };
    let guest = html! { div.who { a href="/sign-in?next=/verify" { "Sign in" } } };
    let body = html! {
        (layout::top(visitor, &guest))
        main #main tabindex="-1" { (content(true)) }
        (layout::foot(visitor))
    };
    document(&head, &body, &html! {})
}

/// The file that works from a disk: its styles and script stand within it, and its policy names them by hash.
fn one_file() -> Markup {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'none'; \
         worker-src blob:; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; \
         trusted-types veritrail-worker",
        hash(&SCRIPT),
        hash(&STYLES)
    );
    let head = html! {
        meta http-equiv="Content-Security-Policy" content=(policy);
        style { (PreEscaped(&*STYLES)) }
    };
    let body = html! {
        a.skip href="#main" { "To the content" }
        header.top { span.brand { "Veritrail" } }
        main #main tabindex="-1" { (content(false)) }
    };
    document(&head, &body, &html! { script { (PreEscaped(&*SCRIPT)) } })
}

fn document(head: &Markup, body: &Markup, end: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Verify a bundle · Veritrail" }
                link rel="icon" href="data:,";
                (head)
            }
            body { (body) (end) }
        }
    }
}

fn content(served: bool) -> Markup {
    html! {
        h1 { "Verify a bundle" }
        p {
            "Checks an evidence bundle or a report bundle: that nothing in it was altered, dropped, added or moved \
             since the log signed it. The file is read by this page in your browser and is not uploaded."
        }
        noscript {
            p.notice.warn {
                "This page needs JavaScript, because your browser does the checking. Without it, use the tool \
                 described below."
            }
        }
        form #verify hidden {
            div #drop {
                label.field {
                    span { "Bundle: choose a .zip file, or drop one anywhere on this page" }
                    input #bundle type="file" accept=".zip,application/zip";
                }
            }
            label.field {
                span { "The log's public key (vkey), one a line" }
                textarea #keys rows="2" spellcheck="false" autocomplete="off" aria-describedby="keys-hint" {}
                span.hint #keys-hint {
                    "From somewhere other than the bundle: the supervisor, the contract, the provider's published \
                     list. Without it, only the parts are held against each other."
                }
            }
            details {
                summary { "Witnesses and checkpoints that you kept" }
                label.field {
                    span { "Public keys of witnesses, one a line" }
                    textarea #witnesses rows="2" spellcheck="false" autocomplete="off" {}
                }
                label.field {
                    span { "Checkpoints of the log from before: the bundle must not contradict them" }
                    input #seen type="file" multiple;
                }
            }
            p.actions { button type="submit" { "Verify" } }
        }
        div #progress hidden {
            progress #bar max="1" value="0" aria-labelledby="speed" {}
            p #speed {}
        }
        section #result aria-live="polite" aria-label="Result" {}
        (levels())
        (elsewhere(served))
    }
}

/// What a verdict can be.
fn levels() -> Markup {
    html! {
        h2 { "What a verdict means" }
        dl.facts {
            div { dt { "CONSISTENT" } dd { "The parts fit each other. Whoever made the file may have made all of it." } }
            div { dt { "SIGNED" } dd { "The log's key, which you gave, signed exactly these entries." } }
            div { dt { "WITNESSED" } dd { "A witness whose key you gave saw that the log only ever grew." } }
            div { dt { "REFUSED" } dd { "Something is wrong. The first thing that is wrong is named." } }
        }
    }
}

fn elsewhere(served: bool) -> Markup {
    html! {
        h2 { "Without this page" }
        @if served {
            p {
                a href="/verify/offline" download=(OFFLINE_NAME) { "Save this page as one file" }
                " and open it from a disk: it works without a network."
            }
        }
        p {
            "The tool " code { "veritrail-verify" } " gives the same verdicts, and reads large bundles faster:"
        }
        pre tabindex="0" { code { "veritrail-verify --vkey KEY bundle.zip" } }
        p { "The format is public (" code { "audit/FORMAT.md" } " beside the source, as the tool is), so that anybody can write a verifier of their own." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_for_a_disk_names_no_other_file() {
        let file = offline_page();
        for word in
            ["src=\"", "href=\"/", "<link rel=\"stylesheet\"", "http://", "https://", "@import", "url("]
        {
            assert!(!file.contains(word), "{word}");
        }
        assert_eq!(file.matches("</script>").count(), 1, "the script does not end itself");
        assert_eq!(file.matches("</style>").count(), 1);
        assert!(!SCRIPT.contains("<!--"));
    }
}
