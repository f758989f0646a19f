//! Instants: milliseconds since 1970-01-01T00:00:00Z, given to the registry and never read from a clock here.

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// 0000-01-01T00:00:00Z and 9999-12-30T22:00:00Z. RFC 3339 has four digits for the year, and the calendar library
/// keeps a day's margin at the end, so that the last instant can be shown in every time zone.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_207_200_000;
/// `2026-11-24`
const DATE_OCTETS: usize = 10;

impl Timestamp {
    /// The last instant: later ones can't be shown.
    pub const LAST: Timestamp = Timestamp(LAST_MS);

    /// The same calendar day and time `years` later; 29 February becomes 28 February where there is no 29th.
    /// Saturates at [`Timestamp::LAST`].
    #[must_use]
    pub fn plus_years(self, years: u8) -> Timestamp {
        let zoned = self.jiff().to_zoned_datetime(TimeZone::UTC);
        zoned
            .checked_add(i64::from(years).years())
            .map_or(Timestamp::LAST, |z| Timestamp(z.timestamp().as_millisecond()).min(Timestamp::LAST))
    }

    /// `ms` milliseconds later (earlier when negative), saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }

    /// The calendar date in UTC, as EPP's `curExpDate` writes it: `2026-11-24`.
    pub fn date(self) -> String {
        self.jiff().to_zoned_datetime(TimeZone::UTC).date().to_string()
    }

    /// Reads an RFC 3339 instant or a plain date (midnight UTC); `None` when it is neither.
    pub fn parse(text: &str) -> Option<Timestamp> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Timestamp(at.as_millisecond()));
        }
        // jiff would read a date out of a local date and time, too
        let date: civil::Date = text.parse().ok().filter(|_| text.len() == DATE_OCTETS)?;
        date.to_zoned_datetime(TimeZone::UTC).ok().map(|z| Timestamp(z.timestamp().as_millisecond()))
    }

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0.clamp(FIRST_MS, LAST_MS))
            .expect("both ends of the clamp are within the calendar library's range")
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T17:01:34.120Z`, the form of every date the registry shows.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = TimeZone::UTC.to_datetime(self.jiff());
        // the clamp keeps the year between 0 and 9999
        let mut octets = *b"0000-00-00T00:00:00.000Z";
        put(&mut octets[0..4], at.year().unsigned_abs());
        put(&mut octets[5..7], at.month().unsigned_abs().into());
        put(&mut octets[8..10], at.day().unsigned_abs().into());
        put(&mut octets[11..13], at.hour().unsigned_abs().into());
        put(&mut octets[14..16], at.minute().unsigned_abs().into());
        put(&mut octets[17..19], at.second().unsigned_abs().into());
        put(&mut octets[20..23], at.millisecond().unsigned_abs());
        f.write_str(std::str::from_utf8(&octets).unwrap_or_default())
    }
}

/// Writes a number in as many digits as there are places.
fn put(places: &mut [u8], mut number: u16) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_milliseconds_and_reads_them_back() {
        let t = Timestamp::parse("2026-11-24T17:01:34.12Z").unwrap();
        assert_eq!(t.to_string(), "2026-11-24T17:01:34.120Z");
        assert_eq!(Timestamp::parse(&t.to_string()), Some(t));
        assert_eq!(t.date(), "2026-11-24");
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::parse("1970-01-02"), Some(Timestamp(86_400_000)));
        for bad in ["", "1970", "1970-02-30", "1970-01-01T00:00:00", "19700101", "tomorrow"] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn shows_what_the_calendar_library_shows(ms in FIRST_MS..=LAST_MS) {
            prop_assert_eq!(Timestamp(ms).to_string(), format!("{:.3}", Timestamp(ms).jiff()));
        }
    }

    #[test]
    fn a_leap_day_keeps_to_february() {
        let leap = Timestamp::parse("2028-02-29T12:00:00Z").unwrap();
        assert_eq!(leap.plus_years(1).to_string(), "2029-02-28T12:00:00.000Z");
        assert_eq!(leap.plus_years(4).to_string(), "2032-02-29T12:00:00.000Z");
    }

    #[test]
    fn the_far_future_saturates() {
        let near = Timestamp::parse("9998-12-31T12:00:00Z").unwrap();
        assert_eq!(near.plus_years(1), Timestamp::LAST);
        assert_eq!(Timestamp::LAST.plus_years(10), Timestamp::LAST);
        assert_eq!(Timestamp(i64::MAX).plus_years(1), Timestamp::LAST);
        assert_eq!(Timestamp(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
    }
}
