//! The one walk through a block that every reduction shares.
//!
//! In: a block's shape, which axes are folded, which is grouped. Out: calls, each a few rows that fall on a row of
//! output cells, or runs that each fall on one. Neighbouring axes of one kind are walked as one. The order depends on
//! the shape and the groups alone, and each output cell meets its input in C order. Never reads a cell.

use super::Fold;
use crate::error::{KernelError, Result};

/// Output cells per call: their states stay in the first-level cache while rows pass over them.
const TILE: usize = 1024;
/// Rows per call at most, so that a second look at them finds them in the second-level cache.
pub(super) const ROWS: usize = 64;

/// A row of a block: where it starts, and its index along the folded axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) from: usize,
    pub(super) index: usize,
}

/// Cells of the block that fall on cells of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Call<'c> {
    /// Cell `i` of every row falls on output cell `out + i`, for `i < cells`.
    Rows { out: usize, cells: usize, rows: &'c [Row] },
    /// `cells` runs, end to end from `from` on, of `length` each: run `i` falls on output cell `out + i`.
    /// The first cell of each run has `index` along the folded axes.
    Runs { out: usize, cells: usize, from: usize, length: usize, index: usize },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Kept,
    Folded,
    Grouped,
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    kind: Kind,
    length: usize,
    step: usize,
    out_step: usize,
    /// Whether the axis is there although it has one index.
    is_narrow: bool,
}

impl Axis {
    /// Whether one walk goes through this axis and the one inside it, in the block and in the output.
    fn follows(&self, inner: &Axis) -> bool {
        self.step == inner.length * inner.step && self.out_step == inner.length * inner.out_step
    }
}

/// How a block is walked.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    axes: Vec<Axis>,
    codes: &'a [i32],
    empty: bool,
    /// The output cell that the block's first one falls on.
    first: usize,
}

