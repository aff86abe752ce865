//! Pages with payloads in all that they show, in a real browser with its scripts on: none of them runs.

use std::collections::BTreeMap;

use crate::{
    portal::planted::{Crawl, Planted, TYPED, crawl, forms, shape},
    support::browser::Browser,
};

/// Pages of one shape that are opened.
const ALIKE: usize = 1;
/// What a payload would leave behind: a global, and elements that no page of ours has.
const LEFT: &str = "return [typeof window.planted, \
                    document.querySelectorAll('marquee, img, iframe, [onload], [onerror], script:not([src])').length].join()";

/// The pages that show something that was planted, some of each shape.
fn showing(planted: &Planted, crawl: &Crawl) -> Vec<String> {
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    let texts: Vec<String> = planted.texts.0.iter().flat_map(|(_, text)| forms(text)).collect();
    let good = crawl.pages.iter().filter(|(_, status, _)| *status == 200);
    let mut pages = Vec::new();
    for (path, _, page) in good {
        let count = alike.entry(shape(path)).or_default();
        if *count < ALIKE && texts.iter().any(|text| page.text.contains(text)) {
            *count += 1;
            pages.push(path.clone());
        }
    }
    pages
}

async fn sign_in(browser: &Browser, planted: &Planted, role: &str) {
    browser.go(&format!("{}/sign-in", planted.server.base_url())).await;
    // A browser takes no such address by itself.
    browser.run("document.querySelector('main form').noValidate = true").await;
    browser.fill("input[name=email]", planted.email(role)).await;
    browser.fill("input[name=password]", planted.password()).await;
    browser.click("main button").await;
    browser.find(".who").await;
}

#[tokio::test]
async fn nothing_that_was_planted_runs_in_a_browser() {
    let planted = Planted::everywhere().await;
    let mut found = Vec::new();
    for (role, _) in &planted.people {
        let seen = crawl(&planted.person(role).await, planted.begin(role)).await;
        let pages = showing(&planted, &seen);
        assert!(pages.len() > 5, "{role}: {pages:?}");
        let browser = Browser::open().await;
        sign_in(&browser, &planted, role).await;
        for path in &pages {
            // A dialog that is open fails whatever is asked of the browser next.
            browser.go(&format!("{}{path}", planted.server.base_url())).await;
            let left = browser.run(LEFT).await;
            if left != "undefined,0" {
                found.push(format!("{role} {path}: {left}"));
            }
        }
        if *role == "compliance-officer" {
            scripted(&browser, &planted).await;
        }
        found.extend(browser.complaints().await.into_iter().map(|it| format!("{role}: {it}")));
        browser.close().await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What scripts of ours put on a page: a record in the drawer, whose proof is checked over the payloads in it, and
/// a list that is filtered without loading the page anew.
async fn scripted(browser: &Browser, planted: &Planted) {
    browser.go(&format!("{}/transactions", planted.server.base_url())).await;
    browser.click("tbody tr a[data-drawer]").await;
    browser.wait_for("dialog .verdict", |text| text.starts_with('✓')).await;
    assert_eq!(browser.run(LEFT).await, "undefined,0");
    browser.go(&format!("{}/transactions", planted.server.base_url())).await;
    browser.fill("input[name='remittance_information[contains]']", TYPED).await;
    browser.click(".filters button").await;
    browser.wait_for("main", |text| text.contains("No transaction fits.")).await;
    assert_eq!(browser.run(LEFT).await, "undefined,0");
}
