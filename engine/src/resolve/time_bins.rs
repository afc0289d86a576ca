//! The bins into which a frequency cuts times, as pandas and xarray's `CFTimeGrouper` make them.
//!
//! In: sorted times, a frequency, which ends count. Out: a label per bin, a bin per time. Never groups by anything but time.

use super::dates::DAY;
use super::fault::{Fault, Outcome, refuse};
use super::frequency::{Frequency, Period};
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

/// Which end of a bin labels it, or belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The earlier one.
    Left,
    /// The later one.
    Right,
}

/// From where bins of a fixed length are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Midnight before the first time.
    #[default]
    StartDay,
    /// The first time.
    Start,
    /// The last time, backwards.
    End,
    /// Midnight after the last time, backwards.
    EndDay,
    /// This time, in microseconds.
    At(i64),
}

/// What a user may say of bins beside their frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The end that labels a bin.
    pub label: Option<End>,
    /// The end that belongs to it.
    pub closed: Option<End>,
    /// From where bins of a fixed length are counted.
    pub origin: Origin,
    /// What is added to the origin, in microseconds.
    pub offset: i64,
}

/// The bins of sorted times.
///
/// # Errors
/// When the times are not sorted or missing, or there would be too many bins.
pub fn bins(times: &Times, frequency: Frequency, ends: Ends) -> Outcome<Bins> {
    let micros = &times.micros;
    let (Some(&first), Some(&last)) = (micros.first(), micros.last()) else { return refuse("there are no times to resample") };
    if micros.windows(2).any(|w| w[0] > w[1]) || first == i64::MIN {
        return refuse("resample() needs times in ascending order and none missing; use .sortby first");
    }
    let is_cftime = !labels::is_datetime64(times);
    let calendar = times.encoding.calendar;
    if is_cftime && matches!(frequency, Frequency::Periods(Period::Weeks { .. }, _)) {
        return refuse("xarray has no weeks for times of this calendar; '7D' counts seven days from the first");
    }
    let by_end = match frequency {
        Frequency::Periods(period, _) => period.is_end(),
        Frequency::Fixed(_) => false,
    };
    let backwards = matches!(ends.origin, Origin::End | Origin::EndDay);
    let usual = if by_end || backwards { End::Right } else { End::Left };
    let (label, closed) = (ends.label.unwrap_or(usual), ends.closed.unwrap_or(usual));
    let points = match frequency {
        Frequency::Periods(period, n) => periods(calendar, period, n, first, last, closed)?,
        Frequency::Fixed(step) => steps(step, first, last, closed, ends)?,
    };
    let mut edges = points.clone();
    if by_end {
        if closed == End::Right {
            // The whole of the last day belongs to the bin.
            edges.iter_mut().for_each(|e| *e += DAY - 1);
        }
        if edges.len() > 2 && edges[edges.len() - 2] > last {
            edges.pop();
        }
    }
    let bins = edges.len().saturating_sub(1);
    let bin = |m: &i64| match closed {
        End::Left => edges.partition_point(|e| e <= m),
        End::Right => edges.partition_point(|e| e < m),
    };
    let codes: Vec<usize> = micros.iter().map(bin).collect();
    if bins == 0 || codes.iter().any(|&c| c == 0 || c > bins) {
        return refuse("times fall outside the bins of this frequency");
    }
    if is_cftime && codes.last().is_some_and(|&c| c < bins) {
        return Err(Fault::unsupported("resampling times of this calendar where the last bin is empty"));
    }
    let skip = usize::from(label == End::Right);
    Ok(Bins { labels: points.into_iter().skip(skip).take(bins).collect(), codes: codes.into_iter().map(|c| c as i32 - 1).collect() })
}

/// Points of the calendar around all times, every `n`-th from the first.
fn periods(calendar: Calendar, period: Period, n: i64, first: i64, last: i64, closed: End) -> Outcome<Vec<i64>> {
    let midnight = |micros: i64| micros.div_euclid(DAY) * DAY;
    let (first, last) = (midnight(first), midnight(last));
    let before = period.at_or_before(calendar, first);
    let start = match closed {
        End::Left => before,
        // Off a point, going back to it counts as one.
        End::Right if period.point(calendar, before)? == first => before - n,
        End::Right => before - (n - 1),
    };
    let end = period.at_or_before(calendar, last) + n;
    let count = usize::try_from((end - start) / n + 1).unwrap_or(0);
    if count > MOST_BINS {
        return refuse("this frequency gives too many bins");
    }
    (0..count as i64).map(|i| period.point(calendar, start + i * n)).collect()
}

