//! Reductions: what each computes, its partial state, and how partials merge and finish.
//!
//! In: blocks of one array, in the order of its chunks. Out: a [`Partial`], then a finished block.
//! Never knows where the data came from, nor how many threads took part.

mod arg;
mod count;
mod ends;
mod extrema;
mod law;
mod logic;
mod mean;
mod moments;
mod sum;
mod walk;

use crate::block::Block;
use crate::dtype::DType;
use crate::error::{KernelError, Result};
use crate::partial::Partial;
use crate::{dispatch, with_array};

/// One state array of a reduction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// What it holds, such as `sum` or `count`.
    pub name: &'static str,
    /// Its element type.
    pub dtype: DType,
    /// Its value before any cell was folded.
    pub identity: f64,
}

/// Which axes of a block are folded, and where the block lies along the folded axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fold<'a> {
    /// Axes that vanish, ascending; the grouped one is not among them.
    pub axes: &'a [usize],
    /// One axis whose indices fall into groups, with the group of each of the block's indices, -1 for none.
    pub groups: Option<(usize, &'a [i32])>,
    /// Index of the block's first cell on the single folded or grouped axis; only positions and ends depend on it.
    pub offset: usize,
    /// Axes that are kept and have one index here, but more in the whole array: bit `a` for axis `a`. Their cells are met in the order in
    /// which a wider block's are, so that the bits do not depend on how the array is cut.
    pub narrow: u64,
    /// Where the block's first cell falls, per axis of the state, that of the groups not counted; empty for a block as wide as the state.
    pub within: &'a [usize],
}

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
    /// Index of the smallest value along the single reduced axis; the first of equals.
    ArgMin {
        /// Whether missing cells are passed over.
        skipna: bool,
        /// Whether the index is -1 where all are missing; else that is an error.
        or_none: bool,
    },
    /// Index of the largest value along the single reduced axis; the first of equals.
    ArgMax {
        /// Whether missing cells are passed over.
        skipna: bool,
        /// As of [`Reduction::ArgMin`].
        or_none: bool,
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

    /// The state arrays that this reduction keeps for an input of type `input`.
    pub fn fields(self, input: DType) -> Vec<Field> {
        let field = |name, dtype, identity| Field { name, dtype, identity };
        let missing = if input.is_float() { f64::NAN } else { 0.0 };
        let total = if input.is_float() { DType::F64 } else { self.output(input) };
        match self {
            Reduction::Count => vec![field("count", DType::I64, 0.0)],
            Reduction::Sum { .. } if self.counts(input) => vec![field("sum", DType::F64, 0.0), field("count", DType::I64, 0.0)],
            Reduction::Sum { .. } => vec![field("sum", total, 0.0)],
            Reduction::Prod { .. } => vec![field("product", total, 1.0), field("count", DType::I64, 0.0)],
            Reduction::Mean { .. } => vec![field("sum", DType::F64, 0.0), field("count", DType::I64, 0.0)],
            Reduction::Min { skipna } => extreme_fields(input, Extreme::Smallest, skipna),
            Reduction::Max { skipna } => extreme_fields(input, Extreme::Largest, skipna),
            Reduction::Var { .. } | Reduction::Std { .. } => {
                vec![field("count", DType::I64, 0.0), field("mean", DType::F64, 0.0), field("m2", DType::F64, 0.0)]
            }
            Reduction::Any => vec![field("any", DType::Bool, 0.0)],
            Reduction::All => vec![field("all", DType::Bool, 1.0)],
            Reduction::First { .. } | Reduction::Last { .. } => vec![field("value", input, missing), field("index", DType::I64, -1.0)],
            Reduction::ArgMin { .. } | Reduction::ArgMax { .. } => vec![field("value", input, 0.0), field("index", DType::I64, -1.0)],
        }
    }

    /// The state before any cell was folded, for a result of `shape`.
    pub fn identity(self, input: DType, shape: &[usize]) -> Partial {
        Partial { states: self.fields(input).iter().map(|f| Block::filled(f.dtype, shape, f.identity)).collect() }
    }

    /// Folds a block into `partial`, whose shape is that of the block's kept axes in order - or wider, where the block falls within it -
    /// the grouped axis having one index per group. Pieces of one array may be folded one after another, in the order of the folded axis.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when `fold` or the partial does not fit the block or this reduction, or when a
    /// position or an end is asked for along more than one axis; [`KernelError::Shape`] when the partial has another shape.
    pub fn update(self, partial: &mut Partial, block: &Block, fold: &Fold) -> Result<()> {
        self.check(partial, block.dtype())?;
        if self.is_positional() && fold.axes.len() + fold.groups.is_some() as usize > 1 {
            return Err(KernelError::malformed("fold", "a position along several axes"));
        }
        let walk = walk::Walk::new(block.shape(), partial.shape(), fold)?;
        with_array!(block, a => {
            let data = a.as_slice().ok_or_else(|| KernelError::malformed("fold", "a block that is not in C order"))?;
            self.update_cells(partial, data, &walk, fold.offset)
        })
    }

    fn update_cells<T: Foldable>(self, partial: &mut Partial, data: &[T], walk: &walk::Walk, offset: usize) -> Result<()> {
        let float = T::DTYPE.is_float();
        match self {
            Reduction::Count => law::update(count::Count, partial, data, walk, offset),
            Reduction::Sum { skipna, .. } if self.counts(T::DTYPE) => {
                law::update(mean::Counted { skip: skipna }, partial, data, walk, offset)
            }
            Reduction::Sum { skipna, .. } => law::update(sum::Sum { skip: skipna }, partial, data, walk, offset),
            Reduction::Prod { skipna, .. } => law::update(sum::Product { skip: skipna }, partial, data, walk, offset),
            Reduction::Mean { skipna } => law::update(mean::Counted { skip: skipna }, partial, data, walk, offset),
            Reduction::Min { skipna: false } if float => law::update(extrema::Strict::<false>, partial, data, walk, offset),
            Reduction::Max { skipna: false } if float => law::update(extrema::Strict::<true>, partial, data, walk, offset),
            Reduction::Min { .. } => law::update(extrema::Present::<false>, partial, data, walk, offset),
            Reduction::Max { .. } => law::update(extrema::Present::<true>, partial, data, walk, offset),
            Reduction::Var { skipna, .. } | Reduction::Std { skipna, .. } => moments::update(skipna, partial, data, walk),
            Reduction::Any => law::update(logic::Truth::<false>, partial, data, walk, offset),
            Reduction::All => law::update(logic::Truth::<true>, partial, data, walk, offset),
            Reduction::First { skipna } => law::update(ends::End::<false> { skip: skipna }, partial, data, walk, offset),
            Reduction::Last { skipna } => law::update(ends::End::<true> { skip: skipna }, partial, data, walk, offset),
            Reduction::ArgMin { skipna, .. } => law::update(arg::Arg::<false> { skip: skipna }, partial, data, walk, offset),
            Reduction::ArgMax { skipna, .. } => law::update(arg::Arg::<true> { skip: skipna }, partial, data, walk, offset),
        }
    }

    /// Joins `next` into `into`; `next` covers later cells of the folded axis.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when one is no partial of this reduction; [`KernelError::Shape`] or
    /// [`KernelError::DType`] when they differ in shape or type.
    pub fn merge(self, into: &mut Partial, next: &Partial) -> Result<()> {
        let input = into.states.first().map_or(DType::F64, Block::dtype);
        for (a, b) in into.states.iter().zip(&next.states) {
            if a.shape() != b.shape() {
                return Err(KernelError::Shape { expected: a.shape().to_vec(), got: b.shape().to_vec() });
            }
            if a.dtype() != b.dtype() {
                return Err(KernelError::DType { expected: a.dtype(), got: b.dtype() });
            }
        }
        if into.states.len() != next.states.len() || into.states.iter().any(|s| s.shape() != into.shape()) {
            return Err(KernelError::malformed("partial", "two partials with different fields"));
        }
        match self {
            Reduction::Count => law::merge::<f64, _>(count::Count, into, next),
            Reduction::Sum { .. } if into.states.len() == 2 => law::merge::<f64, _>(mean::Counted { skip: true }, into, next),
            Reduction::Sum { .. } => merge_totals(input, sum::Sum { skip: true }, into, next),
            Reduction::Prod { .. } => merge_totals(input, sum::Product { skip: true }, into, next),
            Reduction::Mean { .. } => law::merge::<f64, _>(mean::Counted { skip: true }, into, next),
            Reduction::Min { .. } if into.states.len() == 2 => {
                dispatch!(input, T => law::merge::<T, _>(extrema::Strict::<false>, into, next))
            }
            Reduction::Max { .. } if into.states.len() == 2 => {
                dispatch!(input, T => law::merge::<T, _>(extrema::Strict::<true>, into, next))
            }
            Reduction::Min { .. } => dispatch!(input, T => law::merge::<T, _>(extrema::Present::<false>, into, next)),
            Reduction::Max { .. } => dispatch!(input, T => law::merge::<T, _>(extrema::Present::<true>, into, next)),
            Reduction::Var { .. } | Reduction::Std { .. } => moments::merge(into, next),
            Reduction::Any => law::merge::<bool, _>(logic::Truth::<false>, into, next),
            Reduction::All => law::merge::<bool, _>(logic::Truth::<true>, into, next),
            Reduction::First { .. } => dispatch!(input, T => law::merge::<T, _>(ends::End::<false> { skip: true }, into, next)),
            Reduction::Last { .. } => dispatch!(input, T => law::merge::<T, _>(ends::End::<true> { skip: true }, into, next)),
            Reduction::ArgMin { .. } => dispatch!(input, T => law::merge::<T, _>(arg::Arg::<false> { skip: false }, into, next)),
            Reduction::ArgMax { .. } => dispatch!(input, T => law::merge::<T, _>(arg::Arg::<true> { skip: false }, into, next)),
        }
    }

    /// The finished result, of type [`Self::output`].
    ///
    /// **Missing**: means, variances, extremes and ends of no cells are NaN in floats; integers and bools hold their
    /// identity there (an extreme the farthest value, an end 0).
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when it is no partial of this reduction over an input of type `input`;
    /// [`KernelError::AllMissing`] for a position among no cells.
    pub fn finish(self, partial: Partial, input: DType) -> Result<Block> {
        self.check(&partial, input)?;
        let output = self.output(input);
        match self {
            Reduction::Count | Reduction::Any | Reduction::All | Reduction::First { .. } | Reduction::Last { .. } => {
                first_as(partial, output)
            }
            Reduction::Sum { .. } if !self.counts(input) => first_as(partial, output),
            Reduction::Sum { min_count, .. } => sum::finish(partial, min_count, output),
            Reduction::Prod { skipna, min_count } => sum::finish(partial, if skipna { min_count } else { 0 }, output),
            Reduction::Mean { .. } => mean::finish(partial, output),
            Reduction::Min { .. } | Reduction::Max { .. } => extrema::finish(partial, input),
            Reduction::Var { skipna, ddof } => moments::finish(partial, skipna && input.is_float(), ddof, moments::Power::Variance, output),
            Reduction::Std { skipna, ddof } => {
                moments::finish(partial, skipna && input.is_float(), ddof, moments::Power::Deviation, output)
            }
            Reduction::ArgMin { or_none, .. } | Reduction::ArgMax { or_none, .. } => {
                let mut states = partial.states;
                states.swap(0, 1);
                let positions = first_as(Partial { states }, output)?;
                let none = positions.as_slice::<i64>().is_some_and(|p| p.iter().any(|&at| at < 0));
                if none && !or_none {
                    Err(KernelError::AllMissing { what: if matches!(self, Reduction::ArgMin { .. }) { "argmin" } else { "argmax" } })
                } else {
                    Ok(positions)
                }
            }
        }
    }

    /// Whether a sum needs the number of present cells: xarray reads `min_count` where NaNs are left out alone.
    fn counts(self, input: DType) -> bool {
        matches!(self, Reduction::Sum { skipna: true, min_count: 1.. }) && input.is_float()
    }

    fn is_positional(self) -> bool {
        matches!(self, Reduction::First { .. } | Reduction::Last { .. } | Reduction::ArgMin { .. } | Reduction::ArgMax { .. })
    }

    fn check(self, partial: &Partial, input: DType) -> Result<()> {
        let fields = self.fields(input);
        let fits = fields.len() == partial.states.len()
            && fields.iter().zip(&partial.states).all(|(f, s)| f.dtype == s.dtype() && s.shape() == partial.shape());
        if fits { Ok(()) } else { Err(KernelError::malformed("partial", format!("its fields are not those of {self:?} over {input}"))) }
    }
}

