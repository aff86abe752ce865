//! Who may speak to whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{SETS, list, of_kind, only, pod, rendered, selects, text};

/// The policies that hold for a pod.
fn policies<'a>(manifests: &'a [Value], pod: &Value) -> Vec<&'a Value> {
    let all = of_kind(manifests, "NetworkPolicy");
    all.into_iter()
        .filter(|policy| selects(&policy["spec"]["podSelector"]["matchLabels"], &pod["metadata"]))
        .collect()
}

fn rules<'a>(policies: &[&'a Value], direction: &str) -> Vec<&'a Value> {
    policies.iter().flat_map(|policy| list(&policy["spec"][direction])).collect()
}

/// The ports that a pod may connect to.
fn ways_out(policies: &[&Value]) -> BTreeSet<u64> {
    let ports = rules(policies, "egress").into_iter().flat_map(|rule| {
        assert!(!list(&rule["ports"]).is_empty(), "a way out to any port: {rule}");
        list(&rule["ports"])
    });
    ports.map(|port| port["port"].as_u64().unwrap()).collect()
}

#[test]
fn every_pod_is_shut_both_ways_and_opened_by_name() {
    for set in ["least", "all"] {
        let manifests = rendered(set);
        for manifest in manifests.iter().filter(|manifest| pod(manifest).is_some()) {
            let policies = policies(&manifests, pod(manifest).unwrap());
            assert_eq!(policies.len(), 2, "{set}: one that shuts and one that opens");
            for policy in policies {
                assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]), "{set}");
            }
        }
    }
    assert!(of_kind(&rendered("bare"), "NetworkPolicy").is_empty(), "unless it is turned off");
}

#[test]
fn the_api_is_reached_from_the_ingress_and_the_admin_api_from_monitoring_alone() {
    let manifests = rendered("least");
    let policies = policies(&manifests, pod(only(&manifests, "Deployment")).unwrap());
    let rules: Vec<_> = rules(&policies, "ingress")
        .into_iter()
        .map(|rule| {
            let [from] = list(&rule["from"]) else { panic!("{rule}") };
            let [port] = list(&rule["ports"]) else { panic!("{rule}") };
            let namespace = &from["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
            (text(namespace), text(&port["port"]))
        })
        .collect();
    assert_eq!(rules, [("ingress-nginx", "http"), ("monitoring", "admin")]);
}

#[test]
fn a_replica_reaches_its_stores_and_a_migration_the_database_alone() {
    let ports = |set: &str, kind: &str| {
        let manifests = rendered(set);
        ways_out(&policies(&manifests, pod(only(&manifests, kind)).unwrap()))
    };
    assert_eq!(ports("least", "Deployment"), [53, 5432, 6379].into());
    assert_eq!(ports("least", "Job"), [53, 5432].into());
    assert_eq!(ports("all", "Deployment"), [53, 443, 4318, 5432, 6379, 6380].into());
    assert_eq!(ports("all", "Job"), [53, 5432].into());
}

#[test]
fn a_migration_finds_its_way_open() {
    let manifests = rendered("least");
    let job = only(&manifests, "Job");
    let weight = |manifest: &Value| -> i64 {
        text(&manifest["metadata"]["annotations"]["helm.sh/hook-weight"]).parse().unwrap()
    };
    let hooks: Vec<_> = policies(&manifests, pod(job).unwrap())
        .into_iter()
        .filter(|policy| {
            policy["metadata"]["annotations"]["helm.sh/hook"]
                == job["metadata"]["annotations"]["helm.sh/hook"]
        })
        .collect();
    assert!(hooks.len() == 1 && weight(hooks[0]) < weight(job));
}

#[test]
fn services_lead_to_the_replicas_and_no_ingress_to_the_admin_api() {
    for set in SETS {
        let manifests = rendered(set);
        let replicas = &pod(only(&manifests, "Deployment")).unwrap()["metadata"];
        let services = of_kind(&manifests, "Service");
        assert_eq!(services.len(), 2, "{set}");
        for service in &services {
            assert!(selects(&service["spec"]["selector"], replicas), "{set}");
            assert!(service["spec"]["type"].is_null(), "{set}: inside the cluster alone");
            let [port] = list(&service["spec"]["ports"]) else { panic!("{service}") };
            let is_admin = text(&service["metadata"]["name"]).ends_with("-admin");
            assert_eq!(port["targetPort"], if is_admin { "admin" } else { "http" }, "{set}");
        }
        if let Some(job) = of_kind(&manifests, "Job").first() {
            let migration = &pod(job).unwrap()["metadata"];
            assert!(services.iter().all(|service| !selects(&service["spec"]["selector"], migration)));
        }
        for ingress in of_kind(&manifests, "Ingress") {
            let spec = &ingress["spec"];
            let [rule] = list(&spec["rules"]) else { panic!("{ingress}") };
            let [path] = list(&rule["http"]["paths"]) else { panic!("{ingress}") };
            assert_eq!(path["backend"]["service"]["name"], "veritrail");
            assert_eq!(path["backend"]["service"]["port"]["name"], "http");
            assert_eq!(spec["tls"], json!([{"hosts": [rule["host"]], "secretName": "veritrail-tls"}]));
        }
    }
    assert!(of_kind(&rendered("bare"), "Ingress").is_empty());
}

#[test]
fn prometheus_is_sent_to_the_admin_port() {
    let manifests = rendered("all");
    let monitor = only(&manifests, "ServiceMonitor");
    let services = of_kind(&manifests, "Service");
    let found: Vec<_> = services
        .iter()
        .filter(|service| selects(&monitor["spec"]["selector"]["matchLabels"], &service["metadata"]))
        .collect();
    let [service] = found[..] else { panic!("{found:?}") };
    let [endpoint] = list(&monitor["spec"]["endpoints"]) else { panic!("{monitor}") };
    assert_eq!((&endpoint["port"], &endpoint["path"]), (&"admin".into(), &"/metrics".into()));
    assert_eq!(service["spec"]["ports"][0]["name"], endpoint["port"]);
    for set in ["least", "bare"] {
        let manifests = rendered(set);
        for kind in ["ServiceMonitor", "PrometheusRule", "ConfigMap"] {
            assert!(of_kind(&manifests, kind).is_empty(), "{set}: the cluster may not know a {kind}");
        }
    }
}
