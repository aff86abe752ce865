//! People in the portal, as a browser without scripts sees it.

use reqwest::{Client, RequestBuilder, Response, header, redirect::Policy};

use super::Server;

/// Somebody who is signed in.
pub struct Person {
    http: Client,
    base: String,
    cookie: Option<String>,
}

impl Server {
    /// The demo's person of a role, signed in.
    pub async fn person(&self, role: &str) -> Person {
        let users = self.demo["institutions"][0]["users"].as_array().unwrap().iter();
        let users = users.chain(self.demo["users"].as_array().unwrap());
        let user = users.clone().find(|user| user["role"] == role).unwrap();
        let mut person = Person::stranger(self.base_url());
        person.sign_in(user["email"].as_str().unwrap(), user["password"].as_str().unwrap()).await;
        person
    }
}

impl Person {
    /// Somebody who is not signed in.
    pub fn stranger(base: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, base: base.to_owned(), cookie: None }
    }

    /// Signs in, and keeps the session.
    pub async fn sign_in(&mut self, email: &str, password: &str) {
        let answer = self.submit("/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
    }

    /// The session's cookie, as it is sent.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// A page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.open(path).await;
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        assert_eq!(kind.unwrap(), "text/html; charset=utf-8", "{path}");
        text
    }

    /// Whatever is at a path; redirects are not followed.
    pub async fn open(&self, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.base)).header(header::ACCEPT, "text/html");
        self.send(request).await
    }

    /// Sends a form, as its page would; redirects are not followed.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header(header::ORIGIN, &self.base).header(header::ACCEPT, "text/html");
        self.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)).await
    }

    /// Sends a request with the session's cookie.
    pub async fn send(&self, mut request: RequestBuilder) -> Response {
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.send().await.unwrap()
    }
}
