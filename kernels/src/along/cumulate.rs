//! Running sums and products (`numpy.nancumsum`, `numpy.cumsum`): floats are added as float64, integers as 64-bit integers.

use super::Groups;
use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

pub(super) fn apply(
    block: &Block,
    view: &View,
    shape: &[usize],
    multiplies: bool,
    skips_missing: bool,
    groups: Option<&Groups>,
) -> Result<Block> {
    match block {
        Block::F32(_) => floats::<f32>(block, view, shape, multiplies, skips_missing, groups),
        Block::F64(_) => floats::<f64>(block, view, shape, multiplies, skips_missing, groups),
        _ => dispatch!(block.dtype(), T => integers::<T>(block, view, shape, multiplies, groups)),
    }
}

/// The totals that index `i` is added to; `None` where it belongs to no group.
fn totals_of<'a, A>(totals: &'a mut [A], lanes: usize, groups: Option<&Groups>, i: usize) -> Option<&'a mut [A]> {
    let group = groups.map_or(Some(0), |(codes, _)| codes.get(i).and_then(|&c| usize::try_from(c).ok()))?;
    totals.get_mut(group * lanes..(group + 1) * lanes)
}

fn floats<T: Element>(
    block: &Block,
    view: &View,
    shape: &[usize],
    multiplies: bool,
    skips_missing: bool,
    groups: Option<&Groups>,
) -> Result<Block> {
    let many = groups.map_or(1, |g| g.1);
    view.strips::<T, T>(block, shape, 8 * many, |strip, out, stride| {
        let mut totals = vec![if multiplies { 1.0 } else { 0.0 }; strip.lanes * many];
        for i in 0..view.at.end {
            let row = i.checked_sub(view.at.start).map(|k| &mut out[k * stride..][..strip.lanes]);
            let Some(totals) = totals_of(&mut totals, strip.lanes, groups, i) else {
                row.into_iter().for_each(|row| row.fill(T::from_f64(f64::NAN)));
                continue;
            };
            for (total, cell) in totals.iter_mut().zip(strip.row(i)) {
                if skips_missing && cell.is_missing() {
                    continue;
                }
                *total = if multiplies { *total * cell.to_f64() } else { *total + cell.to_f64() };
            }
            row.into_iter().for_each(|row| row.iter_mut().zip(&*totals).for_each(|(o, t)| *o = T::from_f64(*t)));
        }
    })
}

/// Modulo 2^64, as NumPy's: the bits are the same with and without a sign.
fn integers<T: Element>(block: &Block, view: &View, shape: &[usize], multiplies: bool, groups: Option<&Groups>) -> Result<Block> {
    let many = groups.map_or(1, |g| g.1);
    let sums = view.strips::<T, i64>(block, shape, 8 * many, |strip, out, stride| {
        let mut totals = vec![i64::from(multiplies); strip.lanes * many];
        for i in 0..view.at.end {
            let Some(totals) = totals_of(&mut totals, strip.lanes, groups, i) else { continue };
            for (total, cell) in totals.iter_mut().zip(strip.row(i)) {
                *total = if multiplies { total.wrapping_mul(cell.to_i64()) } else { total.wrapping_add(cell.to_i64()) };
            }
            if let Some(k) = i.checked_sub(view.at.start) {
                out[k * stride..][..strip.lanes].copy_from_slice(totals);
            }
        }
    })?;
    Ok(if T::DTYPE.is_unsigned() { sums.cast(DType::U64) } else { sums })
}
