//! Results that regions write as Zarr stores beside their data: which arrays those are, and how a store comes into being.
//!
//! In: wanted entries and where they are to be written. Out: the roots that regions write, and stores in their places. Never shows a store
//! that is not whole: what is not committed is abandoned.

use super::Session;
use super::finish::Shape;
use crate::error::{Error, Result};
use crate::execute::{Finished, WrittenArray, said_by};
use crate::lazy::{Cells, PlanSource};
use crate::output::{cf, zarr};
use crate::receipt::StoreReceipt;
use crate::result::{Array, Outcome};
use crate::stages::RootWrite;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use xeng_kernels::{Block, Graph, NodeId, Op};
use xeng_proto::{DatasetSpec, ErrorKind, RegionError, StoreFile, StoreStep, StoreTarget};

/// What is made elsewhere than where it is written travels through home, up to this size.
const MOST_TRAVELLING_BYTES: u64 = 64 << 20;
/// Bytes of small files that are sent in one message, unless one file is larger.
const PUT_BYTES: usize = 4 << 20;
/// How long it may take to tidy up after a failure.
const SETTLE: Duration = Duration::from_secs(10);

/// A Zarr store that engines write an entry of a job to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAt {
    /// The entry of [`super::Job::compute`].
    pub entry: String,
    /// The folder of the store as its region sees it, ending in `.zarr`.
    pub uri: String,
    /// The region. `None`: home's own engine, if the result is made there and home's memory cannot hold it; otherwise it comes home.
    pub region: Option<String>,
    /// What an array without a name of its own is called.
    pub array: Option<String>,
}

/// A store that a planned job writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlan {
    /// The entry that it holds.
    pub entry: String,
    /// The region that writes it.
    pub region: String,
    /// Where, as that region sees it.
    pub uri: String,
    array: Option<String>,
    inputs: Vec<DatasetSpec>,
}

/// What a job's results are made of.
pub(super) struct Made<'a> {
    pub(super) wanted: &'a [(String, Shape)],
    pub(super) graph: &'a Graph,
    pub(super) roots: &'a [NodeId],
    pub(super) sources: &'a [PlanSource],
}

/// The stores that are written to named regions, and the roots that these write.
///
/// # Errors
/// `Request` for a region without engines, a path that is no store, and results that are made in other regions and too large to travel.
pub(super) fn planned(session: &Session, stores: &[StoreAt], made: &Made<'_>) -> Result<(Vec<StorePlan>, Vec<RootWrite>)> {
    let (mut plans, mut writes): (Vec<StorePlan>, Vec<RootWrite>) = (vec![], vec![]);
    for at in stores {
        let Some(region) = &at.region else { continue };
        session.engines_of(region).map_err(|e| e.prefixed(&format!("output '{}'", at.uri)))?;
        if at.uri.contains("://") && !at.uri.starts_with("file://") {
            return Err(Error::request(format!("'{}' cannot be written", at.uri))
                .hint("regions write to paths of their own disks; object stores are not written yet"));
        }
        if plans.iter().any(|p| p.region == *region && plainly(&p.uri) == plainly(&at.uri)) {
            return Err(Error::request(format!("two results are to be written to '{}'", at.uri)));
        }
        // Those of other regions too: regions may share a disk.
        let datasets = made.sources.iter().map(|s| &s.dataset.description.spec);
        let mut inputs: Vec<DatasetSpec> = vec![];
        datasets.for_each(|spec| inputs.extend((!inputs.contains(spec)).then(|| spec.clone())));
        let (entry, uri, array) = (at.entry.clone(), at.uri.clone(), at.array.clone());
        let plan = StorePlan { entry, region: region.clone(), uri, array, inputs };
        writes.extend(root_writes(&plan, made)?);
        plans.push(plan);
    }
    Ok((plans, writes))
}

/// A path without what changes nothing in it.
fn plainly(uri: &str) -> std::path::PathBuf {
    std::path::Path::new(uri.strip_prefix("file://").unwrap_or(uri)).components().filter(|c| *c != std::path::Component::CurDir).collect()
}

