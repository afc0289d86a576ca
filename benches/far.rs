//! The mean over time of a NetCDF-4 variable in S3, every answer of which begins 20 ms after it was asked for, beside the same file
//! on disk; then again from the cache beside the engine, which asks for no byte of it.
//!
//! `XENG_BENCH_FILE=FILE.nc XENG_BENCH_VARIABLE=t2m` measures a file of your own instead of the one made here.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "kit/archive.rs"]
mod archive;
#[path = "kit/s3.rs"]
mod s3;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use xeng::open_spec::parse_open;
use xeng::session::{Job, Session, Setup};
use xeng_regions::cache::CacheConfig;
use xeng_regions::store::StoreConfig;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LATENCY: Duration = Duration::from_millis(20);
/// Rounds in which disk and S3 take turns.
const TURNS: usize = 5;

/// Where the file lies, and a fresh engine for each run, so that none finds chunks in its memory.
struct Way {
    uri: String,
    stores: StoreConfig,
}

impl Way {
    fn mean(&self, runtime: &Runtime, variable: &str) -> Duration {
        let session = Session::start(Setup { stores: self.stores.clone(), ..Setup::default() }).unwrap();
        let job = Job::expression(&format!("d.{variable}.mean('time')"), vec![parse_open(&format!("d={}", self.uri)).unwrap()]);
        let began = Instant::now();
        runtime.block_on(session.evaluate(&job, &|_, _| {})).unwrap();
        began.elapsed()
    }
}

fn s3_stores(address: std::net::SocketAddr, cache: Option<&Path>) -> StoreConfig {
    let settings = [("endpoint", format!("http://{address}")), ("allow_http", "true".into()), ("skip_signature", "true".into())];
    let cache = cache.map(|folder| CacheConfig { folder: folder.to_path_buf(), budget_bytes: 16 << 30 });
    StoreConfig { s3: settings.map(|(k, v)| (k.to_owned(), v)).into(), cache, manifests: None }
}

fn far(c: &mut Criterion) {
    let made = tempfile::tempdir().unwrap();
    let (file, variable) = archive::file(made.path());
    let decoded = archive::decoded_bytes(&file, &variable);
    let runtime = Runtime::new().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let bucket =
        s3::Bucket { objects: [("t2m.nc".to_owned(), std::fs::read(&file).unwrap().into())].into(), latency: LATENCY, sent: sent.clone() };
    let address = runtime.block_on(s3::serve(bucket));
    let uri = "s3://bucket/t2m.nc".to_owned();
    let disk = Way { uri: file.to_string_lossy().into_owned(), stores: StoreConfig::default() };
    let far = Way { uri: uri.clone(), stores: s3_stores(address, None) };
    let cached = Way { uri, stores: s3_stores(address, Some(&made.path().join("cache"))) };

    let mut turns: Vec<(f64, f64)> =
        (0..TURNS).map(|_| (disk.mean(&runtime, &variable).as_secs_f64(), far.mean(&runtime, &variable).as_secs_f64())).collect();
    turns.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    println!("in turn, {TURNS} times: S3 takes {:.2} x the time of the disk (median)", turns[TURNS / 2].1 / turns[TURNS / 2].0);
    cached.mean(&runtime, &variable);
    let before = sent.load(Relaxed);
    cached.mean(&runtime, &variable);
    println!("from the cache: {} bytes came from S3", sent.load(Relaxed) - before);

    let mut group = c.benchmark_group("far/mean_over_time");
    group.sample_size(10).throughput(Throughput::Bytes(decoded));
    for (name, way) in [("disk", &disk), ("s3_20ms", &far), ("s3_20ms_cached", &cached)] {
        group.bench_function(name, |b| b.iter_custom(|n| (0..n).map(|_| way.mean(&runtime, &variable)).sum()));
    }
    group.finish();
}

criterion_group!(benches, far);
criterion_main!(benches);
