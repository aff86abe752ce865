//! Several processes of the service on one PostgreSQL, as in production.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    Caller,
    postgres::{Database, Postgres},
    redis::Redis,
    server::{binary, free_ports},
};

/// A deployment: its database, its keys, and its processes.
pub struct Replicas {
    folder: TempDir,
    pub database: Database,
    /// What `demo.json` says: institutions and clients to work with.
    pub demo: Value,
    /// What its signers share.
    pub memory: Redis,
    environment: Vec<(String, String)>,
    replicas: Vec<Replica>,
}

/// One process.
struct Replica {
    port: u16,
    data_dir: PathBuf,
    process: Option<Child>,
}

impl Replicas {
    /// Makes a deployment on a database of this server, and starts so many processes.
    pub async fn start(postgres: &Postgres, count: usize, environment: &[(&str, String)]) -> Self {
        Self::start_on(postgres.database(), count, environment).await
    }

    /// The same, on a database that is there.
    pub async fn start_on(database: Database, count: usize, environment: &[(&str, String)]) -> Self {
        let (folder, memory) = (TempDir::new().unwrap(), Redis::durable());
        let port = free_ports();
        let mut environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        environment.extend([
            ("VERITRAIL_STORAGE__POSTGRES_URL".to_owned(), database.service_url()),
            ("VERITRAIL_SIGNER__REDIS_URL".to_owned(), memory.url()),
            ("VERITRAIL_LIMITS__ADDRESS_PER_SECOND".to_owned(), "1000000".to_owned()),
            ("VERITRAIL_LIMITS__ADDRESS_BURST".to_owned(), "1000000".to_owned()),
        ]);
        let first = folder.path().join("demo");
        let demo = make_demo(&first, port, &environment);
        let base_url = format!("http://127.0.0.1:{port}");
        environment.extend([
            ("VERITRAIL_HTTP__BASE_URL".to_owned(), base_url),
            ("VERITRAIL_HTTP__ORIGIN".to_owned(), format!("127.0.0.1:{port}")),
            ("VERITRAIL_LOG__LEVEL".to_owned(), "warn".to_owned()),
            ("VERITRAIL_HTTP__WORKERS".to_owned(), "1".to_owned()),
        ]);
        for key in ["ledger", "token", "cursor"] {
            let pem = std::fs::read_to_string(first.join(format!("keys/{key}.pem"))).unwrap();
            environment.push((format!("VERITRAIL_KEYS__{}", key.to_uppercase()), pem));
        }
        let mut all = Self { folder, database, demo, memory, environment, replicas: Vec::new() };
        for index in 0..count {
            let data_dir = all.folder.path().join(format!("replica-{index}"));
            all.replicas.push(Replica { port: free_ports(), data_dir, process: None });
            all.spawn(index);
        }
        for index in 0..count {
            all.until_ready(index).await;
        }
        all
    }

    pub fn len(&self) -> usize {
        self.replicas.len()
    }

    /// Starts a process that does not run.
    pub fn spawn(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        let process = Command::new(binary("veritrail"))
            .arg("serve")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("VERITRAIL_STORAGE__DATA_DIR", &replica.data_dir)
            .env("VERITRAIL_HTTP__LISTEN", format!("127.0.0.1:{}", replica.port))
            .env("VERITRAIL_HTTP__ADMIN_LISTEN", format!("127.0.0.1:{}", replica.port + 1))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What goes wrong here on purpose would fill pages.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        replica.process = Some(process);
    }

    /// Waits until a process serves; starts it again if it could not (its database may have been away).
    pub async fn until_ready(&mut self, index: usize) {
        let stranger = self.stranger(index);
        let began = Instant::now();
        loop {
            let ready = stranger.try_send(stranger.request(reqwest::Method::GET, "/health/ready")).await;
            if ready.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "replica {index} did not get ready");
            let ended = self.replicas[index].process.as_mut().is_none_or(|p| p.try_wait().unwrap().is_some());
            if ended {
                self.spawn(index);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends a process at once.
    pub fn kill(&mut self, index: usize) {
        if let Some(mut process) = self.replicas[index].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Asks all processes to stop, and waits until they have.
    pub fn terminate(&mut self) -> Vec<ExitStatus> {
        let mut processes: Vec<Child> =
            self.replicas.iter_mut().filter_map(|replica| replica.process.take()).collect();
        for process in &processes {
            assert!(
                Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success()
            );
        }
        processes.iter_mut().map(|process| process.wait().unwrap()).collect()
    }

    /// Runs a command of the binary with the first process's configuration.
    pub fn run(&self, args: &[&str]) -> std::process::Output {
        Command::new(binary("veritrail"))
            .args(args)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("VERITRAIL_STORAGE__DATA_DIR", &self.replicas[0].data_dir)
            .output()
            .unwrap()
    }

    /// What clients are told to call all of them.
    pub fn base_url(&self) -> &str {
        let named = |(name, _): &&(String, String)| name == "VERITRAIL_HTTP__BASE_URL";
        &self.environment.iter().find(named).unwrap().1
    }

    pub fn url(&self, index: usize) -> String {
        format!("http://127.0.0.1:{}", self.replicas[index].port)
    }

    pub fn stranger(&self, index: usize) -> Caller {
        Caller::stranger(&self.url(index))
    }

    /// A client of `demo.json`, speaking to one of the processes.
    pub async fn caller(&self, index: usize, client: &Value) -> Caller {
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        Caller::authenticate(&self.url(index), id, secret, None).await
    }

    pub async fn system(&self, index: usize) -> Caller {
        self.caller(index, &self.demo["institutions"][0]["clients"][0]).await
    }

    pub async fn feeder(&self, index: usize) -> Caller {
        self.caller(index, &self.demo["feeder"]).await
    }

    pub async fn operator(&self, index: usize) -> Caller {
        let mut caller = self.caller(index, &self.demo["operator"]).await;
        caller.base_url = format!("http://127.0.0.1:{}", self.replicas[index].port + 1);
        caller
    }

    pub fn institution(&self) -> &str {
        self.demo["institutions"][0]["id"].as_str().unwrap()
    }

    pub fn vkey(&self) -> &str {
        self.demo["institutions"][0]["vkey"].as_str().unwrap()
    }

    /// The data folder of the demonstration, with the keys.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("demo")
    }
}

/// Makes the institutions and clients to work with.
fn make_demo(data_dir: &Path, port: u16, environment: &[(String, String)]) -> Value {
    use std::io::BufRead as _;
    let mut process = Command::new(binary("veritrail"))
        .args(["demo", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
        .arg(data_dir)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Veritrail serves")), "the demo did not start");
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    serde_json::from_str(&std::fs::read_to_string(data_dir.join("demo.json")).unwrap()).unwrap()
}

impl Drop for Replicas {
    fn drop(&mut self) {
        for index in 0..self.replicas.len() {
            self.kill(index);
        }
    }
}
