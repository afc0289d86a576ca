//! Bitshuffle (HDF5 filter 32008): the bits of cells regrouped by significance, block by block, and each block then packed
//! with nothing, LZ4 or Zstandard.
//!
//! In: a chunk. Out: its cells' bytes. Never writes beyond its buffer, never trusts the block size that the chunk states.
//! Format: <https://github.com/kiyo-masui/bitshuffle>, `bshuf_h5filter.c` and `bitshuffle_core.c`.

/// What packs a block after its bits were regrouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Nothing.
    None,
    /// LZ4 blocks.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

/// What the filter's parameters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bitshuffle {
    /// Bytes of a cell.
    pub size: usize,
    /// Cells of a block; 0 for the default. Packed chunks state their own.
    pub block: usize,
    /// How blocks are packed.
    pub packing: Packing,
}

impl Bitshuffle {
    /// Parameters: two of version, bytes of a cell, cells of a block, packing (0, 2: LZ4, 3: Zstandard).
    pub fn from_parameters(list: &[u32]) -> Option<Bitshuffle> {
        let packing = match list.get(4).copied().unwrap_or(0) {
            0 => Packing::None,
            2 => Packing::Lz4,
            3 => Packing::Zstd,
            _ => return None,
        };
        let (size, block) = (*list.get(2)? as usize, list.get(3).copied().unwrap_or(0) as usize);
        ((1..=1 << 16).contains(&size) && block.is_multiple_of(8)).then_some(Bitshuffle { size, block, packing })
    }

    /// Decodes a chunk into `out` and gives its length. `unzstd` decodes one Zstandard frame.
    ///
    /// # Errors
    /// A reason, when the chunk is malformed or does not fit.
    pub fn decode(
        &self,
        input: &[u8],
        out: &mut [u8],
        mut unzstd: impl FnMut(&[u8], &mut [u8]) -> Result<usize, String>,
    ) -> Result<usize, String> {
        const SHORT: &str = "the chunk ends early";
        let mut rest = input;
        let (len, block) = match self.packing {
            Packing::None => (input.len(), if self.block == 0 { default_block(self.size) } else { self.block }),
            Packing::Lz4 | Packing::Zstd => {
                let (head, behind) = input.split_at_checked(12).ok_or(SHORT)?;
                rest = behind;
                let len = u64::from_be_bytes([head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7]]);
                let block = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize / self.size;
                (usize::try_from(len).map_err(|_| SHORT)?, if block == 0 { default_block(self.size) } else { block })
            }
        };
        if !block.is_multiple_of(8) {
            return Err(format!("blocks of {block} cells are not possible"));
        }
        let out = out.get_mut(..len).ok_or_else(|| format!("the chunk states {len} bytes, which is too many"))?;
        let cells = len / self.size;
        let mut shuffled = vec![];
        let mut done = 0;
        while cells - done >= 8 {
            // The last block takes what makes whole groups of eight; the cells behind it are stored as they are.
            let count = block.min((cells - done) / 8 * 8);
            let bytes = count * self.size;
            let target = &mut out[done * self.size..][..bytes];
            let packed = match self.packing {
                Packing::None => bytes,
                Packing::Lz4 | Packing::Zstd => {
                    let (head, behind) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
                    rest = behind;
                    u32::from_be_bytes(*head) as usize
                }
            };
            let (stored, behind) = rest.split_at_checked(packed).ok_or(SHORT)?;
            rest = behind;
            let planes = match self.packing {
                Packing::None => stored,
                Packing::Lz4 | Packing::Zstd => {
                    shuffled.resize(bytes, 0);
                    let got = match self.packing {
                        Packing::Zstd => unzstd(stored, &mut shuffled)?,
                        Packing::None | Packing::Lz4 => super::lz4::block(stored, &mut shuffled)?,
                    };
                    if got != bytes {
                        return Err(format!("a block decodes to {got} bytes, expected {bytes}"));
                    }
                    &shuffled
                }
            };
            unshuffle(planes, self.size, target);
            done += count;
        }
        let tail = &mut out[done * self.size..];
        if rest.len() != tail.len() {
            return Err(format!("has {} bytes behind its blocks, expected {}", rest.len(), tail.len()));
        }
        tail.copy_from_slice(rest);
        Ok(len)
    }
}

/// Cells of a block of about 8 KiB: a multiple of 8, at least 128 (`bshuf_default_block_size`).
fn default_block(size: usize) -> usize {
    (8192 / size.max(1) / 8 * 8).max(128)
}

/// Puts the bits of `planes` back into cells: row `8 * byte + bit` holds that bit of every cell. Lengths are equal multiples of `8 * size`.
fn unshuffle(planes: &[u8], size: usize, cells: &mut [u8]) {
    let row = planes.len() / size / 8;
    for (byte, rows) in planes.chunks_exact((8 * row).max(1)).take(size).enumerate() {
        for group in 0..row {
            let word = u64::from_le_bytes(std::array::from_fn(|bit| rows[bit * row + group]));
            for (i, b) in transpose(word).to_le_bytes().into_iter().enumerate() {
                cells[(group * 8 + i) * size + byte] = b;
            }
        }
    }
}

/// Transposes 8 x 8 bits: bit `j` of byte `i` becomes bit `i` of byte `j` (Hacker's Delight, 7-3).
fn transpose(mut x: u64) -> u64 {
    for (shift, mask) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)] {
        let t = (x ^ (x >> shift)) & mask;
        x ^= t ^ (t << shift);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_transposed() {
        for i in 0..8 {
            for j in 0..8 {
                assert_eq!(transpose(1 << (8 * i + j)), 1 << (8 * j + i));
            }
        }
    }
}
