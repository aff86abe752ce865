//! The committed document, the printed one and the served one are the same, and break nobody who relies on
//! the last released one.

mod compare;
mod released;

use std::{path::Path, process::Command};

use crate::support::{Server, server::binary};

fn printed() -> String {
    let output = Command::new(binary("veritrail")).arg("openapi").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_document_is_what_the_service_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let printed = printed();
    if committed == printed {
        return;
    }
    let lines = committed.lines().zip(printed.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (old, new))| old != new);
    panic!("openapi/openapi.json is not what the code says; run `make openapi`. First difference: {first:?}");
}

#[tokio::test]
async fn the_served_document_is_the_printed_one() {
    let served = Server::shared().stranger().get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert!(served.text() == printed(), "the service serves another document than it prints");
}
