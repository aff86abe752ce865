//! Files that pages load. Each is served under its hash, so that a browser keeps it until it changes.

use std::sync::LazyLock;

use actix_web::{HttpResponse, get, http::header, web};
use sha2::{Digest as _, Sha256};

use crate::error::Problem;

/// A file: its name, its media type, and what is in it.
struct Asset(&'static str, &'static str, &'static str);

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const ASSETS: &[Asset] = &[
    Asset("portal.css", CSS, include_str!("assets/portal.css")),
    Asset("portal.js", JS, include_str!("assets/portal.js")),
    Asset("copy.js", JS, include_str!("assets/copy.js")),
    Asset("keys.js", JS, include_str!("assets/keys.js")),
    Asset("proof.js", JS, include_str!("assets/proof.js")),
    // What a proof is checked with, of the modules of the page that verifies bundles.
    Asset("verify/bytes.js", JS, include_str!("assets/verify/bytes.js")),
    Asset("verify/merkle.js", JS, include_str!("assets/verify/merkle.js")),
    Asset("verify/note.js", JS, include_str!("assets/verify/note.js")),
    Asset("verify/point.js", JS, include_str!("assets/verify/point.js")),
    Asset("verify/sha256.js", JS, include_str!("assets/verify/sha256.js")),
    Asset("mark.svg", SVG, include_str!("assets/mark.svg")),
];

/// One hash over all files: they name each other.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for Asset(name, _, content) in ASSETS {
        hasher.update(name);
        hasher.update(content);
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
pub async fn get(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (version, name) = path.into_inner();
    let found = ASSETS.iter().find(|Asset(known, ..)| *known == name);
    let Asset(_, kind, content) = found.ok_or_else(Problem::not_found)?;
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(HttpResponse::Ok().content_type(*kind).insert_header((header::CACHE_CONTROL, keep)).body(*content))
}
