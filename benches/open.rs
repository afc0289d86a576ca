//! Opening many files at once: for the first time, from what was saved of them, and looking whether they have changed.
//!
//! `XENG_BENCH_FILES` says how many months there are (12). A decade of 120 has 2 s for the first opening and 0.2 s for the next.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "kit/series.rs"]
mod series;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use series::{MONTH, STEP, Shape};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use xeng_kernels::AxisChunks;
use xeng_proto::DatasetSpec;
use xeng_regions::open;
use xeng_regions::open::current_snapshot;
use xeng_regions::store::{StoreConfig, Stores};

/// What a month may take.
const MOST_COLD: Duration = Duration::from_millis(2_000 / 120);
const MOST_WARM: Duration = Duration::from_micros(200_000 / 120);
/// Only files that were left alone for so long are saved.
const SETTLED: Duration = Duration::from_millis(3_200);

fn archive(c: &mut Criterion, folder: &Path, (name, count, shape): (&str, usize, Shape)) {
    let uri = series::make(&folder.join(name), count, shape).to_string_lossy().into_owned();
    let spec = DatasetSpec { uri, ..DatasetSpec::default() };
    let kept = folder.join("manifests");
    let stores =
        |kept: Option<&Path>| Stores::new(StoreConfig { manifests: kept.map(Path::to_path_buf), ..StoreConfig::default() }).unwrap();
    std::thread::sleep(SETTLED);
    let began = Instant::now();
    let opened = open(&stores(Some(&kept)), &spec).unwrap();
    let cold = began.elapsed();
    let chunks: usize = opened.source("t2m").unwrap().chunks().iter().map(AxisChunks::count).product();
    let began = Instant::now();
    assert_eq!(open(&stores(Some(&kept)), &spec).unwrap().description, opened.description);
    let warm = began.elapsed();
    println!("open/{name}: {count} files, {chunks} chunks; first {cold:?}, saved {warm:?}");
    let is_late = cold > MOST_COLD * count as u32 || warm > MOST_WARM * count as u32;
    if cfg!(not(debug_assertions)) && is_late {
        eprintln!("open/{name}: over {MOST_COLD:?} or {MOST_WARM:?} a file");
        std::process::exit(1);
    }
    let mut group = c.benchmark_group("open");
    let id = |what: &str| BenchmarkId::new(what, format!("{count} {name}, {chunks} chunks"));
    group.bench_function(id("first"), |b| b.iter(|| open(&stores(None), black_box(&spec)).unwrap()));
    group.bench_function(id("saved"), |b| b.iter(|| open(&stores(Some(&kept)), black_box(&spec)).unwrap()));
    group.bench_function(id("unchanged"), |b| b.iter(|| current_snapshot(&stores(None), black_box(&spec)).unwrap()));
    group.finish();
}

fn opening(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let months = std::env::var("XENG_BENCH_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    archive(c, folder.path(), ("months", months, MONTH));
    archive(c, folder.path(), ("steps", 1_000, STEP));
}

criterion_group! { name = benches; config = time::short(); targets = opening }
criterion_main!(benches);
