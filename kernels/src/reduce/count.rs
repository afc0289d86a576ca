//! `count`: how many cells are not missing.
//!
//! In: cells. Out: one `int64` per output cell. Never missing itself.

use super::law::Law;
use crate::dtype::Element;

/// State: the number of present cells.
#[derive(Clone, Copy)]
pub(super) struct Count;

impl<T: Element> Law<T> for Count {
    type A = i64;
    type B = ();
    #[inline(always)]
    fn identity(self) -> (i64, ()) {
        (0, ())
    }
    #[inline(always)]
    fn put(self, (n, ()): (i64, ()), x: T, _: i64) -> (i64, ()) {
        (n + !x.is_missing() as i64, ())
    }
    #[inline(always)]
    fn join(self, (n, ()): (i64, ()), (m, ()): (i64, ())) -> (i64, ()) {
        (n.wrapping_add(m), ())
    }
}
