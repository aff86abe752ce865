//! Everything that somebody with the service's role, or more, could do and must not be able to: tried,
//! and looked up in the catalogue. An empty list means that all guards stand.

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

/// Tables whose rows belong to an institution.
pub const TENANT_TABLES: [&str; 36] = [
    "logs",
    "entries",
    "payloads",
    "tiles",
    "checkpoints",
    "accounts",
    "transactions",
    "evidence_bundles",
    "exports",
    "export_parts",
    "webhook_endpoints",
    "webhook_attempts",
    "idempotency",
    "intakes",
    "intake_findings",
    "statements",
    "intake_mappings",
    "usage",
    "lineage_events",
    "lineage_jobs",
    "lineage_datasets",
    "lineage_versions",
    "lineage_runs",
    "lineage_edges",
    "lineage_columns",
    "reports",
    "report_versions",
    "report_figures",
    "report_contributions",
    "report_remarks",
    "report_validations",
    "report_deliveries",
    "report_adjustments",
    "grants",
    "report_schedules",
    "log_checks",
];
/// Tables in which nothing is ever changed.
pub const LEDGER_TABLES: [&str; 6] =
    ["entries", "payloads", "tiles", "checkpoints", "accounts", "transactions"];

/// What the service may do, as `table privilege` or `table.column privilege`.
const GRANTS: &str = "
accounts INSERT, accounts SELECT, assertions DELETE, assertions INSERT, assertions SELECT,
_sqlx_migrations SELECT, checkpoints INSERT, checkpoints SELECT, clients INSERT, clients SELECT,
clients.allowed_addresses UPDATE, clients.certificate_bound UPDATE, clients.dpop_bound UPDATE,
clients.jwks UPDATE, clients.old_secret_sha256 UPDATE, clients.old_secret_until_us UPDATE,
clients.secret_sha256 UPDATE, dpop_proofs DELETE, dpop_proofs INSERT, dpop_proofs SELECT,
clients.revoked_at_us UPDATE, entries INSERT, entries SELECT, evidence_bundles INSERT,
evidence_bundles SELECT, evidence_bundles.bytes UPDATE, evidence_bundles.checkpoint_size UPDATE, evidence_bundles.finished_at_us UPDATE,
evidence_bundles.sha256 UPDATE, evidence_bundles.state UPDATE, evidence_bundles.written UPDATE, export_parts INSERT, export_parts SELECT,
exports INSERT, exports SELECT, exports.expires_at_us UPDATE, exports.finished_at_us UPDATE,
exports.rows_done UPDATE, exports.state UPDATE, exports.touched_at_us UPDATE, idempotency DELETE, idempotency INSERT,
idempotency SELECT, institutions INSERT, institutions SELECT, institutions.plan UPDATE, logs INSERT,
logs SELECT, logs.at_us UPDATE, logs.prev UPDATE, logs.root UPDATE, logs.size UPDATE, payloads INSERT,
payloads SELECT, plans INSERT, plans SELECT, plans.client_burst UPDATE, plans.client_per_second UPDATE,
plans.institution_burst UPDATE, plans.institution_per_second UPDATE, revoked_tokens DELETE,
revoked_tokens INSERT, revoked_tokens SELECT, tiles INSERT, tiles SELECT, transactions INSERT,
transactions SELECT, webhook_attempts DELETE, webhook_attempts INSERT, webhook_attempts SELECT,
webhook_attempts.answer UPDATE, webhook_attempts.at_us UPDATE, webhook_attempts.error UPDATE,
webhook_attempts.state UPDATE, webhook_attempts.status UPDATE, webhook_attempts.took_ms UPDATE,
webhook_endpoints DELETE, webhook_endpoints INSERT, webhook_endpoints SELECT,
webhook_endpoints.attempts UPDATE, webhook_endpoints.description UPDATE, webhook_endpoints.events UPDATE,
webhook_endpoints.failing_since_us UPDATE, webhook_endpoints.generation UPDATE,
webhook_endpoints.held_until_us UPDATE, webhook_endpoints.holder UPDATE, webhook_endpoints.next_at_us UPDATE,
webhook_endpoints.overlap_until_us UPDATE, webhook_endpoints.position UPDATE, webhook_endpoints.reason UPDATE,
webhook_endpoints.revision UPDATE,
webhook_endpoints.state UPDATE, webhook_endpoints.url UPDATE,
intakes INSERT, intakes SELECT, intake_findings INSERT, intake_findings SELECT, statements INSERT, statements SELECT,
intake_mappings INSERT, intake_mappings SELECT, intake_mappings.mapping UPDATE, intake_mappings.seq UPDATE,
intakes.seq UPDATE, intakes.state UPDATE, intakes.reason UPDATE, intakes.sha256 UPDATE, intakes.statements UPDATE,
intakes.records UPDATE, intakes.added UPDATE, intakes.unchanged UPDATE, intakes.faults UPDATE, intakes.breaks UPDATE,
intakes.delivered UPDATE, intakes.finished_at_us UPDATE, intakes.touched_at_us UPDATE,
lineage_events INSERT, lineage_events SELECT, lineage_jobs DELETE, lineage_jobs INSERT, lineage_jobs SELECT,
lineage_datasets DELETE, lineage_datasets INSERT, lineage_datasets SELECT, lineage_datasets.columns UPDATE,
lineage_datasets.columns_at_us UPDATE, lineage_versions DELETE, lineage_versions INSERT, lineage_versions SELECT,
lineage_versions.run_id UPDATE, lineage_versions.made_at_us UPDATE, lineage_versions.columns UPDATE,
lineage_versions.columns_at_us UPDATE, lineage_runs DELETE, lineage_runs INSERT, lineage_runs SELECT,
lineage_runs.state UPDATE, lineage_runs.ended UPDATE, lineage_runs.state_at_us UPDATE,
lineage_runs.started_at_us UPDATE, lineage_runs.parent_id UPDATE, lineage_edges DELETE, lineage_edges INSERT,
lineage_edges SELECT, lineage_columns DELETE, lineage_columns INSERT, lineage_columns SELECT,
reports INSERT, reports SELECT, report_versions INSERT, report_versions SELECT, report_figures INSERT,
report_figures SELECT, report_contributions INSERT, report_contributions SELECT, report_remarks INSERT,
report_remarks SELECT, report_validations INSERT, report_validations SELECT, report_deliveries INSERT,
report_deliveries SELECT, report_adjustments INSERT, report_adjustments SELECT,
report_versions.attempt UPDATE, report_versions.made_seq UPDATE,
report_figures DELETE, report_contributions DELETE, report_remarks DELETE, report_versions.state UPDATE, report_versions.media_type UPDATE,
report_versions.sha256 UPDATE, report_versions.bytes UPDATE, report_versions.figures UPDATE,
report_versions.figures_sha256 UPDATE, report_versions.errors UPDATE, report_versions.warnings UPDATE,
report_versions.touched_at_us UPDATE, report_versions.finished_at_us UPDATE,
report_adjustments.decided_seq UPDATE, report_adjustments.decided_by UPDATE, report_adjustments.state UPDATE,
report_adjustments.decided_at_us UPDATE,
users INSERT, users SELECT, users.password_hash UPDATE, users.invite_sha256 UPDATE, users.invite_until_us UPDATE,
users.totp_salt UPDATE, users.totp_step UPDATE, users.external_issuer UPDATE,
users.external_subject UPDATE, users.disabled_at_us UPDATE, recovery_codes DELETE, recovery_codes INSERT,
recovery_codes SELECT, tries DELETE, tries INSERT, tries SELECT, tries.full_at_us UPDATE, sessions DELETE, sessions INSERT, sessions SELECT, sessions.seen_at_us UPDATE,
grants INSERT, grants SELECT, grants.revoked_seq UPDATE, grants.revoked_by UPDATE, grants.revoked_at_us UPDATE,
grants.reason UPDATE,
status_days DELETE, status_days INSERT, status_days SELECT, status_days.checks UPDATE, status_days.degraded UPDATE,
status_days.down UPDATE, status_checks DELETE, status_checks INSERT, status_checks SELECT, status_checks.state UPDATE,
status_checks.at_us UPDATE, status_checks.fresh_until_us UPDATE,
incidents INSERT, incidents SELECT, incidents.last_seq UPDATE, incidents.status UPDATE, incidents.impact UPDATE,
incidents.components UPDATE, incidents.updates UPDATE, incidents.updated_at_us UPDATE, incidents.resolved_at_us UPDATE,
incident_updates INSERT, incident_updates SELECT,
report_schedules INSERT, report_schedules SELECT, report_schedules.ended_seq UPDATE, report_schedules.ended_at_us UPDATE,
report_schedules.next_period UPDATE, report_schedules.due_at_us UPDATE, report_schedules.last_period UPDATE,
report_schedules.last_at_us UPDATE, report_schedules.last_report_id UPDATE, report_schedules.last_code UPDATE,
log_checks INSERT, log_checks SELECT, log_checks.checked_at_us UPDATE, log_checks.size UPDATE, log_checks.fault UPDATE,
usage DELETE, usage INSERT, usage SELECT, usage.bytes UPDATE, usage.requests UPDATE, usage.units UPDATE";

