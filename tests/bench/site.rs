//! A data folder to measure on, made with the product's own library, and records to put in it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{postgres::Database, server::free_ports};
use veritrail::{
    config::Config,
    demo::{Flavour, generate},
    directory::{ClientOrder, enrol},
    domain::{ClientKind, InstitutionId, NewTransaction, Tenant, Text},
    intake::Item,
    ledger::{
        By,
        command::{Change, Delivery, Onboarding},
    },
    service::{Ledger, STANDARD},
    store::plans::Plan,
    world::id_parts,
};

/// More than any load here asks for.
const UNLIMITED: u32 = 1_000_000;

/// A folder beside the binaries, hence on a disk: `/tmp` may be memory, which syncs in no time.
pub fn folder() -> TempDir {
    let mut beside = std::env::current_exe().unwrap();
    beside.pop();
    TempDir::with_prefix_in("bench-", beside).unwrap()
}

/// The configuration of a service on a folder and a port, on the embedded engine or on a database.
pub fn config(data_dir: &Path, port: u16, database: Option<&Database>) -> Config {
    let mut config = Config::default();
    config.http.listen = format!("127.0.0.1:{port}");
    config.http.admin_listen = format!("127.0.0.1:{}", port + 1);
    config.http.base_url = format!("http://127.0.0.1:{port}");
    config.http.origin = format!("127.0.0.1:{port}");
    config.storage.data_dir = data_dir.to_owned();
    config.limits.address_per_second = UNLIMITED;
    config.limits.address_burst = UNLIMITED;
    config.log.level = "error".to_owned();
    if let Some(database) = database {
        config.storage.postgres_url = database.service_url().as_str().into();
    }
    config
}

/// An institution and its system.
pub struct Bank {
    pub tenant: Tenant,
    pub client: (String, String),
}

/// A new institution on the standard plan.
pub async fn bank(ledger: &Ledger) -> Bank {
    let (ms, random) = id_parts(&*ledger.world);
    let id = InstitutionId::from_parts(ms, random);
    let onboarding =
        Onboarding { id, name: "Bench Bank".to_owned(), plan: STANDARD.to_owned(), provider: false };
    ledger.recorder.change(By::service(), Change::Onboard(onboarding), None).await.unwrap();
    let order = ClientOrder {
        institution: id,
        name: "warehouse".to_owned(),
        kind: ClientKind::System,
        scopes: ClientKind::System.allowed().to_vec(),
        reach: "own".to_owned(),
        jwks: None,
        terms: Default::default(),
    };
    let made = enrol(&ledger.recorder, &*ledger.world, By::service(), order, None).await.unwrap();
    Bank { tenant: Tenant::vouched(id), client: (made.id.to_string(), made.secret.unwrap()) }
}

/// The plausible transactions of two years, again and again under new references.
pub struct Records {
    accounts: Vec<Item>,
    transactions: Vec<NewTransaction>,
    next: usize,
}

impl Records {
    pub fn new() -> Self {
        let log = generate(1, Flavour::Leasing, jiff::civil::date(2026, 6, 30));
        let accounts = log.accounts.into_iter().map(Item::Account).collect();
        Self { accounts, transactions: log.transactions, next: 0 }
    }

    /// A payload about as long as a transaction's.
    pub fn payload(n: u64) -> Vec<u8> {
        format!(
            r#"{{"account":"DE02120300000000202051","account_id":"acc_{n:032x}","amount":{{"amount":"{n}.25","currency":"EUR"}},"booking_date":"2026-01-31","counterparty":{{"name":"Example Trading GmbH"}},"direction":"debit","id":"txn_{n:032x}","reference":"INV-{n:08}","remittance_information":"Settlement of invoice, second half","status":"booked","type":"transaction"}}"#
        )
        .into_bytes()
    }

    /// The accounts that the transactions are on.
    pub fn accounts(&self) -> Vec<Item> {
        self.accounts.clone()
    }

    /// Transactions that were not given before.
    pub fn take(&mut self, count: usize) -> Vec<Item> {
        (0..count)
            .map(|_| {
                let mut transaction = self.transactions[self.next % self.transactions.len()].clone();
                transaction.reference = Text::new(format!("BENCH-{:09}", self.next)).unwrap();
                self.next += 1;
                Item::Transaction(transaction)
            })
            .collect()
    }
}

/// Items as a feeder delivers them.
pub fn delivery(items: Vec<Item>) -> Delivery {
    Delivery { by: By::service(), items: (1..).zip(items).collect(), skip: false, idempotency: None }
}

/// A folder with one institution and its transactions, ready to be served.
pub struct Site {
    _folder: TempDir,
    pub data_dir: PathBuf,
    pub port: u16,
    pub bank: Bank,
    pub database: Option<Database>,
}

impl Site {
    pub async fn new(transactions: usize, database: Option<Database>) -> Self {
        let folder = folder();
        let (data_dir, port) = (folder.path().join("data"), free_ports());
        let ledger = Ledger::open(&config(&data_dir, port, database.as_ref())).await.unwrap();
        let plan = Plan {
            name: STANDARD.to_owned(),
            client_per_second: UNLIMITED,
            client_burst: UNLIMITED,
            institution_per_second: UNLIMITED,
            institution_burst: UNLIMITED,
        };
        ledger.recorder.change(By::service(), Change::PutPlan(plan), None).await.unwrap();
        let bank = bank(&ledger).await;
        let mut records = Records::new();
        ledger.recorder.deliver(bank.tenant, delivery(records.accounts())).await.unwrap();
        for _ in 0..transactions.div_ceil(2_000) {
            ledger.recorder.deliver(bank.tenant, delivery(records.take(2_000))).await.unwrap();
        }
        ledger.close().await;
        Self { _folder: folder, data_dir, port, bank, database }
    }
}
