//! A service with telemetry of its own: `veritrail serve` on a demo's folder.

use std::{
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Server, engine::with_database, server::binary};

/// The service, and the demo whose folder, names and credentials it has.
pub struct Site {
    pub demo: Server,
    process: Child,
    log: PathBuf,
}

impl Site {
    /// Starts one that exports to an endpoint, every so many seconds.
    pub async fn start(endpoint: &str, interval_s: u64) -> Self {
        let mut demo = Server::demo(&[]);
        assert!(demo.terminate().success());
        let log = demo.data_dir().join("log");
        let bare = |url: &str| url.split_once("://").unwrap().1.to_owned();
        let mut command = Command::new(binary("veritrail"));
        with_database(&mut command, demo.data_dir());
        let process = command
            .arg("serve")
            .env("VERITRAIL_STORAGE__DATA_DIR", demo.data_dir())
            .env("VERITRAIL_HTTP__LISTEN", bare(demo.base_url()))
            .env("VERITRAIL_HTTP__ADMIN_LISTEN", bare(demo.admin_url()))
            .env("VERITRAIL_HTTP__BASE_URL", demo.base_url())
            .env("VERITRAIL_HTTP__ORIGIN", bare(demo.base_url()))
            .env("VERITRAIL_TELEMETRY__OTLP_ENDPOINT", endpoint)
            .env("VERITRAIL_TELEMETRY__EXPORT_INTERVAL_S", interval_s.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let site = Self { demo, process, log };
        let (stranger, began) = (site.demo.stranger(), Instant::now());
        loop {
            let asked = stranger.request(reqwest::Method::GET, "/health/ready");
            if stranger.try_send(asked).await.is_ok_and(|answer| answer.status == 200) {
                return site;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the service did not start: {}", site.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// What Prometheus would get.
    pub async fn scrape(&self) -> String {
        super::scrape(&self.demo).await
    }

    /// Asks it to stop; says how it ended, and how long that took.
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.process.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the service did not stop within a minute");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
