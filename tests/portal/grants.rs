//! `/grants` and `/reg`: an officer lets a regulator look, and the regulator sees that and nothing else, for as
//! long as it lasts.

use std::time::Duration;

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Caller, Ledger, Person, Server, grants::in_s};

const DAY_S: i64 = 24 * 3600;
/// Every scope that a grant can name.
const ALL: [&str; 6] =
    ["accounts:read", "transactions:read", "ledger:read", "evidence:read", "lineage:read", "reports:read"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The day so many days from now.
fn day(days: i64) -> String {
    in_s(days * DAY_S)[..10].to_owned()
}

/// A page of an institution.
fn of(server: &Server, index: usize, path: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}institution={}", server.institution(index))
}

async fn status(person: &Person, path: &str) -> StatusCode {
    person.open(path).await.status()
}

/// Where a form that was done leads.
fn location(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// Looks of somebody that are on an institution's ledger, by path.
async fn looks(server: &Server, index: usize, actor: &str) -> Vec<String> {
    let found = Ledger::of(server).naming(server.institution(index), actor).await;
    let accesses = found.iter().filter(|entry| entry.kind == "access");
    let all = accesses.flat_map(|entry| entry.payload["accesses"].as_array().unwrap().clone());
    all.filter(|look| look["actor"] == actor).map(|look| text(&look["path"]).to_owned()).collect()
}

async fn revoke(system: &Caller, grant: &Value) {
    let path = format!("/v1/grants/{}/revocation", text(&grant["id"]));
    system.post(&path, &json!({"reason": "over"})).await.ok();
}

#[tokio::test]
async fn an_officer_grants_access_sees_it_listed_and_revokes_it_with_a_reason() {
    let server = Server::demo(&[]);
    let (officer, regulator) = (server.person("compliance-officer").await, server.person("regulator").await);
    assert!(officer.page("/grants").await.contains("No grant was made yet."));
    assert!(regulator.page("/reg").await.contains("No grant of yours is live or to come."));

    let until = day(30);
    let form = [
        ("email", server.regulator()),
        ("scope", "transactions:read"),
        ("scope", "reports:read"),
        ("until", until.as_str()),
        ("purpose", "Review of settlement\r\nreporting"),
    ];
    let to = location(&officer.submit("/grants/new", &form).await);
    let path = to.strip_suffix("?done=made").unwrap();
    assert!(officer.page(&to).await.contains("It is granted, and counts from now on."));
    let grant = server.system(0).await.get(&format!("/v1{path}")).await.ok();
    assert_eq!(grant["scopes"], json!(["institution:read", "transactions:read", "reports:read"]));
    assert_eq!(grant["purpose"], "Review of settlement reporting");
    // The last day counts whole.
    assert_eq!(grant["until"], format!("{}T00:00:00.000000Z", day(31)));
    assert!(text(&grant["made_by"]).starts_with("usr_"), "{grant}");
    let list = officer.page("/grants").await;
    for shown in [server.regulator(), "transactions, reports", "Review of settlement reporting", "live", path]
    {
        assert!(list.contains(shown), "{shown} in {list}");
    }
    assert_eq!(status(&regulator, &of(&server, 0, "/transactions")).await, 200);

    // Without the tick nothing ends, and the reason stays in its field.
    let revocation = format!("{path}/revocation");
    let asked = officer.submit(&revocation, &[("reason", "the review is closed")]).await;
    assert_eq!(asked.status(), 200);
    let asked = asked.text().await.unwrap();
    assert!(asked.contains("Tick that it is to end now."), "{asked}");
    assert!(asked.contains(r#"value="the review is closed""#), "{asked}");
    assert_eq!(status(&regulator, &of(&server, 0, "/transactions")).await, 200);
    let form = [("reason", "the review is closed"), ("sure", "yes")];
    let to = location(&officer.submit(&revocation, &form).await);
    assert_eq!(to, format!("{path}?done=revoked"));
    // At once.
    assert_eq!(status(&regulator, &of(&server, 0, "/transactions")).await, 403);
    let one = officer.page(&to).await;
    for shown in ["It is revoked.", "the review is closed", "Entry that revoked it"] {
        assert!(one.contains(shown), "{shown} in {one}");
    }
    assert!(!one.contains("Revoke the grant"), "{one}");
    assert!(regulator.page("/reg").await.contains("No grant of yours is live or to come."));
}

#[tokio::test]
async fn what_is_wrong_with_a_grant_is_told_above_the_form_that_keeps_what_was_typed() {
    let server = Server::demo(&[]);
    let officer = server.person("compliance-officer").await;
    let until = day(30);
    for (email, scope, until, says) in [
        ("nobody@supervisor.example", "ledger:read", until.as_str(), "no regulator signs in by this address"),
        (server.regulator(), "reports:write", until.as_str(), "can't be granted"),
        (server.regulator(), "ledger:read", "2020-01-01", "later than now"),
        (server.regulator(), "ledger:read", "", "a time as RFC 3339 writes it"),
    ] {
        let form = [("email", email), ("scope", scope), ("until", until), ("purpose", "typed before")];
        let answer = officer.submit("/grants/new", &form).await;
        assert_eq!(answer.status(), 200, "{says}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("role=\"alert\""), "{page}");
        assert!(page.contains(says), "{says} in {page}");
        assert!(page.contains("typed before") && page.contains(email), "{page}");
    }
    assert!(officer.page("/grants").await.contains("No grant was made yet."));
}

#[tokio::test]
async fn a_form_that_is_sent_twice_grants_once() {
    let server = Server::demo(&[]);
    let officer = server.person("compliance-officer").await;
    let page = officer.page("/grants/new").await;
    let (_, rest) = page.split_once(r#"name="once" value=""#).unwrap();
    let (key, _) = rest.split_once('"').unwrap();
    let until = day(3);
    let form = [
        ("once", key),
        ("email", server.regulator()),
        ("scope", "ledger:read"),
        ("until", until.as_str()),
        ("purpose", "once"),
    ];
    let first = location(&officer.submit("/grants/new", &form).await);
    assert_eq!(location(&officer.submit("/grants/new", &form).await), first);
    assert_eq!(server.system(0).await.pages("/v1/grants").await.len(), 1);
}

#[tokio::test]
async fn a_regulator_sees_that_institution_and_those_scopes_and_nothing_else_and_each_look_is_recorded() {
    let server = Server::demo(&[]);
    let regulator = server.person("regulator").await;
    let grant = server.grant(0, &["transactions:read"], DAY_S, "payments of January").await;
    let user = text(&grant["user"]);

    let own = regulator.page("/reg").await;
    let names = [0, 1].map(|index| text(&server.demo["institutions"][index]["name"]).to_owned());
    assert!(own.contains(&names[0]) && !own.contains(&names[1]), "{own}");
    assert!(own.contains("payments of January"), "{own}");
    assert!(own.contains(&of(&server, 0, "/transactions")), "{own}");
    for other in ["/reports", "/lineage", "/audit", "/evidence"] {
        assert!(!own.contains(&of(&server, 0, other)), "{other} in {own}");
    }

    let list = regulator.page(&of(&server, 0, "/transactions")).await;
    assert!(list.contains(&names[0]) && list.contains("payments of January"), "{list}");
    for refused in [
        of(&server, 0, "/reports"),
        of(&server, 0, "/audit"),
        of(&server, 0, "/lineage"),
        of(&server, 0, "/evidence"),
        of(&server, 0, "/grants"),
        of(&server, 0, "/developers"),
        of(&server, 1, "/transactions"),
        "/transactions".to_owned(),
        "/transactions?institution=ins_00000000000000000000000000000000".to_owned(),
        "/transactions?institution=nonsense".to_owned(),
        "/grants".to_owned(),
    ] {
        assert_eq!(status(&regulator, &refused).await, 403, "{refused}");
    }

    let system = server.system(0).await;
    let one = system.get("/v1/transactions?limit=1").await.ok();
    let one = format!("/transactions/{}", text(&one["data"][0]["id"]));
    regulator.page(&of(&server, 0, &one)).await;
    let looks = looks(&server, 0, user).await;
    for looked in ["/v1/transactions?", &format!("/v1{one}?")] {
        assert!(looks.iter().any(|path| path.starts_with(looked)), "{looked} in {looks:?}");
    }
    let ledger = Ledger::of(&server);
    let denials = ledger.denials(server.institution(0), user, "insufficient_scope").await;
    assert!(denials.iter().any(|denial| text(&denial["path"]).starts_with("/v1/reports")), "{denials:?}");
    // Nothing of it is on the other institution's ledger.
    assert!(ledger.naming(server.institution(1), user).await.is_empty());
}

#[tokio::test]
async fn nothing_is_seen_before_a_grant_begins_and_nothing_after_it_ends() {
    let server = Server::demo(&[]);
    let (system, regulator) = (server.system(0).await, server.person("regulator").await);
    let path = of(&server, 0, "/transactions");
    let order = json!({
        "email": server.regulator(), "scopes": ["transactions:read"], "from": in_s(4), "until": in_s(12),
        "purpose": "a short look",
    });
    let grant = system.post("/v1/grants", &order).await.ok();
    let until = async |state: &str| {
        let began = std::time::Instant::now();
        while system.get(&format!("/v1/grants/{}", text(&grant["id"]))).await.ok()["state"] != state {
            assert!(began.elapsed().as_secs() < 30, "it is never {state}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert_eq!(status(&regulator, &path).await, 403);
    let own = regulator.page("/reg").await;
    assert!(own.contains("to come") && !own.contains(&path), "{own}");
    until("live").await;
    assert!(regulator.page(&path).await.contains("a short look"));
    assert!(regulator.page("/reg").await.contains(&path));
    until("ended").await;
    let refused = regulator.open(&path).await;
    assert_eq!(refused.status(), 403);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("has ended, was revoked") && !refused.contains("a short look"), "{refused}");
    assert!(regulator.page("/reg").await.contains("No grant of yours is live or to come."));
}

#[tokio::test]
async fn several_grants_add_up_and_one_that_is_revoked_takes_its_part_away() {
    let server = Server::demo(&[]);
    let (system, regulator) = (server.system(0).await, server.person("regulator").await);
    let records = server.grant(0, &["transactions:read"], DAY_S, "records").await;
    server.grant(0, &["reports:read"], 2 * DAY_S, "filings").await;
    let edge = regulator.page(&of(&server, 0, "/reports")).await;
    assert!(edge.contains("records; filings"), "{edge}");
    assert_eq!(status(&regulator, &of(&server, 0, "/transactions")).await, 200);
    revoke(&system, &records).await;
    assert_eq!(status(&regulator, &of(&server, 0, "/transactions")).await, 403);
    let edge = regulator.page(&of(&server, 0, "/reports")).await;
    assert!(edge.contains("filings") && !edge.contains("records; filings"), "{edge}");
    // One of another institution opens that one, under its own edge.
    server.grant(1, &["transactions:read"], DAY_S, "the other bank").await;
    let other = regulator.page(&of(&server, 1, "/transactions")).await;
    assert!(other.contains("the other bank") && !other.contains("filings"), "{other}");
    assert_eq!(status(&regulator, &of(&server, 1, "/reports")).await, 403);
}

#[tokio::test]
async fn the_edge_of_the_grant_is_on_every_page() {
    let server = Server::demo(&[]);
    let (system, regulator) = (server.system(0).await, server.person("regulator").await);
    let grant = server.grant(0, &ALL, DAY_S, "an inspection on site").await;
    let one = system.get("/v1/transactions?limit=1").await.ok();
    let one = format!("/transactions/{}", text(&one["data"][0]["id"]));
    let seconds = text(&grant["until"])[..19].replace('T', " ");
    for path in ["/transactions", &one, "/reports", "/lineage", "/audit", "/audit/0", "/evidence", "/reg"] {
        let page = regulator.page(&of(&server, 0, path)).await;
        let edge =
            page.split(r#"class="edge""#).nth(1).unwrap_or_else(|| panic!("no edge on {path}: {page}"));
        let edge = edge.split("</p>").next().unwrap();
        for shown in ["by a grant until", seconds.as_str(), "an inspection on site"] {
            assert!(edge.contains(shown), "{path}: {shown} in {edge}");
        }
        // Each way from here keeps the institution.
        assert!(page.contains(&of(&server, 0, "/transactions")), "{path}");
    }
}

#[tokio::test]
async fn what_a_grant_says_is_shown_as_text() {
    let server = Server::demo(&[]);
    let (system, officer) = (server.system(0).await, server.person("compliance-officer").await);
    let regulator = server.person("regulator").await;
    let payload =
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> =HYPERLINK(\"https://evil.example\")";
    let grant = server.grant(0, &ALL, DAY_S, payload).await;
    let one = format!("/grants/{}", text(&grant["id"]));
    let shown = async |person: &Person, path: &str| {
        let page = person.page(path).await;
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}: {page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{path}: {page}");
    };
    shown(&officer, "/grants").await;
    shown(&officer, &one).await;
    shown(&regulator, "/reg").await;
    shown(&regulator, &of(&server, 0, "/transactions")).await;
    let path = format!("/v1{one}/revocation");
    system.post(&path, &json!({"reason": format!("revoked {payload}")})).await.ok();
    shown(&officer, &one).await;
    assert!(officer.page(&one).await.contains("revoked &lt;script&gt;"));
}

#[tokio::test]
async fn others_neither_grant_nor_see_grants() {
    let server = Server::shared();
    let grant = server.grant_to_come(0, &["ledger:read"]).await;
    let one = format!("/grants/{}", text(&grant["id"]));
    let (engineer, officer) =
        (server.person("integration-engineer").await, server.person("compliance-officer").await);
    for path in ["/grants", "/grants/new", &one] {
        assert_eq!(status(&engineer, path).await, 403, "{path}");
    }
    let form =
        [("email", server.regulator()), ("scope", "ledger:read"), ("until", "2099-01-01"), ("purpose", "x")];
    assert_eq!(engineer.submit("/grants/new", &form).await.status(), 403);
    let end = [("reason", "x"), ("sure", "yes")];
    assert_eq!(engineer.submit(&format!("{one}/revocation"), &end).await.status(), 403);
    assert_eq!(status(&officer, "/reg").await, 403);
    assert_eq!(status(&officer, "/grants/grt_00000000000000000000000000000000").await, 404);
    let foreign = server.grant_to_come(1, &["ledger:read"]).await;
    assert_eq!(status(&officer, &format!("/grants/{}", text(&foreign["id"]))).await, 404);
    // An operator names the institution.
    let operator = server.person("operator").await;
    assert_eq!(status(&operator, "/grants").await, 400);
    assert!(operator.page(&of(server, 0, &one)).await.contains(server.regulator()));
    let to = operator.submit(&of(server, 0, &format!("{one}/revocation")), &end).await;
    assert!(location(&to).ends_with(&of(server, 0, &format!("{one}?done=revoked"))));
    assert_eq!(server.system(0).await.get(&format!("/v1{one}")).await.ok()["state"], "revoked");
}
