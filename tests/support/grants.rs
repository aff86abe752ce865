//! Grants to the demo's regulator.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Server, forge::now_s};

/// The time so many seconds from now.
pub fn in_s(seconds: i64) -> String {
    Timestamp::from_second(now_s() + seconds).unwrap().to_string()
}

/// From when and until when a grant counts that opens nothing during a test.
pub fn to_come() -> (String, String) {
    (in_s(10 * 24 * 3600), in_s(40 * 24 * 3600))
}

impl Server {
    /// The address by which the demo's regulator signs in.
    pub fn regulator(&self) -> &str {
        let users = self.demo["users"].as_array().unwrap();
        users.iter().find(|user| user["role"] == "regulator").unwrap()["email"].as_str().unwrap()
    }

    /// A grant of some scopes of an institution, from now on for so many seconds.
    pub async fn grant(&self, index: usize, scopes: &[&str], seconds: i64, purpose: &str) -> Value {
        let order = json!({
            "email": self.regulator(), "scopes": scopes, "until": in_s(seconds), "purpose": purpose,
        });
        self.system(index).await.post("/v1/grants", &order).await.ok()
    }

    /// A grant that begins later.
    pub async fn grant_to_come(&self, index: usize, scopes: &[&str]) -> Value {
        let (from, until) = to_come();
        let order = json!({
            "email": self.regulator(), "scopes": scopes, "from": from, "until": until, "purpose": "later",
        });
        self.system(index).await.post("/v1/grants", &order).await.ok()
    }
}
