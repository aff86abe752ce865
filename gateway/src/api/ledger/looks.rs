//! `GET /v1/ledger/looks`: who looked at what, and who was refused.
//!
//! An entry of kind `access` or `denied` lists what one batch of the recorder had. Here each of these stands
//! alone, the newest first. No index leads to what a look was at, so that stretches of the log are gone through,
//! so much of it at a time.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use veritrail_audit::Kind;

use super::{
    super::{
        State,
        list::{List, Run},
        params::Params,
    },
    actor, period,
};
use crate::{
    access::{Permit, Recorded, right::SearchLedger},
    domain::{InstitutionId, Tenant},
    error::Problem,
    store::{
        Reader,
        entries::{self, Listing},
    },
    world::rfc3339,
};

const OPERATION: &str = "listLooks";
const PATH: &str = "path[contains]";
const KNOWN: &[&str] = &["actor", PATH, "at[gte]", "at[lt]", "kind", "status", "limit", "cursor"];
const KINDS: &[(&str, LookKind)] = &[("access", LookKind::Access), ("denied", LookKind::Denied)];
/// The most characters of a part of a path.
const PATH_MAX: usize = 1000;

/// Entries that one statement goes through.
const WINDOW: i64 = 5_000;
/// Entries that one call goes through.
const SCAN_MAX: i64 = 50_000;
/// Payloads that one statement reads.
const CHUNK: i64 = 64;
/// Payloads that one call reads.
const READ_MAX: i64 = 1_024;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LookKind {
    /// It was answered.
    Access,
    /// It was refused.
    Denied,
}

/// A look that was taken, or one that was refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Look {
    /// Whether it was answered (`access`) or refused (`denied`).
    pub kind: LookKind,
    /// The entry that lists it.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub seq: String,
    /// When it was recorded, which is before anything left: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub at: String,
    /// Who: a client's or a person's id; of a refused one that nobody knows, the address.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b2")]
    pub actor: String,
    /// The method.
    #[schema(example = "GET")]
    pub method: String,
    /// Path and query as sent; for a refused stranger the route's pattern.
    #[schema(example = "/v1/transactions?limit=10")]
    pub path: String,
    /// The answer's status.
    #[schema(example = 200)]
    pub status: u16,
    /// The request's id; none where refusals are counted together.
    #[schema(required, example = "req_0190163d8694739bba1a9fbee4e5c1b2")]
    pub request: Option<String>,
    /// Of an answer: its digest (RFC 9530).
    #[schema(required, example = "sha-256=:bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=:")]
    pub digest: Option<String>,
    /// Of a refusal: the problem's code.
    #[schema(required, example = "insufficient_scope")]
    pub code: Option<String>,
    /// How often; more than once only for like refusals that are counted together.
    #[schema(example = 1)]
    pub count: u64,
}

/// Who looked at what, and who was refused: the newest first.
///
/// A page may hold fewer looks than asked for, even none, and yet have a next one. Times are those of the
/// entries.
#[utoipa::path(
    operation_id = "listLooks", tag = "ledger",
    params(
        ("actor" = Option<String>, Query, description = "Only this one's: a client's or a person's id, or an address.", pattern = "^[!#-\\[\\]-~]{1,128}$", example = "cli_0190163d8694739bba1a9fbee4e5c1b2"),
        ("path[contains]" = Option<String>, Query, description = "Only where path and query, as they were sent, have this in them: a record's id for looks at this record.", example = "/v1/transactions"),
        ("at[gte]" = Option<String>, Query, description = "Recorded at this time or later (RFC 3339).", example = "2026-01-05T00:00:00Z"),
        ("at[lt]" = Option<String>, Query, description = "Recorded before this time (RFC 3339)."),
        ("kind" = Option<String>, Query, description = "Only those that were answered (`access`), or refused (`denied`).", pattern = "^(access|denied)$", example = "denied"),
        ("status" = Option<u16>, Query, description = "Only those that were answered with this status.", minimum = 100, maximum = 599, example = 200),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of looks and refusals.", body = List<Look>)),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/looks")]
pub async fn list(permit: Permit<SearchLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), KNOWN)?;
    let tenant = permit.tenant();
    let wanted = Wanted::of(&params)?;
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let (from, until) = period(&mut reader, tenant, run.snapshot.seq() + 1, &params).await?;
    let mut place = Place { from, until, within: None };
    if let Some(after) = &run.after {
        // With a key, the last page ended within the entry, before this one of its lines.
        let line =
            after.key.as_ref().map(|key| key.parse::<usize>()).transpose().map_err(Problem::internal)?;
        place.until = if line.is_some() { after.seq + 1 } else { after.seq };
        place.within = line.map(|line| (after.seq, line));
    }
    let mut rows = find(&mut reader, tenant, &wanted, &mut place, run.fetch()).await?;
    drop(reader);
    let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= run.fetch();
    let page = if is_full || place.from >= place.until {
        run.cut(&mut rows, |row| (Some(row.line.to_string()), row.seq))?
    } else {
        run.ends_at(place.until, true)?
    };
    let data: Vec<Look> = rows.into_iter().map(|row| row.look).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// Which looks are wanted.
