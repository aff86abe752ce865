//! The document against the last released one, and the comparison against changes that were planted.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::compare::breaking;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The last released document: the one of the highest version.
fn released() -> Value {
    let version = |document: &Value| -> Vec<u64> {
        let parts = document["info"]["version"].as_str().unwrap().split('.');
        parts.map(|part| part.parse().unwrap()).collect()
    };
    let files = std::fs::read_dir(folder().join("released")).unwrap();
    let all = files.map(|file| {
        let path = file.unwrap().path();
        let document = read(&path);
        assert_eq!(
            path.file_stem().unwrap().to_str(),
            document["info"]["version"].as_str(),
            "named by its version"
        );
        document
    });
    all.max_by_key(version).expect("a released document")
}

fn operations(document: &Value) -> BTreeSet<String> {
    let items = document["paths"].as_object().unwrap().values();
    let all = items.flat_map(|item| item.as_object().unwrap().values());
    all.filter_map(|operation| operation["operationId"].as_str()).map(ToOwned::to_owned).collect()
}

#[test]
fn the_document_breaks_nobody_who_relies_on_the_last_released_one() {
    let current = read(&folder().join("openapi.json"));
    let found = breaking(&released(), &current);
    assert!(found.is_empty(), "these break clients, see openapi/CHANGELOG.md: {found:#?}");
}

#[test]
fn the_changelog_names_each_operation_that_came_since_and_the_released_version() {
    let log = std::fs::read_to_string(folder().join("CHANGELOG.md")).unwrap();
    let (released, current) = (released(), read(&folder().join("openapi.json")));
    let version = released["info"]["version"].as_str().unwrap();
    let (_, rest) = log.split_once("## [Unreleased]").expect("a section of what is not released");
    let (unreleased, _) =
        rest.split_once(&format!("## [{version}]")).expect("a section of the released version");
    for id in operations(&current).difference(&operations(&released)) {
        assert!(unreleased.contains(&format!("`{id}`")), "openapi/CHANGELOG.md does not tell of {id}");
    }
}

/// A small document with one of everything that is compared.
fn base() -> Value {
    json!({
        "paths": {"/v1/things": {
            "get": {
                "operationId": "listThings",
                "security": [{"oauth2": ["things:read"]}],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500}},
                    {"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["a", "b"]}},
                    {"name": "name", "in": "query", "schema": {"type": "string", "maxLength": 50}},
                    {"name": "words", "in": "query", "schema": {"type": "string", "pattern": "^(a|b)(,(a|b))*$"}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/ThingList"}},
                            "text/csv": {"schema": {"type": "string"}},
                        },
                    },
                    "404": {"$ref": "#/components/responses/not_found"},
                },
            },
            "post": {
                "operationId": "createThing",
                "security": [{"oauth2": ["things:write"]}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            },
        }},
        "components": {"schemas": {
            "New": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[a-z]+$"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "size": {"type": ["integer", "null"], "minimum": 0},
                "owner": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Owner"}]},
            }},
            "Owner": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}},
            "Thing": {"allOf": [
                {"$ref": "#/components/schemas/Owner"},
                {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string", "maxLength": 100},
                    "kind": {"type": "string", "enum": ["a", "b"]},
                    "size": {"type": "integer", "minimum": 0},
                    "owner": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Owner"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                }},
            ]},
            "ThingList": {"type": "object", "required": ["data"], "properties": {
                "data": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
            }},
        }},
    })
}

const GET: &str = "/paths/~1v1~1things/get";
const POST: &str = "/paths/~1v1~1things/post";
const NEW: &str = "/components/schemas/New";
const THING: &str = "/components/schemas/Thing/allOf/1";

/// The document with a value put in at a pointer, or taken away.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut document = base();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match (parent, value) {
        (Value::Array(list), Some(value)) if last == "-" => list.push(value),
        (Value::Array(list), Some(value)) => list[last.parse::<usize>().unwrap()] = value,
        (Value::Array(list), None) => drop(list.remove(last.parse().unwrap())),
        (Value::Object(object), Some(value)) => drop(object.insert(last.replace("~1", "/"), value)),
        (Value::Object(object), None) => {
            drop(object.remove(&last.replace("~1", "/")).expect("something to remove"));
        }
        (other, _) => panic!("{pointer}: {other} has no parts"),
    }
    document
}

