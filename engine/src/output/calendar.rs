//! Points in time as dates and as numbers, in every CF calendar.
//!
//! In: microseconds since 1970-01-01 of a calendar. Out: dates, ISO texts, encoded numbers. Never mixes calendars.

use xeng_kernels::{Block, Calendar};
use xeng_proto::Times;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// A date and the microseconds since its midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    /// The year; 0 is a year.
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
    /// Microseconds since midnight.
    pub(crate) micros: i64,
}

/// The date of a point in time; nothing for `NaT`.
pub(crate) fn date(micros: i64, calendar: Calendar) -> Option<Date> {
    (micros != i64::MIN).then(|| {
        let (year, month, day) = split(micros.div_euclid(DAY), calendar);
        Date { year, month, day, micros: micros.rem_euclid(DAY) }
    })
}

/// Days since 1970-01-01 of the calendar, from a date.
pub(crate) fn days(year: i64, month: i64, day: i64, calendar: Calendar) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let index = (month - 1).clamp(0, 11) as usize;
    match calendar {
        Calendar::Day360 => (year - 1970) * 360 + (month - 1) * 30 + day - 1,
        Calendar::NoLeap => (year - 1970) * 365 + BEFORE[index] + day - 1,
        Calendar::AllLeap => (year - 1970) * 366 + BEFORE[index] + i64::from(month > 2) + day - 1,
        Calendar::ProlepticGregorian => gregorian(year, month, day),
        Calendar::Julian => julian(year, month, day),
        Calendar::Standard if (year, month, day) >= (1582, 10, 15) => gregorian(year, month, day),
        // The Julian calendar's 1970-01-01 is the Gregorian one's 1970-01-14.
        Calendar::Standard => julian(year, month, day) + 13,
    }
}

fn gregorian(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + of_year - 719_468
}

fn julian(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    y * 365 + y.div_euclid(4) + of_year - 719_483
}

/// The date of a day number: a guess of the year, then a walk of at most a year.
fn split(number: i64, calendar: Calendar) -> (i64, i64, i64) {
    let mut year = 1970 + number.div_euclid(if calendar == Calendar::Day360 { 360 } else { 366 });
    while days(year + 1, 1, 1, calendar) <= number {
        let short = (number - days(year + 1, 1, 1, calendar)) / 366;
        year += 1 + short;
    }
    while days(year, 1, 1, calendar) > number {
        year -= 1;
    }
    let month = (2..=12).take_while(|&m| days(year, m, 1, calendar) <= number).last().unwrap_or(1);
    let mut day = number - days(year, month, 1, calendar) + 1;
    if calendar == Calendar::Standard && (year, month) == (1582, 10) && day > 4 {
        day += 10;
    }
    (year, month, day)
}

/// A point in time as ISO 8601, such as `1850-01-16T12:00:00`; nothing for `NaT`.
pub(crate) fn iso(micros: i64, calendar: Calendar) -> Option<String> {
    let d = date(micros, calendar)?;
    let seconds = d.micros / 1_000_000;
    let mut text =
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", d.year, d.month, d.day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    if d.micros % 1_000_000 != 0 {
        text.push_str(&format!(".{:06}", d.micros % 1_000_000));
    }
    Some(text)
}

/// CF's name of a calendar.
pub(crate) const fn name(calendar: Calendar) -> &'static str {
    match calendar {
        Calendar::Standard => "standard",
        Calendar::ProlepticGregorian => "proleptic_gregorian",
        Calendar::Julian => "julian",
        Calendar::NoLeap => "noleap",
        Calendar::AllLeap => "all_leap",
        Calendar::Day360 => "360_day",
    }
}

const UNITS: [(&str, i64); 7] = [
    ("days", DAY),
    ("hours", 3_600_000_000),
    ("minutes", 60_000_000),
    ("seconds", 1_000_000),
    ("milliseconds", 1_000),
    ("microseconds", 1),
    ("weeks", 7 * DAY),
];

/// Times as numbers, with the units they count.
///
/// The units are those the times came with if these hold every time exactly: as `int64` where all are whole, as `float64`
/// where binary fractions do (half days); otherwise the coarsest finer unit, since the same reference date, that holds all as
/// `int64`. With missing times the numbers are `float64` and NaN.
pub(crate) fn encode(times: &Times) -> (Block, String) {
    let calendar = times.encoding.calendar;
    let parsed = reference(&times.encoding.units, calendar);
    let since = times.encoding.units.split_once("since").map_or("1970-01-01", |(_, s)| s.trim());
    let (own, origin, since) = match parsed {
        Some((unit, origin)) => (Some(unit), origin, since),
        None => (None, 0, "1970-01-01"),
    };
    if let Some(unit) = own
        && let Some(block) = whole(times, origin, unit).or_else(|| fractions(times, origin, unit))
    {
        return (block, times.encoding.units.clone());
    }
    let finer = UNITS[..6].iter().filter(|(_, unit)| own.is_none_or(|o| *unit < o));
    let found = finer.filter_map(|(name, unit)| Some((whole(times, origin, *unit)?, format!("{name} since {since}")))).next();
    found.unwrap_or_else(|| (fallback(times), "microseconds since 1970-01-01".to_owned()))
}

