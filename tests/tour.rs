//! The README's tour, line by line, as a newcomer would type it.

use std::process::Command;

use crate::support::{Server, server::binary};

#[test]
fn the_readmes_tour_works_line_by_line() {
    if !["bash", "curl", "python3"].iter().all(|tool| is_there(tool)) {
        eprintln!("passed over: the tour needs bash, curl and python3");
        return;
    }
    let readme = include_str!("../README.md");
    let script: String =
        readme.split("```bash\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    let server = Server::demo(&[]);
    // The tour stands in the project's folder, beside `.demo` and the built tool.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(server.data_dir(), folder.path().join(".demo")).unwrap();
    std::fs::create_dir_all(folder.path().join("target")).unwrap();
    let built = binary("veritrail-verify").parent().unwrap().to_owned();
    std::os::unix::fs::symlink(built, folder.path().join("target/release")).unwrap();

    let output = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{script}")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}");
    assert!(said.contains("audit-receipt: "), "{said}");
    assert!(said.contains("the record is entry "), "{said}");
    assert!(said.contains("SIGNED"), "{said}");
    assert!(format!("{said}{failed}").contains("was altered"), "{said}\n{failed}");
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}
