//! One step of a formula over one tile.
//!
//! In: registers written by earlier steps. Out: the step's own register. Never looks at shapes.

use super::cast::{Source, Target};
use super::number::{Bits, Number, Real};
use super::{Binary, Register, Step, Unary};
use crate::dtype::Element;
use crate::error::{KernelError, Result};
use crate::simd::{Kernel, wide};

/// A register: its own cells, or a window into an input.
#[derive(Debug)]
pub(super) struct Lane<'a, T> {
    pub(super) cells: Vec<T>,
    pub(super) window: Option<&'a [T]>,
}

impl<T> Lane<'_, T> {
    /// The first `n` cells.
    pub(super) fn read(&self, n: usize) -> Result<&[T]> {
        self.window.unwrap_or(&self.cells).get(..n).ok_or_else(|| KernelError::malformed("formula", "a register is shorter than its tile"))
    }
}

/// A register of any type.
#[derive(Debug)]
pub(super) enum Lanes<'a> {
    Bool(Lane<'a, bool>),
    I8(Lane<'a, i8>),
    I16(Lane<'a, i16>),
    I32(Lane<'a, i32>),
    I64(Lane<'a, i64>),
    U8(Lane<'a, u8>),
    U16(Lane<'a, u16>),
    U32(Lane<'a, u32>),
    U64(Lane<'a, u64>),
    F32(Lane<'a, f32>),
    F64(Lane<'a, f64>),
}

/// Runs `$body` with `$l` bound to the typed lane inside `$lanes`.
macro_rules! with_lane {
    ($lanes:expr, $l:ident => $body:expr) => {
        match $lanes {
            Lanes::Bool($l) => $body,
            Lanes::I8($l) => $body,
            Lanes::I16($l) => $body,
            Lanes::I32($l) => $body,
            Lanes::I64($l) => $body,
            Lanes::U8($l) => $body,
            Lanes::U16($l) => $body,
            Lanes::U32($l) => $body,
            Lanes::U64($l) => $body,
            Lanes::F32($l) => $body,
            Lanes::F64($l) => $body,
        }
    };
}

/// A type that registers can hold, with the operators that it has.
pub(super) trait Stored: Number + Source + Target {
    fn enclose(lane: Lane<'_, Self>) -> Result<Lanes<'_>>;
    fn lane<'l, 'a>(lanes: &'l Lanes<'a>) -> Result<&'l Lane<'a, Self>>;
    fn lane_mut<'l, 'a>(lanes: &'l mut Lanes<'a>) -> Result<&'l mut Lane<'a, Self>>;
    /// The same cells, if they are bools.
    fn bools(_: &mut [Self]) -> Option<&mut [bool]> {
        None
    }
    /// Functions that not every type has.
    fn special_unary(op: Unary, a: &[Self], to: &mut [Self]) -> Result<()>;
    /// Functions that not every type has.
    fn special_binary(op: Binary, a: &[Self], b: &[Self], to: &mut [Self]) -> Result<()>;
}

macro_rules! stored {
    ($($t:ty, $variant:ident, $unary:ident, $binary:ident $(, $bools:item)?;)*) => {$(
        impl Stored for $t {
            fn enclose(lane: Lane<'_, Self>) -> Result<Lanes<'_>> { Ok(Lanes::$variant(lane)) }
            fn lane<'l, 'a>(lanes: &'l Lanes<'a>) -> Result<&'l Lane<'a, Self>> {
                match lanes { Lanes::$variant(l) => Ok(l), _ => Err(other_type()) }
            }
            fn lane_mut<'l, 'a>(lanes: &'l mut Lanes<'a>) -> Result<&'l mut Lane<'a, Self>> {
                match lanes { Lanes::$variant(l) => Ok(l), _ => Err(other_type()) }
            }
            fn special_unary(op: Unary, a: &[Self], to: &mut [Self]) -> Result<()> { $unary(op, a, to) }
            fn special_binary(op: Binary, a: &[Self], b: &[Self], to: &mut [Self]) -> Result<()> { $binary(op, a, b, to) }
            $($bools)?
        }
    )*};
}
stored! {
    bool, Bool, bits_unary, bits_binary, fn bools(cells: &mut [bool]) -> Option<&mut [bool]> { Some(cells) };
    i8, I8, bits_unary, bits_binary;
    i16, I16, bits_unary, bits_binary;
    i32, I32, bits_unary, bits_binary;
    i64, I64, bits_unary, bits_binary;
    u8, U8, bits_unary, bits_binary;
    u16, U16, bits_unary, bits_binary;
    u32, U32, bits_unary, bits_binary;
    u64, U64, bits_unary, bits_binary;
    f32, F32, real_unary, real_binary;
    f64, F64, real_unary, real_binary;
}

fn other_type() -> KernelError {
    KernelError::malformed("formula", "a register is read as another type than it was written")
}

fn lacks(op: impl std::fmt::Debug) -> KernelError {
    KernelError::malformed("formula", format!("{op:?} does not exist for this type"))
}

fn register<'l, 'a>(earlier: &'l [Lanes<'a>], r: Register) -> Result<&'l Lanes<'a>> {
    earlier.get(r as usize).ok_or_else(|| KernelError::malformed("formula", format!("register {r} is read before it is written")))
}

fn cells<'l, T: Stored>(earlier: &'l [Lanes<'_>], r: Register, n: usize) -> Result<&'l [T]> {
    T::lane(register(earlier, r)?)?.read(n)
}

/// Computes a step that is no leaf into `to`.
pub(super) fn compute<T: Stored>(step: Step, to: &mut [T], earlier: &[Lanes]) -> Result<()> {
    let n = to.len();
    match step {
        Step::Input(_) | Step::Literal(_) => Err(KernelError::malformed("formula", "a leaf is not computed")),
        Step::Unary(op, a) if op.is_test() => {
            let to = T::bools(to).ok_or_else(other_type)?;
            with_lane!(register(earlier, a)?, l => test(op, l.read(n)?, to))
        }
        Step::Binary(op, a, b) if op.is_comparison() => {
            let to = T::bools(to).ok_or_else(other_type)?;
            with_lane!(register(earlier, a)?, l => compare(op, l.read(n)?, cells(earlier, b, n)?, to))
        }
        Step::Unary(op, a) => unary(op, cells(earlier, a, n)?, to),
        Step::Binary(op, a, b) => binary(op, cells(earlier, a, n)?, cells(earlier, b, n)?, to),
        Step::Select(c, a, b) => {
            wide(Choose { condition: cells(earlier, c, n)?, yes: cells(earlier, a, n)?, no: cells(earlier, b, n)?, to });
            Ok(())
        }
        Step::Cast(a) => with_lane!(register(earlier, a)?, l => map(l.read(n)?, to, Source::to)),
    }
}

struct Map<'a, A, R, F> {
    a: &'a [A],
    to: &'a mut [R],
    f: F,
}

impl<A: Copy, R, F: Fn(A) -> R> Kernel for Map<'_, A, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (to, &a) in self.to.iter_mut().zip(self.a) {
            *to = (self.f)(a);
        }
    }
}

fn map<A: Copy, R>(a: &[A], to: &mut [R], f: impl Fn(A) -> R) -> Result<()> {
    wide(Map { a, to, f });
    Ok(())
}

struct Zip<'a, A, R, F> {
    a: &'a [A],
    b: &'a [A],
    to: &'a mut [R],
    f: F,
}

impl<A: Copy, R, F: Fn(A, A) -> R> Kernel for Zip<'_, A, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((to, &a), &b) in self.to.iter_mut().zip(self.a).zip(self.b) {
            *to = (self.f)(a, b);
        }
    }
}

fn zip<A: Copy, R>(a: &[A], b: &[A], to: &mut [R], f: impl Fn(A, A) -> R) -> Result<()> {
    wide(Zip { a, b, to, f });
    Ok(())
}

struct Choose<'a, T> {
    condition: &'a [bool],
    yes: &'a [T],
    no: &'a [T],
    to: &'a mut [T],
}

impl<T: Copy> Kernel for Choose<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (((to, &c), &yes), &no) in self.to.iter_mut().zip(self.condition).zip(self.yes).zip(self.no) {
            *to = if c { yes } else { no };
        }
    }
}

fn test<T: Number>(op: Unary, a: &[T], to: &mut [bool]) -> Result<()> {
    match op {
        Unary::IsNan => map(a, to, T::is_missing),
        Unary::IsFinite => map(a, to, T::finite),
        Unary::IsInf => map(a, to, T::infinite),
        _ => Err(lacks(op)),
    }
}

fn compare<T: Element>(op: Binary, a: &[T], b: &[T], to: &mut [bool]) -> Result<()> {
    match op {
        Binary::Eq => zip(a, b, to, |a, b| a == b),
        Binary::Ne => zip(a, b, to, |a, b| a != b),
        Binary::Lt => zip(a, b, to, |a, b| a < b),
        Binary::Le => zip(a, b, to, |a, b| a <= b),
        Binary::Gt => zip(a, b, to, |a, b| a > b),
        Binary::Ge => zip(a, b, to, |a, b| a >= b),
        _ => Err(lacks(op)),
    }
}

fn unary<T: Stored>(op: Unary, a: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Unary::Neg => map(a, to, T::neg),
        Unary::Abs => map(a, to, T::abs),
        Unary::Sign => map(a, to, T::sign),
        Unary::Square => map(a, to, T::square),
        Unary::Floor => map(a, to, T::floor),
        Unary::Ceil => map(a, to, T::ceil),
        Unary::Trunc => map(a, to, T::trunc),
        _ => T::special_unary(op, a, to),
    }
}

