//! `/ops`: an operator sees how the service does, and looks after institutions, clients and plans.

use serde_json::{Value, json};

use super::developers::{between, leads, once, shows};
use crate::support::{
    Ledger, Person, Server,
    bank::Bank,
    behind::{Behind, behind},
    data,
    ledger::uuid,
};

const SCRIPT: &str = "<script>alert(1)</script>";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";
const LISTS: [&str; 5] = ["/ops", "/ops/institutions", "/ops/plans", "/ops/feeds", "/ops/ledgers"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The row of a table that begins with a text.
fn row<'a>(page: &'a str, caption: &str, name: &str) -> &'a str {
    let table = between(page, &format!("{caption}</caption>"), "</table>");
    between(table, &format!("{name}</a></th>"), "</tr>")
}

/// Without the spaces that group digits.
fn plain(page: &str) -> String {
    page.replace('\u{202f}', "")
}

#[tokio::test]
async fn the_overview_says_at_a_glance_whether_something_needs_the_operator() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let today = operator.page("/").await;
    assert!(today.contains("href=\"/ops\""), "{today}");
    let page = operator.page("/ops").await;
    assert!(page.contains("Nothing needs you."), "{page}");
    let institutions = server.demo["institutions"].as_array().unwrap().len();
    // The provider has a log as well.
    let never = format!(" {} never", institutions + 1);
    for shown in ["none stopped", ">local<", "Commit, median", "Held back", &never] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let fresh = between(&page, "Institutions by freshness of their records</caption>", "</table>");
    let count = between(fresh, ">fresh</span></td><td class=\"num\">", "</td>");
    assert_eq!(count, institutions.to_string());
    assert!(operator.page("/keys").await.contains("Operations"));
}

#[tokio::test]
async fn what_fsck_found_is_shown_beside_the_size_and_the_checkpoint_of_each_log() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let institution = server.system(0).await.get("/v1/institution").await.ok();
    let name = text(&institution["name"]);
    let before = operator.page("/ops/ledgers").await;
    assert!(row(&before, "Ledgers", name).contains(">never checked<"), "{before}");
    assert!(before.contains("its own log"), "the provider's log is there too");

    let grant = server.grant_to_come(0, &["reports:read"]).await;
    let fsck = server.run(&["fsck"]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stdout));
    let logs = server.operator().await.get("/admin/v1/logs").await.ok();
    let log = logs["data"].as_array().unwrap().iter().find(|log| log["institution"] == institution["id"]);
    let checked = text(&log.unwrap()["check"]["size"]).to_owned();
    let page = plain(&operator.page("/ops/ledgers").await);
    let shown = row(&page, "Ledgers", name);
    for part in [">open<", ">clean<", &format!("{checked} entries"), text(&institution["log"]["origin"])] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    let rows = Behind::of(server.data_dir());
    let sql =
        "UPDATE grants SET scopes = 'institution:read ledger:read' WHERE institution_id = $1 AND id = $2";
    let (whose, id) = (uuid(server.institution(0)), uuid(text(&grant["id"])));
    let done = behind!(&rows, pool => {
        let query = sqlx::query(sql).bind(whose).bind(id);
        query.execute(pool).await.map(|done| done.rows_affected())
    });
    assert_eq!(done.unwrap(), 1);
    rows.close().await;
    assert!(!server.run(&["fsck"]).status.success());
    let fault = format!("entry {}: its grant's row says something else", text(&grant["seq"]));
    let page = operator.page("/ops/ledgers").await;
    let shown = row(&page, "Ledgers", name);
    assert!(shown.contains(">fault<") && shown.contains(&fault), "{shown}");
    let page = operator.page("/ops").await;
    let alerts = between(&page, "<ul class=\"alerts\">", "</ul>");
    assert!(alerts.contains(">fault<") && alerts.contains(name), "{alerts}");
}

#[tokio::test]
async fn feeds_are_shown_with_their_newest_file_and_how_fresh_it_is() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let none = operator.page("/ops/feeds").await;
    assert!(none.contains("No file was delivered for these institutions yet."), "{none}");
    let bank = Bank::of_the_demo(&server, 0).await;
    let name = text(&bank.system.get("/v1/institution").await.ok()["name"]).to_owned();
    let lines = [data::transaction(&data::unique("f")), data::transaction(&data::unique("f"))];
    let intake = bank.take("format=ndjson", "application/x-ndjson", data::ndjson(&lines)).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    let page = operator.page("/ops/feeds").await;
    assert!(row(&page, "How fresh records are", &name).contains(">fresh<"), "{page}");
    let file = row(&page, "Feeds of files", &name);
    for shown in [">stored<", ">fresh<", "<td>ndjson</td>", "<td class=\"num\">2</td>", " ago</span>"] {
        assert!(file.contains(shown), "{shown} in {file}");
    }
    assert!(page.contains("Stale: longer ago."), "what the words mean is said");
}

