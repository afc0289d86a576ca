//! Objects as the readers of file metadata want them: byte ranges through a cache of large blocks.
//!
//! In: an object. Out: a storage of `hdf5-reader`. Never used for data: chunks are read from the object itself.

use super::Object;
use hdf5_reader::storage::{BlockCacheStorage, DynStorage, Storage, StorageBuffer};
use std::sync::Arc;

/// Bytes of a block of a file of this machine, and blocks that are kept, of each of the many files that are opened at once: the nodes of a chunk index lie between the chunks, a few kilobytes
/// each, and what surrounds them is data.
const NEAR: (usize, usize) = (16 << 10, 512);
/// The same where a request takes long, whatever it brings.
const FAR: (usize, usize) = (1 << 20, 16);

/// The metadata of an object: headers that lie side by side come with one request.
pub fn metadata_of(object: &Arc<dyn Object>, is_remote: bool) -> DynStorage {
    let (bytes, count) = if is_remote { FAR } else { NEAR };
    Arc::new(BlockCacheStorage::new(Arc::new(Ranged(object.clone())), bytes, count))
}

struct Ranged(Arc<dyn Object>);

impl Storage for Ranged {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> hdf5_reader::error::Result<StorageBuffer> {
        let bytes = self.0.read(offset, len).map_err(|e| hdf5_reader::error::Error::Io(std::io::Error::other(e.message)))?;
        let owner: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(bytes);
        StorageBuffer::from_shared_owner(owner, 0, len)
    }
}
