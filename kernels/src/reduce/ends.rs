//! `first` and `last` along the folded (or grouped) axis.
//!
//! In: cells with their index. Out: the cell with the smallest or largest index; missing where there is none.
//! Never depends on the order in which pieces arrive.

use super::law::Law;
use crate::dtype::Element;
use crate::partial::Cell;

/// State: the cell, and its index, -1 before the first.
#[derive(Clone, Copy)]
pub(super) struct End<const LAST: bool> {
    /// Whether missing cells are passed over.
    pub(super) skip: bool,
}

impl<T: Element + Cell, const LAST: bool> Law<T> for End<LAST> {
    type A = T;
    type B = i64;
    #[inline(always)]
    fn identity(self) -> (T, i64) {
        (missing(), -1)
    }
    #[inline(always)]
    fn put(self, state: (T, i64), x: T, index: i64) -> (T, i64) {
        let index = if self.skip & x.is_missing() { -1 } else { index };
        Law::<T>::join(self, state, (x, index))
    }
    #[inline(always)]
    fn join(self, (end, at): (T, i64), (x, index): (T, i64)) -> (T, i64) {
        let farther = if LAST { index > at } else { index < at };
        let wins = (index >= 0) & ((at < 0) | farther);
        (if wins { x } else { end }, if wins { index } else { at })
    }
}

/// NaN, or zero in types that cannot be missing.
fn missing<T: Element>() -> T {
    if T::DTYPE.is_float() { T::from_f64(f64::NAN) } else { T::default() }
}
