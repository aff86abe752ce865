//! The only list of routes. Registering one documents it.

use std::sync::LazyLock;

use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::header::{self, HeaderValue},
    web,
};
use utoipa::openapi::{OpenApi, PathItem};
use utoipa_actix_web::{AppExt as _, service_config::ServiceConfig};

use crate::{
    api::{
        accounts, admin, clients, diagnostics, docs, events, evidence_bundles, exports, granted, grants,
        health, institution, intake_mappings, intakes, ledger, limits, lineage, metrics, oauth2, reports,
        status, tlog, transactions, transactions_batch, usage, webhooks, well_known,
    },
    error::{Code, Problem},
    portal,
};

/// The API's routes.
pub fn api(config: &mut ServiceConfig<'_>) {
    config
        .service(oauth2::issue_token)
        .service(oauth2::revoke_token)
        .service(oauth2::introspect_token)
        .service(well_known::metadata)
        .service(well_known::jwks)
        .service(institution::get)
        .service(accounts::list)
        .service(accounts::transactions)
        .service(accounts::balances::get)
        .service(accounts::get)
        .service(transactions_batch::deliver)
        .service(transactions::list)
        .service(transactions::lookup::look_up)
        .service(transactions::sync::changes)
        .service(transactions::versions::list)
        .service(transactions::get)
        .service(intakes::create)
        .service(intakes::findings)
        .service(intakes::list)
        .service(intakes::get)
        .service(intakes::offset)
        .service(intakes::append)
        .service(intake_mappings::put)
        .service(intake_mappings::get)
        .service(ledger::list_entries)
        .service(ledger::looks::list)
        .service(ledger::days::get)
        .service(ledger::actors::get)
        .service(ledger::get_entry)
        .service(ledger::prove_inclusion)
        .service(ledger::prove_consistency)
        .service(ledger::get_checkpoint)
        .service(ledger::get_key)
        .service(tlog::get_checkpoint)
        .service(tlog::get_tile)
        .service(evidence_bundles::create)
        .service(evidence_bundles::list)
        .service(evidence_bundles::content)
        .service(evidence_bundles::get)
        .service(clients::list)
        .service(clients::get)
        .service(clients::add_key)
        .service(clients::end_key)
        .service(clients::rotate_secret)
        .service(clients::put_allowed_addresses)
        .service(exports::create)
        .service(exports::list)
        .service(exports::get)
        .service(exports::content)
        .service(events::list)
        .service(events::stream)
        .service(lineage::tell::tell)
        .service(lineage::tell::tell_all)
        .service(lineage::nodes::list)
        .service(lineage::nodes::runs)
        .service(lineage::nodes::versions)
        .service(lineage::events::list)
        .service(lineage::impact::get)
        .service(lineage::graph::get)
        .service(lineage::marquez::get)
        .service(lineage::prov::get)
        .service(reports::types::list)
        .service(reports::types::file)
        .service(reports::deposits::create)
        .service(reports::order::create)
        .service(reports::order::create_version)
        .service(reports::read::list)
        .service(reports::read::get)
        .service(reports::read::versions)
        .service(reports::read::get_version)
        .service(reports::read::content)
        .service(reports::bundle::get)
        .service(reports::figures::list)
        .service(reports::figures::get)
        .service(reports::figures::prove)
        .service(reports::remarks::list)
        .service(reports::validations::create)
        .service(reports::validations::list)
        .service(reports::validations::output)
        .service(reports::deliveries::create)
        .service(reports::deliveries::list)
        .service(reports::adjustments::create)
        .service(reports::adjustments::list)
        .service(reports::adjustments::get)
        .service(reports::adjustments::decide)
        .service(reports::schedules::create)
        .service(reports::schedules::list)
        .service(reports::schedules::get)
        .service(reports::schedules::delete)
        .service(reports::uses::list)
        .service(reports::uses::impact)
        .service(grants::list)
        .service(grants::create)
        .service(grants::get)
        .service(grants::revoke)
        .service(granted::list)
        .service(webhooks::list)
        .service(webhooks::create)
        .service(webhooks::telling::deliveries)
        .service(webhooks::telling::redeliver)
        .service(webhooks::telling::test)
        .service(webhooks::rotate)
        .service(webhooks::get)
        .service(webhooks::change)
        .service(webhooks::delete)
        .service(limits::get)
        .service(limits::plan::make)
        .service(usage::get)
        .service(diagnostics::diagnose)
        .service(status::get)
        .service(status::incident)
        .service(health::live)
        .service(health::ready)
        .service(docs::openapi);
}

/// The admin API's routes, on a port of their own.
pub fn admin(config: &mut ServiceConfig<'_>) {
    config
        .service(admin::institutions::create)
        .service(admin::institutions::list)
        .service(admin::institutions::get)
        .service(admin::institutions::change)
        .service(admin::clients::create)
        .service(admin::clients::list)
        .service(admin::clients::get)
        .service(admin::clients::revoke)
        .service(admin::clients::change)
        .service(admin::plans::list)
        .service(admin::plans::put)
        .service(admin::feeds::list)
        .service(admin::logs::list)
        .service(admin::figures::get)
        .service(admin::incidents::create)
        .service(admin::incidents::list)
        .service(admin::incidents::get)
        .service(admin::incidents::update);
}

/// The document of some routes, added to what there is already.
#[must_use]
pub fn describe(base: OpenApi, routes: fn(&mut ServiceConfig<'_>)) -> OpenApi {
    App::new().into_utoipa_app().openapi(base).configure(routes).split_for_parts().1
}

type Paths = Vec<(ResourceDef, String)>;

static API_PATHS: LazyLock<Paths> = LazyLock::new(|| paths(&describe(OpenApi::default(), api)));
static ADMIN_PATHS: LazyLock<Paths> = LazyLock::new(|| paths(&describe(OpenApi::default(), admin)));

/// The path patterns of a document, and the methods that each has.
fn paths(document: &OpenApi) -> Paths {
    let methods = |item: &PathItem| {
        let all = [
            ("GET", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("PUT", item.put.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        all.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    document
        .paths
        .paths
        .iter()
        .map(|(path, item)| {
            (
                ResourceDef::new(path.replace("{tile}", "{tile:.*}").replace("{file}", "{file:.*}")),
                methods(item),
            )
        })
        .collect()
}

/// What no route of the API takes: 405 where the path has another method, 404 otherwise.
pub async fn api_fallback(request: HttpRequest) -> HttpResponse {
    fallback(&request, &API_PATHS)
}

/// What no route of the admin API takes.
pub async fn admin_fallback(request: HttpRequest) -> HttpResponse {
    fallback(&request, &ADMIN_PATHS)
}

fn fallback(request: &HttpRequest, paths: &Paths) -> HttpResponse {
    match paths.iter().find(|(pattern, _)| pattern.is_match(request.path())) {
        Some((_, allowed)) => {
            let detail = format!("this path takes {allowed}");
            let mut response = HttpResponse::from_error(Problem::new(Code::MethodNotAllowed, detail));
            if let Ok(allowed) = HeaderValue::from_str(allowed) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            response
        }
        None => HttpResponse::from_error(Problem::not_found()),
    }
}

/// The pages beside the API that its document does not describe: the document as a page, and the portal.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(docs::page).service(docs::slash).service(docs::style).service(docs::script);
    // Last: it takes what no route before it took.
    portal::pages(config);
}

/// What the admin port has beside the admin API: what is counted, for Prometheus.
pub fn admin_pages(config: &mut web::ServiceConfig) {
    config.service(metrics::scrape);
}
