//! Processes that must not outlive the tests.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A process that outlives its statics is ended by a watcher that sees this one go, and its folder
/// goes with it.
pub fn watch_over(pid: u32, folder: Option<&Path>) {
    let (own, folder) = (std::process::id(), folder.map(|folder| folder.display().to_string()));
    let script = format!(
        "while kill -0 {own} 2>/dev/null; do sleep 0.2; done; kill -9 $(pgrep -P {pid}) {pid}; \
         sleep 0.5; [ -z '{0}' ] || rm -rf '{0}'",
        folder.unwrap_or_default()
    );
    let _ = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
