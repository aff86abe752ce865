//! Account statements, as camt.053.001.08.

use std::{collections::BTreeMap, io::Cursor};

use serde_json::{Value, json};
use veritrail::{
    domain::{Account, AccountId, Balance, ReportId, Transaction, TransactionId},
    intake::{Format, Item, open},
    reports::{Basis, Period, Severity, VersionKind, types::statement::DEFINITION},
};

use crate::support::{
    data,
    python::python,
    reports::{Made, OnAccount, make},
};

fn basis(period: &str, parameters: &[(&str, &str)]) -> Basis {
    Basis {
        institution: "North Bank".to_owned(),
        report: ReportId::from_parts(1, [1; 10]),
        number: 1,
        kind: VersionKind::New,
        reason: None,
        supersedes: None,
        earlier: BTreeMap::new(),
        period: Period::parse(period).unwrap().0,
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        as_of: 100,
        ordered_at: "2026-01-05T09:30:00Z".parse().unwrap(),
    }
}

fn items(format: Format, bytes: Vec<u8>) -> Vec<Item> {
    open(format, None, Cursor::new(bytes)).unwrap().filter_map(|it| it.ok().map(|it| it.item)).collect()
}

/// The Czech bank's accounts with their transactions, in the order in which a report is shown them.
fn berka() -> Option<Vec<OnAccount>> {
    let folder = data::berka()?;
    let read = |name: &str| items(Format::Berka, std::fs::read(folder.join(name)).unwrap());
    let mut accounts: BTreeMap<String, OnAccount> = BTreeMap::new();
    for (at, item) in read("account.asc").into_iter().chain(read("trans.asc")).enumerate() {
        let id = uuid::Uuid::from_u128(at as u128);
        match item {
            Item::Account(new) => {
                let account = Account::new(AccountId::from_uuid(id), new);
                accounts.insert(account.reference.as_str().to_owned(), (account, Vec::new()));
            }
            Item::Transaction(new) => {
                let (account, transactions) = accounts.get_mut(new.account.as_str()).unwrap();
                let id = TransactionId::from_uuid(id);
                transactions.push((at as u64, Transaction::new(id, account.id, new, None)));
            }
        }
    }
    let mut accounts: Vec<_> =
        accounts.into_values().filter(|(_, transactions)| !transactions.is_empty()).collect();
    for (_, transactions) in &mut accounts {
        transactions.sort_by_key(|(seq, it)| (it.booking_date, *seq));
    }
    Some(accounts)
}

/// What the schema says, where it is present.
fn validate(made: &Made) -> Option<Value> {
    let schema = data::camt()?.parent().unwrap().join("xsd/camt.053.001.08.xsd");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &made.document).unwrap();
    Some(python("validate_xsd.py", &[file.path().to_str().unwrap(), schema.to_str().unwrap()]))
}

fn account(reference: &str) -> Account {
    let new = json!({"reference": reference, "currency": "EUR", "name": "Collections & <fees>", "servicer": "XMPLDEX0"});
    Account::new(AccountId::from_parts(1, [2; 10]), serde_json::from_value(new).unwrap())
}

fn transaction(account: &Account, mut new: Value) -> Transaction {
    new["account"] = json!(account.reference);
    let new = serde_json::from_value(new).unwrap();
    Transaction::new(TransactionId::from_parts(2, [3; 10]), account.id, new, None)
}

#[test]
fn a_months_statements_of_a_bank_have_the_balances_that_it_recorded() {
    let Some(bank) = berka() else { return };
    let hundred: Vec<&OnAccount> = bank.iter().filter(|(_, it)| it.len() > 20).take(100).collect();
    let names: Vec<&str> = hundred.iter().map(|(account, _)| account.reference.as_str()).collect();
    let made = make(
        &DEFINITION,
        &basis("1993-12", &[("accounts", &names.join(" ")), ("tolerance", "0.10")]),
        &bank,
        Vec::new(),
    );
    made.assert_sums();
    if let Some(verdict) = validate(&made) {
        assert_eq!(verdict["verdict"], "passed", "{verdict:#}");
    }
    let period = Period::parse("1993-12").unwrap().0;
    let mut checked = 0;
    for (account, transactions) in hundred {
        // A balance is recorded with each entry. Days are in order; which of a day's is last is not said.
        let on_last_day_before = |day: &dyn Fn(&Transaction) -> bool| -> Vec<i128> {
            let all = transactions.iter().map(|(_, it)| it).filter(|it| day(it));
            let last = all.clone().map(|it| it.booking_date).max();
            all.filter(|it| Some(it.booking_date) == last)
                .filter_map(|it| it.balance_after)
                .map(signed)
                .collect()
        };
        let opening = on_last_day_before(&|it| it.booking_date < period.first);
        let closing = on_last_day_before(&|it| it.booking_date <= period.last);
        let figure = |name: &str| made.figure(&format!("{}/{name}", account.reference.as_str())).amount;
        if !opening.is_empty() {
            assert!(opening.contains(&figure("opening_balance")), "{}", account.reference.as_str());
        }
        assert!(closing.contains(&figure("closing_balance")), "{}", account.reference.as_str());
        checked += opening.len();
    }
    assert!(checked > 100);
}

