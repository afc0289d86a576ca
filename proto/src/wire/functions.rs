//! Which function of a formula has which number on the wire.

use super::{known, newer, pb};
use crate::error::RegionError;
use xeng_kernels::formula::{Binary, Unary};

/// Pairs each function with its message, both ways; a function without a pair does not compile.
macro_rules! functions {
    ($type:ty, $message:ty, $what:literal, $to:ident, $from:ident: $($name:ident)*) => {
        pub(super) fn $to(function: $type) -> i32 {
            (match function { $(<$type>::$name => <$message>::$name),* }).into()
        }

        pub(super) fn $from(number: i32) -> Result<$type, RegionError> {
            match known(<$message>::try_from(number), $what)? {
                <$message>::Unspecified => Err(newer($what)),
                $(<$message>::$name => Ok(<$type>::$name)),*
            }
        }
    };
}

functions!(Unary, pb::UnaryOp, "function of one number", unary_to_wire, unary_from_wire:
    Neg Abs Sign Square Reciprocal Sqrt Cbrt Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh
    Atanh Deg2Rad Rad2Deg Floor Ceil Trunc Rint Not IsNan IsFinite IsInf);

functions!(Binary, pb::BinaryOp, "function of two numbers", binary_to_wire, binary_from_wire:
    Add Sub Mul Div FloorDiv Mod Pow Minimum Maximum Fmin Fmax Atan2 Hypot Copysign Eq Ne Lt Le Gt Ge And Or Xor);
