//! What is on the ledger, read from the database beside the service.

use serde_json::Value;
use uuid::Uuid;

use super::{
    Server,
    behind::{Behind, behind},
};

/// A server's ledger, read behind its back.
pub struct Ledger(Behind);

/// An entry's kind and payload.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub kind: String,
    pub payload: Value,
}

impl Ledger {
    pub fn of(server: &Server) -> Self {
        Self(Behind::of(server.data_dir()))
    }

    /// The id of the provider, whose log counts strangers.
    pub async fn provider(&self) -> String {
        let sql = "SELECT id FROM institutions WHERE role = 'provider'";
        let id: Uuid = behind!(&self.0, pool => sqlx::query_scalar(sql).fetch_one(pool).await).unwrap();
        format!("ins_{}", id.simple())
    }

    /// The entries of an institution's log whose payload holds a text, in order.
    pub async fn naming(&self, institution: &str, text: &str) -> Vec<Recorded> {
        let holds = match &self.0 {
            Behind::Sqlite(_) => "instr(p.payload, $2)",
            Behind::Postgres(_) => "position($2 IN p.payload)",
        };
        let sql = format!(
            "SELECT e.kind, p.payload FROM entries e JOIN payloads p USING (institution_id, seq) \
             WHERE e.institution_id = $1 AND {holds} > 0 ORDER BY e.seq"
        );
        let rows: Vec<(String, Vec<u8>)> = behind!(&self.0, pool => {
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
            query.bind(uuid(institution)).bind(text.as_bytes()).fetch_all(pool).await
        })
        .unwrap();
        let recorded = |(kind, payload): (String, Vec<u8>)| {
            let payload = serde_json::from_slice(&payload).unwrap();
            Recorded { kind, payload }
        };
        rows.into_iter().map(recorded).collect()
    }

    /// The one look that a request id stands for.
    #[track_caller]
    pub fn access(found: &[Recorded], request: &str) -> Value {
        one(found, "access", "accesses", request)
    }

    /// The one refusal that a request id stands for.
    #[track_caller]
    pub fn denial(found: &[Recorded], request: &str) -> Value {
        one(found, "denied", "denials", request)
    }

    /// Refusals of a client by one code, in order.
    pub async fn denials(&self, institution: &str, client: &str, code: &str) -> Vec<Value> {
        let found = self.naming(institution, client).await;
        let denied = found.iter().filter(|entry| entry.kind == "denied");
        let all = denied.flat_map(|entry| entry.payload["denials"].as_array().unwrap().clone());
        all.filter(|denial| denial["actor"] == client && denial["code"] == code).collect()
    }

    /// How often strangers were refused on a route.
    pub async fn strangers(&self, method: &str, route: &str) -> u64 {
        let provider = self.provider().await;
        let denials = self.naming(&provider, &format!(r#""path":"{route}""#)).await;
        denials
            .iter()
            .filter(|entry| entry.kind == "denied")
            .flat_map(|entry| entry.payload["denials"].as_array().unwrap().clone())
            .filter(|denial| denial["method"] == method && denial["path"] == route)
            .filter(|denial| denial.get("request").is_none())
            .map(|denial| denial["count"].as_u64().unwrap())
            .sum()
    }
}

#[track_caller]
fn one(found: &[Recorded], kind: &str, list: &str, request: &str) -> Value {
    let listed: Vec<&Value> = found
        .iter()
        .filter(|entry| entry.kind == kind)
        .flat_map(|entry| entry.payload[list].as_array().unwrap())
        .filter(|item| item["request"] == request)
        .collect();
    assert_eq!(listed.len(), 1, "{request} stands {} times among the {list}: {found:?}", listed.len());
    listed[0].clone()
}

/// The UUID of a prefixed id.
pub fn uuid(id: &str) -> Uuid {
    Uuid::parse_str(id.split_once('_').unwrap().1).unwrap()
}
