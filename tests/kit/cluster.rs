//! Engines and a session over them: in this process, behind real sockets, or behind a slow link.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use xeng::execute::Patience;
use xeng::open_spec::OpenSpec;
use xeng::planfile::Budget;
use xeng::session::{Session, Setup};
use xeng::topology::{RegionPlace, Topology};
use xeng::wan::{Link, WanProxy};
use xeng_proto::grpc::{GrpcRegion, serve};
use xeng_proto::{DatasetSpec, Region};
use xeng_regions::{EngineConfig, LocalRegion, WriteRoots};

/// What lies between home and its regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    InProcess,
    Grpc,
    Wan,
}

/// Where the datasets `a` and `b` lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    Home,
    OneRegion,
    TwoRegions,
}

/// How a job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) placement: Placement,
    pub(crate) transport: Transport,
    pub(crate) threads: usize,
    pub(crate) engines: usize,
}

impl Setting {
    /// The region of a dataset.
    pub(crate) fn region(&self, dataset: &str) -> Option<String> {
        match self.placement {
            Placement::Home => None,
            Placement::OneRegion => Some("east".to_owned()),
            Placement::TwoRegions => Some(if dataset == "a" { "east" } else { "west" }.to_owned()),
        }
    }
}

/// A session, and what keeps its regions alive.
pub(crate) struct Cluster {
    pub(crate) session: Session,
    pub(crate) engines: Vec<Arc<LocalRegion>>,
    pub(crate) proxies: Vec<WanProxy>,
    servers: Vec<JoinHandle<()>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

/// Serves a region at a free port of this machine.
pub(crate) async fn serve_at_free_port(region: Arc<dyn Region>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { serve(region, listener, std::future::pending()).await.unwrap() }))
}

/// An engine of a few threads that may write anywhere.
pub(crate) fn engine(region: &str, threads: usize) -> Arc<LocalRegion> {
    let write_roots = WriteRoots::everywhere();
    Arc::new(LocalRegion::start(EngineConfig { threads: NonZeroUsize::new(threads), write_roots, ..EngineConfig::new(region) }).unwrap())
}

impl Cluster {
    /// Starts what a setting asks for.
    pub(crate) async fn start(setting: Setting) -> Cluster {
        Cluster::start_with(setting, Patience::default(), Budget::default()).await
    }

    /// As [`Cluster::start`], with this patience and budget.
    pub(crate) async fn start_with(setting: Setting, patience: Patience, budget: Budget) -> Cluster {
        let names: &[&str] = match setting.placement {
            Placement::Home => &[],
            Placement::OneRegion => &["east"],
            Placement::TwoRegions => &["east", "west"],
        };
        let mut topology = Topology { home: Some("home".to_owned()), ..Topology::default() };
        let (mut engines, mut servers, mut proxies, mut in_process) = (vec![], vec![], vec![], vec![]);
        for name in names {
            let mut place = RegionPlace { local: setting.transport == Transport::InProcess, ..RegionPlace::default() };
            let all: Vec<Arc<LocalRegion>> = (0..setting.engines).map(|_| engine(name, setting.threads)).collect();
            for e in &all {
                if setting.transport == Transport::InProcess {
                    continue;
                }
                let (mut address, server) = serve_at_free_port(e.clone()).await;
                servers.push(server);
                if setting.transport == Transport::Wan {
                    let link = Link { rtt: Duration::from_millis(4), bandwidth_bits_per_second: 1e9 };
                    let proxy = WanProxy::start(address, link).await.unwrap();
                    address = proxy.addr();
                    proxies.push(proxy);
                }
                place.endpoints.push(format!("http://{address}"));
            }
            topology.regions.insert((*name).to_owned(), place);
            in_process.push(((*name).to_owned(), all.clone()));
            engines.extend(all);
        }
        let mut session = Session::start(Setup { topology, budget, threads: Some(setting.threads), patience, ..Setup::default() }).unwrap();
        if setting.transport == Transport::InProcess {
            for (name, all) in in_process {
                session.answer_with(&name, all.into_iter().map(|e| e as Arc<dyn Region>).collect());
            }
        }
        Cluster { session, engines, proxies, servers }
    }
}

/// A dataset to open.
pub(crate) fn open(name: &str, uri: &str, region: Option<String>) -> OpenSpec {
    OpenSpec { name: name.to_owned(), dataset: DatasetSpec { uri: uri.to_owned(), ..DatasetSpec::default() }, region }
}

/// The engine at an address.
pub(crate) fn at(address: SocketAddr) -> Arc<dyn Region> {
    Arc::new(GrpcRegion::connect(&format!("http://{address}"), format!("engine at {address}")).unwrap())
}
