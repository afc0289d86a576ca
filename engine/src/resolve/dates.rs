//! Dates as texts, and times as calendar dates: the calendar's arithmetic under names that users write.
//!
//! In: texts and microseconds. Out: periods and components. Never knows time zones.

use super::fault::{Outcome, refuse};
use xeng_kernels::Calendar;
use xeng_kernels::calendar::Civil;
use xeng_proto::Times;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// How finely a text or an index tells time, coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// `2011`
    Year,
    /// `2011-07`
    Month,
    /// `2011-07-01`
    Day,
    /// `2011-07-01T06`
    Hour,
    /// `2011-07-01T06:30`
    Minute,
    /// `2011-07-01T06:30:15`
    Second,
    /// Finer.
    Microsecond,
}

/// The time from the first to the last microsecond that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first microsecond.
    pub start: i64,
    /// Its last microsecond.
    pub end: i64,
    /// What the text names.
    pub resolution: Resolution,
}

/// Reads `2011`, `2011-07`, `2011-07-01`, `2011-07-01T06:30:15.5`, and `201107`, `20110701`.
///
/// # Errors
/// When the text is no such date, or the calendar has no such day.
pub fn parse(text: &str, calendar: Calendar) -> Outcome<Period> {
    read(text.trim(), calendar).map_or_else(|| refuse(format!("'{text}' is no date of this calendar; write it as 2011-07-01T06:30")), Ok)
}

fn read(text: &str, calendar: Calendar) -> Option<Period> {
    let (date, time) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], Some(text[at + 1..].trim_end_matches('Z'))),
        None => (text, None),
    };
    let (sign, digits) = date.strip_prefix('-').map_or((1, date), |d| (-1, d));
    let mut parts: Vec<&str> = digits.split('-').collect();
    if parts.len() == 1 && (digits.len() == 6 || digits.len() == 8) && digits.bytes().all(|b| b.is_ascii_digit()) {
        parts = [Some(&digits[..4]), Some(&digits[4..6]), digits.get(6..8)].into_iter().flatten().filter(|p| !p.is_empty()).collect();
    }
    let whole = |p: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())).then(|| p.parse::<i64>().ok()).flatten()
    };
    let year = sign * whole(parts.first()?, 1..=6)?;
    let month = parts.get(1).map_or(Some(1), |p| whole(p, 1..=2))?;
    let day = parts.get(2).map_or(Some(1), |p| whole(p, 1..=2))?;
    if parts.len() > 3 || time.is_some() && parts.len() != 3 {
        return None;
    }
    let start = midnight(calendar, year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    let (offset, resolution) = match time {
        None => (0, [Resolution::Year, Resolution::Month, Resolution::Day][parts.len() - 1]),
        Some(t) => clock(t)?,
    };
    let start = start.checked_add(offset)?;
    let after = match resolution {
        Resolution::Year => midnight(calendar, year.checked_add(1)?, 1, 1)?,
        Resolution::Month => midnight(calendar, if month == 12 { year + 1 } else { year }, u32::try_from(month % 12 + 1).ok()?, 1)?,
        Resolution::Day => start.checked_add(DAY)?,
        Resolution::Hour => start.checked_add(3_600_000_000)?,
        Resolution::Minute => start.checked_add(60_000_000)?,
        Resolution::Second => start.checked_add(1_000_000)?,
        Resolution::Microsecond => start.checked_add(1)?,
    };
    Some(Period { start, end: after - 1, resolution })
}

/// `06`, `06:30`, `06:30:15`, `06:30:15.25` in microseconds.
fn clock(text: &str) -> Option<(i64, Resolution)> {
    let mut total = 0i64;
    let mut resolution = Resolution::Hour;
    for (i, part) in text.split(':').enumerate() {
        let (whole, fraction) = part.split_once('.').map_or((part, None), |(w, f)| (w, Some(f)));
        if whole.is_empty() || whole.len() > 2 || !whole.bytes().all(|b| b.is_ascii_digit()) || fraction.is_some() && i != 2 {
            return None;
        }
        let value: i64 = whole.parse().ok()?;
        let (unit, limit, r) =
            *[(3_600_000_000, 24, Resolution::Hour), (60_000_000, 60, Resolution::Minute), (1_000_000, 60, Resolution::Second)].get(i)?;
        if value >= limit {
            return None;
        }
        total += value * unit;
        resolution = r;
        if let Some(f) = fraction {
            if f.is_empty() || f.len() > 9 || !f.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total += format!("{f:0<6}").get(..6)?.parse::<i64>().ok()?;
            resolution = Resolution::Microsecond;
        }
    }
    Some((total, resolution))
}

/// The finest unit in which any time of an index differs from zero, at most a day: pandas' `resolution`.
pub fn index_resolution(times: &Times) -> Resolution {
    times
        .micros
        .iter()
        .filter(|&&m| m != i64::MIN)
        .map(|m| m.rem_euclid(DAY))
        .map(|t| match t {
            0 => Resolution::Day,
            t if t % 3_600_000_000 == 0 => Resolution::Hour,
            t if t % 60_000_000 == 0 => Resolution::Minute,
            t if t % 1_000_000 == 0 => Resolution::Second,
            _ => Resolution::Microsecond,
        })
        .max()
        .unwrap_or(Resolution::Day)
}

/// The first microsecond of a day, if the calendar has it.
pub fn midnight(calendar: Calendar, year: i64, month: u32, day: u32) -> Option<i64> {
    calendar.micros(Civil { year, month, day, hour: 0, minute: 0, second: 0, micro: 0 }).ok()
}

/// A time for messages.
pub fn show(micros: i64, calendar: Calendar) -> String {
    let d = calendar.civil(micros);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", d.year, d.month, d.day, d.hour, d.minute, d.second)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn partial_dates_are_periods() {
        let p = parse("2001-02", Calendar::NoLeap).unwrap();
        assert_eq!((p.end - p.start + 1) / DAY, 28);
        let p = parse("2000-02", Calendar::Standard).unwrap();
        assert_eq!((p.end - p.start + 1) / DAY, 29);
        assert_eq!(p.resolution, Resolution::Month);
        assert_eq!(parse("1970-01-01T01:00", Calendar::Standard).unwrap().start, 3_600_000_000);
        assert_eq!(parse("19700102", Calendar::Standard).unwrap().start, DAY);
        assert!(parse("2001-02-30", Calendar::Standard).is_err());
        assert!(parse("2001-02-30", Calendar::Day360).is_ok());
        assert!(parse("June", Calendar::Standard).is_err());
        assert!(parse("", Calendar::Standard).is_err());
    }
}
