//! Conversion of single numbers between element types, as NumPy's `astype` does it on x86-64.
//!
//! In: a number. Out: the number in another type, rounded once. Never goes through a third type that could round twice.

use crate::dtype::Element;

/// A type that every element type can be turned into.
pub(crate) trait Target: Element {
    fn of_bool(x: bool) -> Self;
    fn of_i8(x: i8) -> Self;
    fn of_i16(x: i16) -> Self;
    fn of_i32(x: i32) -> Self;
    fn of_i64(x: i64) -> Self;
    fn of_u8(x: u8) -> Self;
    fn of_u16(x: u16) -> Self;
    fn of_u32(x: u32) -> Self;
    fn of_u64(x: u64) -> Self;
    fn of_f32(x: f32) -> Self;
    fn of_f64(x: f64) -> Self;
}

/// A type that can be turned into every element type.
pub(crate) trait Source: Element {
    fn to<T: Target>(self) -> T;
}

macro_rules! source {
    ($($t:ident: $of:ident),*) => {$(
        impl Source for $t {
            #[inline(always)]
            fn to<T: Target>(self) -> T { T::$of(self) }
        }
    )*};
}
source!(bool: of_bool, i8: of_i8, i16: of_i16, i32: of_i32, i64: of_i64, u8: of_u8, u16: of_u16, u32: of_u32, u64: of_u64, f32: of_f32, f64: of_f64);

macro_rules! from_integers {
    ($t:ty, |$x:ident| $convert:expr) => {
        #[inline(always)]
        fn of_i8($x: i8) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_i16($x: i16) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_i32($x: i32) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_i64($x: i64) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_u8($x: u8) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_u16($x: u16) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_u32($x: u32) -> Self {
            $convert
        }
        #[inline(always)]
        fn of_u64($x: u64) -> Self {
            $convert
        }
    };
}

macro_rules! target {
    ($($t:ty: $from_float:ident),*) => {$(
        impl Target for $t {
            #[inline(always)]
            fn of_bool(x: bool) -> Self { x as u8 as $t }
            from_integers!($t, |x| x as $t);
            #[inline(always)]
            fn of_f32(x: f32) -> Self { $from_float(x as f64) as $t }
            #[inline(always)]
            fn of_f64(x: f64) -> Self { $from_float(x) as $t }
        }
    )*};
}
target!(i8: to_32, i16: to_32, i32: to_32, u8: to_32, u16: to_32, i64: to_64, u32: to_64, u64: to_unsigned);

impl Target for bool {
    #[inline(always)]
    fn of_bool(x: bool) -> Self {
        x
    }
    from_integers!(bool, |x| x != 0);
    #[inline(always)]
    fn of_f32(x: f32) -> Self {
        x != 0.0
    }
    #[inline(always)]
    fn of_f64(x: f64) -> Self {
        x != 0.0
    }
}

macro_rules! float_target {
    ($($t:ty),*) => {$(
        impl Target for $t {
            #[inline(always)]
            fn of_bool(x: bool) -> Self { x as u8 as $t }
            from_integers!($t, |x| x as $t);
            #[inline(always)]
            fn of_f32(x: f32) -> Self { x as $t }
            #[inline(always)]
            fn of_f64(x: f64) -> Self { x as $t }
        }
    )*};
}
float_target!(f32, f64);

/// The instruction `cvttsd2si` with a 32-bit result: what does not fit, and NaN, gives the smallest integer.
#[inline(always)]
fn to_32(x: f64) -> i32 {
    if x > -2147483649.0 && x < 2147483648.0 { x as i32 } else { i32::MIN }
}

/// The instruction `cvttsd2si` with a 64-bit result.
#[inline(always)]
fn to_64(x: f64) -> i64 {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&x) { x as i64 } else { i64::MIN }
}

/// Negative values wrap, large ones saturate.
#[inline(always)]
fn to_unsigned(x: f64) -> u64 {
    if x < 9223372036854775808.0 { to_64(x) as u64 } else { x as u64 }
}
