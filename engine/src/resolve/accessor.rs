//! The `.dt` accessor: components of times.
//!
//! In: an array of known times. Out: an array of numbers or texts. Never formats times.

use super::args::Args;
use super::convert_calendar;
use super::fault::{Fault, Outcome, refuse};
use super::frequency::{self, Frequency};
use super::literals;
use crate::lazy::labels::is_datetime64;
use crate::lazy::{Cells, LazyArray, Plan, Value, fold};
use crate::suggest;
use xeng_kernels::Block;
use xeng_proto::{Times, Values};

/// Methods of `.dt`.
pub const METHODS: &[&str] = &["isocalendar", "strftime", "floor", "ceil", "round"];
/// Properties of `.dt`.
pub const COMPONENTS: &[&str] = &[
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
    "dayofyear",
    "dayofweek",
    "weekday",
    "quarter",
    "season",
    "days_in_month",
    "daysinmonth",
    "days_in_year",
    "decimal_year",
    "is_leap_year",
    "is_month_start",
    "is_month_end",
    "is_year_start",
    "is_year_end",
    "is_quarter_start",
    "is_quarter_end",
];

/// `da.dt.month`
///
/// # Errors
/// When the array holds no known times, or there is no such component.
pub fn property(plan: &mut Plan, a: &LazyArray, name: &str) -> Outcome<Value> {
    if METHODS.contains(&name) || name == "date" || name == "time" || name == "week" || name == "weekofyear" {
        return Err(Fault::unsupported(format!(".dt.{name}")));
    }
    if !matches!(a.cells, crate::lazy::Cells::Times(_)) {
        return refuse(format!("'.dt' needs times, and '{}' holds none", a.name.as_deref().unwrap_or("the array")));
    }
    if name == "calendar" {
        let Some(Values::Times(times)) = fold::values(plan, a) else {
            return Err(Fault::unsupported(".dt.calendar of times that depend on data"));
        };
        let calendar = times.encoding.calendar.name();
        return Ok(Value::Text(if is_datetime64(&times) { "proleptic_gregorian" } else { calendar }.to_owned()));
    }
    if let crate::lazy::Cells::Times(encoding) = &a.cells
        && name.contains("quarter")
        && !crate::lazy::labels::is_gregorian(encoding.calendar)
    {
        return refuse(format!("xarray has no .dt.{name} for times of this calendar"));
    }
    let Some(values) = fold::values(plan, a) else { return Err(Fault::unsupported(".dt of times that depend on data")) };
    let out = component(&values, name)?;
    let (shape, dims) = (plan.node(a.node)?.shape(), plan.names(a.node)?);
    let made = literals::array_of(plan, &out, &shape, &dims)?;
    Ok(Value::Array(LazyArray { name: Some(name.to_owned()), coords: a.coords.clone(), attrs: a.attrs.clone(), ..made }))
}

/// A method of `.dt`: `floor`, `ceil` and `round` to a frequency of fixed length.
///
/// # Errors
/// For other methods and frequencies.
pub fn method(plan: &mut Plan, a: &LazyArray, name: &str, args: Args) -> Outcome<Value> {
    if !matches!(name, "floor" | "ceil" | "round") {
        return Err(Fault::unsupported(format!(".dt.{name}()")));
    }
    let Cells::Times(encoding) = &a.cells else {
        return refuse(format!("'.dt' needs times, and '{}' holds none", a.name.as_deref().unwrap_or("the array")));
    };
    let mut bound = args.bind(&["freq"])?;
    let arg = bound.need("freq")?;
    let Value::Text(text) = &arg.value else { return Err(bound.wrong("freq", &arg, "a text such as 'D'")) };
    let Frequency::Fixed(step) = frequency::parse(text).map_err(|f| f.at(arg.span))? else {
        return Err(Fault::new(format!("'{text}' has no fixed length, so times cannot be rounded to it")).at(arg.span));
    };
    let Some(Values::Times(times)) = fold::values(plan, a) else { return Err(Fault::unsupported(".dt of times that depend on data")) };
    let rounded = |m: i64| {
        let (below, rest) = (m - m.rem_euclid(step), m.rem_euclid(step));
        let up = match name {
            "floor" => false,
            "ceil" => rest > 0,
            // Half way, to the even multiple.
            _ => rest * 2 > step || rest * 2 == step && m.div_euclid(step) % 2 != 0,
        };
        if up { below + step } else { below }
    };
    let micros: Vec<i64> = times.micros.iter().map(|&m| if m == i64::MIN { m } else { rounded(m) }).collect();
    let values = Values::Times(Times { micros, encoding: encoding.clone() });
    let (shape, dims) = (plan.node(a.node)?.shape(), plan.names(a.node)?);
    let made = literals::array_of(plan, &values, &shape, &dims)?;
    Ok(Value::Array(LazyArray { name: Some(name.to_owned()), coords: a.coords.clone(), attrs: a.attrs.clone(), ..made }))
}

