//! Interpolation along one axis by coordinate values, as `xarray.DataArray.interp` (`scipy.interpolate.interp1d`).
//!
//! In: source and wanted coordinate values; then a block that holds the needed stretch of source indices. Out: a block
//! with the wanted values along that axis. Outside the source it is missing, unless the line is to go on.

use crate::block::Block;
use crate::dtype::{DType, Element};
use crate::error::{KernelError, Result};
use crate::graph::InterpMethod;
use crate::simd::{Kernel, wide};
use std::ops::Range;

/// For each wanted coordinate value, the source indices that it is computed from.
///
/// `lower` is the neighbour with the smaller coordinate, whatever the order of the source; it is `None` outside the
/// source. A value that hits a node lies at the upper end of its bracket (`numpy.searchsorted`, side `left`), so that
/// it is missing where the node below is missing, as xarray's; for [`InterpMethod::Spline`] at the lower end. For [`InterpMethod::Nearest`] both are the chosen node.
#[derive(Clone, Debug, PartialEq)]
pub struct Brackets {
    /// How.
    pub method: InterpMethod,
    /// Source index of the neighbour with the smaller coordinate.
    pub lower: Vec<Option<usize>>,
    /// Source index of the neighbour with the larger coordinate; unspecified where `lower` is `None`.
    pub upper: Vec<usize>,
    /// Distance of the wanted value from the lower neighbour, in coordinate units.
    pub offset: Vec<f64>,
    /// Distance between the neighbours, in coordinate units.
    pub span: Vec<f64>,
}

/// The brackets of the values `to` in the source coordinate `from`, which is strictly monotonic, either way.
///
/// A wanted NaN is outside. Half way between two nodes, the nearest one is the one with the smaller coordinate.
///
/// # Errors
/// [`KernelError::Malformed`] when `from` is not strictly monotonic.
pub fn brackets(from: &[f64], to: &[f64], method: InterpMethod) -> Result<Brackets> {
    let n = from.len();
    let rising = n < 2 || from[0] < from[1];
    let ordered = from.windows(2).all(|w| if rising { w[0] < w[1] } else { w[0] > w[1] });
    if !ordered || from.iter().any(|x| x.is_nan()) {
        return Err(KernelError::malformed("interpolation", "the source coordinate is not strictly monotonic"));
    }
    let source = |i: usize| if rising { i } else { n - 1 - i };
    let sorted: Vec<f64> = (0..n).map(|i| from[source(i)]).collect();
    let mut out = Brackets { method, lower: vec![], upper: vec![], offset: vec![], span: vec![] };
    for &x in to {
        let found = match method {
            InterpMethod::Linear => between(&sorted, x),
            InterpMethod::Beyond => beyond(&sorted, x),
            InterpMethod::Spline => spline_span(&sorted, x),
            InterpMethod::Nearest => nearest(&sorted, x).map(|i| (i, i)),
        };
        let (low, high) = found.unwrap_or((0, 0));
        out.lower.push(found.map(|_| source(low)));
        out.upper.push(if found.is_some() { source(high) } else { 0 });
        out.offset.push(found.map_or(f64::NAN, |_| x - sorted[low]));
        out.span.push(found.map_or(f64::NAN, |_| sorted[high] - sorted[low]));
    }
    Ok(out)
}

fn inside(sorted: &[f64], x: f64) -> bool {
    matches!((sorted.first(), sorted.last()), (Some(&a), Some(&b)) if a <= x && x <= b)
}

/// The two neighbours of `x`. A source of one node has none, and everything is missing.
fn between(sorted: &[f64], x: f64) -> Option<(usize, usize)> {
    if sorted.len() < 2 || !inside(sorted, x) {
        return None;
    }
    let high = sorted.partition_point(|&s| s < x).clamp(1, sorted.len() - 1);
    Some((high - 1, high))
}

/// As [`between`], with the neighbours at an end for what lies beyond it.
fn beyond(sorted: &[f64], x: f64) -> Option<(usize, usize)> {
    if sorted.len() < 2 || x.is_nan() {
        return None;
    }
    let high = sorted.partition_point(|&s| s < x).clamp(1, sorted.len() - 1);
    Some((high - 1, high))
}

