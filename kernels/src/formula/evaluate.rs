//! Runs a formula over cache-sized tiles of its output.
//!
//! In: a checked program, blocks, and which axis of each block goes with which axis of the output. Out: a block.
//! Never holds an intermediate result larger than a tile.

use super::gather::{Layout, Lies, gather};
use super::step::{Lane, Lanes, Stored, compute};
use super::{Formula, Step};
use crate::block::Block;
use crate::dispatch;
use crate::error::{KernelError, Result};

/// Cells per tile: a few registers of 8-byte numbers stay in the first-level cache.
const TILE: usize = 2048;

/// An input of a formula, and where it lies under the output.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// The cells.
    pub block: &'a Block,
    /// For every axis of the output, the axis of the block that goes with it; `None` where the block repeats.
    pub axes: &'a [Option<usize>],
    /// For every axis of the output, the index of its first cell along the block's axis; empty where all are 0.
    pub from: &'a [usize],
}

impl<'a> Operand<'a> {
    /// A block of which all is used.
    pub fn whole(block: &'a Block, axes: &'a [Option<usize>]) -> Operand<'a> {
        Operand { block, axes, from: &[] }
    }
}

impl Formula {
    /// Computes the program for every cell of an output of `shape`; arithmetic is NumPy's.
    ///
    /// An empty `shape` gives a block of rank 0.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the operands are not the program's inputs or leave an axis of theirs out;
    /// [`KernelError::Shape`] and [`KernelError::DType`] when one has the wrong lengths or type.
    pub fn evaluate(&self, inputs: &[Operand], shape: &[usize]) -> Result<Block> {
        let size = shape
            .iter()
            .try_fold(1usize, |n, &l| n.checked_mul(l))
            .ok_or_else(|| KernelError::malformed("formula", "the output is too large"))?;
        let layouts = self.layouts(inputs, shape)?;
        dispatch!(self.dtype(), T => {
            let mut out: Vec<T> = vec![T::default(); size];
            if size > 0 {
                self.fill(inputs, &layouts, &mut out)?;
            }
            Block::from_vec(shape, out)
        })
    }

    fn layouts(&self, inputs: &[Operand], shape: &[usize]) -> Result<Vec<Layout>> {
        if inputs.len() != self.inputs.len() || self.steps.is_empty() {
            return Err(KernelError::malformed(
                "formula",
                format!("{} operands for {} inputs and {} steps", inputs.len(), self.inputs.len(), self.steps.len()),
            ));
        }
        inputs
            .iter()
            .zip(&self.inputs)
            .map(|(operand, &expected)| {
                if operand.block.dtype() != expected {
                    return Err(KernelError::DType { expected, got: operand.block.dtype() });
                }
                Layout::of(operand, shape)
            })
            .collect()
    }

    fn fill<T: Stored>(&self, inputs: &[Operand], layouts: &[Layout], out: &mut [T]) -> Result<()> {
        let Some((&(result, _), before)) = self.steps.split_last() else { return Ok(()) };
        let tile = TILE.min(out.len());
        let mut lanes = before
            .iter()
            .map(|&(step, dtype)| dispatch!(dtype, S => S::enclose(S::prepare(step, inputs, layouts, tile)?)))
            .collect::<Result<Vec<Lanes>>>()?;
        let mut last: Lane<T> = T::prepare(result, inputs, layouts, tile)?;
        for (number, part) in out.chunks_mut(tile).enumerate() {
            let start = number * tile;
            for (i, &(step, dtype)) in before.iter().enumerate() {
                let (earlier, rest) = lanes.split_at_mut(i);
                let Some(own) = rest.first_mut() else { continue };
                dispatch!(dtype, S => {
                    let lane = S::lane_mut(own)?;
                    match step {
                        Step::Literal(_) => {}
                        Step::Input(n) => S::load(lane, &inputs[n as usize], &layouts[n as usize], start, part.len())?,
                        _ => compute(step, &mut lane.cells[..part.len()], earlier)?,
                    }
                });
            }
            match result {
                Step::Literal(_) => part.copy_from_slice(last.read(part.len())?),
                Step::Input(n) => {
                    T::load(&mut last, &inputs[n as usize], &layouts[n as usize], start, part.len())?;
                    part.copy_from_slice(last.read(part.len())?);
                }
                _ => compute(result, part, &lanes)?,
            }
        }
        Ok(())
    }
}

/// Leaves of a program: inputs and literals.
trait Leaf<'a>: Stored {
    /// A register with room for a tile, filled at once where it holds the same number in every tile.
    fn prepare(step: Step, inputs: &[Operand<'a>], layouts: &[Layout], tile: usize) -> Result<Lane<'a, Self>>;
    /// Fills a register with the input's cells from `start` on, or points it at them.
    fn load(lane: &mut Lane<'a, Self>, operand: &Operand<'a>, layout: &Layout, start: usize, n: usize) -> Result<()>;
}

impl<'a, T: Stored> Leaf<'a> for T {
    fn prepare(step: Step, inputs: &[Operand<'a>], layouts: &[Layout], tile: usize) -> Result<Lane<'a, T>> {
        let cells = match step {
            Step::Literal(bits) => vec![T::literal(bits); tile],
            Step::Input(n) => match &layouts[n as usize] {
                Layout { first, lies: Lies::Single } => vec![cells_of::<T>(&inputs[n as usize])?[*first]; tile],
                Layout { lies: Lies::Same, .. } => vec![],
                Layout { lies: Lies::Strided(_), .. } => vec![T::default(); tile],
            },
            _ => vec![T::default(); tile],
        };
        Ok(Lane { cells, window: None })
    }

    fn load(lane: &mut Lane<'a, T>, operand: &Operand<'a>, layout: &Layout, start: usize, n: usize) -> Result<()> {
        let cells = &cells_of::<T>(operand)?[layout.first..];
        match &layout.lies {
            Lies::Single => {}
            Lies::Same => lane.window = Some(&cells[start..start + n]),
            Lies::Strided(axes) => gather(cells, axes, start, &mut lane.cells[..n]),
        }
        Ok(())
    }
}

fn cells_of<'a, T: Stored>(operand: &Operand<'a>) -> Result<&'a [T]> {
    operand.block.as_slice::<T>().ok_or(KernelError::DType { expected: T::DTYPE, got: operand.block.dtype() })
}
