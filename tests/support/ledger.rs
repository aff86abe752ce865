//! What is on the ledger, read from the database beside the service.

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use uuid::Uuid;

use super::Server;

/// A server's ledger, read behind its back.
pub struct Ledger(SqlitePool);

/// An entry's kind and payload.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub kind: String,
    pub payload: Value,
}

impl Ledger {
    pub fn of(server: &Server) -> Self {
        let file = server.data_dir().join("veritrail.db");
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        Self(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
    }

    /// The id of the provider, whose log counts strangers.
    pub async fn provider(&self) -> String {
        let id: Vec<u8> = sqlx::query_scalar("SELECT id FROM institutions WHERE role = 'provider'")
            .fetch_one(&self.0)
            .await
            .unwrap();
        format!("ins_{}", Uuid::from_slice(&id).unwrap().simple())
    }

    /// The entries of an institution's log whose payload holds a text, in order.
    pub async fn naming(&self, institution: &str, text: &str) -> Vec<Recorded> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT e.kind, p.payload FROM entries e JOIN payloads p USING (institution_id, seq) \
             WHERE e.institution_id = $1 AND instr(p.payload, CAST($2 AS BLOB)) > 0 ORDER BY e.seq",
        )
        .bind(bytes(institution))
        .bind(text)
        .fetch_all(&self.0)
        .await
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

/// The bytes of a prefixed id.
pub fn bytes(id: &str) -> Vec<u8> {
    let (_, hex) = id.split_once('_').unwrap();
    Uuid::parse_str(hex).unwrap().as_bytes().to_vec()
}
