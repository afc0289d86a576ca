//! Where an axis has its marks, and what stands beside them.
//!
//! In: the range of an axis. Out: positions and labels. Never more labels than asked for, by much.

use xeng_kernels::Calendar;
use xeng_kernels::calendar::{Civil, DAY};

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `rough`.
pub(super) fn nice_step(rough: f64) -> f64 {
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// The multiples of `step` within a range, at most a hundred.
pub(super) fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = step * 1e-6;
    let first = ((low - slack) / step).ceil();
    (0..100)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|v| *v <= high + slack)
        .map(|v| if v.abs() < slack { 0.0 } else { v })
        .collect()
}

/// Round numbers.
pub(super) fn numbers(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let step = nice_step((high - low) / count.max(1) as f64);
    let at = multiples(low, high, step);
    let largest = low.abs().max(high.abs());
    at.into_iter().map(|v| Tick { at: v, label: number(v, step, largest) }).collect()
}

/// A number with as many decimals as steps of this size need, and a true minus sign.
pub(super) fn number(value: f64, step: f64, largest: f64) -> String {
    let text = if largest >= 1e6 || (largest < 1e-3 && largest > 0.0) {
        let decimals = (largest.log10().floor() - step.log10().floor()).clamp(0.0, 8.0) as usize;
        power_of_ten(value, decimals)
    } else {
        let decimals =
            (0..9).find(|d| ((step * 10f64.powi(*d)).round() - step * 10f64.powi(*d)).abs() < 1e-6 * step * 10f64.powi(*d)).unwrap_or(9);
        format!("{value:.*}", decimals as usize)
    };
    text.replace('-', "\u{2212}")
}

fn power_of_ten(value: f64, decimals: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.decimals$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{digits}×10{}", superscript(exponent)),
        None => text,
    }
}

/// Digits and minus as superscripts.
pub(super) fn superscript(text: &str) -> String {
    let up = |c: char| match c {
        '-' | '\u{2212}' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(0x2070 + c as u32 - '0' as u32).unwrap_or(c),
        other => other,
    };
    text.chars().map(up).collect()
}

/// Degrees of latitude or longitude, such as `60°N`.
pub(super) fn degrees(low: f64, high: f64, count: usize, is_latitude: bool) -> Vec<Tick> {
    let rough = (high - low) / count.max(1) as f64;
    let step = [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 90.0].into_iter().find(|s| *s >= rough).unwrap_or(90.0);
    let step = if rough < 0.6 { nice_step(rough) } else { step };
    multiples(low, high, step).into_iter().map(|v| Tick { at: v, label: degree(v, step, is_latitude) }).collect()
}

pub(super) fn degree(value: f64, step: f64, is_latitude: bool) -> String {
    let v = if is_latitude { value } else { (value + 180.0).rem_euclid(360.0) - 180.0 };
    let side = match (is_latitude, v) {
        (_, 0.0) => "",
        (true, v) => {
            if v > 0.0 {
                "N"
            } else {
                "S"
            }
        }
        (false, v) => {
            if v == -180.0 {
                ""
            } else if v > 0.0 {
                "E"
            } else {
                "W"
            }
        }
    };
    format!("{}°{side}", number(v.abs(), step.min(1.0), 1.0))
}

/// Dates between two points in time, given in microseconds since 1970-01-01 of the calendar.
pub(super) fn dates(low: f64, high: f64, count: usize, calendar: Calendar) -> Vec<Tick> {
    const YEAR: f64 = 365.25;
    let span = (high - low) / DAY as f64 / count.max(1) as f64;
    if span > 0.75 * YEAR {
        return years(low, high, nice_step(span / YEAR).max(1.0).round() as i64, calendar);
    }
    if span > 20.0 {
        let step = [1, 2, 3, 6, 12].into_iter().find(|m| f64::from(*m) * 30.5 >= span).unwrap_or(12);
        return months(low, high, i64::from(step), calendar);
    }
    if span > 0.6 {
        let step = [1, 2, 5, 10, 20].into_iter().find(|d| f64::from(*d) >= span).unwrap_or(20);
        return steps(low, high, f64::from(step) * DAY as f64, calendar);
    }
    let hours = [0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0].into_iter().find(|h| h / 24.0 >= span).unwrap_or(24.0);
    steps(low, high, hours / 24.0 * DAY as f64, calendar)
}

