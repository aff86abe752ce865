//! Signing in: who may, what is refused, and that it is on the ledger.

use std::time::{Duration, Instant};

use reqwest::Method;

use serde_json::{Value, json};

use crate::support::{Answer, Ledger, Person, Server, person::credentials};

const ROOMY: [(&str, &str); 3] = [
    ("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "1000"),
    ("VERITRAIL_PORTAL__TRIES_PER_ADDRESS", "1000"),
    ("VERITRAIL_PORTAL__TRY_EVERY_S", "1"),
];

#[tokio::test]
async fn each_role_signs_in_and_sees_what_is_its_own() {
    let server = Server::demo(&[]);
    let institution = server.institution(0).to_owned();
    let mut nobody = Person::nobody(&server);
    let sent = nobody.get("/transactions?currency=EUR").await;
    assert_eq!(sent.status, 303);
    assert_eq!(sent.header("location"), Some("/sign-in?next=%2Ftransactions%3Fcurrency%3DEUR"));
    let form = nobody.get(sent.header("location").unwrap()).await;
    assert_eq!(form.status, 200);
    assert!(form.text().contains("value=\"/transactions?currency=EUR\""), "{}", form.text());
    assert!(
        form.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self'")
    );

    let path = format!("/transactions?institution={institution}");
    for (role, path, status) in [
        ("compliance-officer", "/transactions", 200),
        ("integration-engineer", "/transactions", 403),
        ("operator", path.as_str(), 200),
        // No grant, no scope.
        ("regulator", &path, 403),
    ] {
        let mut person = Person::nobody(&server);
        let (email, password) = credentials(&server, role);
        let entered = person.sign_in(&email.to_uppercase(), &password, "/keys").await;
        assert_eq!((entered.status.as_u16(), entered.header("location")), (303, Some("/keys")), "{role}");
        let cookie = entered.header("set-cookie").unwrap().to_owned();
        let (value, rest) = cookie.split_once("; ").unwrap();
        assert!(value.starts_with("__Host-session=") && value.len() == 15 + 43, "{cookie}");
        assert_eq!(rest, "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200");
        let page = person.get(path).await;
        assert_eq!(page.status, status, "{role}: {}", page.text());
        // Who is signed in needs no form.
        let form = person.get("/sign-in?next=/keys").await;
        assert_eq!((form.status.as_u16(), form.header("location")), (303, Some("/keys")));
    }

    server.grant(0, &["transactions:read"], 3600, "a review of the year").await;
    let mut regulator = Person::of_role(&server, "regulator").await;
    let page = regulator.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("a review of the year"), "{}", page.text());
    let other = format!("/transactions?institution={}", server.institution(1));
    for path in ["/transactions", "/transactions?institution=x", &other] {
        assert_eq!(regulator.get(path).await.status, 403, "{path}");
    }

    let ledger = Ledger::of(&server);
    for log in [institution.clone(), ledger.provider().await] {
        let signed_in = ledger.naming(&log, "user.sign_in").await;
        let times = if log == institution { 2 } else { 3 };
        assert_eq!(signed_in.len(), times, "{signed_in:?}");
        let said = json!({"action": "user.sign_in", "address": "127.0.0.1", "factors": "password"});
        assert!(
            signed_in.iter().all(|entry| entry.kind == "grant" && entry.payload == said),
            "{signed_in:?}"
        );
    }
    let looks = ledger.naming(&institution, "usr_").await;
    let looks = looks.iter().filter(|entry| entry.kind == "access").count();
    assert_eq!(looks, 3, "the officer's, the operator's and the regulator's");
}

