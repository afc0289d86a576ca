//! Weighted sums of neighbouring cells along several axes at once: conservative and bilinear regridding with separable weights.
//!
//! In: a block that holds the needed stretch of each axis. Out: the wanted cells. A missing cell takes no part, and the weights of the
//! others are scaled to what the cell had: `sum(w x) / sum(w)` over the cells that are there, as CDO's `remapcon` (`fracarea`).
//! Never extrapolates: where no cell takes part, the result is missing.

use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{KernelError, Result};
use crate::simd::{Kernel, wide};
use std::ops::Range;
use std::sync::Arc;

/// The weights of one axis: each wanted index is made of a run of neighbouring source indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Length of the source axis; a run that reaches its end goes on at its beginning, as longitudes do.
    source: usize,
    /// First source index of each run.
    first: Arc<[usize]>,
    /// Where each run's weights begin in `weights`, and the end of the last: one more than there are runs.
    starts: Arc<[usize]>,
    /// The weights, none of them negative.
    weights: Arc<[f64]>,
}

impl Weights {
    /// Weights over an axis of `source` indices, from one run per wanted index: the first source index, and the weights from there on.
    pub fn new(source: usize, runs: &[(usize, Vec<f64>)]) -> Weights {
        let mut starts = vec![0];
        runs.iter().for_each(|(_, w)| starts.push(starts.last().copied().unwrap_or(0) + w.len()));
        Weights {
            source,
            first: runs.iter().map(|(i, _)| *i).collect(),
            starts: starts.into(),
            weights: runs.iter().flat_map(|(_, w)| w.iter().copied()).collect(),
        }
    }

    /// Weights from their parts, checked.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the parts do not fit each other.
    pub fn from_parts(source: usize, first: Vec<usize>, lengths: &[usize], weights: Vec<f64>) -> Result<Weights> {
        let wrong = || KernelError::malformed("graph", "weights whose parts do not fit each other");
        let mut starts = vec![0usize];
        for &n in lengths {
            let last = starts.last().copied().unwrap_or(0);
            starts.push(last.checked_add(n).ok_or_else(wrong)?);
        }
        if first.len() != lengths.len() || starts.last() != Some(&weights.len()) {
            return Err(wrong());
        }
        Ok(Weights { source, first: first.into(), starts: starts.into(), weights: weights.into() })
    }

    /// Length of the source axis.
    pub fn source(&self) -> usize {
        self.source
    }

    /// The number of wanted indices.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether no index is wanted.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// First source index of each run.
    pub fn first(&self) -> &[usize] {
        &self.first
    }

    /// Length of each run.
    pub fn lengths(&self) -> Vec<usize> {
        self.starts.windows(2).map(|w| w[1] - w[0]).collect()
    }

    /// All weights, run after run.
    pub fn all(&self) -> &[f64] {
        &self.weights
    }

    fn run(&self, i: usize) -> (usize, &[f64]) {
        (self.first[i], &self.weights[self.starts[i]..self.starts[i + 1]])
    }

    /// Refuses weights that do not fit an axis of `len` indices.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when a run leaves the axis, or a weight is negative or not finite.
    pub fn check(&self, len: usize) -> Result<()> {
        let fits = |i: usize| {
            let (first, run) = self.run(i);
            run.is_empty() || first < len && run.len() <= len
        };
        if self.source == len && (0..self.len()).all(fits) && self.weights.iter().all(|w| w.is_finite() && *w >= 0.0) {
            Ok(())
        } else {
            Err(KernelError::malformed("graph", format!("weights that do not fit an axis of {len} indices")))
        }
    }

