//! One institution: its plan, and its clients.

use actix_web::{HttpRequest, HttpResponse, get, http::Method, post, web};
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{AFTER, client, pager, plan_field, ways};
use crate::portal::{
    api::Call,
    developers::{
        clients::{method, standing},
        form::{self, Tried, done, wrong},
    },
    form::Typed,
    layout::{self, Page},
    parts::{
        fact,
        json::{rows, text},
        state,
        table::framed,
        time,
    },
    query::segment,
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// What was done just now.
const DONE: &[(&str, &str)] = &[
    ("added", "The institution was added, and its log is open. Make a client for each of its systems."),
    ("plan", "The institution has the plan, and its limits are those of the plan from now on."),
    ("revoked", "The client is revoked. Its tokens are worth nothing any more."),
];

/// The page.
#[get("/ops/institutions/{id}")]
pub async fn page(visit: Visit, id: web::Path<String>) -> Result<Page, Trouble> {
    show(&visit, &id, None).await
}

/// The page's path.
pub(super) fn path(id: &str) -> String {
    format!("/ops/institutions/{}", segment(id))
}

/// Where the API has an institution.
pub(super) fn target(id: &str) -> String {
    format!("/admin/v1/institutions/{}", segment(id))
}

/// The ways to an institution's own data. Such a look is on its ledger.
pub(super) fn look_at(id: &str) -> Markup {
    let id = segment(id);
    html! {
        a href=(format!("/?institution={id}")) { "Today" } " "
        a href=(format!("/transactions?institution={id}")) { "Transactions" } " "
        a href=(format!("/audit?institution={id}")) { "Audit" }
    }
}

async fn show(visit: &Visit, id: &str, tried: Option<&Tried<'_>>) -> Result<Page, Trouble> {
    let own = target(id);
    let clients = visit.query.only(&[AFTER]).at(&format!("{own}/clients"));
    let (institution, clients, plans) =
        try_join3(visit.get(&own), visit.get(&clients), visit.get("/admin/v1/plans")).await?;
    let name = text(&institution["name"]);
    let plan = match Tried::of(tried, "plan") {
        Some(typed) => typed.get("plan").unwrap_or_default(),
        None => text(&institution["plan"]),
    };
    let main = html! {
        h1 { (name) }
        (ways(visit))
        (done(visit, DONE))
        (fact::list(&[
            ("Id", Some(fact::copyable(text(&institution["id"])))),
            ("Plan", Some(html! { (text(&institution["plan"])) })),
            ("Since", institution["onboarded_at"].as_str().map(time::instant)),
            ("Look at", Some(look_at(id))),
        ]))
        p.soft { "A look at its data is on the institution's own ledger, with your name." }
        h2 { "Clients" }
        (table(visit, id, &clients))
        p { a.button href=(visit.link(&format!("{}/clients/new", path(id)))) { "Make a client" } }
        h2 { "Move to another plan" }
        p.soft { "The limits of the new plan count at once, for all of its clients. " a href=(visit.link("/ops/plans")) { "The plans" } }
        (wrong(tried, "plan"))
        form.sheet method="post" action=(visit.link(&format!("{}/plan", path(id)))) {
            (plan_field(&plans, plan))
            div.actions { button { "Move" } }
        }
    };
    Ok(layout::page(visit, name, &main))
}

fn table(visitor: &Visitor, id: &str, clients: &Value) -> Markup {
    let rows = rows(clients);
    if rows.is_empty() {
        return state::empty(
            "The institution has no client.",
            &html! { "Make one for each of its systems: nothing of it is served before." },
        );
    }
    html! {
        (framed("Clients", &html! {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "State" } th scope="col" { "Authenticates" }
                th.num scope="col" { "Scopes" } th scope="col" { "Made" } th scope="col" { "Client id" }
            } }
            tbody {
                @for row in rows {
                    @let client_id = text(&row["client_id"]);
                    tr {
                        th scope="row" { a href=(visitor.link(&client::path(id, client_id))) { (text(&row["name"])) } }
                        td { (standing(row)) }
                        td { (method(row)) }
                        td.num { (row["scopes"].as_array().map_or(0, Vec::len)) }
                        td { (time::instant(text(&row["created_at"]))) }
                        td { (fact::short(client_id)) }
                    }
                }
            }
        }))
        (pager(visitor, &path(id), rows.len(), clients))
    }
}

/// Moves it to another plan.
#[post("/ops/institutions/{id}/plan")]
pub async fn change_plan(
    visit: Visit,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let plan = typed.get("plan").unwrap_or_default();
    let call = Call::new(Method::PATCH, target(&id)).json(&json!({"plan": plan}));
    match visit.ask(call).await {
        Ok(_) => Ok(form::then(&visit, &path(&id), "plan")),
        Err(trouble) => {
            let filled = async |trouble: &Trouble| {
                let tried = Tried { form: "plan", typed: &typed, trouble };
                show(&visit, &id, Some(&tried)).await
            };
            form::again(trouble, &request, filled).await
        }
    }
}