#[tokio::test]
async fn a_wrong_password_and_an_address_of_nobody_are_answered_alike_and_as_late() {
    let server = Server::demo_with(&[], &ROOMY);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut nobody = Person::nobody(&server);
    let mut took = [Vec::new(), Vec::new()];
    let mut pages = Vec::new();
    for round in 0..9 {
        for (index, email) in [email.as_str(), "somebody@else.example"].into_iter().enumerate() {
            let began = Instant::now();
            let refused = nobody.sign_in(email, &format!("wrong horse battery {round}"), "/").await;
            took[index].push(began.elapsed());
            assert_eq!(refused.status, 403);
            assert_eq!(refused.header("set-cookie"), None);
            pages.push(refused.text().replace(email, "…"));
        }
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let median = took.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    let (less, more) = (median[0].min(median[1]), median[0].max(median[1]));
    assert!(less > Duration::from_millis(5), "hashing takes its time: {median:?}");
    assert!(more < less * 2, "one can tell by the clock: {median:?}");

    // What is none is nobody's too, and not our failure.
    for (email, password) in
        [("", ""), ("ä@b", "x"), (&email, ""), (&email, &"x".repeat(60_000)), ("a\0@b", "\0")]
    {
        assert_eq!(nobody.sign_in(email, password, "/").await.status, 403, "{email}");
    }
    assert_eq!(nobody.sign_in(&email, &"x".repeat(70_000), "/").await.status, 413);
    assert_eq!(nobody.sign_in(&format!(" {email} "), &password, "/").await.status, 303);

    let ledger = Ledger::of(&server);
    let (home, provider) = (server.institution(0).to_owned(), ledger.provider().await);
    for (log, tries) in [(&home, 11), (&provider, 12)] {
        let denied = ledger.naming(log, "sign_in_failed").await;
        let denials = denied.iter().flat_map(|entry| entry.payload["denials"].as_array().unwrap());
        assert_eq!(denials.map(|denial| denial["count"].as_u64().unwrap()).sum::<u64>(), tries, "{denied:?}");
        for secret in ["wrong horse", &password, "argon2"] {
            assert!(ledger.naming(log, secret).await.is_empty(), "{secret} is on the ledger");
        }
    }
}

#[tokio::test]
async fn nobody_is_led_away_or_sent_by_another_site() {
    let server = Server::demo_with(&[], &ROOMY);
    let (email, password) = credentials(&server, "compliance-officer");
    for (next, led) in [
        ("/reports?x=1", "/reports?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let mut person = Person::nobody(&server);
        let entered = person.sign_in(&email, &password, next).await;
        assert_eq!((entered.status.as_u16(), entered.header("location")), (303, Some(led)), "{next}");
        let again = person.request(Method::GET, "/sign-in").query(&[("next", next)]);
        assert_eq!(person.send(again).await.header("location"), Some(led), "{next}");
    }

    let form = [("email", email.as_str()), ("password", password.as_str())];
    let elsewhere: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", server.base_url())],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in elsewhere {
        let mut person = Person::of_role(&server, "compliance-officer").await;
        for path in ["/sign-in", "/sign-out", "/set-password"] {
            let request = person.request(Method::POST, path).form(&form);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let refused = person.send(request).await;
            assert_eq!(refused.status, 403, "{path} {headers:?}");
            assert_eq!(refused.header("set-cookie"), None, "{path} {headers:?}");
        }
        assert_eq!(person.get("/keys").await.status, 200, "and nobody is signed out");
    }
    let mut person = Person::nobody(&server);
    let own = person.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin").form(&form);
    assert_eq!(person.send(own).await.status, 303);
    let json = person.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin").json(&form);
    assert_eq!(person.send(json).await.status, 415);
}

#[tokio::test]
async fn tries_are_limited_by_account_and_by_address_and_good_ones_are_free() {
    let few = [
        ("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "3"),
        ("VERITRAIL_PORTAL__TRIES_PER_ADDRESS", "7"),
        ("VERITRAIL_PORTAL__TRY_EVERY_S", "3600"),
    ];
    let server = Server::demo_with(&[], &few);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut person = Person::nobody(&server);
    for _ in 0..12 {
        assert_eq!(person.sign_in(&email, &password, "/").await.status, 303);
    }
    for _ in 0..3 {
        assert_eq!(person.sign_in(&email, "wrong horse battery", "/").await.status, 403);
    }
    for password in ["wrong horse battery", &password] {
        let refused = person.sign_in(&email, password, "/").await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&wait), "{wait}");
        assert!(refused.text().contains("too many tries"), "{}", refused.text());
    }
    // Of an account that there is not there are as many tries; refused ones used some of the address's.
    let (other, right) = credentials(&server, "operator");
    assert_eq!(person.sign_in(&other, &right, "/").await.status, 303);
    let mut statuses = Vec::new();
    for index in 0..4 {
        statuses.push(
            person.sign_in(&format!("nobody-{index}@else.example"), "wrong", "/").await.status.as_u16(),
        );
    }
    assert_eq!(statuses, [403, 403, 429, 429]);
    assert_eq!(person.sign_in(&other, &right, "/").await.status, 429);
    // Who is signed in goes on.
    assert_eq!(person.get("/keys").await.status, 200);
}

/// Tries to sign in from an address, as a proxy tells of it.
async fn from(server: &Server, address: &str, (email, password): (&str, &str)) -> Answer {
    let mut person = Person::nobody(server);
    let request = person.request(Method::POST, "/sign-in").header("x-forwarded-for", address);
    let form = [("email", email), ("password", password)];
    person.send(request.header("origin", server.base_url()).form(&form)).await
}

