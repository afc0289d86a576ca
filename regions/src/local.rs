//! An engine in this process: the thing behind every gRPC server, and the embedded default.
//!
//! In: dataset specs and fragments. Out: descriptions and answer streams. Never talks to another region.

use crate::decoded::DecodedChunks;
use crate::execute::{Execution, execute};
use crate::held::HeldSteps;
use crate::memory::{Memory, Permit};
use crate::open::{OpenDataset, current_state, open};
use crate::roots::Roots;
use crate::store::{StoreConfig, Stores};
use crate::write::{self, WriteRoots};
use async_trait::async_trait;
use futures::StreamExt;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use xeng_proto::{
    Answer, AnswerStream, Dataset, DatasetSpec, Fragment, Part, Progress, Region, RegionError, Status, StoreStep, StoreTarget, Traffic,
};

/// Answers that wait for a slow asker before the engine stops computing: back-pressure.
const ANSWERS_WAITING: usize = 4;
/// How often a request that waits for memory says so.
const WAITING_TOLD_EVERY: Duration = Duration::from_secs(1);
/// Open datasets that are remembered.
const REMEMBERED: usize = 64;
/// How long what lies far away is taken to be as it was when it was last looked at: a look takes a round trip, and what is read later proves
/// that it is of the version which was seen, chunk objects of Zarr stores aside.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What an engine is made of.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The name of the region it belongs to.
    pub region: String,
    /// Compute threads; `None` = one per processor.
    pub threads: Option<NonZeroUsize>,
    /// Memory budget, in bytes.
    pub memory_bytes: usize,
    /// Which folders may be read.
    pub roots: Roots,
    /// Which folders results may be written to.
    pub write_roots: WriteRoots,
    /// How stores are reached.
    pub stores: StoreConfig,
}

impl EngineConfig {
    /// An engine of one thread per processor and 2 GiB that may read everything the process may, and write nothing.
    pub fn new(region: &str) -> EngineConfig {
        EngineConfig {
            region: region.to_owned(),
            threads: None,
            memory_bytes: 2 << 30,
            roots: Roots::everywhere(),
            write_roots: WriteRoots::nowhere(),
            stores: StoreConfig::default(),
        }
    }
}

/// An engine in this process.
pub struct LocalRegion {
    shared: Arc<Engine>,
}

/// What executions of one engine share.
pub(crate) struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) memory: Memory,
    pub(crate) decoded: Arc<DecodedChunks>,
    pub(crate) held: HeldSteps,
    active: AtomicU32,
    pub(crate) stores: Stores,
    remembered: Mutex<HashMap<DatasetSpec, (Arc<OpenDataset>, Instant)>>,
}

impl LocalRegion {
    /// Starts an engine: its threads wait for work.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no threads.
    pub fn start(config: EngineConfig) -> Result<LocalRegion, RegionError> {
        let threads = config.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("xeng-compute-{i}"))
            .build()
            .map_err(|e| RegionError::unavailable(format!("cannot start {threads} compute threads: {e}")))?;
        let memory = Memory::new(config.memory_bytes);
        let stores = Stores::within(config.stores.clone(), config.roots.clone())?;
        let decoded = Arc::new(DecodedChunks::new(memory.clone()));
        let held = HeldSteps::default();
        let shared = Engine { config, pool, memory, decoded, held, active: AtomicU32::new(0), stores, remembered: Mutex::default() };
        Ok(LocalRegion { shared: Arc::new(shared) })
    }
}

impl LocalRegion {
    /// A fragment made ready: what it reads is open, its units are planned.
    pub(crate) async fn prepare(&self, fragment: Arc<Fragment>, part: Part) -> Result<Execution, RegionError> {
        let engine = self.shared.clone();
        let prepared = tokio::task::spawn_blocking(move || Execution::prepare(engine, fragment, part)).await;
        prepared.map_err(|e| RegionError::internal(format!("planning failed: {e}")))?
    }

    /// The name of its region.
    pub(crate) fn region_name(&self) -> String {
        self.shared.config.region.clone()
    }

    /// Its compute threads.
    pub(crate) fn threads(&self) -> usize {
        self.shared.pool.current_num_threads()
    }
}

