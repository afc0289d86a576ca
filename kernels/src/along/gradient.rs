//! Derivatives by second-order differences, as `numpy.gradient` takes them.

use super::view::View;
use crate::block::Block;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

/// The cells that a derivative is made of, and their weights. A weight of zero is a term all the same: its cell may be missing.
type Stencil = Vec<(usize, f64)>;

pub(super) fn apply(block: &Block, view: &View, shape: &[usize], x: &[f64], edge_order: u8) -> Result<Block> {
    let step = x[1] - x[0];
    let is_even = x.windows(2).all(|w| w[1] - w[0] == step);
    let stencils: Vec<Stencil> = view.at.clone().map(|i| stencil(x, i, edge_order, is_even.then_some(step))).collect();
    match block {
        Block::F32(_) => of::<f32, f32>(block, view, shape, &stencils),
        _ => dispatch!(block.dtype(), T => of::<T, f64>(block, view, shape, &stencils)),
    }
}

fn of<T: Element, O: Element>(block: &Block, view: &View, shape: &[usize], stencils: &[Stencil]) -> Result<Block> {
    debug_assert!(O::DTYPE == DType::F32 || O::DTYPE == DType::F64);
    view.strips::<T, O>(block, shape, 0, |strip, out, stride| {
        for (k, terms) in stencils.iter().enumerate() {
            for lane in 0..strip.lanes {
                out[k * stride + lane] = O::from_f64(terms.iter().map(|(i, w)| w * strip.row(*i)[lane].to_f64()).sum());
            }
        }
    })
}

/// Inside, the cell and its neighbours - of an even coordinate only these; at the ends, the first or last cells.
fn stencil(x: &[f64], i: usize, edge_order: u8, even: Option<f64>) -> Stencil {
    let n = x.len();
    let d = |a: usize| x[a + 1] - x[a];
    match (i, edge_order) {
        (0, 1) => vec![(0, -1.0 / d(0)), (1, 1.0 / d(0))],
        (i, 1) if i + 1 == n => vec![(n - 2, -1.0 / d(n - 2)), (n - 1, 1.0 / d(n - 2))],
        (0, _) => {
            let (a, b) = (d(0), d(1));
            vec![(0, -(2.0 * a + b) / (a * (a + b))), (1, (a + b) / (a * b)), (2, -a / (b * (a + b)))]
        }
        (i, _) if i + 1 == n => {
            let (a, b) = (d(n - 3), d(n - 2));
            vec![(n - 3, b / (a * (a + b))), (n - 2, -(b + a) / (a * b)), (n - 1, (2.0 * b + a) / (b * (a + b)))]
        }
        _ => match even {
            Some(step) => vec![(i - 1, -0.5 / step), (i + 1, 0.5 / step)],
            None => {
                let (a, b) = (d(i - 1), d(i));
                vec![(i - 1, -b / (a * (a + b))), (i, (b - a) / (a * b)), (i + 1, a / (b * (a + b)))]
            }
        },
    }
}
