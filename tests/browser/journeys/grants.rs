//! An officer grants a regulator access, who looks; the grant is revoked, or ends, and nothing more is seen.

use super::Walk;
use crate::support::{Server, grants::in_s, receiver::until};

const DAY_S: i64 = 24 * 3600;
const PURPOSE: &str = "Review of settlement reporting";
/// How long a grant lasts that is to end by itself: a form counts in days, so the API makes it.
const SHORT_S: i64 = 20;

/// The regulator's next click shows nothing, and says why.
async fn is_refused(regulator: &Walk) {
    regulator.follow("nav", "Transactions").await;
    regulator.arrive("You may not see this").await;
    let said = regulator.text("main").await;
    assert!(said.contains("has ended, was revoked, or was never made"), "{said}");
    assert_eq!(regulator.count("aside.edge").await, 0);
    assert_eq!(regulator.count("main tbody").await, 0);
    regulator.follow("main", "Your grants").await;
    regulator.arrive("Your grants").await;
    let grants = regulator.text("main").await;
    assert!(grants.contains("No grant of yours is live or to come."), "{grants}");
    // The refusal's status is in the console, and nothing else.
    assert_eq!(regulator.complaints_but_refusals().await, Vec::<String>::new());
}

/// The regulator opens the institution's transactions, under the grant's edge.
async fn looks(regulator: &Walk, name: &str) {
    regulator.follow("nav", "Grants").await;
    regulator.wait_for("main", |text| text.contains(PURPOSE)).await;
    regulator.follow("main", "Transactions").await;
    regulator.arrive("Transactions").await;
    let edge = regulator.text("aside.edge").await;
    assert!(
        edge.starts_with(&format!("You see {name} by a grant until ")) && edge.contains(PURPOSE),
        "{edge}"
    );
    assert!(regulator.count("main tbody tr").await > 50);
}

async fn is_granted_and_revoked(server: &Server, scripts: bool) {
    let officer = Walk::of(server, "compliance-officer", scripts).await;
    let regulator = Walk::of(server, "regulator", scripts).await;
    let email = server.regulator();
    // The last day counts whole.
    let (last, ends) = (in_s(2 * DAY_S), in_s(3 * DAY_S));
    officer.go_to("Grants").await;
    officer.follow("main", "Grant access").await;
    officer.arrive("Grant a regulator access").await;
    officer.enter("E-mail address of the regulator", email).await;
    officer.tick("Transactions, with their versions, sources and proofs").await;
    officer.enter_day("Last day (UTC, all of it)", &last[..10]).await;
    officer.enter("What for", PURPOSE).await;
    officer.push("Grant access").await;
    officer.arrive(&format!("Grant to {email}")).await;
    let granted = officer.text("main").await;
    assert!(granted.contains("It is granted, and counts from now on."), "{granted}");
    assert!(granted.contains(&format!("{} 00:00:00 UTC", &ends[..10])), "{granted}");

    looks(&regulator, server.demo["institutions"][0]["name"].as_str().unwrap()).await;
    officer.enter("Reason", "the review is closed").await;
    officer.tick(&format!("{email} is to see nothing more by this grant.")).await;
    officer.push("Revoke the grant").await;
    officer.wait_for("main", |text| text.contains("It is revoked.")).await;
    is_refused(&regulator).await;
    officer.end().await;
    regulator.end().await;
}

#[tokio::test]
async fn a_regulator_sees_what_is_granted_until_it_is_revoked() {
    let server = Server::demo(&[]);
    server.lift_limits();
    for scripts in [true, false] {
        is_granted_and_revoked(&server, scripts).await;
    }
}

#[tokio::test]
async fn a_regulator_sees_what_is_granted_until_it_ends_by_itself() {
    let server = Server::demo(&[]);
    server.lift_limits();
    let (with, without) =
        tokio::join!(Walk::of(&server, "regulator", true), Walk::of(&server, "regulator", false));
    let grant = server.grant(1, &["transactions:read"], SHORT_S, PURPOSE).await;
    let name = server.demo["institutions"][1]["name"].as_str().unwrap();
    tokio::join!(looks(&with, name), looks(&without, name));
    let system = server.system(1).await;
    let path = format!("/v1/grants/{}", grant["id"].as_str().unwrap());
    until("the grant ends", async || (system.get(&path).await.ok()["state"] == "ended").then_some(())).await;
    tokio::join!(is_refused(&with), is_refused(&without));
    tokio::join!(with.end(), without.end());
}
