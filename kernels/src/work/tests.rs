#![allow(clippy::unwrap_used)]

use super::*;
use crate::graph::Dim;
use crate::{Block, DType, Evaluator, KernelError, Known, Leaves, MergeTree, Partial};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn runs_are_what_a_merge_tree_is_left_with() {
    for units in 1..20usize {
        for from in 0..units {
            for to in from..=units {
                let mut tree = MergeTree::new(units as u32);
                (from..to).for_each(|u| tree.insert((0, u as u32), vec![], |_, _| Ok(())).unwrap());
                assert_eq!(runs(from, to, units), tree.drain().len(), "{from}..{to} of {units}");
            }
        }
    }
}

#[test]
fn answers_are_finished_boxes_and_the_runs_of_cut_ones() {
    for (boxes, units) in [(1, 1), (1, 4), (1, 5), (3, 5), (4, 7), (9, 1)] {
        let plan = WorkPlan {
            roles: vec![Role::Kept, Role::Reduced],
            kept: vec![AxisChunks::uniform(2 * boxes, 2)],
            bands: vec![Band { start: 0, folded: vec![AxisChunks::uniform(units, 1)] }],
            pieces_per_unit: 1,
            fold: None,
            state_bytes_per_cell: 100,
            output_bytes_per_cell: 1,
            shares: Shares::Units,
        };
        let per_box = plan.units_per_box();
        for parts in 1..8u32 {
            let mut expected = 0;
            for part in 0..parts {
                let mut trees = BTreeMap::<usize, MergeTree>::new();
                for unit in plan.share(part, parts) {
                    let (at, number) = plan.place(unit);
                    let tree = trees.entry(at).or_insert_with(|| MergeTree::new(per_box as u32));
                    tree.insert((0, number as u32), vec![], |_, _| Ok(())).unwrap();
                }
                for mut tree in trees.into_values() {
                    expected += if tree.is_complete() { 2 } else { 200 * tree.drain().len() };
                }
            }
            assert_eq!(plan.answer_bytes(parts), expected, "{boxes} boxes of {units} units in {parts} parts");
        }
    }
}

#[test]
fn boxes_on_a_grid_are_its_chunks_and_are_never_shared() {
    let mut graph = Graph::new();
    let dims = vec![Dim::new("t", 400), Dim::new("y", 700), Dim::new("x", 900)];
    let scan = graph.scan(0, dims, DType::F32);
    let op = Op::Reduce { input: scan, reduction: Reduction::Mean { skipna: true }, axes: vec![0], groups: None };
    let mean = graph.push(op).unwrap();
    let grid = [AxisChunks::uniform(400, 3), AxisChunks::uniform(700, 100), AxisChunks::uniform(900, 70)];
    let tiling = Tiling::of(&graph, &[&grid]).unwrap();
    for (node, chunk) in [(scan, vec![7, 90, 800]), (mean, vec![90, 800])] {
        let plan = WorkPlan::on_grid(&graph, &tiling, &[node], &chunk).unwrap();
        let shape = graph.node(node).unwrap().shape();
        assert_eq!(plan.boxes(), shape.iter().zip(&chunk).map(|(n, c)| n.div_ceil(*c)).product::<usize>());
        for index in 0..plan.boxes() {
            let at = plan.result_box(index);
            assert!(at.iter().zip(&chunk).zip(&shape).all(|((r, c), n)| r.start % c == 0 && r.end == (r.start + c).min(*n)), "{at:?}");
            assert_eq!(plan.box_at(&at), Some(index));
        }
        for parts in 1..6 {
            let shares: Vec<_> = (0..parts).map(|i| plan.share(i, parts)).collect();
            assert!(shares.iter().all(|s| s.start % plan.units_per_box() == 0), "{shares:?}");
            assert_eq!(shares.iter().map(Range::len).sum::<usize>(), plan.units());
        }
    }
    assert!(WorkPlan::on_grid(&graph, &tiling, &[mean], &[90]).is_err());
    assert!(WorkPlan::on_grid(&graph, &tiling, &[mean], &[90, 0]).is_err());
}

/// A variable of whole numbers, some missing: sums of it are exact in any order.
struct Cells(Block);

impl Leaves for Cells {
    type Error = KernelError;

    fn scan(&self, _: u32, at: &[Range<usize>]) -> Result<Block> {
        self.0.slice(at)
    }
}

