//! The reader of camt: what is printed comes back, and nothing makes it panic or run on.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::domain::{Direction, NewTransaction};

/// An entry as it is printed.
#[derive(Debug, Clone)]
struct Printed {
    cents: i64,
    credit: bool,
    day: u8,
    reference: Option<String>,
    information: Option<String>,
}

fn printed() -> impl Strategy<Value = Printed> {
    let text =
        |most| proptest::string::string_regex(&format!("[!-~äß€]{{1,{most}}}")).expect("an expression");
    let (reference, information) = (proptest::option::of(text(30)), proptest::option::of(text(100)));
    (1_i64..1_000_000_000_000, any::<bool>(), 1_u8..=31, reference, information).prop_map(
        |(cents, credit, day, reference, information)| Printed { cents, credit, day, reference, information },
    )
}

fn side(credit: bool) -> &'static str {
    if credit { "CRDT" } else { "DBIT" }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#x3e;").replace('"', "&quot;")
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// A document of one statement, whose balances add up. Prefixes and versions differ, and mean nothing.
fn document(entries: &[Printed], prefix: &str, version: u8) -> String {
    let mut text = String::new();
    let (p, binding) = match prefix {
        "" => (String::new(), "xmlns".to_owned()),
        prefix => (format!("{prefix}:"), format!("xmlns:{prefix}")),
    };
    let balance = |code: &str, cents: i64| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt>\
             <CdtDbtInd>{}</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>",
            money(cents),
            side(cents >= 0)
        )
    };
    let booked: i64 = entries.iter().map(|entry| if entry.credit { entry.cents } else { -entry.cents }).sum();
    let _ = write!(
        text,
        "<BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><IBAN>DE04</IBAN></Id><Ccy>EUR</Ccy></Acct>{}{}",
        balance("OPBD", 700),
        balance("CLBD", 700 + booked)
    );
    for (number, entry) in entries.iter().enumerate() {
        let own = entry
            .reference
            .as_ref()
            .map_or_else(String::new, |own| format!("<AcctSvcrRef>{}{number}</AcctSvcrRef>", escaped(own)));
        let information = entry.information.as_ref().map_or_else(String::new, |text| {
            format!("<NtryDtls><TxDtls><RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls></NtryDtls>", escaped(text))
        });
        let _ = write!(
            text,
            "\n<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts>BOOK</Sts>\
             <BookgDt><Dt>2026-03-{:02}</Dt></BookgDt>{own}{information}</Ntry>",
            money(entry.cents),
            side(entry.credit),
            entry.day
        );
    }
    text += "</Stmt></BkToCstmrStmt></Document>";
    let text = text.replace("</", "\u{1}").replace('<', &format!("<{p}")).replace('\u{1}', &format!("</{p}"));
    format!("<{p}Document {binding}=\"{NAMESPACE}3.001.{version:02}\">{text}")
}

fn read(document: &[u8]) -> Vec<Pulled> {
    let mut reader = Reader::new(document);
    std::iter::from_fn(move || reader.pull()).collect()
}

fn transactions(pulled: &[Pulled]) -> Vec<&NewTransaction> {
    let transaction = |pulled| match pulled {
        &Pulled::Record(Record { item: Item::Transaction(ref new), .. }) => Some(new),
        _ => None,
    };
    pulled.iter().filter_map(transaction).collect()
}

