//! `min` and `max`, in the input's type.
//!
//! In: cells. Out: the smallest or largest; NaN where there is none, or where one is NaN and they are not left out.
//! The state of no cells is NaN where NaNs are left out; else it is the farthest value with a mark that nothing was seen.

use super::law::Law;
use crate::block::Block;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::partial::{Cell, Partial};

/// State: the extreme of the present cells; NaN (integers: the farthest value) before the first.
#[derive(Clone, Copy)]
pub(super) struct Present<const LARGEST: bool>;

impl<T: Element + Cell, const LARGEST: bool> Law<T> for Present<LARGEST> {
    type A = T;
    type B = ();
    #[inline(always)]
    fn identity(self) -> (T, ()) {
        (T::from_f64(identity(T::DTYPE, LARGEST, true)), ())
    }
    #[inline(always)]
    fn put(self, (best, ()): (T, ()), x: T, _: i64) -> (T, ()) {
        let better = if LARGEST { x > best } else { x < best };
        (if better | best.is_missing() { x } else { best }, ())
    }
    #[inline(always)]
    fn join(self, first: (T, ()), (x, ()): (T, ())) -> (T, ()) {
        self.put(first, x, 0)
    }
}

/// State: the extreme of all cells, NaN once one was; and whether there was any cell.
#[derive(Clone, Copy)]
pub(super) struct Strict<const LARGEST: bool>;

impl<T: Element + Cell, const LARGEST: bool> Law<T> for Strict<LARGEST> {
    type A = T;
    type B = bool;
    #[inline(always)]
    fn identity(self) -> (T, bool) {
        (T::from_f64(identity(T::DTYPE, LARGEST, false)), false)
    }
    #[inline(always)]
    fn put(self, (best, _): (T, bool), x: T, _: i64) -> (T, bool) {
        let better = if LARGEST { x > best } else { x < best };
        (if better | x.is_missing() { x } else { best }, true)
    }
    #[inline(always)]
    fn join(self, first: (T, bool), (x, seen): (T, bool)) -> (T, bool) {
        let (best, _) = Law::<T>::put(self, first, x, 0);
        (best, first.1 | seen)
    }
}

/// The state of no cells.
pub(super) fn identity(input: DType, largest: bool, skip: bool) -> f64 {
    match (input, largest) {
        (DType::F32 | DType::F64, _) if skip => f64::NAN,
        (DType::Bool, _) => !largest as u8 as f64,
        (_, true) => f64::NEG_INFINITY,
        (_, false) => f64::INFINITY,
    }
}

/// The extremes; missing where nothing was seen.
pub(super) fn finish(mut partial: Partial, input: DType) -> Result<Block> {
    fn blank<T: Element + Cell>(partial: &mut Partial) -> Result<()> {
        let (best, seen) = partial.open::<T, bool>()?;
        for (best, &seen) in best.iter_mut().zip(seen.iter()) {
            if !seen {
                *best = T::from_f64(f64::NAN);
            }
        }
        Ok(())
    }
    match (input, partial.states.len()) {
        (DType::F32, 2) => blank::<f32>(&mut partial)?,
        (DType::F64, 2) => blank::<f64>(&mut partial)?,
        _ => {}
    }
    super::first_as(partial, input)
}
