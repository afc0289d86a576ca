//! Random expressions that xarray would accept.
//!
//! Each step looks at the array that it is applied to: a dimension is only reduced where it exists.

use super::array::Arr;
use super::expr::{Expr, World};
use super::lanes::Lane;
use super::oracle::{Key, Op, Stat};
use super::rng::Rng;
use xeng_kernels::DType;

/// An expression of up to `steps` operators.
pub(crate) fn expression(rng: &mut Rng, world: &World, steps: usize) -> Expr {
    let (mut expr, mut value) = leaf(rng, world, None);
    for _ in 0..steps {
        let next = step(rng, world, expr.clone(), &value);
        let Some(next) = next else { continue };
        let next_value = next.value(world);
        if next_value.cells.len() > 3_000_000 {
            continue;
        }
        (expr, value) = (next, next_value);
    }
    expr
}

/// A variable, of one dataset or of any.
fn leaf(rng: &mut Rng, world: &World, of: Option<&str>) -> (Expr, Arr) {
    let names: Vec<&String> = world.keys().filter(|k| of.is_none_or(|o| o == k.as_str())).collect();
    let made = &world[*rng.pick(&names)];
    let variables: Vec<&String> = made.arrays.keys().collect();
    let name = (*rng.pick(&variables)).clone();
    let value = made.arrays[&name].clone();
    (Expr::Variable { dataset: made.name.clone(), name }, value)
}

fn step(rng: &mut Rng, world: &World, expr: Expr, value: &Arr) -> Option<Expr> {
    let e = Box::new(expr);
    let dim = if value.dims.is_empty() { None } else { Some(rng.pick(&value.dims).clone()) };
    let len = dim.as_ref().map_or(0, |d| value.len_of(d));
    let grouped = value.days().is_some_and(|d| !d.is_empty());
    match rng.below(33) {
        0..5 => reduce(rng, e, value),
        5..8 if grouped => {
            let (key, anomaly) = (*rng.pick(&Key::ALL), rng.chance(33));
            // xarray refuses groups under the name of a dimension that is there already.
            let free = !value.dims.iter().any(|d| d == key.name());
            free.then(|| if anomaly { Expr::Anomaly(e, key) } else { Expr::Group(e, key, *rng.pick(&Stat::ALL)) })
        }
        8 => {
            let dim = dim?;
            // Sometimes nothing is left.
            let from = rng.below(len + 1);
            Some(Expr::Range(e, dim, from, rng.between(from, len + 2), rng.between(1, 3)))
        }
        9 if len > 0 => {
            let count = rng.between(1, 4);
            Some(Expr::List(e, dim?, distinct(rng, len, count)))
        }
        10 if len > 0 => Some(Expr::Pick(e, dim?, rng.below(len) as i64 - if rng.chance(30) { len as i64 } else { 0 })),
        11 => labels(rng, world, e, value, dim?),
        12 if grouped && value.index("time").is_some_and(|t| t.is_monotonic()) => {
            let year = rng.pick(value.days()?).year;
            Some(Expr::Year(e, year))
        }
        13 => nearest(rng, e, value, dim?),
        14 if value.dims.len() > 1 => {
            let mut dims = value.dims.clone();
            dims.rotate_left(rng.between(1, value.dims.len() - 1));
            Some(Expr::Transpose(e, dims))
        }
        15 | 16 => {
            let (other, steps) = (leaf(rng, world, None).0, rng.below(3));
            let other = (0..steps).fold(other, |o, _| step(rng, world, o.clone(), &o.value(world)).unwrap_or(o));
            let op = *rng.pick(&[Op::Add, Op::Sub, Op::Mul, Op::Maximum]);
            alignable(value, &other.value(world)).then(|| Expr::Binary(op, e, Box::new(other)))
        }
        17 => {
            let number = f64::from(rng.between(1, 16) as u32) / 4.0 * if rng.chance(30) { -1.0 } else { 1.0 };
            let op = *rng.pick(&[Op::Add, Op::Sub, Op::Mul, Op::Div]);
            // Offsets by which most digits come or go.
            let far = matches!(op, Op::Add | Op::Sub) && rng.chance(50);
            let number = if far { *rng.pick(&[273.15, 101_325.0, 1e5]) } else { number };
            Some(Expr::Number(op, e, number, op != Op::Div && rng.chance(30)))
        }
        18 => Some(Expr::Negative(e)),
        19 => Some(if value.is_float() && rng.chance(50) { Expr::Sqrt(e) } else { Expr::Abs(e) }),
        20 if value.is_float() => Some(if rng.chance(50) { Expr::Fill(e, 0.5) } else { Expr::Clip(e, -1.25, 7.5) }),
        21 => {
            let (condition, c) = leaf(rng, world, None);
            alignable(value, &c).then(|| Expr::Choose(e, Box::new(condition), 0.25))
        }
        // Weights of `float32` latitudes are another sum's matter: their cosines depend on the library.
        22 if value.numbers("lat").is_some_and(|l| !l.is_empty()) && !labels_of(&e, world).contains(&DType::F32) => {
            let mut dims = vec!["lat".to_owned()];
            dims.extend(value.dims.iter().filter(|d| *d != "lat" && rng.chance(50)).cloned());
            Some(Expr::Weighted(e, dims))
        }
        23 => interp(rng, e, value, dim?),
        29 | 30 if value.dims.len() > 1 && !value.dims.iter().any(|d| d == "point") => points(rng, e, value),
        31 => Some(Expr::DropMissing(e, dim?, rng.chance(50))),
        // Where rounding could decide what is kept, no two ways of computing need agree.
        32 if value.exact && !value.dims.is_empty() && value.cells.len() < 20_000 => {
            let there: Vec<f64> = value.cells.iter().copied().filter(|c| c.is_finite()).collect();
            let limit = if there.is_empty() { 0.5 } else { rng.pick(&there).floor() + 0.5 };
            Some(Expr::Cut(e, limit))
        }
        24..29 => {
            let dim = dim?;
            let numbers = value.numbers(&dim).is_some_and(|_| value.index(&dim).is_some_and(|i| i.is_monotonic()));
            Lane::random(rng, len, value.is_float(), numbers).map(|lane| Expr::Along(e, dim, lane))
        }
        _ => None,
    }
}

