//! One endpoint's turn: it is told of what it was not told of yet, one event after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};

use super::{
    Known, Recorded, Webhooks, keys,
    schedule::next_at_us,
    sender::{Outcome, Outgoing},
    settings::{disable, message_id},
    sign::Message,
};
use crate::{
    domain::{AttemptId, EndpointId, Event, EventData, EventType, Tenant},
    ledger::{
        RecordError,
        command::{Access, Rows},
        events::{self, Told, Wanted},
    },
    store::{
        Connection, StoreError, logs,
        webhook_attempts::{self, Attempt},
        webhooks::{self, Endpoint, Stand, Tried},
    },
    world::{id_parts, random, rfc3339},
};

/// Steps of one turn; others get theirs in between.
const STEPS: usize = 64;
/// A turn ends by itself after this long, whatever there is still to tell: slow receivers don't keep others waiting.
const LONGEST: Duration = Duration::from_secs(5);
/// Events that are read, and whose telling is recorded, at a time.
const BATCH: usize = 32;
/// Entries that hold nothing for an endpoint before its row says that it was looked through them.
const UNSAVED_MAX: i64 = 10_000;
/// How long a process has an endpoint beyond what one message takes: after a crash, others wait for so long.
/// Clocks of replicas may differ by less than this.
const SPARE: Duration = Duration::from_secs(15);

/// Why a turn ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger can't be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An event can't be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// An endpoint's turn.
pub(super) struct Telling<'a> {
    pub with: &'a Webhooks,
    pub tenant: Tenant,
    pub id: EndpointId,
    pub known: Known,
    pub began: Instant,
}

/// A message to be sent.
struct Letter {
    id: String,
    seq: Option<i64>,
    r#type: EventType,
    body: Vec<u8>,
}

