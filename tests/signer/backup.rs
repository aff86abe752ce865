//! A backup of before is put in the database's place while the service runs: nothing smaller or different
//! is ever signed, which the checkpoints of before and after show side by side.

use std::{collections::BTreeMap, time::Duration};

use crate::support::{
    data,
    engine::Engine,
    postgres::{Database, Postgres},
    replicas::Replicas,
};

/// Every checkpoint of a database, by institution and size.
fn checkpoints(postgres: &Postgres, database: &Database) -> BTreeMap<(String, u64), String> {
    let rows = postgres.sql(
        &database.name,
        "SELECT institution_id || ' ' || size || ' ' || encode(convert_to(note, 'UTF8'), 'hex') \
         FROM veritrail.checkpoints",
    );
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        ((fields[0].to_owned(), fields[1].parse().unwrap()), fields[2].to_owned())
    };
    rows.lines().map(parse).collect()
}

/// The highest size signed for each institution.
fn highest(checkpoints: &BTreeMap<(String, u64), String>) -> BTreeMap<String, u64> {
    let mut highest = BTreeMap::new();
    for (institution, size) in checkpoints.keys() {
        let most = highest.entry(institution.clone()).or_insert(0);
        *most = (*size).max(*most);
    }
    highest
}

#[tokio::test]
async fn a_backup_restored_under_running_replicas_is_never_signed() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let postgres = Postgres::shared();
    let replicas = Replicas::start(postgres, 2, &[]).await;
    let (institution, database) = (replicas.institution().to_owned(), replicas.database.clone());
    let feeders = [replicas.feeder(0).await, replicas.feeder(1).await];
    let systems = [replicas.system(0).await, replicas.system(1).await];
    let deliver = async |index: usize, reference: &str| {
        let (feeder, lines) = (&feeders[index], data::ndjson(&[data::transaction(reference)]));
        // A connection that idled while the database was copied may be gone.
        match feeder.try_send(feeder.delivery(&institution, &lines)).await {
            Ok(answer) => answer,
            Err(_) => feeder.deliver(&institution, &lines).await,
        }
    };
    assert_eq!(deliver(0, &data::unique("before")).await.status, 201);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let backup = format!("{}_backup", database.name);
    postgres.copy(&database.name, &backup);

    // Both replicas go on, and what they store is signed.
    for round in 0..10 {
        let answer = deliver(round % 2, &data::unique("after")).await;
        // Making the copy cut connections; the next call finds new ones.
        assert!(answer.status == 201 || answer.status == 503, "{}", answer.text());
    }
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    let signed_before = checkpoints(postgres, &database);

    postgres.copy(&backup, &database.name);
    assert!(highest(&checkpoints(postgres, &database)) < highest(&signed_before), "the database went back");
    // As many entries again, and then more: sizes that were signed before come up once more.
    let mut stored = 0;
    for round in 0..40 {
        let answer = deliver(round % 2, &data::unique("again")).await;
        stored += u32::from(answer.status == 201);
        let look = systems[round % 2].request(reqwest::Method::GET, "/v1/transactions?limit=1");
        let _ = systems[round % 2].try_send(look).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    assert_eq!(stored, 0, "nothing is appended to a log that went back");
    deliver(0, &data::unique("again")).await.problem(503, "log_stopped");
    for index in 0..2 {
        let health = replicas.stranger(index).get("/health/ready").await.json();
        assert!(health["stopped_logs"].as_u64().unwrap() >= 1, "{health}");
    }

    // Side by side: what was signed after the restore is nothing that was not signed before, but for
    // logs that had grown beyond all that was signed of them.
    let (after, limit) = (checkpoints(postgres, &database), highest(&signed_before));
    for ((institution, size), note) in &after {
        match signed_before.get(&(institution.clone(), *size)) {
            Some(before) => assert_eq!(before, note, "another root was signed at {size} of {institution}"),
            None => assert!(
                *size > limit.get(institution).copied().unwrap_or(0),
                "a smaller checkpoint was signed: {size} of {institution}"
            ),
        }
    }
    let id = institution.strip_prefix("ins_").unwrap();
    let ours = |all: &BTreeMap<(String, u64), String>| {
        highest(all).into_iter().find(|(one, _)| one.replace('-', "") == id).unwrap().1
    };
    assert!(ours(&after) < ours(&signed_before), "the log stays as old as the backup, unsigned");
}
