//! Somebody new sets a password, signs in, sets up a second factor, and signs in by it. The pages of this way are on no
//! tour, so they are held here against what everybody needs.

use super::Walk;
use crate::{
    browser::stage::Stage,
    support::{data, forge::now_s, second_factor::code},
};

const PASSWORD: &str = "correct horse battery";

/// Holds a page against what everybody needs; that is looked at by a script.
async fn can_be_used(walk: &Walk) {
    if walk.scripts {
        walk.check_access().await;
    }
}

async fn begins(scripts: bool) {
    let server = &Stage::shared().await.server;
    let email = format!("{}@bank.example", data::unique("ada"));
    let link = server.add_person(&email, "compliance-officer", Some(server.institution(0)));
    let walk = Walk::at(&format!("{}{link}", server.base_url()), scripts).await;
    walk.arrive("Set your password").await;
    walk.enter("New password", PASSWORD).await;
    walk.enter("The same once more", PASSWORD).await;
    walk.push("Set the password").await;
    walk.sign_in(&email, PASSWORD).await;
    walk.arrive("Today").await;

    walk.follow("header", "Ada Byron").await;
    walk.arrive("Your account").await;
    walk.follow("main", "Set one up").await;
    walk.arrive("Set up a second factor").await;
    walk.enter("Your password now", PASSWORD).await;
    walk.push("Begin").await;
    let secret = walk.find("main code[data-copy]").await.attribute("data-copy").await.unwrap().unwrap();
    can_be_used(&walk).await;
    walk.enter("Code of six digits", &code(&secret, now_s() / 30)).await;
    walk.push("Confirm").await;
    walk.arrive("Your second factor is set up").await;
    can_be_used(&walk).await;
    let recovery = walk.text("main .codes li").await;
    walk.follow("main", "Go on").await;
    walk.arrive("Today").await;

    walk.push("Sign out").await;
    walk.sign_in(&email, PASSWORD).await;
    walk.arrive("Enter your code").await;
    can_be_used(&walk).await;
    walk.enter("Code of six digits", &recovery).await;
    walk.push("Sign in").await;
    walk.arrive("Today").await;
    walk.follow("header", "Ada Byron").await;
    walk.wait_for("main", |text| text.contains("9 recovery codes are left")).await;
    can_be_used(&walk).await;
    walk.end().await;
}

#[tokio::test]
async fn somebody_new_sets_a_password_and_a_second_factor_and_signs_in_by_both() {
    tokio::join!(begins(true), begins(false));
}
