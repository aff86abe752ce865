//! `/status.atom`: incidents as a feed (RFC 4287), for whoever would rather be told. Each incident is an entry, whose
//! id never changes, and whose time and content are those of its newest update.

use std::fmt::Write as _;

use actix_web::{HttpResponse, get, http::header};
use quick_xml::escape::escape;
use serde_json::Value;

use super::look::Look;
use crate::{
    domain::IncidentId,
    portal::{
        parts::json::{items, text},
        trouble::Trouble,
    },
};

/// The feed.
#[get("/status.atom")]
pub async fn feed(look: Look) -> Result<HttpResponse, Trouble> {
    let status = look.get("/v1/status").await?;
    Ok(HttpResponse::Ok()
        .content_type("application/atom+xml; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .body(written(&status, look.door.tokens.issuer())))
}

/// The feed of what `/v1/status` told, of a service at a URL.
fn written(status: &Value, base: &str) -> String {
    let mut incidents: Vec<&Value> = items(&status["open"]).iter().chain(items(&status["recent"])).collect();
    incidents.sort_by(|one, other| text(&other["updated_at"]).cmp(text(&one["updated_at"])));
    // Without any, the feed is as it was this morning.
    let morning = format!("{}T00:00:00Z", text(&status["at"]).get(..10).unwrap_or("1970-01-01"));
    let updated = incidents.first().map_or(morning.as_str(), |incident| text(&incident["updated_at"]));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    xml.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\">\n");
    element(&mut xml, "id", &format!("{base}/status"));
    element(&mut xml, "title", "Incidents of Veritrail");
    element(&mut xml, "updated", updated);
    xml.push_str("<author><name>Veritrail</name></author>\n");
    let base = escape(base);
    link(&mut xml, ("self", "application/atom+xml"), &format!("{base}/status.atom"));
    link(&mut xml, ("alternate", "text/html"), &format!("{base}/status"));
    for incident in incidents {
        entry(&mut xml, incident, &base);
    }
    xml.push_str("</feed>\n");
    xml
}

fn entry(xml: &mut String, incident: &Value, base: &str) {
    // An id of ours is a UUID, which stays when the service moves.
    let Ok(id) = text(&incident["id"]).parse::<IncidentId>() else { return };
    let status = text(&incident["status"]);
    xml.push_str("<entry>\n");
    element(xml, "id", &id.uuid().urn().to_string());
    element(xml, "title", &plain(text(&incident["title"])));
    element(xml, "published", text(&incident["opened_at"]));
    element(xml, "updated", text(&incident["updated_at"]));
    link(xml, ("alternate", "text/html"), &format!("{base}/status/incidents/{id}"));
    let _ = writeln!(xml, "<category term=\"{}\"/>", escape(status));
    let told = plain(text(&incident["updates"][0]["text"]));
    let _ =
        writeln!(xml, "<content type=\"text\">{}</content>", escape(format!("{status}: {told}").as_str()));
    xml.push_str("</entry>\n");
}

/// An element that holds a text.
fn element(xml: &mut String, name: &str, text: &str) {
    let _ = writeln!(xml, "<{name}>{}</{name}>", escape(text));
}

/// A link; its target is escaped already.
fn link(xml: &mut String, (rel, kind): (&str, &str), href: &str) {
    let _ = writeln!(xml, "<link rel=\"{rel}\" type=\"{kind}\" href=\"{href}\"/>");
}

/// A text without what XML has no way to write (XML 1.0 section 2.2).
fn plain(text: &str) -> String {
    let is_char = |letter: char| !matches!(letter, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|letter| if is_char(letter) { letter } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_comes_first_and_texts_stay_texts() {
        let incident = |digit: char, title: &str, updated: &str| {
            json!({
                "id": format!("inc_{}", digit.to_string().repeat(32)), "title": title, "status": "monitoring",
                "opened_at": "2026-01-01T00:00:00Z", "updated_at": updated, "updates": [{"text": "a < b & \u{ffff}"}],
            })
        };
        let status = json!({
            "at": "2026-01-05T09:30:00.000000Z",
            "open": [incident('1', "</title><script>", "2026-01-02T00:00:00Z")],
            "recent": [incident('2', "other", "2026-01-03T00:00:00Z")],
        });
        let xml = written(&status, "https://x.example/?a&b");
        assert!(xml.contains("<updated>2026-01-03T00:00:00Z</updated>\n<author>"), "{xml}");
        assert!(xml.find("22222222-2222").unwrap() < xml.find("11111111-1111").unwrap(), "{xml}");
        assert!(xml.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"), "{xml}");
        assert!(xml.contains("monitoring: a &lt; b &amp; \u{fffd}</content>"), "{xml}");
        assert!(xml.contains("href=\"https://x.example/?a&amp;b/status.atom\""), "{xml}");
        let none = written(&json!({"at": "2026-01-05T09:30:00.000000Z"}), "https://x.example");
        assert!(none.contains("<updated>2026-01-05T00:00:00Z</updated>"), "{none}");
    }
}
