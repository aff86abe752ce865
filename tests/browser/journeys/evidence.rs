//! From the audit page to a bundle that is verified, by the tool and in the browser.

use std::process::Command;

use super::Walk;
use crate::{
    browser::{stage::Stage, verify::choose},
    support::{browser::hand::downloaded, server::binary},
};

async fn takes_evidence(scripts: bool) {
    let server = &Stage::shared().await.server;
    let walk = Walk::of(server, "compliance-officer", scripts).await;
    let folder = tempfile::tempdir().unwrap();
    walk.download_to(folder.path()).await;
    walk.go_to("Audit").await;
    // Two clicks.
    walk.follow("nav", "Evidence").await;
    walk.arrive("Evidence").await;
    walk.push("This year").await;
    walk.arrive("Evidence bundle").await;
    // While it is prepared, the page looks again by itself.
    walk.wait_for("main", |text| text.contains("Download")).await;
    walk.follow("main", "Download").await;
    let file = downloaded(folder.path()).await;
    let output = Command::new(binary("veritrail-verify"))
        .arg(&file)
        .args(["--vkey", server.vkey(0)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("SIGNED"), "{said}");

    walk.follow("main", "Verify").await;
    walk.arrive("Verify a bundle").await;
    if scripts {
        walk.enter("The log's public key (vkey), one a line", server.vkey(0)).await;
        choose(&walk, &file).await;
        let result = walk.text("#result").await;
        assert!(result.starts_with("SIGNED"), "{result}");
    } else {
        let text = walk.text("main").await;
        assert!(text.contains("needs JavaScript") && text.contains("veritrail-verify --vkey"), "{text}");
    }
    walk.end().await;
}

#[tokio::test]
async fn evidence_is_ordered_in_two_clicks_downloaded_and_verified() {
    tokio::join!(takes_evidence(true), takes_evidence(false));
}
