//! Polynomials of least squares along lanes (`xarray.DataArray.polyfit`, `numpy.linalg.lstsq`).
//!
//! The columns of the Vandermonde matrix are scaled to length one; its singular values come of rotating pairs of columns until all are
//! at right angles (one-sided Jacobi), so that normal equations, which square the condition, are never made. Singular values below
//! `eps * n` of the largest count as zero: the shortest of all solutions is taken, as LAPACK's `gelsd` does.

use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::Element;
use crate::error::Result;

/// The highest degree.
pub const MOST_DEGREE: usize = 31;
/// Rounds over all pairs of columns; they are at right angles after a few.
const MOST_SWEEPS: usize = 60;

/// Coefficients of each lane, the highest degree first; missing where a lane has no cell, or where a missing one is not left out.
pub(super) fn apply(block: &Block, view: &View, shape: &[usize], x: &[f64], degree: usize, skips_missing: bool) -> Result<Block> {
    dispatch!(block.dtype(), T => lanes::<T>(block, view, shape, &Basis::new(x, degree), skips_missing))
}

fn lanes<T: Element>(block: &Block, view: &View, shape: &[usize], basis: &Basis, skips_missing: bool) -> Result<Block> {
    let all: Vec<usize> = (0..view.len).collect();
    let whole = basis.solver(&all);
    let (mut at, mut cells) = (vec![], vec![]);
    view.strips::<T, f64>(block, shape, 8 * view.len, |strip, out, stride| {
        for n in 0..strip.lanes {
            at.clear();
            cells.clear();
            for i in 0..view.len {
                let cell = strip.row(i)[n];
                if !cell.is_missing() {
                    at.push(i);
                    cells.push(cell.to_f64());
                }
            }
            let found = match at.len() {
                m if m == view.len && cells.iter().all(|c| c.is_finite()) => whole.coefficients(&cells, &basis.scale),
                _ if cells.iter().any(|c| c.is_infinite()) => vec![f64::NAN; basis.scale.len()],
                0 => vec![f64::NAN; basis.scale.len()],
                _ if !skips_missing => vec![f64::NAN; basis.scale.len()],
                _ => basis.solver(&at).coefficients(&cells, &basis.scale),
            };
            for (k, degree) in view.at.clone().enumerate() {
                out[k * stride + n] = found[degree];
            }
        }
    })
}

/// Powers of the positions, as columns of length one.
struct Basis {
    /// Per power, the highest first: a value for each position.
    columns: Vec<Vec<f64>>,
    /// Their lengths before.
    scale: Vec<f64>,
    cutoff: f64,
}

impl Basis {
    fn new(x: &[f64], degree: usize) -> Basis {
        let mut columns: Vec<Vec<f64>> = vec![vec![1.0; x.len()]];
        for _ in 0..degree {
            let next = columns.last().map(|c| c.iter().zip(x).map(|(p, x)| p * x).collect()).unwrap_or_default();
            columns.push(next);
        }
        columns.reverse();
        let scale: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
        for (column, scale) in columns.iter_mut().zip(&scale) {
            column.iter_mut().for_each(|v| *v /= scale);
        }
        Basis { columns, scale, cutoff: f64::EPSILON * x.len() as f64 }
    }

    /// Of the positions `at` alone.
    fn solver(&self, at: &[usize]) -> Solver {
        let order = self.columns.len();
        let mut w: Vec<Vec<f64>> = self.columns.iter().map(|c| at.iter().map(|&i| c[i]).collect()).collect();
        let mut v: Vec<Vec<f64>> = (0..order).map(|j| (0..order).map(|i| f64::from(u8::from(i == j))).collect()).collect();
        for _ in 0..MOST_SWEEPS {
            let mut turned = false;
            for p in 0..order {
                for q in p + 1..order {
                    turned |= turn(&mut w, &mut v, p, q);
                }
            }
            if !turned {
                break;
            }
        }
        let squares: Vec<f64> = w.iter().map(|c| dot(c, c)).collect();
        let largest = squares.iter().copied().fold(0.0, f64::max).sqrt();
        let counts = squares.iter().map(|s| s.sqrt() > self.cutoff * largest).collect();
        Solver { w, v, squares, counts }
    }
}

/// Turns columns `p` and `q` until they are at right angles; whether they were not.
fn turn(w: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) -> bool {
    let (a, b, c) = (dot(&w[p], &w[p]), dot(&w[q], &w[q]), dot(&w[p], &w[q]));
    if c.abs() <= f64::EPSILON * (a * b).sqrt() || !c.is_finite() {
        return false;
    }
    let zeta = (b - a) / (2.0 * c);
    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let cos = 1.0 / (1.0 + t * t).sqrt();
    let sin = cos * t;
    for columns in [w, v] {
        let (left, right) = columns.split_at_mut(q);
        for (x, y) in left[p].iter_mut().zip(&mut right[0]) {
            (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
        }
    }
    true
}

/// Columns at right angles, and how they are made of the powers.
struct Solver {
    w: Vec<Vec<f64>>,
    v: Vec<Vec<f64>>,
    squares: Vec<f64>,
    counts: Vec<bool>,
}

impl Solver {
    fn coefficients(&self, cells: &[f64], scale: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; scale.len()];
        for (j, w) in self.w.iter().enumerate().filter(|(j, _)| self.counts[*j]) {
            let part = dot(w, cells) / self.squares[j];
            out.iter_mut().zip(&self.v[j]).for_each(|(o, v)| *o += v * part);
        }
        out.iter().zip(scale).map(|(o, s)| o / s).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(x: &[f64], y: &[f64], degree: usize) -> Vec<f64> {
        let basis = Basis::new(x, degree);
        let at: Vec<usize> = (0..x.len()).collect();
        basis.solver(&at).coefficients(y, &basis.scale)
    }

    fn near(got: &[f64], want: &[f64]) -> bool {
        got.len() == want.len() && got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-9 * w.abs().max(1e-9))
    }

    #[test]
    fn polynomials_are_found_again() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i) * 0.5 - 3.0).collect();
        let y: Vec<f64> = x.iter().map(|x| 2.0 * x * x * x - x * x + 0.25 * x - 7.0).collect();
        assert!(near(&fitted(&x, &y, 3), &[2.0, -1.0, 0.25, -7.0]));
    }

    /// Nanoseconds of daily times: powers that differ by 18 digits.
    #[test]
    fn times_in_nanoseconds_keep_their_slope() {
        let x: Vec<f64> = (0..400).map(|i| 9.4e17 + f64::from(i) * 8.64e13).collect();
        let y: Vec<f64> = (0..400).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        let got = fitted(&x, &y, 1);
        assert!((got[0] - 0.5 / 8.64e13).abs() < 1e-12 * got[0], "{got:?}");
    }

    /// `numpy.polyfit([2.0], [6.0], 1)` is the shortest solution, found of scaled columns.
    #[test]
    fn too_few_cells_give_the_shortest_solution() {
        assert!(near(&fitted(&[2.0], &[6.0], 1), &[1.5, 3.0]), "{:?}", fitted(&[2.0], &[6.0], 1));
    }
}
