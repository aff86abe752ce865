//! What the service is held against: servers that do less, each run as a process of its own.

use std::{io, path::Path};

use actix_web::{App, HttpResponse, HttpServer, middleware::from_fn, web};
use sqlx::{
    SqlitePool,
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
    let pool = readers(&config.storage.data_dir);
    HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(pool.clone()))
            .route("/health/ready", web::get().to(health))
            .route("/v1/transactions", web::get().to(bare_list))
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

async fn bare_list(pool: web::Data<SqlitePool>) -> HttpResponse {
    let mut connection = pool.acquire().await.unwrap();
    let (institution, size): (Vec<u8>, i64) =
        sqlx::query_as("SELECT institution_id, size FROM logs ORDER BY size DESC LIMIT 1")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
    let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
        "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = $1 AND +t.seq <= $2 ORDER BY t.booking_date, t.seq LIMIT 101",
    )
    .bind(institution)
    .bind(size)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    drop(connection);
    let mut body = b"{\"data\":[".to_vec();
    for (place, (_, _, payload)) in rows.iter().take(100).enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(payload);
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
