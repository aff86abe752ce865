//! The reader of MT940: what is printed comes back, and nothing makes it panic or run on.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// An entry as it is printed: cents, whether a credit, its day of March, its own reference, its information.
type Printed = (i64, bool, u8, Option<String>, String);

fn printed() -> impl Strategy<Value = Printed> {
    let text =
        |most| proptest::string::string_regex(&format!("[A-Za-z0-9]{{1,{most}}}")).expect("an expression");
    (1_i64..1_000_000_000, any::<bool>(), 1_u8..=31, proptest::option::of(text(12)), text(60))
}

/// A statement whose balances add up.
fn document(entries: &[Printed]) -> String {
    let money = |cents: i64| format!("{},{:02}", cents.abs() / 100, cents.abs() % 100);
    let side = |credit| if credit { "C" } else { "D" };
    let booked: i64 = entries.iter().map(|entry| if entry.1 { entry.0 } else { -entry.0 }).sum();
    let mut text = ":20:START\r\n:25:100/1\r\n:28C:7/1\r\n:60F:C260301EUR7,00\r\n".to_owned();
    for (number, (cents, credit, day, reference, information)) in entries.iter().enumerate() {
        let own = reference.as_ref().map_or_else(String::new, |own| format!("//{own}{number}"));
        let _ = write!(
            text,
            ":61:2603{day:02}03{day:02}{}{}NTRFNONREF{own}\r\n:86:{information}\r\n",
            side(*credit),
            money(*cents)
        );
    }
    let _ = write!(text, ":62F:{}260331EUR{}\r\n-\r\n", side(700 + booked >= 0), money(700 + booked));
    text
}

fn read(document: &[u8]) -> Vec<Pulled> {
    let mut reader = Reader::new(document);
    std::iter::from_fn(move || reader.pull()).collect()
}

proptest! {
    #[test]
    fn what_is_printed_comes_back(entries in proptest::collection::vec(printed(), 0..6)) {
        let pulled = read(document(&entries).as_bytes());
        prop_assert_eq!(pulled.len(), entries.len() + 1, "{:?}", pulled);
        for ((number, entry), pulled) in entries.iter().enumerate().zip(&pulled) {
            let Pulled::Record(Record { item: Item::Transaction(new), .. }) = pulled else { panic!("{pulled:?}") };
            let (cents, credit, day, reference, information) = entry;
            let own = match reference {
                Some(own) => format!("{own}{number}"),
                None => format!("#{}", number + 1),
            };
            prop_assert_eq!(new.reference.as_str(), format!("100/1/20260331/7/1/{own}"));
            prop_assert_eq!(new.amount.minor(), *cents);
            prop_assert_eq!(new.direction == Direction::Credit, *credit);
            prop_assert_eq!(new.booking_date.day(), i8::try_from(*day).unwrap());
            prop_assert_eq!(new.remittance_information.as_ref().map(|text| text.to_string()), Some(information.clone()));
        }
        let Some(Pulled::Statement(statement)) = pulled.last() else { panic!("{pulled:?}") };
        prop_assert_eq!(statement.check(), None);
    }

    #[test]
    fn a_file_that_was_damaged_ends(
        entries in proptest::collection::vec(printed(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..30), 1..5),
    ) {
        let mut document = document(&entries).into_bytes();
        for (at, byte, cut) in damage {
            let at = at.index(document.len());
            let end = (at + cut).min(document.len());
            document.splice(at..end, [byte]);
        }
        prop_assert!(read(&document).len() <= document.len());
    }
}

#[test]
fn what_stands_outside_a_statement_is_found() {
    let outside = ":61:2603010301C5,00NTRFNONREF\r\n:62F:C260331EUR12,00\r\n";
    let pulled = read(format!("{}{outside}", document(&[])).as_bytes());
    let findings = pulled.iter().filter_map(|pulled| match pulled {
        Pulled::Finding(finding) => Some((finding.line, finding.made())),
        _ => None,
    });
    assert_eq!(findings.collect::<Vec<_>>(), [(7, "malformed_mt940"), (8, "malformed_mt940")]);
}
