//! Which engine the suite runs on: `VERITRAIL_TEST_ENGINE` is `sqlite` (the default) or `postgres`.

use std::{path::Path, process::Command, sync::OnceLock};

use super::{
    postgres::{Database, Postgres},
    server::watch_over,
};

/// The engine of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn of_this_run() -> Self {
        match std::env::var("VERITRAIL_TEST_ENGINE").as_deref() {
            Err(_) | Ok("sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("VERITRAIL_TEST_ENGINE is sqlite or postgres, not {other}"),
        }
    }
}

impl Postgres {
    /// The server that tests share; each has a database of its own there.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            let server = Self::start();
            // Statics are not dropped; this ends the server, and removes its folder, with the tests.
            watch_over(server.pid(), Some(server.folder()));
            server
        })
    }
}

/// The database that goes with a data folder, if it is not in the folder itself. It is made when it is
/// first asked for.
pub fn database_of(data_dir: &Path) -> Option<Database> {
    if Engine::of_this_run() == Engine::Sqlite {
        return None;
    }
    let note = data_dir.with_extension("database");
    let server = Postgres::shared();
    if let Ok(name) = std::fs::read_to_string(&note) {
        return Some(server.named(&name));
    }
    let database = server.database();
    std::fs::create_dir_all(data_dir).unwrap();
    std::fs::write(note, &database.name).unwrap();
    Some(database)
}

/// Tells a command of the binary which database it works on.
pub fn with_database(command: &mut Command, data_dir: &Path) {
    if let Some(database) = database_of(data_dir) {
        command.env("VERITRAIL_STORAGE__POSTGRES_URL", database.service_url());
    }
}
