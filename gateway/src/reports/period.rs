//! What time a report covers: a day, a month, a quarter or a year.

use jiff::{ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};

/// How long the periods of a type of report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// `2026-03-31`
    Day,
    /// `2026-03`
    Month,
    /// `2026-Q1`
    Quarter,
    /// `2026`
    Year,
}

impl Granularity {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Month, Self::Quarter, Self::Year];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// A period: whole days, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
}

/// Why a text is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period is a day (2026-03-31), a month (2026-03), a quarter (2026-Q1) or a year (2026)")]
pub struct PeriodError;

impl Period {
    /// Reads a period.
    ///
    /// # Errors
    /// [`PeriodError`].
    pub fn parse(text: &str) -> Result<(Self, Granularity), PeriodError> {
        let digits = |text: &str, count: usize| {
            let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.parse::<i16>().ok()).flatten().ok_or(PeriodError)
        };
        let months = |year: i16, first: i16, count: i64| {
            let month = i8::try_from(first).map_err(|_| PeriodError)?;
            let first = Date::new(year, month, 1).map_err(|_| PeriodError)?;
            let next = first.checked_add(count.months()).map_err(|_| PeriodError)?;
            Ok(Self { first, last: next.yesterday().map_err(|_| PeriodError)? })
        };
        let parts: Vec<&str> = text.split('-').collect();
        let year = digits(parts.first().ok_or(PeriodError)?, 4)?;
        if !(1900..=9998).contains(&year) {
            return Err(PeriodError);
        }
        match parts.as_slice() {
            [_] => Ok((months(year, 1, 12)?, Granularity::Year)),
            [_, quarter] if quarter.starts_with('Q') => match digits(&quarter[1..], 1)? {
                number @ 1..=4 => Ok((months(year, number * 3 - 2, 3)?, Granularity::Quarter)),
                _ => Err(PeriodError),
            },
            [_, month] => Ok((months(year, digits(month, 2)?, 1)?, Granularity::Month)),
            [_, month, day] => {
                let (month, day) = (digits(month, 2)?, digits(day, 2)?);
                let narrow = |number: i16| i8::try_from(number).map_err(|_| PeriodError);
                let day = Date::new(year, narrow(month)?, narrow(day)?).map_err(|_| PeriodError)?;
                Ok((Self { first: day, last: day }, Granularity::Day))
            }
            _ => Err(PeriodError),
        }
    }

    /// The periods that a day is in, as they are written.
    #[must_use]
    pub fn of(day: Date) -> [String; 4] {
        let (year, month) = (day.year(), day.month());
        [
            format!("{year:04}"),
            format!("{year:04}-Q{}", (month + 2) / 3),
            format!("{year:04}-{month:02}"),
            day.to_string(),
        ]
    }

    /// The period of this length that a day is in.
    ///
    /// # Errors
    /// [`PeriodError`] outside the years 1900 to 9998.
    pub fn around(day: Date, granularity: Granularity) -> Result<Self, PeriodError> {
        let [year, quarter, month, day] = Self::of(day);
        let text = match granularity {
            Granularity::Day => day,
            Granularity::Month => month,
            Granularity::Quarter => quarter,
            Granularity::Year => year,
        };
        Ok(Self::parse(&text)?.0)
    }

    /// The period of this length that comes after it.
    ///
    /// # Errors
    /// [`PeriodError`] after the year 9998.
    pub fn next(&self, granularity: Granularity) -> Result<Self, PeriodError> {
        Self::around(self.last.tomorrow().map_err(|_| PeriodError)?, granularity)
    }

    /// Whether a day is in it.
    #[must_use]
    pub fn has(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month) = (self.first.year(), self.first.month());
        let months = (self.last.year() - year) * 12 + i16::from(self.last.month() - month) + 1;
        match (self.first == self.last, months) {
            (true, _) => write!(f, "{}", self.first),
            (_, 12) => write!(f, "{year:04}"),
            (_, 3) => write!(f, "{year:04}-Q{}", (month + 2) / 3),
            _ => write!(f, "{year:04}-{month:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_period_is_written_as_it_is_read() {
        for (text, first, last, granularity) in [
            ("2026-03-31", date(2026, 3, 31), date(2026, 3, 31), Granularity::Day),
            ("2024-02", date(2024, 2, 1), date(2024, 2, 29), Granularity::Month),
            ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), Granularity::Quarter),
            ("1993", date(1993, 1, 1), date(1993, 12, 31), Granularity::Year),
        ] {
            let (period, of) = Period::parse(text).unwrap();
            assert_eq!((period, of), (Period { first, last }, granularity));
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn a_day_is_in_one_period_of_each_length() {
        for day in [date(2026, 1, 1), date(2024, 2, 29), date(2026, 9, 30), date(2026, 12, 31)] {
            let periods = Period::of(day).map(|text| Period::parse(&text).unwrap());
            assert!(periods.iter().all(|(period, _)| period.has(day)), "{day}: {periods:?}");
            let lengths = [Granularity::Year, Granularity::Quarter, Granularity::Month, Granularity::Day];
            assert_eq!(periods.map(|(_, length)| length), lengths);
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "26-03",
            "2026-13",
            "2026-00",
            "2026-Q5",
            "2026-Q",
            "2026-02-30",
            "2026-3",
            "+026",
            "2026-01-01-01",
            "2026-Qé",
            "0000",
        ] {
            assert_eq!(Period::parse(text), Err(PeriodError), "{text}");
        }
    }

    #[test]
    fn a_period_follows_another_without_a_gap() {
        for (text, next) in [
            ("2026-12-31", "2027-01-01"),
            ("2024-02-29", "2024-03-01"),
            ("2026-12", "2027-01"),
            ("2026-Q4", "2027-Q1"),
            ("2026", "2027"),
        ] {
            let (period, granularity) = Period::parse(text).unwrap();
            assert_eq!(period.next(granularity).unwrap().to_string(), next);
            assert_eq!(Period::around(period.last, granularity), Ok(period));
            assert_eq!(Granularity::parse(granularity.as_str()), Some(granularity));
        }
        assert_eq!(Period::parse("9998").unwrap().0.next(Granularity::Year), Err(PeriodError));
    }
}
