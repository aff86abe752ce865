//! NDJSON: a line is one transaction, a JSON object with the fields of
//! [`NewTransaction`].
//!
//! Reads field by field rather than through the type's `Deserialize`, in order to name every fault of a line
//! with its JSON pointer and a stable code; a property test holds the two to the same language. An optional
//! field may be null, which is the same as leaving it out.

use super::draft::{self, Draft};
use super::faults::Faults;
use super::json::Node;
use super::lines::Line;
use crate::domain::{
    Balance, Counterparty, Currency, Fault, Finding, Money, NewRevision, NewTransaction, Text, date,
};

const FIELDS: [&str; 14] = [
    "account",
    "amount",
    "balance_after",
    "bank_transaction_code",
    "booking_date",
    "counterparty",
    "direction",
    "end_to_end_id",
    "purpose",
    "reference",
    "remittance_information",
    "revision",
    "status",
    "value_date",
];

/// The transaction that one JSON object states; `line` is where it stands, for the findings.
///
/// For a single object that did not come through [`open`](super::open), such as a request's whole body. The
/// limit on a line's length is the caller's to keep there.
///
/// # Errors
/// Every fault of the object, at least one.
pub fn transaction(line: u64, json: &str) -> Result<NewTransaction, Vec<Finding>> {
    parse(&Line { number: line, offset: 0, text: json, terminated: true })
}

pub(super) fn parse(line: &Line<'_>) -> Result<NewTransaction, Vec<Finding>> {
    let node = Node::parse(line).map_err(|finding| vec![finding])?;
    let mut reader = Reader { faults: Faults::on(line.number) };
    let draft = reader.draft(node).unwrap_or_default();
    draft.finish(reader.faults, "/balance_after/currency")
}

/// Turns nodes into values, noting what is wrong with them.
struct Reader {
    faults: Faults,
}

impl Reader {
    fn draft(&mut self, node: Node) -> Option<Draft> {
        let [
            account,
            amount,
            balance_after,
            bank_transaction_code,
            booking_date,
            counterparty,
            direction,
            end_to_end_id,
            purpose,
            reference,
            remittance_information,
            revision,
            status,
            value_date,
        ] = node.fields("", FIELDS, &mut self.faults)?;
        Some(Draft {
            account: self.required("/account", account, Text::new),
            amount: self.amount(amount),
            balance_after: present(balance_after).and_then(|node| self.balance(node)),
            bank_transaction_code: self.optional("/bank_transaction_code", bank_transaction_code, Text::new),
            booking_date: self.required("/booking_date", booking_date, |text| date::parse(&text)),
            counterparty: present(counterparty).and_then(|node| self.counterparty(node)),
            direction: self.required("/direction", direction, |word| draft::direction(&word)),
            end_to_end_id: self.optional("/end_to_end_id", end_to_end_id, Text::new),
            purpose: self.optional("/purpose", purpose, Text::new),
            reference: self.required("/reference", reference, Text::new),
            remittance_information: self.optional(
                "/remittance_information",
                remittance_information,
                Text::new,
            ),
            revision: present(revision).and_then(|node| self.revision(node)),
            // Not nullable: it has a default, and null does not say which.
            status: match status {
                None => None,
                Some(status) => self.text("/status", status, |word| draft::status(&word)),
            },
            value_date: self.optional("/value_date", value_date, |text| date::parse(&text)),
        })
    }

    fn amount(&mut self, node: Option<Node>) -> Option<Money> {
        let Some(node) = present(node) else {
            self.faults.missing("/amount");
            return None;
        };
        let [amount, currency] = node.fields("/amount", ["amount", "currency"], &mut self.faults)?;
        self.money("/amount", amount, currency)
    }

    fn balance(&mut self, node: Node) -> Option<Balance> {
        let known = ["amount", "currency", "direction"];
        let [amount, currency, direction] = node.fields("/balance_after", known, &mut self.faults)?;
        let money = self.money("/balance_after", amount, currency);
        let direction = self.required("/balance_after/direction", direction, |word| draft::direction(&word));
        Some(Balance { money: money?, direction: direction? })
    }

    fn money(&mut self, pointer: &str, amount: Option<Node>, currency: Option<Node>) -> Option<Money> {
        let currency = self.required(&format!("{pointer}/currency"), currency, |code| Currency::parse(&code));
        let pointer = format!("{pointer}/amount");
        match currency {
            Some(currency) => self.required(&pointer, amount, |text| Money::parse(&text, currency)),
            // Without a currency the decimals cannot be judged, but a lacking amount is seen.
            None => {
                self.required(&pointer, amount, Ok::<_, crate::domain::money::MoneyError>);
                None
            }
        }
    }

    fn counterparty(&mut self, node: Node) -> Option<Counterparty> {
        let known = ["account", "agent", "name"];
        let [account, agent, name] = node.fields("/counterparty", known, &mut self.faults)?;
        Some(Counterparty {
            account: self.optional("/counterparty/account", account, Text::new),
            agent: self.optional("/counterparty/agent", agent, Text::new),
            name: self.optional("/counterparty/name", name, Text::new),
        })
    }

    fn revision(&mut self, node: Node) -> Option<NewRevision> {
        let [kind, reason] = node.fields("/revision", ["kind", "reason"], &mut self.faults)?;
        let kind = self.required("/revision/kind", kind, |word| draft::revision_kind(&word));
        let reason = self.required("/revision/reason", reason, Text::new);
        Some(NewRevision { kind: kind?, reason: reason? })
    }

    /// The value of a field that must be there.
    fn required<T, F: Fault>(
        &mut self,
        pointer: &str,
        node: Option<Node>,
        parse: impl FnOnce(String) -> Result<T, F>,
    ) -> Option<T> {
        match present(node) {
            Some(node) => self.text(pointer, node, parse),
            None => {
                self.faults.missing(pointer);
                None
            }
        }
    }

    /// The value of a field that may be absent or null.
    fn optional<T, F: Fault>(
        &mut self,
        pointer: &str,
        node: Option<Node>,
        parse: impl FnOnce(String) -> Result<T, F>,
    ) -> Option<T> {
        present(node).and_then(|node| self.text(pointer, node, parse))
    }

    /// The value of a string; every field of ours is written as one.
    fn text<T, F: Fault>(
        &mut self,
        pointer: &str,
        node: Node,
        parse: impl FnOnce(String) -> Result<T, F>,
    ) -> Option<T> {
        if let Node::Text(text) = node {
            return self.faults.keep(pointer, parse(text));
        }
        self.faults.at(pointer, "wrong_type", format!("{}, where a string is expected", node.kind()));
        None
    }
}

/// The node, unless it is absent or null.
fn present(node: Option<Node>) -> Option<Node> {
    node.filter(|node| !matches!(node, Node::Null))
}

#[cfg(test)]
#[path = "ndjson_tests.rs"]
mod tests;
