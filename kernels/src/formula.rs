//! An element-wise program over numbered inputs, in single-assignment form.
//!
//! In: steps appended by a builder, operands already of one type. Out: a checked program.
//! Never promotes types by itself: whoever builds it inserts the casts that NumPy would make.

pub(crate) mod cast;
mod evaluate;
mod fuse;
mod gather;
mod number;
mod step;

pub use evaluate::Operand;

use crate::dtype::DType;
use crate::error::{KernelError, Result};

/// The result of a step, by position.
pub type Register = u32;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Unary {
    /// `-x`
    Neg,
    Abs,
    Sign,
    Square,
    /// `1 / x`
    Reciprocal,
    Sqrt,
    Cbrt,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Deg2Rad,
    Rad2Deg,
    Floor,
    Ceil,
    Trunc,
    /// To the nearest integer, halves to even (`np.rint`).
    Rint,
    /// `~x`: logical on bools, bitwise on integers.
    Not,
    /// Gives a bool.
    IsNan,
    /// Gives a bool.
    IsFinite,
    /// Gives a bool.
    IsInf,
}

/// A function of two numbers of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    /// True division; floats only.
    Div,
    /// Towards minus infinity, as Python.
    FloorDiv,
    /// The sign of the divisor, as Python.
    Mod,
    Pow,
    /// NaN if either is (`np.minimum`).
    Minimum,
    /// NaN if either is (`np.maximum`).
    Maximum,
    /// The other one if one is NaN (`np.fmin`).
    Fmin,
    /// The other one if one is NaN (`np.fmax`).
    Fmax,
    Atan2,
    Hypot,
    /// `x * 10^n` rounded to even and scaled back is built from this: `copysign(x, y)`.
    Copysign,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Logical on bools, bitwise on integers.
    And,
    /// Logical on bools, bitwise on integers.
    Or,
    /// Logical on bools, bitwise on integers.
    Xor,
}

impl Unary {
    /// Whether the result is a bool whatever the operand.
    pub const fn is_test(self) -> bool {
        matches!(self, Unary::IsNan | Unary::IsFinite | Unary::IsInf)
    }

    /// Whether the operand must be a float.
    pub const fn needs_float(self) -> bool {
        !matches!(
            self,
            Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Square
                | Unary::Not
                | Unary::IsNan
                | Unary::IsFinite
                | Unary::IsInf
                | Unary::Floor
                | Unary::Ceil
                | Unary::Trunc
        )
    }
}

impl Binary {
    /// Whether the result is a bool whatever the operands.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge)
    }

    /// Whether the operands must be floats.
    pub const fn needs_float(self) -> bool {
        matches!(self, Binary::Div | Binary::Atan2 | Binary::Hypot | Binary::Copysign)
    }

    /// Whether the operands must not be floats.
    pub const fn is_bitwise(self) -> bool {
        matches!(self, Binary::And | Binary::Or | Binary::Xor)
    }
}

/// One step of a formula. Registers it reads were written by earlier steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Input number `n`.
    Input(u32),
    /// The same number everywhere; `f64::to_bits` of a float, two's complement of an integer, 0 or 1 of a bool.
    Literal(u64),
    /// A function of one register.
    Unary(Unary, Register),
    /// A function of two registers of the same type.
    Binary(Binary, Register, Register),
    /// `condition ? yes : no`; the condition is a bool, the others have one type.
    Select(Register, Register, Register),
    /// The register in another element type.
    Cast(Register),
}

/// An element-wise program: its last step is its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Formula {
    inputs: Vec<DType>,
    steps: Vec<(Step, DType)>,
}

impl Formula {
    /// An empty program over inputs of these types; append steps, the last one being the result.
    pub fn new(inputs: &[DType]) -> Formula {
        Formula { inputs: inputs.to_vec(), steps: vec![] }
    }

    /// Types of the inputs.
    pub fn inputs(&self) -> &[DType] {
        &self.inputs
    }

    /// The steps with the type that each gives.
    pub fn steps(&self) -> &[(Step, DType)] {
        &self.steps
    }

    /// Type of the result (`float64` for a program without steps, which [`Self::push`] never makes).
    pub fn dtype(&self) -> DType {
        self.steps.last().map_or(DType::F64, |s| s.1)
    }

    /// Type of a register.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when no step wrote it.
    pub fn dtype_of(&self, register: Register) -> Result<DType> {
        self.steps
            .get(register as usize)
            .map(|s| s.1)
            .ok_or_else(|| KernelError::malformed("formula", format!("register {register} is read before it is written")))
    }

    /// Appends a step and gives its register. `to` is read by [`Step::Literal`] and [`Step::Cast`] alone.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when an operand does not exist or has the wrong type.
    pub fn push(&mut self, step: Step, to: DType) -> Result<Register> {
        let bad = |why: String| Err(KernelError::malformed("formula", why));
        let dtype = match step {
            Step::Input(n) => match self.inputs.get(n as usize) {
                Some(&d) => d,
                None => return bad(format!("input {n} does not exist")),
            },
            Step::Literal(_) => to,
            Step::Cast(a) => {
                self.dtype_of(a)?;
                to
            }
            Step::Unary(op, a) => {
                let d = self.dtype_of(a)?;
                if op.needs_float() && !d.is_float() || op == Unary::Not && d.is_float() || op == Unary::Neg && d == DType::Bool {
                    return bad(format!("{op:?} of {d}"));
                }
                if op.is_test() { DType::Bool } else { d }
            }
            Step::Binary(op, a, b) => {
                let (da, db) = (self.dtype_of(a)?, self.dtype_of(b)?);
                if da != db || op.needs_float() && !da.is_float() || op.is_bitwise() && da.is_float() {
                    return bad(format!("{op:?} of {da} and {db}"));
                }
                if op.is_comparison() { DType::Bool } else { da }
            }
            Step::Select(c, a, b) => {
                let (dc, da, db) = (self.dtype_of(c)?, self.dtype_of(a)?, self.dtype_of(b)?);
                if dc != DType::Bool || da != db {
                    return bad(format!("choice by {dc} between {da} and {db}"));
                }
                da
            }
        };
        self.steps.push((step, dtype));
        Ok(self.steps.len() as Register - 1)
    }

    /// The bits of [`Step::Literal`] for a number in `dtype`.
    pub fn literal_bits(dtype: DType, value: f64) -> u64 {
        if dtype.is_float() { value.to_bits() } else { value as i64 as u64 }
    }
}

#[cfg(test)]
mod tests;
