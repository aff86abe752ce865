//! Backups of a service's database, and putting one back.

use std::{fs, path::Path};

use crate::support::{engine::database_of, postgres::Postgres};

/// Copies the database of a data folder aside, under a name.
pub fn take(data_dir: &Path, name: &str) {
    match database_of(data_dir) {
        Some(database) => Postgres::shared().copy(&database.name, &format!("{}_{name}", database.name)),
        None => drop(fs::copy(data_dir.join("veritrail.db"), data_dir.with_extension(name)).unwrap()),
    }
}

/// Puts a copy back in the database's place, whoever uses it meanwhile.
pub fn restore(data_dir: &Path, name: &str) {
    match database_of(data_dir) {
        Some(database) => Postgres::shared().copy(&format!("{}_{name}", database.name), &database.name),
        None => {
            fs::copy(data_dir.with_extension(name), data_dir.join("veritrail.db")).unwrap();
            for leftover in ["veritrail.db-wal", "veritrail.db-shm"] {
                let _ = fs::remove_file(data_dir.join(leftover));
            }
        }
    }
}
