//! People who sign in, across replicas: what is tried at one counts at the other, and a code is taken once.

use crate::support::{
    Person,
    engine::Engine,
    forge::now_s,
    person::credentials_in,
    postgres::Postgres,
    replicas::Replicas,
    second_factor::{code, set_up},
};

/// Statuses of forms that are sent at once, at one replica and the other in turn.
async fn at_once(persons: &[&Person; 2], path: &str, forms: Vec<[(&str, &str); 2]>) -> Vec<u16> {
    let mut all = tokio::task::JoinSet::new();
    for (index, form) in forms.into_iter().enumerate() {
        let person = persons[index % 2];
        let request = person.request(reqwest::Method::POST, path).header("sec-fetch-site", "same-origin");
        let request = request.form(&form);
        all.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    all.join_all().await
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|one| **one == status).count()
}

#[tokio::test]
async fn tries_and_codes_are_counted_by_all_replicas_together() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let environment = [
        ("VERITRAIL_PORTAL__TRIES_PER_ACCOUNT", "5".to_owned()),
        ("VERITRAIL_PORTAL__CODES_AT_ONCE", "4".to_owned()),
        ("VERITRAIL_PORTAL__TRY_EVERY_S", "3600".to_owned()),
        ("VERITRAIL_PORTAL__CODE_EVERY_S", "3600".to_owned()),
    ];
    let replicas = Replicas::start(Postgres::shared(), 2, &environment).await;
    let (here, there) = (Person::at(&replicas.url(0)), Person::at(&replicas.url(1)));

    let (email, _) = credentials_in(&replicas.demo, "operator");
    let wrong = vec![[("email", email.as_str()), ("password", "wrong horse battery")]; 16];
    let statuses = at_once(&[&here, &there], "/sign-in", wrong).await;
    assert_eq!((count(&statuses, 403), count(&statuses, 429)), (5, 11), "{statuses:?}");

    let (email, password) = credentials_in(&replicas.demo, "compliance-officer");
    let mut officer = Person::at(&replicas.url(0));
    assert_eq!(officer.sign_in(&email, &password, "/").await.status, 303);
    let (secret, step, _) = set_up(&mut officer, &password).await;
    let mut halves = [here, there];
    for half in &mut halves {
        assert_eq!(half.sign_in(&email, &password, "/").await.status, 303);
    }
    let both = [&halves[0], &halves[1]];
    let wrong = vec![[("code", "AAAA-AAAA-AAAA-AAAA"), ("next", "/")]; 16];
    let statuses = at_once(&both, "/sign-in/code", wrong).await;
    assert_eq!((count(&statuses, 403), count(&statuses, 429)), (4, 12), "{statuses:?}");

    let allowed = replicas.run(&["user", "allow-codes", "--email", &email]);
    assert!(allowed.status.success(), "{allowed:?}");
    // The next step's code is good already: clocks differ.
    let good = code(&secret, (step + 1).max(now_s() / 30));
    let statuses = at_once(&both, "/sign-in/code", vec![[("code", good.as_str()), ("next", "/")]; 4]).await;
    assert_eq!((count(&statuses, 303), count(&statuses, 403)), (1, 3), "{statuses:?}");
}
