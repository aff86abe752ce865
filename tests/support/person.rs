//! A person with a browser, as far as HTTP goes: it keeps cookies, and says where its forms come from.

use std::collections::BTreeMap;

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::Value;

use super::{Answer, Server};

/// A person.
pub struct Person {
    http: Client,
    base_url: String,
    pub cookies: BTreeMap<String, String>,
}

/// The cookie of a session.
pub const SESSION: &str = "__Host-session";

impl Person {
    /// Somebody who is not signed in.
    pub fn nobody(server: &Server) -> Self {
        Self::at(server.base_url())
    }

    /// The same, at an address of one's own choice.
    pub fn at(base_url: &str) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { http, base_url: base_url.to_owned(), cookies: BTreeMap::new() }
    }

    /// Signs in.
    pub async fn signed_in(server: &Server, email: &str, password: &str) -> Self {
        let mut person = Self::nobody(server);
        let answer = person.sign_in(email, password, "/").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        person
    }

    /// The demo's person of a role, signed in.
    pub async fn of_role(server: &Server, role: &str) -> Self {
        let (email, password) = credentials(server, role);
        Self::signed_in(server, &email, &password).await
    }

    /// The session's cookie.
    pub fn session(&self) -> Option<&str> {
        self.cookies.get(SESSION).map(String::as_str)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match self.cookies.is_empty() {
            true => request,
            false => {
                let pairs: Vec<String> =
                    self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request.header("cookie", pairs.join("; "))
            }
        }
    }

    /// Sends, and keeps the cookies that come back.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a form from our own page.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header("origin", &self.base_url).form(form);
        self.send(request).await
    }

    pub async fn sign_in(&mut self, email: &str, password: &str, next: &str) -> Answer {
        self.post("/sign-in", &[("email", email), ("password", password), ("next", next)]).await
    }
}

impl Server {
    /// The demo's person of a role, signed in.
    pub async fn person(&self, role: &str) -> Person {
        Person::of_role(self, role).await
    }
}

impl Server {
    /// Adds a person; the path of the link by which they set a password.
    pub fn add_person(&self, email: &str, role: &str, institution: Option<&str>) -> String {
        let mut args = vec!["user", "add", "--email", email, "--name", "Ada Byron", "--role", role];
        args.extend(institution.iter().flat_map(|id| ["--institution", *id]));
        let output = self.run(&args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let link = said.lines().find_map(|line| line.strip_prefix("set password ")).unwrap();
        link.strip_prefix(self.base_url()).unwrap().to_owned()
    }
}

/// Pages, as a browser without scripts gets them.
impl Person {
    /// A page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.open(path).await;
        let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        assert_eq!(kind.unwrap(), "text/html; charset=utf-8", "{path}");
        text
    }

    /// Whatever is at a path; redirects are not followed.
    pub async fn open(&self, path: &str) -> reqwest::Response {
        self.request(Method::GET, path).header("accept", "text/html").send().await.unwrap()
    }

    /// Sends a form from our own page; redirects are not followed.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let request = self.request(Method::POST, path).header("origin", &self.base_url);
        request.header("accept", "text/html").form(form).send().await.unwrap()
    }
}

/// The e-mail address and the password of the demo's person of a role.
pub fn credentials(server: &Server, role: &str) -> (String, String) {
    credentials_in(&server.demo, role)
}

/// The same, of what a demo says.
pub fn credentials_in(demo: &Value, role: &str) -> (String, String) {
    let people = demo["institutions"][0]["users"].as_array().unwrap().iter();
    let mut people = people.chain(demo["users"].as_array().unwrap());
    let person = people.find(|person| person["role"] == role).unwrap();
    let text = |name: &str| person[name].as_str().unwrap().to_owned();
    (text("email"), text("password"))
}
