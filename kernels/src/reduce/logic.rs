//! `any` and `all`: cells that are not zero are true, NaN too.
//!
//! In: cells. Out: a bool per output cell; of no cells, `any` is false and `all` is true.

use super::law::Law;
use crate::dtype::Element;

/// State: whether any cell (`EVERY`: every cell) was true.
#[derive(Clone, Copy)]
pub(super) struct Truth<const EVERY: bool>;

impl<T: Element, const EVERY: bool> Law<T> for Truth<EVERY> {
    type A = bool;
    type B = ();
    #[inline(always)]
    fn identity(self) -> (bool, ()) {
        (EVERY, ())
    }
    #[inline(always)]
    fn put(self, state: (bool, ()), x: T, _: i64) -> (bool, ()) {
        Law::<T>::join(self, state, (x != T::default(), ()))
    }
    #[inline(always)]
    fn join(self, (a, ()): (bool, ()), (b, ()): (bool, ())) -> (bool, ()) {
        (if EVERY { a & b } else { a | b }, ())
    }
}
