//! How pages and their files are sent: in gzip to those who take it, quickly, and kept by browsers where they may be.

use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person, Server};

/// What a page may take in a debug build, beside all other tests: it is to take 30 ms in a release, which the
/// bench holds.
const PAGE_TIME: Duration = Duration::from_millis(200);
/// A client that gets the first part of an answer confirms it so late, if nothing else comes.
const CONFIRMED_AFTER: Duration = Duration::from_millis(35);

async fn asked(person: &mut Person, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = person.request(Method::GET, path).header("accept", "text/html");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    person.send(request).await
}

async fn packed(person: &mut Person, path: &str) -> Answer {
    let answer = asked(person, path, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(answer.status, 200, "{path}");
    answer
}

fn unpacked(answer: &Answer) -> String {
    let mut text = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    text
}

/// The files that a page names.
fn files(page: &str) -> Vec<String> {
    let named =
        page.split(['"', '\'']).filter(|text| text.starts_with("/assets/") || text.starts_with("/verify/"));
    named.filter(|text| text.contains('.')).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_page_comes_in_gzip_to_those_who_take_it() {
    let mut officer = Server::shared().person("compliance-officer").await;
    let plain = asked(&mut officer, "/keys", &[]).await;
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.header("vary").unwrap().contains("Accept-Encoding"));
    for accepts in ["gzip", "gzip, deflate, br, zstd", "br;q=1, gzip;q=0.2, identity;q=0.1"] {
        let answer = asked(&mut officer, "/keys", &[("accept-encoding", accepts)]).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{accepts}");
        assert!(answer.header("vary").unwrap().contains("Accept-Encoding"));
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert!(answer.body.len() * 2 < plain.body.len(), "{}", answer.body.len());
        assert_eq!(unpacked(&answer), plain.text());
    }
    for accepts in ["identity", "br", "gzip;q=0", "*;q=0.5, gzip;q=0", "gzip;q=0.1, identity"] {
        let answer = asked(&mut officer, "/keys", &[("accept-encoding", accepts)]).await;
        assert_eq!(answer.header("content-encoding"), None, "{accepts}");
        assert_eq!(answer.text(), plain.text());
    }
}

#[tokio::test]
async fn a_long_page_comes_whole_and_so_does_one_that_tells_of_trouble() {
    let mut officer = Server::shared().person("compliance-officer").await;
    let answer = packed(&mut officer, "/transactions?limit=500").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let page = unpacked(&answer);
    assert!(page.len() > 150_000 && answer.body.len() < 75_000, "{} of {}", answer.body.len(), page.len());
    assert_eq!(page.matches("data-drawer").count(), 500);
    assert!(page.ends_with("</html>"));
    let answer = asked(&mut officer, "/transactions/none", &[("accept-encoding", "gzip")]).await;
    assert!(answer.status.is_client_error());
    assert!(unpacked(&answer).contains("</html>"));
}

#[tokio::test]
async fn the_rows_of_a_page_are_chosen_in_its_address_and_stay_when_it_is_filtered() {
    let officer = Server::shared().person("compliance-officer").await;
    let page = officer.page("/transactions").await;
    assert!(page.contains("href=\"/transactions?limit=500\""), "{page}");
    let page = officer.page("/transactions?limit=50&direction=debit").await;
    assert_eq!(page.matches("data-drawer").count(), 50);
    assert!(page.contains("href=\"/transactions?direction=debit&amp;limit=500\""), "{page}");
    assert!(page.contains("<input type=\"hidden\" name=\"limit\" value=\"50\">"), "{page}");
}

#[tokio::test]
async fn what_may_show_a_secret_is_not_packed() {
    let server = Server::shared();
    let mut officer = server.person("compliance-officer").await;
    let form = [("email", "nobody"), ("purpose", "a purpose that is sent back")];
    let request = officer.request(Method::POST, "/grants/new").header("origin", server.base_url());
    let request = request.header("accept", "text/html").header("accept-encoding", "gzip").form(&form);
    let answer = officer.send(request).await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{}", answer.status);
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.body.len() > 1024 && answer.text().contains("a purpose that is sent back"));
    let token = "0".repeat(1024);
    let answer = packed(&mut officer, &format!("/set-password?token={token}")).await;
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.text().contains(&token));
}

