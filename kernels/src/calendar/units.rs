//! CF time units: `hours since 1900-01-01 00:00:0.0`.
//!
//! In: a units attribute, numbers. Out: microseconds of a calendar, and back. Never guesses: what xarray refuses is refused.

use super::partial_date::scan;
use super::{Calendar, Civil, DAY, NAT};
use crate::error::{KernelError, Result};

/// A unit and a reference time of one calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeUnits {
    /// Nanoseconds of one unit.
    pub unit_nanos: i64,
    /// The reference time, in microseconds since 1970-01-01T00:00:00 of its calendar.
    pub reference: i64,
    /// Whether pandas knows the unit by this spelling; xarray leaves the others to cftime, which rounds otherwise.
    spelling: Spelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Spelling {
    Pandas,
    Cftime,
}

const SECOND: i64 = 1_000_000_000;
const DAY_NANOS: i64 = 86_400 * SECOND;

impl TimeUnits {
    /// The units of a `units` attribute, as xarray reads it: with pandas, else with cftime.
    ///
    /// `months since` exists in the calendar `360_day` alone and `common_years since` in `noleap`, as in cftime.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] for an unknown unit, or a reference date that cannot be read or does not exist; the
    /// message names the way out.
    pub fn parse(text: &str, calendar: Calendar) -> Result<TimeUnits> {
        let bad = |why: String| {
            KernelError::malformed(
                "time units",
                format!("'{text}' in the calendar {}: {why}; decode_times=false reads the numbers", calendar.name()),
            )
        };
        let (unit, date) = split(text).ok_or_else(|| bad("not of the form 'UNIT since DATE'".into()))?;
        let unit_nanos =
            unit_nanos(&unit.to_ascii_lowercase(), calendar).ok_or_else(|| bad(format!("the unit '{unit}' has no fixed length here")))?;
        let found = scan(date).ok_or_else(|| bad("the reference date is not of the form year-month-day hour:minute:second".into()))?;
        let by_pandas = matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian);
        if found.parts < 3 && !(by_pandas && found.date.year > 1582) {
            return Err(bad("the reference date lacks its month or day".into()));
        }
        if !by_pandas && found.loose {
            return Err(bad("an hour without minutes, or a short time zone, which cftime would leave out silently".into()));
        }
        if found.date.year == 0 && matches!(calendar, Calendar::Standard | Calendar::Julian) {
            return Err(bad("this calendar has no year 0".into()));
        }
        // Years before 1 are counted without a year 0 where the calendar has none.
        let before_one = found.date.year < 0 && matches!(calendar, Calendar::Standard | Calendar::Julian);
        let date = Civil { year: found.date.year + before_one as i64, ..found.date };
        let local = calendar.micros(date).map_err(|e| bad(e.to_string()))?;
        let reference = local.checked_sub(found.zone_minutes * 60_000_000).ok_or_else(|| bad("a time beyond 64 bits".into()))?;
        Ok(TimeUnits { unit_nanos, reference, spelling: spelling(&unit.to_ascii_lowercase()) })
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let at = text.as_bytes().windows(7).position(|w| w.eq_ignore_ascii_case(b" since "))?;
    Some((text.get(..at)?.trim(), text.get(at + 7..)?.trim()))
}

fn spelling(unit: &str) -> Spelling {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "nanosecond" | "microsecond" | "millisecond" | "second" | "minute" | "hour" | "day" => Spelling::Pandas,
        _ => Spelling::Cftime,
    }
}

fn unit_nanos(unit: &str, calendar: Calendar) -> Option<i64> {
    Some(match unit {
        "nanosecond" | "nanoseconds" if matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian) => 1,
        "microsecond" | "microseconds" | "microsec" | "microsecs" => 1_000,
        "millisecond" | "milliseconds" | "millisec" | "millisecs" | "msec" | "msecs" | "ms" => 1_000_000,
        "second" | "seconds" | "sec" | "secs" | "s" => SECOND,
        "minute" | "minutes" | "min" | "mins" => 60 * SECOND,
        "hour" | "hours" | "hr" | "hrs" | "h" => 3_600 * SECOND,
        "day" | "days" | "d" => DAY_NANOS,
        "month" | "months" if calendar == Calendar::Day360 => 30 * DAY_NANOS,
        "common_year" | "common_years" if calendar == Calendar::NoLeap => 365 * DAY_NANOS,
        _ => return None,
    })
}

