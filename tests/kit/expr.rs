//! A small expression: its text for xeng (and xarray), and its meaning by the oracle.

use super::array::Arr;
use super::data::Made;
use super::lanes::{self, Lane};
use super::oracle::{self, Key, Op, Stat};
use std::collections::BTreeMap;

/// An expression over datasets.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Variable { dataset: String, name: String },
    Reduce(Box<Expr>, Stat, Vec<String>, bool),
    Group(Box<Expr>, Key, Stat),
    Anomaly(Box<Expr>, Key),
    Range(Box<Expr>, String, usize, usize, usize),
    List(Box<Expr>, String, Vec<usize>),
    Pick(Box<Expr>, String, i64),
    Labels(Box<Expr>, String, f64, f64),
    Year(Box<Expr>, i64),
    Nearest(Box<Expr>, String, f64),
    Transpose(Box<Expr>, Vec<String>),
    Binary(Op, Box<Expr>, Box<Expr>),
    Number(Op, Box<Expr>, f64, bool),
    Negative(Box<Expr>),
    Abs(Box<Expr>),
    Sqrt(Box<Expr>),
    Fill(Box<Expr>, f64),
    Clip(Box<Expr>, f64, f64),
    Choose(Box<Expr>, Box<Expr>, f64),
    Weighted(Box<Expr>, Vec<String>),
    Interp(Box<Expr>, String, Vec<f64>, bool),
    Along(Box<Expr>, String, Lane),
    Points(Box<Expr>, [String; 2], [Vec<usize>; 2]),
    DropMissing(Box<Expr>, String, bool),
    Cut(Box<Expr>, f64),
}

/// The arrays of all datasets.
pub(crate) type World = BTreeMap<String, Made>;

