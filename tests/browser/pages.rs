//! Every page of the portal, for each role: everybody can use it, it fits, and it does nothing that its policy
//! forbids.

use std::path::Path;

use super::stage::Stage;
use crate::support::browser::{Browser, NARROW, WIDE};

/// Makes pictures of a page for people to look at, where `VERITRAIL_SCREENSHOTS` names a folder for them.
async fn pictured(browser: &Browser, stage: &Stage, role: &str, path: &str) {
    let Ok(folder) = std::env::var("VERITRAIL_SCREENSHOTS") else { return };
    let shown = path.split('?').next().unwrap().replace(&stage.report, "report");
    let name = shown.replace(&stage.transaction, "transaction").trim_matches('/').replace('/', "-");
    let name = if name.is_empty() { "today".to_owned() } else { name };
    for (width, dark, colour) in [(WIDE, false, "light"), (WIDE, true, "dark"), (NARROW, false, "light")] {
        browser.resize(width).await;
        browser.dark(dark).await;
        browser.screenshot(&Path::new(&folder).join(format!("{role}-{name}-{width}-{colour}.png"))).await;
    }
}

#[tokio::test]
async fn every_page_can_be_used_by_everybody_in_light_and_dark_and_on_a_narrow_screen() {
    let stage = Stage::set().await;
    let mut found = Vec::new();
    for (role, pages) in stage.pages() {
        let browser = stage.browser(role).await;
        for path in pages {
            stage.go(&browser, &path).await;
            assert!(!browser.text("h1").await.is_empty(), "{path}");
            found.extend(browser.access().await.into_iter().map(|it| format!("{role} {path}: {it}")));
            pictured(&browser, &stage, role, &path).await;
        }
        found.extend(browser.complaints().await.into_iter().map(|it| format!("{role}: {it}")));
        browser.close().await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_proof_is_checked_in_the_browser_before_a_tick_is_shown() {
    let stage = Stage::set().await;
    let browser = stage.browser("compliance-officer").await;
    stage.go(&browser, "/transactions").await;
    browser.click("tbody tr a[data-drawer]").await;
    browser.wait_for("dialog .verdict", |text| text.starts_with("✓ Checked in your browser")).await;
    // A record that was changed on its way is not.
    stage.go(&browser, &format!("/transactions/{}", stage.transaction)).await;
    browser.wait_for(".verdict", |text| text.starts_with('✓')).await;
    browser
        .run(
            "const it = document.querySelector('.proof'); delete it.dataset.checked; \
             it.dataset.record = it.dataset.record.replace('Rent', 'Bent'); \
             const copy = document.createElement('a'); copy.href = location.href; copy.dataset.drawer = ''; \
             window.changed = it;",
        )
        .await;
    browser
        .run_async(
            "const done = arguments[arguments.length - 1]; \
             import(document.querySelector('script[type=module]').src.replace('portal.js', 'proof.js')) \
             .then((it) => { it.checkProofs(document); setTimeout(() => done(true), 500); });",
        )
        .await;
    browser.wait_for(".verdict", |text| text == "Not proven: the entry commits to another record").await;
    browser.close().await;
}

#[tokio::test]
async fn filters_change_the_list_and_the_address_without_loading_the_page_anew() {
    let stage = Stage::set().await;
    let browser = stage.browser("compliance-officer").await;
    stage.go(&browser, "/transactions").await;
    browser.run("window.same = true").await;
    browser.fill("input[name='counterparty_name[contains]']", "Überzahl").await;
    browser.click(".filters button").await;
    browser.wait_for("main .pager", |text| text == "1 row").await;
    assert_eq!(browser.run("return window.same").await, true);
    assert!(browser.run("return location.search").await.as_str().unwrap().contains("counterparty_name"));
    // What somebody sent is text.
    assert!(browser.text("tbody").await.contains("<b>Überzahl</b> & Söhne"));
    browser.press("?").await;
    browser.close().await;
}
