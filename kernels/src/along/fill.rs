//! Missing cells filled from their neighbours.

use super::view::{Strip, View};
use crate::block::Block;
use crate::dtype::Element;
use crate::error::Result;
use crate::interp;

/// From the nearest cell on one side. Integers have no missing cells and stay.
pub(super) fn fill(block: &Block, view: &View, shape: &[usize], forward: bool, limit: usize) -> Result<Block> {
    let order = |k: usize| if forward { k } else { view.len - 1 - k };
    each_lane(block, view, shape, &|lane| {
        let (mut last, mut filled) = (f64::NAN, 0);
        for k in 0..lane.len() {
            let cell = &mut lane[order(k)];
            if !cell.is_nan() {
                (last, filled) = (*cell, 0);
            } else if filled < limit {
                (*cell, filled) = (last, filled + 1);
            }
        }
    })
}

/// How missing cells are filled between those that are there.
pub(super) struct How {
    /// Missing cells in a row that are filled, at most, from their first on.
    pub(super) limit: usize,
    /// The longest distance between the neighbours.
    pub(super) max_gap: Option<f64>,
    /// The nearer neighbour's value instead of the line's.
    pub(super) nearest: bool,
    /// Also before the first cell that is there and after the last.
    pub(super) beyond: bool,
}

/// On the line between the neighbours on both sides (`numpy.interp`), or the nearer one's value (`scipy.interpolate.interp1d`).
pub(super) fn bridge(block: &Block, view: &View, shape: &[usize], x: &[f64], how: &How) -> Result<Block> {
    each_lane(block, view, shape, &|lane| {
        let there: Vec<(f64, f64)> = if how.beyond { present(lane, x) } else { vec![] };
        let mut before: Option<usize> = None;
        let mut i = 0;
        while i < lane.len() {
            if !lane[i].is_nan() {
                before = Some(i);
                i += 1;
                continue;
            }
            let after = (i..lane.len()).find(|&j| !lane[j].is_nan());
            let end = after.unwrap_or(lane.len());
            let ends = match (before, after) {
                (Some(b), Some(a)) if how.max_gap.is_none_or(|most| x[a] - x[b] <= most) => Some(((x[b], lane[b]), (x[a], lane[a]))),
                (None, Some(_)) => there.first().copied().zip(there.get(1).copied()),
                (Some(_), None) => there.len().checked_sub(2).and_then(|n| there.get(n).copied().zip(there.last().copied())),
                _ => None,
            };
            if let Some(ends) = ends {
                for j in i..end.min(i.saturating_add(how.limit)) {
                    lane[j] = at(x[j], ends, how);
                }
            }
            i = end;
        }
    })
}

/// The cells that are there, with their places; a lane of fewer than two stays as it is.
fn present(lane: &[f64], x: &[f64]) -> Vec<(f64, f64)> {
    x.iter().copied().zip(lane.iter().copied()).filter(|(_, y)| !y.is_nan()).collect()
}

/// What lies at `x` by two cells.
fn at(x: f64, ((x0, y0), (x1, y1)): ((f64, f64), (f64, f64)), how: &How) -> f64 {
    match how {
        How { nearest: true, .. } if x0 / 2.0 + x1 / 2.0 < x => y1,
        How { nearest: true, .. } => y0,
        // SciPy's line; NumPy's does not go on beyond the ends.
        How { beyond: true, .. } => (y1 - y0) / (x1 - x0) * (x - x0) + y0,
        How { .. } => interp::on_line(y0, y1, x - x0, x1 - x0),
    }
}

/// Each lane in turn as float64, worked on in place; what was not missing keeps its bits.
fn each_lane(block: &Block, view: &View, shape: &[usize], work: &dyn Fn(&mut [f64])) -> Result<Block> {
    match block {
        Block::F32(_) => lanes_of::<f32>(block, view, shape, work),
        Block::F64(_) => lanes_of::<f64>(block, view, shape, work),
        integers => {
            let axis_at: Vec<_> =
                integers.shape().iter().zip(shape).map(|(&has, &wants)| if has == wants { 0..has } else { view.at.clone() }).collect();
            integers.slice(&axis_at)
        }
    }
}

fn lanes_of<T: Element>(block: &Block, view: &View, shape: &[usize], work: &dyn Fn(&mut [f64])) -> Result<Block> {
    let mut lane = vec![];
    view.strips::<T, T>(block, shape, 0, |strip: &Strip<'_, T>, out, stride| {
        for n in 0..strip.lanes {
            lane.clear();
            lane.extend((0..view.len).map(|i| strip.row(i)[n].to_f64()));
            work(&mut lane);
            for (k, i) in view.at.clone().enumerate() {
                out[k * stride + n] = T::from_f64(lane[i]);
            }
        }
    })
}
