//! Times from numbers: `UNIT since DATE` in a CF calendar.
//!
//! In: units, calendar, numbers. Out: microseconds since 1970-01-01 of that calendar. Never guesses: units that are not
//! understood are an error, as in xarray.
//! Source: CF conventions 1.11, section 4.4.

use xeng_kernels::{Block, Calendar};
use xeng_proto::{AttrValue, Attrs, RegionError, TimeEncoding};

/// A missing time (`NaT`).
pub const MISSING: i64 = i64::MIN;

const DAY: i64 = 86_400_000_000;

/// Whether units say that a variable holds times: xarray asks only whether `since` occurs in them.
pub fn units_of(attrs: &Attrs) -> Option<&str> {
    match attrs.get("units") {
        Some(AttrValue::Text(units)) if units.contains("since") => Some(units),
        _ => None,
    }
}

/// Takes `units` and `calendar` out of the attributes.
///
/// # Errors
/// A reason, when they cannot be followed.
pub fn take_encoding(attrs: &mut Attrs) -> Result<TimeEncoding, String> {
    let units = match attrs.shift_remove("units") {
        Some(AttrValue::Text(units)) => units,
        _ => return Err("no units".into()),
    };
    let calendar = match attrs.shift_remove("calendar") {
        None => Calendar::Standard,
        Some(AttrValue::Text(name)) => calendar(&name).ok_or_else(|| format!("unknown calendar {name:?}"))?,
        Some(_) => return Err("its calendar is not a text".into()),
    };
    parse(&units, calendar)?;
    Ok(TimeEncoding { units, calendar })
}

fn calendar(name: &str) -> Option<Calendar> {
    Some(match name.to_ascii_lowercase().as_str() {
        "standard" | "gregorian" => Calendar::Standard,
        "proleptic_gregorian" => Calendar::ProlepticGregorian,
        "julian" => Calendar::Julian,
        "noleap" | "365_day" => Calendar::NoLeap,
        "all_leap" | "366_day" => Calendar::AllLeap,
        "360_day" => Calendar::Day360,
        _ => return None,
    })
}

/// Microseconds of one unit, and of the reference date.
fn parse(units: &str, calendar: Calendar) -> Result<(f64, i64), String> {
    let (unit, date) = units.split_once(" since ").ok_or_else(|| format!("time units {units:?} are not `UNIT since DATE`"))?;
    let step = step_micros(unit.trim(), calendar).ok_or_else(|| format!("time units {units:?} have no fixed length"))?;
    let reference = reference_micros(date.trim(), calendar).ok_or_else(|| format!("the date of the time units {units:?} is not understood"))?;
    Ok((step, reference))
}

fn step_micros(unit: &str, calendar: Calendar) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "days" | "day" | "d" => 86_400e6,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3_600e6,
        "minutes" | "minute" | "mins" | "min" => 60e6,
        "seconds" | "second" | "secs" | "sec" | "s" => 1e6,
        "milliseconds" | "millisecond" | "millisecs" | "millisec" | "msecs" | "msec" | "ms" => 1e3,
        "microseconds" | "microsecond" | "microsecs" | "microsec" | "us" => 1.0,
        "nanoseconds" | "nanosecond" | "ns" => 1e-3,
        // Only there do months have one length.
        "months" | "month" if calendar == Calendar::Day360 => 30.0 * 86_400e6,
        _ => return None,
    })
}

fn reference_micros(text: &str, calendar: Calendar) -> Option<i64> {
    let (date, clock) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let (sign, date) = date.strip_prefix('-').map_or((1, date), |rest| (-1, rest));
    let mut fields = date.split('-').map(|f| f.parse::<i64>().ok());
    let year = sign * fields.next()??;
    let (month, day) = (fields.next()??, fields.next()??);
    if fields.next().is_some() || !(-1_000_000..=1_000_000).contains(&year) {
        return None;
    }
    days(calendar, year, month, day)?.checked_mul(DAY)?.checked_add(clock_micros(clock)?)
}

/// `HH[:MM[:SS[.f]]][ zone]`, less the zone's offset.
fn clock_micros(text: &str) -> Option<i64> {
    let text = text.trim_end_matches("UTC").trim_end_matches("GMT").trim_end_matches(['Z', 'z']).trim();
    let (clock, zone) = match text.rfind(['+', '-']) {
        Some(at) => (text[..at].trim(), &text[at..]),
        None => (text, ""),
    };
    let mut micros = 0f64;
    if !clock.is_empty() {
        for (field, length) in clock.split(':').zip([3_600e6, 60e6, 1e6]) {
            micros += field.trim().parse::<f64>().ok().filter(|v| (0.0..=60.0).contains(v))? * length;
        }
        if clock.split(':').count() > 3 {
            return None;
        }
    }
    let mut shift = 0i64;
    if let (Some(sign), Some(zone)) = (zone.chars().next(), zone.get(1..)) {
        let (hours, minutes) = match zone.split_once(':') {
            Some((h, m)) => (h.parse::<i64>().ok()?, m.parse::<i64>().ok()?),
            None if zone.len() == 4 => (zone.get(..2)?.parse().ok()?, zone.get(2..)?.parse().ok()?),
            None => (zone.parse::<i64>().ok()?, 0),
        };
        shift = (hours * 60 + minutes) * 60_000_000 * if sign == '-' { -1 } else { 1 };
    }
    Some(micros.round() as i64 - shift)
}

