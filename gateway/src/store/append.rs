//! All that a batch appends, and the heads that move with it.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::{
    Connection, StoreError,
    accounts::{self, NewRow as NewAccount},
    engine::Link,
    entries::{self, NewEntry},
    logs::Advance,
    payloads::{self, NewPayload},
    rows,
    tiles::{self, NewTile},
    transactions::{self, NewRow as NewTransaction},
};

/// Rows in seq order, and the heads that go with them.
#[derive(Debug, Default)]
pub struct Appended {
    /// Of each log, its new entries.
    pub entries: Vec<NewEntry>,
    /// What they commit to.
    pub payloads: Vec<NewPayload>,
    /// Tiles that became full.
    pub tiles: Vec<NewTile>,
    /// Accounts that are new.
    pub accounts: Vec<NewAccount>,
    /// Transactions that are new.
    pub transactions: Vec<NewTransaction>,
    /// The heads, each moved only if it still is where the writer saw it (compare-and-swap on the size).
    pub moves: Vec<Advance>,
}

/// Inserts the rows and moves the heads.
///
/// Returns whether all heads were where they were seen; `false` means that somebody else appended.
pub async fn append(connection: &mut Connection, appended: &Appended) -> Result<bool, StoreError> {
    if appended.moves.is_empty() {
        return Ok(true);
    }
    let moved = match connection.link() {
        Link::Sqlite(link) => in_turn(link, appended).await?,
        Link::Postgres(link) => at_once(link, appended).await?,
    };
    Ok(moved == appended.moves.len() as u64)
}

/// In the same process a call costs little.
async fn in_turn(link: &mut SqliteConnection, appended: &Appended) -> Result<u64, StoreError> {
    rows::insert(link, &entries::TABLE, &appended.entries, entries::values).await?;
    rows::insert(link, &payloads::TABLE, &appended.payloads, payloads::values).await?;
    rows::insert(link, &tiles::TABLE, &appended.tiles, tiles::values).await?;
    rows::insert(link, &accounts::TABLE, &appended.accounts, accounts::values).await?;
    rows::insert(link, &transactions::TABLE, &appended.transactions, transactions::values).await?;
    let mut moved = 0;
    for Advance { tenant, seen_size, head } in &appended.moves {
        let done = sqlx::query(
            "UPDATE logs SET size = $3, root = $4, prev = $5, at_us = $6 \
             WHERE institution_id = $1 AND size = $2",
        )
        .bind(tenant.uuid())
        .bind(seen_size)
        .bind(head.size)
        .bind(&head.root)
        .bind(&head.prev)
        .bind(head.at_us)
        .execute(&mut *link)
        .await?;
        moved += done.rows_affected();
    }
    Ok(moved)
}

/// Over a network one trip serves all: one statement, whose parts are the tables'.
async fn at_once(link: &mut PgConnection, appended: &Appended) -> Result<u64, StoreError> {
    let tables = [
        rows::columns(&entries::CHAINED, &appended.entries, entries::chained),
        rows::columns(&payloads::TABLE, &appended.payloads, payloads::values),
        rows::columns(&tiles::TABLE, &appended.tiles, tiles::values),
        rows::columns(&accounts::TABLE, &appended.accounts, accounts::values),
        rows::columns(&transactions::TABLE, &appended.transactions, transactions::values),
    ];
    // The heads' six arrays come first.
    let (mut parts, mut taken) = (Vec::new(), 6);
    for (place, table) in tables.iter().flatten().enumerate() {
        let (sql, now_taken) = table.sql(taken);
        parts.push(format!("part_{place} AS ({sql})"));
        taken = now_taken;
    }
    let with = if parts.is_empty() { String::new() } else { format!("WITH {} ", parts.join(", ")) };
    let sql = format!(
        "{with}UPDATE logs l SET size = n.size, root = n.root, prev = n.prev, at_us = n.at_us \
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[]) \
           AS n (institution_id, seen, size, root, prev, at_us) \
         WHERE l.institution_id = n.institution_id AND l.size = n.seen"
    );
    let moves = &appended.moves;
    let column = |of: fn(&Advance) -> i64| moves.iter().map(of).collect::<Vec<_>>();
    let bytes = |of: fn(&Advance) -> &[u8]| moves.iter().map(of).collect::<Vec<_>>();
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(moves.iter().map(|each| each.tenant.uuid()).collect::<Vec<_>>())
        .bind(column(|each| each.seen_size))
        .bind(column(|each| each.head.size))
        .bind(bytes(|each| &each.head.root))
        .bind(bytes(|each| &each.head.prev))
        .bind(column(|each| each.head.at_us));
    let query = tables.into_iter().flatten().fold(query, |query, table| table.bind(query));
    Ok(query.execute(link).await?.rows_affected())
}
