//! `.groupby_bins('lat', [-90, -30, 30, 90])`: the values of a key cut into intervals.
//!
//! In: an array or dataset, a key, edges. Out: a grouping with a group per interval. Never chooses edges.

use super::args::{Arg, Args};
use super::fault::{Fault, Outcome, refuse};
use super::{calls, keys, literals};
use crate::lazy::labels;
use crate::lazy::value::{Binned, GroupingPart};
use crate::lazy::{LazyArray, Plan, Value, fold};
use indexmap::IndexMap;
use xeng_proto::Values;

/// `.groupby_bins(group, bins, right=True, labels=None, include_lowest=False)`
///
/// # Errors
/// When the key is not known, or the edges do not rise.
pub fn groupby_bins(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound =
        args.bind(&["group", "bins", "right", "labels", "precision", "include_lowest", "squeeze", "restore_coord_dims", "duplicates"])?;
    bound.unsupported(&["duplicates"])?;
    let precision = bound.int("precision")?.and_then(|p| usize::try_from(p).ok()).unwrap_or(3).min(15);
    for ignored in ["squeeze", "restore_coord_dims"] {
        bound.take(ignored);
    }
    let (by, edges) = (bound.need("group")?, bound.need("bins")?);
    let right = bound.flag("right", Some(true))? != Some(false);
    let lowest = bound.flag("include_lowest", Some(false))? == Some(true);
    let names = bound.some("labels");
    let late = late_key(plan, base, &by.value)?;
    let key = match &late {
        None => Some(keys::key_of(plan, base, &by).map_err(|f| f.at(by.span))?),
        Some(_) => None,
    };
    let values = match &key {
        None => None,
        Some(key) => Some(labels::floats(&key.values).ok_or_else(|| Fault::unsupported("groupby_bins() of times or texts").at(by.span))?),
    };
    let (at, whole) = edges_of(plan, &edges, values.as_deref(), right).map_err(|f| f.at(edges.span))?;
    let count = at.len();
    let bins = count - 1;
    let labels = match names {
        None => Values::Texts(intervals(&at, whole, right, lowest, precision)),
        Some(arg) => {
            let (given, shape) = literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))?;
            if shape != [bins] {
                return Err(Fault::new(format!("{bins} bins need as many labels")).at(arg.span));
            }
            given
        }
    };
    let (key, values) = match (key, values, late) {
        (Some(key), Some(values), _) => (key, values),
        (_, _, Some(late)) => {
            let name = late.name.clone().unwrap_or_else(|| "group".to_owned());
            let part = GroupingPart { name: format!("{name}_bins"), labels, attrs: late.attrs.clone() };
            let Value::Array(object) = base else {
                return Err(Fault::unsupported("groupby_bins() of a dataset by values that depend on data").at(by.span));
            };
            return Ok(Value::Binned(Box::new(Binned { object: object.clone(), key: late, edges: at, right, lowest, part })));
        }
        _ => return refuse("groupby_bins() needs a key"),
    };
    let bin = |v: &f64| -> i64 {
        let after = if right { at.partition_point(|e| e < v) } else { at.partition_point(|e| e <= v) };
        match after {
            0 if lowest && right && *v == at[0] => 0,
            0 => -1,
            n if n > bins || v.is_nan() => -1,
            n => n as i64 - 1,
        }
    };
    let found: Vec<i64> = values.iter().map(bin).collect();
    if found.iter().all(|b| *b < 0) {
        return Err(Fault::new(format!("none of the values of '{}' lies in a bin", key.name)).at(edges.span));
    }
    let part = GroupingPart { name: format!("{}_bins", key.name), labels, attrs: key.attrs };
    let grouped = keys::joined(plan, base, vec![keys::Coded { dims: key.dims, codes: found, part }])?;
    if matches!((base, &grouped), (Value::Dataset(_), Value::Grouped(g)) if g.by.bins.is_some()) {
        return refuse("a bin of a dataset is empty, which is not supported yet by xeng; name the variables: ds['tas']");
    }
    Ok(grouped)
}

