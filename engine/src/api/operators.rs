//! Arithmetic, logic and comparisons of handles, with handles and scalars on either side.
//!
//! In: two operands. Out: a handle. Never fails: what is wrong is told by the next method, or when it is computed.

use super::arg::Arg;
use super::kind::Kind;
use super::lazy::Lazy;
use super::step::bare;
use crate::expr::{BinaryOp, CompareOp, ExprKind, UnaryOp};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Sub};

impl<K: Kind> Lazy<K> {
    fn with(&self, op: BinaryOp, other: impl Into<Arg>) -> Lazy<K::Whole> {
        Lazy::unchecked(Arg::binary(op, Arg::from(self), other.into()), self.session.clone())
    }

    fn under(&self, op: BinaryOp, other: impl Into<Arg>) -> Lazy<K::Whole> {
        Lazy::unchecked(Arg::binary(op, other.into(), Arg::from(self)), self.session.clone())
    }

    fn compared(&self, op: CompareOp, other: impl Into<Arg>) -> Lazy<K::Whole> {
        let (a, b) = (Arg::from(self), other.into());
        let mut of = a.of;
        of.extend(b.of);
        Lazy::unchecked(Arg { expr: bare(ExprKind::Compare(op, Box::new(a.expr), Box::new(b.expr))), of }, self.session.clone())
    }

    fn prefixed(&self, op: UnaryOp) -> Lazy<K::Whole> {
        let arg = Arg::from(self);
        Lazy::unchecked(Arg { expr: bare(ExprKind::Unary(op, Box::new(arg.expr))), of: arg.of }, self.session.clone())
    }

    /// `self ** exponent`
    pub fn pow(&self, exponent: impl Into<Arg>) -> Lazy<K::Whole> {
        self.with(BinaryOp::Power, exponent)
    }

    /// `self // divisor`: rounded down.
    pub fn floor_div(&self, divisor: impl Into<Arg>) -> Lazy<K::Whole> {
        self.with(BinaryOp::FloorDivide, divisor)
    }

    /// `self @ other`: the sum of products over common dims.
    pub fn matmul(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.with(BinaryOp::MatMul, other)
    }

    /// `self < other`, cell by cell.
    pub fn lt(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::Less, other)
    }

    /// `self <= other`, cell by cell.
    pub fn le(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::LessEqual, other)
    }

    /// `self > other`, cell by cell.
    pub fn gt(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::Greater, other)
    }

    /// `self >= other`, cell by cell.
    pub fn ge(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::GreaterEqual, other)
    }

    /// `self == other`, cell by cell.
    pub fn eq(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::Equal, other)
    }

    /// `self != other`, cell by cell.
    pub fn ne(&self, other: impl Into<Arg>) -> Lazy<K::Whole> {
        self.compared(CompareOp::NotEqual, other)
    }
}

macro_rules! operators {
    ($($class:ident $method:ident $op:ident),*) => {$(
        impl<K: Kind, R: Into<Arg>> $class<R> for &Lazy<K> {
            type Output = Lazy<K::Whole>;
            fn $method(self, other: R) -> Lazy<K::Whole> {
                self.with(BinaryOp::$op, other)
            }
        }

        impl<K: Kind, R: Into<Arg>> $class<R> for Lazy<K> {
            type Output = Lazy<K::Whole>;
            fn $method(self, other: R) -> Lazy<K::Whole> {
                self.with(BinaryOp::$op, other)
            }
        }

        operators!(@scalars $class $method $op, f64, i64);
    )*};
    (@scalars $class:ident $method:ident $op:ident, $($scalar:ty),*) => {$(
        impl<K: Kind> $class<&Lazy<K>> for $scalar {
            type Output = Lazy<K::Whole>;
            fn $method(self, other: &Lazy<K>) -> Lazy<K::Whole> {
                other.under(BinaryOp::$op, self)
            }
        }

        impl<K: Kind> $class<Lazy<K>> for $scalar {
            type Output = Lazy<K::Whole>;
            fn $method(self, other: Lazy<K>) -> Lazy<K::Whole> {
                other.under(BinaryOp::$op, self)
            }
        }
    )*};
}

operators!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide, Rem rem Remainder, BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);

impl<K: Kind> Neg for &Lazy<K> {
    type Output = Lazy<K::Whole>;
    fn neg(self) -> Lazy<K::Whole> {
        self.prefixed(UnaryOp::Minus)
    }
}

impl<K: Kind> Neg for Lazy<K> {
    type Output = Lazy<K::Whole>;
    fn neg(self) -> Lazy<K::Whole> {
        self.prefixed(UnaryOp::Minus)
    }
}

impl<K: Kind> Not for &Lazy<K> {
    type Output = Lazy<K::Whole>;
    fn not(self) -> Lazy<K::Whole> {
        self.prefixed(UnaryOp::Invert)
    }
}

impl<K: Kind> Not for Lazy<K> {
    type Output = Lazy<K::Whole>;
    fn not(self) -> Lazy<K::Whole> {
        self.prefixed(UnaryOp::Invert)
    }
}
