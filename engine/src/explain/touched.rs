//! Which chunks of its stored variables a fragment reads.
//!
//! In: a fragment's graph and the chunks of its variables. Out: chunks and decoded cells per variable. Never lists the chunks of a box:
//! the work is bounded by operators and boxes.

use std::collections::{BTreeMap, HashMap, HashSet};
use xeng_kernels::bounds::{Bounds, whole};
use xeng_kernels::boxes::input_boxes;
use xeng_kernels::{AxisChunks, Graph, NodeId, Op, Result};

/// A node that is needed in more boxes than this counts as needed in the one box around them.
const MOST_BOXES: usize = 64;
/// Chunks of overlapping boxes are told apart up to this number; beyond it they may be counted twice, up to all there are.
const MOST_LISTED: usize = 100_000;

/// What is read of one variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Chunks.
    pub(super) chunks: usize,
    /// Their cells.
    pub(super) cells: u64,
}

/// What each source is read for when all of `roots` are computed.
///
/// # Errors
/// [`xeng_kernels::KernelError::Malformed`] for a graph that refers to missing nodes.
pub(super) fn boxes(graph: &Graph, roots: impl IntoIterator<Item = NodeId>) -> Result<BTreeMap<u32, Vec<Bounds>>> {
    let mut needed: HashMap<NodeId, Vec<Bounds>> = HashMap::new();
    for root in roots {
        add(needed.entry(root).or_default(), whole(&graph.node(root)?.shape()));
    }
    let mut read: BTreeMap<u32, Vec<Bounds>> = BTreeMap::new();
    // Inputs come before what they are made into, so that every node is complete when its turn comes.
    let ids: Vec<NodeId> = graph.ids().collect();
    for id in ids.into_iter().rev() {
        let Some(wanted) = needed.remove(&id) else { continue };
        let node = graph.node(id)?;
        for bounds in wanted {
            if let Op::Scan { source } = &node.op {
                add(read.entry(*source).or_default(), bounds);
            } else {
                for (input, bounds) in input_boxes(graph, node, &bounds)? {
                    add(needed.entry(input).or_default(), bounds);
                }
            }
        }
    }
    Ok(read)
}

fn add(all: &mut Vec<Bounds>, one: Bounds) {
    let inside = |a: &Bounds, b: &Bounds| a.iter().zip(b).all(|(a, b)| b.start <= a.start && a.end <= b.end);
    if one.iter().any(|r| r.is_empty()) || all.iter().any(|known| inside(&one, known)) {
        return;
    }
    all.retain(|known| !inside(known, &one));
    all.push(one);
    if all.len() > MOST_BOXES {
        let around = all.drain(..).reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a.start.min(b.start)..a.end.max(b.end)).collect());
        all.extend(around);
    }
}

/// The chunks that the boxes meet.
pub(super) fn chunks(boxes: &[Bounds], axes: &[AxisChunks]) -> Touched {
    let ranges: Vec<Bounds> = boxes.iter().map(|b| b.iter().zip(axes).map(|(r, axis)| axis.overlapping(r)).collect()).collect();
    let count = |r: &Bounds| r.iter().fold(1usize, |n, r| n.saturating_mul(r.len()));
    let cells = |r: &Bounds| {
        let span = |(r, axis): (&std::ops::Range<usize>, &AxisChunks)| match r.is_empty() {
            true => 0,
            false => axis.range(r.end - 1).end - axis.range(r.start).start,
        };
        r.iter().zip(axes).map(span).fold(1u64, |n, l| n.saturating_mul(l as u64))
    };
    let every = Touched {
        chunks: axes.iter().map(AxisChunks::count).fold(1, usize::saturating_mul),
        cells: axes.iter().map(|a| a.len() as u64).fold(1, u64::saturating_mul),
    };
    let sum = ranges.iter().map(count).fold(0, usize::saturating_add);
    if ranges.len() > 1 && sum <= MOST_LISTED {
        return listed(&ranges, axes);
    }
    Touched { chunks: sum.min(every.chunks), cells: ranges.iter().map(cells).fold(0, u64::saturating_add).min(every.cells) }
}

fn listed(ranges: &[Bounds], axes: &[AxisChunks]) -> Touched {
    let mut seen: HashSet<Vec<usize>> = HashSet::new();
    for range in ranges {
        let mut at: Vec<Vec<usize>> = vec![vec![]];
        for r in range {
            at = at.into_iter().flat_map(|head| r.clone().map(move |i| [head.as_slice(), &[i]].concat())).collect();
        }
        seen.extend(at);
    }
    let size = |at: &Vec<usize>| at.iter().zip(axes).map(|(&i, axis)| axis.range(i).len() as u64).product::<u64>();
    Touched { chunks: seen.len(), cells: seen.iter().map(size).sum() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use super::*;

    #[test]
    fn overlapping_boxes_share_their_chunks() {
        let axes = [AxisChunks::uniform(10, 4), AxisChunks::uniform(6, 3)];
        assert_eq!(chunks(&[vec![0..1, 0..6]], &axes), Touched { chunks: 2, cells: 24 });
        assert_eq!(chunks(&[vec![0..1, 0..6], vec![0..9, 0..1]], &axes), Touched { chunks: 4, cells: 24 + 12 + 6 });
        assert_eq!(chunks(&[], &axes), Touched::default());
    }

    #[test]
    fn many_boxes_become_the_one_around_them() {
        let mut all = vec![];
        (0..200).for_each(|i| add(&mut all, vec![2 * i..2 * i + 1]));
        assert!(all.len() <= MOST_BOXES && all.iter().any(|b| b[0].start == 0), "{all:?}");
        add(&mut all, vec![0..400]);
        assert_eq!(all, [vec![0..400]]);
    }
}
