//! A large bundle: verified at speed, with progress.

use std::time::Duration;

use veritrail_audit::SignerKey;

use super::verify::open;
use crate::support::bundle::{ORIGIN, whole_log};

const ENTRIES: u64 = 200_000;
/// Far below what it does when nothing else runs: 100,000 entries a second and more.
const LEAST_PER_SECOND: f64 = 10_000.0;

fn payload(seq: u64) -> Vec<u8> {
    let amount = format!(r#"{{"amount":"{seq}.00","currency":"EUR"}}"#);
    format!(r#"{{"amount":{amount},"booked_on":"2026-01-01","id":"txn_{seq:032x}","type":"transaction"}}"#)
        .into_bytes()
}

/// The number before some words.
fn number_before(text: &str, words: &str) -> f64 {
    let before = text.split(words).next().unwrap();
    let digits = before.rsplit(' ').next().unwrap().replace(',', "");
    digits.parse().unwrap_or_else(|_| panic!("no number before {words:?}: {text}"))
}

#[tokio::test]
async fn a_large_bundle_is_verified_with_progress_and_at_speed() {
    let key = SignerKey::new(ORIGIN, &[7; 32]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.zip");
    std::fs::write(&file, whole_log(ENTRIES, &key, payload)).unwrap();
    let browser = open().await;
    browser.fill("#keys", &key.vkey()).await;
    // Every text that the page shows on the way is noted, so that none is missed.
    let watch = "window.shown = [];
        new MutationObserver(() => window.shown.push(document.querySelector('#speed').textContent))
            .observe(document.querySelector('#speed'), {childList: true, characterData: true, subtree: true})";
    browser.run(watch).await;
    browser.fill("#bundle", file.to_str().unwrap()).await;
    let took = Duration::from_secs(120);
    let result = browser.wait_longer("#result", took, |text| text.contains(" large.zip")).await;
    assert!(result.starts_with("SIGNED"), "{result}");
    let shown = browser.run("return window.shown").await;
    let shown: Vec<&str> = shown.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let percents: Vec<f64> = shown
        .iter()
        .filter(|text| text.contains(" a second"))
        .map(|text| number_before(text, " %"))
        .collect();
    let between = percents.iter().filter(|percent| (1.0..100.0).contains(*percent)).count();
    assert!(percents.is_sorted() && between > 2, "{shown:?}");
    let told = browser.text("#took").await;
    let per_second = number_before(&told, " a second");
    println!("{told}");
    assert!(told.contains(" 200,000 entries"), "{told}");
    assert!(per_second >= LEAST_PER_SECOND, "{told}");
    browser.close().await;
}
