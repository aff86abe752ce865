//! The part that tells webhook endpoints, in the test's own process: its clock is moved, so that nobody waits
//! for days, and names lead where the test says.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::task::JoinHandle;
use veritrail::{
    config::{self, Config},
    domain::{EndpointId, EventType, Tenant},
    keys::Seed,
    ledger::{By, command::Filing, events::Wanted},
    service::Ledger,
    store::{
        webhook_attempts::{self, Attempt},
        webhooks::{Changes, Endpoint, NewEndpoint, get},
    },
    webhooks::{
        Setup, Webhooks,
        address::{LookUp, Names},
        settings,
    },
    world::{Machine, World, id_parts},
};

use crate::support::{Server, data, engine::database_of, receiver::until};

#[derive(Debug, Default)]
pub struct Clock(AtomicI64);

impl Clock {
    /// Moves it to a time, if that is ahead.
    pub fn reach(&self, at_us: i64) {
        let ahead = at_us - self.now_us();
        self.0.fetch_add(ahead.max(0), Ordering::SeqCst);
    }
}

impl World for Clock {
    fn now_us(&self) -> i64 {
        Machine.now_us() + self.0.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) {
        Machine.fill(bytes);
    }
}

/// Where names lead: for each look-up the next of these, and the last one from then on.
#[derive(Default)]
pub struct Book {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicI64,
    /// Whoever has this keeps all answers back.
    pub silence: Arc<tokio::sync::Mutex<()>>,
}

impl Book {
    pub fn say(&self, answers: &[&[&str]]) {
        let answers = answers.iter().map(|one| one.iter().map(|text| text.parse().unwrap()).collect());
        *self.answers.lock().unwrap() = answers.collect();
    }

    pub fn asked(&self) -> i64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Names for Book {
    fn look_up(&self, _: String) -> LookUp {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let first = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let silence = Arc::clone(&self.silence);
        Box::pin(async move {
            let _heard = silence.lock().await;
            first.ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }
}

/// The ledger of a server that has stopped, opened in this process, and the configuration that it is opened by.
pub async fn open_ledger(server: &Server, clock: &Arc<Clock>) -> (Ledger, Config) {
    let mut config = Config::default();
    config.storage.data_dir = server.data_dir().to_owned();
    if let Some(database) = database_of(server.data_dir()) {
        config.storage.postgres_url = database.service_url().as_str().into();
    }
    config.http.base_url = server.base_url().to_owned();
    config.http.origin = server.address().to_owned();
    let world: Arc<dyn World> = Arc::<Clock>::clone(clock);
    (Ledger::open_in(&config, world).await.unwrap(), config)
}

/// The part of a service that tells, in this process, on the data of a server that has stopped.
pub struct House {
    ledger: Ledger,
    webhooks: Arc<Webhooks>,
    task: JoinHandle<()>,
    pub clock: Arc<Clock>,
    pub names: Arc<Book>,
    tenant: Tenant,
}

impl House {
    pub async fn open(server: &Server, allow_networks: &str) -> Self {
        Self::open_trusting(server, allow_networks, None).await
    }

    /// The same, that checks receivers' certificates against these.
    pub async fn open_trusting(server: &Server, allow_networks: &str, ca_file: Option<PathBuf>) -> Self {
        let (clock, names): (Arc<Clock>, Arc<Book>) = Default::default();
        let (ledger, config) = open_ledger(server, &clock).await;
        let webhooks = config::Webhooks {
            allow_http: true,
            allow_networks: allow_networks.to_owned(),
            timeout_s: 60,
            ca_file,
            ..config::Webhooks::default()
        };
        let setup = Setup {
            db: ledger.db.clone(),
            recorder: ledger.recorder.clone(),
            world: Arc::<Clock>::clone(&clock),
            seed: &Seed::load(&config.storage.data_dir.join("keys/cursor.pem")).unwrap(),
            config: &webhooks,
            names: Arc::<Book>::clone(&names),
        };
        let (webhooks, task) = Webhooks::start(setup).unwrap();
        let tenant = Tenant::vouched(server.institution(0).parse().unwrap());
        Self { ledger, webhooks, task, clock, names, tenant }
    }

    pub async fn close(self) {
        self.webhooks.stop().await;
        self.task.abort();
        let _ = self.task.await;
        drop(self.webhooks);
        self.ledger.close().await;
    }

    /// A new endpoint that is told of some types.
    pub async fn add(&self, url: String, events: &[EventType]) -> EndpointId {
        let (ms, random) = id_parts(&*self.clock);
        let id = EndpointId::from_parts(ms, random);
        let events = Wanted::new(events.to_vec()).to_string();
        let new = NewEndpoint { id, url, events, description: String::new(), scheme: "ed25519" };
        let filing = settings::create(By::service(), new, None).unwrap();
        self.ledger.recorder.file(self.tenant, filing).await.unwrap();
        id
    }

    /// An endpoint that is paused, to which something can happen.
    pub async fn subject(&self) -> EndpointId {
        let id = self.add("https://hooks.bank.example/".to_owned(), &[]).await;
        self.event(id).await;
        id
    }

    /// Something happens: an endpoint is described anew. Its seq.
    pub async fn event(&self, subject: EndpointId) -> i64 {
        let description = Some(data::unique("changed"));
        let changes = Changes { description, state: Some("paused"), ..Changes::default() };
        let filing = settings::change(By::service(), subject, changes, None).unwrap();
        let filed = self.ledger.recorder.file(self.tenant, filing).await.unwrap();
        i64::try_from(filed.receipt.seq).unwrap()
    }

    /// Its owner changes an endpoint.
    pub async fn change(&self, id: EndpointId, changes: Changes) {
        self.file(settings::change(By::service(), id, changes, None).unwrap()).await;
    }

    /// Its owner does something.
    pub async fn file(&self, filing: Filing) {
        self.ledger.recorder.file(self.tenant, filing).await.unwrap();
    }

    /// The attempts to tell an endpoint, the oldest first.
    pub async fn attempts(&self, id: EndpointId) -> Vec<Attempt> {
        let mut reader = self.ledger.db.read(self.tenant).await.unwrap();
        let mut all = webhook_attempts::page(&mut reader, self.tenant, id, None, 500).await.unwrap();
        all.reverse();
        all
    }

    pub async fn endpoint(&self, id: EndpointId) -> Endpoint {
        let mut reader = self.ledger.db.read(self.tenant).await.unwrap();
        get(&mut reader, self.tenant, id).await.unwrap().unwrap()
    }

    /// Waits until an endpoint that failed so often before did once more, or is told nothing more.
    pub async fn until_failed_again(&self, id: EndpointId, before: i64) -> Endpoint {
        until("an attempt fails", async || {
            let now = self.endpoint(id).await;
            (now.attempts > before || now.state == "disabled").then_some(now)
        })
        .await
    }
}
