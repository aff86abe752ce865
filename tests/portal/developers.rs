//! `/developers`: limits, usage and whose fault refusals are; clients and their keys; webhooks; events; diagnosis.

use reqwest::{Response, header::LOCATION};
use serde_json::{Value, json};

use crate::support::{
    Caller, Person, Server, data,
    keys::ClientKey,
    receiver::{Manner, Receiver, until},
};

const HOOK: &str = "https://hooks.bank.example/veritrail";
const SCRIPT: &str = "<script>alert(1)</script>";
const FORMULA: &str = "=cmd|' /C calc'!A0";

async fn engineer(server: &Server) -> Person {
    server.person("integration-engineer").await
}

/// The part of a page from one text to the next one.
pub(super) fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let begin = page.find(from).unwrap_or_else(|| panic!("no {from} in {page}"));
    let rest = &page[begin + from.len()..];
    &rest[..rest.find(to).unwrap_or_else(|| panic!("no {to} after {from}: {rest}"))]
}

/// The key of one of a page's forms.
pub(super) fn once<'a>(page: &'a str, form: &str) -> &'a str {
    let mut keys = page.split("name=\"once\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let found = keys.find(|key| key.ends_with(&format!(".{form}")));
    found.unwrap_or_else(|| panic!("no form {form} in {page}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Where an answer leads to.
pub(super) async fn leads(answer: Response) -> String {
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// The page that an answer is itself.
pub(super) async fn shows(answer: Response, status: u16) -> String {
    assert!(answer.headers().get(LOCATION).is_none());
    let (got, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    text
}

async fn deliver(server: &Server, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("dev"))).collect();
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
}

/// A service that may tell the receivers of these tests.
fn telling() -> Server {
    Server::demo_with(
        &[],
        &[
            ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
            ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
            ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
        ],
    )
}

async fn attempts(system: &Caller, endpoint: &str) -> Vec<Value> {
    let page = system.get(&format!("/v1/webhooks/{endpoint}/deliveries?limit=500")).await.ok();
    page["data"].as_array().unwrap().clone()
}

/// Waits until so many attempts have ended.
async fn until_ended(system: &Caller, endpoint: &str, count: usize) -> Vec<Value> {
    until("attempts have ended", async || {
        let ended = attempts(system, endpoint).await;
        Some(ended.into_iter().filter(|one| one["state"] != "ordered").collect::<Vec<_>>())
            .filter(|ended| ended.len() >= count)
    })
    .await
}

#[tokio::test]
async fn the_overview_has_the_limits_the_usage_and_whose_fault_each_refusal_is() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    for _ in 0..3 {
        system.get("/v1/institution?nonsense=1").await.problem(400, "unknown_parameter");
    }
    system.get("/v1/institution").await.ok();
    let page = engineer.page("/developers").await;

    let told = system.get("/v1/usage?group_by=route").await.ok();
    let route = told["data"].as_array().unwrap().iter().find(|row| row["route"] == "GET /v1/institution");
    let route = route.unwrap();
    let by_route = between(&page, "refused or failed, by endpoint</caption>", "</table>");
    let row = between(by_route, "<code>GET /v1/institution</code>", "</tr>");
    assert!(row.contains(&format!("<td class=\"num\">{}</td>", route["requests"])), "{row}");
    assert!(row.contains("<code>unknown_parameter</code> 3"), "{row}");
    let by_code = between(&page, "refused or failed, by code</caption>", "</table>");
    let row = between(by_code, "<code>unknown_parameter</code>", "</tr>");
    assert!(row.contains(">Yours<") && row.contains("no such parameter"), "{row}");
    assert!(page.contains("<strong>0</strong> by our fault"), "{page}");

    let chart = between(&page, "<svg", "</svg>");
    assert!(chart.contains("role=\"img\"") && chart.contains("<title") && chart.contains("<desc"), "{chart}");
    assert!(chart.contains("class=\"bar refused\""), "{chart}");
    let days = between(&page, "Requests a day</caption>", "</table>");
    assert_eq!(days.matches("<tr>").count(), 31, "a head and thirty days");
    let limits = between(&page, "Limits now, in units</caption>", "</table>").replace('\u{202f}', "");
    let told = system.get("/v1/limits").await.ok();
    for limit in told["limits"].as_array().unwrap() {
        let (burst, rate) = (&limit["burst"], &limit["per_second"]);
        let shown = format!("<td class=\"num\">{burst}</td><td class=\"num\">{rate}</td>");
        assert!(limits.contains(&shown), "{shown}: {limits}");
    }
    assert!(page.contains(text(&told["plan"])), "{page}");
}

#[tokio::test]
async fn a_new_demo_has_nothing_refused_and_no_endpoint() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    assert!(engineer.page("/developers").await.contains("Nothing was refused, and nothing failed."));
    assert!(engineer.page("/developers/webhooks").await.contains("No endpoint is told of events."));
    let none = engineer.page("/developers/events?after=99999999").await;
    assert!(none.contains("No event fits."), "{none}");
}

#[tokio::test]
async fn whoever_does_not_connect_systems_sees_neither_clients_nor_webhooks() {
    let server = Server::demo(&[]);
    let officer = server.person("compliance-officer").await;
    for path in ["/developers/clients", "/developers/webhooks"] {
        assert_eq!(officer.open(path).await.status(), 403, "{path}");
    }
    let overview = officer.page("/developers").await;
    assert!(!overview.contains("href=\"/developers/clients\""), "what is refused is not offered");
    let client = text(&server.demo["institutions"][0]["clients"][0]["client_id"]).to_owned();
    let rotate = format!("/developers/clients/{client}/rotate-secret");
    let refused = officer.submit(&rotate, &[("overlap_s", "0"), ("sure", "yes")]).await;
    assert_eq!(refused.status(), 403);
    server.system(0).await.get("/v1/institution").await.ok(); // Its secret is what it was.

    let engineer = engineer(&server).await;
    let other = text(&server.demo["institutions"][1]["clients"][0]["client_id"]).to_owned();
    assert_eq!(engineer.open(&format!("/developers/clients/{other}")).await.status(), 404);
    let refused = engineer.open("/developers/clients/cli_x%2F..%2Fy").await;
    assert_eq!(refused.status(), 404);
    assert_eq!(Person::nobody(&server).open("/developers").await.status(), 303);
}

#[tokio::test]
async fn a_clients_keys_are_added_and_ended_and_names_are_text() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let name = format!("{SCRIPT}{FORMULA}");
    let made = server.enrol(0, &json!({"name": name, "scopes": ["ledger:read"], "jwks": old.jwks()})).await;
    let id = text(&made["client_id"]);
    let list = engineer.page("/developers/clients").await;
    assert!(list.contains(id) && list.contains("demo-warehouse"), "{list}");
    let path = format!("/developers/clients/{id}");
    let page = engineer.page(&path).await;
    for shown in [&list, &page] {
        assert!(
            !shown.contains(SCRIPT) && shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;=cmd|"),
            "{shown}"
        );
    }
    assert!(page.contains("<code>ledger:read</code>") && page.contains("the last one stays"), "{page}");

    let add = format!("{path}/keys");
    let wrong = shows(engineer.submit(&add, &[("jwk", "{\"kty\": \"<b>\"")]).await, 400).await;
    assert!(
        wrong.contains("role=\"alert\"") && wrong.contains("{&quot;kty&quot;: &quot;&lt;b&gt;&quot;"),
        "{wrong}"
    );
    let mut private = new.jwk.clone();
    private["d"] = "c2VjcmV0LXBhcnQ".into();
    let private = private.to_string();
    let wrong = shows(engineer.submit(&add, &[("jwk", private.as_str())]).await, 422).await;
    assert!(!wrong.contains("c2VjcmV0LXBhcnQ"), "a private key is not shown again");

    let jwk = new.jwk.to_string();
    let fields = [("once", once(&page, "key")), ("jwk", jwk.as_str())];
    assert_eq!(leads(engineer.submit(&add, &fields).await).await, format!("{path}?done=key"));
    // Sent twice, it is done once.
    assert_eq!(leads(engineer.submit(&add, &fields).await).await, format!("{path}?done=key"));
    let now = system.get(&format!("/v1/clients/{id}")).await.ok();
    assert_eq!(now["keys"].as_array().unwrap().len(), 2);
    let page = engineer.page(&format!("{path}?done=key")).await;
    assert!(page.contains("The key was added.") && page.contains(&format!("{path}/keys/old/end")), "{page}");
    for key in now["keys"].as_array().unwrap() {
        assert!(page.contains(text(&key["thumbprint"])), "{key}");
    }

    let end = format!("{path}/keys/old/end");
    assert!(engineer.page(&end).await.contains("no more tokens"));
    let unsure = shows(engineer.submit(&end, &[("at", "2026-01-05T09:30")]).await, 422).await;
    assert!(unsure.contains("tick the box") && unsure.contains("value=\"2026-01-05T09:30\""), "{unsure}");
    let far = shows(engineer.submit(&end, &[("sure", "yes"), ("at", "2099-01-05T09:30")]).await, 422).await;
    assert!(far.contains("within 90 days"), "{far}");
    assert_eq!(system.get(&format!("/v1/clients/{id}")).await.ok()["keys"], now["keys"]);
    assert_eq!(leads(engineer.submit(&end, &[("sure", "yes")]).await).await, format!("{path}?done=ended"));
    let now = system.get(&format!("/v1/clients/{id}")).await.ok();
    assert_eq!(now["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == "old").count(), 0);
    assert_eq!(engineer.open(&format!("{path}/keys/none/end")).await.status(), 404);
}

#[tokio::test]
async fn a_new_secret_is_on_the_page_that_answers_and_nowhere_else() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let made = server.enrol(0, &json!({"name": "warehouse", "scopes": ["institution:read"]})).await;
    let id = text(&made["client_id"]);
    let path = format!("/developers/clients/{id}");
    let rotate = format!("{path}/rotate-secret");
    let page = engineer.page(&rotate).await;
    let unsure = shows(engineer.submit(&rotate, &[("overlap_s", "0")]).await, 422).await;
    assert!(unsure.contains("tick the box"), "{unsure}");
    server.caller(&made, None).await.get("/v1/institution").await.ok();

    let fields = [("once", once(&page, "rotate")), ("overlap_s", "0"), ("sure", "yes")];
    let answer = engineer.submit(&rotate, &fields).await;
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    let shown = shows(answer, 200).await;
    let secret = between(&shown, "data-copy=\"", "\"").to_owned();
    let renewed = json!({"client_id": id, "client_secret": secret});
    server.caller(&renewed, None).await.get("/v1/institution").await.ok();
    let again = shows(engineer.submit(&rotate, &fields).await, 200).await;
    assert!(!again.contains(&secret) && again.contains("was sent before"), "{again}");
    server.caller(&renewed, None).await.get("/v1/institution").await.ok();
    for path in [path, "/developers/clients".to_owned(), rotate] {
        assert!(!engineer.page(&path).await.contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn allowed_addresses_are_changed_and_what_does_not_fit_is_kept() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    let made = server.enrol(0, &json!({"name": "warehouse", "scopes": ["institution:read"]})).await;
    let id = text(&made["client_id"]);
    let (path, put) = (format!("/developers/clients/{id}"), format!("/developers/clients/{id}/addresses"));
    assert!(engineer.page(&path).await.contains("It may call from any address."));
    let wrong = shows(engineer.submit(&put, &[("addresses", "192.0.2.1/24\n<b>")]).await, 422).await;
    assert!(
        wrong.contains("192.0.2.1/24\n&lt;b&gt;</textarea>") && wrong.contains("role=\"alert\""),
        "{wrong}"
    );
    let to = leads(engineer.submit(&put, &[("addresses", "192.0.2.0/24\r\n 2001:db8::1")]).await).await;
    assert_eq!(to, format!("{path}?done=addresses"));
    let now = system.get(&format!("/v1/clients/{id}")).await.ok();
    assert_eq!(now["allowed_addresses"], json!(["192.0.2.0/24", "2001:db8::1"]));
    assert!(engineer.page(&to).await.contains("<code>2001:db8::1</code>"));
    assert_eq!(
        leads(engineer.submit(&put, &[("addresses", "")]).await).await,
        format!("{path}?done=anywhere")
    );
    assert_eq!(system.get(&format!("/v1/clients/{id}")).await.ok()["allowed_addresses"], json!([]));
}

#[tokio::test]
async fn a_webhook_is_added_changed_paused_resumed_and_deleted() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    let page = engineer.page("/developers/webhooks").await;
    let described = format!("{SCRIPT}{FORMULA}");
    let wrong = [("url", "http://<b>"), ("description", described.as_str()), ("events", "report.ready")];
    let wrong = shows(engineer.submit("/developers/webhooks", &wrong).await, 422).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("value=\"http://&lt;b&gt;\""), "{wrong}");
    assert!(wrong.contains("value=\"report.ready\" checked"), "{wrong}");

    let fields = [
        ("once", once(&page, "add")),
        ("url", HOOK),
        ("description", described.as_str()),
        ("signature", "ed25519"),
        ("events", "report.ready"),
        ("events", "report.refused"),
    ];
    let to = leads(engineer.submit("/developers/webhooks", &fields).await).await;
    assert_eq!(leads(engineer.submit("/developers/webhooks", &fields).await).await, to, "it is made once");
    let path = to.strip_suffix("?done=added").unwrap();
    let id = path.strip_prefix("/developers/webhooks/").unwrap();
    let told = async || system.get(&format!("/v1/webhooks/{id}")).await.ok();
    let made = told().await;
    assert_eq!(made["events"], json!(["report.ready", "report.refused"]));
    assert_eq!(made["description"], described.as_str());
    let list = engineer.page("/developers/webhooks").await;
    let page = engineer.page(&to).await;
    for shown in [&list, &page, &wrong] {
        assert!(
            !shown.contains(SCRIPT) && shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;=cmd|"),
            "{shown}"
        );
    }
    assert!(page.contains(text(&made["public_key"])) && page.contains(HOOK), "{page}");
    assert!(page.contains("It was told nothing in the last 30 days."), "{page}");

    let state = format!("{path}/state");
    let fields = [("once", once(&page, "pause")), ("state", "paused")];
    let to = leads(engineer.submit(&state, &fields).await).await;
    assert_eq!(told().await["state"], "paused");
    let page = engineer.page(&to).await;
    assert!(page.contains("The endpoint is paused."), "{page}");
    leads(engineer.submit(&state, &[("once", once(&page, "resume")), ("state", "active")]).await).await;
    assert_eq!(told().await["state"], "active");
    shows(engineer.submit(&state, &[("state", "gone")]).await, 400).await;

    let other = format!("{HOOK}/other");
    leads(engineer.submit(path, &[("url", other.as_str())]).await).await;
    let changed = told().await;
    assert_eq!((&changed["url"], &changed["events"]), (&json!(other), &json!([])));
    let wrong = shows(engineer.submit(path, &[("url", "ftp://x")]).await, 422).await;
    assert!(wrong.contains("value=\"ftp://x\"") && wrong.contains("https://"), "{wrong}");

    let delete = format!("{path}/delete");
    assert!(engineer.page(&delete).await.contains(&other));
    shows(engineer.submit(&delete, &[]).await, 422).await;
    assert_eq!(told().await["state"], "active");
    let to = leads(engineer.submit(&delete, &[("sure", "yes")]).await).await;
    assert_eq!(to, "/developers/webhooks?done=deleted");
    system.get(&format!("/v1/webhooks/{id}")).await.problem(404, "not_found");
    assert_eq!(engineer.open(path).await.status(), 404);
}

#[tokio::test]
async fn a_webhooks_secret_is_shown_once() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let page = engineer.page("/developers/webhooks").await;
    let fields = [("once", once(&page, "add")), ("url", HOOK), ("signature", "hmac_sha256")];
    let shown = shows(engineer.submit("/developers/webhooks", &fields).await, 200).await;
    let first = between(&shown, "whsec_", "\"").to_owned();
    let path = between(&shown, "href=\"/developers/webhooks/", "\"").to_owned();
    let path = format!("/developers/webhooks/{path}");
    let again = shows(engineer.submit("/developers/webhooks", &fields).await, 200).await;
    assert!(!again.contains(&first) && again.contains("was sent before"), "{again}");

    let rotate = format!("{path}/rotate");
    let page = engineer.page(&rotate).await;
    shows(engineer.submit(&rotate, &[("overlap_hours", "24")]).await, 422).await;
    let fields = [("once", once(&page, "rotate")), ("overlap_hours", "24"), ("sure", "yes")];
    let shown = shows(engineer.submit(&rotate, &fields).await, 200).await;
    let second = between(&shown, "whsec_", "\"").to_owned();
    assert_ne!(first, second);
    let page = engineer.page(&path).await;
    assert!(page.contains("Signed by both until"), "{page}");
    for path in [path.as_str(), rotate.as_str(), "/developers/webhooks"] {
        let page = engineer.page(path).await;
        assert!(!page.contains(&first) && !page.contains(&second), "{path}");
    }
}

