//! LZ4 blocks, alone or behind the length that numcodecs writes before them.
//!
//! In: a block. Out: its bytes. Never writes beyond its buffer.
//! Format: the LZ4 block format; numcodecs' `lz4` puts the length before it, 4 bytes, little-endian.

/// Decodes one block into `out` and gives its length.
///
/// # Errors
/// A reason, when the block is malformed or does not fit.
pub fn block(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    lz4_flex::block::decompress_into(input, out).map_err(|e| e.to_string())
}

/// Decodes a block behind its length.
///
/// # Errors
/// As [`block`], and when the length is not what the block holds.
pub fn behind_length(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let (head, stored) = input.split_first_chunk::<4>().ok_or("no room for the length")?;
    let len = u32::from_le_bytes(*head) as usize;
    let got = block(stored, out.get_mut(..len).ok_or_else(|| format!("states {len} bytes, which is too many"))?)?;
    if got == len { Ok(len) } else { Err(format!("decodes to {got} bytes, states {len}")) }
}
