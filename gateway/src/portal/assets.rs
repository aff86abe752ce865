//! Files that pages load. Each is served under its hash, so that a browser keeps it until it changes.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use sha2::{Digest as _, Sha256};

use super::joined::{Module, joined};
use crate::{error::Problem, packed::Packed};

/// A file: its name, its media type, and what is in it.
struct Asset(&'static str, &'static str, Packed);

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The scripts that pages load; the second when there is a proof to check.
const SCRIPTS: &[&str] = &["portal.js", "proof.js"];

/// What the scripts are made of.
const MODULES: &[Module] = &[
    ("portal.js", include_str!("assets/portal.js")),
    ("copy.js", include_str!("assets/copy.js")),
    ("keys.js", include_str!("assets/keys.js")),
    ("proof.js", include_str!("assets/proof.js")),
    // What a proof is checked with, of the modules of the page that verifies bundles.
    ("verify/bytes.js", include_str!("assets/verify/bytes.js")),
    ("verify/merkle.js", include_str!("assets/verify/merkle.js")),
    ("verify/note.js", include_str!("assets/verify/note.js")),
    ("verify/point.js", include_str!("assets/verify/point.js")),
    ("verify/sha256.js", include_str!("assets/verify/sha256.js")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets = vec![
        Asset("portal.css", CSS, Packed::new(include_str!("assets/portal.css"))),
        Asset("mark.svg", SVG, Packed::new(include_str!("assets/mark.svg"))),
    ];
    assets.extend(SCRIPTS.iter().map(|name| Asset(name, JS, Packed::new(joined(name, MODULES)))));
    assets
});

/// One hash over all files: they name each other.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for Asset(name, _, content) in ASSETS.iter() {
        hasher.update(name);
        hasher.update(content.plain());
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// Where a file is.
#[must_use]
pub fn href(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// A file. Under another version than the present one it is not kept, since it may be of another replica.
#[get("/assets/{version}/{name:.*}")]
pub async fn get(request: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (version, name) = path.into_inner();
    let found = ASSETS.iter().find(|Asset(known, ..)| *known == name);
    let Asset(_, kind, content) = found.ok_or_else(Problem::not_found)?;
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = HttpResponse::Ok();
    response.content_type(*kind).insert_header((header::CACHE_CONTROL, keep));
    Ok(content.answer(&request, &mut response))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn scripts_hold_all_that_they_use_and_share_no_name() {
        for script in SCRIPTS {
            let text = joined(script, MODULES);
            assert!(!text.contains("\nimport "), "{script}");
            let mut names = BTreeSet::new();
            for line in text.lines() {
                let line = line.strip_prefix("export ").unwrap_or(line);
                let line = line.strip_prefix("async ").unwrap_or(line);
                let words = ["function ", "class ", "const ", "let "];
                let Some(rest) = words.iter().find_map(|word| line.strip_prefix(word)) else { continue };
                let name =
                    rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is declared twice in {script}");
            }
            for (name, module) in MODULES {
                let imported =
                    module.lines().filter_map(|line| line.strip_suffix("\";")?.rsplit_once("from \"./"));
                for (_, file) in imported {
                    let file = file.rsplit('/').next().unwrap();
                    let is_there = MODULES.iter().any(|(known, _)| known.rsplit('/').next() == Some(file));
                    assert!(is_there, "{name} imports {file}, which is not listed");
                }
            }
        }
    }
}
