//! The portal: pages for people.
//!
//! It is a client of the API: a page asks it as any program does, in this process, as the person who is
//! signed in ([`visit`]). So what a page shows has passed the same permits and limits, and is on the ledger
//! before the page leaves. What the API does not tell, no page shows, but for a person's own account, which
//! [`access`](crate::access) tells. [`status`] is for everybody, and asks what the API tells everybody.
//!
//! Pages are functions that give markup, one file a page. They work without a script; [`assets`] has the one
//! style sheet and the scripts. [`shell`] is around all of them: it refuses what comes from other sites, and
//! makes a page of every trouble.
//!
//! Deliberately absent: a way to the store, and tokens in the browser.

pub mod account;
pub mod api;
pub mod assets;
pub mod audit;
pub mod developers;
pub mod evidence;
pub mod form;
pub mod grants;
pub mod guest;
mod joined;
pub mod keys;
pub mod layout;
pub mod lineage;
pub mod oidc;
pub mod ops;
pub mod parts;
pub mod query;
pub mod reg;
pub mod reports;
pub mod sending;
pub mod shell;
pub mod sign_in;
mod squeeze;
pub mod status;
mod surroundings;
pub mod today;
pub mod transactions;
pub mod trouble;
pub mod verify;
pub mod visit;

use actix_web::{guard::fn_guard, middleware::from_fn, web};

pub use api::Api;

/// The first part of each page's path.
const PAGES: &[&str] = &[
    "",
    "account",
    "audit",
    "audit.csv",
    "developers",
    "evidence",
    "grants",
    "keys",
    "lineage",
    "lineage.svg",
    "ops",
    "reg",
    "reports",
    "set-password",
    "sign-in",
    "sign-out",
    "status",
    "status.atom",
    "transactions",
    "transactions.csv",
];

/// Whether a path may be a page's; all others are the API's, also where it has nothing.
fn is_page(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.split('/').next()).is_some_and(|first| PAGES.contains(&first))
}

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(assets::get).configure(verify::pages).service(
        web::scope("")
            .guard(fn_guard(|request| is_page(request.head().uri.path())))
            .wrap(from_fn(shell::shell))
            .service(today::show)
            .service(keys::page)
            .service(sign_in::show)
            .service(sign_in::send)
            .service(sign_in::code)
            .service(sign_in::send_code)
            .service(sign_in::leave)
            .service(oidc::leave)
            .service(oidc::come_back)
            .service(account::show)
            .service(account::password)
            .service(account::end_sessions)
            .service(account::set_up)
            .service(account::begin)
            .service(account::confirm)
            .service(account::drop_second_factor)
            .service(sign_in::set_password_page)
            .service(sign_in::set_password_send)
            .service(transactions::list)
            .service(transactions::csv)
            .service(transactions::one::page)
            .configure(reports::pages)
            .configure(lineage::pages)
            .configure(developers::pages)
            .configure(audit::pages)
            .configure(evidence::pages)
            .configure(grants::pages)
            .configure(ops::pages)
            .configure(status::pages)
            .service(reg::page),
    );
}
