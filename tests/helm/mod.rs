//! The chart, its dashboard and alert rules, and the image. What needs neither helm nor a cluster is
//! read from the chart's files and from `rendered/`, which is what helm makes of `values/`; where helm,
//! kubeconform and promtool are there, they are asked too (`install.sh`).

mod alerts;
mod chart;
mod image;
mod manifests;
mod metrics;
mod network;
mod settings;
mod tools;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Sets of values that stand in `values/`, each with what it makes in `rendered/`.
const SETS: &[&str] = &["least", "all", "bare"];

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML text.
fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The first document of a YAML file.
fn document(path: &str) -> Value {
    documents(&read(path)).remove(0)
}

/// What a set of values makes.
fn rendered(set: &str) -> Vec<Value> {
    documents(&read(&format!("tests/helm/rendered/{set}.yaml")))
}

/// The manifests of a kind.
fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

/// The manifest of a kind that there is one of.
fn only<'a>(manifests: &'a [Value], kind: &str) -> &'a Value {
    let [one] = of_kind(manifests, kind)[..] else { panic!("there is not one {kind}") };
    one
}

/// What a pod is made from, of those that make pods.
fn pod(manifest: &Value) -> Option<&Value> {
    ["Deployment", "Job"].contains(&manifest["kind"].as_str()?).then(|| &manifest["spec"]["template"])
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Whether a selector's labels are among a manifest's.
fn selects(labels: &Value, metadata: &Value) -> bool {
    let wanted = labels.as_object().expect("a selector names labels");
    !wanted.is_empty() && wanted.iter().all(|(name, value)| metadata["labels"][name] == *value)
}

/// The templates, by name.
fn templates() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(file("helm/templates")).unwrap().map(Result::unwrap);
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut found: Vec<_> =
        entries.map(|entry| (name(&entry.path()), std::fs::read_to_string(entry.path()).unwrap())).collect();
    found.sort();
    assert!(found.len() > 8, "{found:?}");
    found
}

/// What follows a prefix wherever it stands: the longest run of letters that fit.
fn named(text: &str, prefix: &str, fits: impl Fn(char) -> bool) -> Vec<String> {
    let after = |(at, _): (usize, &str)| text[at + prefix.len()..].chars().take_while(|c| fits(*c)).collect();
    text.match_indices(prefix).map(after).collect()
}
