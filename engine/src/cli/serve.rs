//! `xeng serve`: a region engine, and on request the gateway.

use super::args::ServeArgs;
use crate::error::{Error, Result};
use crate::planfile::quantity;
use crate::serve_config::ServeConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::net::TcpListener;
use xeng_proto::Region;
use xeng_proto::grpc::meter::Meter;
use xeng_proto::grpc::server::{region_router, serve_router};
use xeng_regions::store::StoreConfig;
use xeng_regions::{EngineConfig, LocalRegion, Roots, WriteRoots};

const DEFAULT_LISTEN: &str = "127.0.0.1:7070";
const DEFAULT_REGION: &str = "home";
const DEFAULT_MEMORY_BYTES: u64 = 2 << 30;

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
    let config = EngineConfig {
        region: region.clone(),
        threads,
        memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
        roots,
        write_roots: WriteRoots::only(&writable)?,
        stores: StoreConfig {
            s3: file.s3,
            cache: super::cache::config(&args.cache)?.or(file.cache),
            manifests: super::cache::manifests(&args.cache, file.manifests),
        },
    };
    let engine: Arc<dyn Region> = Arc::new(LocalRegion::start(config)?);
    let listener = TcpListener::bind(&listen).await.map_err(|e| unlistenable(&listen, &e))?;
    let address = listener.local_addr().map_err(|e| Error::internal(e.to_string()))?;
    let status = engine.status().await?;
    eprintln!(
        "xeng {} serves region {region} at http://{address} ({} threads, {})",
        status.version,
        status.threads,
        if memory_bytes >> 20 > 0 { format!("{} MiB", memory_bytes >> 20) } else { format!("{memory_bytes} bytes") }
    );
    let mut services = region_router(engine.clone()).await?;
    if args.gateway {
        services = services.add_service(super::gateway::service(args.topology.as_deref(), &region, engine)?);
        eprintln!("the gateway evaluates expressions at the same address");
    }
    serve_router(services, listener, Meter::default(), shutdown()).await.map_err(Error::from)
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