impl<'a> Walk<'a> {
    /// The walk through a block of `shape` that gives an output of shape `out`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when axes or group codes do not fit, [`KernelError::Shape`] when `out` does not.
    pub(super) fn new(shape: &[usize], out: &[usize], fold: &Fold<'a>) -> Result<Walk<'a>> {
        let bad = |why: &str| Err(KernelError::malformed("fold", why));
        if fold.axes.windows(2).any(|w| w[0] >= w[1]) || fold.axes.iter().any(|&a| a >= shape.len()) {
            return bad("folded axes must be ascending and exist");
        }
        if let Some((axis, codes)) = fold.groups
            && (axis >= shape.len() || fold.axes.contains(&axis) || codes.len() != shape[axis])
        {
            return bad("group codes do not fit the axis that they group");
        }
        let kept: Vec<usize> = (0..shape.len()).filter(|a| !fold.axes.contains(a)).collect();
        let grouped = fold.groups.map(|g| g.0);
        let within = |i: usize| fold.within.get(i).copied().unwrap_or(0);
        let fits = |i: usize, length: usize| {
            if fold.within.is_empty() { length == out[i] } else { within(i).checked_add(length).is_some_and(|end| end <= out[i]) }
        };
        let places = fold.within.is_empty() || fold.within.len() == out.len();
        if kept.len() != out.len() || !places || !kept.iter().enumerate().all(|(i, &a)| Some(a) == grouped || fits(i, shape[a])) {
            return Err(KernelError::Shape { expected: kept.iter().map(|&a| shape[a]).collect(), got: out.to_vec() });
        }
        let n_groups = kept.iter().zip(out).find(|(a, _)| Some(**a) == grouped).map_or(0, |(_, &n)| n);
        let codes = fold.groups.map_or(&[][..], |g| g.1);
        if codes.iter().any(|&c| c < -1 || c as i64 >= n_groups as i64) {
            return bad("a group code lies outside the groups");
        }
        let mut axes = vec![];
        let (mut step, mut out_step, mut first) = (1, 1, 0);
        for axis in (0..shape.len()).rev() {
            let length = shape[axis];
            let kind = if fold.axes.contains(&axis) {
                Kind::Folded
            } else if Some(axis) == grouped {
                Kind::Grouped
            } else {
                Kind::Kept
            };
            axes.push(Axis {
                kind,
                length,
                step,
                out_step: if kind == Kind::Folded { 0 } else { out_step },
                is_narrow: axis < 64 && fold.narrow >> axis & 1 == 1,
            });
            step *= length.max(1);
            if let Some(i) = kept.iter().position(|&a| a == axis) {
                if kind == Kind::Kept {
                    first += within(i) * out_step;
                }
                out_step *= if kind == Kind::Grouped { n_groups } else { out[i] }.max(1);
            }
        }
        axes.reverse();
        Ok(Walk { axes: merged(axes), codes, empty: shape.contains(&0), first })
    }

    /// Makes every call, in order.
    pub(super) fn run(&self, call: &mut dyn FnMut(Call)) {
        if self.empty {
            return;
        }
        match self.axes.split_last() {
            None => call(Call::Rows { out: self.first, cells: 1, rows: &[Row { from: 0, index: 0 }] }),
            Some((row, outer)) => match row.kind {
                Kind::Kept => self.rows(outer, row.length, call),
                Kind::Folded => match outer.split_last() {
                    Some((cells, outer)) if cells.kind == Kind::Kept => self.runs(outer, cells.length, row.length, call),
                    _ => self.runs(outer, 1, row.length, call),
                },
                Kind::Grouped => self.scattered(outer, call),
            },
        }
    }

    fn rows(&self, outer: &[Axis], length: usize, call: &mut dyn FnMut(Call)) {
        let (kept, folded) = parted(outer);
        let mut rows: Vec<Row> = Vec::with_capacity(ROWS);
        self.each(&kept, |from, out, _| {
            let out = self.first + out;
            for start in (0..length).step_by(TILE) {
                let cells = TILE.min(length - start);
                let mut at = out + start;
                self.each(&folded, |more, group, index| {
                    let next = out + start + group;
                    if next != at || rows.len() == ROWS {
                        if !rows.is_empty() {
                            call(Call::Rows { out: at, cells, rows: &rows });
                        }
                        rows.clear();
                        at = next;
                    }
                    rows.push(Row { from: from + start + more, index });
                });
                if !rows.is_empty() {
                    call(Call::Rows { out: at, cells, rows: &rows });
                }
                rows.clear();
            }
        });
    }

    fn runs(&self, outer: &[Axis], cells: usize, length: usize, call: &mut dyn FnMut(Call)) {
        let (kept, folded) = parted(outer);
        self.each(&kept, |from, out, _| {
            self.each(&folded, |more, group, index| {
                call(Call::Runs { out: self.first + out + group, cells, from: from + more, length, index: index * length })
            });
        });
    }

    /// The grouped axis is the innermost: each stretch of equal codes is a run.
    fn scattered(&self, outer: &[Axis], call: &mut dyn FnMut(Call)) {
        let (kept, folded) = parted(outer);
        let mut stretches: Vec<(usize, usize, usize)> = vec![];
        let mut start = 0;
        for stretch in self.codes.chunk_by(|a, b| a == b) {
            if let Some(&code) = stretch.first().filter(|c| **c >= 0) {
                stretches.push((start, stretch.len(), code as usize));
            }
            start += stretch.len();
        }
        self.each(&kept, |from, out, _| {
            self.each(&folded, |more, _, index| {
                for &(start, length, code) in &stretches {
                    call(Call::Runs {
                        out: self.first + out + code,
                        cells: 1,
                        from: from + more + start,
                        length,
                        index: index * self.codes.len() + start,
                    });
                }
            });
        });
    }

    /// Calls `visit(from, out, index)` for every index along `axes`, in C order; indices outside all groups are left out.
    fn each(&self, axes: &[Axis], mut visit: impl FnMut(usize, usize, usize)) {
        let total = axes.iter().fold(1usize, |n, a| n.saturating_mul(a.length));
        let mut counter = vec![0usize; axes.len()];
        for index in 0..total {
            let (mut from, mut out, mut inside) = (0, 0, true);
            for (a, &at) in axes.iter().zip(&counter) {
                from += at * a.step;
                match a.kind {
                    Kind::Kept => out += at * a.out_step,
                    Kind::Folded => {}
                    Kind::Grouped => match self.codes[at] {
                        code if code >= 0 => out += code as usize * a.out_step,
                        _ => inside = false,
                    },
                }
            }
            if inside {
                visit(from, out, index);
            }
            for (a, at) in axes.iter().zip(&mut counter).rev() {
                *at += 1;
                if *at < a.length {
                    break;
                }
                *at = 0;
            }
        }
    }
}

/// Kept axes, over which the walk goes first, and the others, each in order.
fn parted(axes: &[Axis]) -> (Vec<Axis>, Vec<Axis>) {
    axes.iter().partition(|a| a.kind == Kind::Kept)
}

/// Neighbours of one kind made one; axes of length 1 vanish, but for the grouped one and those that are longer in the whole array.
fn merged(axes: Vec<Axis>) -> Vec<Axis> {
    let mut out: Vec<Axis> = vec![];
    let matters = |a: &Axis| a.length != 1 || a.kind == Kind::Grouped || a.is_narrow;
    for axis in axes.into_iter().filter(matters) {
        match out.last_mut() {
            Some(outer) if outer.kind == axis.kind && axis.kind != Kind::Grouped && outer.follows(&axis) => {
                *outer = Axis { length: outer.length * axis.length, ..axis };
            }
            _ => out.push(axis),
        }
    }
    out
}