fn signed(balance: Balance) -> i128 {
    let minor = i128::from(balance.money.minor());
    if balance.direction == veritrail::domain::Direction::Debit { -minor } else { minor }
}

#[test]
fn the_accounts_that_do_not_reconcile_are_named_with_the_first_entry_that_offends() {
    let Some(bank) = berka() else { return };
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    for month in (1..=12)
        .map(|month| format!("1993-{month:02}"))
        .chain((1..=3).map(|month| format!("1994-{month:02}")))
    {
        let made = make(&DEFINITION, &basis(&month, &[("tolerance", "0.10")]), &bank, Vec::new());
        for remark in made.remarks {
            assert_eq!((&*remark.rule, remark.severity), ("running_balance_differs", Severity::Warning));
            first.entry(remark.subject).or_insert_with(|| remark.seq.unwrap().parse().unwrap());
        }
    }
    assert_eq!(first.len(), 28, "{first:?}");
    let reference = |account: &str| {
        let (_, transactions) = bank.iter().find(|(it, _)| it.reference.as_str() == account).unwrap();
        transactions.iter().find(|(seq, _)| *seq == first[account]).unwrap().1.reference.as_str()
    };
    // By hand: 57558.10 - 30.00 is not 57746.50, which is recorded after it.
    assert_eq!(reference("11013"), "3315049");
    // 25053.40 - 14.60 is not 25133.80.
    assert_eq!(reference("2881"), "846252");
}

#[test]
fn every_field_of_an_entry_is_in_the_message_and_read_back_from_it() {
    let account = account("DE04000000000000000576");
    let first = json!({
        "amount": {"amount": "12.50", "currency": "EUR"}, "direction": "debit", "booking_date": "2026-03-02",
        "value_date": "2026-03-03", "reference": "A-1", "bank_transaction_code": "PMNT-ICDT-ESCT",
        "counterparty": {"name": "Gärtnerei \"Süß\" & Söhne", "account": "AT560000000012345864", "agent": "XMPLATX0"},
        "end_to_end_id": "E2E<1>", "purpose": "SALA", "remittance_information": "ä".repeat(300),
        "balance_after": {"amount": "7.50", "currency": "EUR", "direction": "debit"},
    });
    let second = json!({
        "amount": {"amount": "100.00", "currency": "EUR"}, "direction": "credit", "booking_date": "2026-03-31",
        "reference": "a reference with more than thirty-five characters", "bank_transaction_code": "own code",
        "counterparty": {"account": "12-34", "agent": "A bank"}, "purpose": "rent",
    });
    let pending = json!({
        "amount": {"amount": "1.00", "currency": "EUR"}, "direction": "credit", "booking_date": "2026-03-31",
        "reference": "pending", "status": "pending",
    });
    let records = [first, second, pending].map(|new| transaction(&account, new));
    let records: Vec<_> = (7..).zip(records).collect();
    let made = make(&DEFINITION, &basis("2026-03", &[]), &[(account, records.clone())], Vec::new());
    made.assert_sums();
    assert_eq!(made.remarks, []);
    if let Some(verdict) = validate(&made) {
        assert_eq!(verdict["verdict"], "passed", "{verdict:#}");
    }
    let of = |name: &str| made.figure(&format!("DE04000000000000000576/{name}")).amount;
    assert_eq!(
        ["opening_balance", "credits", "debits", "closing_balance"].map(of),
        [500, 10_000, 1_250, 9_250]
    );

    let read = items(Format::Camt, made.document.clone());
    let read: Vec<_> = read
        .iter()
        .filter_map(|it| match it {
            Item::Transaction(transaction) => Some(transaction),
            Item::Account(_) => None,
        })
        .collect();
    assert_eq!(read.len(), 2);
    for (read, (_, told)) in read.iter().zip(&records) {
        assert_eq!(read.amount, told.amount);
        assert_eq!((read.booking_date, read.value_date), (told.booking_date, told.value_date));
        assert_eq!(read.counterparty, told.counterparty);
        assert_eq!(read.bank_transaction_code, told.bank_transaction_code);
        assert_eq!((&read.end_to_end_id, &read.purpose), (&told.end_to_end_id, &told.purpose));
    }
}

