//! The OpenAPI document as the service serves it, operation by operation.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Caller, Server};

/// An operation of the document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// Whether it is on the admin port.
    pub admin: bool,
    /// The operation object.
    pub object: Value,
}

/// Every operation that the service says it has.
pub async fn operations(server: &Server) -> Vec<Operation> {
    let document = server.stranger().get("/openapi.json").await.ok();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if let Some(object) = item.get(method.as_str().to_lowercase()) {
                let (path, mut object) = (path.clone(), object.clone());
                for response in object["responses"].as_object_mut().unwrap().values_mut() {
                    resolve(&document, response);
                }
                operations.push(Operation { method, path, admin: item.get("servers").is_some(), object });
            }
        }
    }
    operations
}

/// Puts what a reference names in its place.
fn resolve(document: &Value, object: &mut Value) {
    if let Some(name) = object["$ref"].as_str() {
        let pointer = name.strip_prefix('#').expect("a reference into the document");
        *object = document.pointer(pointer).unwrap_or_else(|| panic!("{name} is not there")).clone();
    }
}

impl Operation {
    pub fn id(&self) -> &str {
        self.object["operationId"].as_str().unwrap_or_default()
    }

    /// The scopes of an access token that it asks for; empty when it asks for none.
    pub fn scopes(&self) -> Vec<&str> {
        let schemes = self.object["security"].as_array().into_iter().flatten();
        let scopes = schemes.filter_map(|scheme| scheme["oauth2"].as_array()).flatten();
        scopes.map(|scope| scope.as_str().unwrap()).collect()
    }

    /// Its parameters of a place: `path`, `query` or `header`.
    pub fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.object["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    pub fn has_parameter(&self, place: &str, name: &str) -> bool {
        self.parameters(place).iter().any(|parameter| parameter["name"] == name)
    }

    pub fn documents(&self, status: u16) -> bool {
        self.object["responses"].get(status.to_string()).is_some()
    }

    /// The route as the ledger names it.
    pub fn route(&self) -> String {
        self.path.replace("{tile}", "{tile:.*}").replace("{file}", "{file:.*}")
    }

    /// The path with its parameters filled in, and the query parameters that must be there.
    pub fn target(&self, value_of: impl Fn(&str) -> String) -> String {
        let mut path = self.path.clone();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().unwrap();
            path = path.replace(&format!("{{{name}}}"), &value_of(name));
        }
        let required = self.parameters("query").into_iter().filter(|parameter| parameter["required"] == true);
        let pairs: Vec<String> = required
            .map(|parameter| {
                let name = parameter["name"].as_str().unwrap();
                format!("{name}={}", value_of(name))
            })
            .collect();
        if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// The request with the document's own example as its body, filled in.
    pub fn request(&self, caller: &Caller, target: &str, fill: impl Fn(&str) -> String) -> RequestBuilder {
        let mut request = caller.request(self.method.clone(), target);
        for parameter in self.parameters("header") {
            if parameter["required"] == true {
                let (name, example) = (parameter["name"].as_str().unwrap(), parameter["example"].to_string());
                request = request.header(name, example.trim_matches('"'));
            }
        }
        let Some(content) = self.object["requestBody"]["content"].as_object() else { return request };
        let (kind, media) = content.iter().next().unwrap();
        // What is not JSON stands in the document as a string.
        let body = media["example"].as_str().map_or_else(|| media["example"].to_string(), ToOwned::to_owned);
        request.header("content-type", kind).body(format!("{}\n", fill(&body)))
    }
}
