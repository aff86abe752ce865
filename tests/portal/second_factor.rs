//! The second factor and the account's page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::Digest as _;

use crate::support::{Ledger, Person, Server, forge::now_s, person::credentials, totp::code};

const HALF: &str = "__Host-sign-in";

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split_once(after).unwrap().0
}

/// Sets up a second factor: its secret, the step whose code was used, and the codes that stand in.
async fn set_up(person: &mut Person, password: &str) -> (String, i64, Vec<String>) {
    let begun = person.post("/account/second-factor/begin", &[("now", password)]).await;
    assert_eq!((begun.status.as_u16(), begun.header("location")), (303, Some("/account/second-factor")));
    let page = person.get("/account/second-factor").await;
    let secret = between(page.text(), "data-copy=\"", "\"").to_owned();
    assert_eq!(secret.len(), 32);
    assert!(
        page.text().contains("<svg role=\"img\"") && page.text().contains("otpauth://totp/"),
        "{}",
        page.text()
    );
    let step = now_s() / 30;
    let wrong = person.post("/account/second-factor", &[("code", &code(&secret, step - 10))]).await;
    assert_eq!(wrong.status, 403);
    let confirmed = person.post("/account/second-factor", &[("code", &code(&secret, step))]).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text());
    let codes =
        confirmed.text().split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned());
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes.len(), 10);
    (secret, step, codes)
}

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

    // Going on without signs out, and needs the password.
    let drop = "/account/second-factor/drop";
    assert_eq!(operator.post(drop, &[("now", "wrong horse battery")]).await.status, 403);
    assert_eq!(operator.get("/keys").await.status, 200);
    assert_eq!(operator.post(drop, &[("now", &password)]).await.status, 303);
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
