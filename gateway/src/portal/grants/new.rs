//! Granting a regulator access.

use actix_web::{Either, get, post, web};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use maud::{Markup, html};
use serde_json::json;

use super::{
    form::{self, Answered, Once},
    words::SIGHTS,
};
use crate::{
    access::Door,
    domain::{
        Scope,
        grant::{DAYS_MAX, TEXT_MAX},
    },
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::json::text,
        query::Query,
        trouble::Trouble,
        visit::Visit,
    },
};

/// The form.
#[get("/grants/new")]
pub async fn page(visit: Visit, once: Once, door: web::Data<Door>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    Ok(drawn(&visit, &once, today(&door), &visit.query, None))
}

/// The grant.
#[post("/grants/new")]
pub async fn order(
    visit: Visit,
    once: Once,
    door: web::Data<Door>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    form::allow(&visit)?;
    let scopes: Vec<&str> = given.all("scope").collect();
    let mut order = json!({
        "email": given.get("email").unwrap_or_default().trim(),
        "scopes": scopes,
        "until": ends(given.get("until").unwrap_or_default()),
        "purpose": one_line(given.get("purpose").unwrap_or_default()),
    });
    if let Some(from) = given.get("from").and_then(|day| begins(day, today(&door))) {
        order["from"] = from.into();
    }
    match form::send(&visit, "/v1/grants", &given, &order).await {
        Ok(grant) => Ok(form::see(&visit, &format!("/grants/{}?done=made", text(&grant["id"])))),
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, today(&door), &given, Some(&trouble))))
        }
        Err(trouble) => Err(trouble),
    }
}

fn today(door: &Door) -> Date {
    let now = Timestamp::from_microsecond(door.world.now_us()).unwrap_or(Timestamp::MIN);
    now.to_zoned(TimeZone::UTC).date()
}

/// When a grant begins that counts from a day on; none for at once. What is no day is the API's to refuse.
fn begins(day: &str, today: Date) -> Option<String> {
    match day.parse::<Date>() {
        Ok(date) if date == today => None,
        Ok(date) => Some(midnight(date)),
        Err(_) => Some(day.to_owned()),
    }
}

/// When a grant ends that counts up to a day and all of it.
fn ends(day: &str) -> String {
    match day.parse::<Date>().and_then(Date::tomorrow) {
        Ok(next) => midnight(next),
        Err(_) => day.to_owned(),
    }
}

/// A text whose lines and spaces became single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

fn drawn(visit: &Visit, once: &Once, today: Date, given: &Query, trouble: Option<&Trouble>) -> Page {
    let today = today.to_string();
    let name = visit.stay.institution.as_ref().map_or("the institution", |(_, name)| name.as_str());
    let main = html! {
        h1 { "Grant a regulator access" }
        p {
            "The regulator signs in here and sees what you tick of " strong { (name) } ", and nothing else. Each look \
             is on the ledger, as this grant is. You can revoke it at any time."
        }
        (form::fault(trouble))
        form.sheet method="post" action=(visit.link("/grants/new")) {
            (once.field("grant"))
            label.field {
                span { "E-mail address of the regulator" }
                input type="email" name="email" value=[given.get("email")] maxlength="254" required autocomplete="off";
                span.hint { "By which they sign in. The provider adds people of supervisors." }
            }
            fieldset {
                legend { "What they may see" }
                p.soft { "The institution's name and the state of its ledger are part of every grant." }
                @for sight in SIGHTS {
                    @if sight.scope != Scope::InstitutionRead {
                        (choice(given, sight.scope, sight.what))
                    }
                }
            }
            label.field {
                span { "First day (UTC, optional)" }
                input type="date" name="from" value=[given.get("from")] min=(today);
                span.hint { "From now on unless you name a day." }
            }
            label.field {
                span { "Last day (UTC, all of it)" }
                input type="date" name="until" value=[given.get("until")] min=(today) required;
                span.hint { "At most " (DAYS_MAX) " days. Then it ends by itself." }
            }
            label.field {
                span { "What for" }
                textarea name="purpose" rows="3" maxlength=(TEXT_MAX) required {
                    (given.get("purpose").unwrap_or_default())
                }
                span.hint { "The regulator sees it on every page, and the ledger has it." }
            }
            div.actions {
                button { "Grant access" }
                a href=(visit.link("/grants")) { "Cancel" }
            }
        }
    };
    layout::page(visit, "Grant a regulator access", &main)
}

fn choice(given: &Query, scope: Scope, what: &str) -> Markup {
    let name = scope.as_str();
    html! {
        div.choice {
            label {
                input type="checkbox" name="scope" value=(name) checked[given.all("scope").any(|one| one == name)];
                " " (what)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_whole_and_today_begins_now() {
        let today = jiff::civil::date(2026, 2, 28);
        assert_eq!(begins("2026-02-28", today), None);
        assert_eq!(begins("2026-03-01", today).as_deref(), Some("2026-03-01T00:00:00Z"));
        assert_eq!(begins("soon", today).as_deref(), Some("soon"));
        assert_eq!(ends("2026-02-28"), "2026-03-01T00:00:00Z");
        assert_eq!(ends("28 February"), "28 February");
        assert_eq!(one_line(" a\r\nreview  of\nb "), "a review of b");
    }
}
