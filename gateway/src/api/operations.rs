//! The operations as the document has them: what else is told of operations can't differ from it.

use actix_web::{dev::ResourceDef, http::Method};
use serde_json::Value;

use crate::{
    access::right::{
        ChangeClients, Deliver, OrderEvidence, OrderExports, OrderReports, Right as _, SearchLedger,
        TakeReportEvidence, TellWebhooks, WriteTransactions,
    },
    domain::nearest::nearest,
};

/// Operations whose right costs more than 1. A test holds each operation's cost against what it spends.
const DEARER: &[(&str, u32)] = &[
    ("addClientKey", ChangeClients::COST),
    ("createEvidenceBundle", OrderEvidence::COST),
    ("createExport", OrderExports::COST),
    ("createIntake", Deliver::COST),
    ("createReport", OrderReports::COST),
    ("createReportSchedule", OrderReports::COST),
    ("createReportVersion", OrderReports::COST),
    ("getLedgerDays", SearchLedger::COST),
    ("listLooks", SearchLedger::COST),
    ("proveReportContribution", TakeReportEvidence::COST),
    ("deliverTransactions", WriteTransactions::COST),
    ("depositReport", OrderReports::COST),
    ("downloadReportBundle", TakeReportEvidence::COST),
    ("endClientKey", ChangeClients::COST),
    ("putAllowedAddresses", ChangeClients::COST),
    ("redeliverWebhook", TellWebhooks::COST),
    ("rotateClientSecret", ChangeClients::COST),
    ("testWebhook", TellWebhooks::COST),
];

/// Units of a client's and its institution's limits that an operation costs: none without a token. Each
/// request also costs 1 of its address's limit.
#[must_use]
pub fn cost(id: &str, takes_token: bool) -> u32 {
    let dearer = DEARER.iter().find(|(dearer, _)| *dearer == id).map(|(_, cost)| *cost);
    if takes_token { dearer.unwrap_or(1) } else { 0 }
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub pattern: ResourceDef,
    /// The scopes of a token that opens it; none when it takes no token.
    pub scopes: Vec<String>,
    /// What it costs of a client's and its institution's limits.
    pub cost: u32,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The media types of its body; none when it takes no body.
    pub takes: Vec<String>,
}

/// A parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `path`, `query` or `header`.
    pub place: String,
    /// Whether it must be there.
    pub required: bool,
}

/// Every operation of the API's port.
#[derive(Debug)]
pub struct Operations(Vec<Operation>);

impl Operations {
    /// Reads them from the document.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let items = document["paths"].as_object().into_iter().flatten();
        // What has a server of its own is on the admin port.
        let own = items.filter(|(_, item)| item.get("servers").is_none());
        let all = own.flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.filter_map(move |(method, object)| Operation::of(path, method, object))
        });
        Self(all.collect())
    }

    /// All, in the document's order.
    pub fn iter(&self) -> impl Iterator<Item = &Operation> {
        self.0.iter()
    }

    /// Those at a path, one for each method.
    pub fn at(&self, path: &str) -> impl Iterator<Item = &Operation> {
        self.0.iter().filter(move |operation| operation.pattern.is_match(path))
    }

    /// The one of a name; if there is none, the name that was likely meant.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, id: &str) -> Result<&Operation, Option<&str>> {
        let found = self.0.iter().find(|operation| operation.id == id);
        found.ok_or_else(|| nearest(id, self.0.iter().map(|operation| operation.id.as_str())))
    }
}

impl Operation {
    fn of(path: &str, method: &str, object: &Value) -> Option<Self> {
        let texts = |value: &Value| -> Vec<String> {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        let security = object["security"].as_array().into_iter().flatten();
        Some(Self {
            id: object["operationId"].as_str()?.to_owned(),
            method: method.to_uppercase().parse().ok()?,
            pattern: ResourceDef::new(path.replace("{tile}", "{tile:.*}").replace("{file}", "{file:.*}")),
            scopes: security.flat_map(|one| texts(&one["oauth2"])).collect(),
            parameters: object["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Parameter::of)
                .collect(),
            takes: object["requestBody"]["content"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(kind, _)| kind.clone())
                .collect(),
            cost: object["x-cost"].as_u64().and_then(|cost| cost.try_into().ok()).unwrap_or_default(),
        })
    }
}

impl Parameter {
    fn of(object: &Value) -> Option<Self> {
        Some(Self {
            name: object["name"].as_str()?.to_owned(),
            place: object["in"].as_str()?.to_owned(),
            required: object["required"] == true,
        })
    }
}
