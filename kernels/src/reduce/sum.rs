//! `sum` and `prod`: floats held in `float64`, integers wrapping in 64 bits.
//!
//! In: cells. Out: the total and, where a product or `min_count` asks for it, the number of present cells.
//! A sum of no cells is 0 and a product 1, as xarray's; below `min_count` present cells the result is missing.

use super::law::Law;
use crate::block::Block;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::partial::{Cell, Partial};

/// A type that totals are held in.
pub(super) trait Total: Element + Cell {
    const ZERO: Self;
    const ONE: Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! total {
    ($($t:ty: $zero:expr, $one:expr, $plus:expr, $times:expr;)*) => {$(
        impl Total for $t {
            const ZERO: $t = $zero;
            const ONE: $t = $one;
            #[inline(always)]
            fn plus(self, other: $t) -> $t { let f: fn($t, $t) -> $t = $plus; f(self, other) }
            #[inline(always)]
            fn times(self, other: $t) -> $t { let f: fn($t, $t) -> $t = $times; f(self, other) }
        }
    )*};
}
total! {
    f64: 0.0, 1.0, |a, b| a + b, |a, b| a * b;
    i64: 0, 1, i64::wrapping_add, i64::wrapping_mul;
    u64: 0, 1, u64::wrapping_add, u64::wrapping_mul;
}

/// A type that can be summed.
pub(super) trait Summand: Element {
    /// What its total is held in.
    type Total: Total;
    /// The cell as a total.
    fn total(self) -> Self::Total;
}

macro_rules! summand {
    ($($t:ty => $total:ty),*) => {$(
        impl Summand for $t {
            type Total = $total;
            #[inline(always)]
            fn total(self) -> $total { self as $total }
        }
    )*};
}
summand!(bool => i64, i8 => i64, i16 => i64, i32 => i64, i64 => i64, u8 => u64, u16 => u64, u32 => u64, u64 => u64, f32 => f64, f64 => f64);

/// State: the sum.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    /// Whether missing cells are left out.
    pub(super) skip: bool,
}

impl<T: Summand> Law<T> for Sum {
    type A = T::Total;
    type B = ();
    #[inline(always)]
    fn identity(self) -> (T::Total, ()) {
        (T::Total::ZERO, ())
    }
    #[inline(always)]
    fn put(self, (sum, ()): (T::Total, ()), x: T, _: i64) -> (T::Total, ()) {
        let left_out = x.is_missing() & self.skip;
        (sum.plus(if left_out { T::Total::ZERO } else { x.total() }), ())
    }
    #[inline(always)]
    fn join(self, (a, ()): (T::Total, ()), (b, ()): (T::Total, ())) -> (T::Total, ()) {
        (a.plus(b), ())
    }
}

/// State: the product, and the number of present cells.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// Whether missing cells are left out.
    pub(super) skip: bool,
}

impl<T: Summand> Law<T> for Product {
    type A = T::Total;
    type B = i64;
    #[inline(always)]
    fn identity(self) -> (T::Total, i64) {
        (T::Total::ONE, 0)
    }
    #[inline(always)]
    fn put(self, (product, n): (T::Total, i64), x: T, _: i64) -> (T::Total, i64) {
        let left_out = x.is_missing() & self.skip;
        (product.times(if left_out { T::Total::ONE } else { x.total() }), n + !x.is_missing() as i64)
    }
    #[inline(always)]
    fn join(self, (a, n): (T::Total, i64), (b, m): (T::Total, i64)) -> (T::Total, i64) {
        (a.times(b), n.wrapping_add(m))
    }
}

/// The finished totals in `dtype`; a float with fewer than `min_count` present cells is missing.
pub(super) fn finish(mut partial: Partial, min_count: u64, dtype: DType) -> Result<Block> {
    if min_count > 0 && dtype.is_float() {
        let (totals, counts) = partial.open::<f64, i64>()?;
        for (total, &n) in totals.iter_mut().zip(counts.iter()) {
            if (n as u64) < min_count {
                *total = f64::NAN;
            }
        }
    }
    super::first_as(partial, dtype)
}
