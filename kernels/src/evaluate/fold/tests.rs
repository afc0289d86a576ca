#![allow(clippy::unwrap_used)]

use super::*;
use crate::evaluate::{Known, NoLeaves};
use crate::formula::{Binary, Step};
use crate::graph::Dim;
use crate::tiling::Tiling;
use crate::{DType, KernelError};
use proptest::prelude::*;

/// `(x - c)` with `x(t, y, x)` and `c(k, y)`, which adds an axis to the end and lies in another order than the result.
fn difference(lengths: [usize; 4]) -> (Graph, NodeId) {
    let [t, y, x, k] = lengths;
    let cells = |n: usize, missing: usize| (0..n).map(move |i| if i % 11 == missing { f64::NAN } else { 1.0 / (i as f64 + 3.0) });
    let mut graph = Graph::new();
    let names = |names: &[&str]| names.iter().map(|&n| n.into()).collect::<Vec<_>>();
    let data = Block::from_vec(&[t, y, x], cells(t * y * x, 5).collect()).unwrap();
    let climate = Block::from_vec(&[k, y], cells(k * y, 10).collect()).unwrap();
    let data = graph.constant(&names(&["t", "y", "x"]), data).unwrap();
    let climate = graph.constant(&names(&["k", "y"]), climate).unwrap();
    let mut formula = Formula::new(&[DType::F64, DType::F64]);
    let a = formula.push(Step::Input(0), DType::F64).unwrap();
    let b = formula.push(Step::Input(1), DType::F64).unwrap();
    formula.push(Step::Binary(Binary::Sub, a, b), DType::F64).unwrap();
    let id = graph.push(Op::Map { formula: Arc::new(formula), inputs: vec![data, climate] }).unwrap();
    (graph, id)
}

const REDUCTIONS: [Reduction; 6] = [
    Reduction::Mean { skipna: true },
    Reduction::Sum { skipna: false, min_count: 0 },
    Reduction::Min { skipna: true },
    Reduction::Std { skipna: true, ddof: 0 },
    Reduction::Prod { skipna: true, min_count: 0 },
    Reduction::Count,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Folding tile by tile gives the bits of folding the whole box at once.
    #[test]
    fn tiles_fold_as_the_whole_does(
        lengths in [1usize..7, 1..20, 1..20, 1..5],
        folded in proptest::sample::subsequence(vec![0usize, 1, 2, 3], 1..4),
        grouped in any::<bool>(),
    ) {
        let (graph, id) = difference(lengths);
        let node = graph.node(id).unwrap();
        let at: Bounds = node.dims.iter().map(|d| d.len / 4..d.len).collect();
        let groups = grouped.then(|| folded[0]).map(|axis| Groups {
            axis,
            dim: Dim { name: "group".into(), len: 3 },
            codes: (0..node.dims[axis].len as i32).map(|i| i % 4 - 1).collect::<Vec<_>>().into(),
        });
        let axes: Vec<usize> = folded.iter().copied().filter(|a| groups.as_ref().is_none_or(|g| g.axis != *a)).collect();
        let shape: Vec<usize> = (0..at.len())
            .filter(|a| !axes.contains(a))
            .map(|a| if groups.as_ref().is_some_and(|g| g.axis == a) { 3 } else { at[a].len() })
            .collect();
        let (tiling, known) = (Tiling::of(&graph, &[]).unwrap(), Known::new());
        let folded = Folded { axes: &axes, groups: groups.as_ref().map(|g| (g, 0..3)) };
        for reduction in REDUCTIONS {
            let (mut tiled, mut whole) = (reduction.identity(DType::F64, &shape), reduction.identity(DType::F64, &shape));
            let mut evaluator = Evaluator::new(&graph, &tiling, &known, &NoLeaves);
            evaluator.fold(id, &at, &folded, &mut [(reduction, &mut tiled)]).unwrap();
            let block = evaluator.evaluate(id, &at).unwrap();
            let codes = folded.codes(&at);
            reduction.update(&mut whole, &block, &folded.fold(node, &at, codes.as_deref())).unwrap();
            let bytes = |p: &Partial| p.states.iter().flat_map(Block::to_le_bytes).collect::<Vec<u8>>();
            prop_assert_eq!(bytes(&tiled), bytes(&whole), "{:?} over {:?}", reduction, axes);
        }
    }
}

#[test]
fn a_partial_of_another_width_is_refused() -> Result<()> {
    let (graph, id) = difference([4, 30, 20, 3]);
    let (tiling, known) = (Tiling::of(&graph, &[])?, Known::new());
    let at = bounds::whole(&graph.node(id)?.shape());
    let mean = Reduction::Mean { skipna: true };
    let mut narrow = mean.identity(DType::F64, &[30, 20, 2]);
    let folded = Folded { axes: &[0], groups: None };
    let told = Evaluator::new(&graph, &tiling, &known, &NoLeaves).fold(id, &at, &folded, &mut [(mean, &mut narrow)]);
    assert!(matches!(told, Err(KernelError::Shape { .. })), "{told:?}");
    Ok(())
}
