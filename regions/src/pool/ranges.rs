//! Cuts work units into the ranges that nodes are sent.
//!
//! In: the shape of each task's work, the runs that are wanted. Out: ranges, each a node of one box's merge tree or some whole boxes.
//! Never lists units: a million of them are a few thousand ranges.

use std::ops::Range;
use xeng_proto::Run;

/// Ranges that a fragment is cut into at most, as long as each may still be cut.
const MOST_RANGES: u64 = 4096;
/// Ranges that a node should have at least, so that one that is slow can be helped.
const RANGES_PER_NODE: u64 = 8;
/// How many times the bytes of its partial a range should read.
const INPUT_PER_STATE: u64 = 16;

/// The work of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Boxes of its result.
    pub boxes: u64,
    /// Units that fold into each.
    pub units_per_box: u64,
    /// Whether a box must be made by one node.
    pub is_whole: bool,
    /// Bytes of a box's partial.
    pub state_bytes: u64,
    /// Decoded bytes that a unit reads.
    pub unit_bytes: u64,
}

impl Shape {
    /// Units in all.
    pub fn units(&self) -> u64 {
        self.boxes.saturating_mul(self.units_per_box)
    }

    /// Units of a range, for a fragment of `all` units on `nodes` nodes: a power of two below the units of a box, otherwise whole boxes.
    pub fn grain(&self, all: u64, nodes: u64) -> u64 {
        let per_box = self.units_per_box.max(1);
        let least = all.div_ceil(MOST_RANGES).max(1).next_power_of_two();
        // What is cut out of a box comes as a partial, which should be small beside what was read for it.
        let worth = self.state_bytes.saturating_mul(INPUT_PER_STATE).div_ceil(self.unit_bytes.max(1)).max(1);
        let worth = worth.checked_next_power_of_two().unwrap_or(per_box);
        let most = (all / (RANGES_PER_NODE * nodes.max(1))).max(1);
        let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
        let grain = least.max(worth.min(most));
        if self.is_whole || grain >= per_box { (grain / per_box).max(1) * per_box } else { grain }
    }
}

/// The ranges of wanted runs, in order; runs that are not there are passed over.
pub fn cut(shapes: &[Shape], wanted: &[Run], nodes: u64) -> Vec<Run> {
    let all = shapes.iter().map(Shape::units).fold(0, u64::saturating_add);
    let grains: Vec<u64> = shapes.iter().map(|s| s.grain(all, nodes)).collect();
    let mut out = vec![];
    for run in wanted {
        let Some((shape, &grain)) = shapes.get(run.task as usize).zip(grains.get(run.task as usize)) else { continue };
        let mut from = run.units.start;
        let end = run.units.end.min(shape.units());
        while from < end {
            let to = edge_after(from, shape.units_per_box.max(1), grain).min(end);
            out.push(Run { task: run.task, units: from..to });
            from = to;
        }
    }
    out
}

/// All that there is.
pub fn whole(shapes: &[Shape]) -> Vec<Run> {
    let run = |(task, shape): (usize, &Shape)| Run { task: task as u32, units: 0..shape.units() };
    shapes.iter().enumerate().map(run).filter(|r| !r.units.is_empty()).collect()
}

/// Where the range that holds unit `unit` ends.
fn edge_after(unit: u64, per_box: u64, grain: u64) -> u64 {
    if grain >= per_box {
        return (unit / grain + 1).saturating_mul(grain);
    }
    let (first, within) = (unit - unit % per_box, unit % per_box);
    first + ((within / grain + 1) * grain).min(per_box)
}

/// Number of the range that holds all of these units.
pub fn range_of(ranges: &[Run], task: u32, units: &Range<u64>) -> Option<u32> {
    let after = ranges.partition_point(|r| (r.task, r.units.start) <= (task, units.start));
    let number = after.checked_sub(1)?;
    let range = ranges.get(number)?;
    (range.task == task && range.units.start <= units.start && units.end <= range.units.end).then_some(number as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use xeng_kernels::MergeTree;

    fn shape(boxes: u64, units_per_box: u64) -> Shape {
        Shape { boxes, units_per_box, is_whole: false, state_bytes: 16, unit_bytes: 4 << 20 }
    }

    proptest! {
        #[test]
        fn ranges_hold_every_wanted_unit_once_and_are_nodes_of_the_tree(
            tasks in proptest::collection::vec((0..300u64, 1..5000u64, any::<bool>(), 0..40u64), 1..4),
            nodes in 1..60u64,
        ) {
            let shapes: Vec<Shape> = tasks
                .iter()
                .map(|&(boxes, units, is_whole, state)| Shape { is_whole, state_bytes: state << 20, ..shape(boxes, units) })
                .collect();
            let ranges = cut(&shapes, &whole(&shapes), nodes);
            let mut next = vec![0; shapes.len()];
            for (number, range) in ranges.iter().enumerate() {
                let (shape, at) = (&shapes[range.task as usize], &mut next[range.task as usize]);
                prop_assert_eq!(range.units.start, *at);
                *at = range.units.end;
                let (first, last) = (range.units.start % shape.units_per_box, range.units.end % shape.units_per_box);
                let is_whole = first == 0 && last == 0;
                prop_assert!(is_whole || !shape.is_whole);
                if !is_whole {
                    let is_node = (0..32).any(|level| {
                        let node = MergeTree::units_of((level, (first >> level) as u32), shape.units_per_box as u32);
                        u64::from(node.start) == first && u64::from(node.end) == first + (range.units.end - range.units.start)
                    });
                    prop_assert!(is_node, "{:?} of {:?}", range, shape);
                }
                prop_assert_eq!(range_of(&ranges, range.task, &(range.units.end - 1..range.units.end)), Some(number as u32));
            }
            prop_assert_eq!(next, shapes.iter().map(Shape::units).collect::<Vec<_>>());
            let all: u64 = shapes.iter().map(Shape::units).sum();
            let boxes: u64 = shapes.iter().map(|s| s.boxes).sum();
            prop_assert!((ranges.len() as u64) < MOST_RANGES + 2 * boxes + all.min(8 * nodes));
        }
    }

    #[test]
    fn a_million_units_are_some_thousand_ranges_and_large_partials_are_cut_less() {
        let million = [shape(1000, 1000)];
        assert_eq!(cut(&million, &whole(&million), 50).len(), 4000);
        let heavy = [Shape { state_bytes: 100 << 20, unit_bytes: 26 << 20, ..shape(1, 4096) }];
        assert_eq!(heavy[0].grain(4096, 3), 64);
        assert_eq!(heavy[0].grain(4096, 50), 8);
        assert_eq!(shape(7, 1).grain(7, 3), 1);
    }

    #[test]
    fn what_is_missing_is_cut_at_the_same_edges() {
        let shapes = [shape(2, 100)];
        let wanted = [Run { task: 0, units: 3..7 }, Run { task: 0, units: 90..130 }, Run { task: 5, units: 0..9 }];
        let ranges = cut(&shapes, &wanted, 2);
        assert_eq!(ranges.iter().map(|r| r.units.end - r.units.start).sum::<u64>(), 44);
        assert!(ranges.iter().any(|r| r.units.end == 100));
        assert_eq!(range_of(&ranges, 0, &(50..51)), None);
        assert_eq!(range_of(&ranges, 1, &(3..4)), None);
    }
}
