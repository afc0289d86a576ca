#![allow(clippy::unwrap_used)]

use super::*;
use crate::graph::{Dim, MAX_DEPTH};
use crate::{AxisChunks, DType};
use std::cell::Cell;

/// A variable of ones that counts how often it is read.
struct Counted(Cell<usize>);

impl Leaves for Counted {
    type Error = KernelError;

    fn scan(&self, _: u32, at: &[Range<usize>]) -> Result<Block> {
        self.0.set(self.0.get() + 1);
        Ok(Block::filled(DType::F64, &bounds::shape_of(at), 1.0))
    }
}

fn variable(graph: &mut Graph) -> NodeId {
    graph.scan(0, vec![Dim { name: "x".into(), len: 8 }], DType::F64)
}

fn chain(graph: &mut Graph, mut id: NodeId, length: u32) -> Result<NodeId> {
    for i in 0..length {
        id = graph.push(Op::Rename { input: id, names: vec![if i % 2 == 0 { "y" } else { "x" }.into()] })?;
    }
    Ok(id)
}

#[test]
fn reductions_within_reductions_are_computed_once() {
    let mut graph = Graph::new();
    let mut x = variable(&mut graph);
    let levels = 30;
    for _ in 0..levels {
        let all = graph.push(Op::Reduce { input: x, reduction: Reduction::Max { skipna: true }, axes: vec![0], groups: None }).unwrap();
        let wide = graph.push(Op::Expand { input: all, axis: 0, dim: Dim { name: "x".into(), len: 8 } }).unwrap();
        x = graph.push(Op::Concat { inputs: vec![x, wide], axis: 0 }).unwrap();
        x = graph.push(Op::Take { input: x, axis: 0, index: Index::Range { start: 4, step: 1, len: 8 } }).unwrap();
    }
    let tiling = Tiling::of(&graph, &[&[AxisChunks::uniform(8, 2)]]).unwrap();
    let (leaves, known) = (Counted(Cell::new(0)), Known::new());
    let block = Evaluator::new(&graph, &tiling, &known, &leaves).evaluate(x, &vec![0..8]).unwrap();
    assert_eq!(*block, Block::filled(DType::F64, &[8], 1.0));
    assert!(leaves.0.get() <= 2 * (levels + 1), "the variable was read {} times", leaves.0.get());
}

#[test]
fn the_longest_chain_fits_on_a_small_stack_and_a_longer_one_is_refused() {
    let evaluate = || {
        let mut graph = Graph::new();
        let x = variable(&mut graph);
        let end = chain(&mut graph, x, MAX_DEPTH - 1).unwrap();
        assert!(chain(&mut graph, end, 1).is_err());
        let tiling = Tiling::of(&graph, &[&[AxisChunks::uniform(8, 2)]]).unwrap();
        let (leaves, known) = (Counted(Cell::new(0)), Known::new());
        Evaluator::new(&graph, &tiling, &known, &leaves).evaluate(end, &vec![2..5]).unwrap().len()
    };
    let small = std::thread::Builder::new().stack_size(1 << 20);
    assert_eq!(small.spawn(evaluate).unwrap().join().unwrap(), 3);
}
