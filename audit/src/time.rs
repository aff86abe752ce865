//! The one spelling of a time: `2026-01-31T12:00:00.000000Z`, UTC, microseconds (RFC 3339).
//!
//! Written by hand because the verifier reads one an entry and the format allows nothing else: no other
//! offset, no leap second, no fewer digits. The calendar is the proleptic Gregorian one.

/// Bytes in a time.
pub(crate) const LENGTH: usize = 27;

/// 9999-12-31T23:59:59.999999Z.
pub(crate) const MAX_US: i64 = 253_402_300_799_999_999;

const DAY_US: i64 = 86_400_000_000;

/// Appends a time to `out`.
pub(crate) fn write(at_us: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(at_us.div_euclid(DAY_US));
    let us = at_us.rem_euclid(DAY_US);
    let (s, us) = (us / 1_000_000, us % 1_000_000);
    let mut put = |value: i64, width: u32, after: u8| {
        for place in (0..width).rev() {
            let digit = (value / 10i64.pow(place)) % 10;
            out.push(b'0' + u8::try_from(digit).unwrap_or(0));
        }
        out.push(after);
    };
    put(year, 4, b'-');
    put(month, 2, b'-');
    put(day, 2, b'T');
    put(s / 3600, 2, b':');
    put(s / 60 % 60, 2, b':');
    put(s % 60, 2, b'.');
    put(us, 6, b'Z');
}

/// A time as text, for messages.
pub(crate) fn text(at_us: i64) -> String {
    let mut out = Vec::with_capacity(LENGTH);
    write(at_us, &mut out);
    out.into_iter().map(char::from).collect()
}

/// The time that `bytes` spell; None for any other spelling and for days that don't exist.
pub(crate) fn read(bytes: &[u8; LENGTH]) -> Option<i64> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0i64, |value, &byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let us = number(20, 26)?;
    let dates = year >= 1970 && (1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day);
    if !dates || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days(year, month, day) * DAY_US + ((hour * 60 + minute) * 60 + second) * 1_000_000 + us)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, counting years from March so that the leap day is the last of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (at_us, spelled) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
            (MAX_US, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(text(at_us), spelled);
            assert_eq!(read(spelled.as_bytes().try_into().unwrap()), Some(at_us));
        }
    }

    #[test]
    fn every_day_until_2400_round_trips() {
        for day in 0..157_000 {
            let at_us = day * DAY_US + 1;
            assert_eq!(read(text(at_us).as_bytes().try_into().unwrap()), Some(at_us));
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for spelled in [
            "2023-02-29T00:00:00.000000Z",
            "2100-02-29T00:00:00.000000Z",
            "2023-13-01T00:00:00.000000Z",
            "2023-00-01T00:00:00.000000Z",
            "2023-04-31T00:00:00.000000Z",
            "2023-01-01T24:00:00.000000Z",
            "2023-01-01T00:00:60.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "2023-01-01T00:00:00.00000+Z",
            "2023-01-01t00:00:00.000000Z",
        ] {
            assert_eq!(read(spelled.as_bytes().try_into().unwrap()), None, "{spelled}");
        }
    }
}
