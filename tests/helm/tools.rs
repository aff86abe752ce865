//! What helm makes of the chart is what is committed, and what Kubernetes takes.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::{SETS, documents, file, metrics, of_kind, read, rendered, text};

/// The oldest Kubernetes that the chart is for, and the newest whose schemas `install.sh` brings.
const KUBERNETES: &[&str] = &["1.30.0", "1.37.0"];

/// Where `install.sh` puts things.
fn tools() -> PathBuf {
    // target/debug/deps/suite
    let built = std::env::current_exe().unwrap();
    built.ancestors().nth(3).unwrap().join("tools")
}

/// A tool, if it is there: where `install.sh` puts it, or wherever else.
pub(super) fn tool(name: &str) -> Option<PathBuf> {
    let brought = tools().join(name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = Some(brought)
        .into_iter()
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("passed over: {name} is not there");
    }
    found
}

fn helm(args: &[&str], set: &str, more: &[&str]) -> Option<Output> {
    let mut command = Command::new(tool("helm")?);
    command.args(args).arg(file("helm")).arg("--values").arg(file(&format!("tests/helm/values/{set}.yaml")));
    Some(command.args(more).output().unwrap())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn made(set: &str, more: &[&str]) -> Option<String> {
    let output = helm(&["template", "veritrail", "--namespace", "veritrail"], set, more)?;
    assert!(output.status.success(), "{set}: {}", said(&output));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Manifests by kind and name: their order is nothing to hold on to.
fn by_name(manifests: Vec<Value>) -> BTreeMap<(String, String), Value> {
    let name = |value: &Value| (text(&value["kind"]).to_owned(), text(&value["metadata"]["name"]).to_owned());
    manifests.into_iter().map(|manifest| (name(&manifest), manifest)).collect()
}

#[test]
fn helm_finds_no_fault_with_the_chart() {
    for set in SETS {
        let Some(output) = helm(&["lint", "--strict"], set, &[]) else { return };
        assert!(output.status.success(), "{set}: {}", said(&output));
    }
}

#[test]
fn the_committed_manifests_are_what_helm_makes() {
    for set in SETS {
        let Some(made) = made(set, &[]) else { return };
        let (made, committed) = (by_name(documents(&made)), by_name(rendered(set)));
        for name in made.keys().chain(committed.keys()) {
            assert!(
                made.get(name) == committed.get(name),
                "{name:?} differs; run `helm template veritrail helm --namespace veritrail --values \
                 tests/helm/values/{set}.yaml > tests/helm/rendered/{set}.yaml`"
            );
        }
    }
}

#[test]
fn kubernetes_takes_every_manifest() {
    let (Some(kubeconform), Some(_)) = (tool("kubeconform"), tool("helm")) else { return };
    let schemas = tools().join("schemas");
    if !schemas.exists() {
        eprintln!("passed over: Kubernetes' schemas are not there");
        return;
    }
    let at = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", schemas.display());
    let check = |version: &str, manifests: &str| {
        let mut kubeconform = Command::new(&kubeconform)
            .args(["-strict", "-summary", "-output", "json", "-kubernetes-version", version])
            // The Prometheus operator's, which are not Kubernetes' own.
            .args(["-skip", "ServiceMonitor,PrometheusRule", "-schema-location"])
            .arg(at.replacen("{{", &format!("{version}/{{{{"), 1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        kubeconform.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
        let output = kubeconform.wait_with_output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.success(), summary)
    };
    for version in KUBERNETES {
        for set in SETS {
            let more = ["--kube-version", version, "--set", "monitoring.dashboard.enabled=true"];
            let made = made(set, &more).unwrap();
            let (good, report) = check(version, &made);
            assert!(good, "{set} on {version}: {report:#}");
            assert!(report["summary"]["valid"].as_u64().unwrap() >= 6, "{set} on {version}: {report:#}");
        }
        let wrong =
            read("tests/helm/rendered/least.yaml").replace("containerPort: 8081", "containerport: 8081");
        assert!(!check(version, &wrong).0, "a field that there is not was taken on {version}");
    }
}

#[test]
fn the_dashboard_arrives_as_it_is() {
    let Some(made) = made("least", &["--set", "monitoring.dashboard.enabled=true"]) else { return };
    let manifests = documents(&made);
    let [map] = of_kind(&manifests, "ConfigMap")[..] else { panic!("one ConfigMap") };
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let arrived: Value = serde_json::from_str(text(&map["data"]["veritrail.json"])).unwrap();
    assert_eq!(arrived, metrics::dashboard());
}

#[test]
fn values_that_would_do_harm_are_refused() {
    for (set, value, told) in [
        ("least", "host=", "host"),
        ("least", "host=https://api.example.com", "host"),
        ("least", "image.repository=", "repository"),
        ("least", "config.storage.postgres_url=postgres://u:p@h/d", "postgres_url"),
        ("least", "config.redis.urls=redis://:p@h", "urls"),
        ("least", "config.keys.ledger=x", "keys"),
        ("least", "config.http.listen=0.0.0.0:1", "listen"),
        ("least", "config.http.tls_client_required=true", "tls_client_required"),
        ("least", "config.http.stop_timeout_s=soon", "stop_timeout_s"),
        ("least", "imagee.tag=1", "imagee"),
    ] {
        let Some(output) = helm(&["template", "veritrail"], set, &["--set", value]) else { return };
        assert!(!output.status.success(), "{value} was taken");
        assert!(said(&output).contains(told), "{value}: {}", said(&output));
    }
}

#[test]
fn the_notes_say_what_to_do_next() {
    for (set, told) in [
        ("least", &["client operator", "port-forward service/veritrail-admin 8081", "Narrow it"][..]),
        ("all", &["https://api.example.com:8443/docs"]),
        ("bare", &["veritrail migrate", "No ingress was made", "No network policy was made"]),
    ] {
        let args = ["install", "veritrail", "--namespace", "veritrail", "--dry-run=client"];
        let Some(output) = helm(&args, set, &[]) else { return };
        assert!(output.status.success(), "{set}: {}", said(&output));
        let output = said(&output);
        let notes = output.split("NOTES:").nth(1).unwrap();
        for told in told {
            assert!(notes.contains(told), "{set} does not say {told}: {notes}");
        }
        let says = |what: &str| notes.contains(what);
        assert_eq!(says("Nobody is told when a log stops"), set != "all", "{set}");
    }
}
