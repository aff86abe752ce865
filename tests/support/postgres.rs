//! A real PostgreSQL of the tests' own: in a folder that goes away, on a free port, as a user without
//! rights, and as durable as in production.

use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::server::{binary, free_ports};

/// A server.
pub struct Postgres {
    process: Child,
    folder: TempDir,
    port: u16,
}

/// A database with Veritrail's schema, and who may connect to it.
#[derive(Clone, Debug)]
pub struct Database {
    pub name: String,
    port: u16,
}

impl Database {
    /// The same database, reached through another port.
    pub fn through(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// As the service.
    pub fn service_url(&self) -> String {
        self.url("veritrail_service")
    }

    /// As who makes the tables.
    pub fn migrator_url(&self) -> String {
        self.url("veritrail_migrator")
    }

    /// As somebody whom no rule holds.
    pub fn superuser_url(&self) -> String {
        self.url("postgres")
    }

    fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{}", self.port, self.name)
    }
}

/// A database that is migrated, to be copied.
const TEMPLATE: &str = "veritrail_template";

impl Postgres {
    /// Starts a server of one's own.
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("veritrail-postgres-").unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        succeed(
            command("initdb")
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
                .arg("--pgdata")
                .arg(&data),
        );
        let port = free_ports();
        let process = spawn(folder.path(), port);
        let mut server = Self { process, folder, port };
        server.wait_ready();
        server.make_template();
        server
    }

    /// A new database with the schema, and nothing in it.
    pub fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("veritrail_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.copy(TEMPLATE, &name);
        Database { name, port: self.port }
    }

    /// A database that is there.
    pub fn named(&self, name: &str) -> Database {
        Database { name: name.to_owned(), port: self.port }
    }

    /// A new database without a schema, as a DBA makes it.
    pub fn empty_database(&self, name: &str) -> Database {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.bootstrap(name);
        self.named(name)
    }

    /// Copies a database, cutting off whoever uses either.
    pub fn copy(&self, from: &str, to: &str) {
        self.sql(
            "postgres",
            &format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{from}';
                 DROP DATABASE IF EXISTS {to} WITH (FORCE);
                 CREATE DATABASE {to} TEMPLATE {from}"
            ),
        );
    }

    /// What psql prints for statements, as a superuser.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = self.psql(database, "postgres");
        // One by one: CREATE DATABASE does not go within a transaction.
        for statement in statements.split(";\n") {
            psql.args(["--command", statement]);
        }
        String::from_utf8(succeed(&mut psql).stdout).unwrap().trim().to_owned()
    }

    /// psql as a role; what it says is for the caller to judge.
    pub fn psql(&self, database: &str, role: &str) -> Command {
        let mut psql = Command::new(program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.args(["--host=127.0.0.1", "--port", &self.port.to_string(), "--username", role]);
        psql.args(["--dbname", database]);
        psql
    }

    /// The process that began it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server and all its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        let mut pids = self.children();
        pids.push(self.process.id().to_string());
        let _ = Command::new("kill").arg("-KILL").args(&pids).stderr(Stdio::null()).status();
        self.process.wait().unwrap();
        // One may have been born meanwhile; it sees that its parent is gone.
        let began = Instant::now();
        let lives = |pid: &str| Path::new("/proc").join(pid).exists();
        while pids.iter().any(|pid| lives(pid)) && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again where it was; it recovers by itself.
    pub fn restart(&mut self) {
        self.process = spawn(self.folder.path(), self.port);
        self.wait_ready();
    }

    fn children(&self) -> Vec<String> {
        let parent = self.process.id().to_string();
        let output = Command::new("pgrep").args(["-P", &parent]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).split_whitespace().map(ToOwned::to_owned).collect()
    }

    fn wait_ready(&mut self) {
        let began = Instant::now();
        loop {
            let mut psql = self.psql("postgres", "postgres");
            if psql.args(["--command", "SELECT 1"]).output().unwrap().status.success() {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "PostgreSQL did not get ready");
            if self.process.try_wait().unwrap().is_some() {
                // A process of before still held the shared memory.
                self.process = spawn(self.folder.path(), self.port);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn make_template(&self) {
        let template = self.empty_database(TEMPLATE);
        let migrated = Command::new(binary("veritrail"))
            .arg("migrate")
            .env("VERITRAIL_STORAGE__DATA_DIR", self.folder.path().join("unused"))
            .env("VERITRAIL_STORAGE__POSTGRES_MIGRATOR_URL", template.migrator_url())
            .output()
            .unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    }

    fn bootstrap(&self, database: &str) {
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/postgres/roles.sql");
        let mut psql = self.psql(database, "postgres");
        psql.args(["--set=migrator_password=m", "--set=service_password=s", "--file"]).arg(roles);
        succeed(&mut psql);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    let setting = |name: &str, value: &str| format!("--{name}={value}");
    // What it logs is kept for whoever asks: who waited for whom, and which statements a deadlock was of.
    let kept = std::env::var_os("VERITRAIL_TEST_POSTGRES_LOG").map(|path| {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        Stdio::from(log)
    });
    command("postgres")
        .arg("-D")
        .arg(folder.join("data"))
        .args([
            setting("port", &port.to_string()),
            setting("listen_addresses", "127.0.0.1"),
            setting("unix_socket_directories", folder.to_str().unwrap()),
            setting("max_connections", "400"),
            setting("shared_buffers", "256MB"),
            setting("log_min_messages", if kept.is_some() { "error" } else { "fatal" }),
            setting("log_lock_waits", "on"),
            setting("log_line_prefix", "%m [%p] %u@%d "),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(kept.unwrap_or_else(Stdio::null))
        .spawn()
        .unwrap()
}

/// A program of PostgreSQL's as a user without rights: it refuses to run as root.
fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if let Some((uid, gid)) = unprivileged() {
        command.uid(uid).gid(gid).current_dir("/");
    }
    command
}

/// A program of the newest PostgreSQL that is installed.
pub fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name().unwrap().to_string_lossy().parse::<u32>().unwrap_or(0);
    let newest = versions
        .map(|version| version.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| version(path));
    // Elsewhere it is on the PATH.
    newest.map_or_else(|| name.into(), |path| path.join("bin").join(name))
}

/// For root: the user that PostgreSQL's package makes, or nobody.
fn unprivileged() -> Option<(u32, u32)> {
    let uid = Command::new("id").arg("-u").output().unwrap().stdout;
    if String::from_utf8_lossy(&uid).trim() != "0" {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).unwrap_or((65_534, 65_534)))
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
