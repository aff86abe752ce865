//! Which transactions are credit transfers that are reported, and of which kind.

use super::{cells::Flow, identifiers};
use crate::domain::{Direction, Transaction};

/// Sub-families of ISO 20022 bank transaction codes that are transfers of customers' money. Charges, interest,
/// returns and transfers between financial institutions are in the same families, and are none.
const TRANSFERS: [&str; 15] = [
    "AUTT", "BOOK", "DMCT", "ESCT", "NTAV", "OTHR", "PRCT", "SALA", "SDVA", "STDO", "TTLS", "VCOM", "XBCT",
    "XBSA", "XBST",
];

/// A credit transfer, as its bank transaction code has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which way it went.
    pub flow: Flow,
    /// Whether it was instant: a real-time credit transfer.
    pub instant: bool,
}

impl Transfer {
    /// The credit transfer that a code such as `PMNT-ICDT-ESCT` means. The families are issued and received
    /// credit transfers (`ICDT`, `RCDT`) and issued and received real-time ones (`IRCT`, `RRCT`) of ISO 20022's
    /// external code set of bank transaction codes.
    pub fn of_code(code: &str) -> Option<Self> {
        let mut parts = code.split('-');
        let (domain, family) = (parts.next()?, parts.next()?);
        if domain != "PMNT" || parts.next().is_some_and(|kind| !TRANSFERS.contains(&kind)) {
            return None;
        }
        let (flow, instant) = match family {
            "ICDT" => (Flow::Sent, false),
            "IRCT" => (Flow::Sent, true),
            "RCDT" => (Flow::Received, false),
            "RRCT" => (Flow::Received, true),
            _ => return None,
        };
        Some(Self { flow, instant })
    }

    /// Whether the money moved as the code says.
    pub fn agrees(self, direction: Direction) -> bool {
        (self.flow == Flow::Sent) == (direction == Direction::Debit)
    }
}

/// Where a transfer's other account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the account's own country.
    Domestic,
    /// In another country of the Union or the European Economic Area.
    CrossBorder,
    /// Elsewhere.
    Outside,
}

impl Place {
    /// Where the counterparty's account is, seen from a country; `None` where no IBAN says it.
    pub fn of(transaction: &Transaction, home: &str) -> Option<Self> {
        let account = transaction.counterparty.as_ref()?.account.as_ref()?;
        let country = identifiers::iban_country(account.as_str())?;
        Some(match country {
            _ if country == home => Self::Domestic,
            _ if identifiers::in_economic_area(country) => Self::CrossBorder,
            _ => Self::Outside,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_say_the_way_and_whether_it_was_instant() {
        let of = |code| Transfer::of_code(code).map(|it| (it.flow, it.instant));
        assert_eq!(of("PMNT-ICDT-ESCT"), Some((Flow::Sent, false)));
        assert_eq!(of("PMNT-IRCT-STDO"), Some((Flow::Sent, true)));
        assert_eq!(of("PMNT-RCDT-ESCT"), Some((Flow::Received, false)));
        assert_eq!(of("PMNT-RRCT"), Some((Flow::Received, true)));
    }

    #[test]
    fn charges_returns_and_other_families_are_no_transfers() {
        for code in ["PMNT-ICDT-CHRG", "PMNT-ICDT-RRTN", "PMNT-RDDT-ESDD", "ACMT-ICDT-ESCT", "PMNT", "N026"] {
            assert_eq!(Transfer::of_code(code), None, "{code}");
        }
    }
}