/// The whole result, unit by unit along the plan.
fn run(graph: &Graph, tiling: &Tiling, id: NodeId, plan: &WorkPlan, cells: &Cells) -> Block {
    let node = graph.node(id).unwrap();
    let Op::Reduce { input, reduction, .. } = &node.op else { unreachable!() };
    let dtype = graph.node(*input).unwrap().dtype;
    let per_box = plan.units_per_box() as u32;
    let mut out = Block::filled(node.dtype, &node.shape(), -1.0);
    for index in 0..plan.boxes() {
        let at = plan.result_box(index);
        let mut tree = MergeTree::new(per_box);
        for number in 0..per_box {
            let mut partial = reduction.identity(dtype, &crate::bounds::shape_of(&at));
            for piece in plan.pieces(index * per_box as usize + number as usize) {
                let known = Known::new();
                let mut evaluator = Evaluator::new(graph, tiling, &known, cells);
                evaluator.fold(*input, &piece, &plan.folded(index).unwrap(), &mut [(*reduction, &mut partial)]).unwrap();
            }
            let merge = |left: &mut Vec<Partial>, right: Vec<Partial>| reduction.merge(&mut left[0], &right[0]);
            tree.insert((0, number), vec![partial], merge).unwrap();
        }
        let partial = tree.into_root().unwrap().remove(0);
        out.paste(&at, &reduction.finish(partial, dtype).unwrap()).unwrap();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Groups that are made run by run are those that are made at once: with gaps, groups of nothing, chunks that cut groups, any grid.
    #[test]
    fn bands_of_groups_are_the_whole(
        steps in proptest::collection::vec((0i32..3, 0u8..10), 1..50),
        follows in any::<bool>(),
        others in [1usize..4, 1..5],
        place in 0usize..3,
        reduced in any::<bool>(),
        chunks in [1usize..20, 1..4, 1..5],
        grid in [1usize..8, 1..4, 1..5],
    ) {
        let mut code = 0;
        let codes: Vec<i32> = steps.iter().map(|&(step, lot)| {
            code = if follows { code + step } else { (code + step) % 4 };
            if lot > 0 { code } else { -1 }
        }).collect();
        let mut lengths = others.to_vec();
        lengths.insert(place, codes.len());
        let mut cut = chunks[1..].to_vec();
        cut.insert(place, chunks[0]);
        let n: usize = lengths.iter().product();
        let cells: Vec<f64> = (0..n).map(|i| if i % 7 == 3 { f64::NAN } else { (i * 31 % 101) as f64 }).collect();
        let cells = Cells(Block::from_vec(&lengths, cells).unwrap());
        let mut graph = Graph::new();
        let dims = ["a", "b", "c"].iter().zip(&lengths).map(|(name, &len)| Dim::new(name, len)).collect();
        let scan = graph.scan(0, dims, DType::F64);
        let groups = Groups { axis: place, codes: codes.into(), dim: Dim::new("g", code.max(3) as usize + 2) };
        let axes: Vec<usize> = (0..3).filter(|&a| reduced && a == (place + 1) % 3).collect();
        let whole: Vec<AxisChunks> = lengths.iter().map(|&len| AxisChunks::uniform(len, 0)).collect();
        let pieces: Vec<AxisChunks> = lengths.iter().zip(&cut).map(|(&len, &chunk)| AxisChunks::uniform(len, chunk)).collect();
        for reduction in [Reduction::Mean { skipna: true }, Reduction::Max { skipna: false }, Reduction::Count, Reduction::Sum { skipna: true, min_count: 1 }] {
            let id = graph.push(Op::Reduce { input: scan, reduction, axes: axes.clone(), groups: Some(groups.clone()) }).unwrap();
            let at_once = {
                let tiling = Tiling::of(&graph, &[&whole]).unwrap();
                let plan = WorkPlan::of(&graph, &tiling, &[id]).unwrap();
                prop_assert_eq!(plan.bands.len(), 1);
                run(&graph, &tiling, id, &plan, &cells)
            };
            let tiling = Tiling::of(&graph, &[&pieces]).unwrap();
            let shape = graph.node(id).unwrap().shape();
            let chunk: Vec<usize> = shape.iter().zip(&grid).map(|(&len, &chunk)| chunk.min(len.max(1))).collect();
            let mut plans = vec![
                WorkPlan::of(&graph, &tiling, &[id]).unwrap(),
                WorkPlan::on_grid(&graph, &tiling, &[id], &chunk).unwrap(),
            ];
            // One piece to a unit, so that bands differ in their units.
            plans.push(WorkPlan { pieces_per_unit: 1, ..plans[1].clone() });
            for plan in plans {
                let banded = run(&graph, &tiling, id, &plan, &cells);
                prop_assert_eq!(banded.to_le_bytes(), at_once.to_le_bytes(), "{:?} in {:?}", reduction, plan);
                for index in 0..plan.boxes() {
                    prop_assert_eq!(plan.box_at(&plan.result_box(index)), Some(index));
                }
            }
            // Inside other operators, box by box.
            let known = Known::new();
            let mut evaluator = Evaluator::new(&graph, &tiling, &known, &cells);
            let at: Bounds = shape.iter().zip(&grid).map(|(&len, &g)| len / 3..len.min(len / 3 + g)).collect();
            let nested = evaluator.evaluate(id, &at).unwrap();
            prop_assert_eq!(nested.to_le_bytes(), at_once.slice(&at).unwrap().to_le_bytes(), "{:?} at {:?}", reduction, at);
        }
    }
}
