//! `.convert_calendar` and `.interp_calendar`: the same dates, or the same parts of years, in another calendar.
//!
//! In: an array or dataset with times along a dim, a calendar or other times. Out: it with these. Never guesses what is between days.

use super::args::{Arg, Args};
use super::dataset;
use super::dates::{self, DAY};
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::keys::{coordinate, known_along};
use super::literals;
use super::operators::numbers_only;
use super::reindex;
use crate::lazy::labels;
use crate::lazy::{LazyArray, LazyCoord, Plan, Value};
use std::sync::Arc;
use xeng_kernels::calendar::Civil;
use xeng_kernels::graph::{Index, InterpMethod};
use xeng_kernels::{Calendar, DType};
use xeng_proto::{TimeEncoding, Times, Values};

/// What the dates of a conversion are matched by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AlignOn {
    Date,
    Year,
}

/// `.convert_calendar('noleap', dim='time', align_on=None, missing=None, use_cftime=None)`
///
/// # Errors
/// When the dim holds no known times, or `align_on` is wanting for a calendar of 360 days.
pub fn convert_calendar(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["calendar", "dim", "align_on", "missing", "use_cftime"])?;
    let arg = bound.need("calendar")?;
    let Value::Text(name) = &arg.value else { return Err(bound.wrong("calendar", &arg, "a name")) };
    let target = Calendar::parse(name).map_err(|e| Fault::new(e.to_string()).at(arg.span))?;
    let dim = bound.text("dim")?.unwrap_or_else(|| "time".to_owned());
    let align_on = bound.choice("align_on", &[("date", Some(AlignOn::Date)), ("year", Some(AlignOn::Year))], None)?;
    let missing = bound.some("missing");
    let wants_objects = bound.flag("use_cftime", None)?;
    let times = times_along(base, &dim)?;
    let is_standard = labels::is_gregorian(target);
    match wants_objects {
        Some(true) if is_standard => return Err(Fault::unsupported("convert_calendar(use_cftime=True) to this calendar")),
        Some(false) if !is_standard => return refuse(format!("times of the calendar {name} are no datetime64: leave out use_cftime")),
        _ => {}
    }
    let years = |m: &i64| times.encoding.calendar.civil(*m).year;
    if is_standard && times.micros.iter().map(years).any(|y| !(1678..=2261).contains(&y)) {
        return Err(Fault::unsupported("convert_calendar() of years before 1678 or after 2261 to this calendar"));
    }
    let source = if labels::is_datetime64(&times) { Calendar::ProlepticGregorian } else { times.encoding.calendar };
    if source == target && (is_standard == labels::is_datetime64(&times)) {
        return Ok(base.clone());
    }
    let odd = source == Calendar::Day360 || target == Calendar::Day360;
    let align_on = match align_on {
        None if odd => return refuse("convert_calendar() from or to a calendar of 360 days needs align_on='date' or align_on='year'"),
        Some(way) if odd => way,
        _ => AlignOn::Date,
    };
    let (at, micros) = match align_on {
        AlignOn::Date => by_date(&times, target),
        AlignOn::Year => by_year(&times, source, target)?,
    };
    let encoding = TimeEncoding { calendar: target, ..times.encoding.clone() };
    let made = Values::Times(Times { micros, encoding: encoding.clone() });
    let goal = missing.map(|arg| Ok::<_, Fault>((like(&times, target, &encoding)?, arg))).transpose()?;
    each(plan, base, &dim, |plan, a| {
        let mut coord = LazyCoord::along(&dim, made.clone(), Default::default());
        if let Some(old) = a.coords.get(&dim) {
            coord.attrs = old.attrs.clone();
            coord.attrs.shift_remove("calendar");
        }
        let mut out = indexing::pick(plan, a, &dim, &Picked::Many(Index::compact(&at)), Scalars::Keep)?;
        out.coords.insert(dim.clone(), coord.clone());
        let Some((values, arg)) = &goal else { return Ok(out) };
        let fill = super::args::float(&arg.value).ok_or_else(|| Fault::new("'missing' must be a number").at(arg.span))?;
        let how = reindex::How { method: super::lookup::Method::Exact, tolerance: None, fill: Some(fill).filter(|f| !f.is_nan()) };
        let wanted = LazyCoord::along(&dim, values.clone(), coord.attrs.clone());
        reindex::at_labels(plan, &out, &dim, wanted, how)
    })
}