#[tokio::test]
async fn deliveries_show_what_was_answered_as_text_and_are_sent_again() {
    let server = telling();
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Status(500, "<script>alert(1)</script>"));
    let order = json!({"url": receiver.url(), "events": ["transaction.created"]});
    let made = system.post("/v1/webhooks", &order).await.ok();
    let id = text(&made["id"]);
    let path = format!("/developers/webhooks/{id}");

    let page = engineer.page(&path).await;
    let to = leads(engineer.submit(&format!("{path}/test"), &[("once", once(&page, "test"))]).await).await;
    assert_eq!(to, format!("{path}?done=tested"));
    let failed = until_ended(&system, id, 1).await.remove(0);
    let page = engineer.page(&to).await;
    assert!(!page.contains(SCRIPT), "{page}");
    let row = between(&page, "webhook.test", "</tr>");
    assert!(row.contains(">failed<") && row.contains("&lt;script&gt;alert(1)&lt;/script&gt;</pre>"), "{row}");
    assert!(row.contains(">500<") && row.contains(&format!("{} ms", failed["took_ms"])), "{row}");
    assert!(row.contains(text(&failed["error"])), "{row}");

    receiver.behave(Manner::Status(204, ""));
    deliver(&server, 2).await;
    let seqs: Vec<i64> = receiver.until_taken(2).await.iter().map(|message| message.seq()).collect();
    let event = seqs[0].to_string();
    until_ended(&system, id, 3).await;
    let page = engineer.page(&path).await;
    assert!(page.contains(&format!("Send again: event {event}")) && page.contains(">204<"), "{page}");
    let replay = format!("{path}/replay");
    let fields = [("once", once(&page, &format!("event-{event}"))), ("event", event.as_str())];
    leads(engineer.submit(&replay, &fields).await).await;
    // Sent twice, it is told once.
    leads(engineer.submit(&replay, &fields).await).await;
    receiver.until_taken(3).await;
    let told = until_ended(&system, id, 4).await;
    assert_eq!(told.iter().filter(|one| one["event"] == event.as_str()).count(), 2);

    let first = system.get(&format!("/v1/events?after={}&limit=1", seqs[0] - 1)).await.ok();
    let since = text(&first["data"][0]["timestamp"])[..19].to_owned();
    let before = receiver.taken().len();
    leads(engineer.submit(&replay, &[("since", since.as_str())]).await).await;
    until("both are told again", async || {
        let told = receiver.seqs().split_off(before);
        seqs.iter().all(|seq| told.contains(seq)).then_some(())
    })
    .await;
    for (name, typed) in [("event", "99999999"), ("event", "<b>"), ("since", "soon")] {
        let wrong = shows(engineer.submit(&replay, &[(name, typed)]).await, 422).await;
        assert!(wrong.contains("role=\"alert\"") && !wrong.contains("<b>"), "{wrong}");
    }
}

