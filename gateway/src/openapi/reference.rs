//! The API reference: the document as one page, made once when the service starts. It works without
//! scripts; a script adds copying, searching and calling.

mod fields;
mod markdown;

use std::fmt::Write as _;

use serde_json::{Map, Value};

use self::markdown::{escape, inline};

/// The page of a document.
#[must_use]
pub fn page(document: &Value) -> String {
    let groups = groups(document);
    let info = &document["info"];
    let title = escape(text(&info["title"]));
    let guide = markdown::blocks(text(&info["description"]));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: API reference</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"docs/reference.css\">\n\
         <script src=\"docs/reference.js\" defer></script>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
    );
    header(&mut html, &title, text(&info["version"]));
    navigation(&mut html, &guide, &groups);
    let _ = write!(
        html,
        "<main id=\"main\">\n<section class=\"guide\">\n<h1>{title}</h1>\n{}</section>\n",
        guide.html
    );
    for (name, description, operations) in &groups {
        let _ = write!(
            html,
            "<section class=\"group\" id=\"group-{0}\">\n<h2>{0}</h2>\n<p>{1}</p>\n",
            escape(name),
            inline(description)
        );
        for operation in operations {
            article(&mut html, operation, document);
        }
        html += "</section>\n";
    }
    html += "</main>\n</body>\n</html>\n";
    html
}

/// An operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    object: &'a Value,
    /// Whether it is on another port than this page.
    elsewhere: bool,
}

type Group<'a> = (&'a str, &'a str, Vec<Operation<'a>>);

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The operations by their tags, in the order of the document's list of tags.
fn groups(document: &Value) -> Vec<Group<'_>> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let mut groups: Vec<Group<'_>> =
        tags.map(|tag| (text(&tag["name"]), text(&tag["description"]), Vec::new())).collect();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(object) = item.get(method) else { continue };
            let operation = Operation { method, path, object, elsewhere: item.get("servers").is_some() };
            let tag = text(&object["tags"][0]);
            match groups.iter_mut().find(|(name, ..)| *name == tag) {
                Some((.., operations)) => operations.push(operation),
                None => groups.push((tag, "", vec![operation])),
            }
        }
    }
    groups.retain(|(.., operations)| !operations.is_empty());
    groups
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn header(html: &mut String, title: &str, version: &str) {
    let _ = write!(
        html,
        "<header>\n<a class=\"name\" href=\"#main\">{title}</a> <span class=\"version\">{}</span>\n\
         <form id=\"authorize\" hidden>\n\
         <label>Client id <input name=\"client_id\" autocomplete=\"username\" spellcheck=\"false\" required></label>\n\
         <label>Secret <input name=\"client_secret\" type=\"password\" autocomplete=\"current-password\" required></label>\n\
         <button>Authorize</button> <output aria-live=\"polite\">not authorized</output>\n</form>\n\
         <a class=\"raw\" href=\"openapi.json\">openapi.json</a>\n</header>\n",
        escape(version)
    );
}

