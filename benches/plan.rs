//! Planning over a description of ten million chunks: neither time nor bytes may grow with their number.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "kit/described.rs"]
mod described;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};
use xeng::lazy::{Plan, Value};
use xeng::optimize::optimize;
use xeng::parse::parse;
use xeng::resolve::{Scope, resolve};
use xeng::stages::{Stages, cut};
use xeng_proto::wire::fragment_bytes;

/// What a plan may take.
const MOST_TIME: Duration = Duration::from_millis(10);
/// What a fragment may take on the wire.
const MOST_BYTES: usize = 10 << 10;

const EXPRESSIONS: [(&str, &str); 4] = [
    ("mean", "d.t2m.mean('time')"),
    ("selected mean", "d.t2m.sel(time=slice('2001', '2004'), lat=slice(60, 30)).mean('time')"),
    ("regridded difference", "(d.t2m - 273.15).mean('time').interp(lat=np.arange(-89.0, 90.0, 2.0), lon=np.arange(0.0, 359.0, 2.0)) - 1.0"),
    ("weighted global mean", "d.t2m.weighted(np.cos(np.deg2rad(d.lat))).mean(['time', 'lat', 'lon'])"),
];

fn stages(text: &str, scope: &Scope) -> Stages {
    let mut plan = Plan::default();
    let program = parse(text).unwrap_or_else(|e| panic!("{e}"));
    let value = resolve(&program, scope, &mut plan).unwrap_or_else(|e| panic!("{e}"));
    let Value::Array(array) = value else { panic!("{text} is no array") };
    let (graph, roots) = optimize(&plan.graph, &[array.node]).unwrap();
    cut(graph, roots, &plan.sources).unwrap()
}

fn plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    for times in [1_000, 100_000] {
        let opened = described::opened(times);
        let chunks = described::chunks(&opened);
        let mut scope = Scope::default();
        scope.datasets.insert("d".to_owned(), opened);
        for (name, text) in EXPRESSIONS {
            let bytes: usize = stages(text, &scope).asks.iter().map(|ask| fragment_bytes(&ask.fragment)).sum();
            let fastest = (0..5).map(|_| timed(|| stages(text, &scope))).min().unwrap_or_default();
            println!("plan/{name}: {chunks} chunks, {bytes} bytes of fragments, {fastest:?}");
            if cfg!(not(debug_assertions)) && (bytes > MOST_BYTES || fastest > MOST_TIME) {
                eprintln!("plan/{name}: over {MOST_BYTES} bytes or {MOST_TIME:?}");
                std::process::exit(1);
            }
            group.bench_function(BenchmarkId::new(name, format!("{chunks} chunks")), |b| b.iter(|| stages(black_box(text), &scope)));
        }
    }
    group.finish();
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    black_box(work());
    began.elapsed()
}

criterion_group! { name = benches; config = time::short(); targets = plan }
criterion_main!(benches);
