//! Neighbouring axes counted as others with as many cells: `stack` and `unstack`, in C order.
//!
//! In: lengths of axes, a box of the result. Out: the box of the source that holds its cells; these cells. Never moves a cell past another.

use crate::block::Block;
use crate::bounds::{Bounds, shape_of, size_of};
use crate::error::{KernelError, Result};
use std::ops::Range;

/// Axes `axis..axis + from.len()` of a source, counted as axes of lengths `to`.
pub(crate) struct Reshape<'a> {
    /// The first axis.
    pub axis: usize,
    /// Lengths of the axes that are counted anew.
    pub from: &'a [usize],
    /// Lengths of those that they become.
    pub to: &'a [usize],
}

impl Reshape<'_> {
    /// The smallest box of the source that holds all cells from the first to the last one of box `at` of the result.
    pub(crate) fn source_box(&self, at: &[Range<usize>]) -> Bounds {
        let (before, rest) = at.split_at(self.axis.min(at.len()));
        let (own, after) = rest.split_at(self.to.len().min(rest.len()));
        let middle = if own.iter().any(|r| r.is_empty()) { vec![0..0; self.from.len()] } else { self.run(own) };
        before.iter().cloned().chain(middle).chain(after.iter().cloned()).collect()
    }

    /// The ranges of the source's axes between the first and the last of `own`.
    fn run(&self, own: &[Range<usize>]) -> Bounds {
        let first = unravel(ravel(own.iter().map(|r| r.start), self.to), self.from);
        let last = unravel(ravel(own.iter().map(|r| r.end - 1), self.to), self.from);
        let mut same = true;
        first
            .iter()
            .zip(&last)
            .zip(self.from)
            .map(|((&a, &b), &len)| {
                // Behind the first axis along which they differ, all indices lie between them.
                let range = if same { a..b + 1 } else { 0..len };
                same &= a == b;
                range
            })
            .collect()
    }

    /// The cells of box `at` of the result, from a block that holds [`Reshape::source_box`].
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the block holds another box.
    pub(crate) fn apply(&self, block: &Block, at: &[Range<usize>]) -> Result<Block> {
        let source = self.source_box(at);
        if block.shape() != shape_of(&source) {
            return Err(KernelError::Shape { expected: shape_of(&source), got: block.shape().to_vec() });
        }
        let wanted = shape_of(at);
        if size_of(at) == block.len() {
            return block.clone().reshape(&wanted);
        }
        let held = &source[self.axis..self.axis + self.from.len()];
        let outer: usize = wanted[..self.axis].iter().product();
        let inner: usize = wanted[self.axis + self.to.len()..].iter().product();
        let lines = block.clone().reshape(&[outer, size_of(held), inner])?;
        lines.take(1, &self.places(&at[self.axis..self.axis + self.to.len()], held))?.reshape(&wanted)
    }

    /// Where the cells of `own` stand among those that are `held`, in C order.
    fn places(&self, own: &[Range<usize>], held: &[Range<usize>]) -> Vec<i64> {
        let shape = shape_of(own);
        let held_shape = shape_of(held);
        (0..size_of(own))
            .map(|n| {
                let local = unravel(n, &shape);
                let flat = ravel(local.iter().zip(own).map(|(i, r)| i + r.start), self.to);
                let source = unravel(flat, self.from);
                ravel(source.iter().zip(held).map(|(i, r)| i - r.start), &held_shape) as i64
            })
            .collect()
    }
}

/// The number of a cell in C order.
fn ravel(indices: impl Iterator<Item = usize>, shape: &[usize]) -> usize {
    indices.zip(shape).fold(0, |n, (i, len)| n * len + i)
}

/// The indices of cell number `n` in C order.
fn unravel(mut n: usize, shape: &[usize]) -> Vec<usize> {
    let mut out = vec![0; shape.len()];
    for (i, &len) in out.iter_mut().zip(shape).rev() {
        *i = n % len.max(1);
        n /= len.max(1);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn counted(shape: &[usize]) -> Block {
        Block::from_vec(shape, (0..shape.iter().product::<usize>()).map(|v| v as f64).collect()).unwrap()
    }

    /// Every box of the result holds the cells that it holds of the whole, reshaped at once.
    #[test]
    fn every_box_is_that_of_the_whole() {
        for (from, to) in [(vec![3, 4], vec![12]), (vec![12], vec![2, 3, 2]), (vec![2, 6], vec![4, 3]), (vec![1, 5], vec![5])] {
            let shape = [vec![2], from.clone(), vec![2]].concat();
            let wanted = [vec![2], to.clone(), vec![2]].concat();
            let whole = counted(&shape);
            let all = whole.clone().reshape(&wanted).unwrap();
            let reshape = Reshape { axis: 1, from: &from, to: &to };
            let ranges = |len: usize| (0..=len).flat_map(move |a| (a..=len).map(move |b| a..b));
            for first in ranges(to[0]) {
                for last in ranges(*to.last().unwrap()) {
                    let mut at: Bounds = wanted.iter().map(|&n| 0..n).collect();
                    at[0] = 1..2;
                    at[to.len()] = last.clone();
                    at[1] = first.clone();
                    let source = whole.slice(&reshape.source_box(&at)).unwrap();
                    assert_eq!(reshape.apply(&source, &at).unwrap(), all.slice(&at).unwrap(), "{from:?} as {to:?}, box {at:?}");
                }
            }
        }
    }

    #[test]
    fn a_box_within_a_row_reads_that_row_alone() {
        let reshape = Reshape { axis: 0, from: &[100, 10], to: &[1000] };
        assert_eq!(reshape.source_box(&[42..47]), vec![4..5, 2..7]);
        assert_eq!(reshape.source_box(&[42..57]), vec![4..6, 0..10]);
    }
}
