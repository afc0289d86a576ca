//! The stored cells of coordinates: read once, and known the next time.
//!
//! In: sources. Out: their whole cells as stored, before CF decoding. Never takes known cells for those of an array of another shape or type.

use crate::source::{ChunkSource, read_whole};
use std::cell::RefCell;
use std::collections::HashMap;
use xeng_kernels::{AxisChunks, Block};
use xeng_proto::RegionError;

/// Cells by variable: those that are known already, and those that had to be read.
#[derive(Default)]
pub struct Cells {
    known: HashMap<String, Block>,
    read: RefCell<Vec<(String, Block)>>,
}

impl Cells {
    /// Cells that need not be read.
    pub fn known(known: HashMap<String, Block>) -> Cells {
        Cells { known, read: RefCell::default() }
    }

    /// Every cell of a variable.
    ///
    /// # Errors
    /// As [`read_whole`].
    pub fn whole(&self, name: &str, source: &dyn ChunkSource, limit_bytes: usize) -> Result<Block, RegionError> {
        let fits = |b: &&Block| b.dtype() == source.stored() && source.chunks().iter().map(AxisChunks::len).eq(b.shape().iter().copied());
        if let Some(block) = self.known.get(name).filter(fits) {
            return Ok(block.clone());
        }
        let block = read_whole(source, limit_bytes)?;
        self.read.borrow_mut().push((name.to_owned(), block.clone()));
        Ok(block)
    }

    /// What had to be read.
    pub fn read(&self) -> Vec<(String, Block)> {
        self.read.borrow().clone()
    }
}