/// Cells at points of two dims, some of them twice.
fn points(rng: &mut Rng, e: Box<Expr>, value: &Arr) -> Option<Expr> {
    let count = rng.between(1, 40);
    let first = rng.below(value.dims.len());
    let second = (first + rng.between(1, value.dims.len() - 1)) % value.dims.len();
    let dims = [first, second].map(|d| value.dims[d].clone());
    let lengths = [first, second].map(|d| value.shape[d]);
    // A coordinate that is no label stays along the points in xarray; the oracle has none.
    let plain = value.coords.iter().all(|(name, c)| c.dim.as_ref().is_none_or(|d| d == name || !dims.contains(d)));
    if lengths.contains(&0) || !plain {
        return None;
    }
    let at = lengths.map(|n| (0..count).map(|_| rng.below(n)).collect::<Vec<_>>());
    Some(Expr::Points(e, dims, at))
}

/// What has no labels has to be of one length; labels must be unique to be joined.
fn alignable(a: &Arr, b: &Arr) -> bool {
    a.dims.iter().filter(|d| b.axis(d).is_some()).all(|d| match (a.index(d), b.index(d)) {
        (Some(_), Some(_)) => true,
        _ => a.len_of(d) == b.len_of(d),
    })
}

fn reduce(rng: &mut Rng, e: Box<Expr>, value: &Arr) -> Option<Expr> {
    let dims: Vec<String> = value.dims.iter().filter(|_| rng.chance(50)).cloned().collect();
    let stat = *rng.pick(&Stat::ALL);
    // The least of nothing is an error in xarray.
    let empty = dims.iter().any(|d| value.len_of(d) == 0);
    let unfit = dims.is_empty() || empty && matches!(stat, Stat::Min | Stat::Max);
    let skipna = stat == Stat::Count || !value.is_float() || rng.chance(80);
    // Means above all: they are what an optimiser would like to take first.
    let shift = value.dtype == DType::F32 && rng.chance(40);
    let (e, stat) = if shift { (shifted(e, value), if rng.chance(60) { Stat::Mean } else { stat }) } else { (e, stat) };
    (!unfit).then_some(Expr::Reduce(e, stat, dims, skipna))
}

