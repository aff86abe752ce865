//! Amounts: digits grouped, exact to the last one, with their currency.

use maud::{Markup, html};
use serde_json::Value;

/// The space that groups digits: narrow, and no line breaks at it.
const GROUP: char = '\u{202f}';

/// A decimal with its whole part in groups of three.
#[must_use]
pub fn grouped(decimal: &str) -> String {
    let (sign, rest) = match decimal.strip_prefix('-') {
        Some(rest) => ("\u{2212}", rest),
        None => ("", decimal),
    };
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let mut shown = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            shown.push(GROUP);
        }
        shown.push(digit);
    }
    if let Some(fraction) = fraction {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

/// An amount of the API, `{"amount", "currency"}`, with a minus where it is a debit. What is copied is the
/// plain decimal.
#[must_use]
pub fn amount(amount: &Value, direction: &Value) -> Markup {
    let Some(decimal) = amount["amount"].as_str() else { return html! {} };
    let sign = if direction == "debit" { "-" } else { "" };
    decimal_in(&format!("{sign}{decimal}"), amount["currency"].as_str().unwrap_or_default())
}

/// A decimal with its unit.
#[must_use]
pub fn decimal_in(decimal: &str, unit: &str) -> Markup {
    html! {
        @if !decimal.is_empty() { data.amount value=(decimal) { (grouped(decimal)) } " " span.unit { (unit) } }
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_and_none_is_lost() {
        for (decimal, shown) in [
            ("0.05", "0.05"),
            ("999", "999"),
            ("1000.00", "1\u{202f}000.00"),
            ("-1234567.80", "\u{2212}1\u{202f}234\u{202f}567.80"),
        ] {
            assert_eq!(grouped(decimal), shown);
        }
    }
}
