//! A new client of an institution. Its secret is on the page that answers, and nowhere else.

use actix_web::{HttpRequest, HttpResponse, Responder as _, get, http::Method, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{client, institution, ways};
use crate::{
    domain::ClientKind,
    error::{Code, Problem},
    portal::{
        developers::{
            client::typed_addresses,
            form::{self, Once},
        },
        form::Typed,
        layout::{self, Page},
        parts::{fact, json::text, state},
        query::Query,
        trouble::Trouble,
        visit::Visit,
    },
};

/// The form.
#[get("/ops/institutions/{id}/clients/new")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    show(&visit, &once, &id, &Query::default(), &html! {}).await
}

async fn show(visit: &Visit, once: &Once, id: &str, typed: &Query, wrong: &Markup) -> Result<Page, Trouble> {
    let institution = visit.get(&institution::target(id)).await?;
    let own = institution::path(id);
    let ticked = |name: &str, value: &str| typed.all(name).any(|given| given == value);
    let main = html! {
        h1 { "Make a client" }
        (ways(visit))
        p {
            "A system of " strong { (text(&institution["name"])) } " calls the API as this client. "
            "With keys it signs for its tokens; without them it gets a secret, which is shown on the next page, once."
        }
        (wrong)
        form.sheet.wide method="post" action=(visit.link(&format!("{own}/clients"))) {
            (once.field("client"))
            label.field {
                span { "Name" }
                input name="name" required maxlength="100" autocomplete="off" value=[typed.get("name")];
            }
            fieldset {
                legend { "What it may do" }
                @for scope in ClientKind::System.allowed() {
                    label.tick {
                        input type="checkbox" name="scope" value=(scope.as_str()) checked[ticked("scope", scope.as_str())];
                        code { (scope.as_str()) }
                    }
                }
            }
            label.field {
                span { "Public keys, as a JWK set; none for a secret" }
                textarea name="jwks" rows="5" spellcheck="false" autocomplete="off" { (typed.get("jwks").unwrap_or_default()) }
                span.hint { "Ed25519, P-256 or RSA. Public parts alone." }
            }
            (bindings(ticked("dpop", "yes"), ticked("certificate", "yes")))
            (addresses(typed.get("addresses").unwrap_or_default()))
            div.actions {
                button { "Make the client" }
                a href=(visit.link(&own)) { "Leave it" }
            }
        }
    };
    Ok(layout::page(visit, "Make a client", &main))
}

/// What its tokens are bound to.
pub(super) fn bindings(dpop: bool, certificate: bool) -> Markup {
    html! {
        fieldset {
            legend { "What its tokens must be bound to" }
            label.tick { input type="checkbox" name="dpop" value="yes" checked[dpop]; "To a key, by DPoP" }
            label.tick { input type="checkbox" name="certificate" value="yes" checked[certificate]; "To its certificate" }
        }
    }
}

/// From where it may call.
pub(super) fn addresses(shown: &str) -> Markup {
    html! {
        label.field {
            span { "Addresses and networks that it may call from, one a line; none for any" }
            textarea name="addresses" rows="3" spellcheck="false" autocomplete="off" { (shown) }
            span.hint { "Such as 192.0.2.10 or 192.0.2.0/24." }
        }
    }
}

/// What the form asks for.
fn order(typed: &Query) -> Result<Value, Trouble> {
    let mut new = json!({
        "name": typed.get("name").unwrap_or_default().trim(),
        "scopes": typed.all("scope").collect::<Vec<_>>(),
        "dpop_bound_access_tokens": typed.get("dpop") == Some("yes"),
        "tls_client_certificate_bound_access_tokens": typed.get("certificate") == Some("yes"),
        "allowed_addresses": typed_addresses(typed),
    });
    if let Some(jwks) = typed.get("jwks") {
        let unreadable =
            |error: serde_json::Error| Problem::new(Code::Refused, format!("keys: this is no JSON: {error}"));
        new["jwks"] = serde_json::from_str(jwks).map_err(unreadable)?;
    }
    Ok(new)
}

/// Makes the client, and shows its secret.
#[post("/ops/institutions/{id}/clients")]
pub async fn add(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let asked = match order(&typed) {
        Ok(new) => {
            let call = form::call(Method::POST, format!("{}/clients", institution::target(&id)), &typed);
            visit.ask(call.json(&new)).await
        }
        Err(trouble) => Err(trouble),
    };
    match asked {
        Ok(made) => Ok(made_page(&visit, &id, &made).respond_to(&request)),
        Err(trouble) => {
            let filled =
                async |trouble: &Trouble| show(&visit, &once, &id, &typed, &form::said(trouble)).await;
            form::again(trouble, &request, filled).await
        }
    }
}

fn made_page(visit: &Visit, id: &str, made: &Value) -> Page {
    let client_id = text(&made["client_id"]);
    let main = html! {
        h1 { "The client was made" }
        (ways(visit))
        (fact::list(&[
            ("Name", Some(html! { (text(&made["name"])) })),
            ("Client id", Some(fact::copyable(client_id))),
        ]))
        @if made["client_secret"].is_string() {
            (form::shown_once("Its secret", &made["client_secret"]))
        } @else if made["auth_method"] == "client_secret_basic" {
            (state::notice(
                state::Tone::Warn,
                "This form was sent before, and the secret was shown then. If it is lost, revoke this client and make another.",
            ))
        } @else {
            p { "It signs for its tokens with the keys that you gave." }
        }
        p {
            a href=(visit.link(&client::path(id, client_id))) { "To the client" } " · "
            a href=(visit.link(&institution::path(id))) { "Back to the institution" }
        }
    };
    layout::page(visit, "The client was made", &main)
}
