//! The service put together: database, recorder, signer, door and API, and their orderly end.

mod background;
mod settings;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::web;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    access::{
        self, Door, People,
        body::Pace,
        issuers::Issuers,
        limit::{Limits, Rate},
        load::Load,
        nonce::Nonces,
        token::Tokens,
        usage::{self, Usage},
    },
    api::{State, cursor::Cursors, events::Streams, operations::Operations, status::Told, transactions},
    config::Config,
    domain::{InstitutionId, Tenant},
    export::{
        bundle::BundlePress,
        press::{ExportPress, Settings},
    },
    keys::{CheckpointSigner, FileSigner, KeyError, Seed},
    ledger::{
        self, By, RecordError, Recorder, Signer,
        command::{Change, Onboarding},
        memory::{Memory, MemoryError, file::FileMemory, redis::RedisMemory},
        recorder::{RecorderTask, Setup},
        rounds,
    },
    openapi,
    packed::Packed,
    receiving::{self, Receiver},
    reporting::{Archive, ArchiveError, ReportPress, Scheduler},
    shared::{Redis, RedisError},
    status,
    store::{
        Db, Place, StoreError, institutions,
        plans::{self, Plan},
    },
    webhooks::{self, Webhooks, address::SystemNames, sender::SenderError},
    world::{Machine, World, id_parts},
};

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder can't be made.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// A key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The signer's memory can't be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The database can't be used.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// The ledger can't be written.
    #[error("ledger: {0}")]
    Record(#[from] RecordError),
    /// Redis can't be configured.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Webhook endpoints can't be told.
    #[error(transparent)]
    Webhooks(#[from] SenderError),
    /// The archive can't be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Outgoing HTTP can't be set up.
    #[error("issuers: {0}")]
    Issuers(reqwest::Error),
    /// A setting can't be used.
    #[error("{0} can't be used")]
    Setting(&'static str),
    /// The API's description can't be written.
    #[error("OpenAPI document: {0}")]
    Document(#[from] serde_json::Error),
}

/// The parts that write and sign, without HTTP: what `import` and `client` need.
pub struct Ledger {
    /// The database.
    pub db: Db,
    /// The one writer.
    pub recorder: Recorder,
    /// Signs checkpoints; none while another process does.
    pub signer: Option<Arc<Signer>>,
    /// The checkpoint key.
    pub key: Arc<dyn CheckpointSigner>,
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// The provider's own log.
    pub provider: Tenant,
    recorder_task: RecorderTask,
    stop: watch::Sender<bool>,
    signing: Option<JoinHandle<()>>,
}

/// Where the database of a configuration is.
#[must_use]
pub fn place(config: &Config) -> Place {
    match config.storage.postgres_url.get() {
        Some(url) => Place::Postgres { url: url.to_owned(), readers: config.storage.postgres_pool_max },
        None => Place::Sqlite(database(&config.storage.data_dir)),
    }
}

/// The file of the embedded database in a data folder.
#[must_use]
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join("veritrail.db")
}

impl Ledger {
    /// Opens the ledger in the configured folder, setting up what is missing.
    ///
    /// # Errors
    /// When a part can't be started. Another process that signs is no error.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        Self::open_in(config, Arc::new(Machine)).await
    }

    /// The same, in a world of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_in(config: &Config, world: Arc<dyn World>) -> Result<Self, StartError> {
        let keys = config.storage.data_dir.join("keys");
        std::fs::create_dir_all(&keys).map_err(|e| StartError::Folder(keys.clone(), e))?;
        let db = Db::open(&place(config)).await?;
        rounds::make_partitions(&db, config.storage.postgres_partition_entries).await?;
        // Logs were signed with a key of before; they never get a new one by accident.
        let ledger_key = keys.join("ledger.pem");
        let is_new = institutions::provider(&mut db.directory().await?).await?.is_none();
        let seed = Seed::given_or("keys.ledger", &config.keys.ledger, || match is_new {
            true => Seed::load_or_make(&ledger_key, &*world),
            false => Seed::load(&ledger_key),
        })?;
        let key: Arc<dyn CheckpointSigner> = Arc::new(FileSigner::new(seed));
        let memory = match memory(config).await {
            Ok(memory) => Some(Arc::new(memory)),
            Err(MemoryError::Locked(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let setup = Setup {
            world: Arc::clone(&world),
            memory: memory.clone(),
            keys: Arc::clone(&key),
            origin_host: config.http.origin.clone(),
        };
        let (recorder, recorder_task) = Recorder::start(&db, setup).await?;
        let provider = provider(&db, &recorder, &*world).await?;
        let (stop, stopped) = watch::channel(false);
        let signer = memory
            .map(|memory| Arc::new(Signer::new(db.clone(), recorder.clone(), memory, Arc::clone(&key))));
        let signing = signer.clone().map(|signer| signer.run(stopped));
        Ok(Self { db, recorder, signer, key, world, provider, recorder_task, stop, signing })
    }

    /// Signs what is left, finishes what was accepted, and closes the database.
    pub async fn close(self) {
        // The signer signs once more on its way out, and then lets go of the recorder.
        let _ = self.stop.send(true);
        if let Some(signing) = self.signing {
            let _ = signing.await;
        }
        // Readers first: the last connection to close brings the write-ahead log into the database, and
        // a reader can't.
        self.db.close().await;
        drop(self.signer);
        drop(self.recorder);
        // Whoever else holds a recorder is cut off after a while.
        let _ = tokio::time::timeout(Duration::from_secs(10), self.recorder_task).await;
    }
}

/// The signer's memory, where the configuration says that it is.
///
/// # Errors
/// When it can't be used, or another process has it.
pub async fn memory(config: &Config) -> Result<Memory, MemoryError> {
    match config.signer.redis_url.get() {
        Some(url) => RedisMemory::open(url).await.map(Into::into),
        None => FileMemory::open(&config.signed_heads()).map(Into::into),
    }
}

/// The provider's log; on the first start, sets up the provider and the plan `standard`.
async fn provider(db: &Db, recorder: &Recorder, world: &dyn World) -> Result<Tenant, StartError> {
    let there = async || institutions::provider(&mut db.directory().await?).await;
    if let Some(id) = there().await? {
        return Ok(Tenant::vouched(id));
    }
    let (ms, random) = id_parts(world);
    let id = InstitutionId::from_parts(ms, random);
    let provider = Onboarding { id, name: "Provider".to_owned(), plan: STANDARD.to_owned(), provider: true };
    match (recorder.set_up(provider).await, there().await?) {
        (Ok(()), _) => Ok(Tenant::vouched(id)),
        // Another replica that starts too was quicker.
        (Err(_), Some(id)) => Ok(Tenant::vouched(id)),
        (Err(error), None) => Err(error.into()),
    }
}

/// What takes files, as the configuration has it.
#[must_use]
pub fn receiver(config: &Config, db: &Db, recorder: &Recorder, world: &Arc<dyn World>) -> Receiver {
    let limits = receiving::Limits {
        file_bytes_max: config.intake.file_bytes_max,
        records_max: config.intake.records_max,
        upload_kept_us: i64::from(config.intake.upload_kept_h) * 3_600_000_000,
        uploads_max: config.intake.uploads_max,
        unfinished_bytes_max: config.intake.unfinished_bytes_max,
    };
    let folder = config.storage.data_dir.join("intakes");
    Receiver::new(db.clone(), recorder.clone(), Arc::clone(world), folder, limits)
}

/// The plan that there always is.
pub const STANDARD: &str = "standard";

/// The plan that there is from the first start on.
#[must_use]
pub fn standard_plan() -> Plan {
    Plan {
        name: STANDARD.to_owned(),
        client_per_second: 200,
        client_burst: 400,
        institution_per_second: 1_000,
        institution_burst: 2_000,
    }
}

/// The whole service, ready for its listeners.
pub struct Service {
    /// What handlers work with.
    pub state: web::Data<State>,
    /// What every request passes.
    pub door: web::Data<Door>,
    ledger: Ledger,
    redis: Option<Arc<Redis>>,
    webhooks: Arc<Webhooks>,
    background: Vec<JoinHandle<()>>,
    keeping_usage: (Arc<Notify>, JoinHandle<()>),
}

impl Service {
    /// Starts everything but the listeners.
    ///
    /// # Errors
    /// When a part can't be started, or another process serves from the same folder.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let ledger = Ledger::open(config).await?;
        let Some(signer) = ledger.signer.clone() else {
            return Err(MemoryError::Locked(config.signed_heads()).into());
        };
        let keys = config.storage.data_dir.join("keys");
        let key = |name, given, file: &str| {
            Seed::given_or(name, given, || Seed::load_or_make(&keys.join(file), &*ledger.world))
        };
        let (token_seed, other_seeds) =
            Seed::several("keys.token", &config.keys.token, &keys.join("token.pem"), &*ledger.world)?;
        let cursor_seed = key("keys.cursor", &config.keys.cursor, "cursor.pem")?;
        let plans = plans::list(&mut ledger.db.directory().await?).await?;
        let address = Rate::new(config.limits.address_per_second, config.limits.address_burst);
        let redis = match config.redis.urls().next() {
            Some(_) => Some(Redis::start(&config.redis, &*ledger.world).await?),
            None => None,
        };
        let door = web::Data::new(Door {
            db: ledger.db.clone(),
            recorder: ledger.recorder.clone(),
            tokens: Tokens::new(&token_seed, &other_seeds, &config.http.base_url, &config.http.base_url),
            issuers: Issuers::new(settings::trusts(config)).map_err(StartError::Issuers)?,
            nonces: Nonces::new(&cursor_seed).map_err(|_| StartError::Setting("keys.cursor"))?,
            origins: settings::origins(&config.http)?,
            people: People::new(
                settings::sign_in(&config.portal),
                settings::sign_in_issuers(config)?,
                &cursor_seed,
            )
            .map_err(|_| StartError::Setting("keys.cursor"))?,
            load: Load::new(config.limits.concurrency_max),
            pace: Pace {
                whole: Duration::from_secs(config.limits.body_timeout_s),
                bytes_per_s: config.limits.body_min_bytes_per_s,
            },
            limits: Limits::new(address, &plans, redis.clone()),
            usage: Usage::default(),
            redis: redis.clone(),
            world: Arc::clone(&ledger.world),
            provider: ledger.provider,
        });
        let bundles = config.storage.data_dir.join("bundles");
        let press = BundlePress::new(
            ledger.db.clone(),
            ledger.recorder.clone(),
            Arc::clone(&signer),
            Arc::clone(&ledger.key),
            bundles,
        );
        press.resume().await?;
        let receiver = receiver(config, &ledger.db, &ledger.recorder, &ledger.world);
        let exports = config.storage.data_dir.join("exports");
        let settings = Settings {
            part_rows_max: config.exports.part_rows_max.into(),
            direct_rows_max: config.exports.direct_rows_max.into(),
            keep_us: i64::from(config.exports.keep_hours) * 3600 * 1_000_000,
        };
        let exports = ExportPress::new(
            ledger.db.clone(),
            ledger.recorder.clone(),
            Arc::clone(&ledger.world),
            exports.clone(),
            settings,
            transactions::read_filter,
        )
        .map_err(|e| StartError::Folder(exports, e))?;
        exports.resume().await?;
        // Redis is what replicas are put together by.
        if redis.is_some() && config.archive.s3_bucket.is_empty() {
            tracing::warn!(
                "reports are archived in a folder of this process: replicas need archive.s3_bucket"
            );
        }
        let archive = Archive::open(&config.archive, &config.storage.data_dir.join("archive"))?;
        let (db, recorder) = (ledger.db.clone(), ledger.recorder.clone());
        let reports = ReportPress::new(db, recorder, Arc::clone(&ledger.world), archive);
        reports.resume().await?;
        let scheduler = Scheduler {
            db: ledger.db.clone(),
            recorder: ledger.recorder.clone(),
            world: Arc::clone(&ledger.world),
            press: reports.clone(),
        };
        let (webhooks, telling) = Webhooks::start(webhooks::Setup {
            db: ledger.db.clone(),
            recorder: ledger.recorder.clone(),
            world: Arc::clone(&ledger.world),
            seed: &cursor_seed,
            config: &config.webhooks,
            names: Arc::new(SystemNames),
        })?;
        access::metrics::start();
        ledger.db.watch_pool();
        let stops = ledger.recorder.stops().clone();
        let again = Arc::new(Notify::new());
        let mut background = vec![
            ledger::metrics::watch(ledger.db.clone(), stops, Arc::clone(&ledger.world)),
            tokio::spawn(background::sweep(ledger.recorder.clone())),
            tokio::spawn(background::make_ahead(
                ledger.db.clone(),
                config.storage.postgres_partition_entries,
            )),
            tokio::spawn(receiver.clone().tend()),
            tokio::spawn(scheduler.run(Duration::from_secs(config.reports.schedule_look_s))),
            tokio::spawn(background::read_plans(door.clone(), Arc::clone(&again))),
            telling,
        ];
        if matches!(ledger.db, Db::Postgres(_)) && redis.is_none() {
            // Another replica may revoke, and would not be heard.
            door.tokens.hears(false);
        }
        if let Some(redis) = &redis {
            door.tokens.hears(false);
            let door = door.clone();
            background.push(redis.listen(move |heard| {
                if door.hear(heard) {
                    again.notify_one();
                }
            }));
        }
        let document = openapi::whole(&openapi::Addresses {
            api: config.http.base_url.clone(),
            admin: format!("http://{}", config.http.admin_listen),
        })?;
        let operations = Operations::of(&document);
        let reference = Packed::new(openapi::reference::page(&document));
        let document = openapi::text(&document)?;
        let state = web::Data::new(State {
            door: door.clone(),
            signer,
            key: Arc::clone(&ledger.key),
            cursors: Cursors::new(cursor_seed),
            press,
            receiver,
            upload_time: Duration::from_secs(config.intake.upload_timeout_s),
            exports,
            reports,
            told: Told::default(),
            webhooks: Arc::clone(&webhooks),
            streams: Streams::new(
                // A connection that is silent for longer would be ended.
                Duration::from_secs(config.events.heartbeat_s)
                    .min(Duration::from_secs(config.http.idle_timeout_s) / 2),
                config.events.streams_max,
                config.events.streams_per_client_max,
            ),
            base_url: config.http.base_url.clone(),
            document,
            reference,
            operations,
            batch_lines_max: config.limits.batch_lines_max,
            batch_bytes_max: config.limits.batch_bytes_max,
            started_at_us: ledger.world.now_us(),
            stopping: AtomicBool::new(false),
        });
        let stop = Arc::new(Notify::new());
        let keeping_usage = (Arc::clone(&stop), tokio::spawn(usage::keep(door.clone(), stop)));
        Ok(Self { state, door, ledger, redis, webhooks, background, keeping_usage })
    }

    /// The parts that write and sign.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Starts to check how its parts stand, once it is heard at an address.
    ///
    /// # Errors
    /// When HTTP can't be set up.
    pub fn check(&self, config: &Config, address: SocketAddr) -> Result<JoinHandle<()>, reqwest::Error> {
        let state = self.state.clone();
        status::start(status::Setup {
            db: self.ledger.db.clone(),
            recorder: self.ledger.recorder.clone(),
            world: Arc::clone(&self.ledger.world),
            provider: self.ledger.provider,
            webhooks: Arc::clone(&self.webhooks),
            redis: self.redis.clone(),
            ask: settings::own_url(&config.http, address),
            every: Duration::from_secs(config.status.check_every_s),
            stopping: Box::new(move || state.is_stopping()),
        })
    }

    /// Stops, once the listeners have.
    pub async fn stop(self) {
        self.webhooks.stop().await;
        self.state.receiver.stop();
        for task in self.background {
            task.abort();
            // What it holds is let go of then.
            let _ = task.await;
        }
        self.state.exports.stop().await;
        self.state.reports.stop().await;
        let (stop, keeping) = self.keeping_usage;
        stop.notify_one();
        let _ = keeping.await;
        if let Some(redis) = &self.redis {
            redis.leave().await;
        }
        drop((self.state, self.door, self.webhooks));
        self.ledger.close().await;
    }
}

impl Recorder {
    /// Sets up the plan `standard` and the provider, whose log records both.
    async fn set_up(&self, provider: Onboarding) -> Result<(), RecordError> {
        self.change(By::service(), Change::SetUp(standard_plan(), provider), None).await.map(drop)
    }
}
