//! `/v1/events`: what happened, asked for page by page or followed as it happens.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{get, web};
use tokio::sync::watch;

use super::{
    State,
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Permit, Recorded,
        right::FollowEvents,
        stream::{Part, Source},
    },
    domain::{Actor, Event, EventType, InstitutionId, Tenant},
    error::{Code, Problem},
    ledger::events::{self, Told, Wanted},
    store::logs,
};

const OPERATION: &str = "listEvents";
const TYPES: &str = "type[in]";

/// Events of one part of a stream.
const BATCH: usize = 500;
/// How often it is looked for what other processes stored.
const ROUND: Duration = Duration::from_secs(1);
/// The least time between two looks: what happens meanwhile is told together, and recorded as one look.
const BREATH: Duration = Duration::from_millis(250);
/// What a stream begins with: how many milliseconds to wait before coming again when it ended.
const OPENING: &str = "retry: 1000\n\n";
/// A comment, by which the receiver sees that the stream is there.
const BEAT: &str = ": \n\n";
/// The longest stream that can be asked for.
const DURATION_MAX_S: u64 = 3600;

/// The streams that are open in this process.
pub struct Streams {
    heartbeat: Duration,
    max: usize,
    per_client_max: usize,
    open: Arc<Mutex<HashMap<Actor, usize>>>,
}

/// A place among them; dropping it frees it.
struct Place {
    actor: Actor,
    open: Arc<Mutex<HashMap<Actor, usize>>>,
}

impl Streams {
    /// At most so many, and so many of one client; each gives a sign of life so often.
    #[must_use]
    pub fn new(heartbeat: Duration, max: usize, per_client_max: usize) -> Self {
        Self { heartbeat, max, per_client_max, open: Arc::default() }
    }

    fn enter(&self, actor: Actor) -> Result<Place, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.max {
            let detail = "too many streams are open here; ask /v1/events, or come again in 10 s";
            return Err(Problem { retry_after_s: Some(10), ..Problem::new(Code::Overloaded, detail) });
        }
        let own = open.entry(actor).or_default();
        if *own >= self.per_client_max {
            let detail = format!("a client may have {} streams open; end one of them", self.per_client_max);
            return Err(Problem { retry_after_s: Some(10), ..Problem::new(Code::QuotaExceeded, detail) });
        }
        *own += 1;
        Ok(Place { actor, open: Arc::clone(&self.open) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.actor) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.actor);
            }
        }
    }
}

/// What happened, in the order of the ledger.
///
/// A page may hold fewer events than asked for, even none, and yet have a next one. When `has_more` is false,
/// all events up to `as_of.seq` were told: go on with `after` set to it.
#[utoipa::path(
    operation_id = "listEvents", tag = "events",
    params(
        ("after" = Option<String>, Query, description = "Only what was recorded after this entry; from the beginning unless told.", pattern = "^[0-9]{1,18}$", example = "49102"),
        ("type[in]" = Option<String>, Query, description = "Only these types, with commas between them.", example = "transaction.created,transaction.corrected"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of events, the oldest first.", body = List<Event>)),
    security(("oauth2" = ["events:read"]))
)]
#[get("/v1/events")]
pub async fn list(permit: Permit<FollowEvents>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after", TYPES, "limit", "cursor"])?;
    let tenant = permit.tenant();
    let wanted = wanted(&params)?;
    let asked = params.parse::<u64>("after")?.map(signed);
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let after = run.after.as_ref().map(|position| position.seq).or(asked).unwrap_or(-1);
    let limit = usize::try_from(run.limit).unwrap_or_default();
    let range = (after, run.snapshot.seq() + 1);
    let found = events::after(&mut reader, tenant, range, &wanted, limit).await?;
    drop(reader);
    let page = run.ends_at(found.scanned, found.more)?;
    let data: Vec<Event> = found.events.into_iter().map(|told| told.event).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// Follows what happens, as server-sent events.
///
/// Each event's `id` is its entry's seq, its `event` the type, its `data` the event. A stream ends when the
/// access token does, or the service; come again with `Last-Event-ID` and nothing is missed or told twice. A
/// comment is sent when nothing else was for a while.
#[utoipa::path(
    operation_id = "streamEvents", tag = "events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event; with what happens from now on unless told, as when it is empty.", pattern = "^[0-9]{0,18}$"),
        ("last_event_id" = Option<String>, Query, description = "The same, for receivers that can't set a header.", pattern = "^[0-9]{1,18}$"),
        ("type[in]" = Option<String>, Query, description = "Only these types, with commas between them.", example = "transaction.created"),
        ("duration_s" = Option<u32>, Query, description = "End after so many seconds, for receivers that would rather ask again than hold a connection.", minimum = 0, maximum = 3600),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream", example = json!("retry: 1000\n\nid: 49102\nevent: transaction.created\ndata: {\"id\":\"49102\",\"type\":\"transaction.created\",…}\n\n"))),
    security(("oauth2" = ["events:read"]))
)]
#[get("/v1/events/stream")]
pub async fn stream(permit: Permit<FollowEvents>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["last_event_id", TYPES, "duration_s"])?;
    let tenant = permit.tenant();
    let wanted = wanted(&params)?;
    let duration_s = params.parse::<u64>("duration_s")?.unwrap_or(DURATION_MAX_S);
    if duration_s > DURATION_MAX_S {
        return Err(Problem::parameter("duration_s", "out_of_range", format!("0 to {DURATION_MAX_S}")));
    }
    let named = match permit.header("last-event-id").filter(|id| !id.is_empty()) {
        Some(id) => Some(id.parse::<u64>().map_err(|_| {
            Problem::new(Code::InvalidParameter, "Last-Event-ID: the id of an event, a whole number")
        })?),
        None => params.parse("last_event_id")?,
    };
    let place = state.streams.enter(permit.caller().actor)?;
    // Before the log is looked at: what is stored after that is heard of.
    let commits = state.door.recorder.commits();
    let mut reader = state.read(tenant).await?;
    let size = logs::head(&mut reader, tenant).await?.ok_or_else(Problem::not_found)?.size;
    drop(reader);
    let after = named.map_or(size - 1, signed);
    if after >= size {
        let detail = format!("the last entry is {}", size - 1);
        return Err(Problem::parameter("last_event_id", "out_of_range", detail));
    }
    let now = Instant::now();
    let followed = Followed {
        state: state.clone(),
        tenant,
        wanted,
        after,
        commits,
        heartbeat: state.streams.heartbeat,
        told: now,
        looked: None,
        ends: now + Duration::from_secs(duration_s),
        _place: place,
    };
    permit.stream("text/event-stream", OPENING, followed).await
}