impl Expr {
    /// The arrays that it is made of.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Variable { .. } => vec![],
            Expr::Binary(_, a, b) | Expr::Choose(a, b, _) => vec![a, b],
            Expr::Reduce(a, ..)
            | Expr::Group(a, ..)
            | Expr::Anomaly(a, _)
            | Expr::Range(a, ..)
            | Expr::List(a, ..)
            | Expr::Pick(a, ..)
            | Expr::Labels(a, ..)
            | Expr::Year(a, _)
            | Expr::Nearest(a, ..)
            | Expr::Transpose(a, _)
            | Expr::Number(_, a, ..)
            | Expr::Negative(a)
            | Expr::Abs(a)
            | Expr::Sqrt(a)
            | Expr::Fill(a, _)
            | Expr::Clip(a, ..)
            | Expr::Weighted(a, _)
            | Expr::Interp(a, ..)
            | Expr::Points(a, ..)
            | Expr::DropMissing(a, ..)
            | Expr::Cut(a, _)
            | Expr::Along(a, ..) => vec![a],
        }
    }

    /// Every expression in it, smaller ones first.
    pub(crate) fn parts(&self) -> Vec<&Expr> {
        let mut out: Vec<&Expr> = self.children().into_iter().flat_map(Expr::parts).collect();
        out.push(self);
        out
    }

    /// As a user of xarray writes it.
    pub(crate) fn text(&self) -> String {
        let list = |dims: &[String]| format!("[{}]", dims.iter().map(|d| format!("'{d}'")).collect::<Vec<_>>().join(", "));
        match self {
            Expr::Variable { dataset, name } => format!("{dataset}.{name}"),
            Expr::Reduce(a, stat, dims, true) => format!("{}.{}({})", a.text(), stat.name(), list(dims)),
            Expr::Reduce(a, stat, dims, false) => format!("{}.{}({}, skipna=False)", a.text(), stat.name(), list(dims)),
            Expr::Group(a, key, stat) => format!("{}.groupby('time.{}').{}('time')", a.text(), key.name(), stat.name()),
            Expr::Anomaly(a, key) => format!("({0}.groupby('time.{1}') - {0}.groupby('time.{1}').mean('time'))", a.text(), key.name()),
            Expr::Range(a, dim, from, to, step) => format!("{}.isel({dim}=slice({from}, {to}, {step}))", a.text()),
            Expr::List(a, dim, at) => format!("{}.isel({dim}={at:?})", a.text()),
            Expr::Pick(a, dim, at) => format!("{}.isel({dim}={at})", a.text()),
            Expr::Labels(a, dim, from, to) => format!("{}.sel({dim}=slice({from:?}, {to:?}))", a.text()),
            Expr::Year(a, year) => format!("{}.sel(time='{year}')", a.text()),
            Expr::Nearest(a, dim, at) => format!("{}.sel({dim}={at:?}, method='nearest')", a.text()),
            Expr::Transpose(a, dims) => format!("{}.transpose({})", a.text(), list(dims).trim_matches(['[', ']'])),
            Expr::Binary(Op::Maximum, a, b) => format!("np.maximum({}, {})", a.text(), b.text()),
            Expr::Binary(op, a, b) => format!("({} {} {})", a.text(), sign(*op), b.text()),
            Expr::Number(op, a, number, false) => format!("({} {} {number:?})", a.text(), sign(*op)),
            Expr::Number(op, a, number, true) => format!("({number:?} {} {})", sign(*op), a.text()),
            Expr::Negative(a) => format!("(-{})", a.text()),
            Expr::Abs(a) => format!("abs({})", a.text()),
            Expr::Sqrt(a) => format!("np.sqrt(abs({}))", a.text()),
            Expr::Fill(a, value) => format!("{}.fillna({value:?})", a.text()),
            Expr::Clip(a, low, high) => format!("{}.clip({low:?}, {high:?})", a.text()),
            Expr::Choose(a, c, limit) => format!("{}.where({} > {limit:?})", a.text(), c.text()),
            Expr::Weighted(a, dims) => format!("{0}.weighted(np.cos(np.deg2rad({0}.lat))).mean({1})", a.text(), list(dims)),
            Expr::Interp(a, dim, to, false) => format!("{}.interp({dim}={to:?})", a.text()),
            Expr::Along(a, dim, lane) => lane.text(&a.text(), dim),
            Expr::DropMissing(a, dim, all) => format!("{}.dropna('{dim}', how='{}')", a.text(), if *all { "all" } else { "any" }),
            Expr::Cut(a, limit) => format!("{0}.where({0} > {limit:?}, drop=True)", a.text()),
            Expr::Points(a, [y, x], [i, j]) => {
                let at = |at: &[usize]| format!("xr.DataArray({at:?}, dims='point')");
                format!("{}.isel({y}={}, {x}={}).drop_vars(['{y}', '{x}'], errors='ignore')", a.text(), at(i), at(j))
            }
            Expr::Interp(a, dim, to, true) => format!("{}.interp({dim}={to:?}, method='nearest')", a.text()),
        }
    }

    /// What it means.
    pub(crate) fn value(&self, world: &World) -> Arr {
        match self {
            Expr::Variable { dataset, name } => world[dataset].arrays[name].clone(),
            Expr::Reduce(a, stat, dims, skipna) => oracle::reduce(&a.value(world), *stat, dims, *skipna),
            Expr::Group(a, key, stat) => oracle::group(&a.value(world), *key, *stat),
            Expr::Anomaly(a, key) => oracle::anomaly(&a.value(world), *key),
            Expr::Range(a, dim, from, to, step) => {
                let a = a.value(world);
                let at: Vec<usize> = (*from..(*to).min(a.len_of(dim))).step_by(*step).collect();
                oracle::take(&a, dim, &at)
            }
            Expr::List(a, dim, at) => oracle::take(&a.value(world), dim, at),
            Expr::Pick(a, dim, at) => {
                let a = a.value(world);
                let at = if *at < 0 { a.len_of(dim) - at.unsigned_abs() as usize } else { *at as usize };
                oracle::pick(&a, dim, at)
            }
            Expr::Labels(a, dim, from, to) => {
                let a = a.value(world);
                // Bounds written shortly stand for the `float32` labels that they round to.
                let labels = a.numbers(dim).unwrap();
                let held = |x: f64| if labels.contains(&x) { x } else { f64::from(x as f32) };
                let (from, to) = (held(*from), held(*to));
                let inside = |x: f64| (from <= x && x <= to) || (to <= x && x <= from);
                let at: Vec<usize> = labels.iter().enumerate().filter(|(_, x)| inside(**x)).map(|(i, _)| i).collect();
                oracle::take(&a, dim, &at)
            }
            Expr::Year(a, year) => {
                let a = a.value(world);
                let at: Vec<usize> = a.days().unwrap().iter().enumerate().filter(|(_, d)| d.year == *year).map(|(i, _)| i).collect();
                oracle::take(&a, "time", &at)
            }
            Expr::Nearest(a, dim, to) => {
                let a = a.value(world);
                let labels = a.numbers(dim).unwrap();
                let at = (0..labels.len()).min_by(|&i, &j| (labels[i] - to).abs().total_cmp(&(labels[j] - to).abs())).unwrap();
                oracle::pick(&a, dim, at)
            }
            Expr::Transpose(a, dims) => oracle::transpose(&a.value(world), dims),
            Expr::Binary(op, a, b) => oracle::binary(*op, &a.value(world), &b.value(world)),
            Expr::Number(op, a, number, first) => oracle::with_number(*op, &a.value(world), *number, *first),
            Expr::Negative(a) => oracle::each(&a.value(world), |c| -c),
            Expr::Abs(a) => oracle::each(&a.value(world), f64::abs),
            Expr::Sqrt(a) => {
                let a = a.value(world);
                oracle::each(&a, |c| c.abs().sqrt()).loosened(a.slack.sqrt())
            }
            Expr::Fill(a, value) => oracle::each(&a.value(world), |c| if c.is_nan() { *value } else { c }),
            Expr::Clip(a, low, high) => {
                let a = a.value(world);
                let as_held = |x: f64| if a.dtype == xeng_kernels::DType::F32 { f64::from(x as f32) } else { x };
                oracle::each(&a, |c| if c.is_nan() { c } else { c.max(as_held(*low)).min(as_held(*high)) })
            }
            Expr::Choose(a, c, limit) => oracle::choose(&a.value(world), &c.value(world), *limit),
            Expr::Weighted(a, dims) => oracle::weighted_mean(&a.value(world), dims),
            Expr::DropMissing(a, dim, all) => {
                let a = a.value(world);
                let at =
                    oracle::kept(&a, dim, |cells| if *all { cells.iter().any(|c| !c.is_nan()) } else { !cells.iter().any(|c| c.is_nan()) });
                oracle::take(&a, dim, &at)
            }
            Expr::Cut(a, limit) => {
                let a = a.value(world);
                let cut = a
                    .dims
                    .iter()
                    .fold(a.clone(), |out, dim| oracle::take(&out, dim, &oracle::kept(&a, dim, |cells| cells.iter().any(|c| c > limit))));
                let within = if a.is_float() { cut.dtype } else { xeng_kernels::DType::F64 };
                Arr { dtype: within, ..oracle::each(&cut, |c| if c > *limit { c } else { f64::NAN }) }
            }
            Expr::Points(a, dims, at) => oracle::points(&a.value(world), dims, at),
            Expr::Along(a, dim, lane) => lanes::along(&a.value(world), dim, *lane),
            Expr::Interp(a, dim, to, nearest) => oracle::interp(&a.value(world), dim, to, *nearest),
        }
    }
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
        Op::Div => "/",
        Op::Maximum => "",
    }
}
