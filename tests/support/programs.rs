//! Programs of others that the tests run, as `tests/install.sh` installs them.

use std::{path::PathBuf, process::Command};

use super::server::binary;

fn target() -> PathBuf {
    // The binaries are in `target/debug`.
    binary("veritrail").parent().unwrap().parent().unwrap().to_owned()
}

/// A program of the environment of Python.
pub fn of_python(name: &str) -> PathBuf {
    let path = target().join("python/bin").join(name);
    assert!(path.exists(), "{} is missing: run `make test`, or `tests/install.sh` first", path.display());
    path
}

/// A program of the packages of Node, to be run by the Node that came with them.
pub fn of_node(name: &str) -> Command {
    let path = target().join("node/node_modules/.bin").join(name);
    assert!(path.exists(), "{} is missing: run `make test`, or `tests/install.sh` first", path.display());
    let mut node = Command::new(of_python("node"));
    node.arg(path);
    node
}

/// A script of ours that uses packages of Node: it finds them by `NODE_PACKAGES`.
pub fn node_script(path: &str) -> Command {
    let packages = target().join("node");
    assert!(
        packages.join("node_modules").exists(),
        "packages of Node are missing: run `tests/install.sh` first"
    );
    let mut node = Command::new(of_python("node"));
    node.arg(path).env("NODE_PACKAGES", packages);
    node
}

/// The text of a file of the packages of Node.
pub fn node_file(name: &str) -> String {
    let path = target().join("node/node_modules").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|_| {
        panic!("{} is missing: run `make test`, or `tests/install.sh` first", path.display())
    })
}
