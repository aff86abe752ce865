//! What the service is held against: servers that do less, each run as a process of its own.

use std::{io, path::Path};

use actix_web::{App, HttpResponse, HttpServer, middleware::from_fn, web};
use jiff_sqlx::Date as SqlDate;
use sqlx::{
    Executor as _, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use veritrail::{
    access::{Permit, gate::gate, right::ReadTransactions},
    api::{
        State,
        item::{Shown, shown},
        list::Run,
        params::Params,
        transactions::TransactionList,
    },
    config::Config,
    error::Problem,
    service::{Service, database},
    store::transactions::{self, Filter, Sort},
};

/// Serves until the process is ended.
pub async fn run(mode: &str) {
    let config = Config::load(None).unwrap();
    match mode {
        "bare" => bare(&config).await.unwrap(),
        "unrecorded" => unrecorded(&config).await.unwrap(),
        other => panic!("there is no server {other:?}"),
    }
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

/// The same SQL behind a bare actix handler: no token, no limit, no record.
async fn bare(config: &Config) -> io::Result<()> {
    let (pool, url) = (readers(&config.storage.data_dir), config.storage.postgres_url.get());
    let server_pool = url.map(|url| {
        let options: PgConnectOptions = url.parse().unwrap();
        PgPoolOptions::new()
            .max_connections(config.storage.postgres_pool_max)
            .test_before_acquire(false)
            .connect_lazy_with(options.options([("search_path", "veritrail")]))
    });
    HttpServer::new(move || {
        let app = App::new().route("/health/ready", web::get().to(health));
        match &server_pool {
            None => {
                app.app_data(web::Data::new(pool.clone())).route("/v1/transactions", web::get().to(bare_list))
            }
            Some(pool) => app
                .app_data(web::Data::new(pool.clone()))
                .route("/v1/transactions", web::get().to(bare_list_on_postgres)),
        }
    })
    .workers(config.http.workers)
    .bind(&config.http.listen)?
    .run()
    .await
}

fn readers(data_dir: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(database(data_dir)).read_only(true);
    SqlitePoolOptions::new().max_connections(8).test_before_acquire(false).connect_lazy_with(options)
}

const HEAD: &str = "SELECT institution_id, size FROM logs ORDER BY size DESC LIMIT 1";
const PAGE: &str = "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
                    JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
                    WHERE t.institution_id = $1 AND +t.seq <= $2 ORDER BY t.booking_date, t.seq LIMIT $3";

async fn bare_list(pool: web::Data<SqlitePool>) -> HttpResponse {
    let mut connection = pool.acquire().await.unwrap();
    let (institution, size): (Vec<u8>, i64) = sqlx::query_as(HEAD).fetch_one(&mut *connection).await.unwrap();
    let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(PAGE)
        .bind(institution)
        .bind(size)
        .bind(101_i64)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    page(rows.into_iter().map(|(.., payload)| payload))
}

/// The institution is known here beforehand: without a transaction that names it there are no rows.
async fn bare_list_on_postgres(pool: web::Data<PgPool>) -> HttpResponse {
    static BANK: tokio::sync::OnceCell<uuid::Uuid> = tokio::sync::OnceCell::const_new();
    let bank = BANK.get_or_init(async || {
        let newest =
            "SELECT id FROM institutions WHERE role = 'institution' ORDER BY created_at_us DESC LIMIT 1";
        sqlx::query_scalar(newest).fetch_one(&mut *pool.acquire().await.unwrap()).await.unwrap()
    });
    let bank = *bank.await;
    let mut connection = pool.acquire().await.unwrap();
    let begin =
        format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL veritrail.scope = '{bank}'");
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(begin))).await.unwrap();
    let (institution, size): (uuid::Uuid, i64) =
        sqlx::query_as(HEAD).fetch_one(&mut *connection).await.unwrap();
    let rows: Vec<(i64, SqlDate, Vec<u8>)> = sqlx::query_as(PAGE)
        .bind(institution)
        .bind(size)
        .bind(101_i64)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    connection.execute("ROLLBACK").await.unwrap();
    drop(connection);
    page(rows.into_iter().map(|(.., payload)| payload))
}

fn page(payloads: impl Iterator<Item = Vec<u8>>) -> HttpResponse {
    let mut body = b"{\"data\":[".to_vec();
    for (place, payload) in payloads.take(100).enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&payload);
    }
    body.extend_from_slice(b"]}");
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// The service's own list with everything but the record: token, scope, limit, page, cursor.
async fn unrecorded(config: &Config) -> io::Result<()> {
    let service = Service::start(config).await.map_err(io::Error::other)?;
    let (state, door) = (service.state.clone(), service.door.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(door.clone())
            .service(veritrail::api::health::ready)
            .service(veritrail::api::oauth2::issue_token)
            .route("/v1/transactions", web::get().to(unrecorded_list))
            .wrap(from_fn(gate))
    });
    server.workers(config.http.workers).bind(&config.http.listen)?.run().await?;
    service.stop().await;
    Ok(())
}

async fn unrecorded_list(
    permit: Permit<ReadTransactions>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let params = Params::read(permit.query(), &["limit"])?;
    let mut reader = state.read(permit.tenant()).await?;
    let run = Run::take_up(&state, &mut reader, "listTransactions", permit.tenant(), &params).await?;
    let (filter, seq) = (Filter::default(), run.snapshot.seq());
    let found =
        transactions::page(&mut reader, permit.tenant(), seq, &filter, Sort::Booked, None, run.fetch()).await;
    let mut rows = found?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (Some(row.booking_date.to_jiff().to_string()), row.seq))?;
    let data: Vec<Shown<'_>> = rows.iter().map(|row| shown(&row.payload, &[])).collect::<Result<_, _>>()?;
    let answer = TransactionList { data, page, as_of: run.snapshot.as_of()?, proofs: None };
    Ok(HttpResponse::Ok().content_type("application/json").body(serde_json::to_vec(&answer).unwrap()))
}
