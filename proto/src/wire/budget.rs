//! The limits of what one message may hold and unpack to.
//!
//! In: sizes that a message states. Out: leave to allocate them, or a refusal. Never allocates.

use super::malformed;
use crate::error::RegionError;

/// Bytes that one message may still unpack to. Compressed lists state their size first and are charged before they are unpacked.
#[derive(Debug)]
pub struct Budget {
    left_bytes: usize,
}

/// Axes of an array.
pub(super) const MAX_RANK: usize = 32;
/// Nodes of a graph, and steps of a formula.
pub(super) const MAX_NODES: usize = 100_000;
/// Runs of work units that one request names.
pub(super) const MAX_RUNS: usize = 1 << 16;
/// Bytes of a name or text.
pub(super) const MAX_TEXT_BYTES: usize = 64 << 10;
/// The largest length or index: every one is exact as a float.
pub(super) const MAX_LENGTH: u64 = 1 << 53;

impl Default for Budget {
    /// 512 MiB: twice the largest message.
    fn default() -> Budget {
        Budget::new(512 << 20)
    }
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Budget {
        Budget { left_bytes: bytes }
    }

    /// Takes the bytes of `count` values of `size` bytes each and gives their number.
    pub(super) fn take(&mut self, count: u64, size: usize) -> Result<usize, RegionError> {
        let bytes = usize::try_from(count).ok().and_then(|n| n.checked_mul(size)).filter(|&b| b <= self.left_bytes);
        let bytes = bytes.ok_or_else(|| {
            malformed(format!("{count} values of {size} bytes are more than the {} bytes left to one message", self.left_bytes))
        })?;
        self.left_bytes -= bytes;
        Ok(bytes)
    }
}

/// A name or text of bounded length.
pub(super) fn text(text: String, what: &str) -> Result<String, RegionError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(malformed(format!("{what} of {} bytes, at most {MAX_TEXT_BYTES} are allowed", text.len())));
    }
    Ok(text)
}

/// A length or index of bounded size.
pub(super) fn length(value: u64, what: &str) -> Result<usize, RegionError> {
    if value > MAX_LENGTH {
        return Err(malformed(format!("{what} of {value}, at most 2^53 is allowed")));
    }
    usize::try_from(value).map_err(malformed)
}

/// A list of bounded length.
pub(super) fn at_most(len: usize, most: usize, what: &str) -> Result<(), RegionError> {
    if len > most { Err(malformed(format!("{len} {what}, at most {most} are allowed"))) } else { Ok(()) }
}
