//! `/verify`: the page gives the verdicts of the tool, and sends nothing anywhere.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{Server, browser::Browser, server::binary};

/// The bundles that the format is held to, and the key of their log.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../audit/testdata").canonicalize().unwrap()
}

pub fn testdata_key() -> String {
    std::fs::read_to_string(testdata().join("vkey")).unwrap()
}

/// What the tool says of a bundle.
fn tool(bundle: &Path, key: &str) -> Value {
    let mut command = Command::new(binary("veritrail-verify"));
    command.arg(bundle).arg("--json");
    if !key.is_empty() {
        command.args(["--vkey", key.trim()]);
    }
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Chooses a file, and waits for what is said of it.
pub async fn choose(browser: &Browser, bundle: &Path) {
    let name = bundle.file_name().unwrap().to_str().unwrap();
    browser.fill("#bundle", bundle.to_str().unwrap()).await;
    browser.wait_for("#result .notice", |text| text.contains(&format!(" {name}"))).await;
}

/// The verdict that the page shows.
pub async fn verdict(browser: &Browser) -> Value {
    let json = browser.run("return document.querySelector('#json')?.textContent ?? 'null'").await;
    serde_json::from_str(json.as_str().unwrap()).unwrap()
}

pub async fn open() -> Browser {
    let browser = Browser::open().await;
    browser.go(&format!("{}/verify", Server::shared().base_url())).await;
    browser
}

#[tokio::test]
async fn every_bundle_of_the_test_data_gets_the_verdict_of_the_tool() {
    let browser = open().await;
    let mut compared = 0;
    for key in [testdata_key(), String::new()] {
        browser.fill("#keys", &key).await;
        for folder in [testdata(), testdata().join("reports")] {
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut bundles: Vec<PathBuf> =
                files.filter(|path| path.extension().is_some_and(|it| it == "zip")).collect();
            bundles.sort();
            for bundle in bundles {
                choose(&browser, &bundle).await;
                assert_eq!(verdict(&browser).await, tool(&bundle, &key), "{}", bundle.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} bundles were compared");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_key_decides_what_is_proven_and_a_wrong_one_is_told() {
    let (browser, bundle) = (open().await, testdata().join("good.zip"));
    choose(&browser, &bundle).await;
    assert_eq!(browser.text("#level").await, "CONSISTENT");
    let result = browser.text("#result").await;
    assert!(result.contains("no key from outside"), "{result}");
    assert_eq!(browser.text("#named li").await, testdata_key().trim(), "it names the key to ask for");
    browser.fill("#keys", &testdata_key()).await;
    browser.click("#verify button").await;
    browser.wait_for("#result", |text| text.starts_with("SIGNED")).await;
    browser.fill("#keys", "nonsense").await;
    browser.click("#verify button").await;
    let result = browser.wait_for("#result", |text| text.starts_with("No verdict")).await;
    assert!(result.contains("not a verifier key"), "{result}");
    let stranger = tool_key_of_another_log();
    browser.fill("#keys", &stranger).await;
    browser.click("#verify button").await;
    let result = browser.wait_for("#result", |text| text.starts_with("REFUSED")).await;
    assert!(result.contains("not_signed"), "{result}");
    browser.close().await;
}

fn tool_key_of_another_log() -> String {
    veritrail_audit::SignerKey::new("ledger.example/another", &[3; 32]).unwrap().vkey()
}

#[tokio::test]
async fn nothing_leaves_the_browser() {
    let browser = open().await;
    browser.text("h1").await;
    browser.requests().await;
    choose(&browser, &testdata().join("good.zip")).await;
    assert_eq!(browser.text("#level").await, "CONSISTENT");
    for request in browser.requests().await {
        assert!(request.url.ends_with("/verify.js"), "only the worker's script is asked for: {request:?}");
        assert!(request.method == "GET" && !request.body, "{request:?}");
    }
    // And the policy would not let it.
    let sent = "const done = arguments[0]; fetch('/verify', {method: 'POST', body: 'x'})
        .then(() => done('sent'), () => done('forbidden'))";
    assert_eq!(browser.run_async(sent).await, "forbidden");
    browser.close().await;
}

#[tokio::test]
async fn a_file_can_be_dropped() {
    let browser = open().await;
    browser.fill("#keys", &testdata_key()).await;
    choose(&browser, &testdata().join("altered.zip")).await;
    let dropped = "const files = document.querySelector('#bundle').files;
        const data = new DataTransfer();
        data.items.add(new File([files[0]], 'dropped.zip'));
        document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))";
    browser.run(dropped).await;
    let result = browser.wait_for("#result", |text| text.starts_with("REFUSED dropped.zip")).await;
    assert!(result.contains("entry 17"), "{result}");
    browser.close().await;
}

#[tokio::test]
async fn everybody_can_use_it_in_every_state() {
    let browser = open().await;
    browser.check_access().await;
    browser.click("#verify summary").await;
    for name in ["good.zip", "altered.zip", "manifest-lies.zip", "reports/good.zip"] {
        choose(&browser, &testdata().join(name)).await;
        browser.check_access().await;
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn without_scripts_it_says_what_to_use_instead() {
    let browser = Browser::open().await;
    browser.scripts(false).await;
    browser.go(&format!("{}/verify", Server::shared().base_url())).await;
    let text = browser.text("main").await;
    assert!(text.contains("needs JavaScript") && text.contains("veritrail-verify --vkey"), "{text}");
    assert!(!text.contains("Bundle: choose"), "{text}");
    browser.close().await;
}
