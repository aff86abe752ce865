//! Uploads in parts, in the manner of tus 1.0.0.

use reqwest::{Method, RequestBuilder};

use crate::{
    hardening::raw::Raw,
    support::{Answer, Server, bank::Bank, data},
};

struct Upload<'a> {
    bank: &'a Bank,
    path: String,
    id: String,
}

impl<'a> Upload<'a> {
    async fn begin(bank: &'a Bank, length: usize) -> Self {
        let path = bank.path("/v1/intakes?format=ndjson");
        let request = bank.feeder.request(Method::POST, &path).header("upload-length", length);
        let answer = bank.feeder.send(request).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let path = answer.header("location").unwrap().to_owned();
        let begun = answer.ok();
        assert_eq!(begun["state"], "uploading");
        Self { bank, path, id: begun["id"].as_str().unwrap().to_owned() }
    }

    fn part(&self, offset: usize, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.bank.feeder.request(Method::PATCH, &self.path).header("upload-offset", offset);
        request.header("content-type", "application/offset+octet-stream").body(body)
    }

    async fn send(&self, offset: usize, body: impl Into<reqwest::Body>) -> Answer {
        self.bank.feeder.send(self.part(offset, body)).await
    }

    async fn offset(&self) -> usize {
        let answer = self.bank.feeder.send(self.bank.feeder.request(Method::HEAD, &self.path)).await;
        assert_eq!(answer.status, 200);
        answer.header("upload-offset").unwrap().parse().unwrap()
    }
}

/// Sends a part of a body and lets go of the connection.
async fn break_off(server: &Server, method: &str, path: &str, bank: &Bank, head: &str, part: &[u8]) {
    let mut raw = Raw::to(server.address()).await;
    let token = bank.feeder.token.as_ref().unwrap();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{head}\r\n\r\n");
    raw.say(head).await;
    raw.say(part).await;
}

#[tokio::test]
async fn a_file_that_comes_in_parts_is_stored_like_one_that_comes_whole() {
    let bank = Bank::new(Server::shared()).await;
    let lines: Vec<_> = (0..50).map(|number| data::transaction(&format!("n-{number}"))).collect();
    let body = data::ndjson(&lines);
    let upload = Upload::begin(&bank, body.len()).await;
    assert_eq!(upload.offset().await, 0);
    let answer = upload.send(0, body[..1_000].to_owned()).await;
    assert_eq!((answer.status.as_u16(), answer.header("upload-offset")), (204, Some("1000")));
    assert_eq!(upload.offset().await, 1_000);
    for wrong in [0, 999, 1_001] {
        upload.send(wrong, body[wrong..].to_owned()).await.problem(409, "conflict");
    }
    upload.send(1_000, format!("{}{{}}", &body[1_000..])).await.problem(409, "conflict");
    let here = upload.offset().await;
    let answer = upload.send(here, body[here..].to_owned()).await;
    assert_eq!(answer.status, 204);
    let intake = bank.until_finished(&upload.id).await;
    assert_eq!((&intake["state"], &intake["counts"]["added"]), (&"stored".into(), &50.into()), "{intake}");
    assert_eq!(upload.offset().await, body.len());
    upload.send(body.len(), "").await.problem(409, "conflict");
}

#[tokio::test]
async fn a_part_that_breaks_off_is_gone_on_with() {
    let server = Server::shared();
    let bank = Bank::new(server).await;
    let body = data::ndjson(&[data::transaction("broken-off"), data::transaction("whole")]);
    let upload = Upload::begin(&bank, body.len()).await;
    let head = format!(
        "content-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: {}",
        body.len()
    );
    break_off(server, "PATCH", &upload.path, &bank, &head, &body.as_bytes()[..100]).await;
    let mut here = upload.offset().await;
    for _ in 0..400 {
        if here == 100 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        here = upload.offset().await;
    }
    assert_eq!(here, 100);
    let mut answer = upload.send(here, body[here..].to_owned()).await;
    while answer.status == 409 {
        // The service has not seen yet that the first connection is gone.
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        answer = upload.send(here, body[here..].to_owned()).await;
    }
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(bank.until_finished(&upload.id).await["counts"]["added"], 2);
}

