//! What the chart tells the service is what the service knows; secrets come from Secrets alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;
use veritrail::config::Config;

use super::{SETS, document, list, named, of_kind, pod, read, rendered, templates, text};
use crate::support::server::binary;

/// What a Secret may hold, for a service that is only asked what it makes of it.
const SAMPLES: &[(&str, &str)] = &[
    ("storage.postgres_url", "postgres://veritrail_service:canary@db.example.com/veritrail"),
    ("storage.postgres_migrator_url", "postgres://veritrail_migrator:canary@db.example.com/veritrail"),
    ("keys.ledger", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"),
    ("keys.token", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"),
    ("keys.cursor", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"),
    ("redis.urls", "rediss://:canary@redis.example.com:6380"),
    ("signer.redis_url", "rediss://:canary@memory.example.com:6380"),
];

/// Every key of the configuration, as `section.key`.
fn keys() -> BTreeSet<String> {
    let config = serde_json::to_value(Config::default()).unwrap();
    let mut keys = BTreeSet::new();
    for (section, values) in config.as_object().unwrap() {
        keys.extend(values.as_object().unwrap().keys().map(|key| format!("{section}.{key}")));
    }
    keys
}

/// Where the authorities are that a TLS server is checked against; not the service's own.
const AUTHORITIES: &str = "SSL_CERT_FILE";

/// The key that a variable sets.
fn key(variable: &str) -> String {
    let name = variable.strip_prefix("VERITRAIL_").unwrap_or_else(|| panic!("{variable} is not ours"));
    name.to_ascii_lowercase().replacen("__", ".", 1)
}

/// The variables of a container: in the open, and out of Secrets.
struct Told {
    open: BTreeMap<String, String>,
    secret: BTreeMap<String, (String, String)>,
}

fn told(container: &Value) -> Told {
    let mut told = Told { open: BTreeMap::new(), secret: BTreeMap::new() };
    let mut names = BTreeSet::new();
    for variable in list(&container["env"]) {
        let name = text(&variable["name"]).to_owned();
        assert!(names.insert(name.clone()), "{name} is there twice");
        match variable["valueFrom"]["secretKeyRef"].as_object() {
            None if name == AUTHORITIES => {}
            None => _ = told.open.insert(name, text(&variable["value"]).to_owned()),
            Some(at) => {
                assert!(variable["value"].is_null(), "{name}");
                told.secret.insert(name, (text(&at["name"]).to_owned(), text(&at["key"]).to_owned()));
            }
        }
    }
    assert!(container["envFrom"].is_null());
    told
}

fn told_to(set: &str, kind: &str) -> Option<Told> {
    let manifests = rendered(set);
    let manifest = of_kind(&manifests, kind).first().copied()?;
    Some(told(&pod(manifest).unwrap()["spec"]["containers"][0]))
}

#[test]
fn every_setting_that_the_chart_names_is_a_key_of_the_configuration() {
    let keys = keys();
    for (name, template) in templates() {
        for variable in named(&template, "VERITRAIL_", |c| c.is_ascii_alphanumeric() || c == '_') {
            // The one that is put together from `config`; its keys are below.
            if variable.is_empty() {
                continue;
            }
            let key = key(&format!("VERITRAIL_{variable}"));
            assert!(keys.contains(&key), "{name} sets {key}, which there is not");
        }
    }
    for (section, values) in document("helm/values.yaml")["config"].as_object().unwrap() {
        for key in values.as_object().unwrap().keys() {
            assert!(keys.contains(&format!("{section}.{key}")), "there is no {section}.{key}");
        }
    }
    for set in SETS {
        let told = told_to(set, "Deployment").unwrap();
        for variable in told.open.keys().chain(told.secret.keys()) {
            assert!(keys.contains(&key(variable)), "{set} sets {variable}");
        }
    }
}

#[test]
fn the_service_understands_what_it_is_told_and_shows_no_secret_of_it() {
    for set in SETS {
        for kind in ["Deployment", "Job"] {
            let Some(told) = told_to(set, kind) else { continue };
            let samples: BTreeMap<_, _> = SAMPLES.iter().copied().collect();
            let secret = told.secret.keys().map(|name| (name, samples[key(name).as_str()]));
            let secret: Vec<_> = secret.collect();
            let output = Command::new(binary("veritrail"))
                .arg("check-config")
                .env_clear()
                .envs(&told.open)
                .envs(secret.iter().copied())
                .output()
                .unwrap();
            let failed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{set} {kind}: {failed}");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(!said.contains("canary"), "{said}");
            assert_eq!(said.matches("\"***\"").count(), secret.len(), "{said}");
        }
    }
    let told = told_to("all", "Deployment").unwrap();
    assert_eq!(told.open["VERITRAIL_LIMITS__BATCH_BYTES_MAX"], "67108864", "not 6.7108864e+07");
}

#[test]
fn a_secret_is_only_ever_referred_to() {
    let secrets: BTreeSet<&str> = SAMPLES.iter().map(|(key, _)| *key).collect();
    for set in SETS {
        for manifest in rendered(set) {
            assert_ne!(manifest["kind"], "Secret", "{set}: the chart makes none");
            let Some(pod) = pod(&manifest) else { continue };
            let told = told(&pod["spec"]["containers"][0]);
            for (variable, value) in &told.open {
                let key = key(variable);
                assert!(!secrets.contains(key.as_str()), "{set}: {key} stands in the open");
                assert!(!value.contains('@') && !value.contains("PRIVATE KEY"), "{set}: {variable}={value}");
            }
            for variable in told.secret.keys() {
                assert!(secrets.contains(key(variable).as_str()), "{set}: {variable}");
            }
        }
    }
    // And values can't smuggle one in: the schema refuses their names in `config`.
    let schema: Value = serde_json::from_str(&read("helm/values.schema.json")).unwrap();
    let config = &schema["properties"]["config"];
    for key in secrets {
        let (section, key) = key.split_once('.').unwrap();
        let refused = |schema: &Value, name: &str| {
            list(&schema["propertyNames"]["not"]["enum"]).iter().any(|refused| refused == name)
        };
        assert!(
            refused(config, section) || refused(&config["properties"][section], key),
            "config.{section}.{key} is taken"
        );
    }
}

#[test]
fn a_role_is_known_only_to_who_uses_it() {
    for set in ["least", "all"] {
        let (serve, migrate) = (told_to(set, "Deployment").unwrap(), told_to(set, "Job").unwrap());
        let keys = |told: &Told| told.secret.keys().map(|name| key(name)).collect::<BTreeSet<_>>();
        assert_eq!(keys(&migrate), ["storage.postgres_migrator_url".to_owned()].into());
        assert!(!keys(&serve).contains("storage.postgres_migrator_url"));
        assert_eq!(keys(&serve).len(), SAMPLES.len() - 1);
        let of_service: BTreeSet<_> = serve.secret.values().map(|(secret, _)| secret).collect();
        assert!(migrate.secret.values().all(|(secret, _)| !of_service.contains(secret)), "one Secret each");
    }
}
