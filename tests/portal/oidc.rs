//! Signing in at another issuer: a certified provider of somebody else's, over real sockets.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    Ledger, Person, Server,
    person::{SESSION, credentials},
    programs,
    server::free_ports,
};

const LEFT: &str = "__Host-oidc";

/// The provider, running.
struct Provider {
    process: Child,
    url: String,
}

impl Provider {
    fn start(port: u16, redirect_uri: &str, people: &Value) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/oidc_provider.mjs");
        let mut process = programs::node_script(script)
            .args([port.to_string(), redirect_uri.to_owned(), people.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().map_while(Result::ok).any(|line| line == "listening"), "it did not start");
        // It says more, and would end if nobody took that.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    /// Signs in there as somebody and agrees to everything; where the browser is sent in the end.
    async fn sign_in(&self, from: &str, login: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.build().unwrap();
        let mut cookies = std::collections::BTreeMap::new();
        let (mut to, mut form) = (from.to_owned(), None::<Vec<(&str, &str)>>);
        for _ in 0..20 {
            if !to.starts_with(&self.url) {
                return to;
            }
            let request = match &form {
                Some(form) => http.post(&to).form(form),
                None => http.get(&to),
            };
            let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header("cookie", jar.join("; ")).send().await.unwrap();
            for line in answer.headers().get_all("set-cookie") {
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            form = None;
            if let Some(next) = answer.headers().get("location") {
                to = reqwest::Url::parse(&to).unwrap().join(next.to_str().unwrap()).unwrap().into();
                continue;
            }
            let page = answer.text().await.unwrap();
            let Some((_, action)) = page.split_once("action=\"") else { panic!("{page}") };
            to = action.split_once('"').unwrap().0.to_owned();
            form = Some(match page.contains("value=\"login\"") {
                true => vec![("prompt", "login"), ("login", login), ("password", "any")],
                false => vec![("prompt", "consent")],
            });
        }
        panic!("it goes in circles: {to}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // Its standard input ends, and so does it; what started it may be another program than itself.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The configuration of who signs in there.
fn settings<'a>(issuer: &'a str, people_of: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut settings = vec![
        ("VERITRAIL_PORTAL__OIDC__HOUSE__ISSUER", issuer),
        ("VERITRAIL_PORTAL__OIDC__HOUSE__LABEL", "the house's login"),
        ("VERITRAIL_PORTAL__OIDC__HOUSE__CLIENT_ID", "veritrail"),
        ("VERITRAIL_PORTAL__OIDC__HOUSE__CLIENT_SECRET", "a secret of: the tests & more"),
        ("VERITRAIL_PORTAL__OIDC__HOUSE__PEOPLE_OF", people_of),
    ];
    if people_of == "regulators" {
        settings.push(("VERITRAIL_PORTAL__OIDC__HOUSE__EMAIL_DOMAINS", "Supervisor.example"));
    }
    settings
}

/// A demo whose people sign in at a provider too: regulators of a domain do, or those who are named otherwise.
fn site(people_of: &str) -> (Server, Provider) {
    let port = free_ports();
    let issuer = format!("http://127.0.0.1:{port}");
    let server = Server::demo_with(&[], &settings(&issuer, people_of));
    let people = json!({
        "tomas": {"email": "Tomas@Supervisor.example", "email_verified": true},
        "mallory": {"email": "tomas@supervisor.example", "email_verified": true},
        "root": {"email": "operator@provider.example", "email_verified": true},
        "rita": {"email": "regulator@supervisor.example", "email_verified": true},
        "eve": {"email": "eve@supervisor.example", "email_verified": false},
        "ines": {"email": "officer@bank.example", "email_verified": true},
        "nobody": {"email": "nobody@bank.example", "email_verified": true},
        "otto": {"email": "otto@other-supervisor.example", "email_verified": true},
    });
    let provider = Provider::start(port, &format!("{}/sign-in/callback/house", server.base_url()), &people);
    for email in ["tomas@supervisor.example", "eve@supervisor.example", "otto@other-supervisor.example"] {
        let name = email.split('@').next().unwrap();
        let add = ["user", "add", "--email", email, "--name", name, "--role", "regulator"];
        assert!(server.run(&add).status.success());
    }
    (server, provider)
}

/// Leaves for the provider, signs in there and comes back.
async fn come_back(server: &Server, provider: &Provider, login: &str) -> (Person, u16) {
    let mut person = Person::nobody(server);
    let leaving = person.get("/sign-in/with/house?next=/keys").await;
    assert_eq!(leaving.status, 303, "{}", leaving.text());
    let back = provider.sign_in(leaving.header("location").unwrap(), login).await;
    let answer = person.get(back.strip_prefix(server.base_url()).unwrap()).await;
    assert_eq!(person.cookies.get(LEFT), None, "{}", answer.text());
    (person, answer.status.as_u16())
}

#[tokio::test]
async fn somebody_who_was_added_signs_in_at_an_issuer_and_is_known_by_its_sub_from_then_on() {
    let (server, provider) = site("regulators");
    let form = Person::nobody(&server).get("/sign-in?next=/keys").await;
    assert!(form.text().contains("Sign in with the house's login"), "{}", form.text());

    let leaving = Person::nobody(&server).get("/sign-in/with/house?next=//evil.example").await;
    let to = reqwest::Url::parse(leaving.header("location").unwrap()).unwrap();
    let sent: std::collections::BTreeMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!((sent["response_type"].as_str(), sent["code_challenge_method"].as_str()), ("code", "S256"));
    for random in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent[random].len(), 43);
    }
    assert!(leaving.header("set-cookie").unwrap().contains("; Secure; HttpOnly; SameSite=Lax; Max-Age=600"));

    let (mut tomas, status) = come_back(&server, &provider, "tomas").await;
    assert_eq!(status, 303);
    assert_eq!(tomas.get("/keys").await.status, 200);
    assert!(tomas.get("/account").await.text().contains("oidc house"));
    assert_eq!(come_back(&server, &provider, "tomas").await.1, 303);

    // The address is somebody's already; an operator's; that of one with a password; it is not verified; the issuer
    // does not speak for them: an officer, another supervisor's; it is nobody's.
    for login in ["mallory", "root", "rita", "eve", "ines", "otto", "nobody", "unknown"] {
        let (person, status) = come_back(&server, &provider, login).await;
        assert_eq!((status, person.session()), (403, None), "{login}");
    }
    let ledger = Ledger::of(&server);
    let log = ledger.provider().await;
    assert_eq!(ledger.naming(&log, "user.link_issuer").await.len(), 1);
    assert_eq!(ledger.naming(&log, "\"oidc house\"").await.len(), 2);
    assert!(!ledger.naming(&log, "sign_in_failed").await.is_empty());

    let linked = ["user", "disable", "--email", "tomas@supervisor.example"];
    assert!(server.run(&linked).status.success());
    assert_eq!(tomas.get("/keys").await.status, 303);
    assert_eq!(come_back(&server, &provider, "tomas").await.1, 403);
}

#[tokio::test]
async fn what_comes_back_is_good_once_and_in_the_browser_that_left() {
    let (server, provider) = site("any");
    let mut person = Person::nobody(&server);
    let leaving = person.get("/sign-in/with/house").await;
    let back = provider.sign_in(leaving.header("location").unwrap(), "tomas").await;
    let back = back.strip_prefix(server.base_url()).unwrap().to_owned();
    let kept = person.cookies[LEFT].clone();

    // Another browser, another state, another issuer, another nonce or verifier, no code, an error.
    let mut other = Person::nobody(&server);
    assert_eq!(other.get(&back).await.status, 403);
    other.get("/sign-in/with/house").await;
    assert_eq!(other.get(&back).await.status, 403);
    let tried = async |cookie: &str, path: &str| {
        let mut person = Person::nobody(&server);
        person.cookies.insert(LEFT.to_owned(), cookie.to_owned());
        let answer = person.get(path).await;
        assert_eq!(answer.header("set-cookie").map(|cookie| cookie.contains(SESSION)), Some(false), "{path}");
        answer.status.as_u16()
    };
    let state = |state: &str| {
        let (before, rest) = back.split_once("state=").unwrap();
        format!("{before}state={state}{}", rest.find('&').map_or("", |at| &rest[at..]))
    };
    assert_eq!(tried(&kept, &state("")).await, 403);
    assert_eq!(tried(&kept, &state("AAAA")).await, 403);
    assert_eq!(tried(&kept, "/sign-in/callback/house?error=access_denied").await, 403);
    let elsewhere = format!("{}&iss=https%3A%2F%2Fevil.example", back.split("&iss=").next().unwrap());
    assert_eq!(tried(&kept, &elsewhere).await, 403);

    // The issuer's metadata say that it names itself in its answers (RFC 9207).
    assert!(back.contains("&iss="), "{back}");
    assert_eq!(tried(&kept, back.split("&iss=").next().unwrap()).await, 403);

    let answer = person.get(&back).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")));
    assert_eq!(person.get("/keys").await.status, 200);
    assert_eq!(tried(&kept, &back).await, 403, "a code is taken once");

    for part in [2, 3] {
        let mut person = Person::nobody(&server);
        let leaving = person.get("/sign-in/with/house").await;
        let back = provider.sign_in(leaving.header("location").unwrap(), "tomas").await;
        let mut parts: Vec<String> = person.cookies[LEFT].split('.').map(ToOwned::to_owned).collect();
        parts[part] = "A".repeat(43);
        assert_eq!(
            tried(&parts.join("."), back.strip_prefix(server.base_url()).unwrap()).await,
            403,
            "{part}"
        );
    }
    assert_eq!(Person::nobody(&server).get("/sign-in/with/nobody").await.status, 404);
    let mut unlinked = Person::nobody(&server);
    assert_eq!(unlinked.get("/sign-in/callback/house").await.status, 403);
}

#[tokio::test]
async fn who_is_linked_to_an_issuer_signs_in_there_and_by_no_password_any_longer() {
    let (server, provider) = site("regulators");
    let (email, password) = credentials(&server, "regulator");
    let mut before = Person::signed_in(&server, &email, &password).await;
    let invited = server.run(&["user", "invite", "--email", &email]);
    let invited = String::from_utf8_lossy(&invited.stdout).into_owned();
    let token = invited.split_once("token=").unwrap().1.lines().next().unwrap();
    let link = ["user", "link", "--email", &email, "--issuer", "house", "--subject", "rita"];
    let linked = server.run_with(&link, &settings(&provider.url, "regulators"));
    assert!(linked.status.success(), "{linked:?}");

    assert_eq!(before.get("/keys").await.status, 303, "its session ended");
    assert_eq!(before.sign_in(&email, &password, "/").await.status, 403);
    let new = "another horse battery";
    let set = before.post("/set-password", &[("token", token), ("password", new), ("again", new)]).await;
    assert_eq!(set.status, 410);
    let again = server.run(&["user", "invite", "--email", &email]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("signs in at an issuer"), "{again:?}");

    let (mut rita, status) = come_back(&server, &provider, "rita").await;
    assert_eq!(status, 303);
    assert_eq!(rita.get("/keys").await.status, 200);
    assert!(!rita.get("/account").await.text().contains("Change the password"));
}

#[tokio::test]
async fn an_operator_moves_somebody_to_another_account_and_back_to_a_password() {
    let (server, provider) = site("regulators");
    let (email, password) = credentials(&server, "regulator");
    let link = |email: &str, subject: &str| {
        let link = ["user", "link", "--email", email, "--issuer", "house", "--subject", subject];
        let linked = server.run_with(&link, &settings(&provider.url, "regulators"));
        (linked.status.success(), String::from_utf8_lossy(&linked.stderr).into_owned())
    };
    let unlink = |email: &str| {
        let unlinked = server.run(&["user", "unlink", "--email", email]);
        (unlinked.status.success(), String::from_utf8_lossy(&unlinked.stderr).into_owned())
    };
    let good = |(done, said): (bool, String)| assert!(done, "{said}");
    let (done, said) = unlink(&email);
    assert!(!done && said.contains("signs in at no issuer"), "{said}");
    good(link(&email, "rita"));
    let (mut rita, status) = come_back(&server, &provider, "rita").await;
    assert_eq!(status, 303);

    // Another account takes the place of the first, unless it is somebody else's.
    assert_eq!(come_back(&server, &provider, "tomas").await.1, 303);
    let (done, said) = link(&email, "tomas");
    assert!(!done && said.contains("belongs to somebody else"), "{said}");
    assert_eq!(rita.get("/keys").await.status, 200, "nothing was changed");
    good(link(&email, "eve"));
    assert_eq!(rita.get("/keys").await.status, 303, "the session ended");
    assert_eq!(come_back(&server, &provider, "rita").await.1, 403);
    let (mut moved, status) = come_back(&server, &provider, "eve").await;
    assert_eq!(status, 303);
    assert_eq!(moved.get("/keys").await.status, 200);

    // Without it there is nothing to sign in by, until a password is set.
    good(unlink(&email));
    assert_eq!(moved.get("/keys").await.status, 303, "the session ended");
    assert_eq!(come_back(&server, &provider, "eve").await.1, 403);
    assert_eq!(moved.sign_in(&email, &password, "/").await.status, 403, "the one of before is gone");
    let invited = server.run(&["user", "invite", "--email", &email]);
    let invited = String::from_utf8_lossy(&invited.stdout).into_owned();
    let token = invited.split_once("token=").unwrap().1.lines().next().unwrap();
    let new = "another horse battery";
    let set = moved.post("/set-password", &[("token", token), ("password", new), ("again", new)]).await;
    assert_eq!(set.status, 303, "{}", set.text());
    assert_eq!(moved.sign_in(&email, new, "/").await.status, 303);
    assert_eq!(moved.get("/keys").await.status, 200);
    assert_eq!(come_back(&server, &provider, "rita").await.1, 403);

    // An account of somebody who is disabled is freed, and they stay so.
    good(link("otto@other-supervisor.example", "eve"));
    assert!(server.run(&["user", "disable", "--email", "otto@other-supervisor.example"]).status.success());
    assert!(!link(&email, "eve").0);
    good(unlink("otto@other-supervisor.example"));
    assert!(!server.run(&["user", "invite", "--email", "otto@other-supervisor.example"]).status.success());
    good(link(&email, "eve"));

    let ledger = Ledger::of(&server);
    let unlinked = ledger.naming(&ledger.provider().await, "user.unlink_issuer").await;
    assert_eq!(unlinked.len(), 2);
    assert_eq!(unlinked[0].payload["change"], json!({"issuer": "house", "subject": "eve"}));
    assert_eq!(unlinked[0].payload["user"]["email"], email);
    let fsck = server.run(&["fsck"]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}

#[tokio::test]
async fn the_providers_issuer_speaks_for_operators_and_for_no_regulator() {
    let (server, provider) = site("provider");
    let (email, _) = credentials(&server, "operator");
    // By its address alone no operator is known.
    assert_eq!(come_back(&server, &provider, "root").await.1, 403);
    assert_eq!(come_back(&server, &provider, "tomas").await.1, 403);
    let link = ["user", "link", "--email", &email, "--issuer", "house", "--subject", "root"];
    assert!(server.run_with(&link, &settings(&provider.url, "provider")).status.success());
    assert_eq!(come_back(&server, &provider, "root").await.1, 303);
}
