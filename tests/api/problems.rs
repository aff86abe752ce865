//! What is wrong with a request is told in one form, whatever it is; and nothing breaks the service.

use reqwest::Method;

use crate::support::{Answer, Caller, Server, data, document};

#[track_caller]
fn assert_safe(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}");
    }
    assert!(answer.header("cache-control").is_some(), "{what}");
    assert!(answer.header("x-request-id").is_some(), "{what}");
    assert_eq!(answer.header("server"), None, "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), None, "{what}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::shared();
    let caller = server.system(0).await;
    for path in
        ["/v1", "/v2/transactions", "/v1/transactions/", "/v1//transactions", "/V1/transactions", "/.env"]
    {
        let answer = caller.get(path).await;
        assert_safe(&answer, path);
        let problem = answer.problem(404, "not_found");
        assert_eq!(problem["instance"], path);
        assert_eq!(problem["type"], "urn:veritrail:problem:not_found");
        assert!(problem["title"].is_string() && problem["detail"].is_string());
    }
}

#[tokio::test]
async fn another_method_is_refused_and_the_right_ones_named() {
    let server = Server::shared();
    let caller = server.system(0).await;
    for (method, path, allowed) in [
        (Method::POST, "/v1/transactions", "GET"),
        (Method::DELETE, "/v1/ledger/entries/0", "GET"),
        (Method::GET, "/v1/transactions:batch", "POST"),
        (Method::PUT, "/v1/evidence-bundles", "GET, POST"),
        (Method::GET, "/oauth2/token", "POST"),
        (Method::PATCH, "/health/live", "GET"),
        (Method::OPTIONS, "/v1/transactions", "GET"),
        (Method::TRACE, "/v1/transactions", "GET"),
        (Method::from_bytes(b"BREW").unwrap(), "/v1/transactions", "GET"),
    ] {
        let answer = caller.send(caller.request(method.clone(), path)).await;
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        assert_safe(&answer, path);
        answer.problem(405, "method_not_allowed");
    }
    let head = caller.send(caller.request(Method::HEAD, "/v1/transactions")).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (405, 0));
    assert_safe(&head, "HEAD");
    let operator = server.operator().await;
    let answer = operator.send(operator.request(Method::DELETE, "/admin/v1/institutions")).await;
    let allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
    assert_eq!(allowed, ["GET", "POST"]);
    answer.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn too_long_a_uri_is_refused() {
    let caller = Server::shared().system(0).await;
    let answer = caller.get(&format!("/v1/transactions?reference={}", "x".repeat(9000))).await;
    assert_safe(&answer, "a long URI");
    answer.problem(414, "uri_too_long");
    let answer = caller.get(&format!("/v1/transactions?reference={}", "x".repeat(8000))).await;
    // It was read: what is too long now is the reference.
    answer.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_well_formed_request_id_is_kept_and_another_replaced() {
    let caller = Server::shared().system(0).await;
    let answered = async |id: &str| {
        let request = caller.request(Method::GET, "/v1/nowhere").header("x-request-id", id);
        let answer = caller.send(request).await;
        let told = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(answer.problem(404, "not_found")["request_id"], told);
        told
    };
    let own = data::unique("My-Own_id.1");
    assert_eq!(answered(&own).await, own);
    for bad in ["", "with space", "a\tb", "<script>", "\"", &"x".repeat(65), "ä"] {
        let told = answered(bad).await;
        assert!(told.starts_with("req_") && told.len() == 36, "{bad:?}: {told}");
    }
    assert_ne!(answered("").await, answered("").await);
}

#[tokio::test]
async fn every_kind_of_answer_has_the_security_headers() {
    let server = Server::shared();
    let system = server.system(0).await;
    for path in ["/v1/transactions?limit=1", "/health/live", "/openapi.json", "/.well-known/jwks.json"] {
        let answer = system.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_safe(&answer, path);
    }
    let stranger = server.stranger();
    assert_safe(&stranger.get("/v1/transactions").await, "401");
    assert_safe(&server.feeder().await.get("/v1/transactions").await, "403");
    let foreign =
        system.request(Method::GET, "/v1/transactions?limit=1").header("origin", "https://evil.example");
    assert_safe(&system.send(foreign).await, "another origin");
}

/// A stream of numbers that is the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const PIECES: &[&str] = &[
    "%00",
    "%ff",
    "%c3%28",
    "%2e%2e%2f",
    "../",
    "//",
    "%",
    "%zz",
    "'",
    "\"",
    "--",
    ";",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "*",
    "%0d%0a",
    "%F0%9F%92%A9",
    "0",
    "-1",
    "9223372036854775807",
    "99999999999999999999",
    "1e999",
    "NaN",
    "null",
    "ins_",
    "txn_0190163d8694739bba1a9fbee4e5c1b2",
    "2026-02-30",
    "a",
    "",
    "+",
    " ",
    "&",
    "=",
    "?",
    "#",
    ":",
    "x",
];
const NAMES: &[&str] = &[
    "limit",
    "cursor",
    "sort",
    "fields",
    "proof",
    "institution",
    "account_id",
    "booking_date[gte]",
    "amount",
    "currency",
    "status[in]",
    "reference",
    "kind",
    "subject",
    "at[lt]",
    "seq",
    "size",
    "from",
    "to",
    "on_error",
    "",
];
const BODIES: &[&str] = &[
    "",
    "{",
    "{}",
    "[]",
    "null",
    "\u{0}",
    "{\"account\":",
    "\u{feff}{}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "\n\n\n",
    "{\"from_seq\":\"99999999999999999999\"}",
    "{\"from_seq\":null,\"to_seq\":\"1\"}",
    "grant_type=%00&scope=%ff",
    "{\"amount\":{\"amount\":\"1e999\",\"currency\":\"\\ud800\"}}",
    "token=x&client_assertion=a.b.c",
];
const TYPES: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "text/html",
    "",
    "\u{e9}",
];