#[tokio::test]
async fn a_whole_upload_that_breaks_off_leaves_nothing() {
    let server = Server::demo(&[]);
    let bank = Bank::new(&server).await;
    let path = bank.path("/v1/intakes?format=ndjson");
    let head = "content-type: application/x-ndjson\r\ncontent-length: 200000";
    break_off(&server, "POST", &path, &bank, head, &vec![b'x'; 100_000]).await;
    let folder = server.data_dir().join("intakes").join(&bank.id);
    let mut left = usize::MAX;
    for _ in 0..400 {
        left = std::fs::read_dir(&folder).map_or(0, Iterator::count);
        if left == 0 && folder.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(left, 0);
    assert_eq!(bank.transactions().await.len(), 0);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_begun() {
    let bank = Bank::new(Server::shared()).await;
    let begin = |length: &str| {
        let path = bank.path("/v1/intakes?format=camt");
        bank.feeder.send(bank.feeder.request(Method::POST, &path).header("upload-length", length))
    };
    begin(&((1_u64 << 30) + 1).to_string()).await.problem(413, "body_too_large");
    for wrong in ["-1", "x", "1e3", "99999999999999999999"] {
        begin(wrong).await.problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn a_file_that_is_refused_for_its_key_leaves_nothing() {
    let server = Server::demo(&[]);
    let bank = Bank::new(&server).await;
    let request = bank.feeder.request(Method::POST, &bank.path("/v1/intakes?format=ndjson"));
    let request =
        request.header("content-type", "application/x-ndjson").header("idempotency-key", "two words");
    let body = data::ndjson(&[data::transaction("a")]);
    bank.feeder.send(request.body(body)).await.problem(400, "invalid_parameter");
    let folder = server.data_dir().join("intakes").join(&bank.id);
    assert_eq!(std::fs::read_dir(&folder).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn an_institution_has_so_many_uploads_and_bytes_on_their_way() {
    let limits =
        [("VERITRAIL_INTAKE__UPLOADS_MAX", "2"), ("VERITRAIL_INTAKE__UNFINISHED_BYTES_MAX", "100000")];
    let server = Server::demo_with(&[], &limits);
    let (bank, other) = (Bank::new(&server).await, Bank::new(&server).await);
    let begin = |length: usize| {
        let request = bank.feeder.request(Method::POST, &bank.path("/v1/intakes?format=ndjson"));
        bank.feeder.send(request.header("upload-length", length))
    };
    let body = data::ndjson(&[data::transaction("a")]);
    let upload = Upload::begin(&bank, body.len()).await;
    begin(100_000).await.problem(409, "conflict");
    Upload::begin(&bank, 90_000).await;
    begin(1).await.problem(409, "conflict");
    Upload::begin(&other, 1_000).await;
    // A file that comes whole is not an upload that is not whole, but has bytes.
    let whole = vec![b' '; 20_000];
    bank.send("format=ndjson", "application/x-ndjson", whole.clone()).await.problem(409, "conflict");
    bank.take("format=ndjson", "application/x-ndjson", body.clone()).await;
    // What is whole makes room.
    upload.send(0, body).await;
    bank.until_finished(&upload.id).await;
    Upload::begin(&bank, 1_000).await;
    // A call that comes again is answered as the first one, whatever is on its way since.
    let again = |body: &str| {
        let request = other.feeder.request(Method::POST, &other.path("/v1/intakes?format=ndjson"));
        let request =
            request.header("content-type", "application/x-ndjson").header("idempotency-key", "once");
        other.feeder.send(request.body(body.to_owned()))
    };
    let body = data::ndjson(&[data::transaction("b")]);
    let first = again(&body).await.ok();
    other.until_finished(first["id"].as_str().unwrap()).await;
    Upload::begin(&other, 99_000).await;
    assert_eq!(again(&body).await.ok()["id"], first["id"]);
    other.send("format=ndjson", "application/x-ndjson", body).await.problem(409, "conflict");
    let folder = server.data_dir().join("intakes").join(&bank.id);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing stays of what is refused");
}

#[tokio::test]
async fn records_that_are_refused_count_as_records_of_a_file() {
    let server = Server::demo_with(&[], &[("VERITRAIL_INTAKE__RECORDS_MAX", "3")]);
    let bank = Bank::new(&server).await;
    let lines: Vec<_> = (0..4)
        .map(|number| {
            data::revised(&data::transaction(&format!("n-{number}")), "correction", "none is there")
        })
        .collect();
    let intake = bank.take("format=ndjson&on_error=skip", "application/x-ndjson", data::ndjson(&lines)).await;
    let findings = bank.findings(&intake).await;
    assert_eq!(findings.last().unwrap()["code"], "too_many_records", "{findings:?}");
}
