//! XML Schema's `date`.

use super::El;
use super::syntax::{Syntax, clip};
use super::types::collapse;

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// `date`, with an optional time zone, which EPP gives no meaning. Years before 1 and after 9999 are refused.
///
/// # Errors
/// When the text is no calendar day.
pub fn date(element: &El<'_>, text: &str) -> Result<Date, Syntax> {
    let text = collapse(text);
    let (day, zone) = text.split_at_checked(10).unwrap_or((&text, "?"));
    calendar_day(day).filter(|_| is_zone(zone)).ok_or_else(|| {
        let (name, got) = (element.local, clip(&text));
        Syntax::schema(element, format!("'{name}' is not a date written as 2026-12-31: '{got}'"))
    })
}

fn calendar_day(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = bytes else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u16, |sum, d| d.is_ascii_digit().then(|| sum * 10 + u16::from(d - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=days).contains(&day) {
        return None;
    }
    Some(Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()? })
}

/// Nothing, `Z`, or an offset of at most 14 hours.
fn is_zone(text: &str) -> bool {
    if text.is_empty() || text == "Z" {
        return true;
    }
    let &[b'+' | b'-', h0, h1, b':', m0, m1] = text.as_bytes() else { return false };
    let pair = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| u16::from(a - b'0') * 10 + u16::from(b - b'0'))
    };
    match (pair(h0, h1), pair(m0, m1)) {
        (Some(hours), Some(minutes)) => minutes < 60 && hours * 60 + minutes <= 14 * 60,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Ns;

    #[test]
    fn dates() {
        let read = |text| {
            let element =
                El { ns: Ns::Absent, local: "e", attrs: Vec::new(), children: Vec::new(), text: "".into() };
            date(&element, text)
        };
        assert_eq!(read("2024-02-29").unwrap(), Date { year: 2024, month: 2, day: 29 });
        for good in ["2026-12-31Z", "2026-12-31+14:00", " 2026-12-31-00:30 "] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-04-31",
            "0000-01-01",
            "2026-1-1",
            "26-01-01",
            "2026-01-01T00:00:00Z",
            "2026-01-01+14:01",
            "2026-01-01+1:00",
            "",
            "2026-01-0é",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
