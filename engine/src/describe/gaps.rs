//! What is missing in a coordinate that runs evenly: a month of files that never came, a row that was left out.
//!
//! In: labels. Out: where steps are missing, judged by the commonest step. Never guesses: labels without a common step have no gaps.

use crate::output::calendar::iso;
use serde_json::{Value, json};
use xeng_kernels::Calendar;
use xeng_kernels::calendar::DAY;
use xeng_proto::{Times, Values, Variable};

/// What counts as the same step, as parts of it: months have 28 to 31 days, years 365 or 366.
const SAME_TIME: f64 = 0.15;
/// Distances of numbers are rounded, to float32 at worst.
const SAME_NUMBER: f64 = 0.01;
/// How many of the steps must be the commonest one, that others are gaps. Numbers such as pressure levels change their step by design.
const MOSTLY_TIMES: f64 = 0.5;
const MOSTLY_NUMBERS: f64 = 0.8;
/// The least distance that leaves something out, in steps.
const LEAST_GAP: f64 = 1.5;
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Steps that are missing between two labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first label that is missing, or, where steps are no fixed length, the last before it.
    pub from: String,
    /// The last label that is missing, or the next that is there.
    pub to: String,
    /// Whether `from` and `to` are missing themselves.
    pub inclusive: bool,
    /// How many labels are missing.
    pub steps: u64,
}

impl Gap {
    /// On one line.
    pub fn text(&self) -> String {
        let span = if self.inclusive { format!("{} .. {}", self.from, self.to) } else { format!("between {} and {}", self.from, self.to) };
        format!("{span} ({} step{} missing)", self.steps, if self.steps == 1 { "" } else { "s" })
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "from": self.from, "to": self.to, "inclusive": self.inclusive, "steps": self.steps })
    }
}

/// The gaps of a coordinate along its own dimension, in its order.
pub fn gaps(name: &str, variable: &Variable) -> Vec<Gap> {
    match &variable.values {
        Some(Values::Times(times)) if is_index(name, variable) => of_times(times),
        Some(Values::Numbers(block)) if is_index(name, variable) && !block.is_empty() => of_numbers(&block.to_f64_vec()),
        Some(Values::Numbers(_) | Values::Times(_) | Values::Texts(_)) | None => vec![],
    }
}

fn is_index(name: &str, variable: &Variable) -> bool {
    variable.dims.len() == 1 && variable.dims[0] == name
}

fn of_times(times: &Times) -> Vec<Gap> {
    let steps: Option<Vec<i64>> = times.micros.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
    let Some(steps) = steps.filter(|_| !times.micros.contains(&i64::MIN)) else { return vec![] };
    let Some(step) = commonest(&steps).filter(|&step| step != 0) else { return vec![] };
    let parts: Vec<f64> = steps.iter().map(|&s| s as f64 / step as f64).collect();
    if !is_even(&parts, SAME_TIME, MOSTLY_TIMES) {
        return vec![];
    }
    let calendar = times.encoding.calendar;
    let whole = resolution(&times.micros);
    let is_uniform = steps.iter().zip(&parts).all(|(&s, &part)| part >= LEAST_GAP || s == step);
    let shown = |micros: i64| shown(micros, calendar, whole);
    let gap = |i: usize| {
        let (before, next) = (times.micros[i], times.micros[i + 1]);
        let is_exact = is_uniform && steps[i] % step == 0;
        let (from, to) = if is_exact { (before.checked_add(step)?, next.checked_sub(step)?) } else { (before, next) };
        Some(Gap { from: shown(from)?, to: shown(to)?, inclusive: is_exact, steps: missing(parts[i]) })
    };
    (0..steps.len()).filter(|&i| parts[i] >= LEAST_GAP).filter_map(gap).collect()
}

fn of_numbers(labels: &[f64]) -> Vec<Gap> {
    let steps: Vec<f64> = labels.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(&step) = sorted.get(sorted.len() / 2).filter(|s| s.is_finite() && **s != 0.0) else { return vec![] };
    let parts: Vec<f64> = steps.iter().map(|s| s / step).collect();
    if !is_even(&parts, SAME_NUMBER, MOSTLY_NUMBERS) {
        return vec![];
    }
    // Labels are shown as precisely as their distance asks for, not with the noise of its subtraction.
    let digits = (2.0 - step.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let shown = |x: f64| {
        let text = format!("{x:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    let is_multiple = |part: f64| (part - part.round()).abs() <= SAME_NUMBER * part;
    let gap = |i: usize| Gap {
        from: shown(if is_multiple(parts[i]) { labels[i] + step } else { labels[i] }),
        to: shown(if is_multiple(parts[i]) { labels[i + 1] - step } else { labels[i + 1] }),
        inclusive: is_multiple(parts[i]),
        steps: missing(parts[i]),
    };
    (0..steps.len()).filter(|&i| parts[i] >= LEAST_GAP).map(gap).collect()
}

/// The commonest of these; of several, the shortest.
fn commonest(steps: &[i64]) -> Option<i64> {
    let mut sorted = steps.to_vec();
    sorted.sort_unstable_by_key(|s| (s.unsigned_abs(), *s));
    sorted.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])).reduce(|a, b| if b.0 > a.0 { b } else { a }).map(|(_, step)| step)
}