const STARTS: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Days from 1970-01-01 to a date of the calendar; `None` where there is no such date.
fn days(calendar: Calendar, year: i64, month: i64, day: i64) -> Option<i64> {
    let m = usize::try_from(month - 1).ok().filter(|&m| m < 12)?;
    let length = |leap: bool| LENGTHS[m] + i64::from(leap && m == 1);
    let within = |leap: bool| (1..=length(leap)).contains(&day);
    let yday = |leap: bool| STARTS[m] + i64::from(leap && m > 1) + day - 1;
    match calendar {
        Calendar::Day360 => (1..=30).contains(&day).then(|| (year - 1970) * 360 + (month - 1) * 30 + day - 1),
        Calendar::NoLeap => within(false).then(|| (year - 1970) * 365 + yday(false)),
        Calendar::AllLeap => within(true).then(|| (year - 1970) * 366 + yday(true)),
        Calendar::ProlepticGregorian => gregorian(year, within, yday),
        Calendar::Julian => julian(year, within, yday).map(|d| d - julian_epoch()),
        // The reform of 1582: 4 October (Julian) is followed by 15 October (Gregorian); both count from the same day.
        Calendar::Standard if (year, month, day) >= (1582, 10, 15) => gregorian(year, within, yday),
        Calendar::Standard if (year, month, day) < (1582, 10, 5) => julian(year, within, yday).map(|d| d - julian_epoch() + 13),
        Calendar::Standard => None,
    }
}

fn gregorian(year: i64, within: impl Fn(bool) -> bool, yday: impl Fn(bool) -> i64) -> Option<i64> {
    let leap = (year.rem_euclid(4) == 0 && year.rem_euclid(100) != 0) || year.rem_euclid(400) == 0;
    let before = |y: i64| y * 365 + (y - 1).div_euclid(4) - (y - 1).div_euclid(100) + (y - 1).div_euclid(400);
    within(leap).then(|| before(year) - before(1970) + yday(leap))
}

/// Days since the start of the Julian year 0, less one.
fn julian(year: i64, within: impl Fn(bool) -> bool, yday: impl Fn(bool) -> i64) -> Option<i64> {
    let leap = year.rem_euclid(4) == 0;
    within(leap).then(|| year * 365 + (year - 1).div_euclid(4) + yday(leap))
}

fn julian_epoch() -> i64 {
    1970 * 365 + 1969 / 4
}

/// Numbers in the units of `encoding` as microseconds since 1970-01-01 of its calendar; NaN and `i64::MIN` are missing.
///
/// # Errors
/// `Request` when the units are not understood, `Data` when a time is further away than 292,000 years.
pub fn to_micros(encoding: &TimeEncoding, numbers: &Block) -> Result<Block, RegionError> {
    let (step, reference) = parse(&encoding.units, encoding.calendar).map_err(RegionError::request)?;
    let far = || RegionError::data(format!("a time in `{}` is too far away", encoding.units));
    let micros: Option<Vec<i64>> = if numbers.dtype().is_float() {
        numbers.to_f64_vec().into_iter().map(|v| if v.is_nan() { Some(MISSING) } else { from_float(v, step, reference) }).collect()
    } else {
        numbers.to_i64_vec().into_iter().map(|v| if v == MISSING { Some(MISSING) } else { from_integer(v, step, reference) }).collect()
    };
    Ok(Block::from_vec(numbers.shape(), micros.ok_or_else(far)?)?)
}

fn from_float(value: f64, step: f64, reference: i64) -> Option<i64> {
    let micros = (value * step).round();
    (micros.abs() < 9.2e18).then_some(micros as i64)?.checked_add(reference)
}

fn from_integer(value: i64, step: f64, reference: i64) -> Option<i64> {
    if step < 1.0 { value.div_euclid(1000) } else { value.checked_mul(step as i64)? }.checked_add(reference)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn first(units: &str, calendar: Calendar, value: f64) -> i64 {
        let encoding = TimeEncoding { units: units.into(), calendar };
        to_micros(&encoding, &Block::scalar(value)).unwrap().to_i64_vec()[0]
    }

    #[test]
    fn reference_dates_of_every_calendar() {
        // Days to 1970-01-01 by cftime 1.6.
        for (units, calendar, days) in [
            ("days since 1850-01-01", Calendar::ProlepticGregorian, -43829),
            ("days since 1850-01-01 00:00:00", Calendar::Standard, -43829),
            ("days since 1-1-1 00:00:0.0", Calendar::Standard, -719164),
            ("days since 0001-01-01", Calendar::ProlepticGregorian, -719162),
            ("days since 1850-1-1", Calendar::NoLeap, -120 * 365),
            ("days since 1850-01-01T00:00:00Z", Calendar::Day360, -120 * 360),
            ("days since 1850-01-01", Calendar::AllLeap, -120 * 366),
            ("days since 1969-12-31", Calendar::Julian, -1),
        ] {
            assert_eq!(first(units, calendar, 0.0), days * DAY, "{units} {calendar:?}");
        }
    }

    #[test]
    fn hours_zones_and_fractions() {
        assert_eq!(first("hours since 1970-01-01 00:00:00 +01:00", Calendar::Standard, 1.5), 1_800_000_000);
        assert_eq!(first("seconds since 1970-1-1 0:0:0 UTC", Calendar::Standard, 0.25), 250_000);
        assert_eq!(first("days since 1970-01-01", Calendar::Standard, f64::NAN), MISSING);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for units in ["months since 2000-01-01", "days since 0", "since 2000-01-01", "days since 2000-13-01", "days since 1582-10-10"] {
            assert!(parse(units, Calendar::Standard).is_err(), "{units}");
        }
        assert!(parse("months since 2000-01-01", Calendar::Day360).is_ok());
    }
}
