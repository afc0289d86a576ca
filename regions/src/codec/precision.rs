//! Integers that use a part of their bytes only: brought to the value that the whole bytes then hold.
//!
//! In: cells as stored. Out: the same cells, the used bits moved down and the sign extended, in the same byte order.
//! Never fails. Source: HDF5 File Format Specification 3.0, IV.A.2.d (fixed-point datatypes); `H5T__conv_i_i` does the same.

use super::bits::low;

/// Which bits of an integer are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Bytes of a cell, at most 8.
    pub size: u32,
    /// Most significant byte first.
    pub is_big: bool,
    /// Bits that are used, from 1 to `8 * size - offset`.
    pub bits: u32,
    /// The lowest bit that is used.
    pub offset: u32,
    /// The highest used bit is a sign.
    pub is_signed: bool,
}

impl Precision {
    /// Rewrites `cells` in place; bytes that make no whole cell are left.
    pub fn widen(&self, cells: &mut [u8]) {
        let size = (self.size as usize).clamp(1, 8);
        for cell in cells.chunks_exact_mut(size) {
            let mut word = [0u8; 8];
            word[..size].copy_from_slice(cell);
            if self.is_big {
                word[..size].reverse();
            }
            let mut value = (u64::from_le_bytes(word) >> self.offset.min(63)) & low(self.bits);
            if self.is_signed && self.bits > 0 && value >> (self.bits.min(64) - 1) & 1 == 1 {
                value |= !low(self.bits);
            }
            word = value.to_le_bytes();
            if self.is_big {
                word[..size].reverse();
            }
            cell.copy_from_slice(&word[..size]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_extended_and_offsets_removed() {
        // 12 bits from bit 2 on: -3 is 0xffd, shifted 0x3ff4.
        let mut cells = [0x3f, 0xf4, 0x00, 0x14];
        Precision { size: 2, is_big: true, bits: 12, offset: 2, is_signed: true }.widen(&mut cells);
        assert_eq!(cells, [0xff, 0xfd, 0x00, 0x05]);
        Precision { size: 2, is_big: true, bits: 12, offset: 0, is_signed: false }.widen(&mut cells);
        assert_eq!(cells, [0x0f, 0xfd, 0x00, 0x05]);
    }
}