/// A component of every time.
///
/// # Errors
/// When there is no such component, the values are no times, or some are missing.
pub fn component(values: &Values, name: &str) -> Outcome<Values> {
    let Values::Times(times) = values else { return refuse(format!("'.{name}' needs a coordinate of times")) };
    if !COMPONENTS.contains(&name) {
        let hint = suggest::did_you_mean_or_list(name, COMPONENTS.iter().copied()).map(|h| format!("; {h}")).unwrap_or_default();
        return refuse(format!("times have no component '{name}'{hint}"));
    }
    let of_pandas = name.contains("quarter") || name.starts_with("is_") && name != "is_leap_year";
    if of_pandas && !crate::lazy::labels::is_gregorian(times.encoding.calendar) {
        return refuse(format!("xarray has no .dt.{name} for times of this calendar"));
    }
    if times.micros.contains(&i64::MIN) {
        return Err(Fault::unsupported("components of missing times"));
    }
    match name {
        "season" => Ok(Values::Texts(times.micros.iter().map(|&m| season(times.encoding.calendar.civil(m).month).to_owned()).collect())),
        "decimal_year" => Ok(Values::Numbers(Block::from_vec(&[times.micros.len()], convert_calendar::decimal_years(times))?)),
        _ if name.starts_with("is_") => Ok(Values::Numbers(Block::from_vec(
            &[times.micros.len()],
            times.micros.iter().map(|&m| number(times, m, name) != 0).collect::<Vec<bool>>(),
        )?)),
        _ => Ok(Values::Numbers(Block::from_vec(
            &[times.micros.len()],
            times.micros.iter().map(|&m| number(times, m, name)).collect::<Vec<i64>>(),
        )?)),
    }
}

fn season(month: u32) -> &'static str {
    match month {
        12 | 1 | 2 => "DJF",
        3..=5 => "MAM",
        6..=8 => "JJA",
        _ => "SON",
    }
}

fn number(times: &Times, micros: i64, name: &str) -> i64 {
    let calendar = times.encoding.calendar;
    let d = calendar.civil(micros);
    let last = calendar.days_in_month(d.year, d.month);
    let part = match name {
        "year" => return d.year,
        "month" => d.month,
        "day" => d.day,
        "hour" => d.hour,
        "minute" => d.minute,
        "second" => d.second,
        "microsecond" => d.micro,
        "dayofyear" => calendar.day_of_year(d),
        "quarter" => (d.month - 1) / 3 + 1,
        "days_in_month" | "daysinmonth" => last,
        "days_in_year" => convert_calendar::days_in_year(calendar, d.year),
        "is_leap_year" => calendar.is_leap(d.year) as u32,
        "is_month_start" => (d.day == 1) as u32,
        "is_month_end" => (d.day == last) as u32,
        "is_quarter_start" => (d.day == 1 && d.month % 3 == 1) as u32,
        "is_quarter_end" => (d.day == last && d.month.is_multiple_of(3)) as u32,
        "is_year_start" => (d.day == 1 && d.month == 1) as u32,
        "is_year_end" => (d.day == last && d.month == 12) as u32,
        // Monday is 0.
        _ => calendar.weekday(micros),
    };
    part as i64
}
