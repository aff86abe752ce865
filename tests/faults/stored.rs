//! What a stopped service left on the disk, read and checked without it.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    behind::{Behind, behind},
    ledger::uuid,
    server::run_in,
};

/// The database of a service that does not run.
pub struct Stored(Behind);

impl Stored {
    pub async fn open(data_dir: &Path) -> Self {
        Self(Behind::of(data_dir))
    }

    /// An entry's kind and payload.
    pub async fn entry(&mut self, institution: &str, seq: u64) -> Option<(String, Value)> {
        let sql = "SELECT e.kind, p.payload FROM entries e JOIN payloads p USING (institution_id, seq) \
                   WHERE e.institution_id = $1 AND e.seq = $2";
        let row: Option<(String, Vec<u8>)> = behind!(&self.0, pool => {
            let query = sqlx::query_as(sql).bind(uuid(institution)).bind(i64::try_from(seq).unwrap());
            query.fetch_optional(pool).await
        })
        .unwrap();
        row.map(|(kind, payload)| (kind, serde_json::from_slice(&payload).unwrap()))
    }

    /// The seq of the transaction with this reference.
    pub async fn transaction(&mut self, institution: &str, reference: &str) -> Option<u64> {
        let sql = "SELECT seq FROM transactions WHERE institution_id = $1 AND reference = $2";
        let seq: Option<i64> = behind!(&self.0, pool => {
            sqlx::query_scalar(sql).bind(uuid(institution)).bind(reference).fetch_optional(pool).await
        })
        .unwrap();
        seq.map(i64::unsigned_abs)
    }

    /// Sizes and notes of the signed checkpoints.
    pub async fn checkpoints(&mut self, institution: &str) -> Vec<(i64, String)> {
        let sql = "SELECT size, note FROM checkpoints WHERE institution_id = $1 ORDER BY size";
        behind!(&self.0, pool => sqlx::query_as(sql).bind(uuid(institution)).fetch_all(pool).await).unwrap()
    }

    /// Revokes a token as another replica would.
    pub async fn revoke(self, jti: &str) {
        let sql = "INSERT INTO revoked_tokens (jti, expires_at_us) VALUES ($1, $2)";
        behind!(&self.0, pool => sqlx::query(sql).bind(jti).bind(i64::MAX).execute(pool).await.map(drop))
            .unwrap();
        self.close().await;
    }

    /// Changes a plan as another replica would.
    pub async fn set_client_burst(&mut self, plan: &str, burst: u32) {
        let sql = "UPDATE plans SET client_burst = $1 WHERE name = $2";
        let burst = i64::from(burst);
        behind!(&self.0, pool => sqlx::query(sql).bind(burst).bind(plan).execute(pool).await.map(drop))
            .unwrap();
    }

    /// Alters an entry as somebody who owns the database could: the trigger is taken away first.
    pub async fn forge_entry(&mut self, institution: &str, seq: i64) {
        let altered = match &self.0 {
            Behind::Sqlite(pool) => {
                sqlx::query("DROP TRIGGER entries_no_update").execute(pool).await.unwrap();
                sqlx::query(
                    "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"kind\":\"', \
                     '\"kind\":\"x') AS BLOB) WHERE institution_id = $1 AND seq = $2",
                )
                .bind(uuid(institution))
                .bind(seq)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
            }
            Behind::Postgres(pool) => {
                sqlx::query("ALTER TABLE entries DISABLE TRIGGER no_change").execute(pool).await.unwrap();
                sqlx::query(
                    "UPDATE entries SET bytes = convert_to(replace(convert_from(bytes, 'UTF8'), \
                     '\"kind\":\"', '\"kind\":\"x'), 'UTF8') WHERE institution_id = $1 AND seq = $2",
                )
                .bind(uuid(institution))
                .bind(seq)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
            }
        };
        assert_eq!(altered.unwrap(), 1);
    }

    pub async fn close(self) {
        self.0.close().await;
    }
}

/// What `veritrail fsck` says of one institution's log, and whether it is clean.
pub fn fsck(data_dir: &Path, base_url: &str, institution: &str) -> (bool, String) {
    let output = run_in(data_dir, base_url, &["fsck", "--institution", institution]);
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}
