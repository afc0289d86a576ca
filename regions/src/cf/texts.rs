//! Characters joined to texts along the last axis.
//!
//! In: a block of bytes. Out: one text per row. Never fails: bytes that are not UTF-8 are replaced.

use xeng_kernels::Block;

/// One text per run of `width` bytes, without trailing zero bytes (as NumPy's `S` type shows them).
pub fn join(bytes: &Block, width: usize) -> Vec<String> {
    let cells = bytes.as_slice::<u8>().unwrap_or(&[]);
    if width == 0 {
        return vec![];
    }
    cells.chunks(width).map(text).collect()
}

/// The text in a fixed number of bytes.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
