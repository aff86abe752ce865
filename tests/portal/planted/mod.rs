//! Whatever somebody tells the service, its pages show as text: payloads of script, markup and formulas are planted
//! in everything that can be told, and every page that a role can reach is taken apart.

mod crawl;
mod fields;
mod filed;
mod files;
mod page;
mod payload;
mod plant;
mod records;
mod refused;
mod told;

use std::collections::BTreeSet;

use self::fields::{Fate, UNSHOWN};
pub use self::{
    crawl::{Crawl, TYPED, crawl, shape},
    payload::forms,
    plant::Planted,
};

#[tokio::test]
async fn what_was_planted_is_text_on_every_page_and_in_every_file_that_shows_it() {
    let planted = Planted::everywhere().await;
    assert_eq!(refused::try_all(&planted).await, fields::with(Fate::Refused), "all of these are tried");
    assert_eq!(planted.texts.fields(), fields::with(Fate::Planted), "all of these are planted");

    let looked = async |role: &'static str| {
        let person = planted.person(role).await;
        let mut crawl = crawl(&person, planted.begin(role)).await;
        let shown = crawl.send_forms(&person).await;
        (role, crawl, shown)
    };
    let (officer, engineer, regulator, operator) = tokio::join!(
        looked("compliance-officer"),
        looked("integration-engineer"),
        looked("regulator"),
        looked("operator"),
    );
    let mut faults = Vec::new();
    let mut unseen: Vec<_> = planted.texts.0.iter().collect();
    for (role, crawl, shown) in [officer, engineer, regulator, operator] {
        println!("{role}: {} pages, {} files, {shown} forms again", crawl.pages.len(), crawl.files.len());
        faults.extend(crawl.faults.iter().map(|fault| format!("{role}: {fault}")));
        faults.extend(files::faults(&crawl).into_iter().map(|fault| format!("{role}: {fault}")));
        let pages = crawl.pages.iter().map(|(.., page)| &page.text);
        let said: Vec<&String> = pages.chain(crawl.files.iter().map(|(_, text)| text)).collect();
        unseen.retain(|(_, text)| {
            let forms = forms(text);
            !said.iter().any(|said| forms.iter().any(|form| said.contains(form)))
        });
        // These two have forms, most of which do not take a payload and show it again.
        let has_forms = ["compliance-officer", "integration-engineer"].contains(&role);
        assert!(shown > 2 || !has_forms, "{role}: {shown} forms show again what was typed");
    }
    let listed: BTreeSet<_> = UNSHOWN.iter().copied().collect();
    let (hidden, missing): (Vec<_>, Vec<_>) =
        unseen.into_iter().partition(|(field, _)| listed.contains(field));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(missing.is_empty(), "no page shows these, or not as they are: {missing:#?}");
    let hidden: BTreeSet<_> = hidden.iter().map(|(field, _)| *field).collect();
    assert_eq!(hidden, listed, "what is listed as shown nowhere is shown");
    files::exports(&planted).await;
    files::answers(&planted).await;
}
