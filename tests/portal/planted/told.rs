//! What else is told to the service with payloads: lineage, grants, webhooks, exports, evidence, and looks.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    payload::{self, FORMULA, SCRIPT},
    plant::{Planted, encoded, text},
};
use crate::support::{
    grants::in_s,
    receiver::{Manner, until},
};

/// What a grant can name.
const GRANTED: [&str; 6] =
    ["accounts:read", "transactions:read", "ledger:read", "evidence:read", "lineage:read", "reports:read"];

/// Plants all of it.
pub async fn plant(planted: &mut Planted) {
    for kind in [SCRIPT, FORMULA, 1, 2] {
        lineage(planted, kind).await;
    }
    grants(planted).await;
    incident(planted).await;
    webhooks(planted).await;
    taken_out(planted).await;
    let looked = format!("reference={}", encoded(&payload::of(("a look", "path and query"), SCRIPT)));
    planted.texts.keep(("a look", "path and query"), looked.clone());
    planted.system.get(&format!("/v1/transactions?{looked}")).await.ok();
}

/// An event whose every name is a payload.
async fn lineage(planted: &mut Planted, kind: usize) {
    let mut fill = |place| planted.texts.one(("OpenLineage", place), kind);
    let (from, column) = (
        json!({"namespace": fill("inputs/namespace"), "name": fill("inputs/name")}),
        fill("outputs/facets/schema/name"),
    );
    let way = json!({"type": "DIRECT", "subtype": fill("outputs/facets/columnLineage/subtype")});
    let mut input = from.clone();
    input["field"] = fill("outputs/facets/columnLineage/field").into();
    input["transformations"] = json!([way]);
    let mut made_of = serde_json::Map::new();
    made_of.insert(column.clone(), json!({"inputFields": [input]}));
    let event = json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "producer": fill("producer"),
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": fill("run/runId"), "facets": {
            "parent": {
                "run": {"runId": fill("run/facets/parent/run/runId")},
                "job": {
                    "namespace": fill("run/facets/parent/job/namespace"),
                    "name": fill("run/facets/parent/job/name"),
                },
            },
            "note": {"text": fill("run/facets")},
        }},
        "job": {"namespace": fill("job/namespace"), "name": fill("job/name")},
        "inputs": [from],
        "outputs": [{
            "namespace": fill("outputs/namespace"), "name": fill("outputs/name"),
            "facets": {
                "version": {"datasetVersion": fill("outputs/facets/version")},
                "schema": {"fields": [{"name": column, "type": fill("outputs/facets/schema/type")}]},
                "columnLineage": {"fields": made_of},
            },
        }],
    });
    planted.system.post("/api/v1/lineage", &event).await.ok();
    // As the product writes nodes: a colon in a namespace is %3A.
    let node = |kind: &str, named: &Value| {
        let namespace = text(&named["namespace"]).replace('%', "%25").replace(':', "%3A");
        encoded(&format!("{kind}:{namespace}:{}", text(&named["name"])))
    };
    let nodes = [
        node("dataset", &event["inputs"][0]),
        node("dataset", &event["outputs"][0]),
        node("job", &event["job"]),
    ];
    for node in nodes {
        planted.pages.extend([
            format!("/lineage?node={node}&depth=10&columns=true"),
            format!("/lineage/node?node={node}"),
            format!("/lineage/impact?node={node}"),
            format!("/lineage.svg?node={node}"),
        ]);
    }
    let column = encoded(&column);
    let output = node("dataset", &event["outputs"][0]);
    planted.pages.extend([
        format!("/lineage/impact?node={output}&column={column}"),
        "/lineage?limit=500".to_owned(),
        "/lineage?type=job&limit=500".to_owned(),
    ]);
}