/// The arrays of a store that its region writes; the others come home and are sent there.
fn root_writes(plan: &StorePlan, made: &Made<'_>) -> Result<Vec<RootWrite>> {
    let shape = made.wanted.iter().find(|(name, _)| *name == plan.entry).map(|(_, shape)| shape);
    let shape = shape.ok_or_else(|| Error::request(format!("nothing called '{}' is computed", plan.entry)))?;
    // An array whose cells are still to come has its dims and coordinates already: conflicts are found before anything is computed.
    let empty = |&id: &NodeId| Ok(Arc::new(Block::filled(made.graph.node(id)?.dtype, &[0], 0.0)));
    let outline = named(super::finish::outcome(shape, &made.roots.iter().map(empty).collect::<Result<Vec<_>>>()?)?, plan);
    cf::encode(&outline)?.variables.keys().try_for_each(|name| zarr::check_name(name))?;
    let arrays = shape.arrays().iter().zip(crate::output::arrays(&outline));
    let mut writes: Vec<RootWrite> = vec![];
    for (array, outlined) in arrays {
        let Some(&id) = made.roots.get(array.root()) else { continue };
        let name = cf::free_name(outlined, &outline);
        let node = made.graph.node(id)?;
        let regions = regions_behind(made, id)?;
        let is_known = |write: &RootWrite| made.roots.get(write.root) == Some(&id);
        if matches!(array.cells(), Cells::Numbers)
            && !node.dims.is_empty()
            && regions.contains(&plan.region)
            && !writes.iter().any(is_known)
        {
            writes.push(RootWrite { root: array.root(), region: plan.region.clone(), uri: plan.uri.clone(), array: name });
        } else if node.bytes() as u64 > MOST_TRAVELLING_BYTES {
            return Err(untravelled(plan, &name, node.bytes() as u64, array.cells(), &regions));
        }
    }
    Ok(writes)
}

fn untravelled(plan: &StorePlan, name: &str, bytes: u64, cells: &Cells, regions: &BTreeSet<String>) -> Error {
    let error = Error::request(format!("'{name}' ({}) cannot be written in region '{}'", crate::describe::bytes(bytes), plan.region));
    if !matches!(cells, Cells::Numbers) {
        return error.hint("regions write numbers; points in time travel through home, and are too many here");
    }
    match regions.iter().cloned().collect::<Vec<_>>() {
        all if all.is_empty() || regions.contains(&plan.region) => error.hint("leave it out of the result"),
        all => {
            let there = all.join("' and '");
            error.hint(format!("it is made from data of region '{there}' alone: write it there ({}@{})", plan.uri, all[0]))
        }
    }
}

/// The regions of the stored variables behind a node.
fn regions_behind(made: &Made<'_>, id: NodeId) -> Result<BTreeSet<String>> {
    let (mut seen, mut waiting, mut regions) = (HashSet::new(), vec![id], BTreeSet::new());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let op = &made.graph.node(id)?.op;
        if let Op::Scan { source } = op {
            regions.extend(made.sources.get(*source as usize).map(|s| s.dataset.region.clone()));
        }
        waiting.extend(op.inputs());
    }
    Ok(regions)
}

/// An array without a name of its own is called what the store says.
fn named(outcome: Outcome, plan: &StorePlan) -> Outcome {
    match outcome {
        Outcome::Array(array) if array.name.is_none() => Outcome::Array(Array { name: plan.array.clone(), ..array }),
        other => other,
    }
}

/// Stores that have been begun; those that are not committed are abandoned when this is dropped.
pub(super) struct Begun<'a> {
    session: &'a Session,
    run: String,
    open: Vec<(StorePlan, Instant)>,
}

