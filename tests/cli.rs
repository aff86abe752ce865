//! The command line: imports, checks, configuration and an orderly end.

use std::{path::Path, process::Output};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{
    Server,
    behind::{Behind, behind},
    data,
    engine::Engine,
    ledger::uuid,
    server::run_in,
};

/// What a command said on both its streams.
fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// A new institution of the shared demo.
async fn institution(server: &Server) -> String {
    let operator = server.operator().await;
    let made = operator.post("/admin/v1/institutions", &json!({"name": data::unique("Import")})).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

/// A system of an institution.
async fn transactions(server: &Server, institution: &str) -> Vec<Value> {
    let path = format!("/admin/v1/institutions/{institution}/clients");
    let new = json!({"name": "reader", "scopes": ["transactions:read"]});
    let client = server.operator().await.post(&path, &new).await.ok();
    server.caller(&client, None).await.pages("/v1/transactions?sort=seq").await
}

fn import(server: &Server, institution: &str, format: &str, more: &[&str], files: &[&Path]) -> Output {
    let mut args = vec!["import", "--institution", institution, "--format", format];
    args.extend(more);
    args.extend(files.iter().map(|file| file.to_str().unwrap()));
    server.run(&args)
}

#[tokio::test]
async fn the_czech_banks_cut_off_log_is_refused_whole_or_taken_but_for_its_last_line() {
    let Some(berka) = data::berka() else { return };
    let server = Server::shared();
    let id = institution(server).await;
    let (accounts, log) = (berka.join("account.asc"), berka.join("trans.asc"));
    let files = [accounts.as_path(), &log];

    let refused = import(server, &id, "berka", &[], &[&log]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains("line 49104"), "the line that is cut off is named: {}", said(&refused));
    assert!(said(&refused).contains("nothing was stored"), "{}", said(&refused));
    assert_eq!(transactions(server, &id).await, [Value::Null; 0]);

    let skipped = import(server, &id, "berka", &["--on-error", "skip"], &files);
    assert!(skipped.status.success(), "{}", said(&skipped));
    assert!(said(&skipped).contains("trans.asc: 49102 added, 0 unchanged, 1 faults"), "{}", said(&skipped));
    let again = import(server, &id, "berka", &["--on-error", "skip"], &files);
    assert!(
        said(&again).contains("trans.asc: 0 added, 49102 unchanged, 1 faults; nothing changed"),
        "{}",
        said(&again)
    );
}

#[tokio::test]
async fn a_table_is_imported_by_its_mapping() {
    let server = Server::shared();
    let id = institution(server).await;
    let folder = tempfile::tempdir().unwrap();
    let (table, mapping) = (folder.path().join("log.csv"), folder.path().join("map.toml"));
    std::fs::write(&mapping, concat!(
        "delimiter = \";\"\ndate_format = \"%d.%m.%Y\"\ndecimal_separator = \",\"\nthousands_separator = \".\"\n",
        "[columns]\nreference = \"Beleg\"\nbooking_date = \"Datum\"\naccount = \"Konto\"\n",
        "remittance_information = \"Text\"\n[fixed]\ncurrency = \"EUR\"\n",
        "[amount]\nby = \"sign\"\ncolumn = \"Betrag\"\n",
    ))
    .unwrap();
    let good =
        "Beleg;Datum;Konto;Betrag;Text\n1;31.01.2026;K1;1.234,56;\"Miete; Januar\"\n2;01.02.2026;K1;-7,00;\n";
    std::fs::write(&table, format!("{good}3;30.02.2026;K1;1,00;\n4;01.02.2026;K1;1,001;\n")).unwrap();
    let map = ["--mapping", mapping.to_str().unwrap()];
    let refused = import(server, &id, "csv", &map, &[&table]);
    assert!(!refused.status.success());
    for told in ["line 4", "no_such_day", "line 5", "too_many_decimals"] {
        assert!(said(&refused).contains(told), "{told}: {}", said(&refused));
    }
    assert_eq!(transactions(server, &id).await, [Value::Null; 0]);

    std::fs::write(&table, good).unwrap();
    let imported = import(server, &id, "csv", &map, &[&table]);
    assert!(said(&imported).contains("2 added, 0 unchanged, 0 faults"), "{}", said(&imported));
    let stored = transactions(server, &id).await;
    let shown: Vec<_> = stored.iter().map(|one| (&one["amount"]["amount"], &one["direction"])).collect();
    assert_eq!(shown, [(&json!("1234.56"), &json!("credit")), (&json!("7.00"), &json!("debit"))]);
    assert_eq!(stored[0]["remittance_information"], "Miete; Januar");

    let without = import(server, &id, "csv", &[], &[&table]);
    assert!(!without.status.success() && said(&without).contains("mapping"), "{}", said(&without));
}

#[tokio::test]
async fn lines_of_json_are_imported_while_the_service_runs() {
    let server = Server::shared();
    let id = institution(server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.ndjson");
    let reference = data::unique("import");
    let good = data::ndjson(&[data::transaction(&reference), data::transaction(&format!("{reference}-2"))]);
    std::fs::write(&file, format!("{good}{{}}\n")).unwrap();
    let refused = import(server, &id, "ndjson", &[], &[&file]);
    assert!(!refused.status.success() && said(&refused).contains("line 3"), "{}", said(&refused));
    let skipped = import(server, &id, "ndjson", &["--on-error", "skip"], &[&file]);
    assert!(
        skipped.status.success() && said(&skipped).contains("2 added, 0 unchanged"),
        "{}",
        said(&skipped)
    );
    std::fs::write(&file, &good).unwrap();
    let again = import(server, &id, "ndjson", &[], &[&file]);
    assert!(said(&again).contains("0 added, 2 unchanged, 0 faults; nothing changed"), "{}", said(&again));
    assert_eq!(transactions(server, &id).await.len(), 2);

    let nobody = "ins_0190163d8694739bba1a9fbee4e5c1b2";
    let missing = import(server, nobody, "ndjson", &[], &[&file]);
    assert!(!missing.status.success() && said(&missing).contains(nobody), "{}", said(&missing));
    let nowhere = import(server, &id, "ndjson", &[], &[&folder.path().join("nowhere")]);
    assert!(!nowhere.status.success() && said(&nowhere).contains("nowhere"), "{}", said(&nowhere));
}

#[tokio::test]
async fn statements_are_imported_by_what_they_look_like_and_only_looked_at_in_a_dry_run() {
    let server = Server::shared();
    let id = institution(server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.sta");
    std::fs::write(
        &file,
        ":20:STARTUMS\r\n:25:10020030/1234567\r\n:28C:84/1\r\n:60F:C260331EUR10,00\r\n\
         :61:2603310331D3,50NMSCNONREF//7\r\n:86:Miete\r\n:62F:C260331EUR6,40\r\n-\r\n",
    )
    .unwrap();
    let run = |more: &[&str], file: &Path| {
        let mut args = vec!["import", "--institution", &id];
        args.extend(more);
        args.push(file.to_str().unwrap());
        server.run(&args)
    };
    let looked = run(&["--dry-run"], &file);
    assert!(looked.status.success(), "{}", said(&looked));
    for told in
        ["mt940, nothing stored", "1 records", "1 statements, 1 breaks", "make 6.50, and 6.40 is stated"]
    {
        assert!(said(&looked).contains(told), "{told}: {}", said(&looked));
    }
    assert_eq!(transactions(server, &id).await, [Value::Null; 0]);
    let imported = run(&[], &file);
    assert!(said(&imported).contains("1 added, 0 unchanged, 0 faults"), "{}", said(&imported));
    let stored = transactions(server, &id).await;
    assert_eq!(stored[0]["remittance_information"], "Miete");
    assert_eq!(stored[0]["source"]["line"], "5");
    let fsck = server.run(&["fsck", "--institution", &id]);
    assert!(fsck.status.success(), "{}", said(&fsck));

    // It is held against what an earlier file ended with, like a file that comes by REST.
    let text = std::fs::read_to_string(&file).unwrap().replace("EUR10,00", "EUR6,50");
    std::fs::write(&file, text.replace("84/1", "85/1").replace("EUR6,40", "EUR3,00")).unwrap();
    let next = run(&[], &file);
    assert!(said(&next).contains("ended with 6.40, and this one begins with 6.50"), "{}", said(&next));

    let Some(samples) = data::camt() else { return };
    let wrong = run(&["--dry-run"], &samples.join("camt053.v2.wrong.xml"));
    assert!(!wrong.status.success() && said(&wrong).contains("the message has no Stmt"), "{}", said(&wrong));
    let two = run(&[], &samples.join("camt053.v2.multi.statement.xml"));
    assert!(said(&two).contains("2 added, 0 unchanged, 0 faults; 2 statements, 0 breaks"), "{}", said(&two));
}

#[test]
fn a_configuration_is_printed_and_an_unknown_key_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("veritrail.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run_in(folder.path(), "http://127.0.0.1:9", &["--config", file.to_str().unwrap(), "check-config"])
    };
    let good = check("[limits]\nbatch_lines_max = 7\n");
    assert!(good.status.success(), "{}", said(&good));
    assert!(said(&good).contains("batch_lines_max = 7"), "from the file: {}", said(&good));
    assert!(
        said(&good).contains("base_url = \"http://127.0.0.1:9\""),
        "from the environment: {}",
        said(&good)
    );
    for (text, told) in [
        ("[limits]\nbatch_line_max = 7\n", "batch_line_max"),
        ("[limit]\n", "limit"),
        ("[limits]\nbatch_lines_max = \"many\"\n", "batch_lines_max"),
        ("[limits]\nbatch_lines_max = 0\n", "limits.batch_lines_max"),
        ("[log]\nlevel = \"loud\"\n", "error, warn, info or debug"),
        ("not toml", "veritrail.toml"),
    ] {
        // The environment sets the level, so that key is checked without it.
        let output = match text.contains("level") {
            true => {
                std::fs::write(&file, text).unwrap();
                let binary = crate::support::server::binary("veritrail");
                let mut command = std::process::Command::new(binary);
                command.arg("--config").arg(&file).arg("check-config");
                command.output().unwrap()
            }
            false => check(text),
        };
        assert_eq!(output.status.code(), Some(1), "{text}: {}", said(&output));
        assert!(said(&output).contains(told), "{text}: {}", said(&output));
    }
    let missing = run_in(folder.path(), "http://127.0.0.1:9", &["--config", "/nowhere.toml", "check-config"]);
    assert!(!missing.status.success() && said(&missing).contains("nowhere.toml"), "{}", said(&missing));
}

#[test]
fn migrate_makes_the_schema_and_finds_it_made() {
    // On PostgreSQL it is the migrator's: tests/store/migrations.rs.
    if Engine::of_this_run() == Engine::Postgres {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("new");
    for _ in 0..2 {
        let output = run_in(&data_dir, "http://127.0.0.1:9", &["migrate"]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("the schema is up to date"), "{}", said(&output));
    }
    let output = run_in(&data_dir, "http://127.0.0.1:9", &["fsck"]);
    assert!(output.status.success() && said(&output).contains("clean"), "{}", said(&output));
    let nothing = run_in(&folder.path().join("nowhere"), "http://127.0.0.1:9", &["fsck"]);
    assert!(
        !nothing.status.success() && said(&nothing).contains("there is no database"),
        "{}",
        said(&nothing)
    );
}

/// Flips a bit of what an entry or its payload holds, as somebody who owns the database could.
async fn flip(data_dir: &Path, table: &str, column: &str, institution: &str, seq: i64) {
    let database = Behind::of(data_dir);
    let unguard = match &database {
        Behind::Sqlite(_) => format!("DROP TRIGGER IF EXISTS {table}_no_update"),
        Behind::Postgres(_) => format!("ALTER TABLE {table} DISABLE TRIGGER no_change"),
    };
    let select = format!("SELECT {column} FROM {table} WHERE institution_id = $1 AND seq = $2");
    let update = format!("UPDATE {table} SET {column} = $3 WHERE institution_id = $1 AND seq = $2");
    behind!(&database, pool => {
        sqlx::query(AssertSqlSafe(unguard)).execute(pool).await.unwrap();
        let query = sqlx::query_scalar(AssertSqlSafe(select)).bind(uuid(institution)).bind(seq);
        let mut bytes: Vec<u8> = query.fetch_one(pool).await.unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let query = sqlx::query(AssertSqlSafe(update)).bind(uuid(institution)).bind(seq).bind(bytes);
        query.execute(pool).await.unwrap();
    });
    database.close().await;
}

#[tokio::test]
async fn asked_to_stop_the_service_ends_well_and_fsck_finds_what_is_altered_after() {
    let mut server = Server::demo(&[]);
    let line = data::ndjson(&[data::transaction("last")]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok();
    let status = server.terminate();
    assert_eq!(status.code(), Some(0));

    let clean = server.run(&["fsck"]);
    assert!(clean.status.success(), "{}", said(&clean));
    let lines: Vec<String> =
        said(&clean).lines().filter(|line| line.contains("clean")).map(String::from).collect();
    assert_eq!(lines.len(), 3, "the provider's log and two institutions': {}", said(&clean));

    flip(server.data_dir(), "entries", "bytes", server.institution(0), 17).await;
    flip(server.data_dir(), "payloads", "payload", server.institution(1), 23).await;
    let altered = server.run(&["fsck"]);
    assert_eq!(altered.status.code(), Some(1));
    let told = said(&altered);
    let line_of = |index: usize| {
        let line = told.lines().find(|line| line.contains(server.institution(index)));
        line.unwrap_or_else(|| panic!("nothing of {index} in {told}")).to_owned()
    };
    assert!(line_of(0).contains("entry 17"), "{told}");
    assert!(line_of(1).contains("23"), "{told}");
    assert!(told.contains("2 logs are not clean"), "{told}");
    let one = server.run(&["fsck", "--institution", server.institution(1)]);
    assert!(!one.status.success() && !said(&one).contains(server.institution(0)), "{}", said(&one));
}

#[tokio::test]
async fn fsck_says_so_when_it_cannot_keep_what_it_found_and_goes_on() {
    let server = Server::demo(&[]);
    let database = Behind::of(server.data_dir());
    let refuse = match &database {
        Behind::Sqlite(_) => {
            "CREATE TRIGGER refuse BEFORE INSERT ON log_checks BEGIN SELECT RAISE(ABORT, 'may not'); END"
        }
        Behind::Postgres(_) => "REVOKE INSERT ON log_checks FROM veritrail_service",
    };
    behind!(&database, pool => sqlx::query(refuse).execute(pool).await.map(drop)).unwrap();
    database.close().await;
    let checked = server.run(&["fsck"]);
    let told = said(&checked);
    assert!(checked.status.success(), "{told}");
    assert_eq!(told.matches(": clean: ").count(), 3, "{told}");
    assert_eq!(told.matches("could not be kept").count(), 3, "{told}");
    let logs = server.operator().await.get("/admin/v1/logs").await.ok();
    assert!(logs["data"].as_array().unwrap().iter().all(|log| log["check"].is_null()), "{logs}");
}
