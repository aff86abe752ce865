//! `GET /v1/ledger/actors`: who the ids are that entries and looks name.
//!
//! A log has ids and no names: people marry and leave, and what is on it stays. So names are asked for.

use actix_web::{get, web};
use serde::Serialize;
use uuid::Uuid;

use super::super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLedger},
    domain::{ClientId, InstitutionId, UserId},
    error::Problem,
    store::actors::{self, Known},
};

const IDS: &str = "actor[in]";

/// Names of those who act.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerActors {
    /// Those that are known, in no order. What belongs to another institution is not among them.
    data: Vec<LedgerActor>,
}

/// Somebody who acts on the ledger.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerActor {
    /// The id, as entries name it.
    #[schema(example = "usr_0190163d8694739bba1a9fbee4e5c1b2")]
    id: String,
    /// `client` or `person`.
    #[schema(example = "person")]
    kind: &'static str,
    /// What they are called now.
    #[schema(example = "Ines Falk")]
    name: String,
    /// A person's role (`compliance-officer`, `integration-engineer`, `regulator`, `operator`), or a client's kind
    /// (`system`, `feeder`, `operator`).
    #[schema(example = "compliance-officer")]
    role: String,
    /// `institution` for the institution's own; `provider` for those that the provider looks after: its own people
    /// and clients, and regulators.
    #[schema(example = "institution")]
    of: &'static str,
}

impl LedgerActor {
    fn new(known: Known, own: Uuid) -> Self {
        Self {
            id: match known.is_person {
                true => UserId::from_uuid(known.id).to_string(),
                false => ClientId::from_uuid(known.id).to_string(),
            },
            kind: if known.is_person { "person" } else { "client" },
            name: known.name,
            role: known.role,
            of: if known.institution_id == own { "institution" } else { "provider" },
        }
    }
}

/// Who the ids are that entries and looks name as actors.
#[utoipa::path(
    operation_id = "getLedgerActors", tag = "ledger",
    params(
        ("actor[in]" = String, Query, description = "Ids of clients and people, 1 to 100, with commas between them.", pattern = "^(cli|usr)_[0-9a-f]{32}(,(cli|usr)_[0-9a-f]{32}){0,99}$", example = "usr_0190163d8694739bba1a9fbee4e5c1b2"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "Those that are known.", body = LedgerActors)),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/actors")]
pub async fn get(permit: Permit<ReadLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &[IDS])?;
    params.require::<String>(IDS)?;
    let ids = params.list(IDS)?.into_iter().map(bare).collect::<Result<Vec<_>, _>>()?;
    let own = permit.tenant();
    let known = actors::of(&mut state.directory().await?, [own, state.door.provider], &ids).await?;
    let data = known.into_iter().map(|known| LedgerActor::new(known, own.uuid())).collect();
    permit.answer(Answer::json(&LedgerActors { data })?).await
}

/// An id without its kind.
fn bare(id: &str) -> Result<Uuid, Problem> {
    let client = || id.parse().map(|id: ClientId| id.uuid());
    let user = || id.parse().map(|id: UserId| id.uuid());
    client().or_else(|_| user()).map_err(|_| {
        Problem::parameter(IDS, "invalid_value", format!("{id:?} is no id of a client or a person"))
    })
}
