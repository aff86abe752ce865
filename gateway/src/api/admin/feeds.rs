//! `/admin/v1/feeds`: how fresh each institution's records are, and who delivers files for it.

use std::collections::HashMap;

use actix_web::{get, web};
use serde::Serialize;

use crate::{
    access::{Answer, Permit, Recorded, right::Administer},
    api::{State, params::Params},
    domain::{ClientId, InstitutionId, IntakeId},
    error::Problem,
    store::{
        clients,
        feeds::{self, Feed},
        institutions,
    },
    world::rfc3339,
};

/// Institutions of a page.
const PAGE: i64 = 50;
/// How far back files are counted.
const LATELY_US: i64 = 30 * 24 * 3600 * 1_000_000;

/// How fresh an institution's records are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InstitutionFeeds {
    /// The institution.
    institution: InstitutionId,
    /// Its name.
    #[schema(example = "Harbour Leasing Bank")]
    name: String,
    /// When its newest transaction, or the newest version of one, was stored, however it came: RFC 3339, UTC. None
    /// while it has none.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    newest_delivery_at: Option<String>,
    /// Those who deliver files, each with a format: 100 at most; absent where it was asked to leave them out. What is
    /// delivered record by record counts in `newest_delivery_at` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    feeds: Option<Vec<FeedStanding>>,
}

/// Files that somebody delivers in a format.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FeedStanding {
    /// Who delivers: a client's id, or `veritrail` for what was imported on the command line.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b2")]
    deliverer: String,
    /// The client's name.
    #[schema(example = "core-banking-feed")]
    deliverer_name: Option<String>,
    /// `camt`, `mt940`, `csv`, `ndjson`, or another one that the command line takes.
    #[schema(example = "camt")]
    format: String,
    /// The newest file that was not only to be examined.
    newest: NewestFile,
    /// Such files in the last 30 days.
    #[schema(example = 22)]
    files_30_days: i64,
    /// Records that they added.
    #[schema(example = 48210)]
    records_added_30_days: i64,
}

/// A feed's newest file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewestFile {
    /// Its intake.
    intake: IntakeId,
    /// `examining`, `storing`; in the end `stored`, `refused` or `failed`.
    #[schema(example = "stored")]
    state: String,
    /// When it began to come: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    created_at: String,
    /// When it ended.
    #[schema(example = "2026-01-05T09:30:02.000000Z")]
    finished_at: Option<String>,
    /// Records in it that can be read.
    #[schema(example = 2191)]
    records: i64,
    /// Records that it added.
    #[schema(example = 2190)]
    added: i64,
    /// Faults in it.
    #[schema(example = 0)]
    faults: i64,
}

/// How fresh records are, by institution.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FeedList {
    /// The institutions.
    data: Vec<InstitutionFeeds>,
    /// Give this as `after` to get more; none when there are no more.
    next_after: Option<InstitutionId>,
}

impl FeedStanding {
    fn new(feed: Feed, deliverer_name: Option<String>) -> Self {
        Self {
            deliverer: feed.actor,
            deliverer_name,
            format: feed.format,
            newest: NewestFile {
                intake: IntakeId::from_uuid(feed.id),
                state: feed.state,
                created_at: rfc3339(feed.created_at_us),
                finished_at: feed.finished_at_us.map(rfc3339),
                records: feed.records,
                added: feed.added,
                faults: feed.faults,
            },
            files_30_days: feed.lately,
            records_added_30_days: feed.lately_added,
        }
    }
}

/// How fresh each institution's records are: its newest transaction, and the newest file of each feed.
///
/// A feed is a client that delivers files, and their format. Records that are delivered in batches name no feed.
#[utoipa::path(
    operation_id = "listFeeds", tag = "admin",
    params(
        ("after" = Option<InstitutionId>, Query, description = "`next_after` of the page before."),
        ("feeds" = Option<bool>, Query, description = "`false` leaves out `feeds`: how fresh records are is told alone, which takes less time."),
    ),
    responses((status = 200, description = "Up to 50 institutions with their feeds.", body = FeedList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/feeds")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after", "feeds"])?;
    let with_feeds = params.word("feeds", &[("true", true), ("false", false)])?.unwrap_or(true);
    let institutions =
        institutions::page(&mut state.directory().await?, params.parse("after")?, PAGE).await?;
    let ids: Vec<InstitutionId> = institutions.iter().map(|row| InstitutionId::from_uuid(row.id)).collect();
    let next_after = ids.last().filter(|_| ids.len() as i64 == PAGE).copied();
    let tenants = permit.over(ids);
    let since_us = state.world().now_us() - LATELY_US;
    let (mut newest, mut found) = (HashMap::new(), HashMap::new());
    if let (Some(first), Some(last)) = (tenants.first(), tenants.last()) {
        let mut reader = state.door.db.read_many(&tenants).await?;
        newest = feeds::newest(&mut reader, *first, *last).await?;
        for tenant in tenants.iter().filter(|_| with_feeds) {
            found.insert(tenant.uuid(), feeds::of(&mut reader, *tenant, since_us).await?);
        }
    }
    let names = names(&state, found.values().flatten()).await?;
    let named = |feed: Feed| {
        let name = names.get(&feed.actor).cloned();
        FeedStanding::new(feed, name)
    };
    let data = institutions.into_iter().map(|institution| InstitutionFeeds {
        institution: InstitutionId::from_uuid(institution.id),
        name: institution.name,
        newest_delivery_at: newest.get(&institution.id).copied().map(rfc3339),
        feeds: found.remove(&institution.id).map(|feeds| feeds.into_iter().map(named).collect()),
    });
    let list = FeedList { data: data.collect(), next_after };
    permit.answer(Answer::json(&list)?).await
}

/// The names of the clients that deliver, by their ids.
async fn names<'a>(
    state: &State,
    feeds: impl Iterator<Item = &'a Feed>,
) -> Result<HashMap<String, String>, Problem> {
    let mut names = HashMap::new();
    let mut reader = state.directory().await?;
    for feed in feeds {
        let Ok(id) = feed.actor.parse::<ClientId>() else { continue };
        if names.contains_key(&feed.actor) {
            continue;
        }
        if let Some(client) = clients::get(&mut reader, id).await? {
            names.insert(feed.actor.clone(), client.name);
        }
    }
    Ok(names)
}
