//! A real Redis of a test's own: on a free port, in a folder that goes away.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::server::free_ports;

/// A running Redis.
pub struct Redis {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// Starts one that keeps nothing, as a cache would be.
    pub fn start() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let process = spawn(&folder, port, false);
        Self { process, folder, port }.ready()
    }

    /// Starts one that syncs every write, as the signer's memory must be.
    pub fn durable() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let process = spawn(&folder, port, true);
        Self { process, folder, port }.ready()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was; what it synced is there.
    pub fn restart(&mut self, durable: bool) {
        self.process = spawn(&self.folder, self.port, durable);
        self.wait_ready();
    }

    /// Makes it hang: connections stay open, nothing is answered.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Ends the hang.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.cli(&["FLUSHALL"]);
    }

    /// What `redis-cli` says to a command.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    fn ready(self) -> Self {
        self.wait_ready();
        self
    }

    fn wait_ready(&self) {
        let began = Instant::now();
        while self.cli(&["PING"]) != "PONG" {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis did not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn spawn(folder: &TempDir, port: u16, durable: bool) -> Child {
    let (append_only, sync) = if durable { ("yes", "always") } else { ("no", "no") };
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", append_only, "--appendfsync", sync])
        .args(["--dir".as_ref(), folder.path().as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server: `make test` installs it")
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A stopped process takes SIGKILL too.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
