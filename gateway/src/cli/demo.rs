//! `veritrail demo`: the whole product on this machine, with something in it to look at.

use std::{
    fs,
    io::BufReader,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr,
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::{
    access::password,
    config::Config,
    demo::{Flavour, generate},
    directory::{ClientOrder, Terms, UserOrder, add_user, enrol},
    domain::{ClientKind, InstitutionId, Role, Scope, Tenant},
    intake::{self, Format, Item, Pulled},
    ledger::{
        By,
        command::{Change, Delivery, Onboarding},
    },
    server::Server,
    service::{Ledger, STANDARD, Service},
    store::logs,
    telemetry::Telemetry,
    world::{id_parts, random},
};

/// The generated logs end on this day, so that they are the same on every run.
const LAST_DAY: jiff::civil::Date = jiff::civil::date(2026, 6, 30);
/// Records in one delivery.
const CHUNK: usize = 2_000;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where to listen; the admin API takes the next port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where to keep everything
    #[arg(long, default_value = ".demo", value_name = "DIR")]
    data_dir: PathBuf,
    /// Give the first institution a real log: berka:DIR, with the Czech bank's account.asc and trans.asc
    #[arg(long, value_name = "berka:DIR")]
    from: Option<From>,
}

/// A real log.
#[derive(Clone, Debug)]
struct From(PathBuf);

impl FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("berka:").map(|dir| Self(dir.into())).ok_or("say berka:DIR")
    }
}

