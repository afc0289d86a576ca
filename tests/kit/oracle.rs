//! What each operator means, computed from its definition over whole arrays with plain loops.
//!
//! Deliberately slow and without any code of the engine.

use super::array::{Arr, Coord, Labels, grain, ravel, unravel};
use std::collections::BTreeMap;
use xeng_kernels::DType;

/// A statistic over cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stat {
    Mean,
    Sum,
    Min,
    Max,
    Std,
    Var,
    Count,
}

impl Stat {
    pub(crate) const ALL: [Stat; 7] = [Stat::Mean, Stat::Sum, Stat::Min, Stat::Max, Stat::Std, Stat::Var, Stat::Count];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Stat::Mean => "mean",
            Stat::Sum => "sum",
            Stat::Min => "min",
            Stat::Max => "max",
            Stat::Std => "std",
            Stat::Var => "var",
            Stat::Count => "count",
        }
    }

    fn of(self, cells: &[f64], skipna: bool) -> f64 {
        let present: Vec<f64> = cells.iter().copied().filter(|c| !c.is_nan()).collect();
        if self == Stat::Count {
            return present.len() as f64;
        }
        if !skipna && present.len() < cells.len() {
            return f64::NAN;
        }
        let n = present.len() as f64;
        let sum: f64 = present.iter().sum();
        if self == Stat::Sum {
            return sum;
        }
        if present.is_empty() {
            return f64::NAN;
        }
        let variance = || present.iter().map(|x| (x - sum / n).powi(2)).sum::<f64>() / n;
        match self {
            Stat::Mean => sum / n,
            Stat::Min => present.iter().copied().fold(f64::INFINITY, f64::min),
            Stat::Max => present.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Stat::Var => variance(),
            Stat::Std => variance().sqrt(),
            Stat::Sum | Stat::Count => unreachable!(),
        }
    }

    fn dtype(self, of: DType) -> DType {
        match self {
            Stat::Count => DType::I64,
            Stat::Min | Stat::Max => of,
            Stat::Sum if of.is_float() => of,
            Stat::Sum => DType::I64,
            Stat::Mean | Stat::Std | Stat::Var if of.is_float() => of,
            Stat::Mean | Stat::Std | Stat::Var => DType::F64,
        }
    }

    fn exact(self, of: &Arr) -> bool {
        of.exact && (matches!(self, Stat::Min | Stat::Max | Stat::Count) || self == Stat::Sum && !of.is_float())
    }

    /// How far two ways of summing in `float64` may lead apart, beside what the cells are off already.
    fn slack(self, of: &Arr) -> f64 {
        let (count, largest) = (of.cells.len() as f64, of.largest());
        match self {
            Stat::Count => 0.0,
            Stat::Min | Stat::Max => of.slack,
            Stat::Mean => of.slack + 1e-13 * largest,
            Stat::Sum => count * (of.slack + 1e-13 * largest),
            Stat::Var => 4.0 * largest * of.slack + 1e-12 * largest * largest,
            Stat::Std => 2.0 * of.slack + 1e-9 * largest,
        }
    }
}

/// The indices of a dim whose cells pass.
pub(crate) fn kept(a: &Arr, dim: &str, passes: impl Fn(&[f64]) -> bool) -> Vec<usize> {
    let axis = a.axis(dim).expect("a dimension of the array");
    let at = |i: usize| (0..a.cells.len()).filter(|&c| unravel(c, &a.shape)[axis] == i).map(|c| a.cells[c]).collect::<Vec<_>>();
    (0..a.shape[axis]).filter(|&i| passes(&at(i))).collect()
}

