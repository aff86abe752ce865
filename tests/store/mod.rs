//! What the database itself holds, whatever the service would do.

mod guards;
mod isolation;
mod lineage;
mod migrations;
mod partitions;
mod startup;
mod status;
mod violations;

use sqlx::{Connection as _, PgConnection};

use crate::support::{
    engine::Engine,
    postgres::{Database, Postgres},
};

/// The server of a run on PostgreSQL. These tests are about what SQLite has no notion of.
fn postgres() -> Option<&'static Postgres> {
    match Engine::of_this_run() {
        Engine::Postgres => Some(Postgres::shared()),
        Engine::Sqlite => None,
    }
}

/// A connection of somebody whom no rule holds, who may become anybody.
async fn superuser(database: &Database) -> PgConnection {
    let mut connection = PgConnection::connect(&database.superuser_url()).await.unwrap();
    sqlx::query("SET search_path = veritrail").execute(&mut connection).await.unwrap();
    connection
}
