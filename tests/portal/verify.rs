//! `/verify` as a page of the portal: whoever is signed in finds the way on, anybody gets the page, and the file that
//! is saved leads nowhere.

use reqwest::Method;

use crate::support::{Person, Server};

/// The policy under which a page came, and the page.
async fn opened(person: &Person) -> (String, String, String) {
    let answer = person.open("/verify").await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (policy, kept) = (header("content-security-policy"), header("cache-control"));
    (answer.text().await.unwrap(), policy, kept)
}

#[tokio::test]
async fn whoever_is_signed_in_finds_the_way_to_their_other_pages() {
    let server = Server::shared();
    let (page, policy, kept) = opened(&server.person("compliance-officer").await).await;
    for there in ["href=\"/verify\" aria-current=\"page\"", "href=\"/audit\"", "href=\"/grants\"", "Sign out"]
    {
        assert!(page.contains(there), "{there} is not in {page}");
    }
    assert!(page.contains("Verify a bundle") && !page.contains("Sign in"));
    assert_eq!(kept, "private, no-store", "whose page it is stays with them");
    let (engineers, ..) = opened(&server.person("integration-engineer").await).await;
    assert!(engineers.contains("href=\"/developers\"") && !engineers.contains("href=\"/audit\""));
    let (_, nobodys, _) = opened(&Person::nobody(server)).await;
    assert_eq!(policy, nobodys, "it may send nothing anywhere, whoever looks at it");
    assert!(policy.contains("connect-src 'none'") && policy.contains("trusted-types veritrail-worker"));
}

#[tokio::test]
async fn somebody_who_is_not_signed_in_gets_it_too_and_may_sign_in() {
    let server = Server::shared();
    let mut nobody = Person::nobody(server);
    let (page, _, kept) = opened(&nobody).await;
    for there in ["href=\"/\"", "href=\"/sign-in?next=/verify\"", "href=\"/docs\"", "Verify a bundle"] {
        assert!(page.contains(there), "{there} is not in {page}");
    }
    assert!(!page.contains("Sign out") && !page.contains("href=\"/audit\""));
    assert_eq!(kept, "public, max-age=60");
    nobody.cookies.insert("__Host-session".to_owned(), "nonsense".to_owned());
    let (stale, ..) = opened(&nobody).await;
    assert_eq!(stale, page, "a session that is over is none");
}

#[tokio::test]
async fn the_saved_file_has_no_link_and_is_sent_in_less_than_150_kb() {
    let answer = Server::shared().stranger().get("/verify/offline").await;
    let file = answer.text();
    assert!(file.contains("Verify a bundle") && file.contains("--paper:"), "it has its style within");
    for nowhere in ["href=\"/", "<a ", "rel=\"stylesheet\""] {
        let (body, _) = file.split_once("<script>").unwrap();
        let (_, body) = body.split_once("</style>").unwrap();
        assert!(!body.replace("<a class=\"skip\"", "").contains(nowhere), "{nowhere}");
    }
    let packed = Server::shared().stranger();
    let packed = packed.request(Method::GET, "/verify/offline").header("accept-encoding", "gzip");
    let sent = Server::shared().stranger().send(packed).await;
    assert_eq!(sent.header("content-encoding"), Some("gzip"));
    assert!(sent.body.len() < 150_000, "{} bytes", sent.body.len());
}
