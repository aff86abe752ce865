//! The portal's pages on the demo, as people who are signed in get them: packed, and each look recorded.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    load::{Connection, get},
    server::{binary, free_ports},
    site::folder,
    table::{Row, SQLITE_FULL, Target},
};

/// What a page may take on the server.
const LIMIT_MS: f64 = 30.0;
const TIMES: usize = 41;
/// More than is asked for here.
const UNLIMITED: u32 = 1_000_000;

/// The main pages of each role.
const PAGES: [(&str, &[&str]); 4] = [
    (
        "compliance-officer",
        &[
            "/",
            "/transactions",
            "/transactions?limit=500",
            "/reports",
            "/lineage",
            "/audit",
            "/audit/looks",
            "/evidence",
            "/grants",
            "/account",
        ],
    ),
    ("integration-engineer", &["/", "/developers", "/developers/clients", "/developers/events"]),
    ("regulator", &["/reg"]),
    ("operator", &["/", "/transactions?institution={institution}", "/audit?institution={institution}"]),
];

/// The demo in a folder of its own, ended when this is dropped.
struct Demo {
    child: Child,
    _folder: TempDir,
    address: SocketAddr,
    told: Value,
}

impl Demo {
    async fn start() -> Self {
        let (folder, port) = (folder(), free_ports());
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let data_dir = folder.path().join("data");
        let child = Command::new(binary("veritrail"))
            .args(["demo", "--listen", &address.to_string(), "--data-dir"])
            .arg(&data_dir)
            .env("VERITRAIL_LIMITS__ADDRESS_PER_SECOND", UNLIMITED.to_string())
            .env("VERITRAIL_LIMITS__ADDRESS_BURST", UNLIMITED.to_string())
            .env("VERITRAIL_LOG__LEVEL", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut demo = Self { child, _folder: folder, address, told: Value::Null };
        let (began, ready) = (Instant::now(), get("/health/ready", None));
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && let Ok((200, _)) = connection.call(&ready).await
            {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the demo did not get ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        demo.told = serde_json::from_slice(&std::fs::read(data_dir.join("demo.json")).unwrap()).unwrap();
        demo.lift_limits().await;
        demo
    }

    /// Lets people ask as often as they like.
    async fn lift_limits(&self) {
        let text = |name: &str| self.told["operator"][name].as_str().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = client
            .post(format!("http://{}/oauth2/token", self.address))
            .basic_auth(text("client_id"), Some(text("client_secret")))
            .form(&[("grant_type", "client_credentials")]);
        let token: Value = token.send().await.unwrap().json().await.unwrap();
        let plan = format!("{}/admin/v1/plans/standard", self.told["admin_url"].as_str().unwrap());
        let quotas = json!({
            "client_per_second": UNLIMITED, "client_burst": UNLIMITED,
            "institution_per_second": UNLIMITED, "institution_burst": UNLIMITED,
        });
        let put = client.put(plan).bearer_auth(token["access_token"].as_str().unwrap()).json(&quotas);
        assert!(put.send().await.unwrap().status().is_success());
    }

    /// Signs the person of a role in; the cookie.
    async fn sign_in(&self, role: &str) -> String {
        let people = self.told["institutions"][0]["users"].as_array().unwrap().iter();
        let mut people = people.chain(self.told["users"].as_array().unwrap());
        let person = people.find(|person| person["role"] == role).unwrap();
        let text = |name: &str| person[name].as_str().unwrap();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let answer = client
            .build()
            .unwrap()
            .post(format!("http://{}/sign-in", self.address))
            .header("origin", format!("http://{}", self.address))
            .form(&[("email", text("email")), ("password", text("password")), ("next", "/")])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 303, "{role} can't sign in");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median of some looks at each page, one after the other on one connection.
pub async fn rows() -> Vec<Row> {
    let demo = Demo::start().await;
    let institution = demo.told["institutions"][0]["id"].as_str().unwrap();
    let mut rows = Vec::new();
    for (role, pages) in PAGES {
        let cookie = demo.sign_in(role).await;
        for page in pages {
            let path = page.replace("{institution}", institution);
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nAccept: text/html\r\n\
                 Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
                demo.address
            );
            let mut connection = Connection::open(demo.address).await.unwrap();
            let mut took_ms = Vec::new();
            for _ in 0..TIMES {
                let began = Instant::now();
                let (status, _) = connection.call(request.as_bytes()).await.unwrap();
                took_ms.push(began.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(status, 200, "{role} {path}");
            }
            took_ms.sort_by(f64::total_cmp);
            let shown = page.split("?institution").next().unwrap();
            rows.push(
                Row::new(format!("portal: {shown} ({role}), median"), took_ms[TIMES / 2], LIMIT_MS, "ms")
                    .against("30 ms")
                    .target(Target::AtMost(1.0))
                    .durable(SQLITE_FULL),
            );
        }
    }
    rows
}
