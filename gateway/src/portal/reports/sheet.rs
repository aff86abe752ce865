//! A form by which something is recorded of a version: that it was delivered, what a validator said.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    form::{self, Answered, Once},
    words,
};
use crate::portal::{
    layout::{self, Page},
    parts::json::text,
    query::Query,
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// A form about a version.
pub(super) struct Sheet {
    /// What stands over it.
    pub(super) heading: &'static str,
    /// What its page is called.
    pub(super) title: &'static str,
    /// The version's list that it adds to; its page is below that name too.
    pub(super) list: &'static str,
    /// What the version's page calls it once it is done.
    pub(super) done: &'static str,
}

/// A version and its report.
pub(super) struct Of {
    /// The report.
    pub(super) report: Value,
    /// Its version.
    pub(super) version: Value,
}

impl Sheet {
    /// Sends it on to the API, and leads to the version's page.
    pub(super) async fn send(
        &self,
        visit: &Visit,
        (id, n): &(String, String),
        given: &Query,
        body: &Value,
    ) -> Result<Answered, Trouble> {
        let target = format!("{}/{}", words::version_at(id, n), self.list);
        form::send(visit, &target, given, body).await?;
        Ok(form::see(visit, &format!("/reports/{id}/versions/{n}?done={}", self.done)))
    }

    /// Draws its page: what to know first, and its fields.
    pub(super) fn draw(
        &self,
        visitor: &Visitor,
        once: &Once,
        of: &Of,
        trouble: Option<&Trouble>,
        (first, fields): (&Markup, &Markup),
    ) -> Page {
        let title = format!("{}, version {}", words::title(&of.report), of.version["n"]);
        let version = format!("/reports/{}/versions/{}", text(&of.report["id"]), of.version["n"]);
        let main = html! {
            (words::up(&visitor.link(&version), &title))
            h1 { (self.heading) }
            (form::fault(trouble))
            (first)
            form.sheet method="post" action=(visitor.link(&format!("{version}/{}/new", self.list))) {
                (once.field(self.done))
                (fields)
                div.actions {
                    button { "Record it" }
                    a href=(visitor.link(&version)) { "Leave it" }
                }
            }
        };
        layout::page(visitor, &format!("{}: {title}", self.title), &main)
    }
}