/// The times along `dim`, none missing.
fn times_along(base: &Value, dim: &str) -> Outcome<Times> {
    let Some(coord) = coordinate(base, dim) else { return refuse(format!("there is no coordinate '{dim}'")) };
    let (along, values) = known_along(dim, &coord)?;
    match &*values {
        Values::Times(times) if along == dim && !times.micros.contains(&i64::MIN) => Ok(times.clone()),
        Values::Times(_) => refuse(format!("'{dim}' is no dimension, or some of its times are missing")),
        _ => refuse(format!("'{dim}' holds no times")),
    }
}

/// Applies `f` to the array, or to the variables that have the dim.
fn each(plan: &mut Plan, base: &Value, dim: &str, mut f: impl FnMut(&mut Plan, &LazyArray) -> Outcome<LazyArray>) -> Outcome<Value> {
    match base {
        Value::Array(a) => f(plan, a).map(Value::Array),
        Value::Dataset(d) => {
            dataset::each(plan, d, |plan, v| if plan.names(v.node)?.iter().any(|n| n == dim) { f(plan, v) } else { Ok(v.clone()) })
        }
        other => refuse(format!("{} has no calendar", other.type_name())),
    }
}

/// The dates that both calendars have: where they stand, and when they are.
fn by_date(times: &Times, target: Calendar) -> (Vec<i64>, Vec<i64>) {
    let dated = |m: &i64| target.micros(times.encoding.calendar.civil(*m)).ok();
    times.micros.iter().enumerate().filter_map(|(i, m)| Some((i as i64, dated(m)?))).unzip()
}

/// Days at the same part of the year, in order, each once.
fn by_year(times: &Times, source: Calendar, target: Calendar) -> Outcome<(Vec<i64>, Vec<i64>)> {
    let mut moved = vec![];
    for (i, &m) in times.micros.iter().enumerate() {
        let date = times.encoding.calendar.civil(m);
        // In this order of operations, as xarray.
        let day = (f64::from(days_in_year(target, date.year)) * f64::from(times.encoding.calendar.day_of_year(date))
            / f64::from(days_in_year(source, date.year)))
        .round_ties_even();
        let Some(first) = dates::midnight(target, date.year, 1, 1) else { return refuse("a year is out of range") };
        let on = target.civil(first + (day as i64 - 1) * DAY);
        let new = Civil { year: date.year, month: on.month, day: on.day, ..date };
        if let Ok(micros) = target.micros(new) {
            moved.push((micros, i as i64));
        }
    }
    moved.sort_unstable();
    moved.dedup_by_key(|(micros, _)| *micros);
    Ok(moved.into_iter().map(|(micros, i)| (i, micros)).unzip())
}

/// Days of a year.
pub fn days_in_year(calendar: Calendar, year: i64) -> u32 {
    if calendar == Calendar::Day360 { 360 } else { 365 + u32::from(calendar.is_leap(year)) }
}

/// Times of the same frequency from the same first date to the same last one, in another calendar (`xarray.date_range_like`).
fn like(times: &Times, target: Calendar, encoding: &TimeEncoding) -> Outcome<Values> {
    let micros = &times.micros;
    let none = || {
        Fault::unsupported(
            "convert_calendar(missing=...) of times that are not every day, or every hour, minute or second that divides it,",
        )
    };
    let (Some(&first), Some(&last), Some(&second)) = (micros.first(), micros.last(), micros.get(1)) else { return Err(none()) };
    let step = second.saturating_sub(first);
    if micros.len() < 3 || step <= 0 || DAY % step != 0 || micros.windows(2).any(|w| w[1] - w[0] != step) {
        return Err(none());
    }
    let start = back_to(times.encoding.calendar.civil(first), target)?;
    let own = times.encoding.calendar.civil(last);
    let is_last = own.day == times.encoding.calendar.days_in_month(own.year, own.month);
    let mut end = back_to(own, target)?;
    if is_last && step == DAY {
        let date = target.civil(end);
        end += i64::from(target.days_in_month(date.year, date.month) - date.day) * DAY;
    }
    let micros = (0..).map(|i| start + i * step).take_while(|m| *m <= end).collect();
    Ok(Values::Times(Times { micros, encoding: encoding.clone() }))
}

