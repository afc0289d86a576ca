//! Arithmetic on single numbers with NumPy's rules, for every element type.
//!
//! In: numbers of one type. Out: a number of that type, or a bool. Never promotes.

use crate::dtype::Element;

/// Arithmetic that every element type has. Integers wrap; division by an integer zero gives 0.
pub(super) trait Number: Element {
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn floor_div(self, b: Self) -> Self;
    fn modulo(self, b: Self) -> Self;
    fn pow(self, b: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sign(self) -> Self;
    fn square(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn trunc(self) -> Self;
    fn finite(self) -> bool;
    fn infinite(self) -> bool;
    fn literal(bits: u64) -> Self;

    /// The smaller; NaN if either is.
    #[inline(always)]
    fn minimum(self, b: Self) -> Self {
        if self < b || self.is_missing() { self } else { b }
    }
    /// The larger; NaN if either is.
    #[inline(always)]
    fn maximum(self, b: Self) -> Self {
        if self > b || self.is_missing() { self } else { b }
    }
    /// The smaller; the other one if one is NaN.
    #[inline(always)]
    fn fmin(self, b: Self) -> Self {
        if self <= b || b.is_missing() { self } else { b }
    }
    /// The larger; the other one if one is NaN.
    #[inline(always)]
    fn fmax(self, b: Self) -> Self {
        if self >= b || b.is_missing() { self } else { b }
    }
}

/// Bitwise logic of integers and bools.
pub(super) trait Bits: Number {
    fn and(self, b: Self) -> Self;
    fn or(self, b: Self) -> Self;
    fn xor(self, b: Self) -> Self;
    fn not(self) -> Self;
}

/// Functions that only floats have.
pub(super) trait Real: Number {
    fn div(self, b: Self) -> Self;
    fn atan2(self, b: Self) -> Self;
    fn hypot(self, b: Self) -> Self;
    fn copysign(self, b: Self) -> Self;
    fn reciprocal(self) -> Self;
    fn sqrt(self) -> Self;
    fn cbrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp2(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log2(self) -> Self;
    fn log10(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn asin(self) -> Self;
    fn acos(self) -> Self;
    fn atan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn asinh(self) -> Self;
    fn acosh(self) -> Self;
    fn atanh(self) -> Self;
    fn deg2rad(self) -> Self;
    fn rad2deg(self) -> Self;
    fn rint(self) -> Self;
}

macro_rules! integer_common {
    ($t:ty) => {
        #[inline(always)]
        fn add(self, b: Self) -> Self {
            self.wrapping_add(b)
        }
        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            self.wrapping_sub(b)
        }
        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            self.wrapping_mul(b)
        }
        #[inline(always)]
        fn neg(self) -> Self {
            self.wrapping_neg()
        }
        #[inline(always)]
        fn square(self) -> Self {
            self.wrapping_mul(self)
        }
        #[inline(always)]
        fn floor(self) -> Self {
            self
        }
        #[inline(always)]
        fn ceil(self) -> Self {
            self
        }
        #[inline(always)]
        fn trunc(self) -> Self {
            self
        }
        #[inline(always)]
        fn finite(self) -> bool {
            true
        }
        #[inline(always)]
        fn infinite(self) -> bool {
            false
        }
        #[inline(always)]
        fn literal(bits: u64) -> Self {
            bits as $t
        }
        /// By squaring, wrapping; a negative exponent gives 0, or +-1 for the bases +-1.
        #[inline(always)]
        fn pow(self, b: Self) -> Self {
            let (mut base, mut left, mut out): ($t, u64, $t) = (self, b as i128 as u64, 1);
            #[allow(unused_comparisons)]
            if b < 0 {
                return if self == 1 {
                    1
                } else if self.wrapping_add(1) == 0 {
                    if b & 1 == 1 { self } else { 1 }
                } else {
                    0
                };
            }
            while left > 0 {
                if left & 1 == 1 {
                    out = out.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            out
        }
    };
}

macro_rules! bitwise {
    ($($t:ty),*) => {$(
        impl Bits for $t {
            #[inline(always)]
            fn and(self, b: Self) -> Self { self & b }
            #[inline(always)]
            fn or(self, b: Self) -> Self { self | b }
            #[inline(always)]
            fn xor(self, b: Self) -> Self { self ^ b }
            #[inline(always)]
            fn not(self) -> Self { !self }
        }
    )*};
}
bitwise!(bool, i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! signed {
    ($($t:ty),*) => {$(
        impl Number for $t {
            integer_common!($t);
            #[inline(always)]
            fn abs(self) -> Self { self.wrapping_abs() }
            #[inline(always)]
            fn sign(self) -> Self { self.signum() }
            #[inline(always)]
            fn floor_div(self, b: Self) -> Self {
                if b == 0 {
                    return 0;
                }
                let (quotient, rest) = (self.wrapping_div(b), self.wrapping_rem(b));
                if rest != 0 && (rest < 0) != (b < 0) { quotient.wrapping_sub(1) } else { quotient }
            }
            #[inline(always)]
            fn modulo(self, b: Self) -> Self {
                if b == 0 {
                    return 0;
                }
                let rest = self.wrapping_rem(b);
                if rest != 0 && (rest < 0) != (b < 0) { rest.wrapping_add(b) } else { rest }
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);

macro_rules! unsigned {
    ($($t:ty),*) => {$(
        impl Number for $t {
            integer_common!($t);
            #[inline(always)]
            fn abs(self) -> Self { self }
            #[inline(always)]
            fn sign(self) -> Self { (self > 0) as $t }
            #[inline(always)]
            fn floor_div(self, b: Self) -> Self { self.checked_div(b).unwrap_or(0) }
            #[inline(always)]
            fn modulo(self, b: Self) -> Self { self.checked_rem(b).unwrap_or(0) }
        }
    )*};
}
unsigned!(u8, u16, u32, u64);

/// `+` is or, `*` is and, as NumPy's; the others follow the arithmetic of 0 and 1.
impl Number for bool {
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self | b
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self ^ b
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self & b
    }
    #[inline(always)]
    fn floor_div(self, b: Self) -> Self {
        self & b
    }
    #[inline(always)]
    fn modulo(self, _: Self) -> Self {
        false
    }
    #[inline(always)]
    fn pow(self, b: Self) -> Self {
        self | !b
    }
    #[inline(always)]
    fn neg(self) -> Self {
        self
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self
    }
    #[inline(always)]
    fn sign(self) -> Self {
        self
    }
    #[inline(always)]
    fn square(self) -> Self {
        self
    }
    #[inline(always)]
    fn floor(self) -> Self {
        self
    }
    #[inline(always)]
    fn ceil(self) -> Self {
        self
    }
    #[inline(always)]
    fn trunc(self) -> Self {
        self
    }
    #[inline(always)]
    fn finite(self) -> bool {
        true
    }
    #[inline(always)]
    fn infinite(self) -> bool {
        false
    }
    #[inline(always)]
    fn literal(bits: u64) -> Self {
        bits != 0
    }
}

macro_rules! float {
    ($t:ident) => {
        impl Number for $t {
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                self - b
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                self * b
            }
            /// NumPy's `npy_floor_divide`.
            #[inline(always)]
            fn floor_div(self, b: Self) -> Self {
                if b == 0.0 {
                    return self / b;
                }
                let rest = self % b;
                let mut quotient = (self - rest) / b;
                if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return <$t>::copysign(0.0, self / b);
                }
                let down = quotient.floor();
                if quotient - down > 0.5 { down + 1.0 } else { down }
            }
            /// NumPy's `npy_remainder`: the sign of the divisor.
            #[inline(always)]
            fn modulo(self, b: Self) -> Self {
                let rest = self % b;
                if b == 0.0 {
                    rest
                } else if rest == 0.0 {
                    <$t>::copysign(0.0, b)
                } else if (b < 0.0) != (rest < 0.0) {
                    rest + b
                } else {
                    rest
                }
            }
            #[inline(always)]
            fn pow(self, b: Self) -> Self {
                self.powf(b)
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn sign(self) -> Self {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else if self == 0.0 {
                    0.0
                } else {
                    self
                }
            }
            #[inline(always)]
            fn square(self) -> Self {
                self * self
            }
            #[inline(always)]
            fn floor(self) -> Self {
                <$t>::floor(self)
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                <$t>::ceil(self)
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                <$t>::trunc(self)
            }
            #[inline(always)]
            fn finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn infinite(self) -> bool {
                self.is_infinite()
            }
            #[inline(always)]
            fn literal(bits: u64) -> Self {
                f64::from_bits(bits) as $t
            }
        }

        impl Real for $t {
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                self / b
            }
            #[inline(always)]
            fn atan2(self, b: Self) -> Self {
                <$t>::atan2(self, b)
            }
            #[inline(always)]
            fn hypot(self, b: Self) -> Self {
                <$t>::hypot(self, b)
            }
            #[inline(always)]
            fn copysign(self, b: Self) -> Self {
                <$t>::copysign(self, b)
            }
            #[inline(always)]
            fn reciprocal(self) -> Self {
                1.0 / self
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn cbrt(self) -> Self {
                <$t>::cbrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline(always)]
            fn exp2(self) -> Self {
                <$t>::exp2(self)
            }
            #[inline(always)]
            fn expm1(self) -> Self {
                self.exp_m1()
            }
            #[inline(always)]
            fn log(self) -> Self {
                self.ln()
            }
            #[inline(always)]
            fn log2(self) -> Self {
                <$t>::log2(self)
            }
            #[inline(always)]
            fn log10(self) -> Self {
                <$t>::log10(self)
            }
            #[inline(always)]
            fn log1p(self) -> Self {
                self.ln_1p()
            }
            #[inline(always)]
            fn sin(self) -> Self {
                <$t>::sin(self)
            }
            #[inline(always)]
            fn cos(self) -> Self {
                <$t>::cos(self)
            }
            #[inline(always)]
            fn tan(self) -> Self {
                <$t>::tan(self)
            }
            #[inline(always)]
            fn asin(self) -> Self {
                <$t>::asin(self)
            }
            #[inline(always)]
            fn acos(self) -> Self {
                <$t>::acos(self)
            }
            #[inline(always)]
            fn atan(self) -> Self {
                <$t>::atan(self)
            }
            #[inline(always)]
            fn sinh(self) -> Self {
                <$t>::sinh(self)
            }
            #[inline(always)]
            fn cosh(self) -> Self {
                <$t>::cosh(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            #[inline(always)]
            fn asinh(self) -> Self {
                <$t>::asinh(self)
            }
            #[inline(always)]
            fn acosh(self) -> Self {
                accurate_acosh(self as f64) as $t
            }
            #[inline(always)]
            fn atanh(self) -> Self {
                <$t>::atanh(self)
            }
            #[inline(always)]
            fn deg2rad(self) -> Self {
                self * (std::$t::consts::PI / 180.0)
            }
            #[inline(always)]
            fn rad2deg(self) -> Self {
                self * (180.0 / std::$t::consts::PI)
            }
            #[inline(always)]
            fn rint(self) -> Self {
                self.round_ties_even()
            }
        }
    };
}
float!(f32);
float!(f64);

/// `acosh` by way of `log1p`: the textbook form loses half the digits near 1.
fn accurate_acosh(x: f64) -> f64 {
    let t = x - 1.0;
    if x > 1e8 { x.ln() + std::f64::consts::LN_2 } else { (t + (2.0 * t + t * t).sqrt()).ln_1p() }
}
