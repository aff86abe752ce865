//! Every page of the portal, for each role: everybody can use it, it fits, it is not heavy, and it does nothing that
//! its policy forbids.

use std::{collections::BTreeSet, path::Path};

use super::{
    stage::{COUNTERPARTY, Stage},
    tours::TOURS,
    verify::{choose, testdata, testdata_key},
    weight,
};
use crate::support::browser::{Browser, NARROW, WIDE};

/// What pages are headed that say why there is nothing to see.
const REFUSALS: [&str; 5] = [
    "You may not see this",
    "There is nothing here",
    "This does not fit",
    "This did not work",
    "Too many requests",
];

/// Makes pictures of a page for people to look at, where `VERITRAIL_SCREENSHOTS` names a folder for them.
async fn pictured(browser: &Browser, name: &str) {
    let Ok(folder) = std::env::var("VERITRAIL_SCREENSHOTS") else { return };
    for (width, dark, colour) in [(WIDE, false, "light"), (WIDE, true, "dark"), (NARROW, false, "light")] {
        browser.resize(width).await;
        browser.dark(dark).await;
        browser.screenshot(&Path::new(&folder).join(format!("{name}-{width}-{colour}.png"))).await;
    }
}

/// Goes on a tour, and holds each of its pages against what everybody needs.
async fn go_on(tour: &str) {
    let stage = Stage::shared().await;
    let tour = TOURS.iter().find(|it| it.name == tour).unwrap();
    let browser = stage.browser(tour.who).await;
    let (mut found, mut kept) = (Vec::new(), BTreeSet::new());
    for (name, template) in tour.pages {
        let path = stage.path(template);
        let heavy = weight::faults(&browser, stage, &path, &mut kept).await;
        found.extend(heavy.into_iter().map(|it| format!("{} {path}: {it}", tour.who)));
        let heading = browser.text("h1").await;
        let is_refused = REFUSALS.contains(&heading.as_str());
        assert_eq!(is_refused, name.starts_with("no-"), "{} {path}: {heading}", tour.who);
        assert!(!heading.is_empty(), "{path}");
        if *name == "verify-good" {
            browser.fill("#keys", &testdata_key()).await;
            choose(&browser, &testdata().join("good.zip")).await;
        }
        found.extend(browser.access().await.into_iter().map(|it| format!("{} {path}: {it}", tour.who)));
        pictured(&browser, &format!("{}-{name}", tour.who)).await;
    }
    found.extend(browser.complaints_but_refusals().await);
    browser.close().await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each tour is a test of its own, so that they are made beside each other. Those who make pictures run all that
/// begin with `every_page`.
macro_rules! tours {
    ($($test:ident: $tour:literal,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                go_on($tour).await;
            }
        )*

        #[test]
        fn every_tour_is_gone_on() {
            let gone: &[&str] = &[$($tour),*];
            assert_eq!(gone, TOURS.iter().map(|tour| tour.name).collect::<Vec<_>>());
        }
    };
}

tours! {
    every_page_of_records_and_lineage: "records",
    every_page_of_reports: "reports",
    every_page_of_the_audit_and_its_evidence: "audit",
    every_page_of_grants_and_the_account: "access",
    every_page_of_developers: "developers",
    every_page_of_a_regulator: "regulator",
    every_page_of_a_regulator_without_grants: "newcomer",
    every_page_of_the_operator: "operator",
    every_page_of_nobody_in_particular: "public",
}

#[tokio::test]
async fn a_proof_is_checked_in_the_browser_before_a_tick_is_shown() {
    let stage = Stage::shared().await;
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
    let stage = Stage::shared().await;
    let browser = stage.browser("compliance-officer").await;
    stage.go(&browser, "/transactions").await;
    browser.run("window.same = true").await;
    browser.fill("input[name='counterparty_name[contains]']", COUNTERPARTY).await;
    browser.click(".filters button").await;
    browser.wait_for("main .pager", |text| text == "1 row").await;
    assert_eq!(browser.run("return window.same").await, true);
    assert!(browser.run("return location.search").await.as_str().unwrap().contains("counterparty_name"));
    // What somebody sent is text.
    assert!(browser.text("tbody").await.contains("<b>Überzahl</b> & Söhne"));
    browser.press("?").await;
    browser.close().await;
}
