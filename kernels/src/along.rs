//! Operators over whole lanes: every line of cells along one axis becomes another line, whatever lies beside it.
//!
//! In: a block that holds the stretch of each lane that is needed. Out: the wanted stretch of the resulting lanes. NaN is missing.
//! Never looks at another lane; its bits do not depend on how lanes are cut into stretches.

mod cumulate;
mod fill;
mod fit;
mod gradient;
mod order;
mod rank;
mod rolling;
mod view;

pub use fit::MOST_DEGREE;

use crate::block::Block;
use crate::dtype::DType;
use crate::error::{KernelError, Result};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use view::View;

pub use order::QuantileMethod;

/// The group of each index of a lane, `-1` for none, and the number of groups.
pub type Groups = (Arc<[i32]>, usize);

/// What becomes of each lane.
#[derive(Clone, Debug, PartialEq)]
pub enum Along {
    /// A statistic of a window that moves along the lane (`xarray.DataArray.rolling`); as long as the lane.
    Rolling {
        /// Cells of the window, at least 1.
        window: usize,
        /// Cells of the window that come before the one that it belongs to.
        before: usize,
        /// Cells that must be there and not missing for a result, at least 1.
        min_periods: usize,
        /// What is computed.
        statistic: Statistic,
    },
    /// The sum (or product) of all cells up to each one (`cumsum`, `cumprod`).
    Cumulate {
        /// Whether cells are multiplied instead of added.
        multiplies: bool,
        /// Whether missing cells count as nothing; else all that follows is missing.
        skips_missing: bool,
        /// Totals run within each group.
        groups: Option<Groups>,
    },
    /// Missing cells take the value of the nearest cell before them (`ffill`) or after them (`bfill`).
    Fill {
        /// From the cells before.
        forward: bool,
        /// Missing cells in a row that are filled, at most.
        limit: Option<usize>,
    },
    /// Missing cells between others lie on the line through these, or are the nearer one (`interpolate_na`).
    Bridge {
        /// The lane's coordinate, strictly ascending.
        x: Arc<[f64]>,
        /// Missing cells in a row that are filled, at most, from their first on.
        limit: Option<usize>,
        /// The longest distance between the neighbours of missing cells that are filled, in units of `x`.
        max_gap: Option<f64>,
        /// Whether they are the nearer one: half way, the one before.
        nearest: bool,
        /// Whether those before the first and after the last are filled too (`fill_value='extrapolate'`); then there is no `max_gap`.
        beyond: bool,
    },
    /// The rank of each cell among those of the lane, from 1 on; ties share the mean of theirs (`rank`).
    Rank {
        /// As a part of the number of cells that are there.
        percent: bool,
    },
    /// Second-order differences (`differentiate`, `numpy.gradient`).
    Gradient {
        /// The lane's coordinate.
        x: Arc<[f64]>,
        /// Order of the differences at both ends: 1 or 2.
        edge_order: u8,
    },
    /// The coefficients of the polynomial of least squares, the highest degree first (`polyfit`).
    Fit {
        /// The lane's coordinate.
        x: Arc<[f64]>,
        /// The polynomial's degree.
        degree: usize,
        /// Whether missing cells are left out; else they make the result missing.
        skips_missing: bool,
    },
    /// The value below which a share of the cells lies (`quantile`); one cell, or one per group.
    Quantile {
        /// The share, from 0 to 1.
        q: f64,
        /// What lies between two cells.
        method: QuantileMethod,
        /// Whether missing cells are left out; else they make the result missing.
        skips_missing: bool,
        /// Where there is a cell for each group.
        groups: Option<Groups>,
    },
    /// The cell in the middle, or the mean of the two (`median`); one cell, or one per group.
    Median {
        /// Whether missing cells are left out; else they make the result missing.
        skips_missing: bool,
        /// As of [`Along::Quantile`].
        groups: Option<Groups>,
    },
}

/// What is computed of a window's cells that are there and not missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Statistic {
    Sum,
    Mean,
    Min,
    Max,
    Product,
    Count,
    Variance { ddof: u32 },
    Deviation { ddof: u32 },
    Median,
}

