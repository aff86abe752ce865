//! WebDriver's wire (W3C WebDriver, section 6): JSON over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

/// The member by which an element is known.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What a driver answered instead of a value: its error and message.
#[derive(Debug)]
pub struct Refused(pub String);

/// A session of a driver.
pub struct Session {
    http: reqwest::Client,
    url: String,
}

impl Session {
    pub async fn begin(driver: &str, capabilities: Value) -> Self {
        let mut session = Self { http: reqwest::Client::new(), url: format!("{driver}/session") };
        let wanted = json!({"capabilities": {"alwaysMatch": capabilities}});
        let begun = session.send(Method::POST, "", Some(wanted)).await.unwrap();
        session.url = format!("{driver}/session/{}", begun["sessionId"].as_str().unwrap());
        session
    }

    pub async fn end(&self) {
        self.send(Method::DELETE, "", None).await.unwrap();
    }

    pub async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Refused> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// The elements that a CSS selector finds now.
    pub async fn elements(&self, css: &str) -> Vec<Element<'_>> {
        self.found("css selector", css).await
    }

    /// The elements that are found now by one of WebDriver's ways.
    pub async fn found(&self, using: &str, value: &str) -> Vec<Element<'_>> {
        match self.post("/elements", json!({"using": using, "value": value})).await {
            Ok(found) => found.as_array().unwrap().iter().map(|one| self.element(one)).collect(),
            // The page went away meanwhile, and the next one is not there yet.
            Err(error) if error.0.contains("navigation") => Vec::new(),
            Err(error) => panic!("{value}: {}", error.0),
        }
    }

    /// The element that a driver named.
    pub fn element(&self, named: &Value) -> Element<'_> {
        Element { session: self, path: format!("/element/{}", named[ELEMENT].as_str().unwrap()) }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refused> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let good = response.status().is_success();
        let mut answer: Value = response.json().await.unwrap();
        let value = answer["value"].take();
        if good { Ok(value) } else { Err(Refused(format!("{}: {}", value["error"], value["message"]))) }
    }
}

/// An element of a page.
pub struct Element<'a> {
    session: &'a Session,
    path: String,
}

impl Element<'_> {
    pub async fn click(&self) -> Result<(), Refused> {
        self.session.post(&format!("{}/click", self.path), json!({})).await.map(drop)
    }

    pub async fn clear(&self) -> Result<(), Refused> {
        self.session.post(&format!("{}/clear", self.path), json!({})).await.map(drop)
    }

    pub async fn send_keys(&self, keys: &str) -> Result<(), Refused> {
        self.session.post(&format!("{}/value", self.path), json!({"text": keys})).await.map(drop)
    }

    /// What a person reads there.
    pub async fn text(&self) -> Result<String, Refused> {
        let text = self.session.get(&format!("{}/text", self.path)).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    pub async fn attribute(&self, name: &str) -> Result<Option<String>, Refused> {
        let value = self.session.get(&format!("{}/attribute/{name}", self.path)).await?;
        Ok(value.as_str().map(ToOwned::to_owned))
    }
}
