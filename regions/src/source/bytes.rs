//! Blocks from raw bytes: one allocation, filled in place, byte order mended in place.
//!
//! In: a function that fills bytes. Out: a block. Never copies cells twice.

use xeng_kernels::{Block, DType, dispatch};
use xeng_proto::RegionError;

/// How the bytes of a cell lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// A block of `shape` whose bytes, in `order`, are written by `fill`.
///
/// # Errors
/// What `fill` gives; `Data` when the shape is too large for memory.
pub fn block_from(
    dtype: DType,
    shape: &[usize],
    order: ByteOrder,
    fill: impl FnOnce(&mut [u8]) -> Result<(), RegionError>,
) -> Result<Block, RegionError> {
    let cells = cells_of(dtype, shape)?;
    if dtype == DType::Bool {
        let mut bytes = vec![0u8; cells];
        fill(&mut bytes)?;
        return Ok(Block::from_vec(shape, bytes.into_iter().map(|b| b != 0).collect::<Vec<bool>>())?);
    }
    dispatch!(dtype, T => {
        let mut data = vec![T::default(); cells];
        // SAFETY: T is a plain number here (bool is handled above): every bit pattern is a value of it, and the
        // slice covers exactly the vector's initialised elements.
        let bytes = unsafe { std::slice::from_raw_parts_mut(data.as_mut_ptr().cast::<u8>(), cells * size_of::<T>()) };
        fill(bytes)?;
        if is_foreign(order) {
            swap_bytes(bytes, dtype.size());
        }
        Ok(Block::from_vec(shape, data)?)
    })
}

/// A block of `shape` filled with the cell whose bytes, in `order`, are `cell`; zero where there is none.
///
/// # Errors
/// `Data` when the shape is too large for memory.
pub fn filled(dtype: DType, shape: &[usize], order: ByteOrder, cell: Option<&[u8]>) -> Result<Block, RegionError> {
    let size = dtype.size();
    block_from(dtype, shape, order, |out| {
        if let Some(cell) = cell.filter(|c| c.len() == size && c.iter().any(|&b| b != 0)) {
            repeat(cell, out);
        }
        Ok(())
    })
}

/// Fills `out` with `cell`, what is filled already being copied behind itself: a few large copies instead of one per cell.
fn repeat(cell: &[u8], out: &mut [u8]) {
    let mut done = cell.len().min(out.len());
    out[..done].copy_from_slice(&cell[..done]);
    while done > 0 && done < out.len() {
        let more = done.min(out.len() - done);
        out.copy_within(..more, done);
        done += more;
    }
}

/// The number of cells of a shape, checked against what memory can address.
///
/// # Errors
/// `Data` when it is too large.
pub fn cells_of(dtype: DType, shape: &[usize]) -> Result<usize, RegionError> {
    shape
        .iter()
        .try_fold(1usize, |n, &len| n.checked_mul(len))
        .filter(|n| n.checked_mul(dtype.size()).is_some_and(|bytes| bytes <= MAX_CHUNK_BYTES))
        .ok_or_else(|| RegionError::data(format!("a chunk of shape {shape:?} is larger than {MAX_CHUNK_BYTES} bytes")))
}

/// The largest chunk that is decoded, in bytes: HDF5's own limit for a chunk.
pub const MAX_CHUNK_BYTES: usize = u32::MAX as usize;

/// The most bytes that a chunk of `decoded` bytes is stored in: codecs add a little to what they cannot compress, some keep cells of
/// twice the size, and headers and checksums take their own. What claims more is not read.
pub fn most_stored(decoded: usize) -> usize {
    decoded.saturating_mul(2).saturating_add(64 << 10)
}

fn is_foreign(order: ByteOrder) -> bool {
    order != if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big }
}

/// Reverses the bytes of each cell of `size` bytes.
pub fn swap_bytes(bytes: &mut [u8], size: usize) {
    match size {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|c| *c = u16::from_ne_bytes(*c).swap_bytes().to_ne_bytes()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|c| *c = u32::from_ne_bytes(*c).swap_bytes().to_ne_bytes()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|c| *c = u64::from_ne_bytes(*c).swap_bytes().to_ne_bytes()),
        1 => {}
        _ => bytes.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse),
    }
}

/// Copies the corner of shape `to` out of a C-order array of shape `from`, in cells of `size` bytes.
pub fn copy_corner(from: &[usize], to: &[usize], size: usize, source: &[u8], target: &mut [u8]) {
    // Axes that are taken whole at the end form one run.
    let mut axis = from.len();
    let mut run = size;
    while axis > 0 && from[axis - 1] == to[axis - 1] {
        axis -= 1;
        run *= from[axis];
    }
    if axis > 0 {
        axis -= 1;
        copy_rows(&from[..axis], &to[..axis], (run * from[axis], run * to[axis]), source, target);
    } else {
        target.copy_from_slice(&source[..target.len()]);
    }
}

fn copy_rows(from: &[usize], to: &[usize], (source_row, target_row): (usize, usize), source: &[u8], target: &mut [u8]) {
    if target_row == 0 {
        return;
    }
    for (linear, row) in target.chunks_exact_mut(target_row).enumerate() {
        let position = super::unravel(linear, to);
        let at = position.iter().zip(from).fold(0, |n, (&p, &len)| n * len + p) * source_row;
        row.copy_from_slice(&source[at..at + target_row]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_cell_of_a_missing_chunk_is_the_fill_value() {
        for len in [0, 1, 2, 3, 7, 64, 1000] {
            let block = filled(DType::I32, &[len], ByteOrder::Big, Some(&[1, 2, 3, 4])).unwrap();
            assert_eq!(block, Block::from_vec(&[len], vec![0x0102_0304; len]).unwrap());
        }
        assert_eq!(filled(DType::F32, &[3], ByteOrder::Little, None).unwrap(), Block::filled(DType::F32, &[3], 0.0));
    }
}