impl Along {
    /// The operator's name, for plans and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Along::Rolling { .. } => "rolling",
            Along::Cumulate { .. } => "cumulate",
            Along::Fill { .. } => "fill",
            Along::Bridge { .. } => "bridge",
            Along::Rank { .. } => "rank",
            Along::Gradient { .. } => "gradient",
            Along::Fit { .. } => "fit",
            Along::Quantile { .. } => "quantile",
            Along::Median { .. } => "median",
        }
    }

    /// Refuses an operator that does not fit lanes of `len` cells.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] with the reason.
    pub fn check(&self, len: usize) -> Result<()> {
        let fits = match self {
            Along::Rolling { window, before, min_periods, .. } => {
                *window >= 1 && before < window && (1..=*window).contains(min_periods) && *window <= i32::MAX as usize
            }
            Along::Cumulate { groups, .. } => groups_fit(groups, len),
            Along::Fill { .. } | Along::Rank { .. } => true,
            Along::Bridge { x, max_gap, beyond, .. } => {
                x.len() == len && x.windows(2).all(|w| w[0] < w[1]) && !(*beyond && max_gap.is_some())
            }
            Along::Gradient { x, edge_order } => x.len() == len && (1..=2).contains(edge_order) && len > *edge_order as usize,
            Along::Fit { x, degree, .. } => x.len() == len && len > 0 && *degree <= MOST_DEGREE && x.iter().all(|v| v.is_finite()),
            Along::Quantile { q, groups, .. } => (0.0..=1.0).contains(q) && groups_fit(groups, len),
            Along::Median { groups, .. } => groups_fit(groups, len),
        };
        if fits { Ok(()) } else { Err(KernelError::malformed("graph", format!("a {} does not fit lanes of {len} cells", self.name()))) }
    }

    /// Cells of the lane that comes of one of `len` cells.
    pub fn len(&self, len: usize) -> usize {
        match self {
            Along::Quantile { groups, .. } | Along::Median { groups, .. } => groups.as_ref().map_or(1, |g| g.1),
            Along::Fit { degree, .. } => degree + 1,
            _ => len,
        }
    }

    /// Bytes that a lane of `len` cells takes for a while, beside its cells and its result.
    pub fn lane_bytes(&self, len: usize) -> usize {
        let per_cell = match self {
            // The powers of a label and what orthogonalising makes of them, then its cell and its place.
            Along::Fit { degree, .. } => 16 * (*degree + 1) + 32,
            Along::Rank { .. } => 32,
            Along::Quantile { .. } | Along::Median { .. } | Along::Fill { .. } | Along::Bridge { .. } => 16,
            Along::Rolling { .. } | Along::Cumulate { .. } | Along::Gradient { .. } => 8,
        };
        len.saturating_mul(per_cell)
    }

    /// Element type of the result.
    pub fn output(&self, input: DType) -> DType {
        match self {
            Along::Rolling { statistic: Statistic::Count, .. } | Along::Quantile { .. } | Along::Rank { .. } | Along::Fit { .. } => {
                DType::F64
            }
            Along::Rolling { .. } | Along::Gradient { .. } | Along::Median { .. } => input.to_float(),
            Along::Cumulate { .. } => match input {
                d if d.is_float() => d,
                d if d.is_unsigned() => DType::U64,
                _ => DType::I64,
            },
            Along::Fill { .. } | Along::Bridge { .. } => input,
        }
    }

    /// Indices of a lane of `len` cells that the resulting cells `at` are made of.
    pub fn reach(&self, at: Range<usize>, len: usize) -> Range<usize> {
        match self {
            _ if at.is_empty() => 0..0,
            Along::Rolling { window, before, .. } => {
                let start = at.start.saturating_sub(*before).min(len);
                start..(at.end - 1 + window - before).min(len).max(start)
            }
            Along::Gradient { .. } => {
                // Three cells at least: the ends are made of those.
                let start = at.start.saturating_sub(1).min(len.saturating_sub(3));
                start..(at.end + 1).max(start + 3).min(len)
            }
            _ => 0..len,
        }
    }

    /// Whether the resulting cells are made of whole lanes.
    pub fn needs_whole_lanes(&self) -> bool {
        !matches!(self, Along::Rolling { .. } | Along::Gradient { .. })
    }

    /// Cells before and after each cell that it is made of, where it is not made of whole lanes.
    pub fn halo(&self) -> usize {
        match self {
            Along::Rolling { window, .. } => window - 1,
            Along::Gradient { .. } => 2,
            _ => 0,
        }
    }

    /// Whether only the order of a lane's cells by size matters, so that cells of other axes may join the lane.
    pub fn is_of_order(&self) -> bool {
        matches!(self, Along::Quantile { .. } | Along::Median { .. })
    }

    /// As [`Along::apply`], with the cells of the axes `joined` in the lane; these axes vanish.
    ///
    /// # Errors
    /// As [`Along::apply`].
    pub fn apply_joined(&self, block: &Block, axis: usize, joined: &[usize], at: Range<usize>, len: usize) -> Result<Block> {
        if joined.is_empty() {
            return self.apply(block, axis, at, len);
        }
        let before: Vec<usize> = (0..axis).filter(|a| !joined.contains(a)).collect();
        let after: Vec<usize> = (axis + 1..block.rank()).filter(|a| !joined.contains(a)).collect();
        let order: Vec<usize> = before.iter().chain([&axis]).chain(joined).chain(&after).copied().collect();
        let many = joined.iter().map(|&a| block.shape()[a]).product::<usize>();
        let cells = |axes: &[usize]| axes.iter().map(|&a| block.shape()[a]).collect::<Vec<_>>();
        let shape = [cells(&before), vec![block.shape()[axis] * many], cells(&after)].concat();
        self.with_repeated_groups(many).apply(&block.transpose(&order)?.reshape(&shape)?, before.len(), at, len * many)
    }

    /// Groups of a lane of which each index stands for `many` cells.
    fn with_repeated_groups(&self, many: usize) -> Along {
        let mut along = self.clone();
        if let Along::Quantile { groups: Some((codes, _)), .. } | Along::Median { groups: Some((codes, _)), .. } = &mut along {
            *codes = codes.iter().flat_map(|&c| std::iter::repeat_n(c, many)).collect();
        }
        along
    }

    /// The resulting cells `at` along `axis`, from a block that holds the cells of [`Along::reach`] of lanes of `len` cells.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the block holds another stretch.
    pub fn apply(&self, block: &Block, axis: usize, at: Range<usize>, len: usize) -> Result<Block> {
        let held = self.reach(at.clone(), len);
        if block.shape().get(axis) != Some(&held.len()) || at.end > self.len(len) {
            return Err(KernelError::Shape { expected: vec![held.len()], got: block.shape().to_vec() });
        }
        let mut shape = block.shape().to_vec();
        shape[axis] = at.len();
        let output = self.output(block.dtype());
        if at.is_empty() || block.is_empty() && shape.iter().product::<usize>() == 0 {
            return Ok(Block::filled(output, &shape, f64::NAN));
        }
        let view = View::new(block.shape(), axis, held, at, len);
        match self {
            Along::Rolling { window, before, min_periods, statistic } => {
                rolling::apply(block, &view, &shape, &rolling::Window { cells: *window, before: *before, min: *min_periods }, *statistic)
            }
            Along::Cumulate { multiplies, skips_missing, groups } => {
                cumulate::apply(block, &view, &shape, *multiplies, *skips_missing, groups.as_ref())
            }
            Along::Fill { forward, limit } => fill::fill(block, &view, &shape, *forward, limit.unwrap_or(usize::MAX)),
            Along::Bridge { x, limit, max_gap, nearest, beyond } => {
                let how = fill::How { limit: limit.unwrap_or(usize::MAX), max_gap: *max_gap, nearest: *nearest, beyond: *beyond };
                fill::bridge(block, &view, &shape, x, &how)
            }
            Along::Rank { percent } => rank::apply(block, &view, &shape, *percent),
            Along::Gradient { x, edge_order } => gradient::apply(block, &view, &shape, x, *edge_order),
            Along::Fit { x, degree, skips_missing } => fit::apply(block, &view, &shape, x, *degree, *skips_missing),
            Along::Quantile { q, method, skips_missing, groups } => {
                order::apply(block, &view, &shape, groups.as_ref(), *skips_missing, output, &|lane| order::quantile(lane, *q, *method))
            }
            Along::Median { skips_missing, groups } => {
                order::apply(block, &view, &shape, groups.as_ref(), *skips_missing, output, &order::median)
            }
        }
    }
}

