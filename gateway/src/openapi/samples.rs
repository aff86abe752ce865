//! `x-codeSamples`: each operation called by curl, Python and JavaScript, made from the operation itself,
//! so that no sample can be of another contract than the document. A test runs every one.
//!
//! A sample reads the access token from `TOKEN`, or the client's id and secret from `CLIENT_ID` and
//! `CLIENT_SECRET`, fails when the answer is a refusal, and prints or keeps what it got.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// How a call says who calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Nothing,
    Token,
    Secret,
}

/// What is sent as a body.
enum Body<'a> {
    None,
    Json(&'a Value),
    Lines(&'a Value),
    Raw(&'a str, &'a str),
    /// Fields; none is the token.
    Form(Vec<(&'a str, Option<&'a str>)>),
}

/// What comes back.
#[derive(Clone, Copy)]
enum Answer {
    Json,
    Text,
    /// Kept in a file of this name.
    File(&'static str),
}

struct Call<'a> {
    method: String,
    url: String,
    proof: Proof,
    once: bool,
    /// Other headers that must be there.
    headers: Vec<(&'a str, String)>,
    body: Body<'a>,
    answer: Answer,
}

/// Adds an operation's samples. `base` is where it is served, without a trailing slash.
pub(super) fn add(operation: &mut Value, method: &str, path: &str, base: &str, schemas: &Map<String, Value>) {
    let call = Call {
        method: method.to_uppercase(),
        url: format!("{base}{}", target(operation, path, schemas)),
        proof: proof(operation),
        once: parameters(operation).any(|parameter| parameter["name"] == "Idempotency-Key"),
        headers: headers(operation),
        body: body(operation, schemas),
        answer: answer(operation),
    };
    operation["x-codeSamples"] = json!([
        {"lang": "Shell", "label": "curl", "source": call.curl()},
        {"lang": "Python", "label": "Python", "source": call.python()},
        {"lang": "JavaScript", "label": "JavaScript", "source": call.javascript()},
    ]);
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    operation["parameters"].as_array().into_iter().flatten()
}

/// The path and query with examples of what must be there, and a page that a person can read.
fn target(operation: &Value, path: &str, schemas: &Map<String, Value>) -> String {
    let (mut target, mut query) = (path.to_owned(), Vec::new());
    for parameter in parameters(operation) {
        let Some(name) = parameter["name"].as_str() else { continue };
        let value = match parameter.get("example") {
            Some(example) => plain(example),
            None => plain(&super::examples::of(&parameter["schema"], schemas)),
        };
        if parameter["in"] == "path" {
            target = target.replace(&format!("{{{name}}}"), &value);
        } else if parameter["in"] == "query" && parameter["required"] == true {
            query.push(format!("{name}={value}"));
        } else if parameter["in"] == "query" && name == "limit" {
            query.push("limit=10".to_owned());
        }
    }
    if query.is_empty() { target } else { format!("{target}?{}", query.join("&")) }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Headers that must be there, with their examples.
fn headers(operation: &Value) -> Vec<(&str, String)> {
    let required = parameters(operation).filter(|one| one["in"] == "header" && one["required"] == true);
    required.filter_map(|one| Some((one["name"].as_str()?, plain(&one["example"])))).collect()
}

fn proof(operation: &Value) -> Proof {
    let schemes = operation["security"].as_array().into_iter().flatten();
    let mut names = schemes.filter_map(|scheme| scheme.as_object()?.keys().next());
    match names.next().map(String::as_str) {
        Some("oauth2") => Proof::Token,
        Some("client_secret_basic") => Proof::Secret,
        _ => Proof::Nothing,
    }
}

fn body<'a>(operation: &'a Value, schemas: &'a Map<String, Value>) -> Body<'a> {
    let Some(content) = operation["requestBody"]["content"].as_object() else { return Body::None };
    let Some((kind, media)) = content.iter().next() else { return Body::None };
    let example = &media["example"];
    match kind.as_str() {
        "application/json" => Body::Json(example),
        "application/x-ndjson" => Body::Lines(example),
        "application/x-www-form-urlencoded" => {
            let form = media["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
            let required = form.and_then(|name| schemas.get(name)?.get("required")?.as_array());
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            Body::Form(names.map(|name| (name, example[name].as_str().filter(|_| name != "token"))).collect())
        }
        other => Body::Raw(other, example.as_str().unwrap_or_default()),
    }
}

fn answer(operation: &Value) -> Answer {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let mut successes = responses.filter(|(status, _)| status.starts_with('2'));
    let content = successes.next().and_then(|(_, response)| response["content"].as_object());
    let kinds: Vec<&str> = content.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    match kinds.as_slice() {
        // A document of whatever type is a file.
        kinds if kinds.contains(&"application/octet-stream") => Answer::File("answer.bin"),
        kinds if kinds.contains(&"application/json") => Answer::Json,
        [kind, ..] if kind.starts_with("text/plain") => Answer::Text,
        ["application/zip"] => Answer::File("answer.zip"),
        [_, ..] => Answer::File("answer.bin"),
        [] => Answer::Text,
    }
}

impl Call<'_> {
    fn content_type(&self) -> Option<&str> {
        match &self.body {
            Body::Json(_) => Some("application/json"),
            Body::Lines(_) => Some("application/x-ndjson"),
            Body::Raw(kind, _) => Some(kind),
            Body::Form(_) | Body::None => None,
        }
    }

    fn curl(&self) -> String {
        let mut lines = vec![format!("curl --fail-with-body --globoff {}", shell(&self.url))];
        if self.method == "HEAD" {
            lines.push("--head".to_owned());
        } else if !matches!((self.method.as_str(), &self.body), ("GET", _) | ("POST", Body::Form(_))) {
            lines.push(format!("--request {}", self.method));
        }
        match self.proof {
            Proof::Nothing => {}
            Proof::Token => lines.push("--header \"Authorization: Bearer $TOKEN\"".to_owned()),
            Proof::Secret => lines.push("--user \"$CLIENT_ID:$CLIENT_SECRET\"".to_owned()),
        }
        if self.once {
            lines.push("--header \"Idempotency-Key: $(openssl rand -hex 16)\"".to_owned());
        }
        for (name, value) in &self.headers {
            lines.push(format!("--header {}", shell(&format!("{name}: {value}"))));
        }
        if let Some(kind) = self.content_type() {
            lines.push(format!("--header {}", shell(&format!("Content-Type: {kind}"))));
        }
        match &self.body {
            Body::None => {}
            Body::Json(value) | Body::Lines(value) => {
                lines.push(format!("--data-binary {}", shell(&value.to_string())));
            }
            Body::Raw(_, text) => lines.push(format!("--data-binary {}", shell(text))),
            Body::Form(fields) => lines.extend(fields.iter().map(|(name, value)| match value {
                Some(value) => format!("--data-urlencode {}", shell(&format!("{name}={value}"))),
                None => format!("--data-urlencode \"{name}=$TOKEN\""),
            })),
        }
        if let Answer::File(name) = self.answer {
            lines.push(format!("--output {name}"));
        }
        lines.join(" \\\n  ")
    }

    fn python(&self) -> String {
        let mut text = String::new();
        if self.proof != Proof::Nothing {
            text += "import os\n";
        }
        if self.once {
            text += "import uuid\n";
        }
        if matches!(self.body, Body::Lines(_)) {
            text += "import json\n";
        }
        text += "\nimport requests\n\n";
        let _ = writeln!(text, "answer = requests.{}(", self.method.to_lowercase());
        let _ = writeln!(text, "    {},", python(&self.url.as_str().into(), 4));
        let mut headers = Vec::new();
        match self.proof {
            Proof::Nothing => {}
            Proof::Token => headers.push("\"Authorization\": f\"Bearer {os.environ['TOKEN']}\"".to_owned()),
            Proof::Secret => {
                text += "    auth=(os.environ[\"CLIENT_ID\"], os.environ[\"CLIENT_SECRET\"]),\n";
            }
        }
        if self.once {
            headers.push("\"Idempotency-Key\": str(uuid.uuid4())".to_owned());
        }
        headers.extend(self.headers.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")));
        if let Some(kind) = self.content_type() {
            headers.push(format!("\"Content-Type\": \"{kind}\""));
        }
        if !headers.is_empty() {
            let _ = writeln!(text, "    headers={{\n        {},\n    }},", headers.join(",\n        "));
        }
        text += &match &self.body {
            Body::None => String::new(),
            Body::Json(value) => format!("    json={},\n", python(value, 4)),
            Body::Lines(value) => format!("    data=json.dumps({}) + \"\\n\",\n", python(value, 4)),
            Body::Raw(_, body) => format!("    data={}.encode(),\n", python(&(*body).into(), 4)),
            Body::Form(fields) => {
                let fields = fields.iter().map(|(name, value)| match value {
                    Some(value) => format!("\"{name}\": \"{value}\""),
                    None => format!("\"{name}\": os.environ[\"TOKEN\"]"),
                });
                format!("    data={{{}}},\n", fields.collect::<Vec<_>>().join(", "))
            }
        };
        text += ")\nanswer.raise_for_status()\n";
        text += &match self.answer {
            Answer::Json => "print(answer.json())".to_owned(),
            Answer::Text => "print(answer.text)".to_owned(),
            Answer::File(name) => {
                format!("with open(\"{name}\", \"wb\") as file:\n    file.write(answer.content)")
            }
        };
        text.trim_start().to_owned()
    }

    fn javascript(&self) -> String {
        let mut text = String::new();
        if let Answer::File(_) = self.answer {
            text += "import { writeFile } from \"node:fs/promises\";\n\n";
        }
        let (mut options, mut headers) = (Vec::new(), Vec::new());
        if self.method != "GET" {
            options.push(format!("method: \"{}\"", self.method));
        }
        match self.proof {
            Proof::Nothing => {}
            Proof::Token => headers.push("Authorization: `Bearer ${process.env.TOKEN}`".to_owned()),
            Proof::Secret => {
                text += "const { CLIENT_ID, CLIENT_SECRET } = process.env;\n";
                headers.push("Authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}`".to_owned());
            }
        }
        if self.once {
            headers.push("\"Idempotency-Key\": crypto.randomUUID()".to_owned());
        }
        headers.extend(self.headers.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")));
        if let Some(kind) = self.content_type() {
            headers.push(format!("\"Content-Type\": \"{kind}\""));
        }
        if !headers.is_empty() {
            options.push(format!("headers: {{\n    {},\n  }}", headers.join(",\n    ")));
        }
        let indented = |value: &Value| pretty(value).replace('\n', "\n  ");
        match &self.body {
            Body::None => {}
            Body::Json(value) => options.push(format!("body: JSON.stringify({})", indented(value))),
            Body::Lines(value) => {
                options.push(format!("body: JSON.stringify({}) + \"\\n\"", indented(value)));
            }
            Body::Raw(_, body) => options.push(format!("body: {}", Value::from(*body))),
            Body::Form(fields) => {
                let fields = fields.iter().map(|(name, value)| match value {
                    Some(value) => format!("{name}: \"{value}\""),
                    None => format!("{name}: process.env.TOKEN"),
                });
                let fields = fields.collect::<Vec<_>>().join(", ");
                options.push(format!("body: new URLSearchParams({{ {fields} }})"));
            }
        }
        let url = Value::from(self.url.as_str());
        let _ = match options.as_slice() {
            [] => writeln!(text, "const answer = await fetch({url});"),
            _ => writeln!(text, "const answer = await fetch({url}, {{\n  {},\n}});", options.join(",\n  ")),
        };
        text += "if (!answer.ok) throw new Error(await answer.text());\n";
        text += &match self.answer {
            Answer::Json => "console.log(await answer.json());".to_owned(),
            Answer::Text => "console.log(await answer.text());".to_owned(),
            Answer::File(name) => {
                format!("await writeFile(\"{name}\", new Uint8Array(await answer.arrayBuffer()));")
            }
        };
        text
    }
}

/// A word for a shell, in single quotes.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A value as Python writes it, on several lines where it is an object or a list.
fn python(value: &Value, indent: usize) -> String {
    let inner = " ".repeat(indent + 4);
    let outer = " ".repeat(indent);
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Object(members) if !members.is_empty() => {
            let members = members.iter().map(|(name, part)| {
                format!("{inner}{}: {},\n", Value::from(name.as_str()), python(part, indent + 4))
            });
            format!("{{\n{}{outer}}}", members.collect::<String>())
        }
        Value::Array(parts) if !parts.is_empty() => {
            let parts = parts.iter().map(|part| python(part, indent)).collect::<Vec<_>>();
            format!("[{}]", parts.join(", "))
        }
        // JSON's strings and numbers are Python's too.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        assert_eq!(shell("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
    }

    #[test]
    fn python_has_words_of_its_own() {
        let value = json!({"a": true, "b": null, "c": [1, "x"]});
        assert_eq!(python(&value, 0), "{\n    \"a\": True,\n    \"b\": None,\n    \"c\": [1, \"x\"],\n}");
    }
}
