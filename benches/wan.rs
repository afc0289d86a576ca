//! A mean over time of data behind a wide-area link: reduced where it lies, beside sending the same stored bytes over the same link.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "kit/data.rs"]
mod data;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use xeng::open_spec::parse_open;
use xeng::session::{Job, Session, Setup};
use xeng::topology::{RegionPlace, Topology};
use xeng::wan::{Link, WanProxy};
use xeng_regions::{EngineConfig, LocalRegion};

const TIMES: usize = 96;
const GRID: (usize, usize) = (181, 360);
/// From one coast to another.
const LINK: Link = Link { rtt: Duration::from_millis(70), bandwidth_bits_per_second: 500e6 };

/// A Zarr store of `TIMES` chunks without compression; gives its stored bytes.
fn store(folder: &Path) -> Vec<u8> {
    let at = folder.join("t");
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(folder.join(".zgroup"), r#"{"zarr_format":2}"#).unwrap();
    let (y, x) = GRID;
    let array = format!(
        r#"{{"zarr_format":2,"shape":[{TIMES},{y},{x}],"chunks":[1,{y},{x}],"dtype":"<f4","order":"C","compressor":null,"filters":null,"fill_value":null}}"#
    );
    std::fs::write(at.join(".zarray"), array).unwrap();
    std::fs::write(at.join(".zattrs"), r#"{"_ARRAY_DIMENSIONS":["time","y","x"]}"#).unwrap();
    let mut all = vec![];
    for time in 0..TIMES {
        let bytes = data::bytes_of(&data::temperatures(y * x, 0));
        std::fs::write(at.join(format!("{time}.0.0")), &bytes).unwrap();
        all.extend(bytes);
    }
    all
}

/// An engine behind a socket.
async fn engine() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let region = Arc::new(LocalRegion::start(EngineConfig::new("far")).unwrap());
    tokio::spawn(xeng_proto::grpc::serve(region, listener, std::future::pending()));
    address
}

/// A server that sends all chunks to whoever asks with one byte.
async fn chunks(stored: Arc<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let stored = stored.clone();
            tokio::spawn(async move { while socket.read_u8().await.is_ok() && socket.write_all(&stored).await.is_ok() {} });
        }
    });
    address
}

fn session(engine: &WanProxy) -> Session {
    let mut topology = Topology { home: Some("here".into()), ..Topology::default() };
    topology.regions.insert("far".into(), RegionPlace { endpoints: vec![format!("http://{}", engine.addr())], ..RegionPlace::default() });
    Session::start(Setup { topology, ..Setup::default() }).unwrap()
}

fn wan(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stored = Arc::new(store(folder.path()));
    let mut group = c.benchmark_group("wan");
    group.throughput(Throughput::Bytes(stored.len() as u64));
    let at = format!("f32({TIMES},{},{}) 500 Mbit/s 70 ms", GRID.0, GRID.1);

    let proxy = runtime.block_on(async { WanProxy::start(engine().await, LINK).await.unwrap() });
    let session = runtime.block_on(async { session(&proxy) });
    let open = parse_open(&format!("d={}@far", folder.path().display())).unwrap();
    let job = Job::expression("d.t.mean('time')", vec![open]);
    let before = proxy.carried();
    let run = runtime.block_on(session.evaluate(&job, &|_, _| {})).unwrap_or_else(|e| panic!("{e}"));
    let carried = proxy.carried();
    println!(
        "wan: {} bytes stored, {} to the region, {} back, {:.3} s",
        stored.len(),
        carried.to_target_bytes - before.to_target_bytes,
        carried.from_target_bytes - before.from_target_bytes,
        run.receipt.wall_seconds
    );
    group.bench_function(BenchmarkId::new("mean over time, xeng", &at), |b| {
        b.iter(|| runtime.block_on(session.evaluate(&job, &|_, _| {})).unwrap())
    });

    let proxy = runtime.block_on(async { WanProxy::start(chunks(stored.clone()).await, LINK).await.unwrap() });
    let mut socket = runtime.block_on(TcpStream::connect(proxy.addr())).unwrap();
    let mut buffer = vec![0; stored.len()];
    group.bench_function(BenchmarkId::new("ship the chunks", &at), |b| {
        b.iter(|| {
            runtime.block_on(async {
                socket.write_u8(1).await.unwrap();
                socket.read_exact(&mut buffer).await.unwrap()
            })
        });
    });
    group.finish();
}

criterion_group! { name = benches; config = time::short(); targets = wan }
criterion_main!(benches);
