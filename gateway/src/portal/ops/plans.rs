//! Rate-limit tiers: what each permits, how many institutions have it, and how one is made or changed.

use actix_web::{HttpRequest, HttpResponse, get, http::Method, post};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{All, all, ways};
use crate::{
    error::{Code, Problem},
    portal::{
        api::Call,
        developers::form::{self, Tried, done, wrong},
        form::Typed,
        layout::{self, Page},
        parts::{
            ask::{is_sure, sure},
            json::{number, rows, text},
            number::count,
            table::framed,
        },
        query::{Query, segment},
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The parameter that says which plan is to be changed.
const PLAN: &str = "plan";
/// A plan's numbers, and what they are called.
const NUMBERS: [(&str, &str); 4] = [
    ("client_per_second", "A client gets back, units a second"),
    ("client_burst", "A client may spend at once"),
    ("institution_per_second", "An institution gets back, units a second"),
    ("institution_burst", "An institution may spend at once"),
];
/// What was done just now.
const DONE: &[(&str, &str)] = &[("put", "The plan counts from now on, for every institution that has it.")];

/// The list, and the form.
#[get("/ops/plans")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    show(&visit, None).await
}

async fn show(visit: &Visit, tried: Option<&Tried<'_>>) -> Result<Page, Trouble> {
    let (plans, institutions) =
        try_join(visit.get("/admin/v1/plans"), all(visit, "/admin/v1/institutions")).await?;
    let wanted = visit.query.get(PLAN);
    let chosen = rows(&plans).iter().find(|plan| wanted.is_some_and(|name| plan["name"] == name));
    let main = html! {
        h1 { "Plans" }
        (ways(visit))
        (done(visit, DONE))
        p.soft { "A plain read costs 1 unit, a delivered batch 5, a bundle 20. What a client has spent comes back by the second." }
        (table(visit, &plans, &institutions))
        h2 { @match chosen { Some(plan) => { "Change " (text(&plan["name"])) } None => { "Make or change a plan" } } }
        (wrong(tried, "plan"))
        (sheet(visit, chosen, Tried::of(tried, "plan")))
    };
    Ok(layout::page(visit, "Plans", &main))
}

fn table(visitor: &Visitor, plans: &Value, institutions: &All) -> Markup {
    let having = |name: &Value| institutions.rows.iter().filter(|row| row["plan"] == *name).count();
    html! {
        (framed("Plans", &html! {
            thead { tr {
                th scope="col" { "Plan" } th.num scope="col" { "Institutions" }
                th.num scope="col" { "Client, a second" } th.num scope="col" { "Client, at once" }
                th.num scope="col" { "Institution, a second" } th.num scope="col" { "Institution, at once" }
                th scope="col" { "Change" }
            } }
            tbody {
                @for plan in rows(plans) {
                    @let name = text(&plan["name"]);
                    tr {
                        th scope="row" { (name) }
                        td.num { (having(&plan["name"])) @if institutions.more { " or more" } }
                        @for (number_of, _) in NUMBERS { td.num { (count(number(&plan[number_of]))) } }
                        td { a href=(visitor.link(&format!("/ops/plans?{PLAN}={}", segment(name)))) { "Change " (name) } }
                    }
                }
            }
        }))
    }
}

fn sheet(visitor: &Visitor, chosen: Option<&Value>, typed: Option<&Query>) -> Markup {
    let value = |name: &str| match (typed, chosen) {
        (Some(typed), _) => typed.get(name).map(ToOwned::to_owned),
        (None, Some(plan)) if name == "name" => Some(text(&plan["name"]).to_owned()),
        (None, Some(plan)) => Some(number(&plan[name]).to_string()),
        (None, None) => None,
    };
    html! {
        form.sheet method="post" action=(visitor.link("/ops/plans")) {
            label.field {
                span { "Name" }
                input name="name" required maxlength="32" pattern="[a-z0-9\\-]+" autocomplete="off" value=[value("name")];
                span.hint { "Lower-case letters, digits and hyphens. That of a plan that there is changes it." }
            }
            @for (name, label) in NUMBERS {
                label.field {
                    span { (label) }
                    input type="number" name=(name) min="1" max="1000000" required value=[value(name)];
                }
            }
            (sure("It counts at once, for every institution that has the plan.", typed.is_some_and(is_sure)))
            div.actions {
                button { "Store the plan" }
                @if chosen.is_some() { a href=(visitor.link("/ops/plans")) { "Leave it" } }
            }
        }
    }
}

/// The numbers that were typed, for a plan that has a name.
fn quotas(typed: &Query) -> Result<Value, Trouble> {
    if typed.get("name").is_none() {
        return Err(
            Problem::new(Code::Refused, "name: 1 to 32 lower-case letters, digits and hyphens").into()
        );
    }
    let mut quotas = json!({});
    for (name, label) in NUMBERS {
        let given = typed.get(name).and_then(|text| text.trim().parse::<i64>().ok());
        let fits = given.filter(|given| (1..=1_000_000).contains(given));
        let detail = || format!("{label}: a whole number from 1 to 1000000");
        quotas[name] = fits.ok_or_else(|| Problem::new(Code::Refused, detail()))?.into();
    }
    Ok(quotas)
}

/// Makes a plan, or changes it.
#[post("/ops/plans")]
pub async fn put(visit: Visit, request: HttpRequest, Typed(typed): Typed) -> Result<HttpResponse, Trouble> {
    let asked = match quotas(&typed) {
        Err(trouble) => Err(trouble),
        Ok(quotas) => {
            let name = typed.get("name").unwrap_or_default().trim();
            let target = format!("/admin/v1/plans/{}", segment(name));
            form::if_sure(&visit, &typed, Call::new(Method::PUT, target).json(&quotas)).await
        }
    };
    match asked {
        Ok(_) => Ok(form::then(&visit, "/ops/plans", "put")),
        Err(trouble) => {
            let filled = async |trouble: &Trouble| {
                let tried = Tried { form: "plan", typed: &typed, trouble };
                show(&visit, Some(&tried)).await
            };
            form::again(trouble, &request, filled).await
        }
    }
}
