//! Webhooks while receivers, names and processes fail. The clock is moved, so that nobody waits for days.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use veritrail::{
    config::{self, Config},
    domain::{EndpointId, EventType, Tenant},
    keys::Seed,
    ledger::{By, events::Wanted},
    service::Ledger,
    store::webhooks::{Changes, Endpoint, NewEndpoint, get},
    webhooks::{
        Setup, Webhooks,
        address::{LookUp, Names},
        settings,
    },
    world::{Machine, World, id_parts},
};

use crate::support::{
    Caller, Server, data,
    engine::database_of,
    postgres::Postgres,
    receiver::{Manner, Message, Receiver, check_with_public_library, refused_by_public_library, until},
    replicas::Replicas,
    server::free_ports,
    sse::Stream,
};

const HOUR_US: i64 = 3600 * 1_000_000;
/// What lets a service tell the receivers of these tests.
const ALLOW: [(&str, &str); 3] = [
    ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
    ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
    ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
];

/// The machine's clock, moved ahead.
#[derive(Debug, Default)]
struct Clock(AtomicI64);

impl Clock {
    /// Moves it to a time, if that is ahead.
    fn reach(&self, at_us: i64) {
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
struct Book {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicI64,
    /// Whoever has this keeps all answers back.
    silence: Arc<tokio::sync::Mutex<()>>,
}

impl Book {
    fn say(&self, answers: &[&[&str]]) {
        let answers = answers.iter().map(|one| one.iter().map(|text| text.parse().unwrap()).collect());
        *self.answers.lock().unwrap() = answers.collect();
    }

    fn asked(&self) -> i64 {
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

/// The part of a service that tells, in this process, on the data of a server that has stopped.
struct House {
    ledger: Ledger,
    webhooks: Arc<Webhooks>,
    task: JoinHandle<()>,
    clock: Arc<Clock>,
    names: Arc<Book>,
    tenant: Tenant,
}

impl House {
    async fn open(server: &Server, allow_networks: &str) -> Self {
        Self::open_trusting(server, allow_networks, None).await
    }

    /// The same, that checks receivers' certificates against these.
    async fn open_trusting(server: &Server, allow_networks: &str, ca_file: Option<PathBuf>) -> Self {
        let (data_dir, clock): (&Path, Arc<Clock>) = (server.data_dir(), Arc::default());
        let names: Arc<Book> = Arc::default();
        let mut config = Config::default();
        config.storage.data_dir = data_dir.to_owned();
        if let Some(database) = database_of(data_dir) {
            config.storage.postgres_url = database.service_url().as_str().into();
        }
        config.http.base_url = server.base_url().to_owned();
        config.http.origin = server.address().to_owned();
        config.webhooks = config::Webhooks {
            allow_http: true,
            allow_networks: allow_networks.to_owned(),
            timeout_s: 60,
            ca_file,
            ..config::Webhooks::default()
        };
        let world: Arc<dyn World> = Arc::<Clock>::clone(&clock);
        let ledger = Ledger::open_in(&config, Arc::clone(&world)).await.unwrap();
        let setup = Setup {
            db: ledger.db.clone(),
            recorder: ledger.recorder.clone(),
            world,
            seed: &Seed::load(&data_dir.join("keys/cursor.pem")).unwrap(),
            config: &config.webhooks,
            names: Arc::<Book>::clone(&names),
        };
        let (webhooks, task) = Webhooks::start(setup).unwrap();
        let tenant = Tenant::vouched(server.institution(0).parse().unwrap());
        Self { ledger, webhooks, task, clock, names, tenant }
    }

    async fn close(self) {
        self.webhooks.stop().await;
        self.task.abort();
        let _ = self.task.await;
        drop(self.webhooks);
        self.ledger.close().await;
    }

    /// A new endpoint that is told of some types.
    async fn add(&self, url: String, events: &[EventType]) -> EndpointId {
        let (ms, random) = id_parts(&*self.clock);
        let id = EndpointId::from_parts(ms, random);
        let events = Wanted::new(events.to_vec()).to_string();
        let new = NewEndpoint { id, url, events, description: String::new(), scheme: "ed25519" };
        let filing = settings::create(By::service(), new, None).unwrap();
        self.ledger.recorder.file(self.tenant, filing).await.unwrap();
        id
    }

    /// An endpoint that is paused, to which something can happen.
    async fn subject(&self) -> EndpointId {
        let id = self.add("https://hooks.bank.example/".to_owned(), &[]).await;
        self.event(id).await;
        id
    }

    /// Something happens: an endpoint is described anew. Its seq.
    async fn event(&self, subject: EndpointId) -> i64 {
        let description = Some(data::unique("changed"));
        let changes = Changes { description, state: Some("paused"), ..Changes::default() };
        let filing = settings::change(By::service(), subject, changes, None).unwrap();
        let filed = self.ledger.recorder.file(self.tenant, filing).await.unwrap();
        i64::try_from(filed.receipt.seq).unwrap()
    }

    /// Its owner changes an endpoint.
    async fn change(&self, id: EndpointId, changes: Changes) {
        let filing = settings::change(By::service(), id, changes, None).unwrap();
        self.ledger.recorder.file(self.tenant, filing).await.unwrap();
    }

    async fn endpoint(&self, id: EndpointId) -> Endpoint {
        let mut reader = self.ledger.db.read(self.tenant).await.unwrap();
        get(&mut reader, self.tenant, id).await.unwrap().unwrap()
    }

    /// Waits until an endpoint that failed so often before did once more, or is told nothing more.
    async fn until_failed_again(&self, id: EndpointId, before: i64) -> Endpoint {
        until("an attempt fails", async || {
            let now = self.endpoint(id).await;
            (now.attempts > before || now.state == "disabled").then_some(now)
        })
        .await
    }
}

/// Delivers transactions, and corrects and reverses some.
async fn deliver(feeder: &Caller, institution: &str, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("told"))).collect();
    feeder.deliver(institution, &data::ndjson(&lines)).await.ok();
    let revisions: Vec<Value> = lines
        .iter()
        .zip(["correction", "reversal"].into_iter().cycle())
        .step_by(3)
        .map(|(line, kind)| data::revised(line, kind, "as the bank said"))
        .collect();
    feeder.deliver(institution, &data::ndjson(&revisions)).await.ok();
}

/// The seqs of all events after an entry, as the API lists them.
async fn events_after(system: &Caller, after: &str) -> Vec<i64> {
    let (mut seqs, mut more) = (Vec::new(), String::new());
    loop {
        let page = system.get(&format!("/v1/events?limit=7&after={after}{more}")).await.ok();
        let data = page["data"].as_array().unwrap();
        seqs.extend(data.iter().map(|event| event["id"].as_str().unwrap().parse::<i64>().unwrap()));
        match page["page"]["next_cursor"].as_str() {
            Some(cursor) => more = format!("&cursor={cursor}"),
            None => return seqs,
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn endpoint_id(endpoint: &Value) -> EndpointId {
    text(&endpoint["id"]).parse().unwrap()
}

/// A message comes at least once: each is counted where it came first.
fn first_seqs(messages: &[Message]) -> Vec<i64> {
    let mut seen = BTreeSet::new();
    messages.iter().map(Message::seq).filter(|seq| seen.insert(*seq)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_hour_down_everything_arrives_once_in_the_ledgers_order() {
    let (receiver, well) = (Receiver::start().await, Receiver::start().await);
    receiver.behave(Manner::Status(503, "down for an hour"));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    let order = json!({"url": receiver.url(), "signature": "hmac_sha256"});
    let down = system.post("/v1/webhooks", &order).await.ok();
    let up = system.post("/v1/webhooks", &json!({"url": well.url()})).await.ok();
    deliver(&server.feeder().await, server.institution(0), 40).await;
    assert!(server.terminate().success());

    let house = House::open(&server, "127.0.0.0/8").await;
    let id = endpoint_id(&down);
    let subject = house.subject().await;
    let began = house.clock.now_us();
    loop {
        let before = house.endpoint(id).await;
        house.event(subject).await;
        house.clock.reach(before.next_at_us);
        let after = house.until_failed_again(id, before.attempts).await;
        assert_eq!(after.position, before.position, "one that fails holds back those after it");
        if after.next_at_us > began + HOUR_US {
            break;
        }
    }
    house.clock.reach(began + HOUR_US);
    let tried: BTreeSet<String> =
        receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(tried.len(), 1, "only the first is tried, under one id");
    let attempts = receiver.received().len();
    assert!((6..=12).contains(&attempts), "{attempts} attempts in an hour");

    receiver.behave(Manner::Status(204, ""));
    let due = house.endpoint(id).await.next_at_us;
    house.clock.reach(due);
    let last = house.event(subject).await;
    for receiver in [&receiver, &well] {
        until("all is told", async || receiver.seqs().contains(&last).then_some(())).await;
    }
    house.close().await;

    server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    for (endpoint, receiver) in [(&down, &receiver), (&up, &well)] {
        let expected = events_after(&system, text(&endpoint["position"])).await;
        assert_eq!(receiver.seqs(), expected, "each once, in the ledger's order");
        assert!(expected.len() > 60, "{expected:?}");
    }
    let secret = text(&down["secret"]);
    check_with_public_library(secret, &receiver.received());
    let mut other = secret.to_owned();
    other.replace_range(10..11, if &secret[10..11] == "A" { "B" } else { "A" });
    let refused = refused_by_public_library(&other, &receiver.taken());
    assert_eq!(refused, receiver.taken().len(), "the library would refuse others");
    let key = text(&up["public_key"]);
    assert!(well.received().iter().all(|message| message.is_signed_by(key)));
    assert!(!well.received().iter().any(|message| {
        let changed = Message { body: message.body.replace("\"type\"", "\"kind\""), ..message.clone() };
        changed.is_signed_by(key)
    }));

    // The owner sees what was tried and answered.
    let path = format!("/v1/webhooks/{id}/deliveries?limit=500");
    let told = system.get(&path).await.ok();
    let told = told["data"].as_array().unwrap();
    let of = |state: &str| told.iter().filter(|one| one["state"] == state).count();
    assert_eq!((of("failed"), of("succeeded")), (attempts, receiver.taken().len()));
    let first = told.last().unwrap();
    assert_eq!((&first["status"], &first["answer"]), (&json!(503), &json!("down for an hour")), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_for_three_days_is_disabled_and_its_owner_told() {
    let (receiver, watcher) = (Receiver::start().await, Receiver::start().await);
    receiver.behave(Manner::Status(500, ""));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.0/8").await;
    let subject = house.subject().await;
    let failing = house.add(receiver.url(), &[EventType::WebhookEndpointChanged]).await;
    house.add(watcher.url(), &[EventType::WebhookEndpointDisabled]).await;
    let mut expected = vec![house.event(subject).await];
    let mut now = house.until_failed_again(failing, 0).await;
    let since = now.failing_since_us.unwrap();
    while now.state == "active" {
        assert!(now.next_at_us <= since + 72 * HOUR_US);
        house.clock.reach(now.next_at_us);
        expected.push(house.event(subject).await);
        now = house.until_failed_again(failing, now.attempts).await;
    }
    let lasted = house.clock.now_us() - since;
    assert!((72 * HOUR_US..73 * HOUR_US).contains(&lasted), "{lasted} us");
    let attempts = receiver.received().len();
    assert!((15..=30).contains(&attempts), "{attempts}");
    let told = watcher.until_taken(1).await[0].event();
    assert_eq!(told["type"], "webhook_endpoint.disabled");
    assert_eq!(told["data"]["id"], failing.to_string());
    house.close().await;

    let server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    let events = system.get("/v1/events?type[in]=webhook_endpoint.disabled").await.ok();
    assert_eq!(events["data"], json!([told]));
    let path = format!("/v1/webhooks/{failing}");
    let seen = system.get(&path).await.ok();
    assert_eq!(seen["state"], "disabled");
    assert_eq!(seen["reason"], "it failed for 72 hours, the last time because it answered 500");
    assert_eq!(receiver.received().len(), attempts, "it is told nothing more");

    // Resumed, it is told all that was held back.
    receiver.behave(Manner::Status(200, ""));
    let resume = system.request(Method::PATCH, &path).json(&json!({"state": "active"}));
    system.send(resume).await.ok();
    let taken = receiver.until_taken(expected.len() + 1).await;
    let last = taken.last().unwrap().event();
    assert_eq!(
        (&last["type"], &last["data"]["id"]),
        (&json!("webhook_endpoint.changed"), &json!(failing.to_string()))
    );
    assert_eq!(receiver.seqs()[..expected.len()], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_moves_to_a_private_address_is_told_nothing_there() {
    // To this service, 127.0.0.2 is a public address and 127.0.0.1 is not.
    let public = Receiver::start_at(SocketAddr::from(([127, 0, 0, 2], 0))).await;
    let private = Receiver::start_at(SocketAddr::from(([127, 0, 0, 1], public.address.port()))).await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.2/32").await;
    let subject = house.subject().await;
    let told = house.add(public.url_by("hooks.bank.example"), &[]).await;
    house.names.say(&[&["127.0.0.2"]]);
    let mut expected = vec![house.event(subject).await];
    public.until_taken(1).await;

    let moves: [&[&[&str]]; 4] = [
        &[&["127.0.0.1"]],
        // One private address among public ones.
        &[&["127.0.0.2", "127.0.0.1"]],
        &[&["::ffff:127.0.0.1"]],
        &[&["169.254.169.254"]],
    ];
    for (before, answers) in moves.into_iter().enumerate() {
        let due = house.endpoint(told).await.next_at_us;
        house.names.say(answers);
        expected.push(house.event(subject).await);
        house.clock.reach(due);
        house.until_failed_again(told, before as i64).await;
    }
    assert_eq!((public.received().len(), house.names.asked()), (1, 5));
    // A name is asked once for each message, and so can't say something else for the connection.
    let due = house.endpoint(told).await.next_at_us;
    house.names.say(&[&["127.0.0.2"], &["127.0.0.1"]]);
    house.clock.reach(due);
    until("the name is asked again", async || (house.names.asked() >= 7).then_some(())).await;
    let failed = house.until_failed_again(told, 0).await;
    assert_eq!((public.received().len(), house.names.asked()), (2, 7));

    house.names.say(&[&["127.0.0.2"]]);
    house.clock.reach(failed.next_at_us);
    public.until_taken(expected.len()).await;
    assert_eq!(public.seqs(), expected);
    assert_eq!(private.received().len(), 0, "nothing reaches the private address");
    house.close().await;

    let server = Server::start(server.data_dir(), free_ports(), &[]);
    let path = format!("/v1/webhooks/{told}/deliveries?limit=500");
    let deliveries = server.system(0).await.get(&path).await.ok();
    let failed: Vec<&Value> =
        deliveries["data"].as_array().unwrap().iter().filter(|one| one["state"] == "failed").collect();
    assert_eq!(failed.len(), 5);
    assert!(failed.iter().all(|one| one["error"] == "the address is not a public one"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_mended_while_it_fails_is_neither_disabled_nor_put_off() {
    let receiver = Receiver::start().await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.0/8").await;
    let subject = house.subject().await;
    house.names.say(&[&["10.0.0.1"]]);
    let watched = [EventType::WebhookEndpointChanged];
    let told = house.add(receiver.url_by("hooks.bank.example"), &watched).await;
    let mended = [
        // What is wrong is elsewhere than in the endpoint: only how often it failed says that it is new.
        Changes { description: Some("mended".to_owned()), ..Changes::default() },
        Changes { url: Some(receiver.url()), ..Changes::default() },
    ];
    let first = house.event(subject).await;
    for changes in mended {
        let failed = house.until_failed_again(told, 0).await;
        // The last attempt there is, and nobody answers yet.
        let (silence, asked) = (Arc::clone(&house.names.silence).lock_owned().await, house.names.asked());
        house.clock.reach(failed.failing_since_us.unwrap() + 72 * HOUR_US);
        house.event(subject).await;
        until("it is tried", async || (house.names.asked() > asked).then_some(())).await;
        house.change(told, changes).await;
        drop(silence);
    }
    receiver.until_taken(5).await;
    assert_eq!(receiver.seqs()[0], first, "all that was held back");
    let now = house.endpoint(told).await;
    assert_eq!((now.state.as_str(), now.reason, now.attempts), ("active", None, 0));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_must_have_a_certificate_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let receiver = Receiver::start_tls("hooks.bank.example", &ca_file).await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open_trusting(&server, "127.0.0.1/32", Some(ca_file)).await;
    house.names.say(&[&["127.0.0.1"]]);
    let subject = house.subject().await;
    let url = |host: &str| format!("https://{host}:{}/hook", receiver.address.port());
    let other = house.add(url("other.bank.example"), &[EventType::WebhookEndpointChanged]).await;
    let own = house.add(url("hooks.bank.example"), &[EventType::WebhookEndpointChanged]).await;
    let seq = house.event(subject).await;
    receiver.until_taken(1).await;
    house.until_failed_again(other, 0).await;
    until("it is told", async || (house.endpoint(own).await.position == seq).then_some(())).await;
    assert_eq!(receiver.seqs(), [seq], "another name's is told nothing");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_stop_finishes_what_is_on_its_way() {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Late(Duration::from_millis(700)));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let endpoint = server.system(0).await.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
    deliver(&server.feeder().await, server.institution(0), 20).await;
    until("some are told", async || (receiver.received().len() >= 2).then_some(())).await;
    let (server, status) = tokio::task::spawn_blocking(move || {
        let status = server.terminate();
        (server, status)
    })
    .await
    .unwrap();
    assert!(status.success());
    let before = receiver.received().len();
    receiver.behave(Manner::Status(204, ""));
    drop(server);
    let server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let expected = events_after(&server.system(0).await, text(&endpoint["position"])).await;
    assert!(before < expected.len(), "it stopped before all was told");
    until("all are told", async || (first_seqs(&receiver.received()).len() >= expected.len()).then_some(()))
        .await;
    let received: Vec<i64> = receiver.received().iter().map(Message::seq).collect();
    assert_eq!(received, expected, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_while_it_tells_loses_nothing() {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Late(Duration::from_millis(20)));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let endpoint = server.system(0).await.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
    let kills = 3;
    for _ in 0..kills {
        deliver(&server.feeder().await, server.institution(0), 30).await;
        let some = receiver.received().len() + rand::random_range(1..30);
        until("some are told", async || (receiver.received().len() >= some).then_some(())).await;
        server.kill();
        server = Server::start_with(&data_dir, port, &[], &ALLOW);
    }
    let expected = events_after(&server.system(0).await, text(&endpoint["position"])).await;
    until("all are told", async || (first_seqs(&receiver.received()).len() >= expected.len()).then_some(()))
        .await;
    assert!(expected.len() > kills * 60);
    assert_eq!(first_seqs(&receiver.received()), expected, "none is lost, and none is before another");
    let received = receiver.received().len();
    assert!(received <= expected.len() + kills, "{received}: what was on its way came again, no more");
    let ids: BTreeSet<String> =
        receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), expected.len(), "under the same id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_work_and_one_takes_over_from_another() {
    let allow: Vec<(&str, String)> = ALLOW.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut replicas = Replicas::start(Postgres::shared(), 2, &allow).await;
    let system = replicas.system(0).await;
    let institution = replicas.institution().to_owned();
    let mut told = Vec::new();
    for _ in 0..4 {
        let receiver = Receiver::start().await;
        let endpoint = system.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
        told.push((receiver, text(&endpoint["position"]).to_owned()));
    }
    let feeders = [replicas.feeder(0).await, replicas.feeder(1).await];
    let from = told[3].1.clone();
    let mut stream = Stream::open(&system, &format!("?last_event_id={from}"), None).await;
    for turn in 0..6 {
        deliver(&feeders[turn % 2], &institution, 20).await;
    }
    for (receiver, position) in &told {
        let expected = events_after(&system, position).await;
        receiver.until_taken(expected.len()).await;
        assert_eq!(receiver.seqs(), expected, "each once, whoever told it");
    }

    // What one stored, another's stream tells too.
    for seq in events_after(&system, &from).await {
        assert_eq!(stream.seq().await, seq);
    }

    // One is killed; the other takes over what it had.
    replicas.kill(0);
    let system = replicas.system(1).await;
    deliver(&feeders[1], &institution, 20).await;
    for (receiver, position) in &told {
        let expected = events_after(&system, position).await;
        until("the other tells", async || {
            (first_seqs(&receiver.received()).len() >= expected.len()).then_some(())
        })
        .await;
        assert_eq!(first_seqs(&receiver.received()), expected);
        assert!(receiver.received().len() <= expected.len() + 1);
    }
}
