//! Years of a log: ranges that are made ahead, and moved away without breaking a proof.

use super::postgres;
use crate::support::{Server, engine::database_of, postgres::Postgres};

#[tokio::test]
async fn ranges_are_made_ahead_and_an_old_one_is_moved_without_breaking_a_proof() {
    if postgres().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let (database, postgres) = (database_of(&data_dir).unwrap(), Postgres::shared());
    // Narrow ranges, so that the demo's logs cross several.
    postgres.sql(&database.name, "SELECT veritrail.make_partitions(20000, 2000)");
    let mut server = Server::start(&data_dir, crate::support::server::free_ports(), &[]);
    let ranges = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'veritrail.entries'::regclass";
    let before: u32 = postgres.sql(&database.name, ranges).parse().unwrap();
    assert!(before >= 11, "{before} ranges");
    let newest = "SELECT max(seq) FROM veritrail.entries_from_2000";
    assert_eq!(postgres.sql(&database.name, newest), "3999", "rows are in their ranges");

    // An operator moves the oldest range to cheaper storage while the service runs.
    let archive = postgres.folder().join(format!("archive-{}", database.name));
    let made = format!("COPY (SELECT 1) TO PROGRAM 'mkdir -m 700 {0}'", archive.display());
    postgres.sql("postgres", &made);
    postgres.sql(
        &database.name,
        &format!(
            "CREATE TABLESPACE archive_{0} LOCATION '{1}';\n\
             ALTER TABLE veritrail.entries_from_0 SET TABLESPACE archive_{0};\n\
             ALTER TABLE veritrail.payloads_from_0 SET TABLESPACE archive_{0}",
            database.name,
            archive.display()
        ),
    );
    let system = server.system(0).await;
    let proven = system.get("/v1/ledger/proofs/inclusion?seq=7").await;
    assert!(proven.status.is_success() || proven.status == 404, "{}", proven.text());
    let bundle = system.post("/v1/evidence-bundles", &serde_json::json!({})).await.ok();
    let ready = system.until_ready(bundle["id"].as_str().unwrap()).await;
    let id = ready["id"].as_str().unwrap();
    let file = folder.path().join("evidence.zip");
    std::fs::write(&file, system.get(&format!("/v1/evidence-bundles/{id}/content")).await.body).unwrap();
    let verified = std::process::Command::new(crate::support::server::binary("veritrail-verify"))
        .arg(&file)
        .args(["--vkey", server.vkey(0)])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert!(server.terminate().success());
    let clean = server.run(&["fsck"]);
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
}
