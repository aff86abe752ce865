//! What a mapping may say.

use super::*;

const SMALLEST: &str = "
    [columns]
    reference = \"id\"
    booking_date = \"date\"
    account = \"account\"
    currency = \"currency\"
    [amount]
    by = \"sign\"
    column = \"amount\"
";

fn error(toml: &str) -> String {
    toml.parse::<Mapping>().unwrap_err().to_string()
}

#[test]
fn the_example_is_a_mapping() {
    let mapping: Mapping = EXAMPLE.parse().unwrap();
    assert_eq!(mapping.dialect, Dialect { delimiter: ';', quote: Some('"') });
    assert_eq!(mapping.notation, Notation { decimal: ',', thousands: Some('.') });
    assert_eq!(mapping.fixed.currency, Currency::parse("EUR").ok());
}

#[test]
fn what_is_left_out_has_a_default() {
    let mapping: Mapping = SMALLEST.parse().unwrap();
    assert_eq!(mapping.dialect, Dialect { delimiter: ',', quote: Some('"') });
    assert_eq!(mapping.notation, Notation { decimal: '.', thousands: None });
    assert_eq!(mapping.date_format.parse("2026-03-31"), Ok(jiff::civil::date(2026, 3, 31)));
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    for toml in [
        format!("color = 1\n{SMALLEST}"),
        SMALLEST.replace("reference", "color = \"x\"\nreference"),
        format!("{SMALLEST}color = \"x\""),
        format!("{SMALLEST}[fixed]\ncolor = \"x\""),
    ] {
        assert!(error(&toml).contains("unknown field `color`"), "{}", error(&toml));
    }
}

#[test]
fn a_mistake_is_told_with_its_key() {
    for (toml, told) in [
        (format!("delimiter = \";;\"\n{SMALLEST}"), "`delimiter` is one character"),
        (format!("delimiter = \"\\\"\"\n{SMALLEST}"), "`quote` and `delimiter` are the same"),
        (format!("decimal_separator = \"'\"\n{SMALLEST}"), "`decimal_separator` is"),
        (format!("thousands_separator = \".\"\n{SMALLEST}"), "are the same character"),
        (format!("date_format = \"%d.%m\"\n{SMALLEST}"), "`date_format` does not say year"),
        (format!("date_format = \"%Q\"\n{SMALLEST}"), "`date_format` does not say year"),
        (format!("{SMALLEST}[fixed]\ncurrency = \"EUR\""), "`currency` is in [columns] and in [fixed]"),
        (SMALLEST.replace("currency = \"currency\"", ""), "`currency` is neither in"),
        (format!("{SMALLEST}[status_values]\nB = \"booked\""), "[status_values] goes with"),
        (SMALLEST.replace("reference = \"id\"", ""), "missing field `reference`"),
        (SMALLEST.replace("sign", "colour"), "unknown variant `colour`"),
        (format!("{SMALLEST}[fixed]\ncurrency = \"euro\""), "not an ISO 4217"),
        ("delimiter".to_owned(), "line 1, column"),
    ] {
        assert!(error(&toml).contains(told), "{told}: {}", error(&toml));
    }
}

#[test]
fn a_date_is_read_as_the_format_says() {
    let format = DateFormat::new("date_format", "%d.%m.%y").unwrap();
    assert_eq!(format.parse("31.12.99"), Ok(jiff::civil::date(1999, 12, 31)));
    assert_eq!(format.parse("30.02.99"), Err(DateError::NoSuchDay));
    assert_eq!(format.parse("1999-12-31"), Err(DateError::Malformed));
    let format = DateFormat::new("date_format", "%d/%m/%Y %H:%M").unwrap();
    assert_eq!(format.parse("31/12/1999 23:59"), Ok(jiff::civil::date(1999, 12, 31)));
}