#[tokio::test]
async fn an_institution_is_added_moved_to_another_plan_and_gets_a_client_whose_secret_is_shown_once() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let list = operator.page("/ops/institutions").await;
    let form = [("name", "Quay Bank"), ("plan", "standard"), ("once", once(&list, "add"))];
    let to = leads(operator.submit("/ops/institutions", &form).await).await;
    assert_eq!(leads(operator.submit("/ops/institutions", &form).await).await, to, "sent twice, done once");
    let path = to.strip_suffix("?done=added").unwrap().to_owned();
    assert!(operator.page(&to).await.contains("The institution was added"));
    assert_eq!(operator.page("/ops/institutions").await.matches(">Quay Bank</a>").count(), 1);
    let id = path.strip_prefix("/ops/institutions/").unwrap().to_owned();
    let api = server.operator().await;

    // A plan, with its numbers checked.
    let plan = |burst: &'static str| {
        [
            ("name", "small"),
            ("client_per_second", "5"),
            ("client_burst", burst),
            ("institution_per_second", "5"),
            ("institution_burst", "1001"),
            ("sure", "yes"),
        ]
    };
    for (burst, says) in [("0", "from 1 to 1000000"), ("many", "from 1 to 1000000"), ("1000001", "1000000")] {
        let page = shows(operator.submit("/ops/plans", &plan(burst)).await, 422).await;
        assert!(page.contains(says) && page.contains(&format!("value=\"{burst}\"")), "{page}");
    }
    let unsure = &plan("10")[..5];
    assert!(shows(operator.submit("/ops/plans", unsure).await, 422).await.contains("tick the box"));
    assert_eq!(leads(operator.submit("/ops/plans", &plan("10")).await).await, "/ops/plans?done=put");
    let page = plain(&operator.page("/ops/plans?plan=small").await);
    assert!(page.contains("Change small</h2>") && page.contains("value=\"1001\""), "{page}");
    let to = leads(operator.submit(&format!("{path}/plan"), &[("plan", "small")]).await).await;
    assert!(operator.page(&to).await.contains("The institution has the plan"));
    assert_eq!(api.get(&format!("/admin/v1/institutions/{id}")).await.ok()["plan"], "small");
    let refused = shows(operator.submit(&format!("{path}/plan"), &[("plan", "unheard-of")]).await, 422).await;
    assert!(refused.contains("role=\"alert\""), "{refused}");

    // A client.
    let new = format!("{path}/clients/new");
    let page = operator.page(&new).await;
    assert!(page.contains("value=\"accounts:read\"") && !page.contains("value=\"admin\""), "{page}");
    let key = once(&page, "client").to_owned();
    let none = [("name", "warehouse"), ("once", key.as_str())];
    let again = shows(operator.submit(&format!("{path}/clients"), &none).await, 422).await;
    assert!(again.contains("scopes: at least one") && again.contains("value=\"warehouse\""), "{again}");
    let broken = [("name", "warehouse"), ("scope", "accounts:read"), ("jwks", "{")];
    let again = shows(operator.submit(&format!("{path}/clients"), &broken).await, 422).await;
    assert!(again.contains("this is no JSON"), "{again}");
    let form = [
        ("name", "warehouse"),
        ("scope", "accounts:read"),
        ("scope", "institution:read"),
        ("once", once(&again, "client")),
    ];
    let made = shows(operator.submit(&format!("{path}/clients"), &form).await, 200).await;
    let secret = between(between(&made, "Its secret</h2>", "</pre>"), "data-copy=\"", "\"");
    let twice = shows(operator.submit(&format!("{path}/clients"), &form).await, 200).await;
    assert!(!twice.contains(secret) && twice.contains("shown then"), "{twice}");
    let clients = api.get(&format!("/admin/v1/institutions/{id}/clients")).await.ok();
    assert_eq!(clients["data"].as_array().unwrap().len(), 1, "sent twice, made once");
    let client = text(&clients["data"][0]["client_id"]).to_owned();
    let own = format!("{path}/clients/{client}");
    let system = server.caller(&json!({"client_id": client, "client_secret": secret}), None).await;
    assert_eq!(system.get("/v1/institution").await.ok()["id"], id.as_str());
    for page in [&path, &own] {
        let shown = operator.page(page).await;
        assert!(shown.contains("warehouse") && !shown.contains(secret), "{shown}");
    }

    // What is changed of it, and its end.
    let to =
        leads(operator.submit(&format!("{own}/addresses"), &[("addresses", "192.0.2.0/24")]).await).await;
    assert!(operator.page(&to).await.contains("these addresses alone"));
    system.get("/v1/institution").await.problem(403, "address_not_allowed");
    let to = leads(operator.submit(&format!("{own}/addresses"), &[("addresses", "")]).await).await;
    assert_eq!(to, format!("{own}?done=anywhere"));
    let wrong =
        shows(operator.submit(&format!("{own}/addresses"), &[("addresses", "nowhere")]).await, 422).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains(">nowhere</textarea>"), "{wrong}");
    leads(operator.submit(&format!("{own}/bindings"), &[("dpop", "yes")]).await).await;
    let told = api.get(&format!("/admin/v1/clients/{client}")).await.ok();
    assert_eq!(told["dpop_bound_access_tokens"], true);
    let asked = operator.page(&format!("{own}/revoke")).await;
    assert!(asked.contains("can't be undone"), "{asked}");
    let unsure = shows(operator.submit(&format!("{own}/revoke"), &[]).await, 422).await;
    assert!(unsure.contains("tick the box"), "{unsure}");
    assert_eq!(api.get(&format!("/admin/v1/clients/{client}")).await.ok()["revoked_at"], json!(null));
    let to = leads(operator.submit(&format!("{own}/revoke"), &[("sure", "yes")]).await).await;
    assert_eq!(to, format!("{path}?done=revoked"));
    assert!(operator.page(&to).await.contains(">revoked<"));
    assert!(!operator.page(&own).await.contains("Revoke the client"), "what is done is not offered again");

    // Each of it is on the institution's ledger.
    let entries = Ledger::of(&server).naming(&id, &client).await;
    let admin = entries.iter().filter(|entry| entry.kind == "admin");
    let actions: Vec<&str> = admin.map(|entry| text(&entry.payload["action"])).collect();
    assert_eq!(actions.len(), 5, "{actions:?}");
    assert_eq!((actions[0], actions[4]), ("client.enrol", "client.revoke"), "{actions:?}");
}

