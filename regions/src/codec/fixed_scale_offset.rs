//! numcodecs' `fixedscaleoffset`: floats as scaled integers.
//!
//! In: encoded cells. Out: `encoded / scale + offset`, computed in float64, or in float32 where the encoded cells are float32, as
//! NumPy computes it, then converted to the type of the cells.

use super::cell::{Cell, Kind, Number, rewrite};

/// The settings of the filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedScaleOffset {
    /// Of the cells (`dtype`).
    pub decoded: Cell,
    /// As stored (`astype`).
    pub encoded: Cell,
    /// What cells were multiplied by.
    pub scale: f64,
    /// What was taken off before.
    pub offset: f64,
}

impl FixedScaleOffset {
    /// Decodes into `out` and gives how many bytes it wrote.
    ///
    /// # Errors
    /// A reason, when lengths do not fit or a number leaves an integer type.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
        let (scale, offset) = (self.scale, self.offset);
        rewrite((self.encoded, input), (self.decoded, out), |stored| match (self.encoded.kind, stored) {
            (Kind::Float, Number::F32(v)) => Number::F32(v / scale as f32 + offset as f32),
            (_, v) => Number::F64(v.to_f64() / scale + offset),
        })
    }
}
