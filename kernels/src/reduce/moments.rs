//! `var` and `std`: number of cells, mean and sum of squared deviations, merged in delta form.
//!
//! In: cells. Out: `m2 / (n - ddof)`. Each piece is looked at twice (its mean, then the deviations from it), and
//! pieces are merged by
//!
//! ```text
//! d = mean_b - mean_a;  mean = mean_a + d n_b / n;  m2 = m2_a + m2_b + d^2 n_a n_b / n
//! ```
//!
//! Chan, Golub and LeVeque (1979), Stanford STAN-CS-79-773; Pebay (2008), SAND2008-6212. Worked example: {1, 2} has
//! mean 1.5, m2 0.5; with {6}: d = 4.5, mean 3, m2 = 0.5 + 4.5^2 * 2 / 3 = 14; the variance is 14/3.
//! Never squares the cells themselves, which would cancel.

use super::walk::{Call, Row, Walk};
use crate::block::Block;
use crate::dtype::{DType, Element};
use crate::error::{KernelError, Result};
use crate::partial::{Cell, Partial};
use crate::simd::{Kernel, wide};

/// Which of the two is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Power {
    Variance,
    Deviation,
}

/// Number of cells, mean, sum of squared deviations from it.
#[derive(Clone, Copy)]
struct Moments {
    n: i64,
    mean: f64,
    m2: f64,
}

impl Moments {
    /// The moments of both.
    #[inline(always)]
    fn join(self, next: Moments) -> Moments {
        let n = self.n.wrapping_add(next.n);
        let (a, b, all) = (self.n as f64, next.n as f64, n as f64);
        let delta = next.mean - self.mean;
        let both = Moments { n, mean: self.mean + delta * (b / all), m2: self.m2 + next.m2 + delta * delta * (a * (b / all)) };
        if next.n == 0 {
            self
        } else if self.n == 0 {
            next
        } else {
            both
        }
    }
}

/// Cells of a run per piece, so that the second look finds them in the cache.
const PIECE: usize = 4096;
/// Independent sums within a run: a fixed number, so that the bits do not depend on the machine.
const LANES: usize = 8;

struct States<'a> {
    n: &'a mut [i64],
    mean: &'a mut [f64],
    m2: &'a mut [f64],
}

impl States<'_> {
    fn of(partial: &mut Partial) -> Result<States<'_>> {
        let cells = partial.states.first().map_or(0, Block::len);
        match partial.states.as_mut_slice() {
            [n, mean, m2] => {
                let states = States { n: i64::open(Some(n), cells)?, mean: f64::open(Some(mean), cells)?, m2: f64::open(Some(m2), cells)? };
                if states.mean.len() == cells && states.m2.len() == cells { Ok(states) } else { Err(malformed()) }
            }
            _ => Err(malformed()),
        }
    }

    #[inline(always)]
    fn add(&mut self, cell: usize, next: Moments) {
        let all = Moments { n: self.n[cell], mean: self.mean[cell], m2: self.m2[cell] }.join(next);
        (self.n[cell], self.mean[cell], self.m2[cell]) = (all.n, all.mean, all.m2);
    }
}

fn malformed() -> KernelError {
    KernelError::malformed("partial", "moments need three state arrays of one length")
}

/// Folds `data` into the states of `partial`; missing cells are left out if `skip`, else they make the result NaN.
pub(super) fn update<T: Element>(skip: bool, partial: &mut Partial, data: &[T], walk: &Walk) -> Result<()> {
    let mut states = States::of(partial)?;
    let mut scratch = Scratch::default();
    walk.run(&mut |call| match call {
        Call::Rows { out, cells, rows } => wide(Rows { skip, states: &mut states, scratch: &mut scratch, out, cells, data, rows }),
        Call::Runs { out, cells, from, length, .. } => {
            wide(Runs { skip, states: &mut states, out, data: &data[from..from + cells * length], length })
        }
    });
    Ok(())
}

/// Joins the states of `next` into those of `into`.
pub(super) fn merge(into: &mut Partial, next: &Partial) -> Result<()> {
    let mut states = States::of(into)?;
    let [n, mean, m2] = next.states.as_slice() else { return Err(malformed()) };
    let cells = states.n.len();
    let (n, mean, m2) = (i64::view(Some(n), cells)?, f64::view(Some(mean), cells)?, f64::view(Some(m2), cells)?);
    for (cell, ((&n, &mean), &m2)) in n.iter().zip(mean).zip(m2).enumerate().take(cells) {
        states.add(cell, Moments { n, mean, m2 });
    }
    Ok(())
}

