//! Names of those who act: the ledger has their ids.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{
    super::{trouble::Trouble, visit::Visit},
    text,
};

/// As many as the API tells at once.
const AT_ONCE: usize = 100;
/// Beside an actor, what they are called.
pub(super) const NAME: &str = "actor_name";

/// Names by id.
pub(super) type Names = HashMap<String, String>;

/// What some actors are called; those that nobody knows are left out.
pub(super) async fn of<'a>(visit: &Visit, actors: impl Iterator<Item = &'a Value>) -> Result<Names, Trouble> {
    let is_known = |id: &&str| id.starts_with("cli_") || id.starts_with("usr_");
    let ids: BTreeSet<&str> = actors.map(text).filter(is_known).collect();
    let ids: Vec<&str> = ids.into_iter().take(AT_ONCE).collect();
    if ids.is_empty() {
        return Ok(Names::new());
    }
    let told = visit.get(&format!("/v1/ledger/actors?actor[in]={}", ids.join(","))).await?;
    let named = told["data"].as_array().into_iter().flatten();
    Ok(named.map(|actor| (text(&actor["id"]).to_owned(), text(&actor["name"]).to_owned())).collect())
}

/// A list with names beside its actors.
pub(super) async fn beside(
    visit: &Visit,
    mut answer: Value,
    actor: fn(&Value) -> &Value,
) -> Result<Value, Trouble> {
    let names = of(visit, answer["data"].as_array().into_iter().flatten().map(actor)).await?;
    for row in answer["data"].as_array_mut().into_iter().flatten() {
        if let Some(name) = names.get(text(actor(row))) {
            row[NAME] = name.as_str().into();
        }
    }
    Ok(answer)
}