/// Data less an offset near it: what is left has few digits, and every cell is rounded on the way.
fn shifted(e: Box<Expr>, value: &Arr) -> Box<Expr> {
    const FAR: f64 = 100_000.0;
    if value.largest() > FAR {
        return Box::new(Expr::Number(Op::Sub, e, 101_325.0, false));
    }
    let moved = Box::new(Expr::Number(Op::Add, e, FAR, false));
    Box::new(Expr::Number(Op::Sub, moved, FAR, false))
}

fn distinct(rng: &mut Rng, len: usize, count: usize) -> Vec<usize> {
    let mut out: Vec<usize> = vec![];
    for _ in 0..count {
        let at = rng.below(len);
        if !out.contains(&at) {
            out.push(at);
        }
    }
    out
}

/// The types of the labels of the datasets that an expression reads.
fn labels_of(e: &Expr, world: &World) -> Vec<DType> {
    let of = |part: &Expr| match part {
        Expr::Variable { dataset, .. } => Some(world[dataset].layout.labels),
        _ => None,
    };
    e.parts().into_iter().filter_map(of).collect()
}

fn labels(rng: &mut Rng, world: &World, e: Box<Expr>, value: &Arr, dim: String) -> Option<Expr> {
    let labels = value.numbers(&dim).filter(|l| l.len() > 1 && value.index(&dim).is_some_and(|i| i.is_monotonic()))?;
    let (a, b) = (rng.below(labels.len()), rng.below(labels.len()));
    let (low, high) = (labels[a.min(b)], labels[a.max(b)]);
    let interpolated = e.parts().into_iter().any(|p| matches!(p, Expr::Interp(..)));
    let single = !interpolated && labels_of(&e, world).iter().all(|l| *l == DType::F32);
    // As a user writes them: 40.1, not the number that `float32` holds for it.
    let written = |x: f64| if single { (x as f32).to_string().parse().unwrap_or(x) } else { x };
    Some(Expr::Labels(e, dim, written(low), written(high)))
}

fn nearest(rng: &mut Rng, e: Box<Expr>, value: &Arr, dim: String) -> Option<Expr> {
    let labels = value.numbers(&dim).filter(|l| !l.is_empty() && value.index(&dim).is_some_and(|i| i.is_monotonic()))?;
    let at = *rng.pick(labels) + 0.0625;
    Some(Expr::Nearest(e, dim, at))
}

fn interp(rng: &mut Rng, e: Box<Expr>, value: &Arr, dim: String) -> Option<Expr> {
    let labels = value.numbers(&dim).filter(|l| l.len() > 1 && value.index(&dim).is_some_and(|i| i.is_monotonic()))?;
    let count = rng.between(1, 5);
    let mut to: Vec<f64> = (0..count)
        .map(|_| {
            let i = rng.below(labels.len() - 1);
            let part = *rng.pick(&[0.25, 0.375, 0.75]);
            labels[i] + part * (labels[i + 1] - labels[i])
        })
        .collect();
    if rng.chance(20) {
        to.push(labels.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 1.5);
    }
    to.sort_by(f64::total_cmp);
    to.dedup();
    let numeric = matches!(dim.as_str(), "lat" | "lon");
    numeric.then(|| Expr::Interp(e, dim, to, rng.chance(30)))
}
