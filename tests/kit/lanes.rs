//! Operators along one dimension: their text, and what they make of each line of cells, by their definitions.

use super::array::{Arr, Coord, Labels, grain, ravel, unravel};
use super::rng::Rng;
use xeng_kernels::DType;

/// An operator along a dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lane {
    Rolling { window: usize, centre: bool, least: usize, stat: &'static str },
    CumSum,
    Fill { forward: bool, limit: usize },
    Differentiate,
    Slope,
    Median,
    Rank { percent: bool },
    Quantile { percent: usize, method: &'static str },
}

impl Lane {
    /// One that fits lines of `len` cells of a type.
    pub(crate) fn random(rng: &mut Rng, len: usize, is_float: bool, has_numbers: bool) -> Option<Lane> {
        let window = rng.between(1, len.clamp(1, 5));
        let stat = *rng.pick(&["sum", "mean", "min", "max", "std", "var", "count", "median"]);
        Some(match rng.below(9) {
            0 | 1 if len > 0 => Lane::Rolling { window, centre: rng.chance(40), least: rng.between(1, window), stat },
            2 => Lane::CumSum,
            3 if is_float => Lane::Fill { forward: rng.chance(50), limit: rng.between(1, 4) },
            4 if is_float && has_numbers && len > 2 => Lane::Differentiate,
            5 if len > 0 => Lane::Median,
            8 if is_float && has_numbers && len > 2 => Lane::Slope,
            6 if len > 0 => {
                // Cells of 64-bit integers are not picked by rank.
                let methods: &[&'static str] = if is_float {
                    &["linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull"]
                } else {
                    &["linear", "midpoint", "hazen"]
                };
                Lane::Quantile { percent: rng.below(101), method: rng.pick::<&'static str>(methods) }
            }
            7 => Lane::Rank { percent: rng.chance(50) },
            _ => return None,
        })
    }

    /// As a user of xarray writes it, of `a` along `dim`.
    pub(crate) fn text(&self, a: &str, dim: &str) -> String {
        match self {
            Lane::Rolling { window, centre, least, stat } => {
                let centre = if *centre { "True" } else { "False" };
                format!("{a}.rolling({dim}={window}, center={centre}, min_periods={least}).{stat}()")
            }
            Lane::CumSum => format!("{a}.cumsum('{dim}')"),
            Lane::Fill { forward: true, limit } => format!("{a}.ffill('{dim}', limit={limit})"),
            Lane::Fill { forward: false, limit } => format!("{a}.bfill('{dim}', limit={limit})"),
            Lane::Differentiate => format!("{a}.differentiate('{dim}')"),
            Lane::Slope => format!("{a}.polyfit('{dim}', 1).polyfit_coefficients.isel(degree=0, drop=True)"),
            Lane::Median => format!("{a}.median('{dim}')"),
            Lane::Rank { percent: true } => format!("{a}.rank('{dim}', pct=True)"),
            Lane::Rank { percent: false } => format!("{a}.rank('{dim}')"),
            Lane::Quantile { percent, method } => format!("{a}.quantile({:?}, '{dim}', method='{method}')", *percent as f64 / 100.0),
        }
    }

    fn folds(&self) -> bool {
        matches!(self, Lane::Median | Lane::Quantile { .. } | Lane::Slope)
    }

    fn dtype(&self, of: DType) -> DType {
        let float = if of.is_float() { of } else { DType::F64 };
        match self {
            Lane::Rolling { stat: "count", .. } | Lane::Rank { .. } | Lane::Slope => DType::F64,
            Lane::Quantile { method: "lower" | "higher" | "nearest", .. } => of,
            Lane::Quantile { .. } => DType::F64,
            Lane::CumSum if !of.is_float() => DType::I64,
            Lane::Rolling { .. } | Lane::CumSum | Lane::Differentiate | Lane::Median => float,
            Lane::Fill { .. } => of,
        }
    }

    /// What becomes of a line of cells at the positions `x`.
    fn of(&self, cells: &[f64], x: &[f64]) -> Vec<f64> {
        let n = cells.len();
        match self {
            Lane::Rolling { window, centre, least, stat } => {
                let before = if *centre { window / 2 } else { window - 1 };
                let around = |i: usize| (i + window - before).min(n).min(n).max(i.saturating_sub(before));
                (0..n).map(|i| windowed(&cells[i.saturating_sub(before)..around(i)], *least, stat)).collect()
            }
            Lane::CumSum => cells
                .iter()
                .scan(0.0, |sum, c| {
                    *sum += if c.is_nan() { 0.0 } else { *c };
                    Some(*sum)
                })
                .collect(),
            Lane::Fill { forward, limit } => {
                let nearest = |i: usize| {
                    (0..=*limit).find_map(|d| {
                        let at = if *forward { i.checked_sub(d)? } else { i + d };
                        cells.get(at).copied().filter(|c| !c.is_nan())
                    })
                };
                (0..n).map(|i| nearest(i).unwrap_or(f64::NAN)).collect()
            }
            Lane::Differentiate => (0..n).map(|i| derivative(cells, x, i)).collect(),
            Lane::Rank { percent } => {
                let whole = if *percent { sorted(cells).len() as f64 } else { 1.0 };
                let rank = |c: &f64| {
                    let (less, same) = (cells.iter().filter(|o| *o < c).count(), cells.iter().filter(|o| *o == c).count());
                    if c.is_nan() { f64::NAN } else { (less as f64 + (same as f64 + 1.0) / 2.0) / whole }
                };
                cells.iter().map(rank).collect()
            }
            Lane::Slope => vec![slope(cells, x)],
            Lane::Median => vec![quantile(&sorted(cells), 0.5, "linear")],
            Lane::Quantile { percent, method } => vec![quantile(&sorted(cells), *percent as f64 / 100.0, method)],
        }
    }
}

/// The operator on every line of `a` along `dim`.
pub(crate) fn along(a: &Arr, dim: &str, lane: Lane) -> Arr {
    let axis = a.axis(dim).expect("a dimension of the array");
    let n = a.shape[axis];
    let x: Vec<f64> = a.numbers(dim).map_or_else(|| (0..n).map(|i| i as f64).collect(), <[f64]>::to_vec);
    let mut shape = a.shape.clone();
    shape[axis] = if lane.folds() { 1 } else { n };
    let mut cells = vec![f64::NAN; shape.iter().product()];
    let lines = a.cells.len().checked_div(n).unwrap_or(0);
    let across: Vec<usize> = a.shape.iter().enumerate().map(|(i, &len)| if i == axis { 1 } else { len }).collect();
    for line in 0..lines {
        let mut index = unravel(line, &across);
        let mut at = |i: usize, shape: &[usize]| {
            index[axis] = i;
            ravel(&index, shape)
        };
        let held: Vec<f64> = (0..n).map(|i| a.cells[at(i, &a.shape)]).collect();
        for (i, cell) in lane.of(&held, &x).into_iter().enumerate() {
            cells[at(i, &shape)] = cell;
        }
    }
    let mut out = Arr { cells, shape, dtype: lane.dtype(a.dtype), ..a.clone() };
    if lane.folds() {
        out.dims.remove(axis);
        out.shape.remove(axis);
        out.coords.retain(|_, c| c.dim.as_deref() != Some(dim));
    }
    if lane == Lane::Slope {
        // Labels of dims stay, and nothing else.
        out.coords.retain(|name, c| c.dim.as_ref() == Some(name));
    }
    if let Lane::Quantile { percent, .. } = lane {
        // xarray leaves scalar coordinates out here.
        out.coords.retain(|_, c| c.dim.is_some());
        out.coords.insert("quantile".to_owned(), Coord { dim: None, labels: Labels::Numbers(vec![percent as f64 / 100.0]) });
    }
    let picks = matches!(lane, Lane::Fill { .. })
        || matches!(lane, Lane::Rolling { stat: "min" | "max" | "count", .. })
        || matches!(lane, Lane::Quantile { method: "lower" | "higher" | "nearest", .. })
        || lane == Lane::CumSum && !a.is_float();
    out.exact = a.exact && picks;
    let (largest, count) = (a.largest(), n as f64);
    let slack = match lane {
        Lane::Rolling { stat: "sum", .. } | Lane::CumSum => count * (a.slack + 1e-13 * largest),
        Lane::Rolling { stat: "var", .. } => 4.0 * largest * a.slack + 1e-12 * largest * largest,
        Lane::Rolling { stat: "std", .. } => 2.0 * a.slack.sqrt() + 1e-6 * largest,
        Lane::Rolling { stat: "count", .. } => 0.0,
        Lane::Differentiate => {
            let step = x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min);
            8.0 * (a.slack + (1e-13 + grain(a.dtype)) * largest) / step
        }
        Lane::Slope => {
            let step = x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min);
            8.0 * count * (a.slack + 1e-12 * largest) / step
        }
        _ => a.slack + 1e-13 * largest,
    };
    let out = out.rounded();
    out.loosened(slack)
}