/// All violations, within a transaction of a superuser; `own` and `other` are institutions with rows.
pub async fn all(connection: &mut PgConnection, own: &str, other: &str) -> Vec<String> {
    let mut found = catalogue(connection).await;
    found.extend(changes(connection).await);
    found.extend(sights(connection, own, other).await);
    found
}

/// Tries a statement as a role and takes it back; what the database said if it refused.
async fn attempt(connection: &mut PgConnection, role: &str, statement: &str) -> Option<String> {
    connection.execute("SAVEPOINT attempt").await.unwrap();
    connection.execute(AssertSqlSafe(format!("SET LOCAL ROLE {role}"))).await.unwrap();
    let outcome = connection.execute(AssertSqlSafe(statement.to_owned())).await;
    connection.execute("ROLLBACK TO SAVEPOINT attempt").await.unwrap();
    outcome.err().map(|error| error.to_string())
}

/// Nobody changes, removes or empties a ledger table: the service lacks the grant, and triggers stop
/// the owner, a superuser, and one who has turned ordinary triggers off.
async fn changes(connection: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'veritrail'::regnamespace \
         AND c.relkind IN ('r', 'p') AND regexp_replace(c.relname, '_from_[0-9]+$', '') = ANY ($1)",
    )
    .bind(LEDGER_TABLES.map(ToOwned::to_owned).to_vec())
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for table in &tables {
        for statement in [
            format!("UPDATE {table} SET institution_id = institution_id"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            match attempt(connection, "veritrail_service", &statement).await {
                Some(said) if said.contains("permission denied") => {}
                other => found.push(format!("the service: {statement}: {other:?}")),
            }
            for unhindered in ["", "SET LOCAL session_replication_role = replica; "] {
                // A partition with no row in it has nothing that a row's trigger could refuse.
                let empty: bool =
                    sqlx::query_scalar(AssertSqlSafe(format!("SELECT NOT EXISTS (SELECT FROM {table})")))
                        .fetch_one(&mut *connection)
                        .await
                        .unwrap();
                if empty && !statement.starts_with("TRUNCATE") {
                    continue;
                }
                let statement = format!("{unhindered}{statement}");
                match attempt_all(connection, &statement).await {
                    Some(said) if said.contains("append-only") => {}
                    other => found.push(format!("a superuser: {statement}: {other:?}")),
                }
            }
        }
    }
    for (statement, says) in [
        ("UPDATE logs SET size = size - 1 WHERE size > 1", "a log only grows"),
        ("DELETE FROM logs", "append-only"),
        ("TRUNCATE logs CASCADE", "append-only"),
    ] {
        match attempt_all(connection, statement).await {
            Some(said) if said.contains(says) => {}
            other => found.push(format!("a superuser: {statement}: {other:?}")),
        }
    }
    found
}

