//! HDF5's scale-offset filter (6): cells as small counts above the least one.
//!
//! In: a chunk's minimum, its packed counts and the filter's parameters. Out: cells in the file's byte order. Integers come
//! back exactly; floats as HDF5 computes them from their decimal digits. Never packs.
//! Format: HDF5 library, `H5Zscaleoffset.c`; 20 parameters: scale type, factor, cells, class, size, sign, byte order, whether there
//! is a fill value, its bytes.

use super::bits::{Bits, low};

/// Bytes before the packed counts: their width (4), the length of the minimum (1), the minimum (8), and 8 of no meaning.
const HEADER: usize = 21;

/// What the filter's parameters say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaleOffset {
    /// Cells of a chunk.
    pub cells: u32,
    /// Bytes of a cell.
    pub size: u32,
    /// Most significant byte first.
    pub is_big: bool,
    /// What a cell is.
    pub kind: Cells,
    /// The bits of the fill value, which has the highest count.
    pub fill: Option<u64>,
}

/// What the cells of a scale-offset chunk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Integers; `is_plain` where the writer asked for no packing at all.
    Integers {
        /// The bytes were stored as they are.
        is_plain: bool,
    },
    /// Floats of which this many decimal digits were kept.
    Floats {
        /// Digits behind the point; negative for tens, hundreds and so on.
        digits: i32,
    },
}

impl ScaleOffset {
    /// `None` for parameters that no HDF5 library writes, and for the scale type that none implements (`H5Z_SO_FLOAT_ESCALE`).
    pub fn from_parameters(list: &[u32]) -> Option<ScaleOffset> {
        let &[scale_type, factor, cells, class, size, _sign, order, has_fill, low_word, high_word, ..] = list else { return None };
        let kind = match (class, scale_type, size) {
            (0, 2, 1 | 2 | 4 | 8) => Cells::Integers { is_plain: factor == size * 8 },
            (1, 0, 4 | 8) => Cells::Floats { digits: factor as i32 },
            _ => return None,
        };
        let fill = (has_fill != 0).then_some((u64::from(low_word) | u64::from(high_word) << 32) & low(size * 8));
        (list.len() == 20 && order <= 1 && has_fill <= 1).then_some(ScaleOffset { cells, size, is_big: order == 1, kind, fill })
    }

    /// Unpacks cells into `out` and gives how many bytes it wrote.
    ///
    /// # Errors
    /// A reason, when the chunk ends early, has counts wider than a cell, or there is no room.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
        const FULL: &str = "decodes to more bytes than the chunk has";
        const SHORT: &str = "the chunk ends early";
        if self.kind == (Cells::Integers { is_plain: true }) {
            out.get_mut(..input.len()).ok_or(FULL)?.copy_from_slice(input);
            return Ok(input.len());
        }
        let (head, packed) = input.split_at_checked(HEADER).ok_or(SHORT)?;
        let width = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let minimum = head[5..13].iter().take(head[4].into()).rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
        let size = self.size as usize;
        let out = out.get_mut(..(self.cells as usize).checked_mul(size).ok_or(FULL)?).ok_or(FULL)?;
        if width > self.size * 8 {
            return Err("its counts are wider than its cells");
        }
        let mut bits = Bits::new(packed);
        let power = match self.kind {
            Cells::Floats { digits } => 10f64.powi(digits),
            Cells::Integers { .. } => 1.0,
        };
        for cell in out.chunks_exact_mut(size) {
            let count = bits.take(width).ok_or(SHORT)?;
            let value = match self.fill {
                // Where counts would be as wide as cells, these stand there as they lay in the writer's (little-endian) memory.
                _ if width == self.size * 8 => count.swap_bytes() >> (64 - width),
                Some(fill) if count == low(width) => fill,
                _ => self.value(count, minimum, power),
            };
            cell.copy_from_slice(&value.to_le_bytes()[..size]);
            if self.is_big {
                cell.reverse();
            }
        }
        Ok(out.len())
    }

    /// The bits of the cell that lies `count` steps above the minimum.
    fn value(&self, count: u64, minimum: u64, power: f64) -> u64 {
        match (self.kind, self.size) {
            (Cells::Floats { .. }, 4) => u64::from(((f64::from(count as i32) / power) as f32 + f32::from_bits(minimum as u32)).to_bits()),
            (Cells::Floats { .. }, _) => (count as i64 as f64 / power + f64::from_bits(minimum)).to_bits(),
            (Cells::Integers { .. }, _) => count.wrapping_add(minimum),
        }
    }
}