/// A grant that lets the regulator look, and one that was taken back.
async fn grants(planted: &mut Planted) {
    let system = planted.system.clone();
    let purpose = planted.texts.whole(("createGrant", "/purpose"), 500);
    let email = planted.email("regulator").to_owned();
    let order = json!({"email": email, "scopes": GRANTED, "until": in_s(24 * 3600), "purpose": purpose});
    let live = text(&system.post("/v1/grants", &order).await.ok()["id"]);
    let over = text(&system.post("/v1/grants", &order).await.ok()["id"]);
    let reason = planted.texts.whole(("revokeGrant", "/reason"), 500);
    system.post(&format!("/v1/grants/{over}/revocation"), &json!({"reason": reason})).await.ok();
    planted.pages.extend(["/grants".to_owned(), format!("/grants/{live}"), format!("/grants/{over}")]);
}

/// An incident, and what is new of it: everybody is shown both.
async fn incident(planted: &mut Planted) {
    let operator = planted.server.operator().await;
    let mut told = json!({
        "title": planted.texts.whole(("createIncident", "/title"), 100), "status": "investigating",
        "impact": "minor", "components": ["webhooks"], "text": planted.texts.whole(("createIncident", "/text"), 500),
    });
    let id = text(&operator.post("/admin/v1/incidents", &told).await.ok()["id"]);
    told.as_object_mut().unwrap().remove("title");
    told["text"] = planted.texts.whole(("updateIncident", "/text"), 500).into();
    operator.post(&format!("/admin/v1/incidents/{id}/updates"), &told).await.ok();
}

/// Endpoints, and what a receiver answered one of them.
async fn webhooks(planted: &mut Planted) {
    let system = planted.system.clone();
    let description = planted.texts.whole(("createWebhook", "/description"), 200);
    let query = payload::of(("createWebhook", "/url"), SCRIPT);
    let url = format!("{}?q=\"{query}", planted.receiver.url());
    let order = json!({"url": url, "description": description, "events": ["webhook_endpoint.deleted"]});
    let made = system.post("/v1/webhooks", &order).await.ok();
    let id = text(&made["id"]);
    // As the service writes it.
    planted.texts.keep(("createWebhook", "/url"), text(&made["url"]));
    let answer = planted.texts.one(("a webhook's receiver", "its answer"), SCRIPT);
    planted.receiver.behave(Manner::Status(500, answer.leak()));
    system.send(system.request(Method::POST, &format!("/v1/webhooks/{id}/test"))).await.ok();
    until("the test has failed", async || {
        let told = system.get(&format!("/v1/webhooks/{id}/deliveries")).await.ok();
        let ended = told["data"].as_array().unwrap().iter().any(|attempt| attempt["state"] != "ordered");
        ended.then_some(())
    })
    .await;

    let order = json!({"url": "https://hooks.bank.example/x", "events": ["webhook_endpoint.deleted"]});
    let other = text(&system.post("/v1/webhooks", &order).await.ok()["id"]);
    let change = json!({"description": planted.texts.whole(("changeWebhook", "/description"), 200)});
    let request = system.request(Method::PATCH, &format!("/v1/webhooks/{other}")).json(&change);
    system.send(request).await.ok();
    planted.webhook = other.clone();
    let client = text(&planted.client["client_id"]);
    planted.pages.extend([
        "/developers".to_owned(),
        "/developers/clients".to_owned(),
        "/developers/webhooks".to_owned(),
        "/developers/events".to_owned(),
        format!("/developers/clients/{client}"),
        format!("/developers/webhooks/{id}"),
        format!("/developers/webhooks/{other}"),
    ]);
}

/// An export and a bundle.
async fn taken_out(planted: &mut Planted) {
    let system = planted.system.clone();
    let wanted = planted.texts.one(("createExport", "/filter/*"), SCRIPT);
    let filter = json!({"remittance_information[contains]": wanted});
    system.post("/v1/exports", &json!({"of": "transactions", "format": "csv", "filter": filter})).await.ok();
    let key = planted.texts.one(("any operation", "Idempotency-Key"), SCRIPT);
    let order = json!({"from_seq": "0", "to_seq": "3"});
    let request =
        system.request(Method::POST, "/v1/evidence-bundles").header("idempotency-key", key).json(&order);
    let bundle = system.send(request).await.ok();
    let id = text(&bundle["id"]);
    system.until_ready(&id).await;
    planted.pages.extend(["/evidence".to_owned(), format!("/evidence/{id}")]);
}