/// As [`between`], but a value that hits a node lies at the lower end of its bracket, as for B-splines; the last node
/// has no bracket above it and takes the one below.
fn spline_span(sorted: &[f64], x: f64) -> Option<(usize, usize)> {
    if sorted.len() < 2 || !inside(sorted, x) {
        return None;
    }
    let high = sorted.partition_point(|&s| s <= x).clamp(1, sorted.len() - 1);
    Some((high - 1, high))
}

/// The node nearest to `x`: the number of midpoints below it.
fn nearest(sorted: &[f64], x: f64) -> Option<usize> {
    if !inside(sorted, x) {
        return None;
    }
    let high = sorted.partition_point(|&s| s < x);
    if high == 0 {
        return Some(0);
    }
    let middle = sorted[high] / 2.0 + sorted[high - 1] / 2.0;
    Some(if middle < x { high } else { high - 1 })
}

/// What lies `offset` behind cell `low` on the line to `high`, `span` away, as `numpy.interp`: from the other end where an infinite cell
/// leaves nothing, and between equal ones what both are.
pub(crate) fn on_line(low: f64, high: f64, offset: f64, span: f64) -> f64 {
    let slope = (high - low) / span;
    let from_low = slope * offset + low;
    let from_high = slope * (offset - span) + high;
    let between = if from_low.is_nan() { from_high } else { from_low };
    if between.is_nan() && low == high { low } else { between }
}

/// Element type of the result: linear interpolation gives `float64` whatever comes in; the nearest value keeps its
/// float type, integers become `float64`.
pub fn output(method: InterpMethod, input: DType) -> DType {
    match method {
        InterpMethod::Linear | InterpMethod::Spline | InterpMethod::Beyond => DType::F64,
        InterpMethod::Nearest => input.to_float(),
    }
}

impl Brackets {
    /// The source indices that the wanted values number `to` need, as one stretch; empty where all are outside.
    pub fn window(&self, to: Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (usize::MAX, 0);
        for t in to.start..to.end.min(self.lower.len()) {
            if let Some(low) = self.lower[t] {
                start = start.min(low).min(self.upper[t]);
                end = end.max(low + 1).max(self.upper[t] + 1);
            }
        }
        if start < end { start..end } else { 0..0 }
    }

    /// The values number `to` along `axis`, from a block that holds the source indices from `window_start` on.
    ///
    /// **Missing**: where a neighbour is, even one of no weight (but a `float64` array of one dimension, for which
    /// xarray goes by way of `numpy.interp`, keeps a value that hits a node).
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the block has no such axis or lacks a needed index;
    /// [`KernelError::Malformed`] when `to` leaves the wanted values.
    pub fn apply(&self, block: &Block, axis: usize, to: Range<usize>, window_start: usize) -> Result<Block> {
        let shape = block.shape().to_vec();
        if to.start > to.end || to.end > self.lower.len() {
            return Err(KernelError::malformed("interpolation", "values are asked for that do not exist"));
        }
        let window = self.window(to.clone());
        let held = shape.get(axis).copied().unwrap_or(0);
        if axis >= shape.len() || !window.is_empty() && (window.start < window_start || window.end - window_start > held) {
            return Err(KernelError::Shape {
                expected: vec![window.start, window.end],
                got: vec![window_start, window_start.saturating_add(held)],
            });
        }
        let dtype = output(self.method, block.dtype());
        let block =
            if block.dtype().is_float() { std::borrow::Cow::Borrowed(block) } else { std::borrow::Cow::Owned(block.cast(DType::F64)) };
        let mut out_shape = shape.clone();
        out_shape[axis] = to.len();
        let size = out_shape
            .iter()
            .try_fold(1usize, |n, &l| n.checked_mul(l))
            .ok_or_else(|| KernelError::malformed("interpolation", "the output is too large"))?;
        let view = View { outer: shape[..axis].iter().product(), held, inner: shape[axis + 1..].iter().product(), to, start: window_start };
        match (self.method, block.as_slice::<f32>(), block.as_slice::<f64>()) {
            (InterpMethod::Linear | InterpMethod::Beyond, Some(x), _) => {
                Block::from_vec(&out_shape, self.linear(x, &view, size, |a, b| (b - a) as f64))
            }
            (InterpMethod::Linear, _, Some(x)) if shape.len() == 1 => Block::from_vec(&out_shape, self.linear_1d(x, &view)),
            (InterpMethod::Linear | InterpMethod::Beyond, _, Some(x)) => {
                Block::from_vec(&out_shape, self.linear(x, &view, size, |a, b| b - a))
            }
            (InterpMethod::Spline, Some(x), _) => Block::from_vec(&out_shape, self.spline(x, &view, size)),
            (InterpMethod::Spline, _, Some(x)) => Block::from_vec(&out_shape, self.spline(x, &view, size)),
            (InterpMethod::Nearest, Some(x), _) => Block::from_vec(&out_shape, self.nearest(x, &view, size)),
            (InterpMethod::Nearest, _, Some(x)) => Block::from_vec(&out_shape, self.nearest(x, &view, size)),
            _ => Err(KernelError::DType { expected: dtype, got: block.dtype() }),
        }
    }

