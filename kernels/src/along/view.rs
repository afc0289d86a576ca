//! A block seen as lanes: `outer` times, `held` cells along the axis, `inner` lanes side by side.

use crate::block::Block;
use crate::dtype::Element;
use crate::error::Result;
use std::ops::Range;

/// Lanes that are worked on side by side, at most.
const STRIP: usize = 64;
/// Bytes that work on a strip keeps, at most, unless one lane needs more: they fit into the cache.
const KEPT_BYTES: usize = 2 << 20;

/// Lanes of a block, and the stretches that are held and wanted.
pub(super) struct View {
    outer: usize,
    inner: usize,
    /// Indices of the lane that the block holds.
    pub(super) held: Range<usize>,
    /// Indices of the resulting lane that are wanted.
    pub(super) at: Range<usize>,
    /// Cells of a whole lane.
    pub(super) len: usize,
}

/// A strip of neighbouring lanes.
pub(super) struct Strip<'a, T> {
    cells: &'a [T],
    stride: usize,
    /// Number of lanes.
    pub(super) lanes: usize,
    first: usize,
}

impl<'a, T: Copy> Strip<'a, T> {
    /// The cells of all lanes at index `i`, which the block holds.
    #[inline(always)]
    pub(super) fn row(&self, i: usize) -> &'a [T] {
        let at = (i - self.first) * self.stride;
        &self.cells[at..at + self.lanes]
    }
}

impl View {
    pub(super) fn new(shape: &[usize], axis: usize, held: Range<usize>, at: Range<usize>, len: usize) -> View {
        View { outer: shape[..axis].iter().product(), inner: shape[axis + 1..].iter().product(), held, at, len }
    }

    /// Fills a block of `shape` strip by strip: `work`, which keeps so many bytes per lane, is given the lanes and where their results
    /// go - the first cell, and the distance between indices.
    pub(super) fn strips<T: Element, O: Element>(
        &self,
        block: &Block,
        shape: &[usize],
        kept_bytes: usize,
        mut work: impl FnMut(&Strip<'_, T>, &mut [O], usize),
    ) -> Result<Block> {
        let cells = block.as_slice::<T>().unwrap_or_default();
        let mut out = vec![O::default(); self.outer * self.at.len() * self.inner];
        let most = (KEPT_BYTES / kept_bytes.max(1)).clamp(1, STRIP);
        for o in 0..self.outer {
            for first in (0..self.inner).step_by(most) {
                let lanes = most.min(self.inner - first);
                let strip =
                    Strip { cells: &cells[o * self.held.len() * self.inner + first..], stride: self.inner, lanes, first: self.held.start };
                work(&strip, &mut out[o * self.at.len() * self.inner + first..], self.inner);
            }
        }
        Block::from_vec(shape, out)
    }
}
