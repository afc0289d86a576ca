//! Frequencies of `resample`, and the bins into which they cut times.
//!
//! In: sorted times, a text such as `QS-DEC`. Out: a label per bin, a bin per time. Never groups by anything but time.

use super::dates::{self, DAY};
use super::fault::{Fault, Outcome, refuse};
use crate::lazy::labels;
use xeng_kernels::Calendar;
use xeng_proto::Times;

/// More bins than this are refused.
const MOST_BINS: usize = 4_000_000;

/// Consecutive bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// The label of each bin, in microseconds.
    pub labels: Vec<i64>,
    /// The bin of each time.
    pub codes: Vec<i32>,
}

/// A frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    /// `n` months from each start of a month that is a multiple of `period` months after `anchor`; labelled by its first day.
    Starts { months: i64, every: i64, anchor: i64 },
    /// Months up to each end of a period; labelled by its last day.
    Ends { every: i64, anchor: i64 },
    /// Weeks up to this day of the week, Monday being 0; labelled by that day.
    Weeks { last: i64 },
    /// A fixed number of microseconds, counted from midnight before the first time.
    Fixed(i64),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

fn parse(text: &str) -> Outcome<Frequency> {
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
    match unit {
        "MS" if anchor.is_none() => Ok(Frequency::Starts { months: n, every: 1, anchor: 1 }),
        "QS" => Ok(Frequency::Starts { months: 3 * n, every: 3, anchor: month(1)? }),
        "YS" => Ok(Frequency::Starts { months: 12 * n, every: 12, anchor: month(1)? }),
        "ME" if anchor.is_none() && n == 1 => Ok(Frequency::Ends { every: 1, anchor: 12 }),
        "QE" if n == 1 => Ok(Frequency::Ends { every: 3, anchor: month(12)? }),
        "YE" if n == 1 => Ok(Frequency::Ends { every: 12, anchor: month(12)? }),
        "W" if n == 1 => match anchor {
            None => Ok(Frequency::Weeks { last: 6 }),
            Some(a) => WEEKDAYS.iter().position(|d| *d == a).map(|i| Frequency::Weeks { last: i as i64 }).ok_or_else(unknown),
        },
        "ME" | "QE" | "YE" | "W" => Err(Fault::unsupported(format!("the frequency '{text}'"))),
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

/// Spellings of earlier versions of pandas, and what took their places.
const OLD: [(&str, &str); 8] = [("M", "ME"), ("Q", "QE"), ("Y", "YE"), ("A", "YE"), ("AS", "YS"), ("H", "h"), ("T", "min"), ("S", "s")];

/// Which end of a bin labels it, or belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The earlier one.
    Left,
    /// The later one.
    Right,
}

/// The bins of sorted times; ends as pandas takes them where they are not given.
///
/// # Errors
/// When the frequency is unknown, the times are not sorted or missing, or there would be too many bins.
pub fn bins(times: &Times, text: &str, label: Option<End>, closed: Option<End>) -> Outcome<Bins> {
    let frequency = parse(text)?;
    let by_end = matches!(frequency, Frequency::Ends { .. } | Frequency::Weeks { .. });
    let usual = if by_end { End::Right } else { End::Left };
    let (label, closed) = (label.unwrap_or(usual), closed.unwrap_or(usual));
    if closed != usual {
        return Err(Fault::unsupported(format!("bins of '{text}' that are closed on the other side")));
    }
    let micros = &times.micros;
    let (Some(&first), Some(&last)) = (micros.first(), micros.last()) else { return refuse("there are no times to resample") };
    if micros.windows(2).any(|w| w[0] > w[1]) || first == i64::MIN {
        return refuse("resample() needs times in ascending order and none missing; use .sortby first");
    }
    let calendar = times.encoding.calendar;
    if matches!(frequency, Frequency::Weeks { .. }) && !labels::is_datetime64(times) {
        return refuse("xarray has no weeks for times of this calendar; '7D' counts seven days from the first");
    }
    let starts = match frequency {
        Frequency::Starts { months, every, anchor } => month_starts(calendar, first, last, months, every, anchor)?,
        Frequency::Ends { every, anchor } => month_starts(calendar, first, last, every, every, anchor % 12 + 1)?,
        Frequency::Weeks { last: day } => {
            let after = |m: i64| (m.div_euclid(DAY) + 3).rem_euclid(7);
            let back = (after(first) - day - 1).rem_euclid(7);
            fixed_starts((first.div_euclid(DAY) - back) * DAY, last, 7 * DAY)?
        }
        Frequency::Fixed(step) => {
            let midnight = first.div_euclid(DAY) * DAY;
            fixed_starts(first - (first - midnight).rem_euclid(step), last, step)?
        }
    };
    let codes = micros.iter().map(|m| starts.partition_point(|s| s <= m) as i32 - 1).collect();
    let labels = match (frequency, label) {
        (Frequency::Starts { .. } | Frequency::Fixed(_), End::Left) => starts,
        (Frequency::Fixed(step), End::Right) => starts.iter().map(|s| s + step).collect(),
        (Frequency::Starts { months, .. }, End::Right) => {
            starts.iter().map(|&s| next_start(calendar, s, months)).collect::<Outcome<_>>()?
        }
        (Frequency::Weeks { .. }, End::Right) => starts.iter().map(|s| s + 6 * DAY).collect(),
        (Frequency::Weeks { .. } | Frequency::Ends { .. }, End::Left) => starts.iter().map(|s| s - DAY).collect(),
        (Frequency::Ends { every, .. }, End::Right) => {
            starts.iter().map(|&s| next_start(calendar, s, every).map(|n| n - DAY)).collect::<Outcome<_>>()?
        }
    };
    Ok(Bins { labels, codes })
}

fn month_index(calendar: Calendar, micros: i64) -> i64 {
    let d = calendar.civil(micros);
    d.year * 12 + d.month as i64 - 1
}

fn month_start(calendar: Calendar, index: i64) -> Outcome<i64> {
    dates::midnight(calendar, index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1).ok_or_else(|| Fault::new("a time is out of range"))
}

fn next_start(calendar: Calendar, start: i64, months: i64) -> Outcome<i64> {
    month_start(calendar, month_index(calendar, start) + months)
}

fn month_starts(calendar: Calendar, first: i64, last: i64, months: i64, every: i64, anchor: i64) -> Outcome<Vec<i64>> {
    let index = month_index(calendar, first);
    let mut at = index - (index - (anchor - 1)).rem_euclid(every);
    let end = month_index(calendar, last);
    let mut starts = vec![];
    while at <= end {
        if starts.len() >= MOST_BINS {
            return refuse("this frequency gives too many bins");
        }
        starts.push(month_start(calendar, at)?);
        at += months;
    }
    Ok(starts)
}

fn fixed_starts(first: i64, last: i64, step: i64) -> Outcome<Vec<i64>> {
    let count = (last as i128 - first as i128) / step as i128 + 1;
    if count > MOST_BINS as i128 {
        return refuse("this frequency gives too many bins");
    }
    Ok((0..count as i64).map(|i| first + i * step).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_proto::TimeEncoding;

    fn times(texts: &[&str], calendar: Calendar) -> Times {
        let micros = texts.iter().map(|t| dates::parse(t, calendar).unwrap().start).collect();
        Times { micros, encoding: TimeEncoding { units: "days since 1970-01-01".to_owned(), calendar } }
    }

    fn shown(b: &Bins, calendar: Calendar) -> Vec<String> {
        b.labels.iter().map(|&l| dates::show(l, calendar)[..10].to_owned()).collect()
    }

    #[test]
    fn quarters_start_in_december() {
        let t = times(&["2001-01-16", "2001-02-15", "2001-03-16", "2001-12-01"], Calendar::NoLeap);
        let b = bins(&t, "QS-DEC", None, None).unwrap();
        assert_eq!(shown(&b, Calendar::NoLeap), ["2000-12-01", "2001-03-01", "2001-06-01", "2001-09-01", "2001-12-01"]);
        assert_eq!(b.codes, [0, 0, 1, 4]);
    }

    #[test]
    fn ends_are_labelled_by_last_days() {
        let t = times(&["2001-01-01", "2001-01-31T18", "2001-02-01"], Calendar::Standard);
        assert_eq!(shown(&bins(&t, "ME", None, None).unwrap(), Calendar::Standard), ["2001-01-31", "2001-02-28"]);
        assert_eq!(bins(&t, "ME", None, None).unwrap().codes, [0, 0, 1]);
        assert_eq!(shown(&bins(&t, "W", None, None).unwrap(), Calendar::Standard)[0], "2001-01-07");
        assert_eq!(shown(&bins(&t, "YE", None, None).unwrap(), Calendar::Standard), ["2001-12-31"]);
    }

    #[test]
    fn fixed_steps_start_at_midnight() {
        let t = times(&["2001-01-01T07", "2001-01-01T13"], Calendar::Standard);
        let b = bins(&t, "6h", None, None).unwrap();
        assert_eq!(b.labels.iter().map(|&l| dates::show(l, Calendar::Standard)[11..13].to_owned()).collect::<Vec<_>>(), ["06", "12"]);
        assert!(bins(&t, "fortnight", None, None).is_err());
    }

    #[test]
    fn ends_may_be_asked_for() {
        let t = times(&["2001-01-01", "2001-01-01T06", "2001-01-01T13"], Calendar::Standard);
        let hours = |b: &Bins| b.labels.iter().map(|&l| dates::show(l, Calendar::Standard)[8..13].to_owned()).collect::<Vec<_>>();
        let b = bins(&t, "6h", Some(End::Right), None).unwrap();
        assert_eq!((hours(&b), b.codes), (vec!["01T06".to_owned(), "01T12".into(), "01T18".into()], vec![0, 1, 2]));
        assert!(bins(&t, "6h", None, Some(End::Right)).is_err());
        assert_eq!(shown(&bins(&t, "ME", Some(End::Left), None).unwrap(), Calendar::Standard), ["2000-12-31"]);
        assert_eq!(shown(&bins(&t, "MS", Some(End::Right), None).unwrap(), Calendar::Standard), ["2001-02-01"]);
    }

    #[test]
    fn old_spellings_are_refused_with_the_new_one() {
        let t = times(&["2001-01-01T07", "2001-01-01T13"], Calendar::Standard);
        for (old, new) in [("M", "'ME'"), ("1Q", "'1QE'"), ("6H", "'6h'"), ("A-DEC", "'YE-DEC'"), ("AS", "'YS'"), ("Y", "'YE'")] {
            let message = bins(&t, old, None, None).unwrap_err().message;
            assert!(message.contains(new), "{old}: {message}");
        }
        assert!(bins(&times(&["2001-01-01"], Calendar::NoLeap), "W", None, None).is_err());
    }
}