/// What `demo.json` holds: all that a program needs to use the demo.
#[derive(Debug, Serialize, Deserialize)]
struct DemoFile {
    base_url: String,
    admin_url: String,
    feeder: DemoClient,
    operator: DemoClient,
    institutions: Vec<DemoInstitution>,
    /// People of no institution.
    #[serde(default)]
    users: Vec<DemoUser>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DemoInstitution {
    id: InstitutionId,
    name: String,
    origin: String,
    vkey: String,
    clients: Vec<DemoClient>,
    users: Vec<DemoUser>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DemoClient {
    client_id: String,
    client_secret: String,
    scopes: Vec<Scope>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DemoUser {
    email: String,
    name: String,
    role: Role,
    password: String,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.config()?;
        let telemetry = Telemetry::start(&config)?;
        let ended = self.serve(&config).await;
        telemetry.stop().await;
        ended
    }

    async fn serve(&self, config: &Config) -> Result<(), Failure> {
        let path = self.data_dir.join("demo.json");
        let demo = match fs::read_to_string(&path) {
            Ok(text) => {
                let mut known: DemoFile = serde_json::from_str(&text)?;
                known.base_url.clone_from(&config.http.base_url);
                known.admin_url = format!("http://{}", config.http.admin_listen);
                known
            }
            Err(_) => self.make(config).await?,
        };
        write_private(&path, &serde_json::to_string_pretty(&demo)?)?;
        let service = Service::start(config).await?;
        let server = Server::start(config, service)?;
        println!("{}", next_steps(&demo, &path));
        Ok(server.run().await?)
    }

    fn config(&self) -> Result<Config, Failure> {
        let port =
            self.listen.port().checked_add(1).ok_or("the admin API takes the next port; there is none")?;
        let admin = SocketAddr::new(self.listen.ip(), port);
        // What the demo does not set itself may come from the environment.
        let mut config = Config::load(None)?;
        config.http.listen = self.listen.to_string();
        config.http.admin_listen = admin.to_string();
        let scheme = if config.http.tls_key.is_some() { "https" } else { "http" };
        config.http.base_url = format!("{scheme}://{}", self.listen);
        config.http.origin = self.listen.to_string();
        config.storage.data_dir.clone_from(&self.data_dir);
        config.log.level = "warn".to_owned();
        config.log.format = "text".to_owned();
        config.check()?;
        Ok(config)
    }

    /// Makes everything that the demo shows.
    async fn make(&self, config: &Config) -> Result<DemoFile, Failure> {
        let began = Instant::now();
        let ledger = Ledger::open(config).await?;
        let operator = client(&ledger, ledger.provider.id(), "demo-operator", ClientKind::Operator).await?;
        let feeder = client(&ledger, ledger.provider.id(), "demo-feeder", ClientKind::Feeder).await?;
        let mut first = match &self.from {
            Some(From(dir)) => {
                let made = institution(&ledger, "Moravian Commercial Bank").await?;
                berka(&ledger, made.id, dir).await?;
                made
            }
            None => {
                let made = institution(&ledger, "Harbour Leasing Bank").await?;
                generated(&ledger, made.id, 1, Flavour::Leasing).await?;
                made
            }
        };
        let second = institution(&ledger, "Alpine Payments Bank").await?;
        generated(&ledger, second.id, 2, Flavour::Payments).await?;
        for (email, name, role) in [
            ("officer@bank.example", "Ines Falk", Role::ComplianceOfficer),
            ("engineer@bank.example", "Marek Duda", Role::IntegrationEngineer),
        ] {
            first.users.push(person(&ledger, first.id, email, name, role).await?);
        }
        let mut users = Vec::new();
        for (email, name, role) in [
            ("regulator@supervisor.example", "Helena Brandt", Role::Regulator),
            ("operator@provider.example", "Tomas Riva", Role::Operator),
        ] {
            users.push(person(&ledger, ledger.provider.id(), email, name, role).await?);
        }
        ledger.close().await;
        println!("made two institutions and their logs in {:.1} s", began.elapsed().as_secs_f64());
        Ok(DemoFile {
            base_url: config.http.base_url.clone(),
            admin_url: format!("http://{}", config.http.admin_listen),
            feeder,
            operator,
            institutions: vec![first, second],
            users,
        })
    }
}

async fn institution(ledger: &Ledger, name: &str) -> Result<DemoInstitution, Failure> {
    let (ms, random) = id_parts(&*ledger.world);
    let id = InstitutionId::from_parts(ms, random);
    let onboarding = Onboarding { id, name: name.to_owned(), plan: STANDARD.to_owned(), provider: false };
    ledger.recorder.change(By::service(), Change::Onboard(onboarding), None).await?;
    let made = client(ledger, id, "demo-warehouse", ClientKind::System).await?;
    let head = logs::head(&mut ledger.db.read(Tenant::vouched(id)).await?, Tenant::vouched(id)).await?;
    let origin = head.ok_or("the log was not opened")?.origin;
    let vkey = ledger.key.vkey(&origin);
    Ok(DemoInstitution { id, name: name.to_owned(), origin, vkey, clients: vec![made], users: Vec::new() })
}

async fn client(
    ledger: &Ledger,
    institution: InstitutionId,
    name: &str,
    kind: ClientKind,
) -> Result<DemoClient, Failure> {
    let scopes = kind.allowed().to_vec();
    let reach = if kind == ClientKind::System { "own" } else { "all" }.to_owned();
    let order = ClientOrder {
        institution,
        name: name.to_owned(),
        kind,
        scopes: scopes.clone(),
        reach,
        jwks: None,
        terms: Terms::default(),
    };
    let made = enrol(&ledger.recorder, &*ledger.world, By::service(), order, None).await?;
    let client_secret = made.secret.ok_or("a client without keys has a secret")?;
    Ok(DemoClient { client_id: made.id.to_string(), client_secret, scopes })
}

/// Somebody who signs in by a random password.
async fn person(
    ledger: &Ledger,
    home: InstitutionId,
    email: &str,
    name: &str,
    role: Role,
) -> Result<DemoUser, Failure> {
    let password = URL_SAFE_NO_PAD.encode(random::<15>(&*ledger.world));
    let order = UserOrder {
        home,
        email: email.to_owned(),
        name: name.to_owned(),
        role,
        password_hash: Some(password::hash(&password, random(&*ledger.world))?),
    };
    add_user(&ledger.recorder, &*ledger.world, By::service(), order).await?;
    Ok(DemoUser { email: email.to_owned(), name: name.to_owned(), role, password })
}

async fn generated(ledger: &Ledger, id: InstitutionId, seed: u64, flavour: Flavour) -> Result<(), Failure> {
    let log = generate(seed, flavour, LAST_DAY);
    let accounts = log.accounts.into_iter().map(Item::Account);
    let items: Vec<Item> = accounts.chain(log.transactions.into_iter().map(Item::Transaction)).collect();
    for chunk in items.chunks(CHUNK) {
        let items = (1..).zip(chunk.iter().cloned()).collect();
        let delivery = Delivery { by: By::service(), items, skip: false, idempotency: None };
        ledger.recorder.deliver(Tenant::vouched(id), delivery).await?;
    }
    Ok(())
}

async fn berka(ledger: &Ledger, id: InstitutionId, dir: &Path) -> Result<(), Failure> {
    for name in ["account.asc", "trans.asc"] {
        let path = dir.join(name);
        let file = fs::File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut records = intake::open(Format::Berka, None, BufReader::new(file))
            .map_err(|findings| format!("{}: {:?}", path.display(), findings.kept()))?;
        let mut ended = false;
        while !ended {
            let mut items = Vec::with_capacity(CHUNK);
            while items.len() < CHUNK && !ended {
                match records.pull() {
                    Some(Pulled::Record(record)) => items.push((record.line, record.item)),
                    // The published file is cut off within its last line; that line is left out and named.
                    Some(Pulled::Finding(finding)) => println!("{name}: {finding}"),
                    Some(Pulled::Statement(_)) => {}
                    None => ended = true,
                }
            }
            if !items.is_empty() {
                let delivery = Delivery { by: By::service(), items, skip: false, idempotency: None };
                ledger.recorder.deliver(Tenant::vouched(id), delivery).await?;
            }
        }
    }
    Ok(())
}

/// Writes a file that holds secrets.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")
}

/// Copyable lines that show what there is.
fn next_steps(demo: &DemoFile, path: &Path) -> String {
    let Some(DemoInstitution { name, vkey, clients, users, .. }) = demo.institutions.first() else {
        return String::new();
    };
    let Some(DemoClient { client_id, client_secret, .. }) = clients.first() else { return String::new() };
    let base = &demo.base_url;
    let people: String = users
        .iter()
        .chain(&demo.users)
        .map(|user| format!("  {:<21} {:<29} {}\n", user.role.as_str(), user.email, user.password))
        .collect();
    format!(
        r#"
Veritrail serves {base} (admin: {admin}). Ctrl-C stops it.
All credentials are in {path}. {name} is the first institution. Try, in another shell:

BASE={base}
TOKEN=$(curl -s -u {client_id}:{client_secret} -d grant_type=client_credentials $BASE/oauth2/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s -H "Authorization: Bearer $TOKEN" "$BASE/v1/transactions?limit=2&sort=-booking_date"
curl -s -H "Authorization: Bearer $TOKEN" "$BASE/v1/ledger/entries?kind=access"
curl -s -H "Authorization: Bearer $TOKEN" $BASE/v1/ledger/checkpoint
BUNDLE=$(curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{{}}' $BASE/v1/evidence-bundles | sed 's/.*"id":"\([^"]*\)".*/\1/')
sleep 2; curl -s -H "Authorization: Bearer $TOKEN" -o evidence.zip $BASE/v1/evidence-bundles/$BUNDLE/content
target/release/veritrail-verify evidence.zip --vkey '{vkey}'

Sign in to the portal at {base} as

{people}
API reference: {base}/docs
"#,
        admin = demo.admin_url,
        path = path.display(),
    )
}
