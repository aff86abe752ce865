//! `/v1/exports`: ordered, downloaded whole or in pieces, and read by programs that are not ours.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Ledger, Server, data, proof, python::read_back};

const EXPORTS: &str = "/v1/exports";

/// Orders an export and waits for it.
async fn ready(system: &Caller, order: &Value) -> Value {
    let ordered = system.post(EXPORTS, order).await;
    assert_eq!(ordered.status, 202, "{}", ordered.text());
    let id = ordered.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ordered.header("location"), Some(format!("{EXPORTS}/{id}").as_str()));
    system.until_exported(&id).await
}

fn part_path(export: &Value, n: usize) -> String {
    format!("{EXPORTS}/{}/parts/{n}", export["id"].as_str().unwrap())
}

/// The only part of an export, which is as the export says.
async fn file(system: &Caller, export: &Value) -> Vec<u8> {
    assert_eq!(export["parts"].as_array().unwrap().len(), 1, "{export}");
    let answer = system.get(&part_path(export, 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let part = &export["parts"][0];
    assert_eq!(part["bytes"], answer.body.len());
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", part["sha256"].as_str().unwrap()).as_str()));
    assert_eq!(answer.header("content-digest"), Some(proof::content_digest(&answer.body).as_str()));
    assert_eq!(part["rows"].to_string(), export["rows"].as_str().unwrap());
    answer.body
}

/// A bank's transactions in several currencies, some with text that looks like a formula; their filter.
async fn deliver_varied(server: &Server) -> Value {
    let account = |currency: &str| data::unique(currency);
    let (euro, yen, dinar) = (account("eur"), account("jpy"), account("bhd"));
    let line = |account: &str, more: Value| {
        let mut line = data::transaction(&data::unique("varied"));
        line["account"] = json!(account);
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let lines = [
        line(
            &euro,
            json!({
                "amount": {"amount": "1234.56", "currency": "EUR"}, "direction": "debit",
                "balance_after": {"amount": "310.07", "currency": "EUR", "direction": "debit"},
                "value_date": "2026-02-05", "remittance_information": "Miete \"März\", Wohnung 7",
                "counterparty": {"name": "=HYPERLINK(\"http://x\",\"y\")", "account": "+49123", "agent": "@agent"},
            }),
        ),
        line(
            &euro,
            json!({
                "amount": {"amount": "0.10", "currency": "EUR"}, "end_to_end_id": "-1+1", "purpose": "SALA",
                "balance_after": {"amount": "0.00", "currency": "EUR", "direction": "debit"},
                "remittance_information": "'=1+1 written as text", "bank_transaction_code": "PMNT-RCDT-ESCT",
            }),
        ),
        line(&yen, json!({"amount": {"amount": "999999999999999999", "currency": "JPY"}})),
        line(&yen, json!({"amount": {"amount": "1500", "currency": "JPY"}, "booking_date": "1899-12-31"})),
        line(
            &dinar,
            json!({
                "amount": {"amount": "7.125", "currency": "BHD"}, "status": "pending", "booking_date": "2026-02-28",
            }),
        ),
    ];
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    let references: Vec<&str> = lines.iter().map(|line| line["reference"].as_str().unwrap()).collect();
    json!({"reference[in]": references.join(",")})
}

/// What each column of a transaction has, as text; none where there is nothing.
fn cells(listed: &Value, seq: &str) -> Vec<Option<String>> {
    let text = |pointer: &str| listed.pointer(pointer).map(|value| value.as_str().unwrap().to_owned());
    let balance = text("/balance_after/amount").map(|amount| {
        let is_debit = listed["balance_after"]["direction"] == "debit" && amount != "0.00";
        if is_debit { format!("-{amount}") } else { amount }
    });
    vec![
        Some(seq.to_owned()),
        text("/id"),
        text("/account_id"),
        text("/account"),
        text("/reference"),
        text("/status"),
        text("/booking_date"),
        text("/value_date"),
        text("/direction"),
        text("/amount/amount"),
        text("/amount/currency"),
        balance,
        text("/counterparty/name"),
        text("/counterparty/account"),
        text("/counterparty/agent"),
        text("/end_to_end_id"),
        text("/purpose"),
        text("/bank_transaction_code"),
        text("/remittance_information"),
    ]
}

const COLUMNS: [&str; 19] = [
    "seq",
    "id",
    "account_id",
    "account",
    "reference",
    "status",
    "booking_date",
    "value_date",
    "direction",
    "amount",
    "currency",
    "balance_after",
    "counterparty_name",
    "counterparty_account",
    "counterparty_agent",
    "end_to_end_id",
    "purpose",
    "bank_transaction_code",
    "remittance_information",
];

/// The varied transactions as the API lists them, as cells; their seqs are those of their entries.
async fn expected(system: &Caller, filter: &Value) -> Vec<Vec<Option<String>>> {
    let references = filter["reference[in]"].as_str().unwrap();
    let listed = system.pages(&format!("/v1/transactions?sort=seq&reference[in]={references}")).await;
    let mut rows = Vec::new();
    for one in listed {
        let path = format!("/v1/ledger/entries?subject={}", one["id"].as_str().unwrap());
        let entries = system.get(&path).await.ok();
        rows.push(cells(&one, entries["data"][0]["entry"]["seq"].as_str().unwrap()));
    }
    assert_eq!(rows.len(), 5);
    rows
}

fn rows(found: &Value) -> Vec<Vec<Option<String>>> {
    serde_json::from_value(found["rows"].clone()).unwrap()
}

#[tokio::test]
async fn csv_is_read_back_by_python_and_formulas_are_text() {
    let server = Server::shared();
    let system = server.system(0).await;
    let filter = deliver_varied(server).await;
    let export = ready(&system, &json!({"of": "transactions", "format": "csv", "filter": filter})).await;
    let file = file(&system, &export).await;
    let found = read_back("csv", &file);
    assert_eq!(found["columns"], json!(COLUMNS));
    let mut expected = expected(&system, &filter).await;
    for cell in expected.iter_mut().flatten() {
        let text = cell.get_or_insert_default();
        let risky = ["=HYPERLINK(\"http://x\",\"y\")", "+49123", "@agent", "-1+1", "'=1+1 written as text"];
        if risky.contains(&text.as_str()) {
            text.insert(0, '\'');
        }
    }
    assert_eq!(rows(&found), expected);
    let text = String::from_utf8(file).unwrap();
    assert!(text.contains(",debit,1234.56,EUR,-310.07,"), "numbers stand as they are: {text}");
    assert!(text.contains(",0.10,EUR,0.00,"), "nought has no sign: {text}");
}

#[tokio::test]
async fn parquet_has_types_and_sums_that_pyarrow_and_duckdb_agree_on() {
    let server = Server::shared();
    let system = server.system(0).await;
    let filter = deliver_varied(server).await;
    let export = ready(&system, &json!({"of": "transactions", "format": "parquet", "filter": filter})).await;
    let found = read_back("parquet", &file(&system, &export).await);
    assert_eq!(found["columns"], json!(COLUMNS));
    let kind = |name: &str| match name {
        "seq" => ("int64", "BIGINT"),
        "amount" | "balance_after" => ("decimal128(22, 4)", "DECIMAL(22,4)"),
        "booking_date" | "value_date" => ("date32[day]", "DATE"),
        _ => ("string", "VARCHAR"),
    };
    assert_eq!(found["types"], json!(COLUMNS.map(|name| kind(name).0)));
    assert_eq!(found["duckdb_types"], json!(COLUMNS.map(|name| kind(name).1)));
    let mut expected = expected(&system, &filter).await;
    for row in &mut expected {
        for cell in [9, 11] {
            let padded = row[cell].as_ref().map(|amount| {
                let (whole, behind) = amount.split_once('.').unwrap_or((amount, ""));
                format!("{whole}.{behind:0<4}")
            });
            row[cell] = padded;
        }
    }
    assert_eq!(rows(&found), expected);
    let sums =
        json!([["BHD", "7.1250", 1], ["EUR", "1234.6600", 2], ["JPY", "1000000000000001499.0000", 2],]);
    assert_eq!(found["sums"], sums);
}

#[tokio::test]
async fn xlsx_is_read_back_by_openpyxl_with_numbers_dates_and_quoted_text() {
    let server = Server::shared();
    let system = server.system(0).await;
    let filter = deliver_varied(server).await;
    let export = ready(&system, &json!({"of": "transactions", "format": "xlsx", "filter": filter})).await;
    let found = read_back("xlsx", &file(&system, &export).await);
    assert_eq!((&found["sheets"], &found["columns"]), (&json!(["transactions"]), &json!(COLUMNS)));
    let expected = expected(&system, &filter).await;
    let exact = |text: &str| -> f64 { text.parse().unwrap() };
    for (row, expected) in expected.iter().enumerate() {
        for (place, (name, expected)) in COLUMNS.iter().zip(expected).enumerate() {
            let at = |what: &str| &found[what][row][place];
            let value = at("rows").as_str();
            let Some(expected) = expected else {
                assert_eq!(value, None, "{name} of row {row}");
                continue;
            };
            let kind = at("types").as_str().unwrap();
            match *name {
                "seq" | "amount" | "balance_after" if expected.len() <= 15 => {
                    assert_eq!((kind, exact(value.unwrap())), ("n", exact(expected)), "{name} of row {row}");
                }
                "booking_date" | "value_date" if expected.as_str() >= "1900" => {
                    assert_eq!((kind, value), ("d", Some(format!("{expected}T00:00:00").as_str())));
                }
                // Text, an amount with more digits than Excel has, and a day before Excel's first.
                _ => assert_eq!((kind, value), ("s", Some(expected.as_str())), "{name} of row {row}"),
            }
            let is_risky = expected.starts_with(['=', '+', '-', '@']) && kind == "s";
            assert_eq!(at("quoted"), is_risky, "{name} of row {row}: {expected}");
        }
    }
    assert_eq!(found["formats"][0][9], "0.00");
    assert_eq!(found["formats"][4][9], "0.000");
}

#[tokio::test]
async fn ndjson_is_the_canonical_bytes_compressed_or_not() {
    let server = Server::shared();
    let system = server.system(0).await;
    let filter = deliver_varied(server).await;
    let references = filter["reference[in]"].as_str().unwrap();
    let listed = system.get(&format!("/v1/transactions?sort=seq&reference[in]={references}")).await;
    let expected: String = proof::raw_list(&listed).iter().map(|record| format!("{record}\n")).collect();
    for (compression, media_type) in
        [("none", "application/x-ndjson"), ("gzip", "application/gzip"), ("zstd", "application/zstd")]
    {
        let order =
            json!({"of": "transactions", "format": "ndjson", "filter": filter, "compression": compression});
        let export = ready(&system, &order).await;
        let answer = system.get(&part_path(&export, 1)).await;
        assert_eq!(answer.header("content-type"), Some(media_type));
        let body = file(&system, &export).await;
        let text = match compression {
            "none" => String::from_utf8(body).unwrap(),
            _ => read_back(compression, &body)["text"].as_str().unwrap().to_owned(),
        };
        assert_eq!(text, expected, "{compression}");
    }
}

#[tokio::test]
async fn an_export_has_every_row_that_the_list_has_as_of_its_seq() {
    let server = Server::shared();
    let system = server.system(1).await;
    let deliver = async || {
        let line = data::ndjson(&[data::transaction(&data::unique("as-of"))]);
        server.feeder().await.deliver(server.institution(1), &line).await.ok();
    };
    let order = json!({"of": "transactions", "format": "ndjson"});
    let export = ready(&system, &order).await;
    let listed = system.pages("/v1/transactions?sort=seq").await;
    let lines = file(&system, &export).await;
    let text = String::from_utf8(lines.clone()).unwrap();
    let exported: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Others deliver meanwhile: the list may have come further.
    let is_same = exported.len() > 1_000 && exported == listed[..exported.len()];
    assert!(is_same, "the export and the list differ");

    deliver().await;
    let later = ready(&system, &order).await;
    assert!(later["rows"].as_str().unwrap().parse::<usize>().unwrap() > exported.len(), "{later}");
    let mut order = order;
    order["as_of"] = export["as_of"].clone();
    let again = ready(&system, &order).await;
    assert!(file(&system, &again).await == lines, "the same seq gives the same bytes");
    let beyond = json!({"of": "entries", "format": "csv", "as_of": "99999999"});
    system.post(EXPORTS, &beyond).await.problem(422, "refused");
}

#[tokio::test]
async fn entries_are_exported_as_they_are_listed() {
    let server = Server::shared();
    let system = server.system(0).await;
    let order = |format: &str| {
        json!({
            "of": "entries", "format": format, "as_of": "60", "filter": {"kind": "record"},
        })
    };
    let listed = system.get("/v1/ledger/entries?kind=record&limit=500").await;
    let listed: Vec<Value> = listed.ok()["data"].as_array().unwrap().clone();
    let seq = |entry: &Value| entry["entry"]["seq"].as_str().unwrap().parse::<u64>().unwrap();
    let listed: Vec<&Value> = listed.iter().filter(|entry| seq(entry) <= 60).collect();
    let lines = file(&system, &ready(&system, &order("ndjson")).await).await;
    let lines = String::from_utf8(lines).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, listed.iter().map(|listed| listed["entry"].clone()).collect::<Vec<_>>());
    let hash_of = proof::leaf(&serde_json::to_string(&lines[0]).unwrap());
    assert_eq!(listed[0]["leaf_hash"], hash_of);

    let csv = read_back("csv", &file(&system, &ready(&system, &order("csv")).await).await);
    let parquet = read_back("parquet", &file(&system, &ready(&system, &order("parquet")).await).await);
    let names = [
        "seq",
        "at",
        "kind",
        "actor",
        "request",
        "subject_kind",
        "subject_id",
        "commitment",
        "prev",
        "leaf_hash",
    ];
    assert_eq!((&csv["columns"], &parquet["columns"]), (&json!(names), &json!(names)));
    assert_eq!(parquet["types"][1], "timestamp[us, tz=UTC]");
    assert_eq!(parquet["duckdb_types"][1], "TIMESTAMP WITH TIME ZONE");
    for (place, listed) in listed.iter().enumerate() {
        let entry = &listed["entry"];
        let row = &csv["rows"][place];
        assert_eq!((&row[0], &row[1]), (&entry["seq"], &entry["at"]));
        assert_eq!((&row[6], &row[9]), (&entry["subject"]["id"], &listed["leaf_hash"]));
        assert_eq!(parquet["rows"][place][9], listed["leaf_hash"]);
    }
}

#[tokio::test]
async fn looks_are_exported_one_a_row_with_the_entry_that_lists_them() {
    let server = Server::shared();
    let system = server.system(0).await;
    let looked = system.get("/v1/institution").await;
    let (digest, seq) = (looked.header("content-digest").unwrap().to_owned(), looked.receipt().1);
    let request = looked.header("x-request-id").unwrap().to_owned();
    let order = |format: &str| json!({"of": "accesses", "format": format});
    let lines = file(&system, &ready(&system, &order("ndjson")).await).await;
    let lines = String::from_utf8(lines).unwrap();
    let line = lines.lines().find(|line| line.contains(&request)).unwrap();
    let look: Value = serde_json::from_str(line).unwrap();
    let expected = json!({
        "actor": system.client_id, "at": look["at"], "digest": digest, "method": "GET",
        "path": "/v1/institution", "request": request, "seq": seq.to_string(), "status": 200,
    });
    assert_eq!(look, expected);
    assert_eq!(line, proof::canonical(&expected));
    for format in ["csv", "parquet", "xlsx"] {
        let found = read_back(format, &file(&system, &ready(&system, &order(format)).await).await);
        let names = ["seq", "at", "actor", "method", "path", "status", "digest", "request"];
        assert_eq!(found["columns"], json!(names));
        let rows = rows(&found);
        let row = rows.iter().find(|row| row[7].as_deref() == Some(&request)).unwrap();
        assert_eq!(row[0].as_deref(), Some(seq.to_string().as_str()), "{format}");
        assert_eq!((row[5].as_deref(), row[6].as_deref()), (Some("200"), Some(digest.as_str())), "{format}");
    }
}

#[tokio::test]
async fn pieces_of_a_part_are_those_of_the_whole() {
    let server = Server::shared();
    let system = server.system(0).await;
    let order = json!({"of": "entries", "format": "csv", "as_of": "50"});
    let export = ready(&system, &order).await;
    let whole = file(&system, &export).await;
    let ask = async |range: &str, of: Option<&str>| -> Answer {
        let mut request = system.request(Method::GET, &part_path(&export, 1)).header("range", range);
        if let Some(of) = of {
            request = request.header("if-range", of);
        }
        system.send(request).await
    };
    let piece = ask("bytes=100-199", None).await;
    assert_eq!((piece.status.as_u16(), &piece.body[..]), (206, &whole[100..200]));
    assert_eq!(piece.header("content-range"), Some(format!("bytes 100-199/{}", whole.len()).as_str()));
    assert_eq!(piece.header("content-digest"), Some(proof::content_digest(&whole[100..200]).as_str()));
    assert_eq!(piece.header("accept-ranges"), Some("bytes"));
    let name = format!("attachment; filename=\"{}-1.csv\"", export["id"].as_str().unwrap());
    assert_eq!(piece.header("content-disposition"), Some(name.as_str()));
    let etag = piece.header("etag").unwrap().to_owned();
    assert_eq!(ask("bytes=-7", Some(&etag)).await.body, whole[whole.len() - 7..]);
    let of_another = ask("bytes=-7", Some("\"another\"")).await;
    assert_eq!((of_another.status.as_u16(), of_another.body == whole), (200, true));
    ask(&format!("bytes={}-", whole.len()), None).await.problem(416, "range_not_satisfiable");
    system.get(&part_path(&export, 2)).await.problem(404, "not_found");
    system.get(&part_path(&export, 0)).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_export_of_nothing_has_one_part_without_rows() {
    let server = Server::shared();
    let system = server.system(0).await;
    for (format, readable) in [("csv", true), ("ndjson", false), ("parquet", true), ("xlsx", true)] {
        let order = json!({"of": "transactions", "format": format, "filter": {"reference": "nobody's"}});
        let export = ready(&system, &order).await;
        assert_eq!(export["rows"], "0");
        let file = file(&system, &export).await;
        match readable {
            true => assert_eq!(read_back(format, &file)["rows"], json!([]), "{format}"),
            false => assert!(file.is_empty()),
        }
    }
}

#[tokio::test]
async fn an_order_is_on_the_ledger_and_a_repeated_one_is_the_first() {
    let server = Server::shared();
    let system = server.system(0).await;
    let order = json!({
        "of": "transactions", "format": "csv", "compression": "zstd", "as_of": "9",
        "filter": {"status[in]": "booked,pending", "booking_date[gte]": "2026-01-01"},
    });
    let key = data::unique("export");
    let send = async |order: &Value| {
        system.send(system.request(Method::POST, EXPORTS).json(order).header("idempotency-key", &key)).await
    };
    let (first, again) = (send(&order).await, send(&order).await);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.receipt(), first.receipt());
    let seq = first.receipt().1;
    let id = first.ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(again.ok()["id"], *id);
    let entry = system.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
    let mut expected = order.clone();
    expected["id"] = json!(id);
    expected["type"] = json!("export");
    assert_eq!(entry["payload"], expected);
    let found = system.get(&format!("/v1/ledger/entries?subject={id}")).await.ok();
    assert_eq!(found["data"][0]["entry"]["seq"], seq.to_string());
    send(&json!({"of": "entries", "format": "csv"})).await.problem(422, "idempotency_key_reused");
    let known = Ledger::of(server).naming(server.institution(0), &id).await;
    assert_eq!(known.iter().filter(|entry| entry.kind == "export").count(), 1);
    let listed = system.get("/v1/exports?limit=500").await.ok();
    let listed = listed["data"].as_array().unwrap();
    let seqs: Vec<&str> = listed.iter().map(|export| export["created_at"].as_str().unwrap()).collect();
    assert!(seqs.is_sorted_by(|newer, older| newer >= older), "newest first");
    assert_eq!(listed.iter().filter(|export| export["id"] == *id).count(), 1);
}

#[tokio::test]
async fn an_export_takes_the_scope_of_its_data_too() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (of_rows, of_entries) = (
        ready(&system, &json!({"of": "transactions", "format": "csv", "as_of": "9"})).await,
        ready(&system, &json!({"of": "accesses", "format": "csv", "as_of": "9"})).await,
    );
    let (id, other) = (of_rows["id"].as_str().unwrap(), of_entries["id"].as_str().unwrap());
    let ledger_only = server.system_with(0, "exports:read ledger:read").await;
    let order = json!({"of": "transactions", "format": "csv"});
    ledger_only.post(EXPORTS, &order).await.problem(403, "insufficient_scope");
    ledger_only.get(&format!("{EXPORTS}/{id}")).await.problem(403, "insufficient_scope");
    let refused = ledger_only.get(&part_path(&of_rows, 1)).await;
    let request = refused.header("x-request-id").unwrap().to_owned();
    refused.problem(403, "insufficient_scope");
    let found = Ledger::of(server).naming(server.institution(0), &request).await;
    assert_eq!(Ledger::denial(&found, &request)["code"], "insufficient_scope");
    ledger_only.get(&format!("{EXPORTS}/{other}")).await.ok();
    let listed = ledger_only.get("/v1/exports?limit=500").await.ok();
    assert!(listed["data"].as_array().unwrap().iter().all(|export| export["of"] != "transactions"));
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_with_its_place() {
    let system = Server::shared().system(0).await;
    let order = |more: Value| {
        let mut order = json!({"of": "transactions", "format": "csv"});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    for (wanted, pointer, hint) in [
        (order(json!({"filter": {"acount_id": "x"}})), "/filter", "account_id"),
        (order(json!({"filter": {"booking_date": "soon"}})), "/filter", "booking_date"),
        (order(json!({"filter": {"amount[gte]": "1.00"}})), "/filter", "currency"),
        (order(json!({"filter": {"limit": "5"}})), "/filter/limit", "no filter"),
        (order(json!({"of": "accesses", "filter": {"kind": "record"}})), "/filter", "kind"),
        (order(json!({"of": "entries", "filter": {"kind": "nothing"}})), "/filter", "one of"),
        (order(json!({"format": "parquet", "compression": "gzip"})), "/compression", "by itself"),
        (order(json!({"as_of": "-1"})), "/as_of", "0 to"),
    ] {
        let problem = system.post(EXPORTS, &wanted).await.problem(422, "refused");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{wanted}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{wanted}: {problem}");
    }
    for malformed in [json!({"of": "people", "format": "csv"}), json!({"format": "csv"}), json!([])] {
        system.post(EXPORTS, &malformed).await.problem(400, "malformed_body");
    }
}
