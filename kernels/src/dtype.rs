//! Element types: which numbers a block can hold, and how two of them combine.
//!
//! In: names and pairs of types. Out: a type, its size, NumPy's name for it. Never touches data.

use crate::block::Block;
use ndarray::ArrayD;

/// The element type of a [`Block`], named as NumPy names it.
///
/// Times are `I64` counts of microseconds with a calendar beside them; strings never enter a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// `bool`
    Bool,
    /// `int8`
    I8,
    /// `int16`
    I16,
    /// `int32`
    I32,
    /// `int64`
    I64,
    /// `uint8`
    U8,
    /// `uint16`
    U16,
    /// `uint32`
    U32,
    /// `uint64`
    U64,
    /// `float32`
    F32,
    /// `float64`
    F64,
}

impl DType {
    /// Every element type, in promotion order of kinds.
    pub const ALL: [DType; 11] =
        [DType::Bool, DType::I8, DType::I16, DType::I32, DType::I64, DType::U8, DType::U16, DType::U32, DType::U64, DType::F32, DType::F64];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 => 1,
            DType::I16 | DType::U16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 => 8,
        }
    }

    /// NumPy's name, such as `float32`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// The type that NumPy calls `name`, if it is one of ours (`float` and `int` are the 64-bit ones).
    pub fn from_name(name: &str) -> Option<DType> {
        let long = match name {
            "f4" | "single" => "float32",
            "f8" | "float" | "double" => "float64",
            "i1" => "int8",
            "i2" => "int16",
            "i4" => "int32",
            "i8" | "int" => "int64",
            "u1" => "uint8",
            "u2" => "uint16",
            "u4" => "uint32",
            "u8" => "uint64",
            "?" => "bool",
            other => other,
        };
        DType::ALL.into_iter().find(|d| d.name() == long)
    }

    /// Whether this is a floating-point type, the only kind that can hold a missing value.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Whether this is a signed integer.
    pub const fn is_signed(self) -> bool {
        matches!(self, DType::I8 | DType::I16 | DType::I32 | DType::I64)
    }

    /// Whether this is an unsigned integer (`bool` is not).
    pub const fn is_unsigned(self) -> bool {
        matches!(self, DType::U8 | DType::U16 | DType::U32 | DType::U64)
    }

    /// Whether this is an integer of either sign (`bool` is not).
    pub const fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// The type of `a + b` for arrays of these types, by NumPy 2's promotion table.
    pub fn promote(self, other: DType) -> DType {
        use DType::*;
        let (a, b) = if self.rank() <= other.rank() { (self, other) } else { (other, self) };
        match (a, b) {
            _ if a == b => a,
            (Bool, _) => b,
            (_, F64) => F64,
            (I8 | I16 | U8 | U16, F32) => F32,
            (_, F32) => F64,
            _ if a.is_signed() == b.is_signed() => {
                if a.size() >= b.size() {
                    a
                } else {
                    b
                }
            }
            // Mixed signs: the smallest signed type that holds both, float64 where none does.
            _ => {
                let (signed, unsigned) = if a.is_signed() { (a, b) } else { (b, a) };
                if signed.size() > unsigned.size() {
                    signed
                } else {
                    match unsigned {
                        U8 => I16,
                        U16 => I32,
                        U32 => I64,
                        _ => F64,
                    }
                }
            }
        }
    }

    /// The float type that NumPy's `true_divide`, `sqrt` and the like give for this type.
    ///
    /// `float16` is not ours: 8-bit integers go to `float32` here only through [`Self::missing_float`];
    /// for unary functions NumPy's answer is `float16`, which callers must refuse or widen knowingly.
    pub const fn to_float(self) -> DType {
        match self {
            DType::F32 => DType::F32,
            _ => DType::F64,
        }
    }

    /// The float type that xarray uses when an array of this type must hold missing values
    /// (`xarray.core.dtypes.maybe_promote`): `float32` for integers of at most two bytes, else `float64`.
    pub const fn missing_float(self) -> DType {
        match self {
            DType::F32 | DType::I8 | DType::I16 | DType::U8 | DType::U16 => DType::F32,
            _ => DType::F64,
        }
    }

    const fn rank(self) -> u8 {
        self as u8
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that can be the element of a [`Block`].
pub trait Element: Copy + Send + Sync + PartialEq + PartialOrd + Default + std::fmt::Debug + 'static {
    /// Its [`DType`].
    const DTYPE: DType;
    /// The value as a float; exact up to 2^53.
    fn to_f64(self) -> f64;
    /// The value as an integer; floats truncate and saturate, NaN gives 0.
    fn to_i64(self) -> i64;
    /// The nearest value of this type; what does not fit saturates, NaN gives 0 in integers.
    fn from_f64(value: f64) -> Self;
    /// The value modulo 2^bits, as NumPy casts integers.
    fn from_i64(value: i64) -> Self;
    /// Whether the value is missing: NaN. Integers and bools never are.
    fn is_missing(self) -> bool;
    /// Wraps an array as a block.
    fn wrap(array: ArrayD<Self>) -> Block;
    /// The array inside a block, if it has this type.
    fn unwrap_ref(block: &Block) -> Option<&ArrayD<Self>>;
    /// The array inside a block, if it has this type.
    fn unwrap_owned(block: Block) -> Option<ArrayD<Self>>;
}