/// Cells at points of two dims, whose labels go; the points lie where the first of the dims was.
pub(crate) fn points(a: &Arr, dims: &[String; 2], at: &[Vec<usize>; 2]) -> Arr {
    let axes = [a.axis(&dims[0]), a.axis(&dims[1])].map(|axis| axis.expect("a dimension of the array"));
    let place = axes[0].min(axes[1]);
    let rest: Vec<usize> = (0..a.dims.len()).filter(|i| !axes.contains(i)).collect();
    let mut out = a.clone();
    out.dims = rest.iter().map(|&i| a.dims[i].clone()).collect();
    out.shape = rest.iter().map(|&i| a.shape[i]).collect();
    out.dims.insert(place, "point".to_owned());
    out.shape.insert(place, at[0].len());
    out.coords.retain(|_, c| c.dim.as_ref().is_none_or(|d| !dims.contains(d)));
    out.cells = (0..out.shape.iter().product())
        .map(|cell| {
            let mut index = unravel(cell, &out.shape);
            let point = index.remove(place);
            let mut from = vec![0; a.dims.len()];
            rest.iter().zip(&index).for_each(|(&axis, &i)| from[axis] = i);
            axes.iter().zip(at).for_each(|(&axis, at)| from[axis] = at[point]);
            a.cells[ravel(&from, &a.shape)]
        })
        .collect();
    out
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
}

impl Op {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::Div => a / b,
            Op::Maximum if a.is_nan() || b.is_nan() => f64::NAN,
            Op::Maximum => a.max(b),
        }
    }

    /// How far the result may be off where the operands are; division is by a number alone.
    fn slack(self, a: &Arr, b: &Arr) -> f64 {
        match self {
            Op::Add | Op::Sub => a.slack + b.slack,
            Op::Mul => a.slack * b.largest() + b.slack * a.largest() + a.slack * b.slack,
            Op::Div => a.slack / b.largest(),
            Op::Maximum => a.slack.max(b.slack),
        }
    }
}

/// What a grouping of days is called, and the labels of its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Month,
    Season,
    Year,
}

impl Key {
    pub(crate) const ALL: [Key; 3] = [Key::Month, Key::Season, Key::Year];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Key::Month => "month",
            Key::Season => "season",
            Key::Year => "year",
        }
    }

    /// The label of each day.
    fn of(self, arr: &Arr) -> Labels {
        let days = arr.days().expect("only arrays over time are grouped");
        match self {
            Key::Month => Labels::Numbers(days.iter().map(|d| f64::from(d.month)).collect()),
            Key::Year => Labels::Numbers(days.iter().map(|d| d.year as f64).collect()),
            Key::Season => Labels::Texts(days.iter().map(|d| d.season().to_owned()).collect()),
        }
    }
}

/// The different labels in ascending order.
fn distinct(labels: &Labels) -> Labels {
    match labels {
        Labels::Numbers(v) => {
            let mut v = v.clone();
            v.sort_by(f64::total_cmp);
            v.dedup();
            Labels::Numbers(v)
        }
        Labels::Texts(v) => Labels::Texts(v.iter().cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect()),
        Labels::Days(_) => unreachable!(),
    }
}

fn without(coords: &BTreeMap<String, Coord>, dims: &[String]) -> BTreeMap<String, Coord> {
    coords.iter().filter(|(_, c)| c.dim.as_ref().is_none_or(|d| !dims.contains(d))).map(|(n, c)| (n.clone(), c.clone())).collect()
}

/// `arr.mean(dims, skipna=)` and the like.
pub(crate) fn reduce(arr: &Arr, stat: Stat, dims: &[String], skipna: bool) -> Arr {
    let kept: Vec<usize> = (0..arr.dims.len()).filter(|&a| !dims.contains(&arr.dims[a])).collect();
    let shape: Vec<usize> = kept.iter().map(|&a| arr.shape[a]).collect();
    let mut buckets: Vec<Vec<f64>> = vec![vec![]; shape.iter().product()];
    for (at, &cell) in arr.cells.iter().enumerate() {
        let index = unravel(at, &arr.shape);
        let out: Vec<usize> = kept.iter().map(|&a| index[a]).collect();
        buckets[ravel(&out, &shape)].push(cell);
    }
    Arr {
        dims: kept.iter().map(|&a| arr.dims[a].clone()).collect(),
        shape,
        cells: buckets.iter().map(|b| stat.of(b, skipna)).collect(),
        dtype: stat.dtype(arr.dtype),
        coords: without(&arr.coords, dims),
        exact: stat.exact(arr),
        slack: 0.0,
    }
    .rounded()
    .loosened(stat.slack(arr))
}