/// Of the line of least squares; of one cell that of the shortest coefficients, counted in the lengths of their columns.
fn slope(cells: &[f64], x: &[f64]) -> f64 {
    let there: Vec<(f64, f64)> = cells.iter().zip(x).filter(|(c, _)| !c.is_nan()).map(|(c, x)| (*c, *x)).collect();
    let n = there.len() as f64;
    if let [(y, x0)] = there[..] {
        let (squares, len) = (x.iter().map(|x| x * x).sum::<f64>(), x.len() as f64);
        return y * x0 / squares / (x0 * x0 / squares + 1.0 / len);
    }
    let (my, mx) = (there.iter().map(|p| p.0).sum::<f64>() / n, there.iter().map(|p| p.1).sum::<f64>() / n);
    there.iter().map(|(y, x)| (x - mx) * (y - my)).sum::<f64>() / there.iter().map(|(_, x)| (x - mx).powi(2)).sum::<f64>()
}

fn sorted(cells: &[f64]) -> Vec<f64> {
    let mut present: Vec<f64> = cells.iter().copied().filter(|c| !c.is_nan()).collect();
    present.sort_by(f64::total_cmp);
    present
}

fn quantile(sorted: &[f64], q: f64, method: &str) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let n = sorted.len() as f64;
    let rank = match method {
        "hazen" => (n * q - 0.5).clamp(0.0, n - 1.0),
        "weibull" => ((n + 1.0) * q - 1.0).clamp(0.0, n - 1.0),
        _ => q * last as f64,
    };
    let (low, high) = (sorted[rank.floor() as usize], sorted[(rank.ceil() as usize).min(last)]);
    match method {
        "lower" => low,
        "higher" => high,
        "midpoint" => (low + high) / 2.0,
        // Half way, the one of even rank.
        "nearest" if rank.fract() == 0.5 => {
            sorted[if (rank.floor() as usize).is_multiple_of(2) { rank.floor() } else { rank.ceil() } as usize]
        }
        "nearest" => sorted[rank.round() as usize],
        _ => low + (high - low) * rank.fract(),
    }
}