/// Variances, or their roots, in `dtype`.
///
/// Where missing cells are left out, `n <= ddof` gives NaN (`numpy.nanvar`); else the sum is divided by
/// `max(n - ddof, 0)` (`numpy.var`), which gives infinity or NaN there.
pub(super) fn finish(mut partial: Partial, skip: bool, ddof: u32, power: Power, dtype: DType) -> Result<Block> {
    let states = States::of(&mut partial)?;
    for (m2, &n) in states.m2.iter_mut().zip(states.n.iter()) {
        let free = n.saturating_sub(ddof as i64);
        let variance = if free <= 0 && (skip || n == 0) { f64::NAN } else { *m2 / free.max(0) as f64 };
        *m2 = match power {
            Power::Variance => variance,
            Power::Deviation => variance.sqrt(),
        };
    }
    partial.states.swap(0, 2);
    super::first_as(partial, dtype)
}

/// Sums and counts of the rows at hand, per output cell.
#[derive(Default)]
struct Scratch {
    sum: Vec<f64>,
    n: Vec<i64>,
    m2: Vec<f64>,
}

struct Rows<'a, 's, T> {
    skip: bool,
    states: &'a mut States<'s>,
    scratch: &'a mut Scratch,
    out: usize,
    cells: usize,
    data: &'a [T],
    rows: &'a [Row],
}

impl<T: Element> Kernel for Rows<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let (cells, skip) = (self.cells, self.skip);
        let Scratch { sum, n, m2 } = self.scratch;
        sum.clear();
        sum.resize(cells, 0.0);
        n.clear();
        n.resize(cells, 0);
        m2.clear();
        m2.resize(cells, 0.0);
        for row in self.rows {
            let x = &self.data[row.from..row.from + cells];
            for ((s, n), &x) in sum.iter_mut().zip(n.iter_mut()).zip(x) {
                let left_out = x.is_missing() & skip;
                *s += if left_out { 0.0 } else { x.to_f64() };
                *n += !left_out as i64;
            }
        }
        for (s, &n) in sum.iter_mut().zip(n.iter()) {
            *s /= n.max(1) as f64;
        }
        for row in self.rows {
            let x = &self.data[row.from..row.from + cells];
            for ((m2, &mean), &x) in m2.iter_mut().zip(sum.iter()).zip(x) {
                let d = if x.is_missing() & skip { 0.0 } else { x.to_f64() - mean };
                *m2 += d * d;
            }
        }
        let range = self.out..self.out + cells;
        let all = self.states.n[range.clone()].iter_mut().zip(&mut self.states.mean[range.clone()]).zip(&mut self.states.m2[range]);
        for (((tn, tmean), tm2), ((&n, &mean), &m2)) in all.zip(n.iter().zip(sum.iter()).zip(m2.iter())) {
            let joined = Moments { n: *tn, mean: *tmean, m2: *tm2 }.join(Moments { n, mean, m2 });
            (*tn, *tmean, *tm2) = (joined.n, joined.mean, joined.m2);
        }
    }
}

struct Runs<'a, 's, T> {
    skip: bool,
    states: &'a mut States<'s>,
    out: usize,
    data: &'a [T],
    length: usize,
}

impl<T: Element> Kernel for Runs<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (cell, run) in self.data.chunks_exact(self.length.max(1)).enumerate() {
            for piece in run.chunks(PIECE) {
                self.states.add(self.out + cell, moments_of(piece, self.skip));
            }
        }
    }
}

/// The moments of one short run.
#[inline(always)]
fn moments_of<T: Element>(run: &[T], skip: bool) -> Moments {
    let (mut sum, mut n) = ([0.0f64; LANES], [0i64; LANES]);
    let mut enter = |l: usize, x: T| {
        let left_out = x.is_missing() & skip;
        sum[l] += if left_out { 0.0 } else { x.to_f64() };
        n[l] += !left_out as i64;
    };
    let chunks = run.chunks_exact(LANES);
    chunks.remainder().iter().enumerate().for_each(|(l, &x)| enter(l, x));
    chunks.for_each(|c| (0..LANES).for_each(|l| enter(l, c[l])));
    let n: i64 = n.iter().sum();
    let mean = total(sum) / n.max(1) as f64;
    let mut m2 = [0.0f64; LANES];
    let mut enter = |l: usize, x: T| {
        let d = if x.is_missing() & skip { 0.0 } else { x.to_f64() - mean };
        m2[l] += d * d;
    };
    let chunks = run.chunks_exact(LANES);
    chunks.remainder().iter().enumerate().for_each(|(l, &x)| enter(l, x));
    chunks.for_each(|c| (0..LANES).for_each(|l| enter(l, c[l])));
    Moments { n, mean, m2: total(m2) }
}

#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}
