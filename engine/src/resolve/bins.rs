//! `.groupby_bins('lat', [-90, -30, 30, 90])`: the values of a key cut into intervals.
//!
//! In: an array or dataset, a key, edges. Out: a grouping with a group per interval. Never chooses edges.

use super::args::Args;
use super::fault::{Fault, Outcome, refuse};
use super::{group, literals};
use crate::lazy::labels;
use crate::lazy::value::{Grouped, Grouping, GroupingKind};
use crate::lazy::{Plan, Value};
use xeng_kernels::Dim;
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
    let key = group::key_of(plan, base, &by).map_err(|f| f.at(by.span))?;
    let Some(values) = labels::floats(&key.values) else { return Err(Fault::unsupported("groupby_bins() of times or texts").at(by.span)) };
    let (cells, shape) = literals::cells(plan, &edges.value).map_err(|f| f.at(edges.span))?;
    let (Values::Numbers(block), [count]) = (&cells, shape.as_slice()) else {
        return Err(Fault::unsupported("groupby_bins() by a number of bins; name their edges,").at(edges.span));
    };
    let at = block.to_f64_vec();
    if *count < 2 || at.windows(2).any(|w| w[0] >= w[1]) || at.iter().any(|e| e.is_nan()) {
        return Err(Fault::new("the edges of bins must rise, and be two at least").at(edges.span));
    }
    let bins = count - 1;
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
    let mut used: Vec<i64> = found.iter().copied().filter(|b| *b >= 0).collect();
    used.sort_unstable();
    used.dedup();
    if used.is_empty() {
        return Err(Fault::new(format!("none of the values of '{}' lies in a bin", key.name)).at(edges.span));
    }
    let codes: Vec<i32> = found.iter().map(|b| used.binary_search(b).map_or(-1, |i| i as i32)).collect();
    let fill: Vec<i64> = (0..bins as i64).map(|b| used.binary_search(&b).map_or(-1, |i| i as i64)).collect();
    let whole = !block.dtype().is_float();
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
    let name = format!("{}_bins", key.name);
    let by = Grouping {
        along: key.along,
        codes: codes.into(),
        dim: Dim::new(&name, used.len()),
        labels,
        attrs: key.attrs,
        kind: GroupingKind::GroupBy,
        bins: fill.contains(&-1).then_some(fill),
    };
    if matches!(base, Value::Dataset(_)) && by.bins.is_some() {
        return refuse("a bin of a dataset is empty, which is not supported yet by xeng; name the variables: ds['tas']");
    }
    Ok(Value::Grouped(Box::new(Grouped { object: base.clone(), by })))
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
