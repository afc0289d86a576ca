//! Running sums and products (`numpy.nancumsum`, `numpy.cumsum`): floats are added as float64, integers as 64-bit integers.

use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

pub(super) fn apply(block: &Block, view: &View, shape: &[usize], multiplies: bool, skips_missing: bool) -> Result<Block> {
    match block {
        Block::F32(_) => floats::<f32>(block, view, shape, multiplies, skips_missing),
        Block::F64(_) => floats::<f64>(block, view, shape, multiplies, skips_missing),
        _ => dispatch!(block.dtype(), T => integers::<T>(block, view, shape, multiplies)),
    }
}

fn floats<T: Element>(block: &Block, view: &View, shape: &[usize], multiplies: bool, skips_missing: bool) -> Result<Block> {
    view.strips::<T, T>(block, shape, 0, |strip, out, stride| {
        let mut totals = vec![if multiplies { 1.0 } else { 0.0 }; strip.lanes];
        for i in 0..view.at.end {
            for (total, cell) in totals.iter_mut().zip(strip.row(i)) {
                if skips_missing && cell.is_missing() {
                    continue;
                }
                *total = if multiplies { *total * cell.to_f64() } else { *total + cell.to_f64() };
            }
            if let Some(k) = i.checked_sub(view.at.start) {
                out[k * stride..][..strip.lanes].iter_mut().zip(&totals).for_each(|(o, t)| *o = T::from_f64(*t));
            }
        }
    })
}

/// Modulo 2^64, as NumPy's: the bits are the same with and without a sign.
fn integers<T: Element>(block: &Block, view: &View, shape: &[usize], multiplies: bool) -> Result<Block> {
    let sums = view.strips::<T, i64>(block, shape, 0, |strip, out, stride| {
        let mut totals = vec![i64::from(multiplies); strip.lanes];
        for i in 0..view.at.end {
            for (total, cell) in totals.iter_mut().zip(strip.row(i)) {
                *total = if multiplies { total.wrapping_mul(cell.to_i64()) } else { total.wrapping_add(cell.to_i64()) };
            }
            if let Some(k) = i.checked_sub(view.at.start) {
                out[k * stride..][..strip.lanes].copy_from_slice(&totals);
            }
        }
    })?;
    Ok(if T::DTYPE.is_unsigned() { sums.cast(DType::U64) } else { sums })
}