/// Points a fixed step apart around all times.
fn steps(step: i64, first: i64, last: i64, closed: End, ends: Ends) -> Outcome<Vec<i64>> {
    let wide = |v: i64| i128::from(v);
    let (step, mut first, last) = (wide(step), wide(first), wide(last));
    let day = wide(DAY);
    let mut origin = match ends.origin {
        Origin::StartDay => first.div_euclid(day) * day,
        Origin::Start => first,
        Origin::At(at) => wide(at),
        Origin::End | Origin::EndDay => {
            let end = if ends.origin == Origin::End { last } else { -(-last).div_euclid(day) * day };
            first = end - ((end - first).div_euclid(step) + i128::from(closed == End::Left)) * step;
            first
        }
    };
    origin += wide(ends.offset);
    let (before, after) = ((first - origin).rem_euclid(step), (last - origin).rem_euclid(step));
    let start = if before == 0 && closed == End::Right { first - step } else { first - before };
    let end = match (after, closed) {
        (0, End::Right) => last,
        (rest, _) => last + step - rest,
    };
    let count = (end - start).div_euclid(step) + 1;
    if count > MOST_BINS as i128 {
        return refuse("this frequency gives too many bins");
    }
    (0..count.max(0)).map(|i| i64::try_from(start + i * step).map_err(|_| Fault::new("a time is out of range"))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{dates, frequency};
    use super::*;
    use xeng_proto::TimeEncoding;

    fn times(texts: &[&str], calendar: Calendar) -> Times {
        let micros = texts.iter().map(|t| dates::parse(t, calendar).unwrap().start).collect();
        Times { micros, encoding: TimeEncoding { units: "days since 1970-01-01".to_owned(), calendar } }
    }

    fn of(times: &Times, text: &str, ends: Ends) -> (Vec<String>, Vec<i32>) {
        let b = bins(times, frequency::parse(text).unwrap(), ends).unwrap();
        (b.labels.iter().map(|&l| dates::show(l, times.encoding.calendar)[..13].trim_end_matches("T00").to_owned()).collect(), b.codes)
    }

    const RIGHT: Ends = Ends { label: None, closed: Some(End::Right), origin: Origin::StartDay, offset: 0 };

    #[test]
    fn quarters_start_in_december() {
        let t = times(&["2001-01-16", "2001-02-15", "2001-03-16", "2001-12-01"], Calendar::NoLeap);
        let (labels, codes) = of(&t, "QS-DEC", Ends::default());
        assert_eq!(labels, ["2000-12-01", "2001-03-01", "2001-06-01", "2001-09-01", "2001-12-01"]);
        assert_eq!(codes, [0, 0, 1, 4]);
    }

    #[test]
    fn ends_are_labelled_by_last_days() {
        let t = times(&["2001-01-01", "2001-01-31T18", "2001-02-01"], Calendar::Standard);
        assert_eq!(of(&t, "ME", Ends::default()), (vec!["2001-01-31".to_owned(), "2001-02-28".into()], vec![0, 0, 1]));
        assert_eq!(of(&t, "W", Ends::default()).0[0], "2001-01-07");
        assert_eq!(of(&t, "YE", Ends::default()).0, ["2001-12-31"]);
        let left = Ends { label: Some(End::Left), ..Ends::default() };
        assert_eq!(of(&t, "ME", left).0, ["2000-12-31", "2001-01-31"]);
    }

    /// `pandas.Series(range(n), times).resample(...).count()`
    #[test]
    fn a_first_time_on_an_edge_closes_a_bin_before() {
        let t = times(&["2001-01-01", "2001-01-02", "2001-01-03"], Calendar::Standard);
        assert_eq!(of(&t, "2D", RIGHT), (vec!["2000-12-30".to_owned(), "2001-01-01".into()], vec![0, 1, 1]));
        assert_eq!(of(&t, "2MS", RIGHT), (vec!["2000-11-01".to_owned(), "2001-01-01".into()], vec![0, 1, 1]));
        let (labels, codes) = of(&t, "MS", RIGHT);
        assert_eq!((labels.len(), codes), (2, vec![0, 1, 1]));
    }

    #[test]
    fn fixed_steps_start_where_they_are_told_to() {
        let t = times(&["2001-01-01T07", "2001-01-01T13"], Calendar::Standard);
        assert_eq!(of(&t, "6h", Ends::default()).0, ["2001-01-01T06", "2001-01-01T12"]);
        let start = Ends { origin: Origin::Start, ..Ends::default() };
        assert_eq!(of(&t, "6h", start).0, ["2001-01-01T07", "2001-01-01T13"]);
        let end = Ends { origin: Origin::End, ..Ends::default() };
        assert_eq!(of(&t, "6h", end).0, ["2001-01-01T07", "2001-01-01T13"]);
        let late = Ends { offset: 7_200_000_000, ..Ends::default() };
        assert_eq!(of(&t, "6h", late).0, ["2001-01-01T02", "2001-01-01T08"]);
        let right = Ends { label: Some(End::Right), ..Ends::default() };
        assert_eq!(of(&t, "6h", right).0, ["2001-01-01T12", "2001-01-01T18"]);
    }

    #[test]
    fn other_calendars_have_no_weeks() {
        assert!(bins(&times(&["2001-01-01"], Calendar::NoLeap), frequency::parse("W").unwrap(), Ends::default()).is_err());
    }
}
