//! What starting servers takes.

use std::{net::TcpListener, path::PathBuf, sync::Mutex};

/// The service's own binaries, which cargo puts beside the bench's folder.
pub fn binary(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(name);
    assert!(path.exists(), "{} is missing: run `make bench`, which builds it first", path.display());
    path
}

/// A free port whose successor is free too.
pub fn free_ports() -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(0);
    let mut next = NEXT.lock().unwrap();
    let first = 20_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 2;
    let mut port = if *next == 0 { first } else { *next };
    while TcpListener::bind(("127.0.0.1", port)).is_err()
        || TcpListener::bind(("127.0.0.1", port + 1)).is_err()
    {
        port += 2;
    }
    *next = port + 2;
    port
}
