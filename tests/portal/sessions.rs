//! Sessions: how they begin and end.

use sqlx::AssertSqlSafe;

use crate::support::{
    Person, Server,
    behind::{Behind, behind},
    person::{SESSION, credentials},
};

const MIN_US: i64 = 60 * 1_000_000;

/// Changes all sessions behind the service's back.
async fn alter(server: &Server, change: &str) {
    let database = Behind::of(server.data_dir());
    let sql = format!("UPDATE sessions SET {change}");
    behind!(&database, pool => drop(sqlx::query(AssertSqlSafe(sql)).execute(pool).await.unwrap()));
    database.close().await;
}

/// When the only session was seen.
async fn seen_at_us(server: &Server) -> i64 {
    let database = Behind::of(server.data_dir());
    let sql = "SELECT max(seen_at_us) FROM sessions";
    let at = behind!(&database, pool => sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await.unwrap());
    database.close().await;
    at
}

#[tokio::test]
async fn a_session_ends_unused_in_time_by_signing_out_and_with_its_person() {
    let server = Server::demo(&[]);
    let mut officer = Person::of_role(&server, "compliance-officer").await;
    assert_eq!(officer.get("/keys").await.status, 200);

    // Use is noted, once a minute.
    let first = seen_at_us(&server).await;
    assert_eq!(officer.get("/keys").await.status, 200);
    assert_eq!(seen_at_us(&server).await, first);
    alter(&server, &format!("seen_at_us = seen_at_us - {}", 29 * MIN_US)).await;
    assert_eq!(officer.get("/keys").await.status, 200);
    let mut waits = 0;
    while seen_at_us(&server).await < first {
        waits += 1;
        assert!(waits < 200, "the use is not noted");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    alter(&server, &format!("seen_at_us = seen_at_us - {}", 31 * MIN_US)).await;
    assert_eq!(officer.get("/keys").await.status, 303);
    let mut officer = Person::of_role(&server, "compliance-officer").await;
    alter(&server, &format!("expires_at_us = expires_at_us - {}", 12 * 60 * MIN_US)).await;
    assert_eq!(officer.get("/keys").await.status, 303);

    let mut officer = Person::of_role(&server, "compliance-officer").await;
    let kept = officer.session().unwrap().to_owned();
    let left = officer.post("/sign-out", &[]).await;
    assert_eq!((left.status.as_u16(), left.header("location")), (303, Some("/sign-in")));
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(officer.session(), None);
    officer.cookies.insert(SESSION.to_owned(), kept);
    assert_eq!(officer.get("/keys").await.status, 303, "the id is good for nothing any longer");
    assert_eq!(officer.post("/sign-out", &[]).await.status, 303, "signing out twice is no failure");

    let (email, password) = credentials(&server, "operator");
    let mut operator = Person::signed_in(&server, &email, &password).await;
    assert_eq!(operator.get("/keys").await.status, 200);
    let disabled = server.run(&["user", "disable", "--email", &email]);
    assert!(disabled.status.success(), "{disabled:?}");
    assert_eq!(operator.get("/keys").await.status, 303, "at once");
    assert_eq!(operator.sign_in(&email, &password, "/").await.status, 403);
    let again = server.run(&["user", "disable", "--email", &email]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("disabled"), "{again:?}");
}

#[tokio::test]
async fn nobody_can_put_a_session_in_anothers_browser() {
    let server = Server::demo(&[]);
    let planted = "A".repeat(43);
    let mut person = Person::nobody(&server);
    for id in [planted.as_str(), "", "x", &"A".repeat(5000), "%00"] {
        person.cookies.insert(SESSION.to_owned(), id.to_owned());
        assert_eq!(person.get("/keys").await.status, 303, "{id}");
    }
    person.cookies.insert(SESSION.to_owned(), planted.clone());
    let (email, password) = credentials(&server, "compliance-officer");
    person.sign_in(&email, &password, "/").await;
    let first = person.session().unwrap().to_owned();
    assert_ne!(first, planted);
    person.sign_in(&email, &password, "/").await;
    assert_ne!(person.session().unwrap(), first);
    assert_eq!(person.get("/keys").await.status, 200);
    for old in [planted, first] {
        person.cookies.insert(SESSION.to_owned(), old);
        assert_eq!(person.get("/keys").await.status, 303);
    }
    // The cookie is no token, and a token is no session.
    let id = person.session().unwrap().to_owned();
    server.stranger().with_token(Some(&id)).get("/v1/institution").await.problem(401, "unauthenticated");
    let token = server.system(0).await.token.unwrap();
    person.cookies.insert(SESSION.to_owned(), token);
    assert_eq!(person.get("/keys").await.status, 303);
}

#[tokio::test]
async fn a_sign_in_by_the_old_password_does_not_outlive_its_change() {
    let environment = [
        ("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "1000"),
        ("VERITRAIL_PORTAL__TRIES_PER_ADDRESS", "1000"),
        ("VERITRAIL_PORTAL__TRIES_EVERYWHERE", "1000"),
    ];
    let server = Server::demo_with(&[], &environment);
    let (email, mut password) = credentials(&server, "compliance-officer");
    let here = Person::signed_in(&server, &email, &password).await;
    for round in 0..16 {
        let new = format!("another horse battery {round}");
        let form = [("now", password.as_str()), ("password", new.as_str()), ("again", new.as_str())];
        // They are checked beside each other; the change comes first or last.
        let entering = async |after_ms: u64| {
            tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
            let mut person = Person::nobody(&server);
            person.sign_in(&email, &password, "/").await;
            person
        };
        let (changed, early, middle, late) = tokio::join!(
            here.submit("/account/password", &form),
            entering(round),
            entering(20 + 3 * round),
            entering(60 + 4 * round),
        );
        assert_eq!(changed.status(), 303);
        for mut person in [early, middle, late] {
            assert_eq!(person.get("/keys").await.status, 303, "round {round}: it goes on");
        }
        password = new;
    }
}
