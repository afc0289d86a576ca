//! Windows that move along a lane, a few operations per cell whatever their length.
//!
//! The lane is cut into stretches of a window's length, at multiples of it. Each window is the end of one stretch and the beginning of
//! the next: both are known from running totals from the cut in either direction, so that nothing is ever subtracted and a large
//! cell leaves no trace in the windows behind it (van Herk and Gil-Werman's scheme, for any total that merges).

use super::Statistic;
use super::order::median;
use super::view::{Strip, View};
use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

/// A window.
pub(super) struct Window {
    pub(super) cells: usize,
    pub(super) before: usize,
    pub(super) min: usize,
}

/// A total of cells that are not missing, which merges with that of its neighbours.
trait Total: Copy {
    const EMPTY: Self;
    fn of(cell: f64) -> Self;
    fn merged(self, next: Self) -> Self;
    fn count(self) -> f64;
}

#[derive(Clone, Copy)]
struct Sum {
    sum: f64,
    count: f64,
}

impl Total for Sum {
    const EMPTY: Sum = Sum { sum: 0.0, count: 0.0 };
    #[inline(always)]
    fn of(cell: f64) -> Sum {
        Sum { sum: cell, count: 1.0 }
    }
    #[inline(always)]
    fn merged(self, next: Sum) -> Sum {
        Sum { sum: self.sum + next.sum, count: self.count + next.count }
    }
    #[inline(always)]
    fn count(self) -> f64 {
        self.count
    }
}

#[derive(Clone, Copy)]
struct Product {
    product: f64,
    count: f64,
}

impl Total for Product {
    const EMPTY: Product = Product { product: 1.0, count: 0.0 };
    #[inline(always)]
    fn of(cell: f64) -> Product {
        Product { product: cell, count: 1.0 }
    }
    #[inline(always)]
    fn merged(self, next: Product) -> Product {
        Product { product: self.product * next.product, count: self.count + next.count }
    }
    #[inline(always)]
    fn count(self) -> f64 {
        self.count
    }
}

/// The least and the largest cell.
#[derive(Clone, Copy)]
struct Extremes {
    least: f64,
    largest: f64,
    count: f64,
}

impl Total for Extremes {
    const EMPTY: Extremes = Extremes { least: f64::INFINITY, largest: f64::NEG_INFINITY, count: 0.0 };
    #[inline(always)]
    fn of(cell: f64) -> Extremes {
        Extremes { least: cell, largest: cell, count: 1.0 }
    }
    #[inline(always)]
    fn merged(self, next: Extremes) -> Extremes {
        Extremes { least: self.least.min(next.least), largest: self.largest.max(next.largest), count: self.count + next.count }
    }
    #[inline(always)]
    fn count(self) -> f64 {
        self.count
    }
}

/// Count, mean, and sum of squared distances from it (Chan, Golub and LeVeque 1979).
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Total for Moments {
    const EMPTY: Moments = Moments { count: 0.0, mean: 0.0, squares: 0.0 };
    #[inline(always)]
    fn of(cell: f64) -> Moments {
        // Not zero for what is not finite: its distance from itself is not a number.
        Moments { count: 1.0, mean: cell, squares: 0.0 * cell }
    }
    #[inline(always)]
    fn merged(self, next: Moments) -> Moments {
        if self.count == 0.0 {
            return next;
        }
        if next.count == 0.0 {
            return self;
        }
        let (count, distance) = (self.count + next.count, next.mean - self.mean);
        Moments {
            count,
            mean: self.mean + distance * (next.count / count),
            squares: self.squares + next.squares + distance * distance * (self.count * next.count / count),
        }
    }
    #[inline(always)]
    fn count(self) -> f64 {
        self.count
    }
}

pub(super) fn apply(block: &Block, view: &View, shape: &[usize], window: &Window, statistic: Statistic) -> Result<Block> {
    dispatch!(block.dtype(), T => match (statistic, T::DTYPE) {
        (Statistic::Count, _) => roll::<T, f64, Sum>(block, view, shape, window, |t| t.count),
        (_, DType::F32) => finished::<T, f32>(block, view, shape, window, statistic),
        _ => finished::<T, f64>(block, view, shape, window, statistic),
    })
}