/// `arr.groupby('time.month').mean('time')` and the like: the groups take the place of `time`.
pub(crate) fn group(arr: &Arr, key: Key, stat: Stat) -> Arr {
    let axis = arr.axis("time").expect("only arrays over time are grouped");
    let labels = key.of(arr);
    let groups = distinct(&labels);
    let mut shape = arr.shape.clone();
    shape[axis] = groups.len();
    let mut buckets: Vec<Vec<f64>> = vec![vec![]; shape.iter().product()];
    for (at, &cell) in arr.cells.iter().enumerate() {
        let mut index = unravel(at, &arr.shape);
        index[axis] = groups.find(&labels, index[axis]).expect("every label has a group");
        buckets[ravel(&index, &shape)].push(cell);
    }
    let mut dims = arr.dims.clone();
    dims[axis] = key.name().to_owned();
    let mut coords = without(&arr.coords, &["time".to_owned()]);
    coords.insert(key.name().to_owned(), Coord { dim: Some(key.name().to_owned()), labels: groups });
    Arr {
        dims,
        shape,
        cells: buckets.iter().map(|b| stat.of(b, true)).collect(),
        dtype: stat.dtype(arr.dtype),
        coords,
        exact: stat.exact(arr),
        slack: 0.0,
    }
    .rounded()
    .loosened(stat.slack(arr))
}

/// `arr.groupby(key) - arr.groupby(key).mean('time')`: the group's label stays beside `time`.
pub(crate) fn anomaly(arr: &Arr, key: Key) -> Arr {
    let axis = arr.axis("time").expect("only arrays over time are grouped");
    let means = group(arr, key, Stat::Mean);
    let labels = key.of(arr);
    let groups = distinct(&labels);
    let mut cells = vec![];
    for (at, cell) in arr.cells.iter().enumerate() {
        let mut index = unravel(at, &arr.shape);
        index[axis] = groups.find(&labels, index[axis]).expect("every label has a group");
        cells.push(cell - means.cells[ravel(&index, &means.shape)]);
    }
    let mut coords = arr.coords.clone();
    // xarray joins the groups again along time: what was scalar is repeated for each.
    for coord in coords.values_mut().filter(|c| c.dim.is_none()) {
        *coord = Coord { dim: Some("time".to_owned()), labels: coord.labels.take(&vec![0; arr.shape[axis]]) };
    }
    coords.insert(key.name().to_owned(), Coord { dim: Some("time".to_owned()), labels });
    Arr { cells, dtype: means.dtype, coords, exact: false, ..arr.clone() }.rounded().loosened(arr.slack + means.slack)
}

/// `arr.isel(dim=[...])`.
pub(crate) fn take(arr: &Arr, dim: &str, at: &[usize]) -> Arr {
    let Some(axis) = arr.axis(dim) else { return arr.clone() };
    let mut shape = arr.shape.clone();
    shape[axis] = at.len();
    let count = shape.iter().product();
    let cells = (0..count).map(|n| {
        let mut index = unravel(n, &shape);
        index[axis] = at[index[axis]];
        arr.cells[ravel(&index, &arr.shape)]
    });
    let coords = arr.coords.iter().map(|(name, c)| {
        let labels = if c.dim.as_deref() == Some(dim) { c.labels.take(at) } else { c.labels.clone() };
        (name.clone(), Coord { dim: c.dim.clone(), labels })
    });
    Arr { cells: cells.collect(), shape, coords: coords.collect(), ..arr.clone() }
}

/// `arr.isel(dim=at)`: the dimension becomes a scalar coordinate.
pub(crate) fn pick(arr: &Arr, dim: &str, at: usize) -> Arr {
    let mut out = take(arr, dim, &[at]);
    let axis = out.axis(dim).expect("a dimension of the array");
    out.dims.remove(axis);
    out.shape.remove(axis);
    for coord in out.coords.values_mut().filter(|c| c.dim.as_deref() == Some(dim)) {
        coord.dim = None;
    }
    out
}

/// `arr.transpose(...)`.
pub(crate) fn transpose(arr: &Arr, dims: &[String]) -> Arr {
    let order: Vec<usize> = dims.iter().map(|d| arr.axis(d).expect("a dimension of the array")).collect();
    let shape: Vec<usize> = order.iter().map(|&a| arr.shape[a]).collect();
    let cells = (0..arr.cells.len()).map(|n| {
        let index = unravel(n, &shape);
        let mut from = vec![0; order.len()];
        order.iter().zip(index).for_each(|(&a, i)| from[a] = i);
        arr.cells[ravel(&from, &arr.shape)]
    });
    Arr { cells: cells.collect(), dims: dims.to_vec(), shape, ..arr.clone() }
}

