//! Starts a session: an engine in this process where the topology says so, connections to all others.

use super::Session;
use crate::error::{Error, Result};
use crate::execute::{Engines, Patience};
use crate::planfile::Budget;
use crate::topology::{RegionPlace, Topology};
use std::num::NonZeroUsize;
use std::sync::Arc;
use xeng_proto::Region;
use xeng_proto::grpc::GrpcRegion;
use xeng_regions::store::StoreConfig;
use xeng_regions::{EngineConfig, LocalRegion, WriteRoots};

/// The region that results are wanted in when nobody says.
const DEFAULT_HOME: &str = "home";
/// Memory of the engine in this process when nobody says.
const DEFAULT_MEMORY_BYTES: u64 = 2 << 30;

/// Is told what a session waits for.
pub type Tell = fn(&str);

/// What a session is started from.
#[derive(Clone)]
pub struct Setup {
    /// Where the engines are; a home region that it does not name gets an engine in this process.
    pub topology: Topology,
    /// What a run may cost.
    pub budget: Budget,
    /// Compute threads of the engine in this process; one per processor if `None`.
    pub threads: Option<usize>,
    /// How the engine in this process reaches stores.
    pub stores: StoreConfig,
    /// How patient runs are.
    pub patience: Patience,
    /// The engine of this process, where there is one already: it serves every region that the topology has in this process.
    pub local: Option<Arc<dyn Region>>,
    /// Is told what a session waits for; nobody by default.
    pub tell: Tell,
}

impl Default for Setup {
    fn default() -> Setup {
        let (topology, budget, patience) = (Topology::default(), Budget::default(), Patience::default());
        Setup { topology, budget, threads: None, stores: StoreConfig::default(), patience, local: None, tell: |_| {} }
    }
}

impl Session {
    /// Starts a session. Connections are made when first needed.
    ///
    /// # Errors
    /// `Request` for an unfit address, `Unavailable` when the system gives no threads.
    pub fn start(setup: Setup) -> Result<Session> {
        let Setup { topology, budget, threads, stores, mut patience, mut local, tell } = setup;
        patience.deadline = budget.deadline.or(patience.deadline);
        let home = topology.home.clone().unwrap_or_else(|| DEFAULT_HOME.to_owned());
        let mut engines = Engines::new();
        let mut remote = vec![];
        let memory_bytes = budget.memory_bytes.unwrap_or(DEFAULT_MEMORY_BYTES);
        let engine_bytes = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
        let mut in_process = |name: &str| -> Result<Arc<dyn Region>> {
            if let Some(engine) = &local {
                return Ok(engine.clone());
            }
            let config = EngineConfig {
                threads: threads.and_then(NonZeroUsize::new),
                memory_bytes: engine_bytes,
                stores: stores.clone(),
                write_roots: WriteRoots::everywhere(),
                ..EngineConfig::new(name)
            };
            let engine: Arc<dyn Region> = Arc::new(LocalRegion::start(config)?);
            local = Some(engine.clone());
            Ok(engine)
        };
        for (name, place) in &topology.regions {
            let endpoints = endpoints(name, place)?;
            let all = if endpoints.is_empty() { vec![in_process(name)?] } else { connected(name, &endpoints)? };
            if !endpoints.is_empty() {
                remote.push(name.clone());
            }
            engines.insert(name.clone(), all);
        }
        if !engines.contains_key(&home) {
            engines.insert(home.clone(), vec![in_process(&home)?]);
        }
        Ok(Session {
            engines,
            topology,
            home,
            remote,
            wan_bytes: budget.wan_bytes,
            memory_bytes,
            patience,
            tell,
            met: Default::default(),
            leaving: Default::default(),
        })
    }
}

fn connected(region: &str, endpoints: &[String]) -> Result<Vec<Arc<dyn Region>>> {
    endpoints.iter().map(|e| Ok(Arc::new(GrpcRegion::connect(e, format!("{region} ({e})"))?) as Arc<dyn Region>)).collect()
}

/// The addresses of a region's engines; none for one in this process.
fn endpoints(name: &str, place: &RegionPlace) -> Result<Vec<String>> {
    let ways = usize::from(!place.endpoints.is_empty()) + usize::from(place.dns.is_some()) + usize::from(place.local);
    if ways != 1 {
        return Err(Error::request(format!("region '{name}' must say where its engines are in exactly one way"))
            .hint("give endpoints = [...], dns = \"name:port\" or local = true"));
    }
    let Some(dns) = &place.dns else { return Ok(place.endpoints.clone()) };
    let found = std::net::ToSocketAddrs::to_socket_addrs(dns.as_str())
        .map_err(|e| Error::unavailable(format!("region '{name}': '{dns}' cannot be resolved: {e}")))?;
    let mut all: Vec<String> = found.map(|address| format!("http://{address}")).collect();
    all.sort();
    all.dedup();
    Ok(all)
}
