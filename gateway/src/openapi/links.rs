//! What leads to what: where an answer has what another operation asks for.

use serde_json::{Map, Value, json};

/// From one operation's answer to another operation, by parameters: the pointer to each in the body, or
/// what it is.
type Link = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const LINKS: &[Link] = &[
    ("listAccounts", "getAccount", &[("id", "/data/0/id")]),
    ("listAccounts", "getAccountBalances", &[("id", "/data/0/id")]),
    ("listAccounts", "listAccountTransactions", &[("id", "/data/0/id")]),
    ("listTransactions", "getTransaction", &[("id", "/data/0/id")]),
    ("listTransactions", "listTransactionVersions", &[("id", "/data/0/id")]),
    ("listAccountTransactions", "getTransaction", &[("id", "/data/0/id")]),
    ("getTransaction", "getAccount", &[("id", "/data/account_id")]),
    ("getTransaction", "listEntries", &[("subject", "/data/id")]),
    ("listEntries", "getEntry", &[("seq", "/data/0/entry/seq")]),
    ("listEntries", "getInclusionProof", &[("seq", "/data/0/entry/seq")]),
    ("getInstitution", "getTlogCheckpoint", &[("institution", "/id")]),
    ("getInstitution", "getTile", &[("institution", "/id")]),
    ("createEvidenceBundle", "getEvidenceBundle", &[("id", "/id")]),
    ("createEvidenceBundle", "downloadEvidenceBundle", &[("id", "/id")]),
    ("listEvidenceBundles", "getEvidenceBundle", &[("id", "/data/0/id")]),
    ("listEvidenceBundles", "downloadEvidenceBundle", &[("id", "/data/0/id")]),
    ("createExport", "getExport", &[("id", "/id")]),
    ("createExport", "downloadExportPart", &[("id", "/id"), ("n", "1")]),
    ("listExports", "getExport", &[("id", "/data/0/id")]),
    ("listExports", "downloadExportPart", &[("id", "/data/0/id"), ("n", "1")]),
    ("createWebhook", "getWebhook", &[("id", "/id")]),
    ("createWebhook", "changeWebhook", &[("id", "/id")]),
    ("createWebhook", "rotateWebhookSecret", &[("id", "/id")]),
    ("createWebhook", "testWebhook", &[("id", "/id")]),
    ("createWebhook", "redeliverWebhook", &[("id", "/id")]),
    ("createWebhook", "listWebhookDeliveries", &[("id", "/id")]),
    ("createWebhook", "deleteWebhook", &[("id", "/id")]),
    ("listWebhooks", "getWebhook", &[("id", "/data/0/id")]),
    ("createGrant", "getGrant", &[("id", "/id")]),
    ("createGrant", "revokeGrant", &[("id", "/id")]),
    ("listGrants", "getGrant", &[("id", "/data/0/id")]),
    ("listEvents", "getEntry", &[("seq", "/data/0/id")]),
    ("createIntake", "getIntake", &[("id", "/id")]),
    ("createIntake", "listIntakeFindings", &[("id", "/id")]),
    ("createIntake", "getIntakeOffset", &[("id", "/id")]),
    ("createIntake", "appendToIntake", &[("id", "/id")]),
    ("createInstitution", "getInstitutionAsOperator", &[("id", "/id")]),
    ("createInstitution", "changeInstitution", &[("id", "/id")]),
    ("createInstitution", "createClient", &[("id", "/id")]),
    ("createInstitution", "listClients", &[("id", "/id")]),
    ("listInstitutions", "listClients", &[("id", "/data/0/id")]),
    ("createClient", "revokeClient", &[("id", "/client_id")]),
    ("createClient", "changeClient", &[("id", "/client_id")]),
    ("listOwnClients", "getOwnClient", &[("id", "/data/0/client_id")]),
];

/// Adds an operation's links to its successes.
pub(super) fn add(operation: &mut Value) {
    let Some(id) = operation["operationId"].as_str() else { return };
    let links: Map<String, Value> = LINKS
        .iter()
        .filter(|(from, ..)| *from == id)
        .map(|(_, to, parameters)| {
            let parameters: Map<String, Value> =
                parameters.iter().map(|(name, at)| ((*name).to_owned(), expression(at))).collect();
            ((*to).to_owned(), json!({"operationId": to, "parameters": parameters}))
        })
        .collect();
    if links.is_empty() {
        return;
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses {
        if matches!(status.as_str(), "200" | "201" | "202") {
            response["links"] = Value::Object(links.clone());
        }
    }
}

fn expression(at: &str) -> Value {
    if at.starts_with('/') { format!("$response.body#{at}").into() } else { at.into() }
}
