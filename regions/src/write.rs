//! Makes Zarr stores beside the data: chunks of large arrays as work units finish them, small files as home sends them.
//!
//! In: finished boxes, steps of a store's way. Out: a store, whole or not at all. Never writes outside the engine's [`WriteRoots`], never
//! shows a store before home has proven it complete.

mod chunk;
mod queue;
mod roots;
mod staging;
#[cfg(test)]
mod tests;

pub use roots::WriteRoots;

pub(crate) use chunk::Chunks;
pub(crate) use queue::{MOST_WAITING, Queue};
pub(crate) use staging::step;

use crate::local::Engine;
use staging::Staging;
use std::io::ErrorKind as Io;
use std::path::Path;
use xeng_kernels::Graph;
use xeng_proto::{Fragment, RegionError, Write};

/// The largest chunk that is made, decoded.
const MOST_CHUNK_BYTES: usize = 1 << 30;

/// What a task of a fragment is written to.
#[derive(Debug)]
pub(crate) struct Writing {
    staging: Staging,
    /// Per node of the task.
    arrays: Vec<Chunks>,
}

impl Writing {
    /// Checks that the engine may write what is asked, and that it can.
    ///
    /// # Errors
    /// `Request` for a store outside the write roots or one that has not been begun, names that are no names of arrays, chunks that are none.
    pub(crate) fn prepare(engine: &Engine, fragment: &Fragment, write: &Write) -> Result<Writing, RegionError> {
        let staging = Staging::of(&engine.config.write_roots, &engine.config.region, &write.target)?;
        staging.check_begun()?;
        let task = fragment.answers.get(write.task as usize).ok_or_else(|| RegionError::request("a task to write does not exist"))?;
        if task.nodes.len() != write.arrays.len() {
            return Err(RegionError::request("a task to write has other nodes than arrays"));
        }
        let arrays = task.nodes.iter().zip(&write.arrays).map(|(&node, name)| {
            let node = fragment.graph.node(node)?;
            Chunks::new(name, node.dtype, &node.shape(), &write.chunk, write.zstd_level)
        });
        Ok(Writing { arrays: arrays.collect::<Result<_, _>>()?, staging })
    }

    /// Decoded bytes of one chunk of every array.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.arrays.iter().map(Chunks::bytes).fold(0, usize::saturating_add)
    }

    /// The arrays, one per node of the task.
    pub(crate) fn arrays(&self) -> &[Chunks] {
        &self.arrays
    }
}

/// Refuses chunks that no array of the task has.
pub(crate) fn check_chunk(graph: &Graph, fragment: &Fragment, write: &Write) -> Result<(), RegionError> {
    let nodes = fragment.answers.get(write.task as usize).map(|t| t.nodes.as_slice()).unwrap_or_default();
    for &node in nodes {
        let node = graph.node(node)?;
        let bytes = write.chunk.iter().try_fold(node.dtype.size(), |bytes, &n| bytes.checked_mul(n)).unwrap_or(usize::MAX);
        if write.chunk.len() != node.dims.len() || bytes == 0 || bytes > MOST_CHUNK_BYTES {
            return Err(RegionError::request(format!("chunks of {:?} do not fit an array of {:?}", write.chunk, node.shape())));
        }
    }
    Ok(())
}

/// Why the file system refused: the request is wrong, there is no room, or the disk fails.
fn refused(path: &Path, why: &std::io::Error) -> RegionError {
    let text = why.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let message = format!("cannot write '{}': {plain}", path.display());
    match why.kind() {
        Io::NotFound | Io::PermissionDenied | Io::ReadOnlyFilesystem | Io::NotADirectory | Io::IsADirectory | Io::AlreadyExists => {
            RegionError::request(message)
        }
        Io::StorageFull | Io::QuotaExceeded => RegionError::budget(format!("{message}: make room on the disk, or write somewhere else")),
        _ => RegionError::unavailable(message),
    }
}