/// The date in another calendar, or the last one before it that it has.
fn back_to(date: Civil, target: Calendar) -> Outcome<i64> {
    let days = (1..=date.day).rev();
    let found = days.filter_map(|day| target.micros(Civil { day, ..date }).ok()).next();
    found.ok_or_else(|| Fault::new("a date is out of range"))
}

/// Years with their fraction: `year + (time - its first moment) / days of the year`.
pub fn decimal_years(times: &Times) -> Vec<f64> {
    let calendar = times.encoding.calendar;
    let one = |&m: &i64| {
        let year = calendar.civil(m).year;
        let start = dates::midnight(calendar, year, 1, 1).unwrap_or(m);
        year as f64 + ((m - start) as f64 * 1e3) / (f64::from(days_in_year(calendar, year)) * DAY as f64 * 1e3)
    };
    times.micros.iter().map(one).collect()
}

/// `.interp_calendar(target, dim='time')`: cells on the line between their neighbours, by the part of the year.
///
/// # Errors
/// When the target holds no known times, or the array's repeat.
pub fn interp_calendar(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["target", "dim"])?;
    let arg: Arg = bound.need("target")?;
    let dim = bound.text("dim")?.unwrap_or_else(|| "time".to_owned());
    let times = times_along(base, &dim)?;
    let (values, shape) = literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))?;
    let (Values::Times(to), [_]) = (&values, shape.as_slice()) else {
        return Err(Fault::new("interp_calendar() needs times along one dimension").at(arg.span));
    };
    if to.micros.contains(&i64::MIN) {
        return Err(Fault::new("some of the wanted times are missing").at(arg.span));
    }
    let target_dim = match &arg.value {
        Value::Array(t) => plan.names(t.node)?.pop().unwrap_or_else(|| dim.clone()),
        _ => dim.clone(),
    };
    if target_dim != dim {
        return Err(Fault::unsupported(format!("interp_calendar() to times along another dimension than '{dim}'")).at(arg.span));
    }
    let from: Arc<[f64]> = decimal_years(&times).into();
    if from.windows(2).any(|w| w[0] >= w[1]) || from.len() < 2 {
        return refuse(format!("the times along '{dim}' do not ascend or are fewer than two, so nothing can be interpolated between them"));
    }
    let wanted: Arc<[f64]> = decimal_years(to).into();
    let (attrs, others) = match &arg.value {
        Value::Array(t) => (t.attrs.clone(), t.coords.clone()),
        _ => Default::default(),
    };
    each(plan, base, &dim, |plan, a| {
        numbers_only(a, "interp_calendar")?;
        let dtype = plan.dtype(a.node)?;
        if dtype == DType::Bool {
            return refuse("interp_calendar() does not take truths");
        }
        if a.coords.iter().any(|(n, c)| *n != dim && c.dims.contains(&dim)) {
            return Err(Fault::unsupported(format!("interp_calendar() with coordinates along '{dim}' other than its labels")));
        }
        let within = if dtype.is_float() { dtype } else { DType::F64 };
        let source = plan.cast(a.node, within)?;
        let mut out = a.clone();
        out.node = plan.interp(source, &dim, from.clone(), wanted.clone(), InterpMethod::Linear)?;
        out.coords.extend(others.clone());
        out.coords.insert(dim.clone(), LazyCoord::along(&dim, values.clone(), attrs.clone()));
        Ok(out)
    })
}
