//! What a stopped service left on the disk, read and checked without it.

use std::path::Path;

use serde_json::Value;
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::support::{ledger::bytes, server::run_in};

/// The database of a service that does not run.
pub struct Stored(SqliteConnection);

impl Stored {
    pub async fn open(data_dir: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(data_dir.join("veritrail.db"))
            .journal_mode(SqliteJournalMode::Wal);
        Self(SqliteConnection::connect_with(&options).await.unwrap())
    }

    /// An entry's kind and payload.
    pub async fn entry(&mut self, institution: &str, seq: u64) -> Option<(String, Value)> {
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT e.kind, p.payload FROM entries e JOIN payloads p USING (institution_id, seq) \
             WHERE e.institution_id = $1 AND e.seq = $2",
        )
        .bind(bytes(institution))
        .bind(i64::try_from(seq).unwrap())
        .fetch_optional(&mut self.0)
        .await
        .unwrap();
        row.map(|(kind, payload)| (kind, serde_json::from_slice(&payload).unwrap()))
    }

    /// The seq of the transaction with this reference.
    pub async fn transaction(&mut self, institution: &str, reference: &str) -> Option<u64> {
        let seq: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM transactions WHERE institution_id = $1 AND reference = $2")
                .bind(bytes(institution))
                .bind(reference)
                .fetch_optional(&mut self.0)
                .await
                .unwrap();
        seq.map(i64::unsigned_abs)
    }

    /// Sizes and notes of the signed checkpoints.
    pub async fn checkpoints(&mut self, institution: &str) -> Vec<(i64, String)> {
        sqlx::query_as("SELECT size, note FROM checkpoints WHERE institution_id = $1 ORDER BY size")
            .bind(bytes(institution))
            .fetch_all(&mut self.0)
            .await
            .unwrap()
    }

    /// Revokes a token as another replica would.
    pub async fn revoke(mut self, jti: &str) {
        sqlx::query("INSERT INTO revoked_tokens (jti, expires_at_us) VALUES ($1, $2)")
            .bind(jti)
            .bind(i64::MAX)
            .execute(&mut self.0)
            .await
            .unwrap();
        self.close().await;
    }

    /// Changes a plan as another replica would.
    pub async fn set_client_burst(&mut self, plan: &str, burst: u32) {
        sqlx::query("UPDATE plans SET client_burst = $1 WHERE name = $2")
            .bind(burst)
            .bind(plan)
            .execute(&mut self.0)
            .await
            .unwrap();
    }

    /// Alters an entry as somebody with the file could: the trigger is taken away first.
    pub async fn forge_entry(&mut self, institution: &str, seq: i64) {
        sqlx::query("DROP TRIGGER entries_no_update").execute(&mut self.0).await.unwrap();
        let altered = sqlx::query(
            "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"kind\":\"', '\"kind\":\"x') AS BLOB) \
             WHERE institution_id = $1 AND seq = $2",
        )
        .bind(bytes(institution))
        .bind(seq)
        .execute(&mut self.0)
        .await
        .unwrap();
        assert_eq!(altered.rows_affected(), 1);
    }

    pub async fn close(self) {
        self.0.close().await.unwrap();
    }
}

/// What `veritrail fsck` says of one institution's log, and whether it is clean.
pub fn fsck(data_dir: &Path, base_url: &str, institution: &str) -> (bool, String) {
    let output = run_in(data_dir, base_url, &["fsck", "--institution", institution]);
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}
