//! The second factor and the account's page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use sha2::Digest as _;

use crate::support::{
    Ledger, Person, Server,
    forge::now_s,
    person::credentials,
    second_factor::{begin, between, code, confirm, send, set_up},
};

const HALF: &str = "__Host-sign-in";

#[tokio::test]
async fn a_code_is_asked_after_the_password_and_each_is_good_once() {
    let server = Server::demo_with(&[], &[("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "100")]);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut officer = Person::signed_in(&server, &email, &password).await;
    let refused = officer.post("/account/second-factor/begin", &[("now", "wrong horse battery")]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(officer.post("/account/second-factor", &[("code", "123456")]).await.status, 409);
    let (secret, step, codes) = set_up(&mut officer, &password).await;
    assert_eq!(officer.get("/keys").await.status, 200, "this session goes on");

    let half = async || {
        let mut person = Person::nobody(&server);
        let asked = person.sign_in(&email, &password, "/keys").await;
        assert_eq!(
            (asked.status.as_u16(), asked.header("location")),
            (303, Some("/sign-in/code?next=%2Fkeys"))
        );
        assert_eq!(person.session(), None);
        assert!(person.get("/sign-in/code?next=%2Fkeys").await.text().contains("one-time-code"));
        assert_eq!(person.get("/keys").await.status, 303, "half a sign-in is none");
        person
    };
    let enter = async |person: &mut Person, code: &str| {
        person.post("/sign-in/code", &[("code", code), ("next", "/keys")]).await
    };
    let mut person = half().await;
    for wrong in ["", "000000x", &code(&secret, step - 5), &code(&secret, step), "AAAA-AAAA-AAAA-AAAA"] {
        let refused = enter(&mut person, wrong).await;
        assert_eq!(refused.status, 403, "{wrong}");
        assert_eq!(person.session(), None);
    }
    let good = code(&secret, step + 1);
    let entered = enter(&mut person, &format!("{} {}", &good[..3], &good[3..])).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, Some("/keys")));
    assert_eq!(person.get("/keys").await.status, 200);
    assert_eq!(person.cookies.get(HALF), None);
    assert_eq!(enter(&mut half().await, &good).await.status, 403, "a code is taken once");

    for (typed, status) in [(codes[0].clone(), 303), (codes[0].clone(), 403), (codes[1].to_lowercase(), 303)]
    {
        assert_eq!(enter(&mut half().await, &typed).await.status, status, "{typed}");
    }
    assert!(person.get("/account").await.text().contains("8 recovery codes are left"));

    // What is sealed is not to be changed, is no session, and ends with the password.
    let mut person = half().await;
    let sealed = person.cookies[HALF].clone();
    let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
    bytes[20] ^= 1;
    for bad in [URL_SAFE_NO_PAD.encode(&bytes), "x".to_owned(), "A".repeat(75)] {
        person.cookies.insert(HALF.to_owned(), bad);
        assert_eq!(enter(&mut person, &codes[2]).await.status, 410);
    }
    person.cookies.insert(crate::support::person::SESSION.to_owned(), sealed);
    assert_eq!(person.get("/keys").await.status, 303);
    let mut person = half().await;
    let new = "another horse battery";
    let form = [("now", password.as_str()), ("password", new), ("again", new)];
    assert_eq!(officer.post("/account/password", &form).await.status, 303);
    assert_eq!(enter(&mut person, &codes[2]).await.status, 410);

    let dropped = server.run(&["user", "drop-second-factor", "--email", &email]);
    assert!(dropped.status.success(), "{dropped:?}");
    assert_eq!(officer.get("/keys").await.status, 303, "its sessions ended");
    assert_eq!(officer.sign_in(&email, new, "/keys").await.header("location"), Some("/keys"));

    let ledger = Ledger::of(&server);
    let home = server.institution(0);
    assert_eq!(ledger.naming(home, "\"password totp\"").await.len(), 1);
    assert_eq!(ledger.naming(home, "\"password recovery\"").await.len(), 2);
    assert_eq!(
        ledger.naming(home, "user.confirm_second_factor").await[0].payload["change"]["recovery_codes"],
        10
    );
    for secret in [secret.as_str(), &codes[3], &codes[3].replace('-', ""), new] {
        assert!(ledger.naming(home, secret).await.is_empty(), "{secret} is on the ledger");
    }
}

#[tokio::test]
async fn a_role_that_needs_a_second_factor_sets_one_up_before_anything_else() {
    let server = Server::demo_with(&[], &[("VERITRAIL_PORTAL__SECOND_FACTOR", "operator, regulator")]);
    let mut officer = Person::of_role(&server, "compliance-officer").await;
    assert_eq!(officer.get("/keys").await.status, 200);
    let (email, password) = credentials(&server, "operator");
    let mut operator = Person::signed_in(&server, &email, &password).await;
    for path in ["/keys", "/transactions", "/transactions.csv"] {
        let led = operator.get(path).await;
        assert_eq!(
            (led.status.as_u16(), led.header("location")),
            (303, Some("/account/second-factor")),
            "{path}"
        );
    }
    assert!(operator.get("/account/second-factor").await.text().contains("Your role needs a second factor"));
    let (_, _, codes) = set_up(&mut operator, &password).await;
    assert_eq!(operator.get("/keys").await.status, 200);

    // Going on without signs out, and needs the password and a code.
    let drop = "/account/second-factor/drop";
    assert_eq!(operator.post(drop, &[("now", "wrong horse battery"), ("code", &codes[1])]).await.status, 403);
    assert_eq!(
        operator.post(drop, &[("now", &password)]).await.status,
        403,
        "the password alone does not do"
    );
    assert_eq!(operator.post(drop, &[("now", &password), ("code", "123456")]).await.status, 403);
    assert_eq!(operator.get("/keys").await.status, 200);
    assert_eq!(operator.post(drop, &[("now", &password), ("code", &codes[1])]).await.status, 303);
    assert_eq!(operator.get("/keys").await.header("location"), Some("/sign-in?next=%2Fkeys"));
    operator.sign_in(&email, &password, "/").await;
    assert_eq!(operator.get("/keys").await.header("location"), Some("/account/second-factor"));
    assert_eq!(operator.post("/sign-in/code", &[("code", &codes[0])]).await.status, 410);
}

#[tokio::test]
async fn a_password_is_changed_and_other_sessions_are_ended() {
    let server = Server::demo(&[]);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut here = Person::signed_in(&server, &email, &password).await;
    let mut there = Person::signed_in(&server, &email, &password).await;
    let page = here.get("/account").await;
    assert!(page.text().contains("this one") && page.text().contains("127.0.0.1"), "{}", page.text());
    let id = between(page.text(), "name=\"id\" value=\"", "\"").to_owned();

    // Somebody else's session is not ended by who knows its hash.
    let mut engineer = Person::of_role(&server, "integration-engineer").await;
    let hash = sha2::Sha256::digest(URL_SAFE_NO_PAD.decode(engineer.session().unwrap()).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(here.post("/account/sessions/end", &[("id", &hash)]).await.status, 303);
    assert_eq!(engineer.get("/account").await.status, 200);
    assert_eq!(here.post("/account/sessions/end", &[("id", "x")]).await.status, 404);

    assert_eq!(there.get("/account").await.status, 200);
    assert_eq!(here.post("/account/sessions/end", &[("id", &id)]).await.status, 303);
    assert_eq!(there.get("/account").await.status, 303);
    let mut there = Person::signed_in(&server, &email, &password).await;
    assert_eq!(here.post("/account/sessions/end", &[]).await.status, 303);
    assert_eq!(there.get("/account").await.status, 303);

    let mut there = Person::signed_in(&server, &email, &password).await;
    let change = async |person: &mut Person, now: &str, new: &str, again: &str| {
        person
            .post("/account/password", &[("now", now), ("password", new), ("again", again)])
            .await
            .status
            .as_u16()
    };
    let new = "another horse battery";
    assert_eq!(change(&mut here, "wrong horse battery", new, new).await, 403);
    assert_eq!(change(&mut here, &password, new, "another").await, 422);
    assert_eq!(change(&mut here, &password, "short", "short").await, 422);
    assert_eq!(change(&mut here, &password, &email, &email).await, 422);
    assert_eq!(there.get("/account").await.status, 200);
    assert_eq!(change(&mut here, &password, new, new).await, 303);
    assert_eq!(here.get("/account?done=password").await.status, 200);
    assert_eq!(there.get("/account").await.status, 303);
    assert_eq!(there.sign_in(&email, &password, "/").await.status, 403);
    assert_eq!(there.sign_in(&email, new, "/").await.status, 303);
}

#[tokio::test]
async fn a_second_factor_is_replaced_by_a_code_of_it_and_nothing_changes_before_that() {
    let server = Server::demo(&[]);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut officer = Person::signed_in(&server, &email, &password).await;
    let mut there = Person::signed_in(&server, &email, &password).await;
    let page = "/account/second-factor";

    // A secret is shown once, to who made it, and is good in that session alone.
    let (secret, begun) = begin(&mut officer, &[("now", &password)]).await;
    for person in [&mut officer, &mut there] {
        let again = person.get(page).await;
        assert!(!again.text().contains(&secret) && !again.text().contains("otpauth"), "{}", again.text());
    }
    let good = code(&secret, now_s() / 30);
    assert_eq!(send(&mut there, &good, &begun).await.status, 409);
    assert_eq!(there.get("/keys").await.status, 200, "nothing was changed");
    let (_, _, codes) = confirm(&mut officer, secret, &begun).await;
    assert_eq!(there.get("/keys").await.status, 303);
    assert_eq!(send(&mut officer, &good, &begun).await.status, 409, "what was begun is confirmed once");

    // Somebody at a browser that was left, who knows the password, replaces nothing.
    let another = format!("{page}/begin");
    for code in ["", "123456", "AAAA-AAAA-AAAA-AAAA"] {
        let refused = officer.post(&another, &[("now", &password), ("code", code)]).await;
        assert_eq!(refused.status, 403, "{code}");
        assert!(!refused.text().contains("otpauth"), "{}", refused.text());
    }
    let (secret, begun) = begin(&mut officer, &[("now", &password), ("code", &codes[0])]).await;
    let used = officer.post(&another, &[("now", &password), ("code", &codes[0])]).await;
    assert_eq!(used.status, 403, "a code is good once");
    // Until it is confirmed the one of before counts.
    let mut person = Person::nobody(&server);
    person.sign_in(&email, &password, "/").await;
    assert_eq!(person.post("/sign-in/code", &[("code", &codes[1])]).await.status, 303);
    confirm(&mut officer, secret, &begun).await;
    assert_eq!(person.get("/keys").await.status, 303, "sessions of the old one ended");
    person.sign_in(&email, &password, "/").await;
    assert_eq!(person.post("/sign-in/code", &[("code", &codes[2])]).await.status, 403);

    let begun = Ledger::of(&server).naming(server.institution(0), "user.begin_second_factor").await;
    let factors: Vec<_> = begun.iter().map(|entry| entry.payload["factors"].as_str().unwrap()).collect();
    assert_eq!(factors, ["password", "password recovery"]);
}

#[tokio::test]
async fn wrong_codes_stop_at_a_number_also_at_once_until_an_operator_allows_more() {
    let few = [("VERITRAIL_PORTAL__CODES_AT_ONCE", "3"), ("VERITRAIL_PORTAL__CODE_EVERY_S", "3600")];
    let server = Server::demo_with(&[], &few);
    let (email, password) = credentials(&server, "compliance-officer");
    let mut officer = Person::signed_in(&server, &email, &password).await;
    let (_, _, codes) = set_up(&mut officer, &password).await;
    let half = async || {
        let mut person = Person::nobody(&server);
        person.sign_in(&email, &password, "/").await;
        person
    };
    let person = half().await;
    let wrong = [("code", "AAAA-AAAA-AAAA-AAAA"), ("next", "/")];
    let send = |_| {
        let request = person.request(Method::POST, "/sign-in/code").header("origin", server.base_url());
        tokio::spawn(request.form(&wrong).send())
    };
    let mut statuses = Vec::new();
    for sent in (0..12).map(send).collect::<Vec<_>>() {
        statuses.push(sent.await.unwrap().unwrap().status().as_u16());
    }
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(403), count(429)), (3, 9));
    // Another sign-in, and the account's own page, count with these.
    let mut other = half().await;
    let stopped = other.post("/sign-in/code", &[("code", &codes[0])]).await;
    assert_eq!(stopped.status, 429, "a good one too");
    assert!(stopped.header("retry-after").unwrap().parse::<u64>().unwrap() > 3500);
    let drop = [("now", password.as_str()), ("code", codes[0].as_str())];
    assert_eq!(officer.post("/account/second-factor/drop", &drop).await.status, 429);
    assert_eq!(officer.get("/keys").await.status, 200, "who is signed in goes on");

    // Another process ends it: what is counted is in the database.
    let allowed = server.run(&["user", "allow-codes", "--email", &email]);
    assert!(allowed.status.success(), "{allowed:?}");
    assert_eq!(other.post("/sign-in/code", &[("code", &codes[0])]).await.status, 303);
    // A good one has those before it count no longer.
    for good in &codes[1..4] {
        let mut person = half().await;
        for _ in 0..2 {
            assert_eq!(person.post("/sign-in/code", &wrong).await.status, 403);
        }
        assert_eq!(person.post("/sign-in/code", &[("code", good)]).await.status, 303);
    }

    // Whoever tried codes knew the password: another one, by an operator's link, begins anew.
    let mut person = half().await;
    for status in [403, 403, 403, 429] {
        assert_eq!(person.post("/sign-in/code", &wrong).await.status, status);
    }
    let invited = server.run(&["user", "invite", "--email", &email]);
    let invited = String::from_utf8_lossy(&invited.stdout).into_owned();
    let token = between(&invited, "token=", "\n");
    let new = "another horse battery";
    let set = person.post("/set-password", &[("token", token), ("password", new), ("again", new)]).await;
    assert_eq!(set.status, 303, "{}", set.text());
    person.sign_in(&email, new, "/").await;
    assert_eq!(person.post("/sign-in/code", &[("code", &codes[4])]).await.status, 303);
    let ledger = Ledger::of(&server);
    assert!(!ledger.naming(server.institution(0), "user.allow_codes").await.is_empty());
}
