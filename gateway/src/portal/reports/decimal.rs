//! Decimal text, added up exactly.

use std::fmt;

use crate::domain::money::decimal_text;

/// The most decimals that a text may have; figures have far fewer.
const DECIMALS_MAX: usize = 18;

/// A decimal: so many of its smallest unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal {
    units: i128,
    decimals: usize,
}

impl Decimal {
    /// Nought.
    pub(super) const ZERO: Self = Self { units: 0, decimals: 0 };

    /// Reads `-1234.50`; none where it is something else, or too long to be added exactly.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) =
            digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let part = match part {
            None => "",
            Some(part) if is_digits(part) && part.len() <= DECIMALS_MAX => part,
            Some(_) => return None,
        };
        if !is_digits(whole) {
            return None;
        }
        let units = format!("{whole}{part}").parse::<i128>().ok()?;
        Some(Self { units: sign * units, decimals: part.len() })
    }

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let decimals = self.decimals.max(other.decimals);
        let units = self.widened(decimals)?.checked_add(other.widened(decimals)?)?;
        Some(Self { units, decimals })
    }

    /// What is left of it without another.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { units: other.units.checked_neg()?, ..other })
    }

    /// Whether it is nought.
    pub(super) fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Its units, if it had so many decimals.
    fn widened(self, decimals: usize) -> Option<i128> {
        let more = u32::try_from(decimals - self.decimals).ok()?;
        self.units.checked_mul(10_i128.checked_pow(more)?)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal_text(self.units, self.decimals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        let tenths = (0..1000).try_fold(Decimal::ZERO, |sum, _| sum.plus(of("0.10"))).unwrap();
        assert_eq!(tenths.to_string(), "100.00");
        for (one, other, left) in [
            ("258.00", "257.91", "0.09"),
            ("9007199254740993.01", "9007199254740993.00", "0.01"),
            ("-5.01", "12.3", "-17.31"),
            ("4", "4.000", "0.000"),
        ] {
            assert_eq!(of(one).minus(of(other)).unwrap().to_string(), left, "{one} - {other}");
        }
        assert!(of("4").minus(of("4.000")).unwrap().is_zero());
    }

    #[test]
    fn what_is_no_decimal_is_not_taken_for_one() {
        for text in ["", "-", ".5", "5.", "1,5", "1e3", "+1", "--1", "0x1", " 1"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(60)).is_none());
        let most = of(&i128::MAX.to_string());
        assert!(most.plus(of("1")).is_none(), "nothing wraps around");
        assert!(most.plus(of("0.1")).is_none());
    }
}
