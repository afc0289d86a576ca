//! Keeps a node's roster true: asks, once a second, whoever may be a node of the region who it is.
//!
//! In: addresses from a list, a name that is resolved again and again, or nodes that register and renew their leases. Out: the roster. Takes
//! in nobody who does not answer for this region, and takes out who drains or has not answered for a while.

use super::candidates::Candidates;
use super::head::Pool;
use super::roster::Member;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use xeng_proto::grpc::GrpcRegion;
use xeng_proto::grpc::client::Settings;
use xeng_proto::{Join, Region, RegionError, Status};

/// How often everybody is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long each has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Questions in a row that a member leaves unanswered before it is taken out.
const MOST_UNANSWERED: u32 = 3;
/// How long a node that has registered is a candidate; it renews its lease at every round.
const LEASE: Duration = Duration::from_secs(10);

/// Where the nodes of a region are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Their addresses, such as `http://10.0.1.10:7070`; a node may find itself among them.
    pub peers: Vec<String>,
    /// A `name:port` that resolves to all of them.
    pub dns: Option<String>,
    /// A node to register with.
    pub join: Option<String>,
}

impl Places {
    /// Whether nothing is said: the engine is no node of a pool.
    pub fn is_empty(&self) -> bool {
        *self == Places::default()
    }
}

/// How nodes reach each other: they are close by.
fn near() -> Settings {
    let second = Duration::from_secs(1);
    Settings { connect_timeout: 2 * second, ping_interval: 2 * second, ping_timeout: 4 * second }
}

/// The addresses of a region's nodes, as one of them learns them.
pub struct Membership {
    places: Places,
    /// What this node says that it is called.
    own: String,
    pub(super) candidates: Candidates,
}

impl Membership {
    /// Of a node that the others reach at `own`.
    ///
    /// # Errors
    /// `Request` for an address that is none.
    pub fn new(places: Places, own: String) -> Result<Membership, RegionError> {
        for address in places.peers.iter().chain(&places.join).chain([&own]) {
            GrpcRegion::connect(address, address.as_str())?;
        }
        let candidates = Candidates::listed(places.peers.iter().chain(&places.join).map(|a| normal(a)));
        Ok(Membership { own: normal(&own), places, candidates })
    }

    /// Keeps the roster true for ever; `own` is this node's engine.
    pub async fn keep(self: Arc<Membership>, pool: Arc<Pool>, own: Arc<dyn Region>) {
        let mut round = Round { pool, engine: own, name: self.own.clone(), links: HashMap::new() };
        round.pool.roster().put(Member { name: self.own.clone(), region: round.engine.clone() });
        loop {
            self.resolve().await;
            round.ask_all(&self).await;
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn resolve(&self) {
        let Some(dns) = &self.places.dns else { return };
        // A name that cannot be resolved for a while leaves everything as it is.
        if let Ok(Ok(found)) = tokio::time::timeout(ANSWER_WITHIN, tokio::net::lookup_host(dns.as_str())).await {
            let all: BTreeSet<String> = found.map(|address| format!("http://{address}")).collect();
            if !all.is_empty() {
                self.candidates.resolved(all);
            }
        }
    }
}

/// An address without what does not matter.
fn normal(address: &str) -> String {
    address.trim_end_matches('/').to_owned()
}

/// A way to a candidate.
struct Link {
    region: Arc<GrpcRegion>,
    unanswered: u32,
}

/// What is known from one round of questions to the next.
struct Round {
    pool: Arc<Pool>,
    engine: Arc<dyn Region>,
    /// What this node is called in the roster.
    name: String,
    links: HashMap<String, Link>,
}

impl Round {
    async fn ask_all(&mut self, membership: &Membership) {
        let candidates = membership.candidates.all(Instant::now());
        let gone: Vec<String> = self.links.keys().filter(|address| !candidates.contains(*address)).cloned().collect();
        for address in gone {
            self.links.remove(&address);
            if address != self.name {
                self.pool.roster().remove(&address);
            }
        }
        let mut asked = JoinSet::new();
        for address in candidates {
            if !self.links.contains_key(&address) {
                let Ok(region) = GrpcRegion::connect_with(&address, address.clone(), near()) else { continue };
                self.links.insert(address.clone(), Link { region: Arc::new(region), unanswered: 0 });
            }
            let Some(link) = self.links.get(&address) else { continue };
            let region = link.region.clone();
            let join = membership.places.join.is_some().then(|| self.registration());
            asked.spawn(async move {
                let both = async {
                    let status = region.status().await?;
                    // Whoever learns of this node tells it of the others.
                    let others = match &join {
                        Some(join) if status.instance != join.instance => region.join(join).await.unwrap_or_default(),
                        _ => vec![],
                    };
                    Ok::<_, RegionError>((status, others))
                };
                (address, tokio::time::timeout(ANSWER_WITHIN, both).await.ok().and_then(Result::ok))
            });
        }
        while let Some(Ok((address, answer))) = asked.join_next().await {
            match answer {
                Some((status, others)) => {
                    for other in others.iter().map(|o| normal(o)).filter(|o| *o != self.name) {
                        // One too many is no reason to stop.
                        let _ = membership.candidates.leased(Instant::now(), &other, LEASE);
                    }
                    self.meet(&address, &status);
                }
                None => self.miss(&address),
            }
        }
    }

    fn registration(&self) -> Join {
        Join { region: self.pool.region_name(), endpoint: self.name.clone(), instance: self.pool.instance(), lease: LEASE }
    }

    /// A candidate has said who it is.
    fn meet(&mut self, address: &str, status: &Status) {
        let Some(link) = self.links.get_mut(address) else { return };
        link.unanswered = 0;
        let roster = self.pool.roster();
        if status.instance == self.pool.instance() {
            // The others call this node so, and what it is called decides what it does.
            if self.name != address {
                roster.remove(&self.name);
                address.clone_into(&mut self.name);
            }
            roster.put(Member { name: address.to_owned(), region: self.engine.clone() });
        } else if status.nodes > 0 && !status.is_draining && status.region == self.pool.region_name() {
            roster.put(Member { name: address.to_owned(), region: link.region.clone() });
        } else {
            roster.remove(address);
        }
    }

    fn miss(&mut self, address: &str) {
        let Some(link) = self.links.get_mut(address) else { return };
        link.unanswered += 1;
        if link.unanswered >= MOST_UNANSWERED && address != self.name {
            self.pool.roster().remove(address);
        }
    }
}
