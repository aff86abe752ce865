//! What must hold when things go wrong: power cuts, callers that hang up, databases from a backup.

mod backup;
mod berka;
mod callers;
mod cancel;
mod chaos;
mod copies;
mod doubt;
mod exports;
mod fleet;
mod intakes;
mod kill;
#[path = "../../audit/tests/parts.rs"]
mod parts;
mod redis;
mod replicas;
mod rollback;
mod shared_limits;
mod stored;
mod tally;
mod webhooks;

use serde_json::json;

use crate::support::Server;

/// Lifts the limits, so that they don't hold a load back.
async fn lift_limits(server: &Server) {
    let plan = json!({"client_per_second": 1_000_000, "client_burst": 1_000_000,
                      "institution_per_second": 1_000_000, "institution_burst": 1_000_000});
    let operator = server.operator().await;
    let put = operator.request(reqwest::Method::PUT, "/admin/v1/plans/standard").json(&plan);
    operator.send(put).await.ok();
}
