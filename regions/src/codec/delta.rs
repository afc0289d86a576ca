//! numcodecs' `delta`: each cell as its difference to the one before.
//!
//! In: differences. Out: their running sums. Sums of integers wrap; sums of floats are rounded step by step, as NumPy's `cumsum`.

use super::cell::{Cell, Kind, Number, rewrite};

/// The two types of a delta filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Of the cells (`dtype`).
    pub decoded: Cell,
    /// Of the differences (`astype`).
    pub encoded: Cell,
}

impl Delta {
    /// `None` where NumPy's sums would depend on its order of conversions: floats in another type than their differences.
    pub fn new(decoded: Cell, encoded: Cell) -> Option<Delta> {
        let alike = decoded == encoded || (decoded.kind != Kind::Float && encoded.kind != Kind::Float);
        alike.then_some(Delta { decoded, encoded })
    }

    /// Decodes into `out` and gives how many bytes it wrote.
    ///
    /// # Errors
    /// A reason, when lengths do not fit.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<usize, &'static str> {
        let mut sum: Option<Number> = None;
        rewrite((self.encoded, input), (self.decoded, out), |difference| {
            let next = match (sum, difference) {
                (Some(Number::Int(a)), Number::Int(b)) => Number::Int((a as u64).wrapping_add(b as u64).into()),
                (Some(Number::F32(a)), Number::F32(b)) => Number::F32(a + b),
                (Some(Number::F64(a)), Number::F64(b)) => Number::F64(a + b),
                (_, first) => first,
            };
            sum = Some(next);
            next
        })
    }
}
