//! What runs: held as tightly as a cluster can hold it, and replaced without a request lost.

use serde_json::{Value, json};

use super::{SETS, list, of_kind, only, pod, rendered, selects, text};

/// Every pod of every set, with a name to tell of it.
fn pods() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for set in SETS {
        for manifest in rendered(set) {
            if let Some(pod) = pod(&manifest) {
                found.push((format!("{set}: {}", text(&manifest["kind"])), pod["spec"].clone()));
            }
        }
    }
    assert_eq!(found.len(), 5);
    found
}

#[test]
fn every_pod_meets_the_restricted_standard() {
    for (name, spec) in pods() {
        let context = &spec["securityContext"];
        assert_eq!(context["runAsNonRoot"], true, "{name}");
        assert!(context["runAsUser"].as_u64().is_some_and(|user| user > 0), "{name}");
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for word in ["hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"] {
            assert!(spec[word].is_null(), "{name}: {word}");
        }
        let [container] = list(&spec["containers"]) else { panic!("{name} has one container") };
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{name}");
        for word in ["privileged", "runAsUser", "runAsNonRoot", "seccompProfile"] {
            assert!(context[word].is_null(), "{name}: {word} is said once, for the pod");
        }
        for port in list(&container["ports"]) {
            assert!(port["hostPort"].is_null(), "{name}");
        }
        for volume in list(&spec["volumes"]) {
            let kinds: Vec<_> = volume.as_object().unwrap().keys().filter(|key| *key != "name").collect();
            assert!(["emptyDir", "configMap", "secret"].contains(&kinds[0].as_str()), "{name}: {volume}");
        }
    }
}

#[test]
fn no_pod_may_speak_to_kubernetes() {
    for (name, spec) in pods() {
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert_eq!(spec["enableServiceLinks"], false, "{name}");
    }
    for set in SETS {
        let manifests = rendered(set);
        assert_eq!(only(&manifests, "ServiceAccount")["automountServiceAccountToken"], false);
        for manifest in &manifests {
            let kind = text(&manifest["kind"]);
            assert!(!kind.contains("Role"), "{set} has a {kind}");
            assert!(manifest["metadata"]["namespace"].is_null(), "{set}: a {kind} for another namespace");
        }
    }
}

