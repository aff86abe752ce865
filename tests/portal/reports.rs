//! Reports in the portal: found, ordered, compared, opened down to their records, and what became of them.

use reqwest::{Response, header};
use serde_json::{Value, json};

use crate::support::{Caller, Server, data, portal::Person};

/// What must be shown as the text that it is.
const MARKUP: &str = "<img src=x onerror=alert(1)>\"=1+1";
/// How it stands in a page.
const SHOWN: &str = "&lt;img src=x onerror=alert(1)&gt;&quot;=1+1";

/// A report of one account and one day, both of its own.
struct Made {
    system: Caller,
    officer: Person,
    account: String,
    day: String,
    lines: Vec<Value>,
    id: String,
}

impl Made {
    /// Where the portal has it.
    fn page(&self) -> String {
        format!("/reports/{}", self.id)
    }

    /// Where the API has it.
    fn path(&self) -> String {
        format!("/v1/reports/{}", self.id)
    }

    /// The position of a figure of a version.
    async fn position(&self, n: u64, name: &str) -> String {
        let figures = self.system.pages(&format!("{}/versions/{n}/figures", self.path())).await;
        let name = format!("{}/{name}", self.account);
        figures.iter().find(|figure| figure["name"] == name).unwrap()["position"].to_string()
    }

    /// Has the next version made, after an amount was corrected from 12.34 to 12.43.
    async fn correct(&self, server: &Server, reason: &str) {
        let mut right = self.lines[0].clone();
        right["amount"]["amount"] = json!("12.43");
        let right = data::revised(&right, "correction", "digits were swapped");
        server.feeder().await.deliver(server.institution(0), &data::ndjson(&[right])).await.ok();
        self.system.post(&format!("{}/versions", self.path()), &json!({"reason": reason})).await.ok();
        self.system.until_made(&self.id, 2).await;
    }

    /// Records that a validator passed the first version.
    async fn pass(&self, validator: &str, output: &str) {
        let version = format!("{}/versions/1", self.path());
        let made = self.system.get(&version).await.ok();
        let new = json!({
            "validator": validator, "version": "1", "verdict": "passed", "output": output, "sha256": made["sha256"],
        });
        self.system.post(&format!("{version}/validations"), &new).await.ok();
    }
}

/// A day that hardly any other test uses.
fn day() -> String {
    let random = rand::random::<u64>();
    format!("20{:02}-{:02}-{:02}", 1 + random % 23, 1 + random / 23 % 12, 1 + random / 276 % 28)
}

/// An account's records of a day.
async fn records(server: &Server) -> (String, String, Vec<Value>) {
    let (account, day) = (data::unique("portal"), day());
    let line = |name: &str, amount: &str, direction: &str| {
        json!({
            "account": account, "reference": format!("{account}-{name}"), "booking_date": day, "direction": direction,
            "amount": {"amount": amount, "currency": "EUR"},
        })
    };
    let lines = vec![
        line("first", "12.34", "credit"),
        line("second", "5.01", "debit"),
        line("third", "0.67", "credit"),
    ];
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    (account, day, lines)
}

async fn made(server: &Server) -> Made {
    let (account, day, lines) = records(server).await;
    let system = server.system(0).await;
    let order = json!({"type": "account-statement", "period": day, "parameters": {"accounts": account}});
    let id = system.report(&order).await["id"].as_str().unwrap().to_owned();
    Made { officer: server.person("compliance-officer").await, system, account, day, lines, id }
}

/// The hidden field that tells one sending of a form from another.
fn once(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"once\" value=\"").expect("the form tells its sendings apart");
    rest.split('"').next().unwrap().to_owned()
}

