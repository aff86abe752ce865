//! `/status` and `/ops/incidents`: everybody sees how the service is, and operators tell of incidents.

use std::time::{Duration, Instant};

use quick_xml::{Reader, events::Event};
use reqwest::header;
use serde_json::{Value, json};

use super::developers::between;
use crate::support::{Caller, Person, Server, redis::Redis};

const PAYLOAD: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> ]]> &amp; =HYPERLINK(\"https://evil.example\")";

/// A demo that checks itself every second.
fn demo(environment: &[(&str, &str)]) -> Server {
    let often = [("VERITRAIL_STATUS__CHECK_EVERY_S", "1")];
    Server::demo_with(&[], &[&often[..], environment].concat())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn part<'a>(status: &'a Value, id: &str) -> Option<&'a Value> {
    status["components"].as_array().unwrap().iter().find(|part| part["id"] == id)
}

/// What everybody is told, once it is so.
async fn until(anybody: &Caller, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let status = anybody.get("/v1/status").await.ok();
        if is_so(&status) {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{status:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Where a form that was done leads.
fn location(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// The texts of the elements of a name in a feed, which must be well-formed.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut open) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in {xml}")) {
            Event::Start(start) => {
                let is: String = AsRef::<str>::as_ref(&start.name()).to_owned();
                if is == name {
                    found.push(String::new());
                }
                open.push(is);
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(part) if open.last().is_some_and(|one| one == name) => {
                found.last_mut().unwrap().push_str(&part);
            }
            Event::GeneralRef(reference) if open.last().is_some_and(|one| one == name) => {
                found.last_mut().unwrap().push_str(match &*reference {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" => "'",
                    other => panic!("&{other}; in {xml}"),
                });
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{xml}");
    found
}

#[tokio::test]
async fn nobody_has_checked_before_the_first_check_and_all_works_after_it() {
    let server = demo(&[]);
    let (anybody, nobody) = (server.stranger(), Person::nobody(&server));
    let ids = ["api", "ledger", "exports-and-reports", "webhooks"];
    let status = until(&anybody, |status| status["state"] == "operational").await;
    let told: Vec<&str> =
        status["components"].as_array().unwrap().iter().map(|part| text(&part["id"])).collect();
    assert_eq!(told, ids, "without Redis there are no limits to share");
    let checks = |day: &Value| day["checks"].as_i64().unwrap();
    let counted = |status: &Value| {
        ids.map(|id| part(status, id).unwrap()["days"].as_array().unwrap().iter().map(checks).sum::<i64>())
    };
    let before = counted(&status);
    for id in ids {
        let part = part(&status, id).unwrap();
        assert_eq!(part["state"], "operational", "{part}");
        assert_eq!(part["uptime_percent"], "100.00", "{part}");
        assert!(text(&part["checked_at"]) <= text(&status["at"]), "{part}");
    }
    // Checks go on, and add up.
    until(&anybody, |status| counted(status).iter().zip(&before).all(|(now, before)| now > before)).await;

    let page = nobody.page("/status").await;
    for shown in [
        "All parts of the service work.",
        "Exports and reports",
        "100.00 %",
        "of the last 90 days",
        "<svg",
        "<desc",
        "checks, all well",
        "None was resolved in the last 90 days.",
        r#"type="application/atom+xml""#,
    ] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(!page.contains("/ops/incidents"), "{page}");
    assert!(page.len() < 100_000, "{} bytes", page.len());
    // Everybody is led there.
    assert!(nobody.page("/sign-in").await.contains(r#"href="/status""#));
}

#[tokio::test]
async fn a_part_that_nobody_checks_is_not_told_as_good() {
    // The next check is far away, and what the first one found is not fresh for long without it.
    let server = Server::demo_with(&[], &[("VERITRAIL_STATUS__CHECK_EVERY_S", "600")]);
    let (anybody, nobody) = (server.stranger(), Person::nobody(&server));
    let first = anybody.get("/v1/status").await.ok();
    if part(&first, "ledger").unwrap()["checked_at"].is_null() {
        assert_eq!(first["state"], "unknown", "{first}");
        assert_eq!(part(&first, "ledger").unwrap()["uptime_percent"], Value::Null);
    }
    // Redis was never there: nothing is known of what it is for, until somebody tells of it.
    let new = json!({"title": "x", "impact": "none", "components": ["limits"], "text": "x"});
    server.incident(&new).await;
    let status = anybody.get("/v1/status").await.ok();
    assert_eq!(part(&status, "limits"), None, "an incident without an impact says nothing of a part");
    let new = json!({"title": "x", "impact": "minor", "components": ["limits"], "text": "x"});
    server.incident(&new).await;
    let status = anybody.get("/v1/status").await.ok();
    let limits = part(&status, "limits").unwrap();
    assert_eq!((&limits["state"], &limits["checked_at"]), (&json!("degraded"), &Value::Null), "{limits}");
    let page = nobody.page("/status").await;
    assert!(page.contains("It was not checked yet."), "{page}");
    assert!(page.contains("Nothing is known of the last 90 days."), "{page}");
}

#[tokio::test]
async fn limits_are_degraded_while_redis_is_away_and_well_again_after() {
    let mut redis = Redis::start();
    let server = demo(&[("VERITRAIL_REDIS__URLS", &redis.url())]);
    let (anybody, nobody) = (server.stranger(), Person::nobody(&server));
    let is = |state: &'static str| {
        move |status: &Value| part(status, "limits").is_some_and(|part| part["state"] == state)
    };
    until(&anybody, is("operational")).await;
    redis.kill();
    let status = until(&anybody, is("degraded")).await;
    assert_eq!(status["state"], "degraded", "{status}");
    assert_eq!(part(&status, "ledger").unwrap()["state"], "operational", "{status}");
    let page = nobody.page("/status").await;
    assert!(page.contains("The service works; a part of it is slow"), "{page}");
    redis.restart(false);
    let status = until(&anybody, is("operational")).await;
    // What was is still told, by day, and what is degraded is not down.
    let limits = part(&status, "limits").unwrap();
    let degraded = |day: &Value| day["degraded"].as_i64().unwrap();
    assert!(limits["days"].as_array().unwrap().iter().map(degraded).sum::<i64>() > 0, "{limits}");
    assert_eq!(limits["uptime_percent"], "100.00", "{limits}");
}

#[tokio::test]
async fn an_operator_opens_updates_and_resolves_an_incident_and_everybody_sees_each_step() {
    let server = demo(&[]);
    let (operator, nobody) = (server.person("operator").await, Person::nobody(&server));
    let anybody = server.stranger();
    until(&anybody, |status| status["state"] == "operational").await;
    assert!(operator.page("/status").await.contains("/ops/incidents"));
    assert!(operator.page("/ops/incidents").await.contains("No incident was opened yet."));

    let form = [
        ("title", "Reports are late"),
        ("status", "investigating"),
        ("impact", "major"),
        ("component", "exports-and-reports"),
        ("text", "Reports take longer\r\nthan they should."),
    ];
    let to = location(&operator.submit("/ops/incidents", &form).await);
    let path = to.strip_suffix("?done=opened").unwrap().to_owned();
    assert!(operator.page(&to).await.contains("It is open, and everybody is told."));
    let public = path.replace("/ops/", "/status/");
    let page = nobody.page("/status").await;
    for shown in [
        "A part of the service does not work.",
        "Open incidents",
        "Reports are late",
        "major impact",
        "Reports take longer than they should.",
        public.as_str(),
    ] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    // The checks say otherwise, and the worse of the two counts.
    let status = anybody.get("/v1/status").await.ok();
    assert_eq!(part(&status, "exports-and-reports").unwrap()["state"], "down", "{status}");
    assert_eq!(part(&status, "ledger").unwrap()["state"], "operational", "{status}");

    let form = [
        ("status", "identified"),
        ("impact", "minor"),
        ("component", "exports-and-reports"),
        ("component", "webhooks"),
        ("text", "A queue was full."),
    ];
    let updates = format!("{path}/updates");
    let to = location(&operator.submit(&updates, &form).await);
    assert_eq!(to, format!("{path}?done=identified"));
    let status = anybody.get("/v1/status").await.ok();
    for id in ["exports-and-reports", "webhooks"] {
        assert_eq!(part(&status, id).unwrap()["state"], "degraded", "{status}");
    }
    let form =
        [("status", "resolved"), ("impact", "minor"), ("component", "webhooks"), ("text", "It is over.")];
    let to = location(&operator.submit(&updates, &form).await);
    let one = operator.page(&to).await;
    assert!(one.contains("It is resolved, and everybody is told."), "{one}");
    assert!(!one.contains("<textarea"), "nothing is told of it any more: {one}");
    let again = operator.submit(&updates, &form).await;
    assert_eq!(again.status(), 200);
    assert!(again.text().await.unwrap().contains("the incident is resolved; open another one"));

    let page = nobody.page("/status").await;
    assert!(!page.contains("Open incidents"), "{page}");
    assert!(page.contains("It is over.") && page.contains("resolved"), "{page}");
    let page = nobody.page(&public).await;
    let places = ["It is over.", "A queue was full.", "Reports take longer than they should."]
        .map(|told| page.find(told).unwrap_or_else(|| panic!("{told} in {page}")));
    assert!(places.is_sorted(), "the newest first: {page}");
    assert!(!page.contains("usr_"), "who told it is nobody's business: {page}");
    assert!(operator.page(&path).await.contains("usr_"));
    let status = until(&anybody, |status| status["state"] == "operational").await;
    assert_eq!(status["recent"][0]["title"], "Reports are late");
    assert_eq!(nobody.open("/status/incidents/inc_00000000000000000000000000000000").await.status(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_an_incident_is_told_above_the_form_that_keeps_what_was_typed() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let long = "x".repeat(201);
    for (title, component, says) in
        [(long.as_str(), Some("api"), "1 to 200 characters"), ("typed before", None, "name at least one")]
    {
        let mut form =
            vec![("title", title), ("status", "monitoring"), ("impact", "none"), ("text", "kept text")];
        form.extend(component.map(|name| ("component", name)));
        let answer = operator.submit("/ops/incidents", &form).await;
        assert_eq!(answer.status(), 200);
        let page = answer.text().await.unwrap();
        assert!(page.contains(r#"role="alert""#) && page.contains(says), "{says} in {page}");
        assert!(page.contains(title) && page.contains("kept text"), "{page}");
        assert!(page.contains(r#"<option value="monitoring" selected"#), "{page}");
    }
    let list = server.operator().await.get("/admin/v1/incidents").await.ok();
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn whoever_has_not_seen_a_colleagues_update_is_shown_it_and_keeps_what_they_typed() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let new = json!({"title": "x", "impact": "none", "components": ["api"], "text": "x"});
    let path = format!("/ops/incidents/{}", text(&server.incident(&new).await["id"]));
    let updates = format!("{path}/updates");
    let seen = |page: &str| between(page, "name=\"after\" value=\"", "\"").to_owned();
    let number = |seq: &str| seq.parse::<u64>().unwrap();
    let page = operator.page(&path).await;
    let form = |text: &'static str, after: &str| {
        [("status", "identified"), ("impact", "major"), ("component", "ledger"), ("text", text)]
            .map(|(name, value)| (name, value.to_owned()))
            .into_iter()
            .chain([("after", after.to_owned())])
            .collect::<Vec<_>>()
    };
    let submit = async |form: Vec<(&'static str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        operator.submit(&updates, &form).await
    };
    location(&submit(form("A colleague's words.", &seen(&page))).await);
    let answer = submit(form("My own words.", &seen(&page))).await;
    assert_eq!(answer.status(), 200);
    let late = answer.text().await.unwrap();
    for shown in ["somebody else has just updated it", "A colleague's words.", "My own words.</textarea>"] {
        assert!(late.contains(shown), "{shown} in {late}");
    }
    assert!(late.contains(r#"<option value="major" selected"#), "{late}");
    assert!(number(&seen(&late)) > number(&seen(&page)), "they have seen it now: {late}");
    location(&submit(form("My own words.", &seen(&late))).await);
    let status = server.stranger().get("/v1/status").await.ok();
    assert_eq!(status["open"][0]["updates"][0]["text"], "My own words.");

    // Over meanwhile: what was typed is not lost.
    let page = operator.page(&path).await;
    let over = json!({"status": "resolved", "text": "over"});
    let id = path.strip_prefix("/ops/incidents/").unwrap();
    server.operator().await.post(&format!("/admin/v1/incidents/{id}/updates"), &over).await.ok();
    let answer = submit(form("Words too late.", &seen(&page))).await;
    let late = answer.text().await.unwrap();
    assert!(late.contains("the incident is resolved") && late.contains("Words too late."), "{late}");
    assert!(!late.contains("<textarea"), "{late}");
}

#[tokio::test]
async fn the_feed_names_incidents_for_good_and_is_newer_when_something_is_told() {
    let server = Server::demo(&[]);
    let (anybody, operator) = (server.stranger(), server.operator().await);
    let empty = anybody.get("/status.atom").await;
    assert_eq!(empty.header("content-type"), Some("application/atom+xml; charset=utf-8"));
    assert_eq!(texts(empty.text(), "entry").len(), 0);
    assert_eq!(texts(empty.text(), "updated").len(), 1, "a feed has a time in any case");

    let new = json!({
        "title": PAYLOAD, "impact": "minor", "components": ["api"], "text": format!("told {PAYLOAD}"),
    });
    let first = server.incident(&new).await;
    let other = json!({"title": "another one", "impact": "none", "components": ["ledger"], "text": "x"});
    server.incident(&other).await;
    let feed = anybody.get("/status.atom").await.text().to_owned();
    assert_eq!(texts(&feed, "title")[1..], ["another one".to_owned(), PAYLOAD.to_owned()]);
    assert_eq!(texts(&feed, "content")[1], format!("investigating: told {PAYLOAD}"));
    let ids = texts(&feed, "id");
    assert_eq!(ids[0], format!("{}/status", server.base_url()));
    assert!(ids[1..].iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
    assert!(
        feed.contains(&format!("{}/status/incidents/{}", server.base_url(), text(&first["id"]))),
        "{feed}"
    );

    let update = json!({"status": "resolved", "text": "over"});
    operator.post(&format!("/admin/v1/incidents/{}/updates", text(&first["id"])), &update).await.ok();
    let later = anybody.get("/status.atom").await.text().to_owned();
    assert_eq!(
        texts(&later, "title")[1..],
        [PAYLOAD.to_owned(), "another one".to_owned()],
        "the newest first"
    );
    assert_eq!(texts(&later, "id")[1], ids[2], "it is the same one");
    assert_eq!(texts(&later, "content")[0], "resolved: over");
    assert!(texts(&later, "updated")[0] > texts(&feed, "updated")[0], "{later}");
}

#[tokio::test]
async fn what_is_told_of_an_incident_is_shown_as_text() {
    let server = Server::demo(&[]);
    let (operator, nobody) = (server.person("operator").await, Person::nobody(&server));
    let new = json!({"title": PAYLOAD, "impact": "none", "components": ["api"], "text": PAYLOAD});
    let id = text(&server.incident(&new).await["id"]).to_owned();
    let shown = async |person: &Person, path: &str| {
        let page = person.page(path).await;
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}: {page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{path}: {page}");
    };
    shown(&nobody, "/status").await;
    shown(&nobody, &format!("/status/incidents/{id}")).await;
    shown(&operator, "/ops/incidents").await;
    shown(&operator, &format!("/ops/incidents/{id}")).await;
}

#[tokio::test]
async fn others_tell_of_no_incidents() {
    let server = Server::demo(&[]);
    let new = json!({"title": "x", "impact": "none", "components": ["api"], "text": "x"});
    let one = format!("/ops/incidents/{}", text(&server.incident(&new).await["id"]));
    let form =
        [("title", "x"), ("status", "monitoring"), ("impact", "none"), ("component", "api"), ("text", "x")];
    for role in ["compliance-officer", "integration-engineer", "regulator"] {
        let person = server.person(role).await;
        for path in ["/ops/incidents", &one] {
            assert_eq!(person.open(path).await.status(), 403, "{role} {path}");
        }
        for path in ["/ops/incidents", &format!("{one}/updates")] {
            assert_eq!(person.submit(path, &form).await.status(), 403, "{role} {path}");
        }
        // They see what everybody sees, in their own frame.
        assert!(person.page("/status").await.contains("Sign out"), "{role}");
    }
    let nobody = Person::nobody(&server).open("/ops/incidents").await;
    assert_eq!(location(&nobody), "/sign-in?next=%2Fops%2Fincidents");
    let list = server.operator().await.get("/admin/v1/incidents").await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["data"][0]["updates"].as_array().unwrap().len(), 1, "{list}");
}
