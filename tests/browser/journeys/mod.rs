//! The main journeys of each role, as a person makes them: from the start by clicks and typing alone, with scripts and
//! without. Nothing on the way may complain.
//!
//! A page that a role gets new joins its journey: the operator's in `operator.rs`; what everybody may see without
//! signing in, such as how the service stands, begins one of its own.

mod account;
mod developers;
mod evidence;
mod grants;
mod officer;
mod operator;

use std::ops::Deref;

use crate::support::{Server, browser::Browser, person::credentials};

/// Somebody at a browser.
struct Walk {
    browser: Browser,
    /// Whether pages may run scripts.
    scripts: bool,
}

impl Deref for Walk {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Walk {
    /// Opens a browser at an address.
    async fn at(url: &str, scripts: bool) -> Self {
        let browser = Browser::open().await;
        browser.scripts(scripts).await;
        browser.go(url).await;
        Self { browser, scripts }
    }

    /// Opens a browser, and signs in as the demo's person of a role.
    async fn of(server: &Server, role: &str, scripts: bool) -> Self {
        let walk = Self::at(server.base_url(), scripts).await;
        let (email, password) = credentials(server, role);
        walk.sign_in(&email, &password).await;
        walk.arrive("Today").await;
        walk
    }

    async fn sign_in(&self, email: &str, password: &str) {
        self.arrive("Sign in").await;
        self.enter("E-mail address", email).await;
        self.enter("Password", password).await;
        self.push("Sign in").await;
    }

    /// Goes to one of the places that stand on every page.
    async fn go_to(&self, place: &str) {
        self.follow("nav", place).await;
        self.arrive(place).await;
    }

    /// Filters a list by a field, which its address tells from then on, so that one row is left.
    async fn filter_by(&self, label: &str, name: &str, text: &str) {
        self.enter(label, text).await;
        self.push("Filter").await;
        self.wait_for_address(&format!("{name}=")).await;
        self.wait_for("main .pager", |text| text == "1 row").await;
    }

    /// Where a record is that was opened from a list: beside the list, or on a page of its own.
    fn opened(&self) -> &'static str {
        if self.scripts { "dialog" } else { "main" }
    }

    /// Waits until a record with this heading is opened.
    async fn wait_for_opened(&self, heading: &str) {
        self.wait_for(&format!("{} h1", self.opened()), |text| text == heading).await;
    }

    /// Ends the journey, on which nothing was to complain.
    async fn end(self) {
        assert_eq!(self.complaints().await, Vec::<String>::new());
        self.browser.close().await;
    }
}