#[test]
fn an_account_without_balances_opens_with_the_sum_of_what_came_before() {
    let account = account("576");
    let of = |day: &str, amount: &str, direction: &str| {
        let amount = json!({"amount": amount, "currency": "EUR"});
        transaction(
            &account,
            json!({"amount": amount, "direction": direction, "booking_date": day, "reference": day}),
        )
    };
    let records = vec![
        (3, of("2026-01-31", "10.00", "credit")),
        (4, of("2026-02-01", "2.50", "debit")),
        (5, of("2026-03-01", "1.00", "credit")),
        (6, of("2026-04-01", "9.00", "credit")),
    ];
    let made = make(&DEFINITION, &basis("2026-03", &[]), &[(account.clone(), records)], Vec::new());
    made.assert_sums();
    assert_eq!(made.figure("576/opening_balance").amount, 750);
    assert_eq!(made.figure("576/closing_balance").amount, 850);
}

#[test]
fn an_error_in_a_document_is_caught_by_the_schema() {
    let account = account("576");
    let of = transaction(
        &account,
        json!({
            "amount": {"amount": "1.00", "currency": "EUR"}, "direction": "credit", "booking_date": "2026-03-01", "reference": "1",
        }),
    );
    let mut made = make(&DEFINITION, &basis("2026-03", &[]), &[(account, vec![(1, of)])], Vec::new());
    let right = String::from_utf8(made.document.clone()).unwrap();
    for (planted, instead) in [
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "<CdtDbtInd>CREDIT</CdtDbtInd>"),
        ("<Amt Ccy=\"EUR\">1.00</Amt>", "<Amt>1.00</Amt>"),
        ("<Dt>2026-03-01</Dt>", "<Dt>2026-02-30</Dt>"),
        ("</Stmt>", ""),
    ] {
        made.document = right.replacen(planted, instead, 1).into_bytes();
        assert_ne!(made.document, right.as_bytes(), "{planted}");
        let Some(verdict) = validate(&made) else { return };
        assert_eq!(verdict["verdict"], "failed", "{instead}");
    }
}

#[test]
fn what_must_not_be_filed_is_an_error() {
    let long = account(&"x".repeat(40));
    let made = make(&DEFINITION, &basis("2026-03", &[]), &[(long, Vec::new())], Vec::new());
    assert_eq!(made.remarks.iter().map(|it| &*it.rule).collect::<Vec<_>>(), ["account_reference_too_long"]);
    let named = make(&DEFINITION, &basis("2026-03", &[("accounts", "nobodys")]), &[], Vec::new());
    assert_eq!(
        named.remarks.iter().map(|it| &*it.rule).collect::<Vec<_>>(),
        ["unknown_account", "no_account"]
    );
    let none = make(&DEFINITION, &basis("2026-03", &[]), &[], Vec::new());
    assert_eq!(none.remarks.iter().map(|it| &*it.rule).collect::<Vec<_>>(), ["no_account"]);
}

#[test]
fn the_first_balance_that_is_known_says_what_the_account_opened_with() {
    let account = account("576");
    let of = |day: &str, amount: &str, balance: Option<&str>| {
        let mut new = json!({
            "amount": {"amount": amount, "currency": "EUR"}, "direction": "credit", "booking_date": day, "reference": day,
        });
        if let Some(balance) = balance {
            new["balance_after"] = json!({"amount": balance, "currency": "EUR", "direction": "credit"});
        }
        transaction(&account, new)
    };
    let opened = |records: Vec<(u64, Transaction)>| {
        let made = make(&DEFINITION, &basis("2026-03", &[]), &[(account.clone(), records)], Vec::new());
        made.assert_sums();
        ["opening_balance", "closing_balance", "differences"]
            .map(|name| made.figure(&format!("576/{name}")).amount)
    };
    // After an entry of before that says none.
    let before = vec![(1, of("2026-02-01", "100.00", None)), (2, of("2026-03-01", "50.00", Some("150.00")))];
    assert_eq!(opened(before), [10_000, 15_000, 0]);
    // After one in the period that says none.
    let within = vec![(1, of("2026-03-01", "30.00", None)), (2, of("2026-03-02", "50.00", Some("500.00")))];
    assert_eq!(opened(within), [42_000, 50_000, 0]);
}
