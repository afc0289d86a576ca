//! `argmin` and `argmax`: the index of the extreme along the folded axis, the first of equals.
//!
//! In: cells with their index. Out: the index, -1 where every cell is missing or there is none. Where missing cells are
//! not passed over, the first of them wins, as NumPy's. Never depends on the order in which pieces arrive.

use super::law::Law;
use crate::dtype::Element;
use crate::partial::Cell;

/// State: the extreme so far, and its index, -1 before the first.
#[derive(Clone, Copy)]
pub(super) struct Arg<const LARGEST: bool> {
    /// Whether missing cells are passed over.
    pub(super) skip: bool,
}

impl<T: Element + Cell, const LARGEST: bool> Law<T> for Arg<LARGEST> {
    type A = T;
    type B = i64;
    #[inline(always)]
    fn identity(self) -> (T, i64) {
        (T::default(), -1)
    }
    #[inline(always)]
    fn put(self, state: (T, i64), x: T, index: i64) -> (T, i64) {
        let index = if self.skip & x.is_missing() { -1 } else { index };
        Law::<T>::join(self, state, (x, index))
    }
    #[inline(always)]
    fn join(self, (best, at): (T, i64), (x, index): (T, i64)) -> (T, i64) {
        let (best_missing, missing) = (best.is_missing(), x.is_missing());
        let better = (if LARGEST { x > best } else { x < best }) | (missing & !best_missing);
        let equal = (x == best) | (missing & best_missing);
        let wins = (index >= 0) & ((at < 0) | better | (equal & (index < at)));
        (if wins { x } else { best }, if wins { index } else { at })
    }
}