#[test]
fn every_container_says_what_it_needs_and_no_more_memory_is_given() {
    for (name, spec) in pods() {
        let resources = &spec["containers"][0]["resources"];
        for amount in
            [&resources["requests"]["cpu"], &resources["requests"]["memory"], &resources["limits"]["memory"]]
        {
            assert!(amount.is_string(), "{name}: {resources}");
        }
        for volume in list(&spec["volumes"]) {
            if let Some(empty) = volume["emptyDir"].as_object() {
                assert!(empty.contains_key("sizeLimit"), "{name}: {volume}");
            }
        }
        let image = text(&spec["containers"][0]["image"]);
        assert!(image.contains('@') || image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest"));
    }
}

#[test]
fn it_writes_only_where_there_is_room_for_it() {
    for set in SETS {
        let manifests = rendered(set);
        let container = &pod(only(&manifests, "Deployment")).unwrap()["spec"]["containers"][0];
        let data_dir = list(&container["env"])
            .iter()
            .find(|variable| variable["name"] == "VERITRAIL_STORAGE__DATA_DIR")
            .unwrap();
        let mounts = list(&container["volumeMounts"]);
        let writable: Vec<_> = mounts.iter().filter(|mount| mount["readOnly"] != true).collect();
        assert!(writable.iter().any(|mount| mount["mountPath"] == data_dir["value"]), "{set}");
        assert_eq!(writable.len(), 2, "{set}: that, and /tmp");
    }
}

#[test]
fn every_file_that_a_program_is_told_of_is_mounted() {
    let mut told = 0;
    for (name, spec) in pods() {
        let container = &spec["containers"][0];
        for variable in list(&container["env"]) {
            let path = variable["value"].as_str().unwrap_or_default();
            let Some(folder) = path.strip_prefix("/etc/").and_then(|_| path.rsplit_once('/')) else {
                continue;
            };
            let mounts = list(&container["volumeMounts"]);
            let mount = mounts.iter().find(|mount| mount["mountPath"] == folder.0);
            let mount = mount.unwrap_or_else(|| panic!("{name}: {path} is not mounted"));
            assert_eq!(mount["readOnly"], true, "{name}: {path}");
            assert!(list(&spec["volumes"]).iter().any(|volume| volume["name"] == mount["name"]), "{name}");
            told += 1;
        }
    }
    assert_eq!(told, 3, "authorities, certificate and key");
}

#[test]
fn probes_ask_the_api_for_its_health() {
    for set in SETS {
        let manifests = rendered(set);
        let container = &pod(only(&manifests, "Deployment")).unwrap()["spec"]["containers"][0];
        let ports: Vec<_> = list(&container["ports"]).iter().map(|port| &port["containerPort"]).collect();
        assert_eq!(ports, [8080, 8081], "{set}");
        for (probe, path) in [
            ("startupProbe", "/health/live"),
            ("livenessProbe", "/health/live"),
            ("readinessProbe", "/health/ready"),
        ] {
            let get = &container[probe]["httpGet"];
            assert_eq!((text(&get["path"]), text(&get["port"])), (path, "http"), "{set}: {probe}");
            let scheme = if set == &"all" { "HTTPS" } else { "HTTP" };
            assert_eq!(get["scheme"], scheme, "{set}: {probe}");
        }
        assert_eq!(container["args"], json!(["serve"]));
    }
}

#[test]
fn a_replica_has_time_to_end_what_it_has_begun() {
    for set in SETS {
        let manifests = rendered(set);
        let spec = &pod(only(&manifests, "Deployment")).unwrap()["spec"];
        let container = &spec["containers"][0];
        let seconds = |name: &str| -> u64 {
            let found = list(&container["env"]).iter().find(|variable| variable["name"] == name);
            text(&found.unwrap()["value"]).parse().unwrap()
        };
        let (drain, stop) = (seconds("VERITRAIL_HTTP__DRAIN_S"), seconds("VERITRAIL_HTTP__STOP_TIMEOUT_S"));
        let grace = spec["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(drain > 0 && grace >= drain + stop + 10, "{set}: {grace} s for {drain} s and {stop} s");
        let rolling = &only(&manifests, "Deployment")["spec"]["strategy"]["rollingUpdate"];
        assert_eq!(rolling["maxUnavailable"], 0, "{set}: the new one first");
    }
}

#[test]
fn replicas_are_counted_by_one_hand_and_kept_apart() {
    for set in SETS {
        let manifests = rendered(set);
        let deployment = only(&manifests, "Deployment");
        let scaled = of_kind(&manifests, "HorizontalPodAutoscaler");
        assert_eq!(scaled.is_empty(), deployment["spec"]["replicas"].is_u64(), "{set}");
        for scaler in scaled {
            let spec = &scaler["spec"];
            assert_eq!(spec["scaleTargetRef"]["name"], deployment["metadata"]["name"]);
            assert!(spec["minReplicas"].as_u64().unwrap() >= 2, "{set}");
            assert!(spec["maxReplicas"].as_u64() > spec["minReplicas"].as_u64(), "{set}");
        }
        let pod = pod(deployment).unwrap();
        let budget = only(&manifests, "PodDisruptionBudget");
        assert_eq!(budget["spec"]["maxUnavailable"], 1);
        assert!(selects(&budget["spec"]["selector"]["matchLabels"], &pod["metadata"]), "{set}");
        let spread = list(&pod["spec"]["topologySpreadConstraints"]);
        let over: Vec<_> = spread.iter().map(|constraint| text(&constraint["topologyKey"])).collect();
        assert_eq!(over, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], "{set}");
        for constraint in spread {
            assert!(selects(&constraint["labelSelector"]["matchLabels"], &pod["metadata"]), "{set}");
        }
    }
}

#[test]
fn the_schema_is_brought_up_to_date_before_the_replicas() {
    for set in ["least", "all"] {
        let manifests = rendered(set);
        let job = only(&manifests, "Job");
        let notes = &job["metadata"]["annotations"];
        assert_eq!(notes["helm.sh/hook"], "pre-install,pre-upgrade", "{set}");
        assert!(job["spec"]["activeDeadlineSeconds"].is_u64() && job["spec"]["backoffLimit"].is_u64());
        let spec = &pod(job).unwrap()["spec"];
        assert_eq!(spec["containers"][0]["args"], json!(["migrate"]));
        assert_eq!(spec["restartPolicy"], "Never");
        // Nothing of the release is there yet: neither its ServiceAccount nor a volume of its own.
        assert!(spec["serviceAccountName"].is_null());
        let serve = &pod(only(&manifests, "Deployment")).unwrap()["spec"];
        assert_eq!(spec["containers"][0]["image"], serve["containers"][0]["image"]);
    }
    assert!(of_kind(&rendered("bare"), "Job").is_empty(), "unless somebody else does it");
}

#[test]
fn what_is_made_for_a_migration_goes_away_with_it() {
    for manifest in rendered("all") {
        let notes = &manifest["metadata"]["annotations"];
        if !notes["helm.sh/hook"].is_null() {
            assert_eq!(notes["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded");
        }
    }
}
