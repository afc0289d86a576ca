//! How a formula's operands lie under its output: contiguous, one value, or strided.
//!
//! In: a block and which of its axes goes with which output axis. Out: the cells that belong to a run of the
//! output's cells, in C order. Never copies a whole block.

use super::Operand;
use crate::error::{KernelError, Result};

/// Where an operand's cells lie for each cell of the output.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// The cell that goes with the output's first one.
    pub(super) first: usize,
    /// Where the others lie from there.
    pub(super) lies: Lies,
}

/// How an operand's cells follow each other.
#[derive(Debug, PartialEq)]
pub(super) enum Lies {
    /// In the same order: cell `i` of the output goes with cell `i` of the block.
    Same,
    /// One cell for all.
    Single,
    /// By strides: `(length, stride)` per merged output axis, the last one innermost.
    Strided(Vec<(usize, usize)>),
}

impl Layout {
    /// The layout of `operand` under an output of `shape`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the axes do not name every axis of the block once;
    /// [`KernelError::Shape`] when a length differs from the output's, or is less than what is used of it.
    pub(super) fn of(operand: &Operand, shape: &[usize]) -> Result<Layout> {
        let lengths = operand.block.shape();
        if operand.axes.len() != shape.len() || !(operand.from.is_empty() || operand.from.len() == shape.len()) {
            return Err(KernelError::malformed(
                "formula",
                format!("an operand names {} axes of an output of rank {}", operand.axes.len(), shape.len()),
            ));
        }
        let mut used = vec![false; lengths.len()];
        let mut axes: Vec<(usize, usize)> = Vec::with_capacity(shape.len());
        let mut first = 0;
        for (i, (axis, &n)) in operand.axes.iter().zip(shape).enumerate() {
            let Some(axis) = *axis else {
                axes.push((n, 0));
                continue;
            };
            let from = operand.from.get(i).copied();
            let fits = |len: usize| from.map_or(len == n, |from| from.checked_add(n).is_some_and(|end| end <= len));
            match lengths.get(axis) {
                Some(&len) if fits(len) && !std::mem::replace(&mut used[axis], true) => {
                    axes.push((n, stride(lengths, axis)));
                    first += from.unwrap_or(0) * stride(lengths, axis);
                }
                Some(_) => return Err(KernelError::Shape { expected: shape.to_vec(), got: lengths.to_vec() }),
                None => return Err(KernelError::malformed("formula", format!("an operand of rank {} has no axis {axis}", lengths.len()))),
            }
        }
        if used.contains(&false) {
            return Err(KernelError::malformed("formula", "an operand has an axis that the output lacks"));
        }
        Ok(Layout { first, lies: merged(axes) })
    }
}

fn stride(lengths: &[usize], axis: usize) -> usize {
    lengths[axis + 1..].iter().fold(1, |n, &l| n.saturating_mul(l))
}

/// Neighbouring axes that one step walks through are made one; axes of length 1 vanish.
fn merged(axes: Vec<(usize, usize)>) -> Lies {
    let mut out: Vec<(usize, usize)> = vec![];
    for (n, stride) in axes.into_iter().filter(|a| a.0 != 1) {
        match out.last_mut() {
            Some(outer) if outer.1 == n.saturating_mul(stride) => *outer = (outer.0.saturating_mul(n), stride),
            _ => out.push((n, stride)),
        }
    }
    match out.as_slice() {
        [] | [(_, 0)] => Lies::Single,
        [(_, 1)] => Lies::Same,
        _ => Lies::Strided(out),
    }
}

/// Copies the block's cells for the output cells `start ..` into `out`.
pub(super) fn gather<T: Copy>(data: &[T], axes: &[(usize, usize)], start: usize, out: &mut [T]) {
    let Some((&(inner, stride), outer)) = axes.split_last() else { return };
    let (mut at, mut counter) = seek(outer, start / inner);
    let mut column = start % inner;
    let mut done = 0;
    while done < out.len() {
        let n = (inner - column).min(out.len() - done);
        let from = at + column * stride;
        let part = &mut out[done..done + n];
        match stride {
            0 => part.fill(data[from]),
            1 => part.copy_from_slice(&data[from..from + n]),
            _ => part.iter_mut().zip(data[from..].iter().step_by(stride)).for_each(|(o, &x)| *o = x),
        }
        done += n;
        column = 0;
        at = advance(outer, &mut counter, at);
    }
}

/// The position of row number `row`, and its index along each outer axis.
fn seek(outer: &[(usize, usize)], mut row: usize) -> (usize, Vec<usize>) {
    let (mut at, mut counter) = (0, vec![0; outer.len()]);
    for (i, &(n, stride)) in outer.iter().enumerate().rev() {
        counter[i] = row % n;
        at += counter[i] * stride;
        row /= n;
    }
    (at, counter)
}

/// The position of the next row; the first one again after the last.
fn advance(outer: &[(usize, usize)], counter: &mut [usize], mut at: usize) -> usize {
    for (i, &(n, stride)) in outer.iter().enumerate().rev() {
        counter[i] += 1;
        at += stride;
        if counter[i] < n {
            break;
        }
        counter[i] = 0;
        at -= n * stride;
    }
    at
}
