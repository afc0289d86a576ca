//! A labelled array in memory, all cells as `f64`: what the oracle computes with.

use super::dates::Day;
use std::collections::BTreeMap;
use xeng_kernels::DType;

/// Labels along a dimension, or one label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Labels {
    Numbers(Vec<f64>),
    Days(Vec<Day>),
    Texts(Vec<String>),
}

impl Labels {
    pub(crate) fn len(&self) -> usize {
        match self {
            Labels::Numbers(v) => v.len(),
            Labels::Days(v) => v.len(),
            Labels::Texts(v) => v.len(),
        }
    }

    pub(crate) fn take(&self, at: &[usize]) -> Labels {
        match self {
            Labels::Numbers(v) => Labels::Numbers(at.iter().map(|&i| v[i]).collect()),
            Labels::Days(v) => Labels::Days(at.iter().map(|&i| v[i]).collect()),
            Labels::Texts(v) => Labels::Texts(at.iter().map(|&i| v[i].clone()).collect()),
        }
    }

    /// Where another's label stands in these.
    pub(crate) fn find(&self, other: &Labels, at: usize) -> Option<usize> {
        match (self, other) {
            (Labels::Numbers(a), Labels::Numbers(b)) => a.iter().position(|x| *x == b[at]),
            (Labels::Days(a), Labels::Days(b)) => a.iter().position(|x| *x == b[at]),
            (Labels::Texts(a), Labels::Texts(b)) => a.iter().position(|x| *x == b[at]),
            _ => None,
        }
    }

    /// Whether each label is greater than the one before, or each is less.
    pub(crate) fn is_monotonic(&self) -> bool {
        let keys: Vec<f64> = match self {
            Labels::Numbers(v) => v.clone(),
            Labels::Days(v) => v.iter().map(|d| d.count as f64).collect(),
            Labels::Texts(_) => return false,
        };
        keys.windows(2).all(|w| w[0] < w[1]) || keys.windows(2).all(|w| w[0] > w[1])
    }
}

/// A coordinate: scalar, or along one dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coord {
    pub(crate) dim: Option<String>,
    pub(crate) labels: Labels,
}

/// A labelled array.
#[derive(Clone, Debug)]
pub(crate) struct Arr {
    pub(crate) dims: Vec<String>,
    pub(crate) shape: Vec<usize>,
    pub(crate) cells: Vec<f64>,
    pub(crate) dtype: DType,
    pub(crate) coords: BTreeMap<String, Coord>,
    /// Whether the cells must agree to the last bit: nothing was summed.
    pub(crate) exact: bool,
    /// How far a cell may be off beside its own rounding: what errors of the sums under it amount to here.
    pub(crate) slack: f64,
}

impl Arr {
    pub(crate) fn axis(&self, dim: &str) -> Option<usize> {
        self.dims.iter().position(|d| d == dim)
    }

    pub(crate) fn len_of(&self, dim: &str) -> usize {
        self.axis(dim).map_or(1, |a| self.shape[a])
    }

    /// The labels of a dimension.
    pub(crate) fn index(&self, dim: &str) -> Option<&Labels> {
        self.coords.get(dim).filter(|c| c.dim.as_deref() == Some(dim)).map(|c| &c.labels)
    }

    pub(crate) fn days(&self) -> Option<&[Day]> {
        match self.index("time") {
            Some(Labels::Days(days)) => Some(days),
            _ => None,
        }
    }

    pub(crate) fn numbers(&self, dim: &str) -> Option<&[f64]> {
        match self.index(dim) {
            Some(Labels::Numbers(v)) => Some(v),
            _ => None,
        }
    }

    pub(crate) fn is_float(&self) -> bool {
        self.dtype.is_float()
    }

    /// The magnitude of the largest cell.
    pub(crate) fn largest(&self) -> f64 {
        self.cells.iter().filter(|c| c.is_finite()).fold(0.0, |m, c| c.abs().max(m))
    }

    /// With the slack that came from the operands; what is not exact may be rounded another way here too.
    pub(crate) fn loosened(self, from_operands: f64) -> Arr {
        let slack = if self.exact { 0.0 } else { from_operands + grain(self.dtype) * self.largest() };
        Arr { slack, ..self }
    }

    /// The cells as their type holds them.
    pub(crate) fn rounded(mut self) -> Arr {
        if self.dtype == DType::F32 {
            self.cells.iter_mut().for_each(|c| *c = f64::from(*c as f32));
        }
        self
    }
}

/// The relative distance between neighbouring numbers of a type.
pub(crate) fn grain(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    }
}

/// The index along each axis of cell number `at`.
pub(crate) fn unravel(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut out = vec![0; shape.len()];
    for (i, &n) in out.iter_mut().zip(shape).rev() {
        *i = at % n;
        at /= n;
    }
    out
}

/// The number of a cell.
pub(crate) fn ravel(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |n, (&i, &len)| n * len + i)
}
