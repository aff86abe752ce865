//! Structured logs: one line an event, JSON unless told otherwise. Fields are named one by one where
//! an event is made; nothing is logged wholesale, so no secret and no personal data gets in.

use tracing::Level;

use crate::config::Log;

/// Starts logging to standard error.
pub fn start(log: &Log) {
    let level = log.level.parse().unwrap_or(Level::INFO);
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // A second start, in a test, changes nothing.
    let _ = match log.format.as_str() {
        "text" => builder.try_init(),
        _ => builder.json().flatten_event(true).try_init(),
    };
}