#[test]
fn what_breaks_clients_is_found() {
    let parameter =
        |required: bool| json!({"name": "more", "in": "query", "required": required, "schema": {}});
    for (what, at, value, place) in [
        ("a path is gone", "/paths/~1v1~1things".to_owned(), None, "GET /v1/things"),
        ("an operation is gone", POST.to_owned(), None, "POST /v1/things"),
        (
            "an operation has another name",
            format!("{GET}/operationId"),
            Some(json!("things")),
            "GET /v1/things",
        ),
        ("another scope", format!("{GET}/security/0/oauth2"), Some(json!(["all:read"])), "GET /v1/things"),
        ("a further scope", format!("{GET}/security/0/oauth2/-"), Some(json!("all:read")), "GET /v1/things"),
        ("another scheme", format!("{GET}/security/0"), Some(json!({"mtls": []})), "GET /v1/things"),
        ("a parameter is gone", format!("{GET}/parameters/0"), None, "limit"),
        ("a parameter must be there", format!("{GET}/parameters/0/required"), Some(json!(true)), "limit"),
        ("a new one must be there", format!("{GET}/parameters/-"), Some(parameter(true)), "more"),
        (
            "a parameter is of another type",
            format!("{GET}/parameters/0/schema/type"),
            Some(json!("string")),
            "limit",
        ),
        ("a parameter takes less", format!("{GET}/parameters/0/schema/maximum"), Some(json!(100)), "limit"),
        ("a parameter takes less", format!("{GET}/parameters/0/schema/minimum"), Some(json!(2)), "limit"),
        (
            "a parameter takes shorter ones",
            format!("{GET}/parameters/2/schema/maxLength"),
            Some(json!(49)),
            "name",
        ),
        (
            "a parameter has a pattern",
            format!("{GET}/parameters/2/schema/pattern"),
            Some(json!("^x$")),
            "name",
        ),
        ("a parameter loses a value", format!("{GET}/parameters/1/schema/enum/0"), None, "kind"),
        ("a status is gone", format!("{GET}/responses/200"), None, "200"),
        ("a header is gone", format!("{GET}/responses/200/headers/ETag"), None, "ETag"),
        ("a media type is gone", format!("{GET}/responses/200/content/text~1csv"), None, "text/csv"),
        ("a body is no longer taken", format!("{POST}/requestBody"), None, "body"),
        ("a body must be there", format!("{POST}/requestBody/required"), Some(json!(true)), "body"),
        ("there is a body now", format!("{GET}/requestBody"), Some(json!({"required": true})), "body"),
        ("a field must be sent", format!("{NEW}/required/-"), Some(json!("kind")), "body.kind"),
        ("a field is not taken", format!("{NEW}/properties/kind"), None, "body.kind"),
        ("a sent value is not taken", format!("{NEW}/properties/kind/enum"), Some(json!(["b"])), "body.kind"),
        ("null is not taken", format!("{NEW}/properties/size/type"), Some(json!("integer")), "body.size"),
        (
            "a shorter text is not taken",
            format!("{NEW}/properties/name/minLength"),
            Some(json!(2)),
            "body.name",
        ),
        ("another pattern", format!("{NEW}/properties/name/pattern"), Some(json!("^[A-Z]+$")), "body.name"),
        (
            "a word less",
            format!("{GET}/parameters/3/schema/pattern"),
            Some(json!("^(a|c)(,(a|c))*$")),
            "words",
        ),
        ("a field is an enumeration", format!("{NEW}/properties/name/enum"), Some(json!(["x"])), "body.name"),
        ("an alternative is not taken", format!("{NEW}/properties/owner/oneOf/0"), None, "body.owner"),
        ("an unknown keyword", format!("{NEW}/properties/size/multipleOf"), Some(json!(2)), "body.size"),
        ("a field is gone", format!("{THING}/properties/size"), None, "data[].size"),
        ("a field may be missing", format!("{THING}/required/0"), None, "data[].name"),
        (
            "a field may be null",
            format!("{THING}/properties/size/type"),
            Some(json!(["integer", "null"])),
            "data[].size",
        ),
        (
            "a field is of another type",
            format!("{THING}/properties/size/type"),
            Some(json!("string")),
            "data[].size",
        ),
        (
            "a field may be longer",
            format!("{THING}/properties/name/maxLength"),
            Some(json!(200)),
            "data[].name",
        ),
        ("a field may be negative", format!("{THING}/properties/size/minimum"), None, "data[].size"),
        ("a field is no enumeration", format!("{THING}/properties/kind/enum"), None, "data[].kind"),
        (
            "a field has other alternatives",
            format!("{THING}/properties/owner/oneOf/-"),
            Some(json!({"type": "string"})),
            "data[].owner",
        ),
        (
            "a map's values",
            format!("{THING}/properties/labels/additionalProperties/type"),
            Some(json!("integer")),
            "data[].labels.*",
        ),
        ("a field of what is named", "/components/schemas/Owner/properties/id".to_owned(), None, "data[].id"),
        (
            "a format",
            "/components/schemas/Owner/properties/id/format".to_owned(),
            Some(json!("email")),
            "data[].id",
        ),
    ] {
        let found = breaking(&base(), &changed(&at, value));
        assert!(found.iter().any(|found| found.contains(place)), "{what}: {found:?}");
    }
}

