//! A real Redis of a test's own: on a free port, in a folder that goes away.

use std::{
    path::{Path, PathBuf},
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
        let process = spawn(&folder, port, false, &[]);
        Self { process, folder, port }.ready()
    }

    /// Starts one that speaks TLS too, on the next port, with a certificate for `localhost` of its own.
    pub fn with_tls() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let tls_port = (port + 1).to_string();
        let tls = [
            ["--tls-port", &tls_port],
            ["--tls-cert-file", certificate],
            ["--tls-key-file", key],
            ["--tls-auth-clients", "no"],
        ];
        let process = spawn(&folder, port, false, tls.as_flattened());
        Self { process, folder, port }.ready()
    }

    /// Starts a node of a cluster that is still to be made.
    fn node() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let bus = (port + 1).to_string();
        let cluster = [["--cluster-enabled", "yes"], ["--cluster-port", &bus]];
        let process = spawn(&folder, port, false, cluster.as_flattened());
        Self { process, folder, port }.ready()
    }

    /// Starts three masters that are a cluster.
    pub fn cluster() -> [Self; 3] {
        let nodes = [Self::node(), Self::node(), Self::node()];
        let addresses = nodes.each_ref().map(|node| format!("127.0.0.1:{}", node.port));
        let addresses = addresses.each_ref().map(String::as_str);
        let create = [&["--cluster", "create"], &addresses[..], &["--cluster-yes"]].concat();
        let said = nodes[0].cli(&create);
        let began = Instant::now();
        while !nodes.iter().all(|node| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok")) {
            assert!(began.elapsed() < Duration::from_secs(30), "no cluster came of it: {said}");
            std::thread::sleep(Duration::from_millis(50));
        }
        nodes
    }

    /// Starts one that syncs every write, as the signer's memory must be.
    pub fn durable() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let process = spawn(&folder, port, true, &[]);
        Self { process, folder, port }.ready()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it speaks TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.port + 1)
    }

    /// What its certificate is to be checked against.
    pub fn ca_file(&self) -> PathBuf {
        Path::join(self.folder.path(), "tls.crt")
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was; what it synced is there.
    pub fn restart(&mut self, durable: bool) {
        self.process = spawn(&self.folder, self.port, durable, &[]);
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

fn spawn(folder: &TempDir, port: u16, durable: bool, more: &[&str]) -> Child {
    let (append_only, sync) = if durable { ("yes", "always") } else { ("no", "no") };
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", append_only, "--appendfsync", sync])
        .args(["--dir".as_ref(), folder.path().as_os_str()])
        .args(more)
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
