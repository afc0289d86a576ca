//! ISO 8601 dates of any length: `2011`, `2011-07`, `2011-07-05T12:30`.
//!
//! In: text. Out: the date, and which of its parts were there. Never reads other orders of day and month.

use super::Civil;

/// What was found in a text: a date, how many of its parts were there, and the offset from UTC.
pub(super) struct Found {
    pub(super) date: Civil,
    /// 1 for a year alone, 2 with a month, up to 6 with seconds and 7 with a fraction.
    pub(super) parts: usize,
    /// Minutes east of UTC.
    pub(super) zone_minutes: i64,
    /// Whether the hour has no minutes, or the time zone is not `Z`, `UTC`, `GMT` or of two or four digits.
    pub(super) loose: bool,
}

/// Reads `[+-]year[-month[-day[(T| )hour[:minute[:second[.fraction]]]]]]` and a time zone.
pub(super) fn scan(text: &str) -> Option<Found> {
    let mut rest = text.trim();
    let negative = rest.starts_with('-');
    rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let width = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut year = number(&mut rest, 6)?;
    let mut date = Civil { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, micro: 0 };
    let (mut parts, mut zone_minutes, mut loose) = (1, 0, false);
    if width == 6 {
        return None;
    }
    if negative {
        year = -year;
    }
    date.year = year;
    if let Some(next) = rest.strip_prefix('-') {
        rest = next;
        date.month = u32::try_from(number(&mut rest, 2)?).ok()?;
        parts = 2;
        if let Some(next) = rest.strip_prefix('-') {
            rest = next;
            date.day = u32::try_from(number(&mut rest, 2)?).ok()?;
            parts = 3;
            let after = rest.strip_prefix(['T', 't']).unwrap_or_else(|| rest.trim_start());
            if after.len() < rest.len() && after.starts_with(|c: char| c.is_ascii_digit()) {
                rest = after;
                parts = time_of_day(&mut rest, &mut date)?;
            }
            loose = parts == 4 || rest.trim().len() == 2;
            zone_minutes = zone(rest.trim())?;
            rest = "";
        }
    }
    rest.trim().is_empty().then_some(Found { date, parts, zone_minutes, loose })
}

fn time_of_day(rest: &mut &str, date: &mut Civil) -> Option<usize> {
    date.hour = u32::try_from(number(rest, 2)?).ok()?;
    let Some(next) = rest.strip_prefix(':') else { return Some(4) };
    *rest = next;
    date.minute = u32::try_from(number(rest, 2)?).ok()?;
    let Some(next) = rest.strip_prefix(':') else { return Some(5) };
    *rest = next;
    date.second = u32::try_from(number(rest, 2)?).ok()?;
    let Some(next) = rest.strip_prefix('.') else { return Some(6) };
    *rest = next;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = rest.get(..digits.min(6))?;
    *rest = rest.get(digits..)?;
    date.micro = format!("{fraction:0<6}").parse().ok()?;
    Some(if digits == 0 { 6 } else { 7 })
}

/// Minutes east of UTC.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z" | "UTC" | "utc" | "GMT" | "gmt") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The number at the start of `rest`, of at most `width` digits, which is cut off.
fn number(rest: &mut &str, width: usize) -> Option<i64> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > width {
        return None;
    }
    let value = rest.get(..digits)?.parse().ok()?;
    *rest = rest.get(digits..)?;
    Some(value)
}
