//! That the browser's checks find what they are to find.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use crate::support::browser::{Browser, NARROW, log::Request};

/// Serves one page, under a policy, for as long as the tests run.
fn serve(policy: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let page = format!(
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><link rel=\"icon\" href=\"data:,\">\
                 <title>A page</title><main><h1>A page</h1>{body}</main>"
            );
            let length = page.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: {policy}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            );
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn what_a_policy_forbids_is_complained_of() {
    let url = serve("default-src 'none'; img-src data:", "<script>document.title = 'ran'</script>");
    let browser = Browser::open().await;
    browser.go(&url).await;
    assert_eq!(browser.title().await, "A page");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
    browser.close().await;
}

#[tokio::test]
async fn what_people_cannot_use_is_found_even_under_a_strict_policy() {
    let url = serve(
        "default-src 'none'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'",
        "<input><table width=\"600\"><tr><td>wide</table>",
    );
    let browser = Browser::open().await;
    browser.go(&url).await;
    let found = browser.axe().await;
    assert!(found.iter().any(|line| line.starts_with("label: input")), "{found:?}");
    assert!(browser.fits().await);
    browser.resize(NARROW).await;
    assert!(!browser.fits().await);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_page_is_used_with_the_keyboard_and_seen() {
    let url = serve(
        "default-src 'none'; img-src data:",
        "<a href=\"/elsewhere\">on</a> <a href=\"/other\">to another</a>",
    );
    let browser = Browser::open().await;
    browser.go(&url).await;
    assert_eq!(browser.count("main a").await, 2);
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("page.png");
    browser.screenshot(&picture).await;
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    browser.press("\u{e004}\u{e004}\u{e007}").await;
    browser.wait_for_path("/other").await;
    browser.close().await;
}

#[tokio::test]
async fn colours_scripts_and_requests_are_as_a_test_asks() {
    let url = serve(
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; img-src data:",
        "<p>without</p><script>document.querySelector('p').textContent = \
         matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';\
         fetch('/told', {method: 'POST', body: 'a secret'});</script>",
    );
    let browser = Browser::open().await;
    browser.dark(true).await;
    browser.go(&url).await;
    assert_eq!(browser.text("p").await, "dark");
    browser.wait_for("p", |text| text == "dark").await;
    let posted = Request { method: "POST".to_owned(), url: format!("{url}told"), body: true };
    let requests = browser.requests().await;
    assert!(requests.contains(&posted), "{requests:?}");
    browser.dark(false).await;
    browser.go(&url).await;
    assert_eq!(browser.text("p").await, "light");
    browser.scripts(false).await;
    browser.go(&url).await;
    assert_eq!(browser.text("p").await, "without");
    browser.close().await;
}