fn windowed(cells: &[f64], least: usize, stat: &str) -> f64 {
    let present = sorted(cells);
    let n = present.len() as f64;
    if present.len() < least {
        return f64::NAN;
    }
    let sum: f64 = present.iter().sum();
    let variance = || present.iter().map(|c| (c - sum / n).powi(2)).sum::<f64>() / n;
    match stat {
        "sum" => sum,
        "mean" => sum / n,
        "min" => present[0],
        "max" => present[present.len() - 1],
        "std" => variance().sqrt(),
        "var" => variance(),
        "count" => n,
        _ => quantile(&present, 0.5, "linear"),
    }
}

/// `numpy.gradient` with edges of first order.
fn derivative(y: &[f64], x: &[f64], i: usize) -> f64 {
    let n = y.len();
    if i == 0 || i + 1 == n {
        let at = if i == 0 { 0 } else { n - 2 };
        return (y[at + 1] - y[at]) / (x[at + 1] - x[at]);
    }
    let (a, b) = (x[i] - x[i - 1], x[i + 1] - x[i]);
    let even = x.windows(2).all(|w| w[1] - w[0] == x[1] - x[0]);
    if even {
        return (y[i + 1] - y[i - 1]) / (2.0 * a);
    }
    y[i - 1] * (-b / (a * (a + b))) + y[i] * ((b - a) / (a * b)) + y[i + 1] * (a / (b * (a + b)))
}