    /// `(y_high - y_low) / span * offset + y_low`; the difference is taken in the input's type, as SciPy takes it.
    fn linear<T: Element>(&self, x: &[T], view: &View, size: usize, difference: impl Fn(T, T) -> f64 + Copy) -> Vec<f64> {
        let mut out = vec![f64::NAN; size];
        for o in 0..view.outer {
            for (k, t) in view.to.clone().enumerate() {
                let Some(low) = self.lower[t] else { continue };
                let at = (o * view.to.len() + k) * view.inner;
                wide(Line {
                    low: view.row(x, o, low),
                    high: view.row(x, o, self.upper[t]),
                    to: &mut out[at..at + view.inner],
                    offset: self.offset[t],
                    span: self.span[t],
                    difference,
                });
            }
        }
        out
    }

    /// `y_low * (span - offset) / span + y_high * offset / span`: the two B-splines of degree 1 (de Boor).
    fn spline<T: Element>(&self, x: &[T], view: &View, size: usize) -> Vec<f64> {
        let mut out = vec![f64::NAN; size];
        for o in 0..view.outer {
            for (k, t) in view.to.clone().enumerate() {
                let Some(low) = self.lower[t] else { continue };
                let at = (o * view.to.len() + k) * view.inner;
                let per_unit = 1.0 / self.span[t];
                let (below, above) = (per_unit * (self.span[t] - self.offset[t]), per_unit * self.offset[t]);
                let rows = view.row(x, o, low).iter().zip(view.row(x, o, self.upper[t]));
                for (to, (l, h)) in out[at..at + view.inner].iter_mut().zip(rows) {
                    *to = l.to_f64() * below + h.to_f64() * above;
                }
            }
        }
        out
    }

    /// As `numpy.interp`, which gives a node's own value without looking at its neighbours.
    fn linear_1d(&self, x: &[f64], view: &View) -> Vec<f64> {
        view.to
            .clone()
            .map(|t| {
                let Some(low) = self.lower[t] else { return f64::NAN };
                let (low, high) = (x[low - view.start], x[self.upper[t] - view.start]);
                if self.offset[t] == 0.0 {
                    low
                } else if self.offset[t] == self.span[t] {
                    high
                } else {
                    on_line(low, high, self.offset[t], self.span[t])
                }
            })
            .collect()
    }

    fn nearest<T: Element>(&self, x: &[T], view: &View, size: usize) -> Vec<T> {
        let mut out = vec![T::from_f64(f64::NAN); size];
        for o in 0..view.outer {
            for (k, t) in view.to.clone().enumerate() {
                let Some(low) = self.lower[t] else { continue };
                let at = (o * view.to.len() + k) * view.inner;
                out[at..at + view.inner].copy_from_slice(view.row(x, o, low));
            }
        }
        out
    }
}

/// A block seen as `outer x held x inner`, its middle axis holding source indices from `start` on.
struct View {
    outer: usize,
    held: usize,
    inner: usize,
    to: Range<usize>,
    start: usize,
}

impl View {
    fn row<'a, T>(&self, x: &'a [T], outer: usize, source: usize) -> &'a [T] {
        let at = (outer * self.held + source - self.start) * self.inner;
        &x[at..at + self.inner]
    }
}

struct Line<'a, T, F> {
    low: &'a [T],
    high: &'a [T],
    to: &'a mut [f64],
    offset: f64,
    span: f64,
    difference: F,
}

