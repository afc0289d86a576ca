//! Points in time as texts and as numbers with CF units.
//!
//! In: microseconds since 1970-01-01 of a calendar. Out: ISO texts, encoded numbers. Never mixes calendars.

use xeng_kernels::calendar::{DAY, Encoded, NAT, TimeUnits, decode};
use xeng_kernels::{Block, Calendar};
use xeng_proto::Times;

/// A point in time as ISO 8601, such as `1850-01-16T12:00:00`; nothing for `NaT`.
pub(crate) fn iso(micros: i64, calendar: Calendar) -> Option<String> {
    if micros == NAT {
        return None;
    }
    let d = calendar.civil(micros);
    let (sign, year) = (if d.year < 0 { "-" } else { "" }, d.year.abs());
    let mut text = format!("{sign}{year:04}-{:02}-{:02}T{:02}:{:02}:{:02}", d.month, d.day, d.hour, d.minute, d.second);
    if d.micro != 0 {
        text.push_str(&format!(".{:06}", d.micro));
    }
    Some(text)
}

/// From coarse to fine, with their nanoseconds.
const UNITS: [(&str, i64); 6] = [
    ("days", DAY * 1_000),
    ("hours", 3_600_000_000_000),
    ("minutes", 60_000_000_000),
    ("seconds", 1_000_000_000),
    ("milliseconds", 1_000_000),
    ("microseconds", 1_000),
];

/// Times as numbers, with the units they count.
///
/// The units are those the times came with if these hold every time exactly: as `int64` where all are whole, as `float64`
/// where binary fractions do (half days), or parts of seconds that are read back as the same times; otherwise the coarsest finer unit, since the same reference date, that holds all as
/// `int64`. With missing times the numbers are `float64` and NaN.
pub(crate) fn encode(times: &Times) -> (Block, String) {
    let units = &times.encoding.units;
    let own = TimeUnits::parse(units, times.encoding.calendar).ok();
    let (origin, since) = match (own, units.split_once("since")) {
        (Some(own), Some((_, since))) => (own.reference, since.trim()),
        _ => (0, "1970-01-01"),
    };
    if let Some(unit) = own.map(|u| u.unit_nanos)
        && let Some(block) = whole(times, origin, unit).or_else(|| fractions(times, origin, unit))
    {
        return (block, units.clone());
    }
    if let Some(block) = own.and_then(|own| floats(times, origin, own)) {
        return (block, units.clone());
    }
    let finer = UNITS.iter().filter(|(_, unit)| own.is_none_or(|o| *unit < o.unit_nanos));
    let found = finer.filter_map(|(name, unit)| Some((whole(times, origin, *unit)?, format!("{name} since {since}")))).next();
    found.unwrap_or_else(|| (fallback(times), "microseconds since 1970-01-01".to_owned()))
}

/// Microseconds themselves. Beside missing times they are floats, off by at most a microsecond beyond the year 2255.
fn fallback(times: &Times) -> Block {
    if times.micros.contains(&NAT) {
        return vector(times.micros.iter().map(|&m| if m == NAT { f64::NAN } else { m as f64 }).collect::<Vec<f64>>());
    }
    vector(times.micros.clone())
}

fn vector<T: xeng_kernels::Element>(cells: Vec<T>) -> Block {
    // A vector always fits the shape of its own length.
    Block::from_vec(&[cells.len()], cells).unwrap_or_else(|_| Block::scalar(T::default()))
}

fn whole(times: &Times, origin: i64, unit_nanos: i64) -> Option<Block> {
    let missing = times.micros.contains(&NAT);
    let count = |&m: &i64| match m {
        NAT => Some(None),
        m => {
            let nanos = nanos_since(m, origin);
            let exact = nanos % i128::from(unit_nanos) == 0;
            exact.then(|| i64::try_from(nanos / i128::from(unit_nanos)).ok()).flatten().map(Some)
        }
    };
    let counts = times.micros.iter().map(count).collect::<Option<Vec<Option<i64>>>>()?;
    if missing {
        let exact = counts.iter().flatten().all(|c| c.abs() < 1 << 53);
        return exact.then(|| vector(counts.into_iter().map(|c| c.map_or(f64::NAN, |c| c as f64)).collect::<Vec<f64>>()));
    }
    Some(vector(counts.into_iter().flatten().collect::<Vec<i64>>()))
}

fn fractions(times: &Times, origin: i64, unit_nanos: i64) -> Option<Block> {
    const PARTS: i128 = 1024;
    let unit = i128::from(unit_nanos);
    let count = |&m: &i64| match m {
        NAT => Some(f64::NAN),
        m => {
            let parts = nanos_since(m, origin) * PARTS;
            (parts % unit == 0 && (parts / unit).abs() < 1 << 53).then(|| (parts / unit) as f64 / PARTS as f64)
        }
    };
    times.micros.iter().map(count).collect::<Option<Vec<f64>>>().map(vector)
}

/// Parts of seconds, as a file of such floats has them: those that are read back as the same times.
fn floats(times: &Times, origin: i64, own: TimeUnits) -> Option<Block> {
    const SECOND_NANOS: i64 = 1_000_000_000;
    let calendar = times.encoding.calendar;
    let in_seconds = times.micros.iter().all(|&m| m == NAT || nanos_since(m, origin) % i128::from(SECOND_NANOS) == 0);
    if own.unit_nanos > SECOND_NANOS || in_seconds {
        return None;
    }
    let cell = |&m: &i64| if m == NAT { f64::NAN } else { nanos_since(m, origin) as f64 / own.unit_nanos as f64 };
    let cells: Vec<f64> = times.micros.iter().map(cell).collect();
    let read = decode(&Encoded::Floats(cells.clone()), own, calendar).ok()?;
    (read == times.micros).then(|| vector(cells))
}

fn nanos_since(micros: i64, origin: i64) -> i128 {
    (i128::from(micros) - i128::from(origin)) * 1_000
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_kernels::calendar::Civil;
    use xeng_proto::TimeEncoding;

    #[test]
    fn dates_are_written_as_in_iso() {
        let at =
            |year, calendar: Calendar| calendar.micros(Civil { year, month: 2, day: 28, hour: 6, minute: 5, second: 4, micro: 0 }).unwrap();
        assert_eq!(iso(at(1850, Calendar::NoLeap), Calendar::NoLeap).unwrap(), "1850-02-28T06:05:04");
        assert_eq!(iso(at(1, Calendar::Day360) + 2, Calendar::Day360).unwrap(), "0001-02-28T06:05:04.000002");
        assert_eq!(iso(at(-44, Calendar::Julian), Calendar::Julian).unwrap(), "-0044-02-28T06:05:04");
        assert_eq!(iso(NAT, Calendar::Standard), None);
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
        let (block, units) = encode(&times("seconds since 1970-01-01", vec![100_000, NAT, 300_000]));
        assert_eq!(units, "seconds since 1970-01-01");
        assert_eq!((block.to_f64_vec()[0], block.to_f64_vec()[2]), (0.1, 0.3));
        assert!(block.to_f64_vec()[1].is_nan());
        let (block, _) = encode(&times("days since 1970-01-01", vec![NAT, DAY]));
        assert!(block.to_f64_vec()[0].is_nan());
        assert_eq!(block.to_f64_vec()[1], 1.0);
    }
}
