//! Row-level security as the service's connections meet it.

use sqlx::{Connection as _, Executor as _, PgConnection};

use super::postgres;
use crate::support::{Server, engine::database_of, ledger::uuid};

#[tokio::test]
async fn after_a_transaction_its_institutions_rows_are_out_of_sight_again() {
    if postgres().is_none() {
        return;
    }
    let server = Server::demo(&[]);
    let url = database_of(server.data_dir()).unwrap().service_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let count = "SELECT count(*) FROM veritrail.transactions";
    let mut transaction = connection.begin().await.unwrap();
    let scope = uuid(server.institution(0)).simple().to_string();
    sqlx::query("SELECT set_config('veritrail.scope', $1, true)")
        .bind(&scope)
        .execute(&mut *transaction)
        .await
        .unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *transaction).await.unwrap();
    assert!(seen > 1_000, "its own: {seen}");
    transaction.commit().await.unwrap();
    // The setting is '' now, not unset: it must not name an institution of that name.
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert_eq!(seen, 0);
    let refused = connection.execute("SET ROLE veritrail_owner").await;
    assert!(refused.is_err(), "the service cannot become the owner");
}
