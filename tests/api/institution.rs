//! `/v1/institution`.

use crate::support::{Server, data, proof};

#[tokio::test]
async fn a_system_sees_its_own_institution_and_its_log() {
    let server = Server::shared();
    for index in [0, 1] {
        let system = server.system(index).await;
        let own = system.get("/v1/institution").await.ok();
        let demo = &server.demo["institutions"][index];
        assert_eq!(own["id"], demo["id"]);
        assert_eq!(own["name"], demo["name"]);
        assert_eq!(own["plan"], "standard");
        assert_eq!(own["log"]["origin"], demo["origin"]);
        assert_eq!(own["log"]["vkey"], demo["vkey"]);
        let named =
            system.get(&format!("/v1/institution?institution={}", server.institution(index))).await.ok();
        assert_eq!(named["id"], demo["id"]);
        system
            .get(&format!("/v1/institution?institution={}", server.institution(1 - index)))
            .await
            .problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_log_grows_with_each_look_and_the_signer_follows() {
    let server = Server::shared();
    let system = server.system(0).await;
    let size = |institution: &serde_json::Value, name: &str| -> u64 {
        institution["log"][name].as_str().unwrap().parse().unwrap()
    };
    let before = system.get("/v1/institution").await;
    let seq = before.receipt().1;
    let before = before.ok();
    let after = system.get("/v1/institution").await.ok();
    assert!(size(&after, "size") > seq, "the first look is counted in the second answer");
    assert!(size(&before, "size") <= seq, "and was not yet when the first answer was made");
    assert!(size(&after, "signed_size") <= size(&after, "size"));
    // A signed checkpoint covers the look within a second.
    let covered = || async {
        let note = system.get("/v1/ledger/checkpoint").await;
        proof::checkpoint(note.text(), server.vkey(0)).size > seq
    };
    let began = std::time::Instant::now();
    while !covered().await {
        assert!(began.elapsed().as_secs() < 5, "no checkpoint covers entry {seq}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_feeder_has_no_institution_of_its_own_and_reads_nothing() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    feeder.get("/v1/institution").await.problem(403, "insufficient_scope");
    let line = data::ndjson(&[data::transaction(&data::unique("nowhere"))]);
    let request = feeder.request(reqwest::Method::POST, "/v1/transactions:batch");
    let request = request.header("content-type", "application/x-ndjson").body(line);
    feeder.send(request).await.problem(400, "missing_parameter");
}
