//! Who is served, and how one more is taken on.

use actix_web::{HttpRequest, HttpResponse, get, http::Method, post};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{AFTER, institution, pager, plan_field, ways};
use crate::portal::{
    developers::form::{self, Once, Tried, wrong},
    form::Typed,
    layout::{self, Page},
    parts::{
        json::{rows, text},
        state,
        table::framed,
        time,
    },
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// The list.
#[get("/ops/institutions")]
pub async fn list(visit: Visit, once: Once) -> Result<Page, Trouble> {
    show(&visit, &once, None).await
}

async fn show(visit: &Visit, once: &Once, tried: Option<&Tried<'_>>) -> Result<Page, Trouble> {
    let target = visit.query.only(&[AFTER]).at("/admin/v1/institutions");
    let (institutions, plans) = try_join(visit.get(&target), visit.get("/admin/v1/plans")).await?;
    let main = html! {
        h1 { "Institutions" }
        (ways(visit))
        (table(visit, &institutions))
        h2 { "Add an institution" }
        p.soft { "It gets a log of its own at once. Its clients are made next, its people by " code { "veritrail user" } "." }
        (wrong(tried, "add"))
        @let typed = Tried::of(tried, "add");
        form.sheet method="post" action=(visit.link("/ops/institutions")) {
            (once.field("add"))
            label.field {
                span { "Name" }
                input name="name" required maxlength="100" autocomplete="off"
                    value=[typed.and_then(|typed| typed.get("name"))];
            }
            (plan_field(&plans, typed.and_then(|typed| typed.get("plan")).unwrap_or("standard")))
            div.actions { button { "Add the institution" } }
        }
    };
    Ok(layout::page(visit, "Institutions", &main))
}

fn table(visitor: &Visitor, institutions: &Value) -> Markup {
    let rows = rows(institutions);
    if rows.is_empty() {
        return state::empty("No institution is served yet.", &html! { "Add the first one below." });
    }
    html! {
        (framed("Institutions", &html! {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Plan" } th scope="col" { "Since" } th scope="col" { "Look at" }
            } }
            tbody {
                @for row in rows {
                    @let id = text(&row["id"]);
                    tr {
                        th scope="row" { a href=(visitor.link(&institution::path(id))) { (text(&row["name"])) } }
                        td { (text(&row["plan"])) }
                        td { (time::instant(text(&row["onboarded_at"]))) }
                        td { (institution::look_at(id)) }
                    }
                }
            }
        }))
        (pager(visitor, "/ops/institutions", rows.len(), institutions))
    }
}

/// Adds an institution.
#[post("/ops/institutions")]
pub async fn add(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let name = typed.get("name").unwrap_or_default().trim();
    let mut new = json!({"name": name});
    if let Some(plan) = typed.get("plan") {
        new["plan"] = plan.into();
    }
    let call = form::call(Method::POST, "/admin/v1/institutions", &typed);
    match visit.ask(call.json(&new)).await {
        Ok(made) => Ok(form::then(&visit, &institution::path(text(&made["id"])), "added")),
        Err(trouble) => {
            let filled = async |trouble: &Trouble| {
                let tried = Tried { form: "add", typed: &typed, trouble };
                show(&visit, &once, Some(&tried)).await
            };
            form::again(trouble, &request, filled).await
        }
    }
}
