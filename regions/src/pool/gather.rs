//! Puts together what nodes answer: checks each piece, passes over what another node has sent already, and merges along the fixed tree.
//!
//! In: pieces of batches. Out: which ranges are done, and finished boxes. Never trusts a node, and never holds more than the boxes of the
//! ranges that may be under way.

use super::ranges::range_of;
use super::schedule::BatchNumber;
use std::collections::{HashMap, HashSet};
use xeng_kernels::tree::TreeNode;
use xeng_kernels::{MergeTree, Partial};
use xeng_proto::expected::wrong;
use xeng_proto::{Coverage, Expected, Piece, RegionError, Run};

/// What has come of a range under way.
#[derive(Default)]
struct Coming {
    /// Box and node of each piece.
    claims: HashSet<(usize, TreeNode)>,
    units: u64,
}

/// What one batch has delivered of a range.
type Delivered = HashMap<(BatchNumber, u32), Coming>;

/// What a piece has led to.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The batch has delivered all of this range.
    pub(super) done: Option<u32>,
    /// A box is complete.
    pub(super) piece: Option<Piece>,
}

/// The pieces of one fragment.
pub(super) struct Gather {
    expected: Vec<Expected>,
    ranges: Vec<Run>,
    /// Per range, whether all of it has been merged.
    is_merged: Vec<bool>,
    /// Of the others, what has been merged.
    merged: HashMap<u32, Coming>,
    delivered: Delivered,
    trees: HashMap<(u32, usize), MergeTree>,
    units_done: u64,
}

impl Gather {
    pub(super) fn new(expected: Vec<Expected>, ranges: Vec<Run>) -> Gather {
        let is_merged = vec![false; ranges.len()];
        Gather { expected, ranges, is_merged, merged: HashMap::new(), delivered: HashMap::new(), trees: HashMap::new(), units_done: 0 }
    }

    /// Units that have been merged.
    pub(super) fn units_done(&self) -> u64 {
        self.units_done
    }

    /// Takes a piece that came of a batch of these ranges.
    ///
    /// # Errors
    /// `Data` when the piece claims what the batch was not asked for, claims it twice, or holds other arrays than it should.
    pub(super) fn take(&mut self, batch: BatchNumber, asked: &[u32], piece: Piece) -> Result<Step, RegionError> {
        let c = &piece.coverage;
        let expected = self.expected.get(c.task as usize).ok_or_else(|| wrong("names a task that was not asked for", c))?;
        let (box_index, units) = expected.place(c)?;
        let range = range_of(&self.ranges, c.task, &(units.start as u64..units.end as u64));
        let range =
            range.filter(|r| asked.binary_search(r).is_ok()).ok_or_else(|| wrong("covers work units that were not asked for", c))?;
        expected.check(&piece)?;
        let claim = (box_index, (c.level, c.index));
        let delivered = self.delivered.entry((batch, range)).or_default();
        if !delivered.claims.insert(claim) {
            return Err(wrong("was sent twice", c));
        }
        delivered.units += units.len() as u64;
        let is_all = |coming: &Coming, run: Option<&Run>| run.is_some_and(|r| r.units.end - r.units.start == coming.units);
        // What it has delivered is remembered until the batch ends, lest a piece that comes again is taken for a new one.
        let mut step = Step { done: is_all(delivered, self.ranges.get(range as usize)).then_some(range), piece: None };
        if self.is_merged.get(range as usize) != Some(&false) {
            return Ok(step);
        }
        let merged = self.merged.entry(range).or_default();
        if merged.claims.insert(claim) {
            merged.units += units.len() as u64;
            self.units_done += units.len() as u64;
            if is_all(merged, self.ranges.get(range as usize)) {
                self.merged.remove(&range);
                self.is_merged[range as usize] = true;
            }
            step.piece = self.merge(box_index, piece)?;
        }
        Ok(step)
    }

    /// Forgets a batch that has ended.
    pub(super) fn forget(&mut self, batch: BatchNumber, asked: &[u32]) {
        for &range in asked {
            self.delivered.remove(&(batch, range));
        }
    }

    fn merge(&mut self, box_index: usize, piece: Piece) -> Result<Option<Piece>, RegionError> {
        let Some(expected) = self.expected.get(piece.coverage.task as usize) else { return Ok(None) };
        let at = (piece.coverage.task, box_index);
        if expected.is_whole(&piece.coverage) {
            let is_alone = !self.trees.contains_key(&at);
            return if is_alone { Ok(Some(piece)) } else { Err(wrong("overlaps others", &piece.coverage)) };
        }
        let Piece { coverage: Coverage { task, bounds, level, index, units }, partials, .. } = piece;
        let tree = self.trees.entry(at).or_insert_with(|| MergeTree::new(units));
        let merged = tree.insert((level, index), partials, |left, right| expected.merge(left, &right));
        merged.map_err(|e| RegionError::data(e.to_string()))?;
        if !tree.is_complete() {
            return Ok(None);
        }
        let root = self.trees.remove(&at).and_then(MergeTree::into_root).unwrap_or_default();
        let (level, index) = MergeTree::root_of(units);
        let partials = expected.finish(root, false)?.into_iter().map(|block| Partial { states: vec![block] }).collect();
        Ok(Some(Piece { coverage: Coverage { task, bounds, level, index, units }, partials, written: vec![] }))
    }

    /// What is left of boxes that were asked for in part.
    pub(super) fn rest(&mut self) -> Vec<Piece> {
        let mut out = vec![];
        for ((task, box_index), mut tree) in std::mem::take(&mut self.trees) {
            let Some(expected) = self.expected.get(task as usize) else { continue };
            let (bounds, units) = (expected.plan().result_box(box_index), expected.plan().units_per_box() as u32);
            out.extend(tree.drain().into_iter().map(|((level, index), partials)| Piece {
                coverage: Coverage { task, bounds: bounds.clone(), level, index, units },
                partials,
                written: vec![],
            }));
        }
        out
    }
}
