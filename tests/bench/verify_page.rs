//! Verifying in a browser: the page as a file in Chromium, which uses the cores that it finds.

use std::time::Duration;

use veritrail_audit::SignerKey;

use super::{
    browser::Browser,
    bundle::{ORIGIN, whole_log},
    site::Records,
    table::{Row, Target},
    verify::entries,
};

/// What it is held to, entries a second.
const WANTED: f64 = 100_000.0;
const ROUNDS: usize = 3;

pub async fn row() -> Row {
    let (entries, key) = (entries(), SignerKey::new(ORIGIN, &[7; 32]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let [page, file] = ["verify.html", "large.zip"].map(|name| folder.path().join(name));
    std::fs::write(&page, veritrail::portal::verify::offline_page()).unwrap();
    std::fs::write(&file, whole_log(entries, &key, Records::payload)).unwrap();
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let browser = Browser::open().await;
        browser.go(&format!("file://{}", page.display())).await;
        browser.fill("#keys", &key.vkey()).await;
        browser.fill("#bundle", file.to_str().unwrap()).await;
        let patience = Duration::from_secs(600);
        let told = browser.wait_longer("#result", patience, |text| text.contains("large.zip")).await;
        assert!(told.starts_with("SIGNED"), "{told}");
        let took = browser.text("#took").await;
        let rate = took.split(" entries at ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        best = best.max(rate.replace(',', "").parse().unwrap());
        browser.close().await;
    }
    let what = format!("verify {entries} entries in Chromium");
    Row::new(what, best, WANTED, "entries/s").against("what it is held to").target(Target::AtLeast(1.0))
}