impl<T: Element, F: Fn(T, T) -> f64> Kernel for Line<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((to, &low), &high) in self.to.iter_mut().zip(self.low).zip(self.high) {
            *to = (self.difference)(low, high) / self.span * self.offset + low.to_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const N: f64 = f64::NAN;
    const TO: [f64; 9] = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5];

    fn run(block: Block, from: &[f64], method: InterpMethod) -> Vec<f64> {
        let b = brackets(from, &TO, method).unwrap();
        let axis = block.rank() - 1;
        b.apply(&block, axis, 0..TO.len(), 0).unwrap().to_f64_vec()
    }

    fn same(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{got:?} instead of {want:?}");
    }

    /// Numbers of xarray 2026.9.0 with SciPy 1.17.1.
    #[test]
    fn infinite_cells_of_one_lane_are_numpys() {
        let inf = f64::INFINITY;
        let at = |y: [f64; 4]| run(Block::from_vec(&[4], y.to_vec()).unwrap(), &[0.0, 1.0, 2.0, 3.0], InterpMethod::Linear);
        same(&at([-inf, 1.0, 2.0, inf]), &[N, -inf, -inf, 1.0, 1.5, 2.0, inf, inf, N]);
        same(&at([inf, inf, 1.0, 1.0]), &[N, inf, inf, inf, inf, 1.0, 1.0, 1.0, N]);
    }

    /// Numbers of xarray 2026.9.0 with SciPy 1.17.1.
    #[test]
    fn values_and_gaps_are_xarrays() {
        let (up, down) = ([0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]);
        let y = vec![1.0, 2.0, N, 8.0, 8.0, 4.0, 2.0, 1.0];
        let two = |y: &[f64]| Block::from_vec(&[2, 4], y.iter().map(|&v| v as f32).collect::<Vec<_>>()).unwrap();
        let one = |y: &[f64]| Block::from_vec(&[4], y[..4].to_vec()).unwrap();
        use InterpMethod::{Linear, Nearest};
        same(&run(two(&y), &up, Linear), &[N, 1.0, 1.5, 2.0, N, N, N, N, N, N, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, N]);
        same(&run(two(&y), &down, Linear), &[N, N, N, N, N, N, 1.5, 1.0, N, N, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, N]);
        same(&run(two(&y), &up, Nearest), &[N, 1.0, 1.0, 2.0, 2.0, N, N, 8.0, N, N, 8.0, 8.0, 4.0, 4.0, 2.0, 2.0, 1.0, N]);
        same(&run(two(&y), &down, Nearest), &[N, 8.0, 8.0, N, N, 2.0, 2.0, 1.0, N, N, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, N]);
        same(&run(one(&y), &up, Linear), &[N, 1.0, 1.5, 2.0, N, N, N, 8.0, N]);
        same(&run(one(&y), &down, Linear), &[N, 8.0, N, N, N, 2.0, 1.5, 1.0, N]);
        // As `interp1d(x, y, fill_value='extrapolate')`.
        let line = [0.5, 1.0, 1.5, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0];
        same(&run(Block::from_vec(&[4], vec![1.0, 2.0, 6.0, 10.0]).unwrap(), &up, InterpMethod::Beyond), &line);
        same(&run(Block::from_vec(&[4], vec![10.0, 6.0, 2.0, 1.0]).unwrap(), &down, InterpMethod::Beyond), &line);
    }

    #[test]
    fn a_window_gives_what_the_whole_gives() {
        let from: Vec<f64> = (0..20).map(|i| 10.0 - i as f64 * 0.7).collect();
        let to: Vec<f64> = (0..33).map(|i| -4.5 + i as f64 * 0.51).collect();
        let block = Block::from_vec(&[2, 20, 3], (0..120).map(|i| ((i * 37) % 101) as f64).collect::<Vec<_>>()).unwrap();
        for method in [InterpMethod::Linear, InterpMethod::Nearest] {
            let b = brackets(&from, &to, method).unwrap();
            let whole = b.apply(&block, 1, 0..33, 0).unwrap();
            for (lo, hi) in [(0, 33), (5, 9), (30, 33), (12, 12)] {
                let w = b.window(lo..hi);
                let part = block.slice(&[0..2, w.clone(), 0..3]).unwrap();
                assert_eq!(
                    format!("{:?}", b.apply(&part, 1, lo..hi, w.start).unwrap()),
                    format!("{:?}", whole.slice(&[0..2, lo..hi, 0..3]).unwrap())
                );
            }
        }
        assert!(brackets(&[0.0, 0.0], &[0.0], InterpMethod::Linear).is_err());
    }
}