impl Letter {
    fn of(endpoint: EndpointId, told: &Told) -> Result<Self, Trouble> {
        let body = serde_json::to_vec(&told.event)?;
        let id = message_id(endpoint, told.seq);
        Ok(Self { id, seq: Some(told.seq), r#type: told.event.r#type, body })
    }
}

impl Telling<'_> {
    /// Tells what there is to tell; whether there may be more.
    pub(super) async fn turn(&mut self) -> Result<bool, Trouble> {
        for _ in 0..STEPS {
            if self.with.is_stopping() || !self.step().await? {
                return Ok(false);
            }
            if self.is_over() {
                break;
            }
        }
        Ok(true)
    }

    /// Whether others are to have their turn.
    fn is_over(&self) -> bool {
        self.began.elapsed() >= LONGEST
    }

    /// One look at the endpoint and what it asks for; whether there may be more to do.
    async fn step(&mut self) -> Result<bool, Trouble> {
        if !self.hold().await? {
            return Ok(false);
        }
        let mut reader = self.with.db.read(self.tenant).await?;
        let Some(endpoint) = webhooks::get(&mut reader, self.tenant, self.id).await? else {
            return Ok(false);
        };
        if let Some(order) = webhook_attempts::ordered(&mut reader, self.tenant, self.id).await? {
            drop(reader);
            self.carry_out(&endpoint, order).await?;
            return Ok(true);
        }
        if endpoint.state != "active" || endpoint.next_at_us > self.with.world.now_us() {
            return Ok(false);
        }
        let Some(head) = logs::head(&mut reader, self.tenant).await? else { return Ok(false) };
        let seen = self.known.seen.filter(|(position, _)| *position == endpoint.position);
        let from = seen.map_or(endpoint.position, |(position, seen)| seen.max(position));
        let wanted = Wanted::parse(&endpoint.events);
        // One that fails may go on failing: then it is asked with one event at a time.
        let most = if endpoint.attempts > 0 { 1 } else { BATCH };
        let found = events::after(&mut reader, self.tenant, (from, head.size), &wanted, most).await?;
        drop(reader);
        if found.events.is_empty() {
            self.known.seen = Some((endpoint.position, found.scanned));
            if found.scanned - endpoint.position > UNSAVED_MAX {
                self.save(&endpoint, found.scanned).await?;
            }
            return Ok(found.more);
        }
        let letters: Vec<Letter> =
            found.events.iter().map(|told| Letter::of(self.id, told)).collect::<Result<_, _>>()?;
        self.record(&endpoint, &letters).await?;
        self.tell(endpoint, &letters).await
    }

    /// Tells events one after the other, until one is not taken or something changed.
    async fn tell(&self, first: Endpoint, letters: &[Letter]) -> Result<bool, Trouble> {
        let mut endpoint = first.clone();
        for (place, letter) in letters.iter().enumerate() {
            if place > 0 {
                if self.is_over() {
                    return Ok(true);
                }
                let position = letters[place - 1].seq;
                let mut reader = self.with.db.read(self.tenant).await?;
                let now = webhooks::get(&mut reader, self.tenant, self.id).await?;
                let Some(now) = now.filter(|now| Some(now.position) == position) else { return Ok(true) };
                let unchanged = now.state == "active" && now.revision == first.revision;
                let is_held = self.known.held_until_us - self.needed_us() > self.with.world.now_us();
                if !unchanged || !is_held || self.with.is_stopping() {
                    return Ok(true);
                }
                endpoint = now;
            }
            let outcome = self.send(&endpoint, letter).await;
            let taken = outcome.error.is_none();
            let stands = match taken {
                true => self.taken(&endpoint, letter, outcome).await?,
                false => self.refused(&endpoint, letter, outcome).await?,
            };
            if !taken || !stands {
                // Failed: it is tried again in time. Overtaken: looked at anew.
                return Ok(taken || !stands);
            }
        }
        Ok(true)
    }

    /// Makes sure that this process has the endpoint for long enough to send a message.
    async fn hold(&mut self) -> Result<bool, Trouble> {
        let now_us = self.with.world.now_us();
        let needed_us = self.needed_us();
        if self.known.held_until_us - needed_us > now_us {
            return Ok(true);
        }
        let until_us = now_us + micros(self.with.sender.timeout() + SPARE);
        let (id, holder) = (self.id, self.with.holder.clone());
        let held = self
            .stored(move |connection, tenant| {
                Box::pin(
                    async move { webhooks::hold(connection, tenant, id, &holder, (now_us, until_us)).await },
                )
            })
            .await?;
        self.known.held_until_us = if held { until_us } else { 0 };
        Ok(held)
    }

    /// What is left of holding an endpoint must last for one message, and some more for storing it.
    fn needed_us(&self) -> i64 {
        micros(self.with.sender.timeout() + SPARE / 3)
    }

    /// Records that the endpoint gets these messages, before any of them leaves.
    async fn record(&mut self, endpoint: &Endpoint, letters: &[Letter]) -> Result<(), Trouble> {
        let recorded = &mut self.known.recorded;
        if recorded.url != endpoint.url || endpoint.position < recorded.position {
            // Told elsewhere, or again: another look.
            *recorded = Recorded { url: endpoint.url.clone(), up_to: endpoint.position, position: 0 };
        }
        recorded.position = endpoint.position;
        let up_to = recorded.up_to;
        let looks = letters.iter().filter(|letter| letter.seq.is_none_or(|seq| seq > up_to));
        let at = rfc3339(self.with.world.now_us());
        let looks = looks.map(|letter| {
            let access = Access {
                actor: self.id.to_string(),
                at: at.clone(),
                digest: format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&letter.body))),
                method: "POST".to_owned(),
                path: endpoint.url.clone(),
                request: letter.id.clone(),
                // It is recorded before there is one.
                status: 0,
            };
            self.with.recorder.access(self.tenant, access)
        });
        // Asked for together, they make one entry.
        try_join_all(looks).await?;
        let last = letters.iter().filter_map(|letter| letter.seq).max();
        self.known.recorded.up_to = up_to.max(last.unwrap_or_default());
        Ok(())
    }

    async fn send(&self, endpoint: &Endpoint, letter: &Letter) -> Outcome {
        let now_us = self.with.world.now_us();
        let timestamp = now_us.div_euclid(1_000_000);
        let message = Message { id: &letter.id, timestamp, body: &letter.body };
        let signatures: Vec<String> = keys(self.tenant, endpoint, now_us)
            .into_iter()
            .map(|key| self.with.secrets.sign(key, &message))
            .collect();
        let (url, body) = (endpoint.url.as_str(), letter.body.clone());
        let outgoing = Outgoing { url, id: &letter.id, timestamp, signatures: signatures.join(" "), body };
        self.with.sender.send(outgoing).await
    }

    /// The endpoint took an event: the next one is next. Whether it still stood where it did.
    async fn taken(&self, endpoint: &Endpoint, letter: &Letter, outcome: Outcome) -> Result<bool, Trouble> {
        let attempt = self.attempt(letter, endpoint.attempts + 1, outcome);
        let (id, holder) = (self.id, self.with.holder.clone());
        let (position, reached) = (endpoint.position, letter.seq.unwrap_or(endpoint.position));
        let moved = attempt.clone();
        let stands = self
            .stored(move |connection, tenant| {
                Box::pin(async move {
                    let stand = Stand { id, holder: &holder, position };
                    if !webhooks::advance(connection, tenant, stand, reached).await? {
                        return Ok(false);
                    }
                    webhook_attempts::insert(connection, tenant, id, &moved).await?;
                    Ok(true)
                })
            })
            .await?;
        if !stands {
            self.note(attempt).await?;
        }
        Ok(stands)
    }

    /// The endpoint did not take an event: it is put off, or disabled.
    async fn refused(&self, endpoint: &Endpoint, letter: &Letter, outcome: Outcome) -> Result<bool, Trouble> {
        let now_us = self.with.world.now_us();
        let since_us = endpoint.failing_since_us.unwrap_or(now_us);
        let attempts = endpoint.attempts + 1;
        let chance = u64::from_be_bytes(random(&*self.with.world));
        let error = outcome.error.clone().unwrap_or_default();
        let next = next_at_us(now_us, since_us, attempts, chance, self.with.retry_hours);
        let attempt = self.attempt(letter, attempts, outcome.clone());
        match next.filter(|_| !outcome.is_gone()) {
            None => {
                let hours = self.with.retry_hours;
                let reason = match outcome.is_gone() {
                    true => "it answered 410: nothing more is wanted".to_owned(),
                    false => format!("it failed for {hours} hours, the last time because {error}"),
                };
                self.disable(endpoint, attempt, &reason).await
            }
            Some(next_at_us) => {
                let (id, holder, was) = (self.id, self.with.holder.clone(), endpoint.clone());
                let noted = attempt.clone();
                let stands = self
                    .stored(move |connection, tenant| {
                        Box::pin(async move {
                            let times = (since_us, next_at_us);
                            if !webhooks::put_off(connection, tenant, tried(&was, id, &holder), times).await?
                            {
                                return Ok(false);
                            }
                            webhook_attempts::insert(connection, tenant, id, &noted).await?;
                            Ok(true)
                        })
                    })
                    .await?;
                if !stands {
                    self.note(attempt).await?;
                }
                Ok(stands)
            }
        }
    }

    async fn disable(&self, endpoint: &Endpoint, attempt: Attempt, reason: &str) -> Result<bool, Trouble> {
        let (id, holder, was) = (self.id, self.with.holder.clone(), endpoint.clone());
        let (told, noted) = (reason.to_owned(), attempt.clone());
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                if !webhooks::disable(connection, at.tenant, tried(&was, id, &holder), &told).await? {
                    return Err(RecordError::Conflict("the endpoint is no longer as it was"));
                }
                Ok(webhook_attempts::insert(connection, at.tenant, id, &noted).await?)
            })
        });
        match self.with.recorder.file(self.tenant, disable(self.id, reason, rows)?).await {
            Ok(_) => {
                tracing::warn!(endpoint = %self.id, reason, "a webhook endpoint is disabled");
                Ok(true)
            }
            Err(RecordError::Conflict(_)) => {
                self.note(attempt).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an attempt that the endpoint's owner ordered, once.
    async fn carry_out(&mut self, endpoint: &Endpoint, order: Attempt) -> Result<(), Trouble> {
        let mut reader = self.with.db.read(self.tenant).await?;
        let letter = match order.event_seq {
            Some(seq) => {
                let range = (seq - 1, seq + 1);
                let found = events::after(&mut reader, self.tenant, range, &Wanted::default(), 1).await?;
                found.events.first().map(|told| Letter::of(self.id, told)).transpose()?
            }
            None => {
                let log = logs::head(&mut reader, self.tenant).await?.map(|head| head.origin);
                let event = Event {
                    id: AttemptId::from_uuid(order.id).to_string(),
                    r#type: EventType::WebhookTest,
                    timestamp: rfc3339(order.at_us),
                    data: EventData { id: self.id.to_string(), seq: None, log: log.unwrap_or_default() },
                };
                let body = serde_json::to_vec(&event)?;
                Some(Letter { id: order.message_id.clone(), seq: None, r#type: event.r#type, body })
            }
        };
        drop(reader);
        let outcome = match letter {
            Some(letter) => {
                // It is told again, and so it is recorded again.
                let letter = Letter { seq: None, ..letter };
                self.record(endpoint, std::slice::from_ref(&letter)).await?;
                self.send(endpoint, &letter).await
            }
            None => Outcome {
                status: None,
                answer: None,
                error: Some("the event is no longer there".to_owned()),
                took_ms: 0,
            },
        };
        let made = self.finished(order, outcome);
        let id = self.id;
        self.stored(move |connection, tenant| {
            Box::pin(async move {
                webhook_attempts::finish(connection, tenant, id, &made).await?;
                Ok(true)
            })
        })
        .await?;
        Ok(())
    }

    /// Notes in the endpoint's row that it was looked through these entries.
    async fn save(&mut self, endpoint: &Endpoint, scanned: i64) -> Result<(), Trouble> {
        let (id, holder, position) = (self.id, self.with.holder.clone(), endpoint.position);
        let saved = self
            .stored(move |connection, tenant| {
                Box::pin(async move {
                    let stand = Stand { id, holder: &holder, position };
                    webhooks::advance(connection, tenant, stand, scanned).await
                })
            })
            .await?;
        if saved {
            self.known.seen = Some((scanned, scanned));
        }
        Ok(())
    }

    /// Notes an attempt whose endpoint was set back meanwhile; one of an endpoint that is gone, nowhere.
    async fn note(&self, attempt: Attempt) -> Result<(), Trouble> {
        let id = self.id;
        self.stored(move |connection, tenant| {
            Box::pin(async move {
                if webhooks::get(connection, tenant, id).await?.is_some() {
                    webhook_attempts::insert(connection, tenant, id, &attempt).await?;
                }
                Ok(true)
            })
        })
        .await?;
        Ok(())
    }

    fn attempt(&self, letter: &Letter, number: i64, outcome: Outcome) -> Attempt {
        let (ms, bytes) = id_parts(&*self.with.world);
        let begun = Attempt {
            id: AttemptId::from_parts(ms, bytes).uuid(),
            message_id: letter.id.clone(),
            event_seq: letter.seq,
            event_type: letter.r#type.as_str().to_owned(),
            number,
            state: String::new(),
            at_us: 0,
            took_ms: None,
            status: None,
            answer: None,
            error: None,
        };
        self.finished(begun, outcome)
    }

    fn finished(&self, begun: Attempt, outcome: Outcome) -> Attempt {
        let state = if outcome.error.is_none() { "succeeded" } else { "failed" };
        Attempt {
            state: state.to_owned(),
            at_us: self.with.world.now_us(),
            took_ms: Some(outcome.took_ms),
            status: outcome.status.map(i64::from),
            answer: outcome.answer,
            error: outcome.error,
            ..begun
        }
    }

    /// Stores rows, and says what the work on them said.
    async fn stored<W>(&self, work: W) -> Result<bool, Trouble>
    where
        W: for<'c> FnOnce(
                &'c mut Connection,
                Tenant,
            )
                -> std::pin::Pin<Box<dyn Future<Output = Result<bool, StoreError>> + Send + 'c>>
            + Send
            + Sync
            + 'static,
    {
        let done = Arc::new(AtomicBool::new(false));
        let said = Arc::clone(&done);
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                said.store(work(connection, at.tenant).await?, Ordering::SeqCst);
                Ok(())
            })
        });
        self.with.recorder.store(self.tenant, rows).await?;
        Ok(done.load(Ordering::SeqCst))
    }
}

/// An endpoint as it was when it was tried.
fn tried<'a>(was: &'a Endpoint, id: EndpointId, holder: &'a str) -> Tried<'a> {
    let stand = Stand { id, holder, position: was.position };
    Tried { stand, revision: was.revision }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