/// What every element type that enters a reduction can do.
trait Foldable: crate::dtype::Element + crate::partial::Cell + sum::Summand {}
impl<T: crate::dtype::Element + crate::partial::Cell + sum::Summand> Foldable for T {}

#[derive(Clone, Copy, PartialEq)]
enum Extreme {
    Smallest,
    Largest,
}

fn extreme_fields(input: DType, which: Extreme, skipna: bool) -> Vec<Field> {
    let identity = extrema::identity(input, which == Extreme::Largest, skipna);
    let mut fields = vec![Field { name: if which == Extreme::Largest { "max" } else { "min" }, dtype: input, identity }];
    if input.is_float() && !skipna {
        fields.push(Field { name: "seen", dtype: DType::Bool, identity: 0.0 });
    }
    fields
}

fn merge_totals<L>(total: DType, law: L, into: &mut Partial, next: &Partial) -> Result<()>
where
    L: law::Law<f64> + law::Law<i64> + law::Law<u64>,
{
    match total {
        DType::F64 => law::merge::<f64, L>(law, into, next),
        DType::I64 => law::merge::<i64, L>(law, into, next),
        DType::U64 => law::merge::<u64, L>(law, into, next),
        other => Err(KernelError::malformed("partial", format!("a total held in {other}"))),
    }
}

/// The first state array, in `dtype`.
fn first_as(partial: Partial, dtype: DType) -> Result<Block> {
    let first = partial.states.into_iter().next().ok_or_else(|| KernelError::malformed("partial", "it has no state arrays"))?;
    Ok(if first.dtype() == dtype { first } else { first.cast(dtype) })
}

#[cfg(test)]
mod tests;
