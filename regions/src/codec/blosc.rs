//! Blosc 1 frames, decoded by the C library on the calling thread.
//!
//! In: a frame. Out: its bytes. Never starts threads, never writes beyond the buffer.

use std::ffi::c_void;

/// Decodes a frame into `out` and gives its length.
///
/// # Errors
/// A reason, when the frame is corrupt, does not fit, or uses a compressor that is not built in (snappy).
pub fn decompress(frame: &[u8], out: &mut [u8]) -> Result<usize, String> {
    // The compressor stands in the three highest flag bits; snappy would need a C++ compiler.
    if frame.get(2).is_some_and(|flags| flags >> 5 == 2 && flags & 2 == 0) {
        return Err("its compressor, snappy, is not supported".into());
    }
    let mut len = 0usize;
    // SAFETY: the pointer and length are those of one slice; the call reads the header only and checks it against the length.
    let valid = unsafe { blosc_src::blosc_cbuffer_validate(frame.as_ptr().cast::<c_void>(), frame.len(), &raw mut len) };
    if valid < 0 {
        return Err("the frame's header is corrupt".into());
    }
    if len > out.len() {
        return Err(format!("the frame holds {len} bytes, the chunk {}", out.len()));
    }
    // SAFETY: the header was validated against the slice's length just above, and `out` is at least as long as the frame's contents.
    let got = unsafe { blosc_src::blosc_decompress_ctx(frame.as_ptr().cast::<c_void>(), out.as_mut_ptr().cast::<c_void>(), out.len(), 1) };
    usize::try_from(got).ok().filter(|&n| n == len).ok_or_else(|| "the frame is corrupt".to_string())
}
