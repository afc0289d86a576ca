//! LZF (Marc Lehmann's LibLZF), the fast compressor that h5py writes.
//!
//! In: a compressed stream. Out: its bytes. Never reads or writes outside its buffers.

/// Decodes a stream into `out` and gives how many bytes it held.
///
/// # Errors
/// A reason, when the stream ends early, refers before its start or does not fit.
pub fn decompress(input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
    const SHORT: &str = "the stream ends early";
    const FULL: &str = "decodes to more bytes than the chunk has";
    let (mut at, mut done) = (0, 0);
    while let Some(&control) = input.get(at) {
        at += 1;
        if control < 32 {
            let len = usize::from(control) + 1;
            let literal = input.get(at..at + len).ok_or(SHORT)?;
            out.get_mut(done..done + len).ok_or(FULL)?.copy_from_slice(literal);
            (at, done) = (at + len, done + len);
            continue;
        }
        let mut len = usize::from(control >> 5);
        if len == 7 {
            len += usize::from(*input.get(at).ok_or(SHORT)?);
            at += 1;
        }
        let back = (usize::from(control & 0x1f) << 8) + usize::from(*input.get(at).ok_or(SHORT)?) + 1;
        at += 1;
        let start = done.checked_sub(back).ok_or("refers to bytes before its start")?;
        if done + len + 2 > out.len() {
            return Err(FULL);
        }
        for i in 0..len + 2 {
            out[done + i] = out[start + i];
        }
        done += len + 2;
    }
    Ok(done)
}
