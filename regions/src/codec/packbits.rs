//! numcodecs' `packbits`: eight booleans in a byte, the first in the highest bit, behind a byte that counts the unused bits.
//!
//! In: packed bits. Out: one byte per boolean. Never writes beyond its buffer.

/// Decodes into `out` and gives how many booleans there were.
///
/// # Errors
/// A reason, when the count of unused bits is impossible or there is no room.
pub fn decode(input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
    let (&unused, packed) = input.split_first().ok_or("no byte that counts the unused bits")?;
    let len = (packed.len() * 8).checked_sub(unused.into()).filter(|_| unused < 8).ok_or("counts more unused bits than there are")?;
    for (i, cell) in out.get_mut(..len).ok_or("decodes to more bytes than the chunk has")?.iter_mut().enumerate() {
        *cell = packed[i / 8] >> (7 - i % 8) & 1;
    }
    Ok(len)
}
