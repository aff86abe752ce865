//! A client that a public generator makes of the served document, used as an integration team would use
//! it. The generated code is made anew in each run and kept nowhere.

use std::process::Command;

use crate::support::{Server, programs, proof, python::python};

#[tokio::test]
async fn a_generated_client_pages_syncs_exports_and_verifies_a_proof() {
    // A demo of its own, so that nobody else writes between a page and the export.
    let server = Server::demo(&[]);
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, server.stranger().get("/openapi.json").await.body).unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/python/client.yaml");
    let output = Command::new(programs::of_python("openapi-python-client"))
        .args(["generate", "--meta", "none", "--output-path", "client", "--config", config, "--path"])
        .arg(&document)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let demo = server.data_dir().join("demo.json");
    let arguments = [folder.path().to_str().unwrap().to_owned(), demo.to_str().unwrap().to_owned()];
    let found =
        tokio::task::spawn_blocking(move || python("generated_client.py", &[&arguments[0], &arguments[1]]))
            .await
            .unwrap();
    let transactions = found["paged"].as_u64().unwrap();
    assert!(transactions > 1_000, "{found}");
    for count in ["distinct", "synced", "exported"] {
        assert_eq!(found[count], transactions, "{count}: {found}");
    }
    assert_eq!(found["same_as_synced"], true, "{found}");
    assert_eq!(found["same_as_exported"], true, "{found}");
    assert!(found["steps_of_consistency"].as_u64().unwrap() > 0, "{found}");
    // Python found the root that the checkpoint states; who signed it is checked here.
    proof::checkpoint(found["checkpoint"].as_str().unwrap(), server.vkey(0));
}
