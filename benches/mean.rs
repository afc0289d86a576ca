//! The mean over time of a NetCDF-4 variable through shuffle and deflate: the whole engine beside a hand-written loop
//! over the same stored bytes (libdeflate, SIMD unshuffle, sum and count), on the same number of threads.
//!
//! `XENG_BENCH_FILE=FILE.nc XENG_BENCH_VARIABLE=t2m` measures a file of your own instead of the one made here.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, dead_code)]

#[path = "kit/archive.rs"]
mod archive;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::atomic::{AtomicUsize, Ordering};
use xeng::open_spec::OpenSpec;
use xeng::session::{Job, Session, Setup};
use xeng_kernels::AxisChunks;
use xeng_proto::DatasetSpec;
use xeng_regions::{ChunkSource, open};

fn mean(c: &mut Criterion) {
    let made = tempfile::tempdir().unwrap();
    let (file, variable) = archive::file(made.path());
    let spec = DatasetSpec { uri: file.to_string_lossy().into_owned(), ..DatasetSpec::default() };
    let dataset = open(&xeng_regions::store::Stores::default(), &spec).unwrap();
    let source = dataset.source(&variable).unwrap().clone();
    let shape: Vec<usize> = source.chunks().iter().map(AxisChunks::len).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);

    let mut group = c.benchmark_group(format!("mean_over_time/f32/{}x{}x{}/{threads}_threads", shape[0], shape[1], shape[2]));
    group.sample_size(10).throughput(Throughput::Bytes((shape.iter().product::<usize>() * 4) as u64));
    group.bench_function("hand_loop", |b| b.iter(|| hand_loop(source.as_ref(), &shape, threads)));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = Session::start(Setup { threads: Some(threads), ..Setup::default() }).unwrap();
    let text = format!("d.{variable}.mean('{}')", dataset.description.variables[&variable].dims[0]);
    let job = Job::expression(&text, vec![OpenSpec { name: "d".to_owned(), dataset: spec, region: None }]);
    group.bench_function("xeng", |b| b.iter(|| runtime.block_on(session.evaluate(&job, &|_, _| {})).unwrap()));
    group.finish();
}

/// Sums and counts per cell over the first axis, chunk by chunk, threads taking turns.
fn hand_loop(source: &dyn ChunkSource, shape: &[usize], threads: usize) -> Vec<f32> {
    let grid = source.chunks();
    let counts: Vec<usize> = grid.iter().map(AxisChunks::count).collect();
    let next = AtomicUsize::new(0);
    let plane = shape[1] * shape[2];
    let parts: Vec<(Vec<f64>, Vec<u32>)> = std::thread::scope(|scope| {
        let work = || {
            let (mut sums, mut present) = (vec![0f64; plane], vec![0u32; plane]);
            let mut inflate = libdeflater::Decompressor::new();
            let (mut shuffled, mut cells) = (vec![], vec![]);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= counts.iter().product() {
                    return (sums, present);
                }
                let at = [n / (counts[1] * counts[2]), n / counts[2] % counts[1], n % counts[2]];
                let ranges: Vec<_> = at.iter().zip(grid).map(|(&c, axis)| axis.range(c)).collect();
                let stored = source.fetch(&at).unwrap().unwrap();
                let stored_shape: Vec<usize> = grid.iter().map(AxisChunks::longest).collect();
                let bytes = stored_shape.iter().product::<usize>() * 4;
                shuffled.resize(bytes, 0);
                cells.resize(bytes, 0);
                inflate.zlib_decompress(&stored.bytes, &mut shuffled).unwrap();
                xeng_regions::codec::shuffle::unshuffle(&shuffled, 4, &mut cells);
                let (rows, width) = (stored_shape[1], ranges[2].len());
                for (i, row) in cells.chunks_exact(stored_shape[2] * 4).enumerate().take(ranges[0].len() * rows) {
                    // Chunks at the edge are stored whole, and reach over it.
                    if i % rows >= ranges[1].len() {
                        continue;
                    }
                    let start = (ranges[1].start + i % rows) * shape[2] + ranges[2].start;
                    let (sums, present) = (&mut sums[start..start + width], &mut present[start..start + width]);
                    for ((cell, sum), count) in row.chunks_exact(4).zip(sums).zip(present) {
                        let x = f32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]]);
                        let is_number = !x.is_nan();
                        *sum += if is_number { f64::from(x) } else { 0.0 };
                        *count += u32::from(is_number);
                    }
                }
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    (0..plane)
        .map(|i| {
            let (sum, count) = parts.iter().fold((0.0, 0), |(s, n), (sums, present)| (s + sums[i], n + present[i]));
            (sum / f64::from(count)) as f32
        })
        .collect()
}

criterion_group!(benches, mean);
criterion_main!(benches);
