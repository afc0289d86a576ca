//! Frequencies of `resample`, as pandas writes them.
//!
//! In: a text such as `QS-DEC`. Out: a frequency, and the points in time at which it cuts. Never looks at an array.

use super::dates::{self, DAY};
use super::fault::{Fault, Outcome, refuse};
use xeng_kernels::Calendar;

/// A frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// Every so many periods of the calendar.
    Periods(Period, i64),
    /// A fixed number of microseconds.
    Fixed(i64),
}

/// Points that the calendar sets, numbered in the order of time; all are midnights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// First days of months, `every` months apart, of which one is the month `anchor` (January being 1).
    Starts {
        /// Months from one to the next.
        every: i64,
        /// A month that has such a point.
        anchor: i64,
    },
    /// Last days of such months.
    Ends {
        /// Months from one to the next.
        every: i64,
        /// A month that has such a point.
        anchor: i64,
    },
    /// Days of the week, Monday being 0.
    Weeks {
        /// Which.
        day: i64,
    },
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
/// The first Monday of 1970, in days.
const FIRST_MONDAY: i64 = 4;

/// Spellings of earlier versions of pandas, and what took their places.
const OLD: [(&str, &str); 8] = [("M", "ME"), ("Q", "QE"), ("Y", "YE"), ("A", "YE"), ("AS", "YS"), ("H", "h"), ("T", "min"), ("S", "s")];

/// Reads a frequency.
///
/// # Errors
/// When it is none that xeng knows.
pub fn parse(text: &str) -> Outcome<Frequency> {
    let unknown = || {
        Fault::new(format!(
            "'{text}' is no frequency that xeng knows; there are: YS, YE, QS, QE (with -DEC and the like), MS, ME, W, D, h, min, s, and multiples such as 6h"
        ))
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let n: i64 = if digits == 0 { 1 } else { text[..digits].parse().map_err(|_| unknown())? };
    let (unit, anchor) = text[digits..].split_once('-').map_or((&text[digits..], None), |(u, a)| (u, Some(a)));
    let month = |default: i64| match anchor {
        None => Ok(default),
        Some(a) => MONTHS.iter().position(|m| *m == a).map(|i| i as i64 + 1).ok_or_else(unknown),
    };
    if !(1..=1_000_000).contains(&n) {
        return refuse("a frequency's multiple must lie between 1 and 1000000");
    }
    let fixed = |unit: i64| if anchor.is_none() { Ok(Frequency::Fixed(n * unit)) } else { Err(unknown()) };
    let starts = |every: i64, anchor: i64| Ok(Frequency::Periods(Period::Starts { every, anchor }, n));
    let ends = |every: i64, anchor: i64| Ok(Frequency::Periods(Period::Ends { every, anchor }, n));
    match unit {
        "MS" if anchor.is_none() => starts(1, 1),
        "QS" => starts(3, month(1)?),
        "YS" => starts(12, month(1)?),
        "ME" if anchor.is_none() => ends(1, 12),
        "QE" => ends(3, month(12)?),
        "YE" => ends(12, month(12)?),
        "W" => {
            let day = anchor.map_or(Ok(6), |a| WEEKDAYS.iter().position(|d| *d == a).map(|i| i as i64).ok_or_else(unknown))?;
            Ok(Frequency::Periods(Period::Weeks { day }, n))
        }
        "D" => fixed(DAY),
        "h" => fixed(3_600_000_000),
        "min" => fixed(60_000_000),
        "s" => fixed(1_000_000),
        old => match OLD.iter().find(|(name, _)| *name == old) {
            Some((_, new)) => refuse(format!(
                "'{text}' is an old spelling that xarray refuses; write '{}{new}{}'",
                &text[..digits],
                &text[digits + unit.len()..]
            )),
            None => Err(unknown()),
        },
    }
}

impl Period {
    /// Whether bins end with these points rather than begin with them.
    pub fn is_end(self) -> bool {
        !matches!(self, Period::Starts { .. })
    }

    /// The number of the last point that is not after `micros`.
    pub fn at_or_before(self, calendar: Calendar, micros: i64) -> i64 {
        let day = micros.div_euclid(DAY);
        let d = calendar.civil(micros);
        let month = d.year * 12 + i64::from(d.month) - 1;
        match self {
            Period::Starts { every, anchor } => (month - (anchor - 1)).div_euclid(every),
            Period::Ends { every, anchor } => {
                let is_last = d.day == calendar.days_in_month(d.year, d.month);
                (month - i64::from(!is_last) - (anchor - 1)).div_euclid(every)
            }
            Period::Weeks { day: wanted } => (day - FIRST_MONDAY - wanted).div_euclid(7),
        }
    }

    /// The point of that number, in microseconds.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn point(self, calendar: Calendar, number: i64) -> Outcome<i64> {
        let beyond = || Fault::new("a time is out of range");
        let start = |index: i64| dates::midnight(calendar, index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1).ok_or_else(beyond);
        match self {
            Period::Starts { every, anchor } => start(number * every + anchor - 1),
            Period::Ends { every, anchor } => start(number * every + anchor).map(|next| next - DAY),
            Period::Weeks { day } => (number * 7 + FIRST_MONDAY + day).checked_mul(DAY).ok_or_else(beyond),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(period: Period, text: &str, calendar: Calendar) -> String {
        let at = period.at_or_before(calendar, dates::parse(text, calendar).unwrap().start);
        dates::show(period.point(calendar, at).unwrap(), calendar)[..10].to_owned()
    }

    #[test]
    fn points_are_those_of_the_calendar() {
        let standard = Calendar::Standard;
        assert_eq!(shown(Period::Starts { every: 3, anchor: 12 }, "2001-02-15", standard), "2000-12-01");
        assert_eq!(shown(Period::Starts { every: 12, anchor: 7 }, "2001-07-01", standard), "2001-07-01");
        assert_eq!(shown(Period::Ends { every: 1, anchor: 12 }, "2000-02-28", standard), "2000-01-31");
        assert_eq!(shown(Period::Ends { every: 1, anchor: 12 }, "2001-02-28", standard), "2001-02-28");
        assert_eq!(shown(Period::Ends { every: 3, anchor: 11 }, "2001-12-24", Calendar::Day360), "2001-11-30");
        assert_eq!(shown(Period::Weeks { day: 6 }, "2001-01-10", standard), "2001-01-07");
        assert_eq!(shown(Period::Weeks { day: 0 }, "1969-12-30", standard), "1969-12-29");
    }

    #[test]
    fn old_spellings_are_refused_with_the_new_one() {
        for (old, new) in [("M", "'ME'"), ("1Q", "'1QE'"), ("6H", "'6h'"), ("A-DEC", "'YE-DEC'"), ("AS", "'YS'"), ("Y", "'YE'")] {
            let message = parse(old).unwrap_err().message;
            assert!(message.contains(new), "{old}: {message}");
        }
        assert!(parse("fortnight").is_err());
        assert!(parse("0h").is_err());
        assert!(parse("MS-DEC").is_err());
    }
}