fn groups_fit(groups: &Option<Groups>, len: usize) -> bool {
    groups.as_ref().is_none_or(|(codes, count)| {
        codes.len() == len && *count <= len.max(1) && codes.iter().all(|&c| c >= -1 && i64::from(c) < *count as i64)
    })
}

impl Eq for Along {}

impl Hash for Along {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let floats = |x: &[f64], state: &mut H| x.iter().for_each(|v| v.to_bits().hash(state));
        self.name().hash(state);
        match self {
            Along::Rolling { window, before, min_periods, statistic } => (window, before, min_periods, statistic).hash(state),
            Along::Cumulate { multiplies, skips_missing, groups } => (multiplies, skips_missing, groups).hash(state),
            Along::Fill { forward, limit } => (forward, limit).hash(state),
            Along::Rank { percent } => percent.hash(state),
            Along::Bridge { x, limit, max_gap, nearest, beyond } => {
                floats(x, state);
                (limit, max_gap.map(f64::to_bits), nearest, beyond).hash(state);
            }
            Along::Gradient { x, edge_order } => {
                floats(x, state);
                edge_order.hash(state);
            }
            Along::Fit { x, degree, skips_missing } => {
                floats(x, state);
                (degree, skips_missing).hash(state);
            }
            Along::Quantile { q, method, skips_missing, groups } => (q.to_bits(), method, skips_missing, groups).hash(state),
            Along::Median { skips_missing, groups } => (skips_missing, groups).hash(state),
        }
    }
}

#[cfg(test)]
#[path = "along/tests.rs"]
mod tests;
