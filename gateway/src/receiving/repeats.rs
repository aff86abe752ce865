//! References that stand in a file more than once, found with 16 bytes a record.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::{
    domain::NewTransaction,
    ledger::again::{Said, Traits, settling},
};

/// Digests of the records seen so far: of the reference, and of the content.
#[derive(Debug, Default)]
pub(super) struct Repeats(Vec<(u64, u64)>);

/// References that have more than one content: the digest of each, and what stands under it so far.
#[derive(Debug, Default)]
pub(super) struct Conflicts(HashMap<u64, Option<Standing>>);

/// What stands under a reference.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    content: u64,
    traits: Traits<u64, u64>,
    /// Whether it states a revision.
    revises: bool,
}

impl Repeats {
    pub(super) fn note(&mut self, new: &NewTransaction) {
        self.0.push(digests(new));
    }

    /// What stands there more than once, differently.
    pub(super) fn conflicts(mut self) -> Conflicts {
        self.0.sort_unstable();
        self.0.dedup();
        let pairs = self.0.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        Conflicts(pairs.map(|pair| (pair[0].0, None)).collect())
    }
}

impl Conflicts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record, met in the file's order, is another than what stands under its reference by then.
    pub(super) fn is_other(&mut self, new: &NewTransaction) -> bool {
        let (reference, content) = digests(new);
        let Some(standing) = self.0.get_mut(&reference) else { return false };
        let now = Standing {
            content,
            traits: Traits {
                account: short(new.account.as_str().as_bytes()),
                currency: new.amount.currency(),
                direction: new.direction,
                end_to_end_id: new.end_to_end_id.as_ref().map(|id| short(id.as_str().as_bytes())),
                status: new.status,
            },
            revises: new.revision.is_some(),
        };
        let Some(before) = standing.as_ref() else {
            *standing = Some(now);
            return false;
        };
        if *before == now {
            return false;
        }
        let is_stated = before.revises || now.revises;
        match settling(&before.traits, &now.traits).filter(|_| !is_stated) {
            None => true,
            Some(Said::Settles) => {
                *standing = Some(now);
                false
            }
            Some(_) => false,
        }
    }
}

fn digests(new: &NewTransaction) -> (u64, u64) {
    // A source is not written here, and so makes no difference.
    let content = serde_json::to_vec(new).unwrap_or_default();
    (short(new.reference.as_str().as_bytes()), short(&content))
}

/// The first eight bytes of a SHA-256: not to be steered, and a collision in a file is out of reach.
pub(super) fn short(bytes: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Direction, Status};

    fn record(reference: &str, amount: &str) -> NewTransaction {
        let json = serde_json::json!({
            "account": "1", "amount": {"amount": amount, "currency": "EUR"}, "booking_date": "2026-01-01",
            "direction": "credit", "reference": reference,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_is_pending_and_then_booked_is_one_and_stays_booked() {
        let pending = |amount| NewTransaction { status: Status::Pending, ..record("a", amount) };
        let file = [pending("1"), record("a", "2"), pending("1"), pending("3"), record("a", "4")];
        let mut repeats = Repeats::default();
        file.iter().for_each(|new| repeats.note(new));
        let mut conflicts = repeats.conflicts();
        let others: Vec<bool> = file.iter().map(|new| conflicts.is_other(new)).collect();
        assert_eq!(others, [false, false, false, false, true]);
    }

    #[test]
    fn what_is_booked_settles_no_other_that_shares_its_reference() {
        let named = |id: &str, status| NewTransaction {
            end_to_end_id: Some(id.parse().unwrap()),
            status,
            ..record("FEE", "1")
        };
        let unnamed = record("FEE", "2");
        let back = NewTransaction { direction: Direction::Debit, ..unnamed.clone() };
        for (booked, is_other) in [
            (unnamed, false),
            (named("a", Status::Booked), false),
            (back, true),
            (named("b", Status::Booked), true),
        ] {
            let file = [named("a", Status::Pending), booked];
            let mut repeats = Repeats::default();
            file.iter().for_each(|new| repeats.note(new));
            let mut conflicts = repeats.conflicts();
            assert!(!conflicts.is_other(&file[0]));
            assert_eq!(conflicts.is_other(&file[1]), is_other, "{:?}", file[1]);
        }
    }

    #[test]
    fn only_what_stands_there_differently_conflicts_and_the_first_of_it_stands() {
        let file = [record("a", "1"), record("b", "1"), record("a", "1"), record("b", "2"), record("c", "1")];
        let mut repeats = Repeats::default();
        file.iter().for_each(|new| repeats.note(new));
        let mut conflicts = repeats.conflicts();
        let others: Vec<bool> = file.iter().map(|new| conflicts.is_other(new)).collect();
        assert_eq!(others, [false, false, false, true, false]);
    }
}
