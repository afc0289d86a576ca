//! `mean`: the sum in `float64` and the number of present cells.
//!
//! In: cells. Out: `sum / n`, NaN where `n` is 0. The counted sum also serves `sum(min_count=)`.
//! Worked example: 1, NaN, 3 gives sum 4, n 2, mean 2. Never holds a running mean, which would round at every step.

use super::law::Law;
use crate::block::Block;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::partial::Partial;

/// State: the sum, and the number of present cells.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    /// Whether missing cells are left out; if not, they make the sum NaN.
    pub(super) skip: bool,
}

impl<T: Element> Law<T> for Counted {
    type A = f64;
    type B = i64;
    #[inline(always)]
    fn identity(self) -> (f64, i64) {
        (0.0, 0)
    }
    #[inline(always)]
    fn put(self, (sum, n): (f64, i64), x: T, _: i64) -> (f64, i64) {
        let left_out = x.is_missing() & self.skip;
        (sum + if left_out { 0.0 } else { x.to_f64() }, n + !x.is_missing() as i64)
    }
    #[inline(always)]
    fn join(self, (a, n): (f64, i64), (b, m): (f64, i64)) -> (f64, i64) {
        (a + b, n.wrapping_add(m))
    }
}

/// `sum / n` in `dtype`.
pub(super) fn finish(mut partial: Partial, dtype: DType) -> Result<Block> {
    let (sums, counts) = partial.open::<f64, i64>()?;
    for (sum, &n) in sums.iter_mut().zip(counts.iter()) {
        *sum = if n == 0 { f64::NAN } else { *sum / n as f64 };
    }
    super::first_as(partial, dtype)
}
