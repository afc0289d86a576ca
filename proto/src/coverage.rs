//! What a piece of a result covers, so that home can prove the whole is complete and counted once.
//!
//! In: pieces' claims. Out: plain data. Never trusts a region: the proof is home's.

use xeng_kernels::Bounds;

/// The claim of a piece: which cells of the result, and which of the work units that fold into them.
///
/// The units that fold into one box of cells are numbered `0..units` along the chunk grid and merge in a fixed
/// binary tree: node `(level, index)` holds units `index << level .. min((index + 1) << level, units)`. Merging
/// only along this tree makes the result's bits independent of who did which unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coverage {
    /// Index into `Fragment::answers`.
    pub task: u32,
    /// The cells of the task's result.
    pub bounds: Bounds,
    /// Height in the merge tree.
    pub level: u32,
    /// Position at that height.
    pub index: u32,
    /// Number of units that fold into these cells in all.
    pub units: u32,
}
