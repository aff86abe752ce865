//! Programs that are not ours, in the environment of Python that `tests/install.sh` makes.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::programs;

/// Runs a script of `tests/python`, and reads the JSON that it prints.
pub fn python(script: &str, arguments: &[&str]) -> Value {
    python_with(script, arguments, &[])
}

/// The same, with variables of its environment.
pub fn python_with(script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let mut command = Command::new(programs::of_python("python"));
    let output = command.arg(script).args(arguments).envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a library that is not ours finds in a file of some format.
pub fn read_back(format: &str, file: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join(format!("file.{format}"));
    std::fs::write(path, file).unwrap();
    python("read_back.py", &[format, path.to_str().unwrap()])
}