/// How often somebody was refused by a code.
fn counted(entries: &[crate::support::ledger::Recorded], code: &str) -> u64 {
    let denials = entries.iter().flat_map(|entry| entry.payload["denials"].as_array().into_iter().flatten());
    let those = denials.filter(|denial: &&Value| denial["code"] == code);
    those.map(|denial| denial["count"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn strangers_elsewhere_do_not_keep_an_accounts_owner_out() {
    let environment = [
        ("VERITRAIL_HTTP__PROXIES", "127.0.0.1"),
        ("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "3"),
        ("VERITRAIL_PORTAL__TRIES_EVERYWHERE", "6"),
        ("VERITRAIL_PORTAL__TRY_EVERY_S", "3600"),
    ];
    let server = Server::demo_with(&[], &environment);
    let (email, password) = credentials(&server, "compliance-officer");
    let wrong = (email.as_str(), "wrong horse battery");
    // One network is one, whatever its addresses: in IPv6 a person has 64 bits of them.
    for last in 1..=3 {
        assert_eq!(from(&server, &format!("2001:db8:1:1::{last}"), wrong).await.status, 403);
    }
    assert_eq!(from(&server, "2001:db8:1:1::4", wrong).await.status, 429);
    assert_eq!(from(&server, "2001:db8:1:2::1", wrong).await.status, 403);
    // The owner's is another.
    assert_eq!(from(&server, "198.51.100.7", (&email, &password)).await.status, 303);

    // Many from everywhere make each one slow, a good one too, and refuse none; those of an account that there is
    // not as well.
    for (email, place) in [(email.as_str(), 2), ("nobody@else.example", 6)] {
        for last in 0..place {
            let refused = from(&server, &format!("203.0.113.{last}"), (email, "wrong horse battery")).await;
            assert_eq!(refused.status, 403, "{email} {last}");
        }
        let began = Instant::now();
        assert_eq!(from(&server, "203.0.113.77", (email, "wrong horse battery")).await.status, 403);
        assert!(began.elapsed() >= Duration::from_secs(2), "{email}: {:?}", began.elapsed());
    }
    let began = Instant::now();
    assert_eq!(from(&server, "198.51.100.8", (&email, &password)).await.status, 303);
    assert!(began.elapsed() >= Duration::from_secs(2));

    // The institution's log has those before the flood; strangers can't fill it.
    let ledger = Ledger::of(&server);
    let home = ledger.naming(server.institution(0), "sign_in_failed").await;
    assert_eq!(counted(&home, "sign_in_failed"), 6);
    let provider = ledger.naming(&ledger.provider().await, "sign_in_failed").await;
    assert_eq!(counted(&provider, "sign_in_failed"), 1 + 7);
}

#[tokio::test]
async fn what_another_site_sends_is_refused_in_the_name_of_who_is_signed_in() {
    let server = Server::demo(&[]);
    let ledger = Ledger::of(&server);
    for (role, log) in
        [("compliance-officer", server.institution(0).to_owned()), ("regulator", ledger.provider().await)]
    {
        let mut person = Person::of_role(&server, role).await;
        for accept in ["text/html", "application/json"] {
            let request = person.request(Method::POST, "/account/sessions/end").form(&[("id", "")]);
            let request = request.header("origin", "https://evil.example").header("accept", accept);
            assert_eq!(person.send(request).await.status, 403);
        }
        let refused = ledger.naming(&log, "cross_site").await;
        let denials: Vec<&Value> =
            refused.iter().flat_map(|entry| entry.payload["denials"].as_array().unwrap()).collect();
        assert_eq!(denials.len(), 2, "{refused:?}");
        for denial in denials {
            assert!(denial["actor"].as_str().unwrap().starts_with("usr_"), "{denial}");
            assert_eq!(denial["path"], "/account/sessions/end");
        }
    }
    // Without a session, or with one that is none, it is a stranger's.
    let mut nobody = Person::nobody(&server);
    nobody.cookies.insert(crate::support::person::SESSION.to_owned(), "A".repeat(43));
    let request = nobody.request(Method::POST, "/sign-in").header("origin", "https://evil.example");
    assert_eq!(nobody.send(request.form(&[("email", "")])).await.status, 403);
    let provider = ledger.naming(&ledger.provider().await, "cross_site").await;
    assert_eq!(counted(&provider, "cross_site"), 2 + 1);
    let last = provider.last().unwrap();
    assert_eq!(last.payload["denials"][0]["actor"], "127.0.0.1", "{last:?}");
}
