//! Missing cells filled from their neighbours.

use super::view::{Strip, View};
use crate::block::Block;
use crate::dtype::Element;
use crate::error::Result;

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

/// On the line between the neighbours on both sides (`numpy.interp`).
pub(super) fn bridge(block: &Block, view: &View, shape: &[usize], x: &[f64], limit: usize, max_gap: Option<f64>) -> Result<Block> {
    each_lane(block, view, shape, &|lane| {
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
            if let (Some(b), Some(a)) = (before, after)
                && max_gap.is_none_or(|most| x[a] - x[b] <= most)
            {
                let slope = (lane[a] - lane[b]) / (x[a] - x[b]);
                for j in i..end.min(i.saturating_add(limit)) {
                    lane[j] = slope * (x[j] - x[b]) + lane[b];
                }
            }
            i = end;
        }
    })
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