/// Microseconds themselves. Beside missing times they are floats, off by at most a microsecond beyond the year 2255.
fn fallback(times: &Times) -> Block {
    if times.micros.contains(&i64::MIN) {
        return vector(times.micros.iter().map(|&m| if m == i64::MIN { f64::NAN } else { m as f64 }).collect::<Vec<f64>>());
    }
    vector(times.micros.clone())
}

fn vector<T: xeng_kernels::Element>(cells: Vec<T>) -> Block {
    // A vector always fits the shape of its own length.
    Block::from_vec(&[cells.len()], cells).unwrap_or_else(|_| Block::scalar(T::default()))
}

fn whole(times: &Times, origin: i64, unit: i64) -> Option<Block> {
    let missing = times.micros.contains(&i64::MIN);
    let count = |&m: &i64| match m {
        i64::MIN => Some(None),
        m => m.checked_sub(origin).filter(|d| d % unit == 0).map(|d| Some(d / unit)),
    };
    let counts = times.micros.iter().map(count).collect::<Option<Vec<Option<i64>>>>()?;
    if missing {
        let exact = counts.iter().flatten().all(|c| c.abs() < 1 << 53);
        return exact.then(|| vector(counts.into_iter().map(|c| c.map_or(f64::NAN, |c| c as f64)).collect::<Vec<f64>>()));
    }
    Some(vector(counts.into_iter().flatten().collect::<Vec<i64>>()))
}

fn fractions(times: &Times, origin: i64, unit: i64) -> Option<Block> {
    const PARTS: i128 = 1024;
    let count = |&m: &i64| match m {
        i64::MIN => Some(f64::NAN),
        m => {
            let parts = (i128::from(m) - i128::from(origin)) * PARTS;
            (parts % i128::from(unit) == 0 && (parts / i128::from(unit)).abs() < 1 << 53)
                .then(|| (parts / i128::from(unit)) as f64 / PARTS as f64)
        }
    };
    times.micros.iter().map(count).collect::<Option<Vec<f64>>>().map(vector)
}

/// The unit in microseconds and the reference in microseconds since 1970-01-01, from `days since 1850-01-01 00:00:00`.
fn reference(units: &str, calendar: Calendar) -> Option<(i64, i64)> {
    let (unit, since) = units.split_once("since")?;
    let unit = unit.trim().to_ascii_lowercase();
    let unit = match unit.as_str() {
        "d" => DAY,
        "h" | "hr" | "hrs" => 3_600_000_000,
        "min" | "mins" => 60_000_000,
        "s" | "sec" | "secs" => 1_000_000,
        other => UNITS.iter().find(|(name, _)| *name == other || name.strip_suffix('s') == Some(other))?.1,
    };
    let since = since.trim().trim_end_matches("UTC").trim_end_matches('Z').trim();
    let (date, clock) = since.split_once(['T', ' ']).unwrap_or((since, ""));
    let (negative, date) = date.strip_prefix('-').map_or((false, date), |rest| (true, rest));
    let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 250_000 {
        return None;
    }
    let midnight = days(if negative { -year } else { year }, month, day, calendar).checked_mul(DAY)?;
    Some((unit, midnight.checked_add(clock_micros(clock.trim())?)?))
}

fn clock_micros(clock: &str) -> Option<i64> {
    let mut total = 0.0;
    for (part, seconds) in clock.split(':').filter(|p| !p.is_empty()).zip([3600.0, 60.0, 1.0]) {
        total += part.trim().parse::<f64>().ok()? * seconds;
    }
    (0.0..=86_400.0).contains(&total).then(|| (total * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_proto::TimeEncoding;

    #[test]
    fn dates_and_days_are_inverse_in_every_calendar() {
        use Calendar::*;
        for calendar in [Standard, ProlepticGregorian, Julian, NoLeap, AllLeap, Day360] {
            assert_eq!(split(0, calendar), (1970, 1, 1));
            for number in (-900_000..900_000).step_by(97).chain(-141_500..-141_400) {
                let (y, m, d) = split(number, calendar);
                assert_eq!(days(y, m, d, calendar), number, "{calendar:?} {y}-{m}-{d}");
            }
        }
        assert_eq!(split(-141_428, Standard), (1582, 10, 4));
        assert_eq!(split(-141_427, Standard), (1582, 10, 15));
    }

    #[test]
    fn times_keep_their_units_where_these_are_exact() {
        let times = |units: &str, micros: Vec<i64>| Times {
            micros,
            encoding: TimeEncoding { units: units.into(), calendar: Calendar::ProlepticGregorian },
        };
        let (block, units) = encode(&times("days since 1970-01-02", vec![DAY, 3 * DAY]));
        assert_eq!((block.to_i64_vec(), units.as_str()), (vec![0, 2], "days since 1970-01-02"));
        let (block, units) = encode(&times("days since 1970-01-01", vec![DAY / 2]));
        assert_eq!((block.to_f64_vec(), units.as_str()), (vec![0.5], "days since 1970-01-01"));
        let (block, units) = encode(&times("days since 1970-01-01", vec![DAY / 24]));
        assert_eq!((block.to_i64_vec(), units.as_str()), (vec![1], "hours since 1970-01-01"));
        let (block, _) = encode(&times("days since 1970-01-01", vec![i64::MIN, DAY]));
        assert!(block.to_f64_vec()[0].is_nan());
        assert_eq!(block.to_f64_vec()[1], 1.0);
    }
}