struct Wanted {
    actor: Option<String>,
    path: Option<String>,
    kind: Option<LookKind>,
    status: Option<u16>,
}

impl Wanted {
    fn of(params: &Params<'_>) -> Result<Self, Problem> {
        let status = params.parse::<u16>("status")?;
        if status.is_some_and(|status| !(100..=599).contains(&status)) {
            return Err(Problem::parameter("status", "out_of_range", "100 to 599"));
        }
        Ok(Self {
            actor: actor::named(params)?.map(ToOwned::to_owned),
            path: params.text(PATH, PATH_MAX)?.map(ToOwned::to_owned),
            kind: params.word("kind", KINDS)?,
            status,
        })
    }

    fn kinds(&self) -> &'static [&'static str] {
        const BOTH: &[&str] = &[Kind::Access.as_str(), Kind::Denied.as_str()];
        match self.kind {
            None => BOTH,
            Some(LookKind::Access) => &BOTH[..1],
            Some(LookKind::Denied) => &BOTH[1..],
        }
    }

    fn takes(&self, look: &Listed) -> bool {
        self.actor.as_ref().is_none_or(|actor| *actor == look.actor)
            && self.path.as_ref().is_none_or(|path| look.path.contains(path.as_str()))
            && self.status.is_none_or(|status| status == look.status)
    }
}

/// What is left to be gone through.
struct Place {
    from: i64,
    until: i64,
    /// Of this entry only the lines before this one.
    within: Option<(i64, usize)>,
}

/// A look, and its line in its entry.
struct Row {
    seq: i64,
    line: usize,
    look: Look,
}

/// What the payload of an entry lists.
#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    accesses: Vec<Listed>,
    #[serde(default)]
    denials: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    actor: String,
    method: String,
    path: String,
    status: u16,
    request: Option<String>,
    digest: Option<String>,
    code: Option<String>,
    #[serde(default = "once")]
    count: u64,
}

const fn once() -> u64 {
    1
}

/// The next looks that are wanted, the newest first, and what is left then.
async fn find(
    reader: &mut Reader,
    tenant: Tenant,
    wanted: &Wanted,
    place: &mut Place,
    most: i64,
) -> Result<Vec<Row>, Problem> {
    let most = usize::try_from(most).unwrap_or_default();
    let (top, mut read) = (place.until, 0);
    let mut rows = Vec::new();
    while place.from < place.until && rows.len() < most && top - place.until < SCAN_MAX && read < READ_MAX {
        let low = place.from.max(place.until - WINDOW);
        let chunk = entries::listings(reader, tenant, (low, place.until), wanted.kinds(), CHUNK).await?;
        let found = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        read += found;
        place.until = match chunk.last() {
            Some(last) if found == CHUNK => last.seq,
            _ => low,
        };
        for entry in &chunk {
            let listed = listed(entry)?.into_iter().enumerate().rev();
            let rest = listed.filter(|(line, _)| {
                place.within.is_none_or(|(seq, before)| seq != entry.seq || *line < before)
            });
            let taken = rest.filter(|(_, look)| wanted.takes(look));
            rows.extend(taken.map(|(line, look)| Row { seq: entry.seq, line, look: look.of(entry) }));
        }
    }
    rows.truncate(most);
    Ok(rows)
}

fn listed(entry: &Listing) -> Result<Vec<Listed>, Problem> {
    let payload: Payload = serde_json::from_slice(&entry.payload)
        .map_err(|e| Problem::internal(format!("a stored payload is damaged: {e}")))?;
    Ok(if entry.kind == Kind::Access.as_str() { payload.accesses } else { payload.denials })
}

impl Listed {
    fn of(self, entry: &Listing) -> Look {
        let is_access = entry.kind == Kind::Access.as_str();
        Look {
            kind: if is_access { LookKind::Access } else { LookKind::Denied },
            seq: entry.seq.to_string(),
            at: rfc3339(entry.at_us),
            actor: self.actor,
            method: self.method,
            path: self.path,
            status: self.status,
            request: self.request,
            digest: self.digest,
            code: self.code,
            count: self.count,
        }
    }
}
