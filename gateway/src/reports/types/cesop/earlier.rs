//! Which payees were sent before, and in which version: read from the names of the figures of the version before.

use std::collections::BTreeMap;

use crate::reports::Basis;

/// The ends of a payee's figure that is told of every payee.
const BEGINS: &str = "payee/";
const ENDS: &str = "/payments";

/// The beginning of the names of a payee's figures; `sent` is the version that it stands in, where that is another.
pub fn prefix(account: &str, sent: Option<u32>) -> String {
    match sent {
        Some(number) => format!("message/{number}/{BEGINS}{account}"),
        None => format!("{BEGINS}{account}"),
    }
}

/// The accounts of payees that were sent, and the number of the version that each was last sent in.
pub fn sent(basis: &Basis) -> BTreeMap<String, u32> {
    let before = basis.supersedes.unwrap_or(basis.number.saturating_sub(1));
    basis.earlier.keys().filter_map(|name| payee(name, before)).collect()
}

fn payee(name: &str, before: u32) -> Option<(String, u32)> {
    let name = name.strip_suffix(ENDS)?;
    if let Some(account) = name.strip_prefix(BEGINS) {
        return Some((account.to_owned(), before));
    }
    let (number, account) = name.strip_prefix("message/")?.split_once('/')?;
    Some((account.strip_prefix(BEGINS)?.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payees_figure_says_where_it_was_sent() {
        for account in ["DE89370400440532013000", "a/b", "payments", "payee/x/payments"] {
            for (sent, number) in [(None, 4), (Some(2), 2)] {
                let name = format!("{}/payments", prefix(account, sent));
                assert_eq!(payee(&name, 4), Some((account.to_owned(), number)));
            }
        }
    }

    #[test]
    fn other_figures_say_nothing() {
        for name in ["message/payments", "payee/1/refunds", "payee/1/amount/EUR", "unlocated/payments"] {
            assert_eq!(payee(name, 4), None, "{name}");
        }
    }
}