/// Both, at the labels that both have, in the first one's order.
pub(crate) fn align(a: &Arr, b: &Arr) -> (Arr, Arr) {
    let (mut a, mut b) = (a.clone(), b.clone());
    for dim in a.dims.clone() {
        let (Some(x), Some(y)) = (a.index(&dim), b.index(&dim)) else { continue };
        if x == y {
            continue;
        }
        let common: Vec<(usize, usize)> = (0..x.len()).filter_map(|i| Some((i, y.find(x, i)?))).collect();
        a = take(&a, &dim, &common.iter().map(|c| c.0).collect::<Vec<_>>());
        b = take(&b, &dim, &common.iter().map(|c| c.1).collect::<Vec<_>>());
    }
    (a, b)
}

/// The coordinates of a result of two arrays: labels of dims win; others stay unless they differ.
fn merged(a: &Arr, b: &Arr) -> BTreeMap<String, Coord> {
    let mut out = a.coords.clone();
    for (name, coord) in &b.coords {
        match out.get(name) {
            None => {
                out.insert(name.clone(), coord.clone());
            }
            Some(known) if known == coord => {}
            Some(known) if known.dim.as_ref() == Some(name) => {}
            Some(_) if coord.dim.as_ref() == Some(name) => {
                out.insert(name.clone(), coord.clone());
            }
            Some(_) => {
                out.remove(name);
            }
        }
    }
    out
}

/// Calls `f` with the cells of several arrays at every point of their common dims.
fn broadcast(of: &[&Arr], f: impl Fn(&[f64]) -> f64) -> (Vec<String>, Vec<usize>, Vec<f64>) {
    let (mut dims, mut shape) = (vec![], vec![]);
    for arr in of {
        for (dim, &len) in arr.dims.iter().zip(&arr.shape) {
            if !dims.contains(dim) {
                dims.push(dim.clone());
                shape.push(len);
            }
        }
    }
    let axes: Vec<Vec<usize>> =
        of.iter().map(|a| a.dims.iter().map(|d| dims.iter().position(|x| x == d).expect("it was added")).collect()).collect();
    let cells = (0..shape.iter().product()).map(|n| {
        let index = unravel(n, &shape);
        let here: Vec<f64> =
            of.iter().zip(&axes).map(|(a, axes)| a.cells[ravel(&axes.iter().map(|&x| index[x]).collect::<Vec<_>>(), &a.shape)]).collect();
        f(&here)
    });
    let cells = cells.collect();
    (dims, shape, cells)
}

/// NumPy's type of an operation on two arrays.
fn promote(a: DType, b: DType) -> DType {
    match (a, b) {
        _ if a == b => a,
        (DType::I32, DType::I64) | (DType::I64, DType::I32) => DType::I64,
        _ => DType::F64,
    }
}

/// `a + b` and the like.
pub(crate) fn binary(op: Op, a: &Arr, b: &Arr) -> Arr {
    let (a, b) = align(a, b);
    let (dims, shape, cells) = broadcast(&[&a, &b], |c| op.of(c[0], c[1]));
    let dtype = match promote(a.dtype, b.dtype) {
        DType::I32 | DType::I64 if op == Op::Div => DType::F64,
        other => other,
    };
    Arr { dims, shape, cells, dtype, coords: merged(&a, &b), exact: a.exact && b.exact, slack: 0.0 }.rounded().loosened(op.slack(&a, &b))
}

/// `a + 2.5` and the like; a Python float takes a float array's type.
pub(crate) fn with_number(op: Op, a: &Arr, number: f64, number_first: bool) -> Arr {
    let dtype = if a.is_float() { a.dtype } else { DType::F64 };
    let number = if dtype == DType::F32 { f64::from(number as f32) } else { number };
    let cells = a.cells.iter().map(|&c| if number_first { op.of(number, c) } else { op.of(c, number) }).collect();
    let known = Arr { cells: vec![number], exact: true, slack: 0.0, ..a.clone() };
    Arr { cells, dtype, ..a.clone() }.rounded().loosened(op.slack(a, &known))
}

