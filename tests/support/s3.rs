//! A store that speaks S3 and checks signatures, of a test's own: on a free port, in a folder that goes away.

use std::{
    net::TcpStream,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{programs, server::free_ports};

/// The bucket that there is.
pub const BUCKET: &str = "reports";

/// A running store.
pub struct S3 {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl S3 {
    /// Starts one.
    pub fn start() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let mut command = programs::of_node("s3rver");
        command.args([
            "--address",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--configure-bucket",
            BUCKET,
            "--silent",
        ]);
        let process = command
            .arg("--directory")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the store does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, folder, port }
    }

    /// What a service is told to use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("VERITRAIL_ARCHIVE__S3_BUCKET", BUCKET.to_owned()),
            ("VERITRAIL_ARCHIVE__S3_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("VERITRAIL_ARCHIVE__S3_ACCESS_KEY_ID", "S3RVER".to_owned()),
            ("VERITRAIL_ARCHIVE__S3_SECRET_ACCESS_KEY", "S3RVER".to_owned()),
            ("VERITRAIL_ARCHIVE__S3_PREFIX", "archive".to_owned()),
        ]
    }

    /// The files that it keeps objects in.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
