//! numcodecs' `astype`, and `quantize` where it stores another type than the array's: a change of type.
//!
//! In: cells of one type. Out: cells of another. Integers wrap, floats round to the nearest.

use super::cell::{Cell, rewrite};

/// The two types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsType {
    /// Of the cells.
    pub decoded: Cell,
    /// As stored.
    pub encoded: Cell,
}

impl AsType {
    /// Decodes into `out` and gives how many bytes it wrote.
    ///
    /// # Errors
    /// A reason, when lengths do not fit or a float leaves an integer type.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
        rewrite((self.encoded, input), (self.decoded, out), |v| v)
    }
}
