//! `/v1/intake-mappings`: what the columns of a feeder's tables mean.

use actix_web::{get, put, web};
use serde::Serialize;
use veritrail_audit::Kind;

use super::{State, params::Params};
use crate::{
    access::{
        Answer, Door, Permit, Recorded,
        right::{GoOn, SeeDelivery},
    },
    domain::InstitutionId,
    error::{Code, Problem},
    intake::Mapping,
    ledger::command::{Filing, Rows},
    store::intake_mappings,
};

/// Most bytes of a mapping.
const MAPPING_MAX: usize = 16 << 10;
const NAME_MAX: usize = 32;

/// A mapping under its name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IntakeMapping {
    /// Its name.
    #[schema(example = "kontoauszug")]
    pub name: String,
    /// What it says, in TOML.
    #[schema(example = "[columns]\nreference = \"Beleg\"\n")]
    pub mapping: String,
}

/// Sets what the columns of a table mean, in place of what its name meant before. Intakes under way go on with
/// the mapping that they began with.
#[utoipa::path(
    operation_id = "putIntakeMapping", tag = "intakes",
    params(
        ("name" = String, Path, description = "Its name: 1 to 32 of a-z, 0-9 and -.", example = "kontoauszug"),
        ("institution" = InstitutionId, Query, description = "Whose tables these are."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(
        content = String, content_type = "application/toml",
        description = "The mapping in TOML, as `veritrail import` takes it.",
        example = json!("delimiter = \";\"\n[columns]\nreference = \"Beleg\"\nbooking_date = \"Buchung\"\n[amount]\nby = \"sign\"\ncolumn = \"Umsatz\"\n[fixed]\naccount = \"1\"\ncurrency = \"EUR\"\n"),
    ),
    responses(
        (status = 200, description = "The mapping as it stands now.", body = IntakeMapping),
        (status = 422, description = "It says nothing that can be carried out; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:write"]))
)]
#[put("/v1/intake-mappings/{name}")]
pub async fn put(permit: Permit<GoOn>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let name = name(&permit.path::<String>("name")?)?;
    let body = permit.body(&["application/toml"], MAPPING_MAX).await?;
    let idempotency = permit.idempotency(&body)?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| Problem::new(Code::MalformedBody, "the body is not UTF-8"))?
        .to_owned();
    text.parse::<Mapping>().map_err(|error| Problem::refused(error.to_string(), &[]))?;
    let sha256: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&body).into();
    let payload = format!(
        r#"{{"name":"{name}","sha256":"{}","type":"intake_mapping"}}"#,
        veritrail_audit::Hash(sha256)
    );
    let shown = IntakeMapping { name: name.clone(), mapping: text.clone() };
    let subject = ("intake_mapping", name.clone());
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(
            async move { Ok(intake_mappings::put(connection, at.tenant, (&name, &text), at.seq).await?) },
        )
    });
    let (by, kind) = (permit.by(), Kind::Admin);
    let filing = Filing { by, kind, subject, payload: payload.into_bytes(), rows, idempotency };
    let (tenant, recorder) = (permit.tenant(), state.door.recorder.clone());
    let filed = Door::whole(async move { recorder.file(tenant, filing).await }).await?;
    let answer = Answer::json(&shown)?.receipt(filed.receipt).replayed(filed.replayed);
    permit.answer(answer).await
}

/// What the columns of a table mean.
#[utoipa::path(
    operation_id = "getIntakeMapping", tag = "intakes",
    params(
        ("name" = String, Path, description = "Its name.", example = "kontoauszug"),
        ("institution" = InstitutionId, Query, description = "Whose tables these are."),
    ),
    responses((status = 200, description = "The mapping.", body = IntakeMapping)),
    security(("oauth2" = ["transactions:write"]))
)]
#[get("/v1/intake-mappings/{name}")]
pub async fn get(permit: Permit<SeeDelivery>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let name = name(&permit.path::<String>("name")?)?;
    let mut reader = state.read(permit.tenant()).await?;
    let mapping = intake_mappings::get(&mut reader, permit.tenant(), &name).await?;
    drop(reader);
    let mapping = mapping.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::json(&IntakeMapping { name, mapping })?).await
}

/// A name, if it is one; nothing has another.
fn name(text: &str) -> Result<String, Problem> {
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match plain && (1..=NAME_MAX).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err(Problem::not_found()),
    }
}
