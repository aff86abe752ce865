//! Incidents of the service.

use serde_json::Value;

use super::Server;

impl Server {
    /// Opens an incident.
    pub async fn incident(&self, new: &Value) -> Value {
        self.operator().await.post("/admin/v1/incidents", new).await.ok()
    }
}
