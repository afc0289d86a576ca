//! The rank of each cell among its lane's, ties sharing the mean of theirs (`bottleneck.nanrankdata`).

use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::Element;
use crate::error::Result;
use std::cmp::Ordering;

/// Ranks from 1 on, or as parts of the number of cells that are there. Missing cells stay missing.
pub(super) fn apply(block: &Block, view: &View, shape: &[usize], percent: bool) -> Result<Block> {
    dispatch!(block.dtype(), T => lanes::<T>(block, view, shape, percent))
}

fn lanes<T: Element + PartialOrd>(block: &Block, view: &View, shape: &[usize], percent: bool) -> Result<Block> {
    let mut cells: Vec<(T, usize)> = vec![];
    let mut ranks: Vec<f64> = vec![];
    view.strips::<T, f64>(block, shape, 0, |strip, out, stride| {
        for n in 0..strip.lanes {
            cells.clear();
            cells.extend((0..view.len).map(|i| (strip.row(i)[n], i)).filter(|(cell, _)| !cell.is_missing()));
            cells.sort_unstable_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
            ranked(&cells, &mut ranks, view.len);
            let whole = if percent { cells.len() as f64 } else { 1.0 };
            for (k, i) in view.at.clone().enumerate() {
                out[k * stride + n] = ranks[i] / whole;
            }
        }
    })
}

/// The ranks of sorted cells, at the places where they stood.
fn ranked<T: PartialEq>(cells: &[(T, usize)], ranks: &mut Vec<f64>, len: usize) {
    ranks.clear();
    ranks.resize(len, f64::NAN);
    let mut start = 0;
    for ties in cells.chunk_by(|a, b| a.0 == b.0) {
        let end = start + ties.len();
        for (_, i) in ties {
            ranks[*i] = (start + 1 + end) as f64 / 2.0;
        }
        start = end;
    }
}