impl<'a> Begun<'a> {
    /// Makes room for the stores in their regions.
    ///
    /// # Errors
    /// `Request` where a region may not write or something else is there, `Unavailable` when it cannot be reached.
    pub(super) async fn begin(session: &'a Session, plans: &[StorePlan]) -> Result<Begun<'a>> {
        let open = plans.iter().map(|plan| (plan.clone(), Instant::now())).collect();
        let begun = Begun { session, run: run_name(), open };
        for (plan, _) in &begun.open {
            session.meet(&plan.region, session.engines_of(&plan.region)?).await?;
            begun.ask(plan, StoreStep::Begin { inputs: plan.inputs.clone() }).await?;
        }
        Ok(begun)
    }

    /// What tells this run's stores apart from others'.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The entries that are written to stores.
    pub(super) fn holds(&self, entry: &str) -> bool {
        self.open.iter().any(|(plan, _)| plan.entry == entry)
    }

    /// Adds what is small to each store, and puts it in its place.
    ///
    /// # Errors
    /// `Data` when a store is not complete, `Unavailable` when its region cannot be reached any more; conflicts between coordinates.
    pub(super) async fn commit(mut self, outcomes: &BTreeMap<String, Outcome>, finished: &Finished) -> Result<Vec<StoreReceipt>> {
        let mut receipts = vec![];
        while let Some((plan, began)) = self.open.first().cloned() {
            let outcome = outcomes.get(&plan.entry).ok_or_else(|| Error::internal("a store without a result"))?;
            let arrays: Vec<&WrittenArray> = finished.written.iter().filter(|w| w.region == plan.region && w.uri == plan.uri).collect();
            let chunks = arrays.iter().map(|w| (w.array.clone(), w.chunk.clone())).collect();
            let files = zarr::files(&named(outcome.clone(), &plan), &chunks)?;
            let mut receipt = StoreReceipt::of(&plan.entry, &plan.region, &plan.uri, &arrays, &files);
            self.put(&plan, files).await?;
            self.finish(&plan, &receipt).await?;
            receipt.seconds = began.elapsed().as_secs_f64();
            receipts.push(receipt);
            self.forget(&plan).await;
            self.open.remove(0);
        }
        Ok(receipts)
    }

    async fn put(&self, plan: &StorePlan, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        let (mut waiting, mut bytes) = (vec![], 0);
        for (path, content) in files {
            if bytes + content.len() > PUT_BYTES && !waiting.is_empty() {
                self.ask(plan, StoreStep::Put { files: std::mem::take(&mut waiting) }).await?;
                bytes = 0;
            }
            bytes += content.len();
            waiting.push(StoreFile { path, bytes: content.into() });
        }
        if waiting.is_empty() { Ok(()) } else { self.ask(plan, StoreStep::Put { files: waiting }).await }
    }

    async fn finish(&self, plan: &StorePlan, receipt: &StoreReceipt) -> Result<()> {
        let commit = StoreStep::Commit { files: receipt.files, bytes: receipt.bytes };
        self.ask(plan, commit).await.map_err(|error| {
            let lost = error.kind == crate::error::ErrorKind::Unavailable;
            if lost { error.hint(format!("whether '{}' is in its place is not known; if it is, it is whole", plan.uri)) } else { error }
        })
    }

    /// Asks the region's engines in turn, until one has done it: steps may be repeated.
    async fn ask(&self, plan: &StorePlan, step: StoreStep) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut last = RegionError::unavailable(format!("region '{}' has no engine", plan.region));
            for engine in self.session.engines_of(&plan.region)? {
                match engine.store(&self.target(plan), step.clone()).await.map_err(|e| said_by(engine.as_ref(), e)) {
                    Ok(()) => return Ok(()),
                    Err(e) if e.kind == ErrorKind::Unavailable => last = e,
                    Err(e) => return Err(Error::from(e)),
                }
            }
            if began.elapsed() > self.session.patience.retry_for {
                return Err(Error::from(last));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn target(&self, plan: &StorePlan) -> StoreTarget {
        StoreTarget { uri: plan.uri.clone(), run: self.run.clone() }
    }

    /// Removes what is left of a committed store beside its place; what no engine removes now is swept later.
    async fn forget(&self, plan: &StorePlan) {
        for engine in self.session.engines_of(&plan.region).into_iter().flatten() {
            let target = self.target(plan);
            let removing = engine.store(&target, StoreStep::Abandon);
            if matches!(tokio::time::timeout(self.session.patience.silence, removing).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Lets an engine remove what is left of a store, while the run goes on.
    fn leave(&self, plan: &StorePlan) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Ok(engines) = self.session.engines_of(&plan.region) else { return };
        let (engines, target) = (engines.to_vec(), self.target(plan));
        let removing = runtime.spawn(async move {
            for engine in engines {
                // Best effort: what stays behind is never mistaken for a result.
                if engine.store(&target, StoreStep::Abandon).await.is_ok() {
                    return;
                }
            }
        });
        self.session.leaving.add(removing);
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        for (plan, _) in &self.open {
            self.leave(plan);
        }
    }
}

/// What still has to be tidied up.
#[derive(Default)]
pub(super) struct Leaving(Mutex<Vec<JoinHandle<()>>>);

impl Leaving {
    fn add(&self, task: JoinHandle<()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Waits until it is done, for a while.
    pub(super) async fn settle(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(SETTLE, futures::future::join_all(tasks)).await;
    }
}

/// A name that no other run has.
fn run_name() -> String {
    use sha2::{Digest, Sha256};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let here: *const AtomicU64 = &COUNT;
    let digest = Sha256::digest(format!("{now} {} {count} {here:p}", std::process::id()));
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}
