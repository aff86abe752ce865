//! The REST API: one file a noun, named as its URL. A handler takes a permit, parses, asks the
//! store, chooses the bytes, and answers through the recorder.

pub mod accept;
pub mod accounts;
pub mod admin;
pub mod as_of;
pub mod clients;
pub mod cursor;
pub mod diagnostics;
pub mod direct;
pub mod docs;
mod download;
pub mod etag;
pub mod events;
pub mod evidence_bundles;
pub mod exports;
pub mod granted;
pub mod grants;
pub mod health;
pub mod institution;
pub mod intake_mappings;
pub mod intakes;
pub mod item;
pub mod ledger;
pub mod limits;
pub mod lineage;
pub mod list;
pub mod metrics;
pub mod oauth2;
pub mod operations;
pub mod params;
pub mod reports;
pub mod status;
pub mod tlog;
pub mod transactions;
pub mod transactions_batch;
pub mod usage;
pub mod webhooks;
pub mod well_known;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    access::Door,
    domain::Tenant,
    export::{bundle::BundlePress, press::ExportPress},
    keys::CheckpointSigner,
    ledger::Signer,
    packed::Packed,
    receiving::Receiver,
    reporting::ReportPress,
    store::{Reader, StoreError},
    webhooks::Webhooks,
    world::World,
};

/// What handlers work with, beside their permit.
pub struct State {
    /// The door: database, recorder, tokens.
    pub door: actix_web::web::Data<Door>,
    /// Checkpoints.
    pub signer: Arc<Signer>,
    /// The checkpoint key's public half.
    pub key: Arc<dyn CheckpointSigner>,
    /// Makes cursors and believes its own.
    pub cursors: cursor::Cursors,
    /// Prepares evidence bundles.
    pub press: BundlePress,
    /// Takes files.
    pub receiver: Receiver,
    /// The time for an upload.
    pub upload_time: std::time::Duration,
    /// Prepares exports.
    pub exports: ExportPress,
    /// Makes reports.
    pub reports: ReportPress,
    /// What everybody was told last of how the service is.
    pub told: status::Told,
    /// Tells webhook endpoints.
    pub webhooks: Arc<Webhooks>,
    /// The streams of events that are open.
    pub streams: events::Streams,
    /// Where the service can be reached from outside, without a trailing slash.
    pub base_url: String,
    /// The OpenAPI document, which is made of what uses this module.
    pub document: String,
    /// What the document says of operations.
    pub operations: operations::Operations,
    /// The document as a page.
    pub reference: Packed,
    /// Most lines of a delivered batch.
    pub batch_lines_max: usize,
    /// Most bytes of a delivered batch.
    pub batch_bytes_max: usize,
    /// When this process began to count, in microseconds since the Unix epoch.
    pub started_at_us: i64,
    /// Set when the service begins to stop.
    pub stopping: AtomicBool,
}

impl State {
    /// A reader of one institution's rows.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn read(&self, tenant: Tenant) -> Result<Reader, StoreError> {
        self.door.db.read(tenant).await
    }

    /// A reader of the directory.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn directory(&self) -> Result<Reader, StoreError> {
        self.door.db.directory().await
    }

    /// The time and randomness.
    pub fn world(&self) -> &dyn World {
        &*self.door.world
    }

    /// Whether the service has begun to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
