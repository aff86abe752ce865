//! How old something is, and whether that is as it should be.

use maud::{Markup, html};

use crate::portal::parts::{
    state::{Tone, badge},
    time,
};

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
/// Records that come every day are fresh for a day, and two hours for the run that brings them.
const FRESH_S: i64 = 26 * HOUR_S;
/// After a weekend with a holiday nothing came for four days.
const LATE_S: i64 = 4 * DAY_S;
/// For how long a check of a whole log is recent.
const CHECKED_S: i64 = 7 * DAY_S;
/// In which time an entry is signed.
const SIGNED_S: i64 = 60;

/// What the badges of feeds mean.
pub const FEEDS_MEAN: &str = "Fresh: delivered within the last 26 hours. Late: within four days, as over a weekend. \
                              Stale: longer ago.";
/// What the badges of ledgers mean.
pub const LEDGERS_MEAN: &str = "Entries are signed within a minute: a log with older ones that are not is behind. \
                                A check is recent for seven days.";

/// How long ago a time of the API was, in seconds. One to come is now.
#[must_use]
pub fn age_s(now_us: i64, exact: &str) -> Option<i64> {
    let at: jiff::Timestamp = exact.parse().ok()?;
    Some((now_us.saturating_sub(at.as_microsecond()) / 1_000_000).max(0))
}

/// So many seconds, as people say it.
#[must_use]
pub fn ago(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..HOUR_S => (seconds / 60, "minute"),
        HOUR_S..172_800 => (seconds / HOUR_S, "hour"),
        _ => (seconds / DAY_S, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// A time, and how long ago it was.
#[must_use]
pub fn since(now_us: i64, exact: &str) -> Markup {
    html! {
        (time::instant(exact))
        @if let Some(age) = age_s(now_us, exact) { " " span.soft { (ago(age)) } }
    }
}

/// How fresh records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// As they should be.
    Fresh,
    /// As after a weekend.
    Late,
    /// Too old.
    Stale,
    /// There are none.
    Nothing,
}

impl Freshness {
    /// Of what was delivered at a time of the API.
    #[must_use]
    pub fn of(now_us: i64, newest: Option<&str>) -> Self {
        match newest.and_then(|exact| age_s(now_us, exact)) {
            None => Self::Nothing,
            Some(..=FRESH_S) => Self::Fresh,
            Some(..=LATE_S) => Self::Late,
            Some(_) => Self::Stale,
        }
    }

    /// As a word.
    #[must_use]
    pub fn badge(self) -> Markup {
        match self {
            Self::Fresh => badge(Tone::Good, "fresh"),
            Self::Late => badge(Tone::Warn, "late"),
            Self::Stale => badge(Tone::Bad, "stale"),
            Self::Nothing => badge(Tone::Plain, "nothing yet"),
        }
    }
}

/// How a log's signing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Every entry is signed.
    Whole,
    /// The newest ones are not yet.
    Underway,
    /// Some should be, and are not.
    Behind,
}

impl Signing {
    /// Of a log of the API.
    #[must_use]
    pub fn of(now_us: i64, log: &serde_json::Value) -> Self {
        let Some(since) = log["unsigned_since"].as_str() else { return Self::Whole };
        match age_s(now_us, since) {
            Some(..=SIGNED_S) => Self::Underway,
            _ => Self::Behind,
        }
    }

    /// As a word.
    #[must_use]
    pub fn badge(self) -> Markup {
        match self {
            Self::Whole => badge(Tone::Good, "all signed"),
            Self::Underway => badge(Tone::Warn, "being signed"),
            Self::Behind => badge(Tone::Bad, "behind"),
        }
    }
}

/// What the last check of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Clean, and lately.
    Clean,
    /// Clean, but long ago.
    LongAgo,
    /// It found a fault.
    Fault,
    /// There was none.
    Never,
}

impl Checked {
    /// Of a log of the API.
    #[must_use]
    pub fn of(now_us: i64, log: &serde_json::Value) -> Self {
        let check = &log["check"];
        let Some(at) = check["checked_at"].as_str() else { return Self::Never };
        match age_s(now_us, at) {
            _ if check["fault"].is_string() => Self::Fault,
            Some(..=CHECKED_S) => Self::Clean,
            _ => Self::LongAgo,
        }
    }

    /// As a word.
    #[must_use]
    pub fn badge(self) -> Markup {
        match self {
            Self::Clean => badge(Tone::Good, "clean"),
            Self::LongAgo => badge(Tone::Warn, "clean, long ago"),
            Self::Fault => badge(Tone::Bad, "fault"),
            Self::Never => badge(Tone::Warn, "never checked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-01-05T09:30:00Z.
    const NOW_US: i64 = 1_767_605_400_000_000;

    #[test]
    fn ages_are_said_in_the_unit_that_fits() {
        for (seconds, said) in [
            (0, "0 seconds ago"),
            (1, "1 second ago"),
            (60, "1 minute ago"),
            (3599, "59 minutes ago"),
            (3600, "1 hour ago"),
            (172_799, "47 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(seconds), said);
        }
        assert_eq!(age_s(NOW_US, "2026-01-05T09:29:00.000000Z"), Some(60));
        assert_eq!(age_s(NOW_US, "2026-01-05T09:31:00Z"), Some(0), "a clock that is ahead");
        assert_eq!(age_s(NOW_US, "soon"), None);
    }

    #[test]
    fn a_feed_gets_late_and_then_stale() {
        let of = |newest| Freshness::of(NOW_US, newest);
        assert_eq!(of(None), Freshness::Nothing);
        assert_eq!(of(Some("2026-01-04T07:30:00Z")), Freshness::Fresh);
        assert_eq!(of(Some("2026-01-04T07:29:00Z")), Freshness::Late);
        assert_eq!(of(Some("2026-01-01T09:30:00Z")), Freshness::Late);
        assert_eq!(of(Some("2026-01-01T09:29:00Z")), Freshness::Stale);
    }

    #[test]
    fn a_log_is_behind_when_old_entries_are_not_signed() {
        // It grows all the time: its last entry says nothing.
        let log =
            |since: Option<&str>| json!({"last_entry_at": "2026-01-05T09:30:00Z", "unsigned_since": since});
        assert_eq!(Signing::of(NOW_US, &log(None)), Signing::Whole);
        assert_eq!(Signing::of(NOW_US, &log(Some("2026-01-05T09:29:00Z"))), Signing::Underway);
        assert_eq!(Signing::of(NOW_US, &log(Some("2026-01-05T09:28:59Z"))), Signing::Behind);
        assert_eq!(Signing::of(NOW_US, &log(Some("soon"))), Signing::Behind, "what is no time is no excuse");
    }

    #[test]
    fn a_check_is_clean_old_faulty_or_missing() {
        let check =
            |at: &str, fault: Option<&str>| json!({"check": {"checked_at": at, "size": "1", "fault": fault}});
        assert_eq!(Checked::of(NOW_US, &json!({"check": null})), Checked::Never);
        assert_eq!(Checked::of(NOW_US, &check("2026-01-04T00:00:00Z", None)), Checked::Clean);
        assert_eq!(Checked::of(NOW_US, &check("2025-12-01T00:00:00Z", None)), Checked::LongAgo);
        assert_eq!(Checked::of(NOW_US, &check("2026-01-04T00:00:00Z", Some("entry 1"))), Checked::Fault);
    }
}