#[test]
fn what_harms_nobody_is_let_through() {
    let parameter = json!({"name": "more", "in": "query", "schema": {"type": "string"}});
    assert_eq!(breaking(&base(), &base()), Vec::<String>::new());
    for (what, at, value) in [
        ("a further path", "/paths/~1v1~1more".to_owned(), Some(json!({"get": {}}))),
        ("a further operation", "/paths/~1v1~1things/delete".to_owned(), Some(json!({}))),
        ("a further way to authenticate", format!("{GET}/security/-"), Some(json!({"mtls": []}))),
        ("no scope is needed", format!("{GET}/security"), Some(json!([]))),
        ("a further parameter", format!("{GET}/parameters/-"), Some(parameter)),
        ("a parameter takes more", format!("{GET}/parameters/0/schema/maximum"), Some(json!(1000))),
        ("a parameter takes more", format!("{GET}/parameters/0/schema/minimum"), None),
        ("a parameter takes fractions", format!("{GET}/parameters/0/schema/type"), Some(json!("number"))),
        ("a parameter has a further value", format!("{GET}/parameters/1/schema/enum/-"), Some(json!("c"))),
        ("a parameter takes any value", format!("{GET}/parameters/1/schema/enum"), None),
        ("a refusal is gone", format!("{GET}/responses/404"), None),
        ("a further status", format!("{GET}/responses/206"), Some(json!({"description": "a part"}))),
        ("a further header", format!("{GET}/responses/200/headers/Link"), Some(json!({}))),
        ("a further media type", format!("{GET}/responses/200/content/x"), Some(json!({}))),
        ("a body may be there", format!("{GET}/requestBody"), Some(json!({"content": {}}))),
        ("a field need not be sent", format!("{NEW}/required/0"), None),
        ("a further field is taken", format!("{NEW}/properties/more"), Some(json!({"type": "string"}))),
        ("any field is taken", format!("{NEW}/additionalProperties"), None),
        ("a further value is taken", format!("{NEW}/properties/kind/enum/-"), Some(json!("c"))),
        ("a longer text is taken", format!("{NEW}/properties/name/maxLength"), Some(json!(200))),
        ("any text is taken", format!("{NEW}/properties/name/pattern"), None),
        ("a further word", format!("{GET}/parameters/3/schema/pattern"), Some(json!("^(a|b|c)(,(a|b|c))*$"))),
        (
            "a further alternative is taken",
            format!("{NEW}/properties/owner/oneOf/-"),
            Some(json!({"type": "string"})),
        ),
        ("a further field", format!("{THING}/properties/more"), Some(json!({"type": "string"}))),
        ("a field is always there", format!("{THING}/required/-"), Some(json!("size"))),
        ("a field has a further value", format!("{THING}/properties/kind/enum/-"), Some(json!("c"))),
        ("a field is never null", format!("{THING}/properties/owner/oneOf/0"), None),
        ("a field is shorter", format!("{THING}/properties/name/maxLength"), Some(json!(50))),
        ("a field has a pattern", format!("{THING}/properties/name/pattern"), Some(json!("^x$"))),
        ("a description", format!("{THING}/properties/name/description"), Some(json!("its name"))),
        ("an example", format!("{THING}/properties/name/example"), Some(json!("x"))),
        ("an operation is deprecated", format!("{GET}/deprecated"), Some(json!(true))),
    ] {
        assert_eq!(breaking(&base(), &changed(&at, value)), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_schema_may_be_renamed_and_moved() {
    let text = base().to_string().replace("#/components/schemas/Thing\"", "#/components/schemas/Item\"");
    let text = text.replace("\"Thing\":", "\"Item\":");
    assert_eq!(breaking(&base(), &serde_json::from_str(&text).unwrap()), Vec::<String>::new());
}
