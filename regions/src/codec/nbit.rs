//! HDF5's n-bit filter (5): integers and floats without the bits that their type does not use.
//!
//! In: packed bits and the filter's parameters. Out: cells in the file's byte order, unused bits zero. Signs are not extended
//! here: the datatype says where they lie (see [`super::precision`]). Never packs; refuses anything but plain numbers.
//! Format: HDF5 library, `H5Znbit.c`; the parameters are listed in the File Format Specification 3.0, IV.A.2.l.

use super::bits::Bits;

/// What the filter's parameters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nbit {
    /// The bytes were stored as they are: every bit of the type is used.
    pub is_plain: bool,
    /// Cells of a chunk.
    pub cells: u32,
    /// Bytes of a cell.
    pub size: u32,
    /// Most significant byte first.
    pub is_big: bool,
    /// Bits that are used.
    pub precision: u32,
    /// The lowest bit that is used.
    pub offset: u32,
}

impl Nbit {
    /// Parameters: their count, whether packing was needless, cells, class (1: number), size, byte order, precision, offset.
    pub fn from_parameters(list: &[u32]) -> Option<Nbit> {
        if let &[_, 1, cells, ..] = list {
            return Some(Nbit { is_plain: true, cells, size: 1, is_big: false, precision: 8, offset: 0 });
        }
        let &[8, 0, cells, 1, size, order, precision, offset] = list else { return None };
        let fits = (1..=8).contains(&size) && order <= 1 && precision > 0 && precision.checked_add(offset)? <= size * 8;
        fits.then_some(Nbit { is_plain: false, cells, size, is_big: order == 1, precision, offset })
    }

    /// Unpacks cells into `out` and gives how many bytes it wrote.
    ///
    /// # Errors
    /// A reason, when the bits end early or there is no room.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
        const FULL: &str = "decodes to more bytes than the chunk has";
        if self.is_plain {
            out.get_mut(..input.len()).ok_or(FULL)?.copy_from_slice(input);
            return Ok(input.len());
        }
        let size = self.size as usize;
        let len = (self.cells as usize).checked_mul(size).ok_or(FULL)?;
        let mut bits = Bits::new(input);
        for cell in out.get_mut(..len).ok_or(FULL)?.chunks_exact_mut(size) {
            let value = bits.take(self.precision).ok_or("the packed bits end early")? << self.offset;
            cell.copy_from_slice(&value.to_le_bytes()[..size]);
            if self.is_big {
                cell.reverse();
            }
        }
        Ok(len)
    }
}