fn year_month(micros: f64, calendar: Calendar) -> (i64, i64) {
    let d = calendar.civil(micros as i64);
    (d.year, i64::from(d.month))
}

fn start(year: i64, month: i64, calendar: Calendar) -> f64 {
    // Beyond what a calendar counts no mark is wanted.
    calendar
        .micros(Civil { year, month: month.clamp(1, 12) as u32, day: 1, hour: 0, minute: 0, second: 0, micro: 0 })
        .map_or(f64::NAN, |m| m as f64)
}

fn years(low: f64, high: f64, step: i64, calendar: Calendar) -> Vec<Tick> {
    let first = year_month(low, calendar).0.div_euclid(step) * step;
    let ticks = (0..60).map(|i| first + i * step).map(|y| Tick { at: start(y, 1, calendar), label: format!("{y}") });
    ticks.filter(|t| t.at >= low && t.at <= high).collect()
}

fn months(low: f64, high: f64, step: i64, calendar: Calendar) -> Vec<Tick> {
    let (year, _) = year_month(low, calendar);
    let all = (0..600).map(|i| (year + i * step / 12, (i * step) % 12 + 1));
    let ticks = all.map(|(y, m)| Tick { at: start(y, m, calendar), label: format!("{} {y}", &MONTHS[(m - 1) as usize % 12][..3]) });
    ticks.filter(|t| t.at >= low && t.at <= high).take(60).collect()
}

/// English names of the months.
pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

fn steps(low: f64, high: f64, step: f64, calendar: Calendar) -> Vec<Tick> {
    let label = |at: f64| {
        let d = calendar.civil(at as i64);
        match (d.hour, d.minute, d.second, d.micro) {
            (0, 0, 0, 0) => format!("{} {}", d.day, &MONTHS[(d.month as usize - 1) % 12][..3]),
            (hour, minute, ..) => format!("{hour:02}:{minute:02}"),
        }
    };
    multiples(low, high, step).into_iter().map(|at| Tick { at, label: label(at) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn numbers_are_round() {
        assert_eq!(labels(numbers(-1.3, 2.1, 4)), ["−1", "0", "1", "2"]);
        assert_eq!(labels(numbers(0.0, 0.3, 3)), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(numbers(0.0, 2e6, 2)), ["0", "1×10⁶", "2×10⁶"]);
        assert_eq!(nice_step(0.0), 1.0);
    }

    #[test]
    fn degrees_name_their_side() {
        assert_eq!(labels(degrees(-90.0, 90.0, 6, true)), ["90°S", "60°S", "30°S", "0°", "30°N", "60°N", "90°N"]);
        assert_eq!(labels(degrees(0.0, 360.0, 6, false)), ["0°", "60°E", "120°E", "180°", "120°W", "60°W", "0°"]);
    }

    #[test]
    fn dates_follow_the_calendar() {
        let at = |y, m, d| start(y, m, Calendar::Day360) + f64::from(d - 1) * DAY as f64;
        assert_eq!(labels(dates(at(2000, 1, 1), at(2040, 1, 1), 5, Calendar::Day360)), ["2000", "2010", "2020", "2030", "2040"]);
        assert_eq!(
            labels(dates(at(2000, 1, 16), at(2000, 7, 1), 6, Calendar::Day360)),
            ["Feb 2000", "Mar 2000", "Apr 2000", "May 2000", "Jun 2000", "Jul 2000"]
        );
        assert_eq!(labels(dates(at(2000, 2, 29), at(2000, 3, 2), 3, Calendar::Day360)), ["29 Feb", "30 Feb", "1 Mar", "2 Mar"]);
    }
}
