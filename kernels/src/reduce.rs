//! Reductions: what each computes, its partial state, and how partials merge and finish.
//!
//! In: blocks of one array, in the order of its chunks. Out: a [`Partial`], then a finished block.
//! Never knows where the data came from, nor how many threads took part.

use crate::dtype::DType;

/// What a reduction computes, with the options that change its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Number of cells that are not missing.
    Count,
    /// Sum; missing unless at least `min_count` cells are present.
    Sum {
        /// Whether missing cells are left out (else they make the result missing).
        skipna: bool,
        /// The number of present cells below which the result is missing.
        min_count: u64,
    },
    /// Product; missing unless at least `min_count` cells are present.
    Prod {
        /// Whether missing cells are left out.
        skipna: bool,
        /// The number of present cells below which the result is missing.
        min_count: u64,
    },
    /// Arithmetic mean.
    Mean {
        /// Whether missing cells are left out.
        skipna: bool,
    },
    /// Smallest value.
    Min {
        /// Whether missing cells are left out.
        skipna: bool,
    },
    /// Largest value.
    Max {
        /// Whether missing cells are left out.
        skipna: bool,
    },
    /// Variance, divided by `n - ddof`.
    Var {
        /// Whether missing cells are left out.
        skipna: bool,
        /// Delta degrees of freedom.
        ddof: u32,
    },
    /// Standard deviation, the square root of [`Reduction::Var`].
    Std {
        /// Whether missing cells are left out.
        skipna: bool,
        /// Delta degrees of freedom.
        ddof: u32,
    },
    /// Whether any cell is true (not zero).
    Any,
    /// Whether all cells are true (not zero).
    All,
    /// The first cell along the single reduced (or grouped) axis.
    First {
        /// Whether missing cells are passed over.
        skipna: bool,
    },
    /// The last cell along the single reduced (or grouped) axis.
    Last {
        /// Whether missing cells are passed over.
        skipna: bool,
    },
    /// Index of the smallest value along the single reduced axis; the first of equals; -1 where all are missing.
    ArgMin {
        /// Whether missing cells are passed over.
        skipna: bool,
    },
    /// Index of the largest value along the single reduced axis; the first of equals; -1 where all are missing.
    ArgMax {
        /// Whether missing cells are passed over.
        skipna: bool,
    },
}

impl Reduction {
    /// Element type of the finished result for an input of type `input`, as NumPy's.
    pub fn output(self, input: DType) -> DType {
        match self {
            Reduction::Count | Reduction::ArgMin { .. } | Reduction::ArgMax { .. } => DType::I64,
            Reduction::Any | Reduction::All => DType::Bool,
            Reduction::Sum { .. } | Reduction::Prod { .. } if input.is_float() => input,
            Reduction::Sum { .. } | Reduction::Prod { .. } if input.is_unsigned() => DType::U64,
            Reduction::Sum { .. } | Reduction::Prod { .. } => DType::I64,
            Reduction::Mean { .. } | Reduction::Var { .. } | Reduction::Std { .. } => input.to_float(),
            Reduction::Min { .. } | Reduction::Max { .. } | Reduction::First { .. } | Reduction::Last { .. } => input,
        }
    }
}
