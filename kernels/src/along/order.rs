//! Medians and quantiles: cells by their order (`numpy.nanquantile`, `numpy.nanmedian`).

use super::Groups;
use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

/// What lies between two cells, by NumPy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuantileMethod {
    /// The straight line between them.
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Half way.
    Midpoint,
    /// The nearer one; half way, the one of even rank.
    Nearest,
    /// The cell by which the share is reached (`inverted_cdf`).
    Inverted,
    /// The same; where it is reached exactly, half way to the next (`averaged_inverted_cdf`).
    InvertedMean,
    /// The cell whose share is closest; half way, the one of even count (`closest_observation`).
    Closest,
    /// The line at rank `n q - 1` (`interpolated_inverted_cdf`).
    InvertedLine,
    /// The line at `n q - 1/2` (`hazen`).
    Hazen,
    /// The line at `(n + 1) q - 1` (`weibull`).
    Weibull,
    /// The line at `(n + 1/3) q - 2/3` (`median_unbiased`).
    MedianUnbiased,
    /// The line at `(n + 1/4) q - 5/8` (`normal_unbiased`).
    NormalUnbiased,
}

impl QuantileMethod {
    /// The rank among `n` cells, from 0 on, as `numpy.quantile` has it; it may lie outside.
    fn rank(self, n: f64, q: f64) -> f64 {
        let between = |alpha: f64, beta: f64| n * q + (alpha + q * (1.0 - alpha - beta)) - 1.0;
        // The rank itself where `stays`, else the next.
        let step = |rank: f64, stays: bool| (if stays { rank.floor() } else { rank.floor() + 1.0 }).max(0.0);
        match self {
            QuantileMethod::Linear
            | QuantileMethod::Lower
            | QuantileMethod::Higher
            | QuantileMethod::Midpoint
            | QuantileMethod::Nearest => q * (n - 1.0),
            QuantileMethod::Inverted => {
                let rank = n * q - 1.0;
                step(rank, rank.fract() == 0.0)
            }
            QuantileMethod::InvertedMean => n * q - 1.0,
            QuantileMethod::Closest => {
                let rank = n * q - 1.0 - 0.5;
                step(rank, rank.fract() == 0.0 && rank.floor().rem_euclid(2.0) == 1.0)
            }
            QuantileMethod::InvertedLine => between(0.0, 1.0),
            QuantileMethod::Hazen => between(0.5, 0.5),
            QuantileMethod::Weibull => between(0.0, 0.0),
            QuantileMethod::MedianUnbiased => between(1.0 / 3.0, 1.0 / 3.0),
            QuantileMethod::NormalUnbiased => between(3.0 / 8.0, 3.0 / 8.0),
        }
    }
}

/// One statistic of each lane, or of each group of its cells.
pub(super) fn apply(
    block: &Block,
    view: &View,
    shape: &[usize],
    groups: Option<&Groups>,
    skips_missing: bool,
    output: DType,
    statistic: &dyn Fn(&mut [f64]) -> f64,
) -> Result<Block> {
    let members = members(view, groups);
    let out = dispatch!(block.dtype(), T => lanes::<T>(block, view, shape, &members, skips_missing, statistic))?;
    Ok(if output == DType::F64 { out } else { out.cast(output) })
}

/// The indices of each wanted group.
fn members(view: &View, groups: Option<&Groups>) -> Vec<Vec<usize>> {
    let Some((codes, _)) = groups else { return vec![(0..view.len).collect()] };
    let mut members = vec![vec![]; view.at.len()];
    for (i, &code) in codes.iter().enumerate() {
        if let Some(list) = usize::try_from(code).ok().and_then(|c| c.checked_sub(view.at.start)).and_then(|c| members.get_mut(c)) {
            list.push(i);
        }
    }
    members
}

fn lanes<T: Element>(
    block: &Block,
    view: &View,
    shape: &[usize],
    members: &[Vec<usize>],
    skips_missing: bool,
    statistic: &dyn Fn(&mut [f64]) -> f64,
) -> Result<Block> {
    let mut gathered: Vec<Vec<f64>> = vec![];
    view.strips::<T, f64>(block, shape, 8 * view.len, |strip, out, stride| {
        gathered.resize_with(strip.lanes, Vec::new);
        for (k, group) in members.iter().enumerate() {
            // Row by row, as the cells lie in memory; then lane by lane.
            gathered.iter_mut().for_each(Vec::clear);
            for &i in group {
                for (lane, cell) in gathered.iter_mut().zip(strip.row(i)) {
                    if !cell.is_missing() {
                        lane.push(cell.to_f64());
                    }
                }
            }
            for (n, lane) in gathered.iter_mut().take(strip.lanes).enumerate() {
                let is_missing = lane.is_empty() || !skips_missing && lane.len() < group.len();
                out[k * stride + n] = if is_missing { f64::NAN } else { statistic(lane) };
            }
        }
    })
}

/// The middle cell, or the mean of the two in the middle; there is at least one cell.
pub(super) fn median(cells: &mut [f64]) -> f64 {
    let (middle, is_odd) = (cells.len() / 2, cells.len() % 2 == 1);
    let (below, high, _) = cells.select_nth_unstable_by(middle, f64::total_cmp);
    if is_odd {
        return *high;
    }
    let low = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low + *high) / 2.0
}

/// The cell of the method's rank, or what lies between the two around it; there is at least one cell.
pub(super) fn quantile(cells: &mut [f64], q: f64, method: QuantileMethod) -> f64 {
    let n = cells.len() as f64;
    let exact = method.rank(n, q);
    let rank = exact.clamp(0.0, n - 1.0);
    let (low, share) = (rank.floor() as usize, rank - rank.floor());
    let low = low.min(cells.len() - 1);
    let (_, a, above) = cells.select_nth_unstable_by(low, f64::total_cmp);
    let a = *a;
    // Beyond an end, both cells are the one at the end: NumPy's line through infinite ones is missing.
    let b = || if above.is_empty() || exact < 0.0 { a } else { above.iter().copied().fold(f64::INFINITY, f64::min) };
    match method {
        QuantileMethod::Lower | QuantileMethod::Inverted | QuantileMethod::Closest => a,
        QuantileMethod::Higher if share == 0.0 => a,
        QuantileMethod::Nearest if share < 0.5 || share == 0.5 && low % 2 == 0 => a,
        QuantileMethod::Higher | QuantileMethod::Nearest => b(),
        QuantileMethod::Midpoint => between(a, b(), if share == 0.0 { 0.0 } else { 0.5 }),
        QuantileMethod::InvertedMean => between(a, b(), if share == 0.0 { 0.5 } else { 1.0 }),
        QuantileMethod::Linear
        | QuantileMethod::InvertedLine
        | QuantileMethod::Hazen
        | QuantileMethod::Weibull
        | QuantileMethod::MedianUnbiased
        | QuantileMethod::NormalUnbiased => between(a, b(), share),
    }
}

/// NumPy's `_lerp`: from the nearer end, so that neither end is missed.
fn between(a: f64, b: f64, share: f64) -> f64 {
    let difference = b - a;
    if share >= 0.5 { b - difference * (1.0 - share) } else { a + difference * share }
}