#[tokio::test]
async fn files_under_their_hash_are_kept_and_others_are_asked_for_again() {
    let server = Server::shared();
    let mut officer = server.person("compliance-officer").await;
    let mut seen = 0;
    for page in ["/keys", "/verify"] {
        let page = officer.page(page).await;
        for file in files(&page) {
            let plain = asked(&mut officer, &file, &[]).await;
            let answer = packed(&mut officer, &file).await;
            assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{file}");
            assert_eq!(answer.header("content-encoding").is_some(), plain.body.len() >= 1024, "{file}");
            if answer.header("content-encoding").is_some() {
                assert_eq!(unpacked(&answer), plain.text(), "{file}");
            }
            let (folder, name) = file.rsplit_once('/').unwrap();
            let other = format!("{}/0000000000000000/{name}", folder.rsplit_once('/').unwrap().0);
            let answer = asked(&mut officer, &other, &[]).await;
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "{other}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
    let mut nobody = Person::nobody(server);
    for path in ["/verify", "/verify/offline", "/docs", "/docs/reference.js"] {
        let answer = packed(&mut nobody, path).await;
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"), "{path}");
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{path}");
        let tag = answer.header("etag").unwrap();
        let again = asked(&mut nobody, path, &[("if-none-match", tag)]).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        let again = asked(&mut nobody, path, &[("if-none-match", "\"another\"")]).await;
        assert_eq!(again.status, 200, "{path}");
    }
}

#[tokio::test]
async fn pages_are_made_in_no_time() {
    let server = Server::shared();
    let officers = ["/", "/transactions", "/reports", "/lineage", "/audit", "/evidence", "/grants"];
    let all: [(&str, &[&str]); 4] = [
        ("compliance-officer", &officers),
        ("integration-engineer", &["/", "/developers", "/developers/clients"]),
        ("regulator", &["/reg"]),
        ("operator", &["/"]),
    ];
    for (role, paths) in all {
        let mut person = server.person(role).await;
        for path in paths {
            let mut quickest = Duration::MAX;
            for _ in 0..9 {
                let began = Instant::now();
                packed(&mut person, path).await;
                quickest = quickest.min(began.elapsed());
            }
            println!("{role} {path}: {quickest:?}");
            assert!(quickest < PAGE_TIME, "{role} {path}: {quickest:?}");
        }
    }
}

#[tokio::test]
async fn no_part_of_an_answer_waits_until_the_one_before_it_is_confirmed() {
    let mut nobody = Person::nobody(Server::shared());
    let page = nobody.get("/sign-in").await;
    let style = files(page.text()).into_iter().find(|file| file.ends_with("portal.css")).unwrap();
    let mut took = Vec::new();
    for _ in 0..30 {
        let began = Instant::now();
        // In several parts, on the connection of before.
        let answer = nobody.get(&style).await;
        took.push(began.elapsed());
        assert!(answer.body.len() > 8 * 1024, "{}", answer.body.len());
    }
    took.sort();
    assert!(took[15] < CONFIRMED_AFTER, "{took:?}");
}

/// Layers of jobs, each of which makes a dataset of four from the layer before; and one that makes `end` of the last.
fn layers(deep: usize, wide: usize) -> Vec<Value> {
    let dataset =
        |layer: usize, at: usize| json!({"namespace": "weight", "name": format!("settled.{layer}.{at}")});
    let event = |job: String, inputs: Vec<Value>, output: Value| {
        json!({
            "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "run": {"runId": format!("run-of-{job}")},
            "job": {"namespace": "weight", "name": job}, "inputs": inputs, "outputs": [output],
        })
    };
    let mut events = Vec::new();
    for layer in 0..deep {
        for at in 0..wide {
            let before = (0..4).map(|by| (at + by) % wide);
            let inputs =
                layer.checked_sub(1).map_or(Vec::new(), |last| before.map(|at| dataset(last, at)).collect());
            events.push(event(format!("settle.{layer}.{at}"), inputs, dataset(layer, at)));
        }
    }
    let last = (0..wide).map(|at| dataset(deep - 1, at)).collect();
    events.push(event("end".to_owned(), last, json!({"namespace": "weight", "name": "end"})));
    events
}

#[tokio::test]
async fn a_graph_of_almost_three_hundred_nodes_is_drawn_on_a_page_that_is_not_heavy() {
    let server = Server::demo(&[]);
    let events = layers(10, 14);
    let told = server.system(0).await.post("/api/v1/lineage/batch", &json!(events)).await.ok();
    assert_eq!(told["added"], events.len(), "{told}");
    let mut officer = server.person("compliance-officer").await;
    let answer =
        packed(&mut officer, "/lineage?node=dataset%3Aweight%3Aend&direction=upstream&depth=100").await;
    let page = unpacked(&answer);
    assert!(page.contains("<svg class=\"lineage\"") && page.matches("class=\"flow").count() > 600);
    println!("{} bytes of {}", answer.body.len(), page.len());
    assert!(answer.body.len() < 120_000, "{} of {}", answer.body.len(), page.len());
}