/// Numbers as a time variable stores them.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoded {
    /// Integers; [`NAT`] is missing.
    Integers(Vec<i64>),
    /// Floats; NaN is missing.
    Floats(Vec<f64>),
}

/// Microseconds since 1970-01-01T00:00:00 of `calendar`; [`NAT`] where missing.
///
/// Integers are exact to the microsecond (nanoseconds are cut). Floats follow xarray: where it decodes to
/// `datetime64[ns]`, the product with the unit in nanoseconds is cut to an integer; elsewhere (cftime) it is rounded to
/// microseconds, towards the second where that is at most one microsecond away.
///
/// # Errors
/// [`KernelError::Malformed`] when a time lies beyond 64 bits of microseconds.
pub fn decode(values: &Encoded, units: TimeUnits, calendar: Calendar) -> Result<Vec<i64>> {
    match values {
        Encoded::Integers(v) => {
            v.iter().map(|&x| if x == NAT { Ok(NAT) } else { from_nanos(x as i128 * units.unit_nanos as i128, units) }).collect()
        }
        Encoded::Floats(v) => {
            let by_pandas = pandas_decodes(v, units, calendar);
            v.iter().map(|&x| if x.is_nan() { Ok(NAT) } else { decode_float(x, units, by_pandas) }).collect()
        }
    }
}

fn beyond() -> KernelError {
    KernelError::malformed("time", "a time beyond 64 bits of microseconds; decode_times=false reads the numbers")
}

fn from_nanos(nanos: i128, units: TimeUnits) -> Result<i64> {
    let micros = nanos.div_euclid(1_000) + units.reference as i128;
    i64::try_from(micros).ok().filter(|&m| m != NAT).ok_or_else(beyond)
}

/// Whether xarray decodes all of these to `datetime64[ns]`: within its range, and after the reform of 1582.
fn pandas_decodes(values: &[f64], units: TimeUnits, calendar: Calendar) -> bool {
    /// Microseconds since 1970 of the first and last `datetime64[ns]`.
    const RANGE: (f64, f64) = (-9_223_372_036_854_775.0, 9_223_372_036_854_775.0);
    let reference = units.reference as f64;
    let inside = |x: f64| {
        let at = x * (units.unit_nanos as f64 / 1_000.0);
        at.abs() < RANGE.1 && (RANGE.0..RANGE.1).contains(&(at + reference))
    };
    matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian)
        && units.spelling == Spelling::Pandas
        && (RANGE.0..RANGE.1).contains(&reference)
        && values.iter().all(|&x| x.is_nan() || inside(x))
}

fn decode_float(x: f64, units: TimeUnits, by_pandas: bool) -> Result<i64> {
    // Far below what i128 holds, and far above what a time may be.
    if x.abs() * units.unit_nanos as f64 > 1e30 || x.is_infinite() {
        return Err(beyond());
    }
    if by_pandas {
        return from_nanos((x * units.unit_nanos as f64) as i128, units);
    }
    let whole = x.trunc();
    let micros = units.unit_nanos as f64 / 1_000.0;
    let exact = (x - whole) * micros;
    let rounded = exact.round_ties_even();
    let beside_second = if units.unit_nanos >= SECOND { rounded.rem_euclid(1e6) } else { 0.0 };
    let rest = if beside_second == 1.0 {
        exact.floor()
    } else if beside_second == 999_999.0 {
        exact.ceil()
    } else {
        rounded
    } as i128;
    from_nanos(whole as i128 * units.unit_nanos as i128 + rest * 1_000, units)
}

const _: () = assert!(DAY * 1_000 == DAY_NANOS);