/// Where an answer leads.
#[track_caller]
fn led(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// A form that is shown again.
async fn again(answer: Response) -> String {
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

#[track_caller]
fn assert_has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

#[tokio::test]
async fn the_list_says_how_the_newest_version_stands() {
    let server = Server::shared();
    let made = made(server).await;
    let version = made.system.get(&format!("{}/versions/1", made.path())).await.ok();
    let list = made.officer.page(&format!("/reports?type=account-statement&period={}", made.day)).await;
    let as_of = format!("entry {}", version["as_of"].as_str().unwrap());
    assert_has(&list, &[&made.page(), &made.account, "Version 1", "Ready", &as_of, "href=\"/reports/new\""]);

    let none = made.officer.page(&format!("/reports?type=cesop-payment-data&period={}", made.day)).await;
    assert_has(&none, &["No report fits.", "Clear the filters"]);
    assert!(!none.contains(&made.id));
}

#[tokio::test]
async fn a_report_is_ordered_by_a_form_once_however_often_it_is_sent() {
    let server = Server::shared();
    let (account, day, _) = records(server).await;
    let officer = server.person("compliance-officer").await;
    let choice = officer.page("/reports/new").await;
    assert_has(&choice, &["/reports/new?type=account-statement", "Settlement reconciliation", "ISO 20022"]);

    let form = officer.page("/reports/new?type=account-statement").await;
    assert_has(&form, &["name=\"parameter.accounts\"", "name=\"parameter.tolerance\""]);
    let key = once(&form);
    let fields = |period| {
        [
            ("once", key.as_str()),
            ("type", "account-statement"),
            ("period", period),
            ("parameter.accounts", account.as_str()),
            ("parameter.tolerance", ""),
        ]
    };
    let refused = again(officer.submit("/reports/new", &fields("2026-13")).await).await;
    assert_has(
        &refused,
        &["role=\"alert\"", "/period", "value=\"2026-13\"", &format!("value=\"{account}\"")],
    );

    let first = led(&officer.submit("/reports/new", &fields(&day)).await);
    let second = led(&officer.submit("/reports/new", &fields(&day)).await);
    assert_eq!(first, second);
    let system = server.system(0).await;
    let id = first.strip_prefix("/reports/").unwrap().split('?').next().unwrap();
    system.until_made(id, 1).await;
    let report = system.get(&format!("/v1/reports/{id}")).await.ok();
    assert_eq!(report["parameters"], json!({"accounts": account}));
    assert_eq!(system.pages(&format!("/v1/reports/{id}/versions")).await.len(), 1);
    assert_has(&officer.page(&first).await, &["The report is ordered.", "Ready", &account]);

    let fresh = once(&officer.page("/reports/new?type=account-statement").await);
    let mut same = fields(&day);
    same[0].1 = &fresh;
    let exists = again(officer.submit("/reports/new", &same).await).await;
    assert_has(&exists, &["role=\"alert\""]);
}

#[tokio::test]
async fn a_report_shows_each_version_with_what_became_of_it() {
    let server = Server::shared();
    let made = made(server).await;
    made.pass("xsd", "fine").await;
    let receipt = json!({"recipient": "Bundesbank", "channel": "by hand", "reference": "R-1"});
    made.system.post(&format!("{}/versions/1/deliveries", made.path()), &receipt).await.ok();
    made.correct(server, "an amount was keyed in wrongly").await;
    let page = made.officer.page(&made.page()).await;
    assert_has(
        &page,
        &["an amount was keyed in wrongly", "Correction", "of version 1", "xsd", "Passed", "Bundesbank"],
    );
    assert_has(&page, &["Version 2", &format!("{}/compare", made.page()), &format!("{}/next", made.page())]);
    let first = made.officer.page(&format!("{}/versions/1", made.page())).await;
    let version = made.system.get(&format!("{}/versions/1", made.path())).await.ok();
    assert_has(&first, &["A later one was ordered", "R-1", version["sha256"].as_str().unwrap()]);
    assert_has(&first, &["Nothing: no error and no warning."]);
}

#[tokio::test]
async fn two_versions_differ_by_what_was_corrected_to_the_cent() {
    let server = Server::shared();
    let made = made(server).await;
    let alone = made.officer.page(&format!("{}/compare", made.page())).await;
    assert_has(&alone, &["The report has one version so far."]);
    made.correct(server, "an amount was wrong").await;
    let page = made.officer.page(&format!("{}/compare?from=1&to=2", made.page())).await;
    assert_has(&page, &["value=\"13.01\"", "value=\"13.10\"", "value=\"0.09\""]);
    assert_has(&page, &[&format!("{}/credits", made.account), &format!("{}/net", made.account)]);
    assert!(!page.contains(&format!("{}/debits", made.account)), "it is the same in both: {page}");
    let back = made.officer.page(&format!("{}/compare?from=2&to=1", made.page())).await;
    assert_has(&back, &["value=\"-0.09\""]);
    let narrowed =
        made.officer.page(&format!("{}/compare?from=1&to=2&prefix={}/net", made.page(), made.account)).await;
    assert!(!narrowed.contains(&format!("{}/credits", made.account)), "{narrowed}");
    let answer = made.officer.open(&format!("{}/compare?from=x&to=2", made.page())).await;
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn a_figure_opens_to_records_whose_running_sum_ends_at_its_value() {
    let server = Server::shared();
    let made = made(server).await;
    let position = made.position(1, "net").await;
    let api = made.system.get(&format!("{}/versions/1/figures/{position}", made.path())).await.ok();
    let at = format!("{}/versions/1/figures/{position}", made.page());
    let page = made.officer.page(&at).await;
    assert_has(&page, &["3 records add up to", "to the last digit"]);
    let mut sum = 0;
    for part in api["data"].as_array().unwrap() {
        let amount = part["amount"].as_str().unwrap();
        sum += amount.replace('.', "").parse::<i64>().unwrap();
        let so_far = format!("value=\"{}.{:02}\"", sum / 100, sum % 100);
        let transaction = format!("/transactions/{}", part["transaction"].as_str().unwrap());
        let entry = format!("/audit/{}", part["seq"].as_str().unwrap());
        assert_has(&page, &[&transaction, &entry, &format!("value=\"{amount}\""), &so_far]);
    }
    assert_eq!(format!("{}.{:02}", sum / 100, sum % 100), api["figure"]["value"].as_str().unwrap());

    let version = made.officer.page(&format!("{}/versions/1?prefix={}/", made.page(), made.account)).await;
    assert_has(&version, &[&format!("href=\"{at}\"")]);
    made.correct(server, "an amount was wrong").await;
    assert_has(&made.officer.page(&at).await, &["Corrected since"]);
    let beyond = made.officer.open(&format!("{at}?from=10000")).await;
    assert_eq!(beyond.status(), 400);
}

#[tokio::test]
async fn a_verdict_and_a_delivery_are_recorded_by_forms() {
    let server = Server::shared();
    let made = made(server).await;
    let version = made.system.get(&format!("{}/versions/1", made.path())).await.ok();
    let (sha256, at) = (version["sha256"].as_str().unwrap(), format!("{}/versions/1", made.page()));
    let page = made.officer.page(&at).await;
    assert_has(&page, &["have not been recorded", "xsd"]);

    let deliveries = format!("{at}/deliveries/new");
    let delivery = |key: String| {
        [
            ("once", key),
            ("recipient", "Bundesbank".to_owned()),
            ("channel", "ExtraNet".to_owned()),
            ("delivered_at", String::new()),
        ]
    };
    let fields = delivery(once(&made.officer.page(&deliveries).await));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let early = again(made.officer.submit(&deliveries, &fields).await).await;
    assert_has(&early, &["no verdict is recorded", "value=\"Bundesbank\""]);

    let validations = format!("{at}/validations/new");
    let (key, zeros) = (once(&made.officer.page(&validations).await), "0".repeat(64));
    let verdict = |key, sha256| {
        [
            ("once", key),
            ("validator", "xsd"),
            ("version", "libxml2 2.14.6"),
            ("verdict", "passed"),
            ("sha256", sha256),
            ("output", "no errors"),
        ]
    };
    let other = again(made.officer.submit(&validations, &verdict(&key, &zeros)).await).await;
    assert_has(&other, &["/sha256", "no errors", "value=\"libxml2 2.14.6\""]);
    let done = led(&made.officer.submit(&validations, &verdict(&key, sha256)).await);
    assert_has(&made.officer.page(&done).await, &["The verdict is recorded.", "libxml2 2.14.6"]);
    let recorded = made.system.pages(&format!("{}/versions/1/validations", made.path())).await;
    assert_eq!(recorded.len(), 1);
    let output = format!("{at}/validations/{}/output", recorded[0]["seq"].as_str().unwrap());
    assert_eq!(made.officer.open(&output).await.text().await.unwrap(), "no errors");

    let done = led(&made.officer.submit(&deliveries, &fields).await);
    assert_has(&made.officer.page(&done).await, &["The delivery is recorded.", "ExtraNet"]);
    let recorded = made.system.pages(&format!("{}/versions/1/deliveries", made.path())).await;
    assert_eq!((recorded.len(), &recorded[0]["recipient"]), (1, &json!("Bundesbank")));
}

#[tokio::test]
async fn downloads_are_the_bytes_of_the_api() {
    let server = Server::shared();
    let made = made(server).await;
    let document = made.system.get(&format!("{}/versions/1/content", made.path())).await;
    let download = made.officer.open(&format!("{}/versions/1/content", made.page())).await;
    assert_eq!(download.status(), 200);
    let name = download.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert_eq!(Some(name.as_str()), document.header("content-disposition"));
    assert!(name.starts_with("attachment"), "{name}");
    assert_eq!(download.bytes().await.unwrap(), document.body);
    let bundle = made.officer.open(&format!("{}/versions/1/bundle", made.page())).await;
    assert_eq!(bundle.headers()[header::CONTENT_TYPE], "application/zip");
    assert!(bundle.bytes().await.unwrap().starts_with(b"PK"));
}

#[tokio::test]
async fn an_adjustment_is_approved_by_somebody_else_than_who_proposed_it() {
    let server = Server::shared();
    let made = made(server).await;
    let form = format!("{}/adjustments/new", made.page());
    let figure = format!("{}/credits", made.account);
    let key = once(&made.officer.page(&form).await);
    let proposal = |amount| {
        [("once", key.as_str()), ("figure", figure.as_str()), ("amount", amount), ("reason", "a fee")]
    };
    let refused = again(made.officer.submit(&form, &proposal("0.00")).await).await;
    assert_has(&refused, &["/amount", "value=\"0.00\"", "value=\"a fee\""]);
    let done = led(&made.officer.submit(&form, &proposal("-2.34")).await);
    let page = made.officer.page(&done).await;
    assert_has(&page, &["The adjustment is proposed.", "value=\"-2.34\"", "Somebody else decides"]);

    let adjustments = format!("{}/adjustments", made.path());
    let own = made.system.pages(&adjustments).await[0]["id"].as_str().unwrap().to_owned();
    let own = format!("{}/adjustments/{own}", made.page());
    assert_has(&made.officer.page(&own).await, &["You proposed it, so somebody else decides"]);
    again(made.officer.submit(&own, &[("decision", "approve")]).await).await;
    assert_eq!(made.system.pages(&adjustments).await[0]["state"], "proposed");

    let new = json!({"figure": figure, "amount": "1.00", "reason": "booked late"});
    let other = made.system.post(&adjustments, &new).await.ok();
    let other = format!("{}/adjustments/{}", made.page(), other["id"].as_str().unwrap());
    let asked = made.officer.page(&other).await;
    assert_has(&asked, &["booked late", "value=\"1.00\"", "value=\"approve\""]);
    let undecided = again(made.officer.submit(&other, &[("once", once(&asked).as_str())]).await).await;
    assert_has(&undecided, &["nothing was done yet"]);
    let fields = [("once", once(&asked)), ("decision", "approve".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let done = led(&made.officer.submit(&other, &fields).await);
    assert_has(&made.officer.page(&done).await, &["The adjustment is approved.", "Approved"]);
    assert_eq!(made.system.pages(&adjustments).await[1]["state"], "approved");
}

#[tokio::test]
async fn a_report_is_withdrawn_only_by_somebody_who_says_that_he_means_it() {
    let server = Server::shared();
    let made = made(server).await;
    let next = format!("{}/next", made.page());
    let page = made.officer.page(&format!("{next}?kind=cancellation")).await;
    assert_has(&page, &["Withdraw the report", "nothing takes its place", "name=\"confirmed\""]);
    let key = once(&page);
    let withdrawal = [("once", key.as_str()), ("kind", "cancellation"), ("reason", "filed by mistake")];
    let unconfirmed = again(made.officer.submit(&next, &withdrawal).await).await;
    assert_has(&unconfirmed, &["nothing was done yet", "value=\"filed by mistake\""]);
    assert_eq!(made.system.pages(&format!("{}/versions", made.path())).await.len(), 1);
    let confirmed = [&withdrawal[..], &[("confirmed", "yes")]].concat();
    let done = led(&made.officer.submit(&next, &confirmed).await);
    assert_eq!(done, format!("{}/versions/2?done=version", made.page()));
    let version = made.system.until_made(&made.id, 2).await;
    assert_eq!((&version["kind"], &version["reason"]), (&json!("cancellation"), &json!("filed by mistake")));
    assert_has(&made.officer.page(&done).await, &["Cancellation", "The version is ordered."]);
}

#[tokio::test]
async fn whatever_people_wrote_is_shown_as_text() {
    let server = Server::shared();
    let made = made(server).await;
    made.pass(MARKUP, MARKUP).await;
    made.pass("xsd", MARKUP).await;
    let receipt = json!({"recipient": MARKUP, "channel": MARKUP, "reference": MARKUP});
    made.system.post(&format!("{}/versions/1/deliveries", made.path()), &receipt).await.ok();
    let new = json!({"figure": format!("{}/credits", made.account), "amount": "1.00", "reason": MARKUP});
    let adjustment = made.system.post(&format!("{}/adjustments", made.path()), &new).await.ok();
    made.correct(server, MARKUP).await;
    let adjustment = adjustment["id"].as_str().unwrap();
    let position = made.position(1, "credits").await;
    for page in [
        made.page(),
        format!("{}/versions/1", made.page()),
        format!("{}/versions/2", made.page()),
        format!("{}/versions/1/figures/{position}", made.page()),
        format!("{}/compare?from=1&to=2", made.page()),
        format!("{}/adjustments/{adjustment}", made.page()),
    ] {
        let text = made.officer.page(&page).await;
        assert!(text.contains(SHOWN), "{page}: {text}");
        assert!(!text.contains("<img"), "{page}: {text}");
    }
    let typed: String = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let list = made.officer.page(&format!("/reports?type={typed}")).await;
    assert_has(&list, &[SHOWN]);
    assert!(!list.contains("<img"), "{list}");
    let validations = made.system.pages(&format!("{}/versions/1/validations", made.path())).await;
    let seq = validations[0]["seq"].as_str().unwrap();
    let output = made.officer.open(&format!("{}/versions/1/validations/{seq}/output", made.page())).await;
    assert_eq!(output.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(output.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
}

#[tokio::test]
async fn reports_are_not_shown_to_those_who_may_not_see_them() {
    let server = Server::shared();
    let made = made(server).await;
    let engineer = server.person("integration-engineer").await;
    for path in [
        "/reports".to_owned(),
        "/reports/new".to_owned(),
        made.page(),
        format!("{}/versions/1", made.page()),
        format!("{}/versions/1/content", made.page()),
        format!("{}/compare", made.page()),
        format!("{}/versions/1/deliveries/new", made.page()),
    ] {
        let answer = engineer.open(&path).await;
        assert_eq!(answer.status(), 403, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("You may not see this") && !text.contains(&made.account), "{path}: {text}");
    }
    let order = [("type", "account-statement"), ("period", made.day.as_str())];
    assert_eq!(engineer.submit("/reports/new", &order).await.status(), 403);
    let nobody = made.officer.open("/reports/rpt_00000000000000000000000000000000").await;
    assert!([400, 404].contains(&nobody.status().as_u16()), "{}", nobody.status());
}