#[tokio::test]
async fn events_are_paged_and_kept_to_some_types() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system(0).await;
    let (_, made_at) = system.post("/v1/webhooks", &json!({"url": HOOK})).await.receipt();
    let all = engineer.page("/developers/events?limit=3").await;
    let told = system.get("/v1/events?limit=3").await.ok();
    for event in told["data"].as_array().unwrap() {
        assert!(all.contains(&format!("datetime=\"{}\"", text(&event["timestamp"]))), "{event}");
        assert!(all.contains(text(&event["data"]["id"])), "{event}");
    }
    assert!(all.contains("rel=\"next\""), "{all}");
    let next = between(&all, "rel=\"next\" href=\"", "\"").replace("&amp;", "&");
    let second = engineer.page(&next).await;
    let cursor = text(&told["page"]["next_cursor"]);
    let told = system.get(&format!("/v1/events?limit=3&cursor={cursor}")).await.ok();
    assert!(second.contains(text(&told["data"][0]["data"]["id"])), "{second}");

    let types = "type=webhook_endpoint.created&type=webhook_endpoint.deleted";
    let some = engineer.page(&format!("/developers/events?after={}&{types}", made_at - 1)).await;
    let rows = between(&some, "Events</caption>", "</table>");
    assert!(rows.contains("<code>webhook_endpoint.created</code>"), "{rows}");
    assert!(
        !rows.contains("transaction.created") && rows.contains("href=\"/developers/webhooks/whk_"),
        "{rows}"
    );
    assert!(some.contains("value=\"webhook_endpoint.deleted\" checked"), "{some}");
    let wrong = engineer.page("/developers/events?after=%3Cb%3E").await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("value=\"&lt;b&gt;\""), "{wrong}");
}