impl Engine {
    /// The dataset as it is on disk now; its metadata is read again only when the files have changed.
    pub(crate) fn open(&self, spec: &DatasetSpec) -> Result<Arc<OpenDataset>, RegionError> {
        spec.uris().try_for_each(|uri| self.config.roots.check(uri))?;
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(spec).cloned();
        let looked = Instant::now();
        if let Some((known, before)) = remembered
            && !known.is_stale()
        {
            if known.is_far() && before.elapsed() < LOOK_AGAIN {
                return Ok(known);
            }
            if current_state(&self.stores, spec)? == known.state {
                self.remember(spec, (known.clone(), looked));
                return Ok(known);
            }
            known.expire();
        }
        let fresh = Arc::new(open(&self.stores, spec)?);
        self.remember(spec, (fresh.clone(), looked));
        Ok(fresh)
    }

    fn remember(&self, spec: &DatasetSpec, seen: (Arc<OpenDataset>, Instant)) {
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(spec) {
            all.clear();
        }
        all.insert(spec.clone(), seen);
    }
}

#[async_trait]
impl Region for LocalRegion {
    fn label(&self) -> String {
        format!("{} (in process)", self.shared.config.region)
    }

    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError> {
        let (engine, spec) = (self.shared.clone(), spec.clone());
        let opened = tokio::task::spawn_blocking(move || engine.open(&spec)).await;
        opened.map_err(|e| RegionError::internal(format!("opening failed: {e}")))?.map(|d| d.description.clone())
    }

    async fn execute(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        let execution = self.prepare(fragment, part).await?;
        let bytes = execution.memory_bytes();
        self.shared.memory.check(bytes, "this request")?;
        let (send, receive) = mpsc::channel(ANSWERS_WAITING);
        let cancelled = Arc::new(AtomicBool::new(false));
        let guard = CancelOnDrop(cancelled.clone());
        let engine = self.shared.clone();
        tokio::spawn(async move {
            let permit = match admitted(&engine, bytes, &send).await {
                Some(Ok(permit)) => permit,
                Some(Err(e)) => return drop(send.send(Err(e)).await),
                None => return,
            };
            engine.active.fetch_add(1, Ordering::Relaxed);
            tokio::task::spawn_blocking(move || {
                execution.admit(permit);
                let _active = Active(engine);
                execute(&execution, &send, &cancelled);
            });
        });
        // The guard lives in the stream: whoever drops the stream stops the work.
        Ok(ReceiverStream::new(receive)
            .map(move |answer| {
                let _ = &guard;
                answer
            })
            .boxed())
    }

    async fn store(&self, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
        let (engine, target) = (self.shared.clone(), target.clone());
        let done = tokio::task::spawn_blocking(move || write::step(&engine, &target, step)).await;
        done.map_err(|e| RegionError::internal(format!("writing failed: {e}")))?
    }

    async fn status(&self) -> Result<Status, RegionError> {
        let e = &self.shared;
        Ok(Status {
            region: e.config.region.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            threads: e.pool.current_num_threads() as u32,
            memory_bytes: e.memory.budget_bytes() as u64,
            used_bytes: e.memory.used_bytes() as u64,
            active: e.active.load(Ordering::Relaxed),
            ..Status::default()
        })
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// The memory that was asked for, once there is room; meanwhile the asker hears that it is not forgotten. `None` when it went away.
async fn admitted(engine: &Engine, bytes: usize, send: &mpsc::Sender<Result<Answer, RegionError>>) -> Option<Result<Permit, RegionError>> {
    let make_room = |bytes| {
        engine.held.make_room();
        engine.decoded.make_room(bytes);
    };
    let taking = engine.memory.take(bytes, "this request", &make_room);
    tokio::pin!(taking);
    loop {
        tokio::select! {
            permit = &mut taking => return Some(permit),
            () = send.closed() => return None,
            () = tokio::time::sleep(WAITING_TOLD_EVERY) => {
                engine.held.make_room();
                drop(send.try_send(Ok(Answer::Progress(Progress::default()))));
            }
        }
    }
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One fragment under way, counted until dropped.
struct Active(Arc<Engine>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_of_a_list_must_be_among_those_that_are_offered() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let roots = Roots::only(&[inside.path().to_path_buf()]).unwrap();
        let region = LocalRegion::start(EngineConfig { roots, ..EngineConfig::new("r") }).unwrap();
        let path = |folder: &tempfile::TempDir| {
            let path = folder.path().join("a.nc");
            std::fs::write(&path, b"no dataset").unwrap();
            path.to_str().unwrap().to_owned()
        };
        let spec = |uri, more| DatasetSpec { uri, more, ..DatasetSpec::default() };
        let told = |spec: &DatasetSpec| region.shared.open(spec).err().unwrap().message;
        assert!(told(&spec(path(&inside), vec![path(&outside)])).contains("not among the data"));
        assert!(told(&spec(path(&inside), vec![path(&inside)])).contains("neither NetCDF"));
    }
}