/// Each cell by itself, its type kept.
pub(crate) fn each(a: &Arr, f: impl Fn(f64) -> f64) -> Arr {
    Arr { cells: a.cells.iter().map(|&c| f(c)).collect(), ..a.clone() }.rounded()
}

/// `a.where(c > limit)`: what is not chosen is missing.
pub(crate) fn choose(a: &Arr, c: &Arr, limit: f64) -> Arr {
    let limit = if c.dtype == DType::F32 { f64::from(limit as f32) } else { limit };
    let (a, c) = align(a, c);
    let (dims, shape, cells) = broadcast(&[&a, &c], |v| if v[1] > limit { v[0] } else { f64::NAN });
    let dtype = if a.is_float() { a.dtype } else { DType::F64 };
    Arr { dims, shape, cells, dtype, coords: merged(&a, &c), exact: a.exact, slack: a.slack }
}

/// `a.weighted(np.cos(np.deg2rad(a.lat))).mean(dims)`, `dims` holding `lat`.
pub(crate) fn weighted_mean(a: &Arr, dims: &[String]) -> Arr {
    let axis = a.axis("lat").expect("weights are those of latitudes");
    let lat = a.numbers("lat").expect("latitudes");
    let weights: Vec<f64> = (0..a.cells.len()).map(|n| lat[unravel(n, &a.shape)[axis]].to_radians().cos()).collect();
    let f64s = Arr { dtype: DType::F64, exact: false, ..a.clone() };
    let weigh = |cell: f64, w: f64| if cell.is_nan() { 0.0 } else { w * cell };
    let sums =
        reduce(&Arr { cells: a.cells.iter().zip(&weights).map(|(&c, &w)| weigh(c, w)).collect(), ..f64s.clone() }, Stat::Sum, dims, true);
    let totals = reduce(
        &Arr { cells: a.cells.iter().zip(&weights).map(|(&c, &w)| if c.is_nan() { 0.0 } else { w }).collect(), ..f64s },
        Stat::Sum,
        dims,
        true,
    );
    let cells = sums.cells.iter().zip(&totals.cells).map(|(s, t)| if *t == 0.0 { f64::NAN } else { s / t }).collect();
    Arr { cells, ..sums }.loosened(a.slack + 1e-12 * a.largest())
}

/// `a.interp(dim=to)`: a straight line between the neighbours, missing outside.
pub(crate) fn interp(a: &Arr, dim: &str, to: &[f64], nearest: bool) -> Arr {
    let axis = a.axis(dim).expect("a dimension of the array");
    let from = a.numbers(dim).expect("numbers").to_vec();
    let mut shape = a.shape.clone();
    shape[axis] = to.len();
    let cells = (0..shape.iter().product()).map(|n| {
        let mut index = unravel(n, &shape);
        let x = to[index[axis]];
        let low = (0..from.len() - 1).find(|&i| (from[i] <= x && x <= from[i + 1]) || (from[i + 1] <= x && x <= from[i]));
        let Some(low) = low else { return f64::NAN };
        let mut at = |i: usize| {
            index[axis] = i;
            a.cells[ravel(&index, &a.shape)]
        };
        let (y0, y1) = (at(low), at(low + 1));
        let part = (x - from[low]) / (from[low + 1] - from[low]);
        if nearest { if part < 0.5 { y0 } else { y1 } } else { y0 + part * (y1 - y0) }
    });
    let mut coords = a.coords.clone();
    coords.insert(dim.to_owned(), Coord { dim: Some(dim.to_owned()), labels: Labels::Numbers(to.to_vec()) });
    coords.retain(|name, c| name == dim || c.dim.as_deref() != Some(dim));
    // SciPy draws lines in float64, whatever it is given.
    let dtype = if a.is_float() && nearest { a.dtype } else { DType::F64 };
    Arr { cells: cells.collect(), shape, coords, dtype, exact: a.exact && nearest, slack: 0.0, dims: a.dims.clone() }
        .rounded()
        .loosened(a.slack + if nearest { 0.0 } else { 2.0 * grain(a.dtype) * a.largest() })
}