#[tokio::test]
async fn a_client_is_shown_as_its_own_institutions_alone() {
    let server = Server::demo(&[]);
    let operator = server.person("operator").await;
    let client = text(&server.demo["institutions"][0]["clients"][0]["client_id"]);
    let at = |index: usize| format!("/ops/institutions/{}/clients/{client}", server.institution(index));
    operator.page(&at(0)).await;
    operator.page(&format!("{}/revoke", at(0))).await;
    for path in [at(1), format!("{}/revoke", at(1)), "/ops/institutions/ins_x".to_owned()] {
        assert_eq!(operator.open(&path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn names_with_markup_are_text_on_every_page() {
    let server = Server::demo(&[]);
    let (operator, api) = (server.person("operator").await, server.operator().await);
    let made = api.post("/admin/v1/institutions", &json!({"name": SCRIPT})).await.ok();
    let id = text(&made["id"]);
    let new = json!({"name": SCRIPT, "scopes": ["accounts:read"]});
    let client = api.post(&format!("/admin/v1/institutions/{id}/clients"), &new).await.ok();
    let own = format!("/ops/institutions/{id}");
    let client = format!("{own}/clients/{}", text(&client["client_id"]));
    let pages = [
        "/ops/institutions".to_owned(),
        "/ops/feeds".to_owned(),
        "/ops/ledgers".to_owned(),
        own.clone(),
        format!("{own}/clients/new"),
        client.clone(),
        format!("{client}/revoke"),
        "/".to_owned(),
    ];
    for path in pages {
        let page = operator.page(&path).await;
        assert!(page.contains(ESCAPED), "{path}: {page}");
        assert!(!page.contains("<script>alert"), "{path}: {page}");
    }
    // What is typed comes back as text as well.
    let typed = [("name", SCRIPT), ("jwks", SCRIPT), ("addresses", SCRIPT), ("scope", "accounts:read")];
    let page = shows(operator.submit(&format!("{own}/clients"), &typed).await, 422).await;
    assert!(!page.contains("<script>alert") && page.contains(ESCAPED), "{page}");
    let typed = [("name", SCRIPT), ("client_burst", SCRIPT), ("sure", "yes")];
    let page = shows(operator.submit("/ops/plans", &typed).await, 422).await;
    assert!(!page.contains("<script>alert") && page.contains(ESCAPED), "{page}");
}

#[tokio::test]
async fn nobody_but_operators_has_these_pages() {
    let server = Server::demo(&[]);
    let institution = server.institution(0);
    let client = text(&server.demo["institutions"][0]["clients"][0]["client_id"]);
    let own = format!("/ops/institutions/{institution}");
    for role in ["compliance-officer", "integration-engineer", "regulator"] {
        let person = server.person(role).await;
        let more = [own.clone(), format!("{own}/clients/new"), format!("{own}/clients/{client}/revoke")];
        for path in LISTS.map(ToOwned::to_owned).iter().chain(&more) {
            assert_eq!(person.open(path).await.status(), 403, "{role} {path}");
        }
        let revoke = format!("{own}/clients/{client}/revoke");
        assert_eq!(person.submit(&revoke, &[("sure", "yes")]).await.status(), 403, "{role}");
        assert_eq!(person.submit("/ops/institutions", &[("name", "x")]).await.status(), 403, "{role}");
        let home = if role == "regulator" { "/reg" } else { "/" };
        assert!(!person.page(home).await.contains("href=\"/ops"), "what is refused is not offered");
    }
    server.system(0).await.get("/v1/institution").await.ok(); // It was not revoked.
    for path in LISTS {
        assert_eq!(Person::nobody(&server).open(path).await.status(), 303, "{path}");
    }
}
