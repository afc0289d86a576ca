//! What can go wrong in pure array mathematics: shapes, types and sizes that do not fit together.

use crate::dtype::DType;

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, KernelError>;

/// A kernel was given operands that do not fit together.
///
/// Reaching a user with one of these is a defect of the planner, or a fragment that was tampered with; but for
/// [`KernelError::AllMissing`], which the data causes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KernelError {
    /// Shapes that do not fit.
    #[error("shape {got:?} where {expected:?} was expected")]
    Shape {
        /// What would have fitted.
        expected: Vec<usize>,
        /// What was given.
        got: Vec<usize>,
    },
    /// Element types that do not fit.
    #[error("element type {got} where {expected} was expected")]
    DType {
        /// What would have fitted.
        expected: DType,
        /// What was given.
        got: DType,
    },
    /// A graph, formula or partial that is not well formed.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// The kind of thing: "graph", "formula", "partial".
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A position was asked for where every cell is missing; NumPy raises `ValueError: All-NaN slice encountered`.
    #[error("{what} where every cell is missing (NaN), or there is none: no position can be told")]
    AllMissing {
        /// The reduction: `argmin` or `argmax`.
        what: &'static str,
    },
}

impl KernelError {
    /// A [`KernelError::Malformed`].
    pub fn malformed(what: &'static str, why: impl Into<String>) -> KernelError {
        KernelError::Malformed { what, why: why.into() }
    }
}
