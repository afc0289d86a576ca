//! HDF5's chunk indexes: where each chunk of a dataset lies in its file.
//!
//! In: the address and kind of an index. Out: an entry per chunk that was written. Never reads a chunk.
//! Format: HDF5 File Format Specification 3.0, VII.

use hdf5_reader::chunk_index::ChunkEntry;
use hdf5_reader::error::Error;
use hdf5_reader::{Dataset, Hdf5File};

/// Lists the chunks of `member`, whose index of the given kind lies at `address`; [`super::btree`] lists those of the oldest kind.
///
/// # Errors
/// When the index is malformed.
pub(super) fn entries(
    metadata: &Hdf5File,
    member: &Dataset,
    (address, indexing): (u64, &hdf5_core::ChunkIndexing),
    chunk_shape: &[usize],
    cell_bytes: usize,
) -> Result<Vec<ChunkEntry>, Error> {
    use hdf5_core::ChunkIndexing;
    let superblock = metadata.superblock();
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    let storage = metadata.storage();
    let shape = member.shape();
    let dims: Vec<u32> = chunk_shape.iter().map(|&n| n as u32).collect();
    match indexing {
        ChunkIndexing::SingleChunk { filtered_size, filters } => {
            Ok(vec![hdf5_reader::chunk_index::single_chunk_entry(address, *filtered_size, *filters, shape.len())])
        }
        ChunkIndexing::Implicit => {
            hdf5_reader::chunk_index::collect_implicit_chunk_entries(address, shape, &dims, cell_bytes, None, storage.len())
        }
        ChunkIndexing::FixedArray { .. } => {
            hdf5_reader::fixed_array::collect_fixed_array_chunk_entries_storage(storage, address, offsets, lengths, shape, &dims, None)
        }
        ChunkIndexing::ExtensibleArray { .. } => hdf5_reader::extensible_array::collect_extensible_array_chunk_entries_storage(
            storage,
            address,
            offsets,
            lengths,
            shape,
            member.max_dims(),
            &dims,
            None,
        ),
        ChunkIndexing::BTreeV2 => {
            hdf5_reader::chunk_index::collect_v2_chunk_entries_storage(storage, address, offsets, lengths, shape.len() as u32, &dims, None)
        }
    }
}
