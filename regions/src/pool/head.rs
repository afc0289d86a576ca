//! A node of a pool: does what a head sends it, and heads what home sends it.
//!
//! In: fragments. Out: one answer stream, whoever did the work. Never sends on what another node has sent.

use super::heading::{Heading, Patience};
use super::membership::Membership;
use super::plan::Cut;
use super::roster::Roster;
use crate::local::LocalRegion;
use crate::memory::Memory;
use async_trait::async_trait;
use futures::StreamExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use xeng_proto::{AnswerStream, Dataset, DatasetSpec, Fragment, Join, Part, Region, RegionError, Status, StoreStep, StoreTarget, Traffic};

/// Answers that wait for a slow asker.
const ANSWERS_WAITING: usize = 8;

/// A node of a pool.
pub struct Pool {
    own: Arc<LocalRegion>,
    roster: Arc<Roster>,
    patience: Patience,
    /// For partials that wait for their siblings, of all fragments that are headed here.
    memory: Memory,
    instance: u64,
    is_draining: AtomicBool,
    membership: OnceLock<Arc<Membership>>,
    heading: Arc<AtomicU32>,
}

impl Pool {
    /// A node with this engine of its own, among the members of a roster - itself being one of them, under the address that the others know.
    /// Partials that wait to be merged take `memory_bytes` at most, beside what the engine has.
    pub fn new(own: Arc<LocalRegion>, roster: Arc<Roster>, patience: Patience, memory_bytes: usize) -> Pool {
        let (memory, heading) = (Memory::new(memory_bytes), Arc::default());
        let is_draining = AtomicBool::new(false);
        Pool { own, roster, patience, memory, instance: instance(), is_draining, membership: OnceLock::new(), heading }
    }

    /// Keeps the roster true from now on, for as long as the runtime lives.
    pub fn keep(self: &Arc<Pool>, membership: Membership) {
        let membership = Arc::new(membership);
        if self.membership.set(membership.clone()).is_ok() {
            tokio::spawn(membership.keep(self.clone(), self.own.clone()));
        }
    }

    /// The name of its region.
    pub(super) fn region_name(&self) -> String {
        self.own.region_name()
    }

    /// The members.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// A number that no other process has.
    pub fn instance(&self) -> u64 {
        self.instance
    }

    /// From now on it takes nothing more, and ends what it is doing.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether it takes nothing more.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    async fn head(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        let execution = self.own.prepare(fragment.clone(), part).await?;
        let cut = Cut::of(&execution, self.roster.len())?;
        let heading = Heading::new(fragment, execution, cut, &self.roster, self.patience, self.own.threads(), self.memory.clone());
        let (send, receive) = mpsc::channel(ANSWERS_WAITING);
        let counted = Counted::new(self.heading.clone());
        // It ends soon after whoever asked has gone away: sending then fails.
        tokio::spawn(async move {
            let _counted = counted;
            heading.run(send).await;
        });
        Ok(ReceiverStream::new(receive).boxed())
    }
}

#[async_trait]
impl Region for Pool {
    fn label(&self) -> String {
        self.own.label()
    }

    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError> {
        self.own.describe(spec).await
    }

    async fn execute(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        if self.is_draining() {
            return Err(RegionError::unavailable(format!("{} is about to end: ask another node of the region", self.label())));
        }
        match part {
            Part::Own(_) => self.own.execute(fragment, part).await,
            Part::Share { .. } | Part::Missing(_) => self.head(fragment, part).await,
        }
    }

    async fn store(&self, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
        self.own.store(target, step).await
    }

    async fn join(&self, node: &Join) -> Result<Vec<String>, RegionError> {
        if node.region != self.region_name() {
            return Err(RegionError::request(format!("this is a node of region '{}', not of '{}'", self.region_name(), node.region)));
        }
        if let Some(membership) = self.membership.get() {
            // It is a member once it answers there, as that very node.
            membership.candidates.leased(tokio::time::Instant::now(), node.endpoint.trim_end_matches('/'), node.lease)?;
        }
        Ok(self.roster.members().into_iter().map(|m| m.name).collect())
    }

    async fn status(&self) -> Result<Status, RegionError> {
        let own = self.own.status().await?;
        Ok(Status {
            active: own.active + self.heading.load(Ordering::Relaxed),
            nodes: (self.roster.len() as u32).max(1),
            instance: self.instance,
            is_draining: self.is_draining(),
            ..own
        })
    }

    fn traffic(&self) -> Traffic {
        self.own.traffic()
    }
}

/// One fragment being headed, counted until dropped.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(count: Arc<AtomicU32>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Of the time, the process and the address space: what two processes do not share.
fn instance() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish() | 1
}