/// The code of what a document is refused by.
fn refused(document: &str) -> String {
    match read(document.as_bytes()).last() {
        Some(Pulled::Finding(finding)) => finding.made().to_owned(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn what_is_printed_comes_back(
        entries in proptest::collection::vec(printed(), 0..8),
        prefix in prop_oneof![Just(""), Just("ns2")],
        version in 1_u8..20,
    ) {
        let document = document(&entries, prefix, version);
        let pulled = read(document.as_bytes());
        let read = transactions(&pulled);
        prop_assert_eq!(read.len(), entries.len(), "{:?}", pulled);
        for ((number, entry), new) in entries.iter().enumerate().zip(read) {
            let reference = match &entry.reference {
                Some(own) => format!("DE04/{own}{number}"),
                None => format!("DE04/S1/#{}", number + 1),
            };
            prop_assert_eq!(new.reference.as_str(), reference);
            prop_assert_eq!(new.amount.minor(), entry.cents);
            prop_assert_eq!(new.direction == Direction::Credit, entry.credit);
            prop_assert_eq!(new.booking_date.day(), i8::try_from(entry.day).unwrap());
            prop_assert_eq!(new.remittance_information.as_ref().map(|text| text.to_string()), entry.information.clone());
        }
        let Some(Pulled::Statement(statement)) = pulled.last() else { panic!("{pulled:?}") };
        prop_assert_eq!(statement.check(), None);
    }

    #[test]
    fn a_document_that_was_damaged_ends(
        entries in proptest::collection::vec(printed(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..30), 1..5),
    ) {
        let mut document = document(&entries, "", 8).into_bytes();
        for (at, byte, cut) in damage {
            let at = at.index(document.len());
            let end = (at + cut).min(document.len());
            document.splice(at..end, [byte]);
        }
        prop_assert!(read(&document).len() <= document.len());
    }
}

#[test]
fn whoever_comes_with_a_definition_is_refused_at_once() {
    let head = document(&[], "", 8).replace("</Stmt></BkToCstmrStmt></Document>", "");
    assert_eq!(refused(&format!("<!DOCTYPE d [<!ENTITY a \"b\">]>{head}")), "dtd_refused");
    assert_eq!(refused(&format!("{head}<Nm>&a;")), "entity_refused");
    assert_eq!(refused(&format!("{head}{}", "<a>".repeat(100))), "too_deep");
    assert_eq!(refused(&format!("{head}<{}/>", "a".repeat(200))), "element_too_long");
    assert_eq!(refused(&format!("{head}<Nm>{}</Nm>", "a".repeat(20_000))), "element_too_long");
    assert_eq!(refused(&head), "malformed_xml");
}

#[test]
fn a_batch_whose_parts_make_its_amount_is_its_parts() {
    let part = |amount: &str, reference: &str| {
        format!(
            "<TxDtls><Refs><AcctSvcrRef>{reference}</AcctSvcrRef></Refs><Amt Ccy=\"EUR\">{amount}</Amt></TxDtls>"
        )
    };
    let of = |parts: [&str; 2]| {
        let entry =
            Printed { cents: 300, credit: true, day: 1, reference: Some("B".to_owned()), information: None };
        let details = format!("<NtryDtls>{}{}</NtryDtls></Ntry>", part(parts[0], "p1"), part(parts[1], "p1"));
        let document = document(&[entry], "", 8).replace("</Ntry>", &details);
        let pulled = read(document.as_bytes());
        let row = |new: &NewTransaction| (new.reference.to_string(), new.amount.minor());
        transactions(&pulled).into_iter().map(row).collect::<Vec<_>>()
    };
    // A reference that is there twice names the first alone.
    assert_eq!(of(["1.00", "2.00"]), [("DE04/p1".to_owned(), 100), ("DE04/B0/2".to_owned(), 200)]);
    assert_eq!(of(["1.00", "2.50"]), [("DE04/B0".to_owned(), 300)], "parts that do not make it are none");
}

#[test]
fn equal_entries_of_a_statement_are_transactions_of_their_own_each_time() {
    let fee = Printed { cents: 50, credit: false, day: 1, reference: None, information: None };
    let entries = vec![fee; 3];
    let references = |own: &str| {
        let document = document(&entries, "", 8).replace("</Sts>", &format!("</Sts>{own}"));
        let pulled = read(document.as_bytes());
        transactions(&pulled).into_iter().map(|new| new.reference.to_string()).collect::<Vec<_>>()
    };
    let told = references("<AcctSvcrRef>FEE</AcctSvcrRef>");
    assert_eq!(told, ["DE04/FEE", "DE04/FEE/2", "DE04/FEE/3"]);
    assert_eq!(told, references("<AcctSvcrRef>FEE</AcctSvcrRef>"), "the file comes again");
    assert_eq!(references("<NtryRef>1</NtryRef>"), ["DE04/S1/1", "DE04/S1/1/2", "DE04/S1/1/3"]);
}

#[test]
fn an_id_that_is_no_text_is_found_and_goes_no_further() {
    for (id, code) in [("a\0b".to_owned(), "control_character"), ("x".repeat(65), "text_too_long")] {
        let pulled = read(document(&[], "", 8).replace("S1", &id).as_bytes());
        let found = pulled.iter().any(|pulled| matches!(pulled, Pulled::Finding(one) if one.made() == code));
        assert!(found, "{pulled:?}");
        let Some(Pulled::Statement(statement)) = pulled.last() else { panic!("{pulled:?}") };
        assert_eq!(statement.id, "");
    }
}
