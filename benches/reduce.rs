//! Reductions of a block over each axis, beside a loop written by hand and beside copying the block.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "kit/data.rs"]
mod data;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use xeng_kernels::{Block, Fold, Reduction};

const SHAPE: [usize; 3] = [24, 181, 360];

/// Folds the middle axis of (outer, along, inner) as one would without a library.
fn fold_by_hand<S: Copy>(cells: &[f32], [outer, along, inner]: [usize; 3], start: S, step: impl Fn(S, f32) -> S) -> Vec<S> {
    let mut states = vec![start; outer * inner];
    for (row, block) in states.chunks_exact_mut(inner).zip(cells.chunks_exact(along * inner)) {
        for line in block.chunks_exact(inner) {
            row.iter_mut().zip(line).for_each(|(s, &x)| *s = step(*s, x));
        }
    }
    states
}

fn by_hand(what: Reduction, cells: &[f32], shape: [usize; 3]) -> Vec<f64> {
    match what {
        Reduction::Mean { .. } => {
            fold_by_hand(cells, shape, (0.0f64, 0u32), |(s, n), x| if x.is_nan() { (s, n) } else { (s + f64::from(x), n + 1) })
                .into_iter()
                .map(|(s, n)| s / f64::from(n))
                .collect()
        }
        Reduction::Sum { .. } => fold_by_hand(cells, shape, 0.0f64, |s, x| if x.is_nan() { s } else { s + f64::from(x) }),
        Reduction::Max { .. } => fold_by_hand(cells, shape, f32::NEG_INFINITY, f32::max).into_iter().map(f64::from).collect(),
        // Sums of squares: faster than the moments that the engine merges, and wrong where the mean is large.
        _ => fold_by_hand(cells, shape, (0.0f64, 0.0f64, 0u32), |(s, q, n), x| {
            if x.is_nan() { (s, q, n) } else { (s + f64::from(x), q + f64::from(x) * f64::from(x), n + 1) }
        })
        .into_iter()
        .map(|(s, q, n)| q / f64::from(n) - (s / f64::from(n)).powi(2))
        .collect(),
    }
}

fn reduce(c: &mut Criterion) {
    let cells = data::temperatures(SHAPE.iter().product(), 1000);
    let block = Block::from_vec(&SHAPE, cells.clone()).unwrap();
    let mut group = c.benchmark_group("reduce");
    group.throughput(Throughput::Bytes(block.bytes() as u64));
    let mut copy = vec![0f32; cells.len()];
    group.bench_function("memcpy f32(24,181,360)", |b| b.iter(|| copy.copy_from_slice(black_box(&cells))));
    let all = [
        ("mean", Reduction::Mean { skipna: true }),
        ("sum", Reduction::Sum { skipna: true, min_count: 0 }),
        ("var", Reduction::Var { skipna: true, ddof: 0 }),
        ("max", Reduction::Max { skipna: true }),
    ];
    for (name, what) in all {
        for axis in 0..3 {
            let kept: Vec<usize> = (0..3).filter(|&a| a != axis).map(|a| SHAPE[a]).collect();
            let split = [SHAPE[..axis].iter().product(), SHAPE[axis], SHAPE[axis + 1..].iter().product()];
            let at = format!("f32(24,181,360) axis {axis}");
            group.bench_function(BenchmarkId::new(format!("{name} xeng"), &at), |b| {
                b.iter(|| {
                    let mut partial = what.identity(block.dtype(), &kept);
                    what.update(&mut partial, black_box(&block), &Fold { axes: &[axis], ..Fold::default() }).unwrap();
                    what.finish(partial, block.dtype()).unwrap()
                });
            });
            group.bench_function(BenchmarkId::new(format!("{name} by hand"), &at), |b| b.iter(|| by_hand(what, black_box(&cells), split)));
        }
    }
    group.finish();
}

criterion_group! { name = benches; config = time::short(); targets = reduce }
criterion_main!(benches);
