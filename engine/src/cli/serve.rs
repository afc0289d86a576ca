//! `xeng serve`: a region engine, and on request the gateway.

use super::args::ServeArgs;
use crate::error::{Error, Result};
use crate::planfile::quantity;
use crate::serve_config::ServeConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use xeng_proto::Region;
use xeng_proto::grpc::meter::Meter;
use xeng_proto::grpc::server::{region_router_and_health, serve_router};
use xeng_regions::pool::{Membership, Patience, Places, Pool};
use xeng_regions::store::StoreConfig;
use xeng_regions::{EngineConfig, LocalRegion, Roots, WriteRoots};

const DEFAULT_LISTEN: &str = "127.0.0.1:7070";
const DEFAULT_REGION: &str = "home";
const DEFAULT_MEMORY_BYTES: u64 = 2 << 30;
/// Of the memory of a node, the part that is for merging what others answer.
const HEAD_SHARE: u64 = 8;
/// How long a node that is asked to stop goes on with what it does before it takes no more connections.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn serve(args: ServeArgs) -> Result<()> {
    let file = args.config.as_deref().map(ServeConfig::read).transpose()?.unwrap_or_default();
    if args.until_stdin_ends {
        std::thread::spawn(end_with_stdin);
    }
    let region = args.region.or(file.region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let listen = args.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
    let memory_bytes = args.memory.as_deref().map(quantity::bytes).transpose()?.or(file.memory_bytes).unwrap_or(DEFAULT_MEMORY_BYTES);
    let folders = if args.root.is_empty() { file.roots } else { args.root };
    let roots = if folders.is_empty() { Roots::everywhere() } else { Roots::only(&folders)? };
    let writable = if args.write_root.is_empty() { file.write_roots } else { args.write_root };
    let threads = args.threads.or(file.threads).and_then(NonZeroUsize::new);
    let places = Places {
        peers: if args.peers.is_empty() { file.peers } else { args.peers },
        dns: args.peers_dns.or(file.peers_dns),
        join: args.join.or(file.join),
    };
    // What a head merges is kept beside what its own engine computes.
    let head_bytes = if places.is_empty() { 0 } else { memory_bytes / HEAD_SHARE };
    let config = EngineConfig {
        region: region.clone(),
        threads,
        memory_bytes: usize::try_from(memory_bytes - head_bytes).unwrap_or(usize::MAX),
        roots,
        write_roots: WriteRoots::only(&writable)?,
        stores: StoreConfig {
            s3: file.s3,
            cache: super::cache::config(&args.cache)?.or(file.cache),
            manifests: super::cache::manifests(&args.cache, file.manifests),
        },
    };
    let own = Arc::new(LocalRegion::start(config)?);
    let listener = TcpListener::bind(&listen).await.map_err(|e| unlistenable(&listen, &e))?;
    let address = listener.local_addr().map_err(|e| Error::internal(e.to_string()))?;
    let advertised = args.advertise.or(file.advertise).unwrap_or_else(|| format!("http://{address}"));
    let pool = node(own.clone(), places, advertised, head_bytes)?;
    let engine: Arc<dyn Region> = pool.clone().map_or(own, |pool| pool as Arc<dyn Region>);
    let status = engine.status().await?;
    eprintln!(
        "xeng {} serves region {region} at http://{address} ({} threads, {})",
        status.version,
        status.threads,
        if memory_bytes >> 20 > 0 { format!("{} MiB", memory_bytes >> 20) } else { format!("{memory_bytes} bytes") }
    );
    let (mut services, health) = region_router_and_health(engine.clone()).await?;
    if args.gateway {
        services = services.add_service(super::gateway::service(args.topology.as_deref(), &region, engine)?);
        eprintln!("the gateway evaluates expressions at the same address");
    }
    let ended = async {
        shutdown().await;
        health.not_ready().await;
        if let Some(pool) = pool {
            drained(&pool).await;
        }
    };
    serve_router(services, listener, Meter::default(), ended).await.map_err(Error::from)
}

/// A node of a pool, where other nodes are looked for.
fn node(own: Arc<LocalRegion>, places: Places, advertised: String, head_bytes: u64) -> Result<Option<Arc<Pool>>> {
    if places.is_empty() {
        return Ok(None);
    }
    let membership = Membership::new(places, advertised)?;
    let head_bytes = usize::try_from(head_bytes).unwrap_or(usize::MAX);
    let pool = Arc::new(Pool::new(own, Arc::default(), Patience::default(), head_bytes));
    pool.keep(membership);
    Ok(Some(pool))
}

/// Ends what a node is doing; its heads send what it has not begun to others, which see that it takes nothing more.
async fn drained(pool: &Pool) {
    pool.drain();
    let idle = async {
        while pool.status().await.is_ok_and(|status| status.active > 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = tokio::time::timeout(DRAIN_WITHIN, idle).await;
}

/// Why nobody can listen there: another program does, or it is no address of this machine.
fn unlistenable(listen: &str, why: &std::io::Error) -> Error {
    let message = format!("cannot listen at {listen}: {}", crate::error::told(why));
    match why.kind() {
        std::io::ErrorKind::AddrInUse => {
            Error::unavailable(message).hint("another program listens there: name another port, or 0 for a free one")
        }
        _ => Error::request(message).hint("write an address of this machine and a port, such as 127.0.0.1:7070 or 0.0.0.0:7070"),
    }
}

/// Ends the process at once when nobody holds the other end of stdin any more: its results have nobody to go to.
fn end_with_stdin() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    std::process::exit(0);
}

/// Until the process is asked to stop.
async fn shutdown() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = interrupt.await;
}
