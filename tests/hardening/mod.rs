//! The service under load, before slow and hostile clients, and on its way out.

mod body;
mod intakes;
mod load;
pub mod raw;
mod slow;
mod stop;
mod tls;
mod untaken;

use raw::Raw;
use tempfile::TempDir;

use crate::support::{Server, server::free_ports};

/// A demo of one's own with some configuration, and the folder that goes away with it.
fn configured(env: &[(&str, &str)]) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let server = Server::start_with(&folder.path().join("data"), free_ports(), &[], env);
    (server, folder)
}