macro_rules! element {
    ($ty:ty, $variant:ident, to_f64: $to_f64:expr, to_i64: $to_i64:expr, from_f64: $from_f64:expr, from_i64: $from_i64:expr, missing: $missing:expr) => {
        impl Element for $ty {
            const DTYPE: DType = DType::$variant;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                let f: fn($ty) -> f64 = $to_f64;
                f(self)
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                let f: fn($ty) -> i64 = $to_i64;
                f(self)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                let f: fn(f64) -> $ty = $from_f64;
                f(value)
            }
            #[inline(always)]
            fn from_i64(value: i64) -> Self {
                let f: fn(i64) -> $ty = $from_i64;
                f(value)
            }
            #[inline(always)]
            fn is_missing(self) -> bool {
                let f: fn($ty) -> bool = $missing;
                f(self)
            }
            fn wrap(array: ArrayD<Self>) -> Block {
                Block::$variant(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
            }
            fn unwrap_ref(block: &Block) -> Option<&ArrayD<Self>> {
                match block {
                    Block::$variant(a) => Some(a),
                    _ => None,
                }
            }
            fn unwrap_owned(block: Block) -> Option<ArrayD<Self>> {
                match block {
                    Block::$variant(a) => Some(a),
                    _ => None,
                }
            }
        }
    };
}

macro_rules! integer_element {
    ($($ty:ty => $variant:ident),*) => {$(
        element!($ty, $variant, to_f64: |x| x as f64, to_i64: |x| x as i64, from_f64: |v| v as $ty, from_i64: |v| v as $ty, missing: |_| false);
    )*};
}

integer_element!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64);
element!(f32, F32, to_f64: |x| x as f64, to_i64: |x| x as i64, from_f64: |v| v as f32, from_i64: |v| v as f32, missing: |x| x.is_nan());
element!(f64, F64, to_f64: |x| x, to_i64: |x| x as i64, from_f64: |v| v, from_i64: |v| v as f64, missing: |x| x.is_nan());
element!(bool, Bool, to_f64: |x| x as u8 as f64, to_i64: |x| x as i64, from_f64: |v| v != 0.0, from_i64: |v| v != 0, missing: |_| false);

/// Runs `$body` with the type alias `$t` set to the Rust type of `$dtype`.
#[macro_export]
macro_rules! dispatch {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::Bool => {
                type $t = bool;
                $body
            }
            $crate::DType::I8 => {
                type $t = i8;
                $body
            }
            $crate::DType::I16 => {
                type $t = i16;
                $body
            }
            $crate::DType::I32 => {
                type $t = i32;
                $body
            }
            $crate::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::DType::U8 => {
                type $t = u8;
                $body
            }
            $crate::DType::U16 => {
                type $t = u16;
                $body
            }
            $crate::DType::U32 => {
                type $t = u32;
                $body
            }
            $crate::DType::U64 => {
                type $t = u64;
                $body
            }
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
        }
    };
}

/// Runs `$body` with `$a` bound to the typed array inside `$block`.
#[macro_export]
macro_rules! with_array {
    ($block:expr, $a:ident => $body:expr) => {
        match $block {
            $crate::Block::Bool($a) => $body,
            $crate::Block::I8($a) => $body,
            $crate::Block::I16($a) => $body,
            $crate::Block::I32($a) => $body,
            $crate::Block::I64($a) => $body,
            $crate::Block::U8($a) => $body,
            $crate::Block::U16($a) => $body,
            $crate::Block::U32($a) => $body,
            $crate::Block::U64($a) => $body,
            $crate::Block::F32($a) => $body,
            $crate::Block::F64($a) => $body,
        }
    };
}

#[cfg(test)]
mod tests {
    use super::DType::*;

    #[test]
    fn promotion_is_numpys() {
        for (a, b, want) in [
            (I16, F32, F32),
            (I32, F32, F64),
            (I64, F32, F64),
            (U8, I8, I16),
            (U32, I32, I64),
            (U64, I64, F64),
            (Bool, I8, I8),
            (Bool, F32, F32),
            (U16, F32, F32),
            (U32, F32, F64),
            (F32, F64, F64),
            (U8, I32, I32),
            (I8, I64, I64),
        ] {
            assert_eq!(a.promote(b), want, "{a} + {b}");
            assert_eq!(b.promote(a), want, "{b} + {a}");
        }
    }
}