fn navigation(html: &mut String, guide: &markdown::Blocks, groups: &[Group<'_>]) {
    *html += "<nav aria-label=\"Contents\">\n<input id=\"search\" type=\"search\" placeholder=\"Search\" \
              aria-label=\"Search operations\" hidden>\n<h2>Guide</h2>\n<ul>\n";
    for (id, heading) in &guide.headings {
        let _ = writeln!(html, "<li><a href=\"#{id}\">{}</a></li>", escape(heading));
    }
    *html += "</ul>\n";
    for (name, _, operations) in groups {
        let _ = write!(html, "<h2><a href=\"#group-{0}\">{0}</a></h2>\n<ul>\n", escape(name));
        for Operation { method, object, path, .. } in operations {
            let _ = writeln!(
                html,
                "<li><a href=\"#{}\" title=\"{}\"><span class=\"method {method}\">{}</span> <span>{}</span></a></li>",
                escape(text(&object["operationId"])),
                escape(path),
                method.to_uppercase(),
                inline(short(object)),
            );
        }
        *html += "</ul>\n";
    }
    *html += "</nav>\n";
}

/// The same in a few words.
fn short(object: &Value) -> &str {
    let summary = summary(object);
    let end = summary.find([';', ':', ',', '(']).unwrap_or(summary.len());
    summary[..end].trim_end().trim_end_matches('.')
}

/// The first sentence of what an operation does.
fn summary(object: &Value) -> &str {
    let whole = text(&object["summary"]);
    whole.find(". ").map_or(whole, |end| &whole[..=end])
}

fn article(html: &mut String, operation: &Operation<'_>, document: &Value) {
    let Operation { method, path, object, .. } = operation;
    let whole = text(&object["summary"]);
    let (first, rest) = whole.split_at(summary(object).len());
    let _ = write!(
        html,
        "<article id=\"{id}\" data-method=\"{upper}\" data-path=\"{path}\">\n<div class=\"about\">\n\
         <h3><a href=\"#{id}\">{first}</a></h3>\n\
         <p class=\"call\"><span class=\"method {method}\">{upper}</span> <code>{path}</code></p>\n",
        id = escape(text(&object["operationId"])),
        upper = method.to_uppercase(),
        path = escape(path),
        first = inline(first.trim_end_matches('.')),
    );
    if !rest.trim().is_empty() {
        let _ = writeln!(html, "<p>{}</p>", inline(rest.trim()));
    }
    html.push_str(&markdown::blocks(text(&object["description"])).html);
    let _ = writeln!(html, "<p class=\"who\">{}</p>", who(object));
    let schemas = &document["components"]["schemas"];
    parameters(html, object, schemas);
    body(html, object, schemas);
    answers(html, object, document);
    *html += "</div>\n<div class=\"side\">\n";
    samples(html, object);
    trial(html, operation, schemas);
    success(html, object);
    *html += "</div>\n</article>\n";
}

fn who(object: &Value) -> String {
    let schemes = object["security"].as_array().into_iter().flatten();
    let mut names = schemes.filter_map(|scheme| scheme.as_object()?.iter().next());
    match names.next() {
        Some((name, scopes)) if name == "oauth2" => {
            format!("Needs a token with the scope <code>{}</code>.", escape(text(&scopes[0])))
        }
        Some(_) => "The client authenticates with its secret or its key.".to_owned(),
        None => "Open to all.".to_owned(),
    }
}

fn parameters(html: &mut String, object: &Value, schemas: &Value) {
    let parameters = object["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parameters.is_empty() {
        return;
    }
    *html += "<h4>Parameters</h4>\n<dl>\n";
    for parameter in parameters {
        fields::describe(
            html,
            &fields::Field {
                name: text(&parameter["name"]).to_owned(),
                note: text(&parameter["in"]),
                required: parameter["required"] == true,
                description: text(&parameter["description"]),
                schema: &parameter["schema"],
            },
            schemas,
        );
    }
    *html += "</dl>\n";
}

fn body(html: &mut String, object: &Value, schemas: &Value) {
    let Some((kind, media)) = object["requestBody"]["content"].as_object().and_then(|all| all.iter().next())
    else {
        return;
    };
    let _ = writeln!(html, "<h4>Body <small>{}</small></h4>", escape(kind));
    fields::list(html, &media["schema"], schemas);
}

fn answers(html: &mut String, object: &Value, document: &Value) {
    *html += "<h4>Answers</h4>\n<dl class=\"answers\">\n";
    for (status, response) in object["responses"].as_object().into_iter().flatten() {
        let shared = text(&response["$ref"]).strip_prefix('#').and_then(|at| document.pointer(at));
        let response = shared.unwrap_or(response);
        let _ = write!(
            html,
            "<dt><span class=\"status s{}\">{}</span></dt><dd>{}",
            &status[..1],
            escape(status),
            inline(text(&response["description"]))
        );
        let media = response["content"].as_object().and_then(|all| all.get("application/json"));
        if let Some(media) = media.filter(|_| status.starts_with('2')) {
            *html += "\n<details><summary>Fields</summary>\n";
            fields::list(html, &media["schema"], &document["components"]["schemas"]);
            *html += "</details>";
        }
        *html += "</dd>\n";
    }
    *html += "</dl>\n";
}

fn samples(html: &mut String, object: &Value) {
    let samples = object["x-codeSamples"].as_array().map(Vec::as_slice).unwrap_or_default();
    *html += "<div class=\"samples\">\n";
    for sample in samples {
        let _ = writeln!(
            html,
            "<section data-label=\"{0}\"><h4>{0}</h4>\n<pre tabindex=\"0\"><code>{1}</code></pre></section>",
            escape(text(&sample["label"])),
            escape(text(&sample["source"]))
        );
    }
    *html += "</div>\n";
}

/// The form that calls the operation; the script shows it.
fn trial(html: &mut String, operation: &Operation<'_>, schemas: &Value) {
    let object = operation.object;
    if operation.elsewhere {
        *html += "<p class=\"elsewhere\">On the admin port, which this page does not reach: call it from a shell there.</p>\n";
        return;
    }
    let scheme = object["security"][0].as_object().and_then(|scheme| scheme.keys().next());
    let _ = write!(
        html,
        "<details class=\"trial\" hidden>\n<summary>Try it</summary>\n<form data-proof=\"{}\">\n",
        scheme.map_or("", String::as_str)
    );
    for parameter in object["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let required = parameter["required"] == true;
        let example = match parameter.get("example").filter(|_| required && place != "path") {
            Some(Value::String(example)) => example.clone(),
            Some(example) => example.to_string(),
            None if name == "limit" => "10".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(
            html,
            "<label><span>{0}</span> <input name=\"{0}\" data-in=\"{place}\" value=\"{1}\" placeholder=\"{2}\" \
             spellcheck=\"false\"{3}></label>",
            escape(name),
            escape(&example),
            escape(&fields::kind(&parameter["schema"], schemas)),
            if required { " required" } else { "" }
        );
    }
    if let Some((kind, media)) =
        object["requestBody"]["content"].as_object().and_then(|all| all.iter().next())
    {
        let example = match (kind.as_str(), &media["example"]) {
            ("application/json", example) => serde_json::to_string_pretty(example).unwrap_or_default(),
            ("application/x-www-form-urlencoded", example) => form(example, &media["schema"], schemas),
            (_, Value::String(example)) => example.clone(),
            (_, example) => example.to_string(),
        };
        let _ = writeln!(
            html,
            "<label class=\"body\"><span>Body <small>{0}</small></span> \
             <textarea name=\"body\" data-type=\"{0}\" rows=\"6\" spellcheck=\"false\">{1}</textarea></label>",
            escape(kind),
            escape(&example)
        );
    }
    *html +=
        "<button>Send</button>\n</form>\n<div class=\"outcome\" aria-live=\"polite\"></div>\n</details>\n";
}

/// What a form must have, encoded.
fn form(example: &Value, schema: &Value, schemas: &Value) -> String {
    let required = fields::resolve(schema, schemas)["required"].as_array().into_iter().flatten();
    let pairs = required.map(|name| format!("{}={}", text(name), text(&example[text(name)])));
    pairs.collect::<Vec<_>>().join("&")
}

/// An example of what success looks like.
fn success(html: &mut String, object: &Value) {
    let responses = object["responses"].as_object().into_iter().flatten();
    let success = responses.filter(|(status, _)| status.starts_with('2')).find_map(|(status, response)| {
        let content: &Map<String, Value> = response["content"].as_object()?;
        Some((status, content.get("application/json").or_else(|| content.get("text/plain"))?))
    });
    let Some((status, media)) = success else { return };
    let example = match &media["example"] {
        Value::String(example) => example.clone(),
        example => serde_json::to_string_pretty(example).unwrap_or_default(),
    };
    let _ = writeln!(
        html,
        "<details class=\"example\"><summary>An answer <span class=\"status s2\">{}</span></summary>\n\
         <pre tabindex=\"0\"><code>{}</code></pre></details>",
        escape(status),
        escape(&example)
    );
}
