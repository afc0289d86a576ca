//! Reductions that fold cell by cell: one state, or two, per output cell.
//!
//! In: a law (how one cell enters a state, how two states join), a block, the walk through it. Out: updated states.
//! Never knows which reduction it runs.

use super::walk::{Call, Row, Walk};
use crate::dtype::Element;
use crate::error::Result;
use crate::partial::{Cell, Partial};
use crate::simd::{Kernel, wide};

/// How cells of type `T` enter a state `(A, B)`, and how two states join.
///
/// `join` is associative (floats: within rounding), and its left operand comes first along the folded axis.
pub(super) trait Law<T: Element>: Copy {
    /// The first state field.
    type A: Cell;
    /// The second state field; `()` where there is none.
    type B: Cell;
    /// The state of no cells.
    fn identity(self) -> (Self::A, Self::B);
    /// The state with one more cell, found at `index` along the folded axis.
    fn put(self, state: (Self::A, Self::B), x: T, index: i64) -> (Self::A, Self::B);
    /// The state of the cells of both.
    fn join(self, first: (Self::A, Self::B), next: (Self::A, Self::B)) -> (Self::A, Self::B);
}

/// Runs shorter than this enter their state one cell after another; longer ones through lanes.
const SHORT: usize = 16;
/// Independent states within a run, joined at its end: a fixed number, so that the bits do not depend on the machine.
const LANES: usize = 16;

/// Folds `data` into the states of `partial`.
pub(super) fn update<T: Element, L: Law<T>>(law: L, partial: &mut Partial, data: &[T], walk: &Walk, offset: usize) -> Result<()> {
    let (a, b) = partial.open::<L::A, L::B>()?;
    walk.run(&mut |call| match call {
        Call::Rows { out, cells, rows } => {
            wide(Rows { law, a: &mut a[out..out + cells], b: &mut b[out..out + cells], data, rows, offset: offset as i64 })
        }
        Call::Runs { out, cells, from, length, index } => wide(Runs {
            law,
            a: &mut a[out..out + cells],
            b: &mut b[out..out + cells],
            data: &data[from..from + cells * length],
            length,
            index: (offset + index) as i64,
        }),
    });
    Ok(())
}

/// Joins the states of `next` into those of `into`.
pub(super) fn merge<T: Element, L: Law<T>>(law: L, into: &mut Partial, next: &Partial) -> Result<()> {
    let (a, b) = into.open::<L::A, L::B>()?;
    let (c, d) = next.view::<L::A, L::B>()?;
    for (((a, b), &c), &d) in a.iter_mut().zip(b).zip(c).zip(d) {
        (*a, *b) = law.join((*a, *b), (c, d));
    }
    Ok(())
}

struct Rows<'a, T, A, B, L> {
    law: L,
    a: &'a mut [A],
    b: &'a mut [B],
    data: &'a [T],
    rows: &'a [Row],
    offset: i64,
}

impl<T: Element, L: Law<T>> Kernel for Rows<'_, T, L::A, L::B, L> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.a.len();
        let cells = |r: &Row| (&self.data[r.from..r.from + n], r.index as i64 + self.offset);
        let b = &mut self.b[..n];
        let mut fours = self.rows.chunks_exact(4);
        for four in &mut fours {
            let [(p, i), (q, j), (r, k), (s, l)] = [cells(&four[0]), cells(&four[1]), cells(&four[2]), cells(&four[3])];
            for c in 0..n {
                let mut state = (self.a[c], b[c]);
                state = self.law.put(state, p[c], i);
                state = self.law.put(state, q[c], j);
                state = self.law.put(state, r[c], k);
                (self.a[c], b[c]) = self.law.put(state, s[c], l);
            }
        }
        for row in fours.remainder() {
            let (p, i) = cells(row);
            for c in 0..n {
                (self.a[c], b[c]) = self.law.put((self.a[c], b[c]), p[c], i);
            }
        }
    }
}

struct Runs<'a, T, A, B, L> {
    law: L,
    a: &'a mut [A],
    b: &'a mut [B],
    data: &'a [T],
    length: usize,
    index: i64,
}

impl<T: Element, L: Law<T>> Kernel for Runs<'_, T, L::A, L::B, L> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((a, b), run) in self.a.iter_mut().zip(self.b).zip(self.data.chunks_exact(self.length.max(1))) {
            if run.len() < SHORT {
                for (i, &x) in run.iter().enumerate() {
                    (*a, *b) = self.law.put((*a, *b), x, self.index + i as i64);
                }
            } else {
                (*a, *b) = self.law.join((*a, *b), in_lanes(self.law, run, self.index));
            }
        }
    }
}

/// The state of one run. Lane `i` holds the cells `i`, `i + 16`, ...; the lanes are joined by halves.
#[inline(always)]
fn in_lanes<T: Element, L: Law<T>>(law: L, run: &[T], index: i64) -> (L::A, L::B) {
    let (ia, ib) = law.identity();
    let (mut a, mut b) = ([ia; LANES], [ib; LANES]);
    let mut chunks = run.chunks_exact(LANES);
    let mut at = index;
    for chunk in &mut chunks {
        for l in 0..LANES {
            (a[l], b[l]) = law.put((a[l], b[l]), chunk[l], at + l as i64);
        }
        at += LANES as i64;
    }
    for (l, &x) in chunks.remainder().iter().enumerate() {
        (a[l], b[l]) = law.put((a[l], b[l]), x, at + l as i64);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            (a[l], b[l]) = law.join((a[l], b[l]), (a[l + width], b[l + width]));
        }
        width /= 2;
    }
    (a[0], b[0])
}