/// Several statements, as who is connected.
async fn attempt_all(connection: &mut PgConnection, statements: &str) -> Option<String> {
    connection.execute("SAVEPOINT attempt").await.unwrap();
    let outcome = connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await;
    connection.execute("ROLLBACK TO SAVEPOINT attempt").await.unwrap();
    outcome.err().map(|error| error.to_string())
}

/// A query without a WHERE sees the rows of the institution that its transaction names, and no others;
/// the owner is held to it as well. One that names none sees nothing.
async fn sights(connection: &mut PgConnection, own: &str, other: &str) -> Vec<String> {
    let mut found = Vec::new();
    for role in ["veritrail_service", "veritrail_owner"] {
        for table in TENANT_TABLES {
            for (scope, expected) in [(own, vec![own.to_owned()]), ("", Vec::new())] {
                connection.execute("SAVEPOINT sight").await.unwrap();
                let set = format!("SET LOCAL ROLE {role}; SET LOCAL veritrail.scope = '{scope}'");
                connection.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.unwrap();
                let sql = format!("SELECT DISTINCT institution_id::text FROM {table} ORDER BY 1");
                let seen =
                    sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_all(&mut *connection).await;
                connection.execute("ROLLBACK TO SAVEPOINT sight").await.unwrap();
                match seen {
                    Ok(seen) if seen == expected => {}
                    seen => found.push(format!("{role} in {scope:?} sees in {table}: {seen:?}")),
                }
            }
        }
    }
    // Nor does it write for another.
    let insert = format!(
        "SET LOCAL veritrail.scope = '{own}'; INSERT INTO checkpoints VALUES ('{other}', 999999999, '', 0)"
    );
    connection.execute("SAVEPOINT sight").await.unwrap();
    connection.execute("SET LOCAL ROLE veritrail_service").await.unwrap();
    let outcome = connection.execute(sqlx::raw_sql(AssertSqlSafe(insert))).await;
    connection.execute("ROLLBACK TO SAVEPOINT sight").await.unwrap();
    match outcome.err().map(|error| error.to_string()) {
        Some(said) if said.contains("row-level security") => {}
        other => found.push(format!("writing for another institution: {other:?}")),
    }
    found
}

