//! Partial results: plain state arrays that can be merged with their like, sent, and finished once.

use crate::block::Block;

/// The state of one reduction over some of its input: one block per state field, all of the result's shape.
///
/// Which fields there are, and of what type, is said by `Reduction::fields`.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// One block per state field.
    pub states: Vec<Block>,
}

impl Partial {
    /// Bytes of all state arrays.
    pub fn bytes(&self) -> usize {
        self.states.iter().map(Block::bytes).sum()
    }
}
