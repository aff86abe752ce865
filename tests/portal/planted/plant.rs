//! An institution all of whose texts are payloads, and people whose names are.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    filed,
    payload::{self, SCRIPT, Texts},
    records, told,
};
use crate::support::{Caller, Person, Server, receiver::Receiver};

/// What the institution's system may do: all that one can be given.
const SCOPES: &[&str] = &[
    "institution:read",
    "accounts:read",
    "transactions:read",
    "ledger:read",
    "evidence:read",
    "exports:read",
    "events:read",
    "webhooks:manage",
    "clients:manage",
    "usage:read",
    "lineage:read",
    "lineage:write",
    "reports:read",
    "reports:write",
    "grants:manage",
];
const ROLES: [&str; 4] = ["compliance-officer", "integration-engineer", "regulator", "operator"];
const PASSWORD: &str = "planted horse battery";

/// A service with payloads in all that can be told to it.
pub struct Planted {
    pub server: Server,
    pub institution: String,
    pub system: Caller,
    /// The system, with its secret.
    pub client: Value,
    pub texts: Texts,
    /// Each role and by which address its person signs in.
    pub people: Vec<(&'static str, String)>,
    /// Pages about what was planted, as the institution's own people have them.
    pub pages: Vec<String>,
    /// A report and a webhook endpoint, by their ids.
    pub report: String,
    pub webhook: String,
    pub receiver: Receiver,
}

impl Planted {
    /// Plants everything.
    pub async fn everywhere() -> Self {
        let server = Server::demo_with(
            &[],
            &[
                ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
                ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
                ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
            ],
        );
        server.lift_limits();
        let mut texts = Texts::default();
        let operator = server.operator().await;
        let new = json!({"name": texts.whole(("createInstitution", "/name"), 100)});
        let institution = text(&operator.post("/admin/v1/institutions", &new).await.ok()["id"]);
        let new = json!({"name": texts.whole(("createClient", "/name"), 100), "scopes": SCOPES});
        let client = operator.post(&format!("/admin/v1/institutions/{institution}/clients"), &new).await.ok();
        let system = server.caller(&client, None).await;
        let receiver = Receiver::start().await;
        let mut planted = Self {
            server,
            institution,
            system,
            client,
            texts,
            people: Vec::new(),
            pages: Vec::new(),
            report: String::new(),
            webhook: String::new(),
            receiver,
        };
        for role in ROLES {
            planted.add(role).await;
        }
        let account = records::plant(&mut planted).await;
        filed::plant(&mut planted, &account).await;
        told::plant(&mut planted).await;
        planted.list_entries().await;
        planted
    }

    /// Adds a person with a name and an address that are payloads.
    async fn add(&mut self, role: &'static str) {
        let own = payload::of(("veritrail user add", "--email"), SCRIPT);
        let email = self.texts.keep(("veritrail user add", "--email"), format!("{role}.{own}@evil.test"));
        let name = self.texts.whole(("veritrail user add", "--name"), 200);
        let mut args = vec!["user", "add", "--email", &email, "--name", &name, "--role", role];
        if !["regulator", "operator"].contains(&role) {
            args.extend(["--institution", self.institution.as_str()]);
        }
        let added = self.server.run(&args);
        assert!(added.status.success(), "{role}: {}", String::from_utf8_lossy(&added.stderr));
        let said = String::from_utf8(added.stdout).unwrap();
        let token = said.split_once("token=").unwrap().1.lines().next().unwrap();
        let form = [("token", token), ("password", PASSWORD), ("again", PASSWORD)];
        let set = Person::nobody(&self.server).post("/set-password", &form).await;
        assert_eq!(set.status, 303, "{}", set.text());
        self.people.push((role, email));
    }

    /// The address by which somebody signs in.
    pub fn email(&self, role: &str) -> &str {
        &self.people.iter().find(|(of, _)| *of == role).unwrap().1
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Somebody, signed in.
    pub async fn person(&self, role: &str) -> Person {
        Person::signed_in(&self.server, self.email(role), PASSWORD).await
    }

    /// The page of each entry of the ledger.
    async fn list_entries(&mut self) {
        let institution = self.system.get("/v1/institution").await.ok();
        let size: u64 = text(&institution["log"]["size"]).parse().unwrap();
        self.pages.extend((0..size).map(|seq| format!("/audit/{seq}")));
    }

    /// A path of the API that a feeder calls for the institution.
    pub fn of(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}institution={}", self.institution)
    }

    /// Where somebody begins to look around: pages of what was planted, as this role may see them.
    pub fn begin(&self, role: &str) -> Vec<String> {
        let own = |path: &str| path.to_owned();
        // What a look at entries has to show is the same for everybody.
        let is_sampled = |path: &&String| {
            let seq = path.strip_prefix("/audit/").and_then(|seq| seq.parse::<u64>().ok());
            seq.is_none_or(|seq| seq % 16 == 0)
        };
        match role {
            "compliance-officer" => {
                [own("/"), own("/audit/looks?path=reference")].into_iter().chain(self.pages.clone()).collect()
            }
            "integration-engineer" => {
                let seen = ["/developers", "/lineage"];
                let pages = self.pages.iter().filter(|path| seen.iter().any(|begin| path.starts_with(begin)));
                [own("/")].into_iter().chain(pages.cloned()).collect()
            }
            _ => {
                let seen = ["/transactions", "/reports", "/lineage", "/audit", "/evidence"];
                let pages = self.pages.iter().filter(|path| seen.iter().any(|begin| path.starts_with(begin)));
                let pages = pages.filter(is_sampled).map(|path| self.of(path));
                let begin = [own("/"), own("/reg"), self.of("/"), self.of("/transactions")];
                begin.into_iter().filter(|path| role == "regulator" || path != "/reg").chain(pages).collect()
            }
        }
    }
}

/// The text of a value.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A text as a part of a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Sends something to the API that it must take.
pub async fn sent(caller: &Caller, method: Method, path: &str, kind: &str, body: String) -> Value {
    let request = caller.request(method, path).header("content-type", kind).body(body);
    caller.send(request).await.ok()
}