fn finished<T: Element, O: Element>(block: &Block, view: &View, shape: &[usize], window: &Window, statistic: Statistic) -> Result<Block> {
    let variance = |m: Moments, ddof: u32| {
        let free = m.count - f64::from(ddof);
        if free > 0.0 { m.squares / free } else { f64::NAN }
    };
    match statistic {
        Statistic::Sum => roll::<T, O, Sum>(block, view, shape, window, |t| t.sum),
        Statistic::Mean => roll::<T, O, Sum>(block, view, shape, window, |t| t.sum / t.count),
        Statistic::Product => roll::<T, O, Product>(block, view, shape, window, |t| t.product),
        Statistic::Min => roll::<T, O, Extremes>(block, view, shape, window, |t| t.least),
        Statistic::Max => roll::<T, O, Extremes>(block, view, shape, window, |t| t.largest),
        Statistic::Variance { ddof } => roll::<T, O, Moments>(block, view, shape, window, |t| variance(t, ddof)),
        Statistic::Deviation { ddof } => roll::<T, O, Moments>(block, view, shape, window, |t| variance(t, ddof).sqrt()),
        Statistic::Count => roll::<T, O, Sum>(block, view, shape, window, |t| t.count),
        Statistic::Median => medians::<T, O>(block, view, shape, window),
    }
}

/// The statistic of every wanted window of every lane.
fn roll<T: Element, O: Element, S: Total>(
    block: &Block,
    view: &View,
    shape: &[usize],
    window: &Window,
    finish: impl Fn(S) -> f64 + Copy,
) -> Result<Block> {
    let w = window.cells as i64;
    let mut ends: Vec<S> = vec![];
    let mut begun: Vec<S> = vec![];
    view.strips::<T, O>(block, shape, window.cells.min(view.at.len()).saturating_mul(size_of::<S>()), |strip, out, stride| {
        let inside = |i: i64| i.clamp(0, view.len as i64) as usize;
        let add = |i: usize, total: &mut [S], front: bool| {
            for (total, cell) in total.iter_mut().zip(strip.row(i)) {
                if !cell.is_missing() {
                    let one = S::of(cell.to_f64());
                    *total = if front { one.merged(*total) } else { total.merged(one) };
                }
            }
        };
        let mut i = view.at.start;
        while i < view.at.end {
            // Windows that begin in one stretch.
            let first = i as i64 - window.before as i64;
            let cut = (first.div_euclid(w) + 1) * w;
            let count = ((cut - first) as usize).min(view.at.end - i);
            let lanes = strip.lanes;
            ends.clear();
            ends.resize(count * lanes, S::EMPTY);
            begun.clear();
            begun.resize(lanes, S::EMPTY);
            // Totals from each window's first cell to the cut.
            for cell in (inside(first + count as i64)..inside(cut)).rev() {
                add(cell, &mut begun, true);
            }
            for k in (0..count).rev() {
                let cell = first + k as i64;
                if inside(cell) as i64 == cell && inside(cell) < view.len {
                    add(inside(cell), &mut begun, true);
                }
                ends[k * lanes..(k + 1) * lanes].copy_from_slice(&begun);
            }
            // And from the cut to its last.
            begun.fill(S::EMPTY);
            let mut next = inside(cut);
            for k in 0..count {
                let end = inside(first + k as i64 + w).max(next);
                (next..end).for_each(|cell| add(cell, &mut begun, false));
                next = end;
                let row = &mut out[(i - view.at.start + k) * stride..][..lanes];
                for ((out, end), begin) in row.iter_mut().zip(&ends[k * lanes..(k + 1) * lanes]).zip(&begun) {
                    let total = end.merged(*begin);
                    *out = O::from_f64(if total.count() >= window.min as f64 { finish(total) } else { f64::NAN });
                }
            }
            i += count;
        }
    })
}

/// The middle cell of every window: each window is looked at anew.
fn medians<T: Element, O: Element>(block: &Block, view: &View, shape: &[usize], window: &Window) -> Result<Block> {
    let mut cells: Vec<f64> = vec![];
    view.strips::<T, O>(block, shape, 0, |strip: &Strip<'_, T>, out, stride| {
        for (k, i) in view.at.clone().enumerate() {
            let first = i.saturating_sub(window.before);
            let last = (i + window.cells - window.before).min(view.len);
            for lane in 0..strip.lanes {
                cells.clear();
                cells.extend((first..last).map(|j| strip.row(j)[lane]).filter(|c| !c.is_missing()).map(T::to_f64));
                out[k * stride + lane] = O::from_f64(if cells.len() >= window.min { median(&mut cells) } else { f64::NAN });
            }
        }
    })
}
