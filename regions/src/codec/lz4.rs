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

/// Decodes HDF5's LZ4 filter (32004): the length (8 bytes, big-endian) and a block's length (4), then per block its stored length (4)
/// and bytes. A block as long as it decodes to is stored as it is.
/// Format: <https://github.com/HDFGroup/hdf5_plugins>, `docs/RegisteredFilterPlugins.md` and `H5Zlz4.c`.
///
/// # Errors
/// A reason, when a block is malformed, is missing or does not fit.
pub fn hdf5_blocks(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    const SHORT: &str = "the chunk ends early";
    let (head, rest) = input.split_first_chunk::<8>().ok_or(SHORT)?;
    let len = usize::try_from(u64::from_be_bytes(*head)).map_err(|e| e.to_string())?;
    let (head, mut rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    let size = u32::from_be_bytes(*head) as usize;
    let out = out.get_mut(..len).ok_or_else(|| format!("states {len} bytes, which is too many"))?;
    if size == 0 && len > 0 {
        return Err("states blocks of no bytes".into());
    }
    for target in out.chunks_mut(size.max(1)) {
        let (head, behind) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let (stored, behind) = behind.split_at_checked(u32::from_be_bytes(*head) as usize).ok_or(SHORT)?;
        rest = behind;
        if stored.len() == target.len() {
            target.copy_from_slice(stored);
            continue;
        }
        let got = block(stored, target)?;
        if got != target.len() {
            return Err(format!("a block decodes to {got} bytes, expected {}", target.len()));
        }
    }
    Ok(len)
}