/// What the catalogue says of keys, row security, triggers and grants.
pub async fn catalogue(connection: &mut PgConnection) -> Vec<String> {
    let mut found: Vec<String> = sqlx::query_scalar(
        "SELECT format('the key %s of %s does not begin with institution_id', i.indexrelid::regclass, c.relname) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND i.indisunique AND a.attname <> 'institution_id' \
           AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'institution_id') \
           AND c.relname NOT IN ('clients', 'users') \
         UNION ALL \
         SELECT format('row security of %s is not forced', c.relname) FROM pg_class c \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND c.relkind IN ('r', 'p') \
           AND c.relname NOT IN ('clients', 'users') \
           AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'institution_id') \
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity) \
         UNION ALL \
         SELECT format('%s has the policies %s', c.relname, array_agg(p.polname)) FROM pg_class c \
         LEFT JOIN pg_policy p ON p.polrelid = c.oid \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND c.relname = ANY ($1) \
         GROUP BY c.relname HAVING array_agg(p.polname)::text <> '{scope}' \
         UNION ALL \
         SELECT format('%s lacks the trigger %s', c.relname, needed) FROM pg_class c \
         CROSS JOIN unnest(ARRAY['no_change', 'no_truncate']) AS needed \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND c.relkind IN ('r', 'p') \
           AND regexp_replace(c.relname, '_from_[0-9]+$', '') = ANY ($2) \
           AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = needed) \
         UNION ALL \
         SELECT format('the trigger %s of %s is not ENABLE ALWAYS', t.tgname, c.relname) FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'",
    )
    .bind(TENANT_TABLES.map(ToOwned::to_owned).to_vec())
    .bind(LEDGER_TABLES.map(ToOwned::to_owned).to_vec())
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let granted: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || ' ' || privilege_type FROM information_schema.table_privileges \
         WHERE table_schema = 'veritrail' AND grantee IN ('veritrail_service', 'PUBLIC') \
         UNION \
         SELECT c.table_name || '.' || c.column_name || ' ' || c.privilege_type \
         FROM information_schema.column_privileges c WHERE c.table_schema = 'veritrail' \
           AND c.grantee IN ('veritrail_service', 'PUBLIC') AND NOT EXISTS ( \
             SELECT FROM information_schema.table_privileges t WHERE t.table_schema = c.table_schema \
             AND t.table_name = c.table_name AND t.grantee = c.grantee AND t.privilege_type = c.privilege_type)",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    let mut allowed: Vec<&str> = GRANTS.split(',').map(str::trim).collect();
    for grant in &granted {
        match allowed.iter().position(|one| one == grant) {
            Some(place) => drop(allowed.swap_remove(place)),
            None => found.push(format!("the service may {grant}")),
        }
    }
    found.extend(allowed.iter().map(|grant| format!("the service may not {grant}")));
    found
}