#[tokio::test]
async fn a_request_is_diagnosed_check_by_check() {
    let server = Server::demo(&[]);
    let engineer = engineer(&server).await;
    let system = server.system_with(0, "institution:read usage:read").await;
    let page = "/developers/diagnose";
    assert!(engineer.page(page).await.contains("Diagnose a request"));
    let headers =
        format!("Accept: application/json\r\nAuthorization: Bearer {}", system.token.as_ref().unwrap());
    let diagnosed = async |url: &str| {
        let fields = [("method", "GET"), ("url", url), ("headers", headers.as_str())];
        shows(engineer.submit(page, &fields).await, 200).await
    };
    let good = diagnosed("/v1/institution").await;
    assert!(good.contains("It would be let in.") && good.contains("<code>getInstitution</code>"), "{good}");
    let bad = diagnosed("/v1/transactions").await;
    let row = between(&bad, "<code>token.scope</code>", "</tr>");
    assert!(row.contains(">fail<") && row.contains("<code>transactions:read</code>"), "{row}");
    assert!(bad.contains("It would be refused: one check fails."), "{bad}");

    let request = json!({"method": "GET", "url": "/v1/transactions", "headers": {}});
    let told = system.post("/v1/diagnostics/request", &request).await.ok();
    for check in told["checks"].as_array().unwrap() {
        assert!(bad.contains(&format!("<code>{}</code>", text(&check["check"]))), "{check}");
    }
    let wrong = shows(engineer.submit(page, &[("url", "/<b>"), ("headers", "Accept")]).await, 400).await;
    assert!(wrong.contains("Line 1 of the headers") && wrong.contains("value=\"/&lt;b&gt;\""), "{wrong}");
}
