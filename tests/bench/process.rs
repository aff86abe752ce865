//! Servers in processes of their own, so that their CPU time is theirs alone.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    load::{Connection, get},
    server::binary,
    site::{Bank, Site},
};

/// Jiffies a second, on every Linux there is.
const TICKS: f64 = 100.0;

/// A server process, ended when this is dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// `veritrail serve` on a site.
    pub fn serve(site: &Site) -> Self {
        Self::spawn(Command::new(binary("veritrail")).arg("serve"), site)
    }

    /// One of this bench's own servers on a site.
    pub fn own(mode: &str, site: &Site) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()).args(["--serve", mode]), site)
    }

    fn spawn(command: &mut Command, site: &Site) -> Self {
        let child =
            command.envs(environment(site)).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], site.port)) }
    }

    /// Waits until it says that it is ready, and for how long that was.
    pub async fn ready(&self) -> Duration {
        let began = Instant::now();
        let request = get("/health/ready", None);
        while began.elapsed() < Duration::from_secs(20) {
            if let Ok(mut connection) = Connection::open(self.address).await
                && let Ok((200, _)) = connection.call(&request).await
            {
                return began.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("the server did not get ready");
    }

    /// User and system time that it has used, in seconds.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name stands in parentheses and may hold spaces; user and system time are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
        (ticks(14) + ticks(15)) / TICKS
    }

    /// Memory, as a line of its status says: `VmRSS` is what it has now, `VmHWM` the most it ever had.
    pub fn memory_mib(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kib = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
        kib.unwrap().trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// An access token for a bank's system.
    pub async fn token(&self, bank: &Bank) -> String {
        let (id, secret) = &bank.client;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(format!("http://{}/oauth2/token", self.address))
            .basic_auth(id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().expect("a token").to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gracefully, so that the next server on the same folder finds it in order.
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..500 {
            if !asked.as_ref().is_ok_and(|status| status.success())
                || self.child.try_wait().is_ok_and(|e| e.is_some())
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The site's configuration, as the binary reads it.
fn environment(site: &Site) -> Vec<(&'static str, String)> {
    let config = super::site::config(&site.data_dir, site.port, site.database.as_ref());
    vec![
        ("VERITRAIL_STORAGE__DATA_DIR", site.data_dir.display().to_string()),
        ("VERITRAIL_HTTP__LISTEN", config.http.listen),
        ("VERITRAIL_HTTP__ADMIN_LISTEN", config.http.admin_listen),
        ("VERITRAIL_HTTP__BASE_URL", config.http.base_url),
        ("VERITRAIL_HTTP__ORIGIN", config.http.origin),
        ("VERITRAIL_LIMITS__ADDRESS_PER_SECOND", config.limits.address_per_second.to_string()),
        ("VERITRAIL_LIMITS__ADDRESS_BURST", config.limits.address_burst.to_string()),
        ("VERITRAIL_LOG__LEVEL", config.log.level),
        (
            "VERITRAIL_STORAGE__POSTGRES_URL",
            site.database.as_ref().map(|database| database.service_url()).unwrap_or_default(),
        ),
    ]
}
