//! The real binary, started on free ports with a folder of its own that goes away.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub use super::watch::watch_over;
use super::{Caller, engine::with_database};

/// A running service.
pub struct Server {
    process: Child,
    /// Its data folder, when this server owns it.
    folder: Option<TempDir>,
    data_dir: PathBuf,
    /// What `demo.json` says.
    pub demo: Value,
}

/// Where `cargo build` puts this workspace's binaries.
pub fn binary(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().expect("a test has a path");
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `make test`, or `cargo build --bins` first", path.display());
    path
}

/// A port whose successor is free too: the demo's admin API takes the next one.
pub fn free_ports() -> u16 {
    static LAST: Mutex<u16> = Mutex::new(0);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    // Below the range from which the system takes ports of its own accord.
    let mut port =
        if *last == 0 { 10_000 + u16::try_from(std::process::id() % 9_000).unwrap() * 2 } else { *last + 2 };
    while TcpListener::bind(("127.0.0.1", port)).is_err()
        || TcpListener::bind(("127.0.0.1", port + 1)).is_err()
    {
        port += 2;
    }
    *last = port;
    port
}

impl Server {
    /// The demo that tests share. They may add to it, so they expect only what they made.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let server = Self::demo(&[]);
            // Statics are not dropped; this ends the process with the tests.
            watch_over(server.process.id(), None);
            server.lift_limits();
            server
        })
    }

    /// Lets whoever calls call as often as they like: limits are another test's matter.
    pub fn lift_limits(&self) {
        let operator =
            (self.base_url().to_owned(), self.admin_url().to_owned(), self.demo["operator"].clone());
        std::thread::spawn(move || lift_limits(operator)).join().unwrap();
    }

    /// A demo of one's own, with more arguments.
    pub fn demo(args: &[&str]) -> Self {
        Self::demo_with(args, &[])
    }

    /// A demo of one's own, with more arguments and environment variables.
    pub fn demo_with(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let data_dir = folder.path().join("data");
        let port = free_ports();
        let mut server = Self::start_with(&data_dir, port, args, environment);
        server.folder = Some(folder);
        server
    }

    /// Starts a demo in a folder, new or used before, on a port.
    pub fn start(data_dir: &Path, port: u16, args: &[&str]) -> Self {
        Self::start_with(data_dir, port, args, &[])
    }

    /// The same, with environment variables, which set configuration.
    pub fn start_with(data_dir: &Path, port: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut demo = Command::new(binary("veritrail"));
        with_database(&mut demo, data_dir);
        let mut process = demo
            .args(["demo", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data_dir)
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // The demo says what to try once it listens.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let listens = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Veritrail serves"));
        assert!(listens, "the service did not start");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let demo = std::fs::read_to_string(data_dir.join("demo.json")).unwrap();
        let demo = serde_json::from_str(&demo).unwrap();
        Self { process, folder: None, data_dir: data_dir.to_owned(), demo }
    }

    pub fn base_url(&self) -> &str {
        self.demo["base_url"].as_str().unwrap()
    }

    pub fn admin_url(&self) -> &str {
        self.demo["admin_url"].as_str().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where the API is heard, as a socket address.
    pub fn address(&self) -> &str {
        self.base_url().split_once("://").unwrap().1
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The id of the demo's first or second institution.
    pub fn institution(&self, index: usize) -> &str {
        self.demo["institutions"][index]["id"].as_str().unwrap()
    }

    pub fn vkey(&self, index: usize) -> &str {
        self.demo["institutions"][index]["vkey"].as_str().unwrap()
    }

    /// A system of the first or second institution, with every scope that it has.
    pub async fn system(&self, index: usize) -> Caller {
        self.caller(&self.demo["institutions"][index]["clients"][0], None).await
    }

    /// The same, with some scopes only.
    pub async fn system_with(&self, index: usize, scopes: &str) -> Caller {
        self.caller(&self.demo["institutions"][index]["clients"][0], Some(scopes)).await
    }

    pub async fn feeder(&self) -> Caller {
        self.caller(&self.demo["feeder"], None).await
    }

    /// An operator; its paths begin at the admin port.
    pub async fn operator(&self) -> Caller {
        let mut caller = self.caller(&self.demo["operator"], None).await;
        caller.base_url = self.admin_url().to_owned();
        caller
    }

    /// Makes a client of the first or second institution.
    pub async fn enrol(&self, index: usize, new: &Value) -> Value {
        let path = format!("/admin/v1/institutions/{}/clients", self.institution(index));
        self.operator().await.post(&path, new).await.ok()
    }

    /// A client of `demo.json`, by its credentials.
    pub async fn caller(&self, client: &Value, scopes: Option<&str>) -> Caller {
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        Caller::authenticate(self.base_url(), id, secret, scopes).await
    }

    /// A caller without a token.
    pub fn stranger(&self) -> Caller {
        Caller::stranger(self.base_url())
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks the process to stop, and waits until it has.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.terminated()
    }

    /// Waits until the process, asked to stop, has.
    pub fn terminated(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not stop within a minute");
    }

    /// Runs a command of the binary on this server's folder.
    pub fn run(&self, args: &[&str]) -> std::process::Output {
        run_in(&self.data_dir, self.base_url(), args)
    }

    /// The same, with more environment variables.
    pub fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> std::process::Output {
        let mut command = command_in(&self.data_dir, self.base_url(), args);
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// Begins a command of the binary on this server's folder.
    pub fn begin(&self, args: &[&str]) -> Child {
        command_in(&self.data_dir, self.base_url(), args).stdout(Stdio::null()).spawn().unwrap()
    }
}

/// Runs a command of the binary on a data folder.
pub fn run_in(data_dir: &Path, base_url: &str, args: &[&str]) -> std::process::Output {
    command_in(data_dir, base_url, args).output().unwrap()
}

fn command_in(data_dir: &Path, base_url: &str, args: &[&str]) -> Command {
    let origin = base_url.split_once("://").unwrap().1;
    let mut command = Command::new(binary("veritrail"));
    with_database(&mut command, data_dir);
    command
        .args(args)
        .env("VERITRAIL_STORAGE__DATA_DIR", data_dir)
        .env("VERITRAIL_HTTP__BASE_URL", base_url)
        .env("VERITRAIL_HTTP__ORIGIN", origin)
        .env("VERITRAIL_LOG__LEVEL", "error");
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets all tests together be one client: its limits are another test's matter.
fn lift_limits((base_url, admin_url, operator): (String, String, Value)) {
    let text = |name: &str| operator[name].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut caller =
            Caller::authenticate(&base_url, &text("client_id"), &text("client_secret"), None).await;
        caller.base_url = admin_url;
        let most = 1_000_000;
        let quotas = serde_json::json!({
            "client_per_second": most, "client_burst": most,
            "institution_per_second": most, "institution_burst": most,
        });
        let request = caller.request(reqwest::Method::PUT, "/admin/v1/plans/standard").json(&quotas);
        caller.send(request).await.ok();
    });
}
