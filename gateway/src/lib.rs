//! Veritrail's gateway.
//!
//! # The one rule
//!
//! **No record, no answer.** Nothing is stored and nothing is served unless an entry about it is
//! durable on the institution's ledger first. Types hold it: a handler can answer only with a
//! [`Recorded`](access::Recorded), which only recording makes.
//!
//! # A request's walk
//!
//! [`router`] → [`access`] (who, what, how often; a permit in the handler's signature) → [`api`]
//! (parse, ask the store, choose the bytes) → [`ledger::recorder`] (the look is durable) → bytes
//! leave. A write: the handler turns the body into commands; the recorder, the one writer, stores
//! them with their entries in one transaction.
//!
//! # The map
//!
//! `api → access, ledger, lineage, store, export, receiving, reporting, webhooks → domain, audit`. [`domain`] imports nothing of
//! ours and does no I/O. [`receiving`] takes files, reads them by [`intake`] and delivers by [`ledger`], and tells by
//! [`lineage`] where records came from;
//! [`webhooks`] tells what is on the ledger. [`lineage`] reads OpenLineage events, and walks what they tell.
//! [`reports`] makes documents and figures out of records, and [`reporting`] has it do so and keeps them.
//! [`portal`] has the pages for people: it calls the routes of both APIs in this process, as a client, and has
//! nothing else to read by; [`access`] tells it who is signed in.
//! [`status`] checks how the parts of the service stand, for the page that tells everybody.
//! [`packed`] has answers in gzip, and texts that everybody gets as they are; it knows nothing of ours.
//! [`access`] asks [`shared`] (Redis) for what replicas hold
//! together; the truth of what must not be lost is in the database alone. Nothing imports [`api`] but what
//! puts the service together ([`router`], [`service`], [`server`]). A test holds these arrows.

pub mod access;
pub mod api;
pub mod cli;
pub mod config;
pub mod demo;
pub mod directory;
pub mod domain;
pub mod error;
pub mod export;
pub mod intake;
pub mod keys;
pub mod ledger;
pub mod lineage;
pub mod openapi;
pub mod packed;
pub mod portal;
pub mod receiving;
pub mod reporting;
pub mod reports;
pub mod router;
pub mod server;
pub mod service;
pub mod shared;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod webhooks;
pub mod world;