/// A log that is followed.
struct Followed {
    state: web::Data<State>,
    tenant: Tenant,
    wanted: Wanted,
    /// The last entry that was looked at.
    after: i64,
    commits: watch::Receiver<u64>,
    heartbeat: Duration,
    /// When something was sent last.
    told: Instant,
    /// When it was looked last.
    looked: Option<Instant>,
    ends: Instant,
    _place: Place,
}

impl Source for Followed {
    async fn next(&mut self) -> Option<Part> {
        loop {
            if let Some(looked) = self.looked {
                tokio::time::sleep(BREATH.saturating_sub(looked.elapsed())).await;
            }
            if self.state.is_stopping() || Instant::now() >= self.ends {
                return None;
            }
            self.looked = Some(Instant::now());
            self.commits.mark_unchanged();
            let (events, more) = self.look().await?;
            if !events.is_empty() {
                self.told = Instant::now();
                return frames(&events).map(Part::Data);
            }
            if more {
                continue;
            }
            let quiet = self.told.elapsed();
            if quiet >= self.heartbeat {
                self.told = Instant::now();
                return Some(Part::Beat(BEAT));
            }
            let wait =
                ROUND.min(self.heartbeat - quiet).min(self.ends.saturating_duration_since(Instant::now()));
            tokio::select! {
                changed = self.commits.changed() => changed.ok()?,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

impl Followed {
    /// What happened since it was looked last. A look that is recorded for it is no event, so that it wakes
    /// nobody for long. None when the database can't be read: the receiver comes again.
    async fn look(&mut self) -> Option<(Vec<Told>, bool)> {
        let mut reader = self.state.read(self.tenant).await.ok()?;
        let size = logs::head(&mut reader, self.tenant).await.ok()??.size;
        let range = (self.after, size);
        let found = events::after(&mut reader, self.tenant, range, &self.wanted, BATCH).await.ok()?;
        self.after = found.scanned;
        Some((found.events, found.more))
    }
}

/// Events as a stream has them. Their JSON holds no line end.
fn frames(events: &[Told]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(events.len() * 320);
    for told in events {
        let (id, name) = (told.seq, told.event.r#type.as_str());
        bytes.extend_from_slice(format!("id: {id}\nevent: {name}\ndata: ").as_bytes());
        serde_json::to_writer(&mut bytes, &told.event).ok()?;
        bytes.extend_from_slice(b"\n\n");
    }
    Some(bytes)
}

/// The types that a query names.
fn wanted(params: &Params<'_>) -> Result<Wanted, Problem> {
    let names: Vec<(&str, EventType)> = EventType::ALL.iter().map(|one| (one.as_str(), *one)).collect();
    Ok(Wanted::new(params.words(TYPES, &names)?))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX - 1)
}