fn bits_unary<T: Bits>(op: Unary, a: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Unary::Not => map(a, to, T::not),
        _ => Err(lacks(op)),
    }
}

fn real_unary<T: Real>(op: Unary, a: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Unary::Reciprocal => map(a, to, T::reciprocal),
        Unary::Sqrt => map(a, to, T::sqrt),
        Unary::Cbrt => map(a, to, T::cbrt),
        Unary::Exp => map(a, to, T::exp),
        Unary::Exp2 => map(a, to, T::exp2),
        Unary::Expm1 => map(a, to, T::expm1),
        Unary::Log => map(a, to, T::log),
        Unary::Log2 => map(a, to, T::log2),
        Unary::Log10 => map(a, to, T::log10),
        Unary::Log1p => map(a, to, T::log1p),
        Unary::Sin => map(a, to, T::sin),
        Unary::Cos => map(a, to, T::cos),
        Unary::Tan => map(a, to, T::tan),
        Unary::Asin => map(a, to, T::asin),
        Unary::Acos => map(a, to, T::acos),
        Unary::Atan => map(a, to, T::atan),
        Unary::Sinh => map(a, to, T::sinh),
        Unary::Cosh => map(a, to, T::cosh),
        Unary::Tanh => map(a, to, T::tanh),
        Unary::Asinh => map(a, to, T::asinh),
        Unary::Acosh => map(a, to, T::acosh),
        Unary::Atanh => map(a, to, T::atanh),
        Unary::Deg2Rad => map(a, to, T::deg2rad),
        Unary::Rad2Deg => map(a, to, T::rad2deg),
        Unary::Rint => map(a, to, T::rint),
        _ => Err(lacks(op)),
    }
}