    /// The source indices that the wanted ones `at` are made of; all of them where a run goes around.
    pub fn reach(&self, at: Range<usize>) -> Range<usize> {
        let runs = || at.clone().map(|i| self.run(i)).filter(|(_, run)| !run.is_empty()).map(|(first, run)| (first, first + run.len()));
        match (runs().map(|r| r.0).min(), runs().map(|r| r.1).max()) {
            (_, Some(end)) if end > self.source => 0..self.source,
            (Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }
}

/// Element type of the result for an input of type `input`: floats keep theirs.
pub fn output(input: DType) -> DType {
    input.to_float()
}

/// One axis to be remapped.
#[derive(Clone, Debug, PartialEq)]
pub struct RemappedAxis {
    /// Which axis of the block.
    pub axis: usize,
    /// How its wanted indices are made.
    pub weights: Weights,
}

/// The wanted cells `at` (one range per axis of the result), from a block that holds [`Weights::reach`] along each remapped axis.
///
/// # Errors
/// [`KernelError::Shape`] when the block holds another stretch.
pub fn apply(block: &Block, axes: &[RemappedAxis], at: &[Range<usize>]) -> Result<Block> {
    for a in axes {
        let held = at.get(a.axis).map(|r| a.weights.reach(r.clone()).len());
        if held.is_none() || block.shape().get(a.axis).copied() != held {
            return Err(KernelError::Shape { expected: vec![held.unwrap_or(0)], got: block.shape().to_vec() });
        }
    }
    let sums = folded(block, axes, at, false)?;
    let missing = block.dtype().is_float() && sums.as_slice::<f64>().is_some_and(|s| s.iter().any(|v| v.is_nan()));
    let shares = if missing { folded(&present(block), axes, at, false)? } else { uniform(axes, at)? };
    let sums = if missing { folded(block, axes, at, true)? } else { sums };
    let quotient = |s: &[f64], w: &[f64]| -> Vec<f64> { s.iter().zip(w).map(|(s, w)| if *w > 0.0 { s / w } else { f64::NAN }).collect() };
    let cells = quotient(sums.as_slice().unwrap_or_default(), shares.as_slice().unwrap_or_default());
    let out = Block::from_vec(sums.shape(), cells)?;
    Ok(if output(block.dtype()) == DType::F64 { out } else { out.cast(output(block.dtype())) })
}

/// One where a cell is there.
fn present(block: &Block) -> Block {
    dispatch!(block.dtype(), T => {
        let ones = block.as_slice::<T>().unwrap_or_default().iter().map(|c| if c.is_missing() { 0.0f32 } else { 1.0 }).collect();
        Block::from_vec(block.shape(), ones).unwrap_or_else(|_| Block::filled(DType::F32, block.shape(), 1.0))
    })
}

/// What the weights sum to where nothing is missing: as [`folded`] would sum ones, to the bit.
fn uniform(axes: &[RemappedAxis], at: &[Range<usize>]) -> Result<Block> {
    let mut order: Vec<&RemappedAxis> = axes.iter().collect();
    order.sort_by_key(|a| a.axis);
    let mut shares = vec![1.0f64];
    for a in &order {
        let next = shares.iter().flat_map(|v| at[a.axis].clone().map(move |i| a.weights.run(i).1.iter().fold(0.0, |sum, w| sum + w * v)));
        shares = next.collect();
    }
    let shape: Vec<usize> = at.iter().map(ExactSizeIterator::len).collect();
    // Where each of the result's axes stands in `shares`; the others repeat.
    let mut strides = vec![0usize; shape.len()];
    order.iter().rev().fold(1, |stride, a| {
        strides[a.axis] = stride;
        stride * shape[a.axis]
    });
    let place = |mut k: usize| {
        shape.iter().zip(&strides).rev().fold(0, |place, (n, stride)| {
            let i = k % n;
            k /= n;
            place + i * stride
        })
    };
    Block::from_vec(&shape, (0..shape.iter().product()).map(|k| shares[place(k)]).collect::<Vec<f64>>())
}

/// Weighted sums along every axis, the outermost first: there the cells of a row lie side by side.
fn folded(block: &Block, axes: &[RemappedAxis], at: &[Range<usize>], skips_missing: bool) -> Result<Block> {
    let mut order: Vec<&RemappedAxis> = axes.iter().collect();
    order.sort_by_key(|a| a.axis);
    let mut out: Option<Block> = None;
    for a in order {
        let input = out.as_ref().unwrap_or(block);
        let range = at[a.axis].clone();
        let first = out.is_none();
        out = Some(dispatch!(input.dtype(), T => {
            wide(Sums::<T> { block: input, axis: a, at: range, skips_missing: skips_missing && first, of: std::marker::PhantomData })
        })?);
    }
    out.map_or_else(|| Ok(block.cast(DType::F64)), Ok)
}

/// Weighted sums along one axis.
struct Sums<'a, T> {
    block: &'a Block,
    axis: &'a RemappedAxis,
    at: Range<usize>,
    skips_missing: bool,
    of: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Sums<'_, T> {
    type Output = Result<Block>;

    #[inline(always)]
    fn run(self) -> Result<Block> {
        let axis = self.axis.axis;
        let shape = self.block.shape();
        let (outer, held, inner) = (shape[..axis].iter().product::<usize>(), shape[axis], shape[axis + 1..].iter().product::<usize>());
        let cells = self.block.as_slice::<T>().unwrap_or_default();
        let weights = &self.axis.weights;
        let from = weights.reach(self.at.clone()).start;
        let wanted = self.at.len();
        let mut out = vec![0.0f64; outer * wanted * inner];
        let value = |c: T| if self.skips_missing && c.is_missing() { 0.0 } else { c.to_f64() };
        for o in 0..outer {
            let source = &cells[o * held * inner..(o + 1) * held * inner];
            let target = &mut out[o * wanted * inner..(o + 1) * wanted * inner];
            for (k, i) in self.at.clone().enumerate() {
                let (first, run) = weights.run(i);
                // What goes beyond the last index goes on at the first.
                let (run, around) = run.split_at(run.len().min(weights.source.saturating_sub(first)));
                if inner == 1 {
                    let sum = |sum, run: &[f64], cells: &[T]| run.iter().zip(cells).fold(sum, |sum, (w, c)| sum + w * value(*c));
                    let beginning = sum(0.0, run, &source[first.saturating_sub(from).min(held)..]);
                    target[k] = sum(beginning, around, source);
                    continue;
                }
                let row = &mut target[k * inner..(k + 1) * inner];
                for (index, w) in (first.saturating_sub(from)..).zip(run).chain((0..).zip(around)) {
                    let cells = &source[index * inner..][..inner];
                    row.iter_mut().zip(cells).for_each(|(sum, c)| *sum += w * value(*c));
                }
            }
        }
        let mut shape = shape.to_vec();
        shape[axis] = wanted;
        Block::from_vec(&shape, out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn halves() -> Weights {
        Weights::new(4, &[(0, vec![1.0, 1.0]), (2, vec![1.0, 0.5]), (3, vec![]), (3, vec![2.0])])
    }

    fn remapped(cells: Vec<f32>, shape: &[usize], axis: usize, at: Range<usize>) -> Vec<f64> {
        let axes = [RemappedAxis { axis, weights: halves() }];
        let block = Block::from_vec(shape, cells).unwrap();
        let ranges: Vec<Range<usize>> = shape.iter().enumerate().map(|(i, &n)| if i == axis { at.clone() } else { 0..n }).collect();
        let held: Vec<Range<usize>> =
            shape.iter().enumerate().map(|(i, &n)| if i == axis { halves().reach(at.clone()) } else { 0..n }).collect();
        apply(&block.slice(&held).unwrap(), &axes, &ranges).unwrap().to_f64_vec()
    }

    #[test]
    fn what_is_missing_takes_no_part() {
        let nan = f32::NAN;
        let out = remapped(vec![1.0, 3.0, 6.0, 9.0], &[4], 0, 0..4);
        assert_eq!(out[..2], [2.0, 7.0]);
        assert!(out[2].is_nan(), "no cell at all");
        assert_eq!(out[3], 9.0);
        let out = remapped(vec![nan, 3.0, nan, nan], &[4], 0, 0..4);
        assert_eq!(out[0], 3.0);
        assert!(out[1].is_nan() && out[3].is_nan());
    }

    #[test]
    fn stretches_of_either_axis_give_the_same() {
        let cells: Vec<f32> = (0..24).map(|i| if i % 7 == 3 { f32::NAN } else { i as f32 }).collect();
        for axis in [0, 1] {
            let shape = if axis == 0 { [4, 6] } else { [6, 4] };
            let whole = remapped(cells.clone(), &shape, axis, 0..4);
            for start in 0..4 {
                let part = remapped(cells.clone(), &shape, axis, start..start + 1);
                let picked: Vec<f64> =
                    (0..whole.len()).filter(|i| if axis == 0 { i / 6 == start } else { i % 4 == start }).map(|i| whole[i]).collect();
                assert_eq!(part.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), picked.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
            }
        }
    }

    /// A cell's bits must not depend on whether another cell of the box is missing.
    #[test]
    fn what_is_missing_elsewhere_leaves_no_trace() {
        let thirds = Weights::new(4, &[(0, vec![1.0 / 3.0, 0.7]), (2, vec![0.1, 0.9])]);
        let axes = [RemappedAxis { axis: 0, weights: thirds.clone() }, RemappedAxis { axis: 1, weights: thirds }];
        let cells: Vec<f64> = (0..16).map(|i| 1.0 / (i as f64 + 3.0)).collect();
        let mut holed = cells.clone();
        holed[15] = f64::NAN;
        let remapped = |cells: Vec<f64>| apply(&Block::from_vec(&[4, 4], cells).unwrap(), &axes, &[0..2, 0..2]).unwrap().to_f64_vec();
        let (whole, holed) = (remapped(cells), remapped(holed));
        assert_eq!(whole[..3].iter().map(|v| v.to_bits()).collect::<Vec<_>>(), holed[..3].iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        assert!(!holed[3].is_nan() && holed[3] != whole[3]);
    }

    #[test]
    fn runs_go_around() {
        let axes = [RemappedAxis { axis: 0, weights: Weights::new(3, &[(2, vec![1.0, 3.0])]) }];
        for shape in [vec![3], vec![3, 2]] {
            let cells = (0..shape.iter().product::<usize>()).map(|i| (i / (shape.len().max(1))) as f64).collect::<Vec<_>>();
            let at: Vec<Range<usize>> = shape.iter().enumerate().map(|(i, &n)| if i == 0 { 0..1 } else { 0..n }).collect();
            let out = apply(&Block::from_vec(&shape, cells).unwrap(), &axes, &at).unwrap();
            assert!(out.to_f64_vec().iter().all(|v| *v == 0.5), "{out:?}");
        }
    }

    #[test]
    fn weights_that_do_not_fit_are_refused() {
        assert!(halves().check(4).is_ok());
        assert!(halves().check(3).is_err());
        assert!(Weights::new(3, &[(0, vec![-1.0])]).check(3).is_err());
        assert!(Weights::from_parts(3, vec![0], &[2], vec![1.0]).is_err());
    }
}
