//! HDF5's chunk indexes: where each chunk of a dataset lies in its file.
//!
//! In: the address and kind of an index. Out: an entry per chunk that was written. Never reads a chunk.
//! Format: HDF5 File Format Specification 3.0, III.A.1 and VII.

use hdf5_reader::chunk_index::ChunkEntry;
use hdf5_reader::error::Error;
use hdf5_reader::{Dataset, Hdf5File};

/// Lists the chunks of `member`, whose index of the given kind lies at `address`.
///
/// # Errors
/// When the index is malformed.
pub(super) fn entries(
    metadata: &Hdf5File,
    member: &Dataset,
    (address, indexing): (u64, Option<&hdf5_core::ChunkIndexing>),
    chunk_shape: &[usize],
    cell_bytes: usize,
) -> Result<Vec<ChunkEntry>, Error> {
    use hdf5_core::ChunkIndexing;
    let superblock = metadata.superblock();
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    let undefined = if offsets >= 8 { u64::MAX } else { (1u64 << (8 * u32::from(offsets))) - 1 };
    if address == undefined {
        return Ok(vec![]);
    }
    let storage = metadata.storage();
    let shape = member.shape();
    let dims: Vec<u32> = chunk_shape.iter().map(|&n| n as u32).collect();
    let found = match indexing {
        None => {
            let leaves = hdf5_reader::btree_v1::collect_btree_v1_leaves_storage(
                storage,
                address,
                offsets,
                lengths,
                Some(shape.len() as u32),
                &dims,
                None,
            );
            leaves.map(|leaves| leaves.into_iter().filter_map(|(key, address)| btree_entry(key, address, shape.len())).collect())
        }
        Some(ChunkIndexing::SingleChunk { filtered_size, filters }) => {
            Ok(vec![hdf5_reader::chunk_index::single_chunk_entry(address, *filtered_size, *filters, shape.len())])
        }
        Some(ChunkIndexing::Implicit) => {
            hdf5_reader::chunk_index::collect_implicit_chunk_entries(address, shape, &dims, cell_bytes, None, storage.len())
        }
        Some(ChunkIndexing::FixedArray { .. }) => {
            hdf5_reader::fixed_array::collect_fixed_array_chunk_entries_storage(storage, address, offsets, lengths, shape, &dims, None)
        }
        Some(ChunkIndexing::ExtensibleArray { .. }) => hdf5_reader::extensible_array::collect_extensible_array_chunk_entries_storage(
            storage,
            address,
            offsets,
            lengths,
            shape,
            member.max_dims(),
            &dims,
            None,
        ),
        Some(ChunkIndexing::BTreeV2) => {
            hdf5_reader::chunk_index::collect_v2_chunk_entries_storage(storage, address, offsets, lengths, shape.len() as u32, &dims, None)
        }
    };
    Ok(found?.into_iter().filter(|e| e.address != undefined).collect())
}

fn btree_entry(key: hdf5_reader::btree_v1::BTreeV1Key, address: u64, rank: usize) -> Option<ChunkEntry> {
    match key {
        hdf5_reader::btree_v1::BTreeV1Key::RawData { chunk_size, filter_mask, mut offsets } => {
            offsets.truncate(rank);
            Some(ChunkEntry { address, size: u64::from(chunk_size), filter_mask, offsets })
        }
        hdf5_reader::btree_v1::BTreeV1Key::Group { .. } => None,
    }
}