fn binary<T: Stored>(op: Binary, a: &[T], b: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Binary::Add => zip(a, b, to, T::add),
        Binary::Sub => zip(a, b, to, T::sub),
        Binary::Mul => zip(a, b, to, T::mul),
        Binary::FloorDiv => zip(a, b, to, T::floor_div),
        Binary::Mod => zip(a, b, to, T::modulo),
        Binary::Pow => zip(a, b, to, T::pow),
        Binary::Minimum => zip(a, b, to, T::minimum),
        Binary::Maximum => zip(a, b, to, T::maximum),
        Binary::Fmin => zip(a, b, to, T::fmin),
        Binary::Fmax => zip(a, b, to, T::fmax),
        _ => T::special_binary(op, a, b, to),
    }
}

fn bits_binary<T: Bits>(op: Binary, a: &[T], b: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Binary::And => zip(a, b, to, T::and),
        Binary::Or => zip(a, b, to, T::or),
        Binary::Xor => zip(a, b, to, T::xor),
        _ => Err(lacks(op)),
    }
}

fn real_binary<T: Real>(op: Binary, a: &[T], b: &[T], to: &mut [T]) -> Result<()> {
    match op {
        Binary::Div => zip(a, b, to, T::div),
        Binary::Atan2 => zip(a, b, to, T::atan2),
        Binary::Hypot => zip(a, b, to, T::hypot),
        Binary::Copysign => zip(a, b, to, T::copysign),
        _ => Err(lacks(op)),
    }
}