/// Whether most of these are about 1.
fn is_even(parts: &[f64], same: f64, mostly: f64) -> bool {
    let like_one = parts.iter().filter(|p| (*p - 1.0).abs() <= same).count();
    // Two steps of which one is longer say nothing yet.
    parts.len() > 2 && like_one as f64 >= mostly * parts.len() as f64
}

fn missing(part: f64) -> u64 {
    (part.round() as u64).saturating_sub(1).max(1)
}

/// How much of a time is worth showing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resolution {
    Day,
    Hour,
    Finer,
}

fn resolution(micros: &[i64]) -> Resolution {
    match micros.iter().map(|m| m.rem_euclid(DAY)).fold((0, 0), |(day, hour), m| (day.max(m), hour.max(m % MICROS_PER_HOUR))) {
        (0, _) => Resolution::Day,
        (_, 0) => Resolution::Hour,
        _ => Resolution::Finer,
    }
}

fn shown(micros: i64, calendar: Calendar, whole: Resolution) -> Option<String> {
    let text = iso(micros, calendar)?;
    let (date, time) = text.split_once('T')?;
    Some(match whole {
        Resolution::Day => date.to_owned(),
        Resolution::Hour => format!("{date}T{}", time.get(..2)?),
        Resolution::Finer => text,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_kernels::calendar::Civil;
    use xeng_proto::TimeEncoding;

    fn times(calendar: Calendar, micros: Vec<i64>) -> Vec<String> {
        let encoding = TimeEncoding { units: "days since 1970-01-01".into(), calendar };
        of_times(&Times { micros, encoding }).iter().map(Gap::text).collect()
    }

    fn day(calendar: Calendar, year: i64, month: u32, day: u32) -> i64 {
        calendar.micros(Civil { year, month, day, hour: 0, minute: 0, second: 0, micro: 0 }).unwrap()
    }

    #[test]
    fn a_month_of_hours_that_never_came() {
        let c = Calendar::Standard;
        let hours = |from: i64, to: i64| (from..to).step_by(MICROS_PER_HOUR as usize).collect::<Vec<i64>>();
        let all = [hours(day(c, 2011, 1, 1), day(c, 2011, 3, 1)), hours(day(c, 2011, 4, 1), day(c, 2011, 5, 1))].concat();
        assert_eq!(times(c, all.clone()), ["2011-03-01T00 .. 2011-03-31T23 (744 steps missing)"]);
        assert_eq!(times(c, all.into_iter().rev().collect()), ["2011-03-31T23 .. 2011-03-01T00 (744 steps missing)"]);
    }

    #[test]
    fn months_and_years_of_any_calendar_are_even() {
        for c in ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"].map(|name| Calendar::parse(name).unwrap()) {
            let months: Vec<i64> = (0..60).map(|m| day(c, 1999 + m / 12, m as u32 % 12 + 1, 1)).collect();
            assert!(times(c, months.clone()).is_empty(), "{c:?}");
            assert!(times(c, (0..30).map(|y| day(c, 1990 + y, 7, 1)).collect()).is_empty(), "{c:?}");
            let mut gappy = months;
            gappy.remove(13);
            let told = times(c, gappy);
            assert!(told.len() == 1 && told[0].contains("(1 step missing)"), "{c:?}: {told:?}");
        }
        assert_eq!(
            times(Calendar::Standard, [1, 2, 3, 5, 6, 7].iter().map(|&m| day(Calendar::Standard, 2001, m, 1)).collect()),
            ["between 2001-03-01 and 2001-05-01 (1 step missing)"]
        );
    }

    #[test]
    fn what_is_uneven_by_design_has_no_gaps() {
        let levels = [1000.0, 975.0, 950.0, 925.0, 900.0, 850.0, 800.0, 700.0, 600.0, 500.0, 300.0, 200.0, 100.0];
        assert!(of_numbers(&levels).is_empty());
        assert!(of_numbers(&[1.0, 2.0, 4.0]).is_empty() && of_numbers(&[1.0]).is_empty() && of_numbers(&[3.0; 9]).is_empty());
        let c = Calendar::Standard;
        assert!(times(c, [1, 2, 5, 9, 30, 31, 70, 100].iter().map(|&d| d * 86_400_000_000).collect()).is_empty());
    }

    #[test]
    fn a_row_of_a_grid_that_was_left_out() {
        let mut lat: Vec<f64> = (0..721).map(|i| f64::from(90.0 - 0.25 * i as f32)).collect();
        lat.drain(100..102);
        assert_eq!(of_numbers(&lat).iter().map(Gap::text).collect::<Vec<_>>(), ["65 .. 64.75 (2 steps missing)"]);
        let tenths: Vec<f64> = (0..100).filter(|i| *i != 40).map(|i| f64::from(i as f32 * 0.1)).collect();
        assert_eq!(of_numbers(&tenths).iter().map(Gap::text).collect::<Vec<_>>(), ["4 .. 4 (1 step missing)"]);
    }
}