#[tokio::test]
async fn no_request_however_garbled_breaks_the_service() {
    let server = Server::shared();
    let callers = [server.system(0).await, server.feeder().await, server.stranger()];
    let operations: Vec<_> = document::operations(server).await.into_iter().filter(|op| !op.admin).collect();
    let mut numbers = Numbers(0x5eed_0fba_5e00);
    let mut refused = 0;
    for round in 0..300 {
        let operation = &operations[numbers.below(operations.len())];
        let mut target = operation.target(|_| String::new());
        for _ in 0..numbers.below(3) {
            let places: Vec<usize> =
                (1..=target.len()).filter(|place| target.is_char_boundary(*place)).collect();
            target.insert_str(places[numbers.below(places.len())], numbers.one_of(PIECES));
        }
        for _ in 0..numbers.below(4) {
            let joint = if target.contains('?') { "&" } else { "?" };
            let (name, value) = (numbers.one_of(NAMES), numbers.one_of(PIECES));
            target += &format!("{joint}{name}={value}");
        }
        let method =
            [&operation.method, &operation.method, &Method::POST, &Method::DELETE][numbers.below(4)].clone();
        let caller: &Caller = &callers[numbers.below(callers.len())];
        let (kind, body) = (numbers.one_of(TYPES), numbers.one_of(BODIES));
        let request = caller.request(method.clone(), &target).header("content-type", kind).body(body);
        let answer = caller.send(request).await;
        let (status, text) = (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned());
        assert!(status < 500, "round {round}: {method} {target} {body:?}: {status} {text}");
        if status >= 400 {
            refused += 1;
            let code =
                answer.json()["code"].as_str().unwrap_or_else(|| panic!("{target}: {text}")).to_owned();
            answer.problem(status, &code);
        }
    }
    assert!(refused > 200, "only {refused} of the requests were garbled enough");
}