/// The key as an array, where its values depend on data.
fn late_key(plan: &mut Plan, base: &Value, key: &Value) -> Outcome<Option<LazyArray>> {
    let array = match key {
        Value::Array(a) => a.clone(),
        Value::Text(name) => match keys::coordinate(base, name) {
            Some(coord) if fold::settle(plan, coord.clone()).known().is_none() => {
                calls::coord_as_array(plan, name, &coord, &IndexMap::new())?
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(if fold::values(plan, &array).is_none() { Some(array) } else { None })
}

/// The edges that an argument gives: themselves, or as many bins of one length as it says (`pandas.cut`); whether they are whole numbers.
fn edges_of(plan: &mut Plan, arg: &Arg, values: Option<&[f64]>, right: bool) -> Outcome<(Vec<f64>, bool)> {
    let (cells, shape) = literals::cells(plan, &arg.value)?;
    match (&cells, shape.as_slice()) {
        (Values::Numbers(block), [count]) => {
            let at = block.to_f64_vec();
            if *count < 2 || at.windows(2).any(|w| w[0] >= w[1]) || at.iter().any(|e| e.is_nan()) {
                return refuse("the edges of bins must rise, and be two at least");
            }
            Ok((at, !block.dtype().is_float()))
        }
        (Values::Numbers(block), []) if block.dtype().is_integer() => {
            let bins = block.to_i64_vec().first().copied().unwrap_or_default();
            if !(1..=1_000_000).contains(&bins) {
                return refuse("the number of bins must be one at least");
            }
            match values {
                Some(values) => Ok((even_edges(values, bins as usize, right)?, false)),
                None => Err(Fault::unsupported("a number of bins, instead of their edges, of values that depend on data")),
            }
        }
        _ => refuse("bins are a list of their edges, or their number"),
    }
}

fn even_edges(values: &[f64], bins: usize, right: bool) -> Outcome<Vec<f64>> {
    let there = || values.iter().copied().filter(|v| !v.is_nan());
    let (mut low, mut high) = there().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if !low.is_finite() || !high.is_finite() {
        return refuse("a number of bins needs values that are there and finite");
    }
    let same = low == high;
    if same {
        low -= if low == 0.0 { 0.001 } else { 0.001 * low.abs() };
        high += if high == 0.0 { 0.001 } else { 0.001 * high.abs() };
    }
    let step = (high - low) / bins as f64;
    let mut at: Vec<f64> = (0..bins).map(|i| i as f64 * step + low).chain([high]).collect();
    if !same {
        // A little further, so that the outermost value lies in a bin.
        let more = (high - low) * 0.001;
        let edge = if right { at.first_mut() } else { at.last_mut() };
        edge.into_iter().for_each(|e| *e += if right { -more } else { more });
    }
    Ok(at)
}

/// Intervals as pandas writes them: `(0, 5]`, `[0.5, 2.0)`; edges rounded to `precision` digits, or as many as tell them apart.
fn intervals(at: &[f64], whole: bool, right: bool, lowest: bool, precision: usize) -> Vec<String> {
    let told = |digits: usize| at.iter().map(|&v| rounded(v, digits)).collect::<Vec<f64>>();
    let distinct = |edges: &[f64]| edges.windows(2).all(|w| w[0] < w[1]);
    let digits = (precision..20).find(|&d| distinct(&told(d))).unwrap_or(precision);
    let mut edges = told(digits);
    if lowest && right {
        // Including the lowest value, pandas lowers the first edge.
        edges[0] -= 10f64.powi(-(digits as i32));
    }
    let number = |v: f64| if whole && !(lowest && right) { format!("{v:.0}") } else { format!("{v:?}") };
    let pair =
        |w: &[f64]| if right { format!("({}, {}]", number(w[0]), number(w[1])) } else { format!("[{}, {})", number(w[0]), number(w[1])) };
    edges.windows(2).map(pair).collect()
}

/// pandas' `_round_frac`: digits behind the point, of numbers below one those behind the first that is not zero.
fn rounded(v: f64, precision: usize) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v;
    }
    let digits = if v.trunc() == 0.0 { precision as i32 - 1 - v.abs().log10().floor() as i32 } else { precision as i32 };
    let scale = 10f64.powi(digits);
    let scaled = (v * scale).round_ties_even() / scale;
    if scaled.is_finite() { scaled } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pandas.cut(...).categories` of these edges.
    #[test]
    fn intervals_are_written_as_pandas_does() {
        assert_eq!(intervals(&[-90.0, 0.123456, 90.0], false, true, false, 3), ["(-90.0, 0.123]", "(0.123, 90.0]"]);
        assert_eq!(intervals(&[-90.0, 0.0, 60.0], true, true, true, 3), ["(-90.001, 0.0]", "(0.0, 60.0]"]);
        assert_eq!(intervals(&[0.0, 5.0, 9.0], true, false, false, 3), ["[0, 5)", "[5, 9)"]);
        assert_eq!(intervals(&[1.00001, 1.00002, 2.0], false, true, false, 3), ["(1.00001, 1.00002]", "(1.00002, 2.0]"]);
    }
}
