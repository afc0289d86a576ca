//! Runs stages: asks regions, merges what they answer, and computes the rest at home.
//!
//! In: stages, and the engines of each region. Out: the blocks of the roots, and what it took. The only place of this
//! crate where time and failure of others are dealt with.

use crate::collect::{Collected, Collector};
use crate::stages::{Ask, Stages};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use xeng_kernels::bounds::whole;
use xeng_kernels::{Block, Evaluator, Known, NoLeaves, NodeId};
use xeng_proto::{Account, Answer, ErrorKind, Fragment, Part, Progress, Region, RegionError, Write, Written};

/// How long home waits to hear whether engines are a pool.
const MOST_ASKED_FOR: Duration = Duration::from_secs(2);
/// Runs of missing units that are asked for at a time.
const MOST_RUNS: usize = 4096;

/// How patient home is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a region may stay away before the run gives up.
    pub retry_for: Duration,
    /// How long an engine may be silent before its work is asked for again.
    pub silence: Duration,
    /// When the whole run must be over.
    pub deadline: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { retry_for: Duration::from_secs(60), silence: Duration::from_secs(30), deadline: None }
    }
}

/// The engines of each region, by the region's name.
pub type Engines = BTreeMap<String, Vec<Arc<dyn Region>>>;

/// What a region did in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegionReport {
    /// What its engines account for.
    pub account: Account,
    /// Requests that were sent again after a failure.
    pub retries: u64,
    /// Bytes that the answers were predicted to hold.
    pub predicted_bytes: u64,
    /// From the first question to the last answer, summed over rounds.
    pub wall_seconds: f64,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The roots' cells, in the order of [`Stages::roots`]; those of roots that a region writes are empty.
    pub blocks: Vec<Arc<Block>>,
    /// Per region.
    pub regions: BTreeMap<String, RegionReport>,
    /// The arrays that regions have written.
    pub written: Vec<WrittenArray>,
}

/// An array that a region has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenArray {
    /// The region.
    pub region: String,
    /// The store.
    pub uri: String,
    /// The array's name in it.
    pub array: String,
    /// Length of a chunk along each axis.
    pub chunk: Vec<usize>,
    /// Number of chunks that are there: those of nothing but the fill value are left out.
    pub files: u64,
    /// Size of those.
    pub bytes: u64,
    /// SHA-256 over the chunks' own SHA-256 in C order, zeros for those left out.
    pub sha256: [u8; 32],
}

/// Is told how far each region is.
pub type Watch<'a> = &'a (dyn Fn(&str, Progress) + Sync);

/// Runs stages to the end.
///
/// # Errors
/// The first error that asking again cannot mend; `Unavailable` when a region stays away longer than `patience` allows,
/// or when the deadline has passed.
pub async fn execute(stages: &Stages, engines: &Engines, patience: Patience, watch: Watch<'_>) -> Result<Finished, RegionError> {
    execute_as("", stages, engines, patience, watch).await
}

/// As [`execute`], for stages of which regions write some to stores that this run has begun.
///
/// # Errors
/// As [`execute`].
pub async fn execute_as(
    run_name: &str,
    stages: &Stages,
    engines: &Engines,
    patience: Patience,
    watch: Watch<'_>,
) -> Result<Finished, RegionError> {
    let run = run(run_name, stages, engines, patience, watch);
    match patience.deadline {
        None => run.await,
        Some(limit) => match tokio::time::timeout(limit, run).await {
            Ok(done) => done,
            Err(_) => Err(RegionError::budget(format!("the run was not done within its deadline of {} s", limit.as_secs_f64()))),
        },
    }
}

async fn run(run_name: &str, stages: &Stages, engines: &Engines, patience: Patience, watch: Watch<'_>) -> Result<Finished, RegionError> {
    let (mut known, mut written) = (Known::new(), vec![]);
    let mut regions: BTreeMap<String, RegionReport> = BTreeMap::new();
    let rounds: Vec<u32> = stages.asks.iter().map(|a| a.round).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    for round in rounds {
        let asks: Vec<&Ask> = stages.asks.iter().filter(|a| a.round == round).collect();
        let mut fragments = vec![];
        for ask in &asks {
            let mut fragment = ask.fragment.clone();
            for &id in &ask.given {
                fragment.given.push(at_home(stages, &known, id)?);
            }
            fragment.writes.iter_mut().for_each(|w| run_name.clone_into(&mut w.target.run));
            fragments.push(Arc::new(fragment));
        }
        let answers = asks.iter().zip(fragments).map(|(ask, fragment)| answer(stages, ask, fragment, engines, patience, watch));
        for (ask, (collected, report)) in asks.iter().zip(futures::future::try_join_all(answers).await?) {
            for (index, ((nodes, _), collected)) in ask.answers.iter().zip(collected).enumerate() {
                match (collected, ask.fragment.write_of(index)) {
                    (Collected::Cells(blocks), _) => known.extend(nodes.iter().copied().zip(blocks.into_iter().map(Arc::new))),
                    (Collected::Written(boxes), Some(write)) => written.extend(written_arrays(&stages.regions[ask.region], write, &boxes)),
                    (Collected::Written(_), None) => return Err(RegionError::internal("what was to be sent was written")),
                }
            }
            add_report(regions.entry(stages.regions[ask.region].clone()).or_default(), &report);
        }
    }
    let root = |(index, &id): (usize, &NodeId)| match stages.is_written(index) {
        true => Ok(Arc::new(Block::filled(stages.graph.node(id)?.dtype, &[0], 0.0))),
        false => at_home(stages, &known, id),
    };
    let blocks = stages.roots.iter().enumerate().map(root).collect::<Result<_, RegionError>>()?;
    Ok(Finished { blocks, regions, written })
}

/// What a region wrote of one task: box by box, a chunk of each array.
fn written_arrays(region: &str, write: &Write, boxes: &[Vec<Written>]) -> Vec<WrittenArray> {
    let array = |(number, name): (usize, &String)| {
        let (mut files, mut bytes, mut digest) = (0, 0, Sha256::new());
        for chunk in boxes.iter().filter_map(|chunks| chunks.get(number)) {
            files += u64::from(chunk.bytes > 0);
            bytes += chunk.bytes;
            digest.update(chunk.sha256);
        }
        let (uri, chunk) = (write.target.uri.clone(), write.chunk.clone());
        WrittenArray { region: region.to_owned(), uri, array: name.clone(), chunk, files, bytes, sha256: digest.finalize().into() }
    };
    write.arrays.iter().enumerate().map(array).collect()
}

/// A node's cells, from what has come home and what home computes.
fn at_home(stages: &Stages, known: &Known, id: NodeId) -> Result<Arc<Block>, RegionError> {
    let shape = stages.graph.node(id)?.shape();
    Ok(Evaluator::new(&stages.graph, &stages.tiling, known, &NoLeaves).evaluate(id, &whole(&shape))?)
}

/// Asks one region, its engines sharing the work units, until every part has been answered.
async fn answer(
    stages: &Stages,
    ask: &Ask,
    fragment: Arc<Fragment>,
    engines: &Engines,
    patience: Patience,
    watch: Watch<'_>,
) -> Result<(Vec<Collected>, RegionReport), RegionError> {
    let name = &stages.regions[ask.region];
    let engines = engines
        .get(name)
        .filter(|all| !all.is_empty())
        .ok_or_else(|| RegionError::request(format!("region '{name}' has no engine in the topology")))?;
    let collector = Mutex::new(Collector::new(&stages.graph, &ask.answers, &fragment.writes)?);
    // A pool shares the work out among its nodes, and any of them may be asked for all of it.
    let is_pool = engines.len() > 1 && is_pool(engines, patience).await;
    let count = if is_pool { 1 } else { engines.len() as u32 };
    let told = Mutex::new(vec![Progress::default(); count as usize]);
    let parts = (0..count).map(|index| {
        let part = Share { index, count, is_pool };
        let asking = Asking { name, engines, fragment: &fragment, part, collector: &collector, patience, told: &told, watch };
        async move { asking.until_answered().await }
    });
    let mut report = RegionReport { predicted_bytes: ask.answer_bytes(engines.len()), ..RegionReport::default() };
    let began = Instant::now();
    for (account, retries) in futures::future::try_join_all(parts).await? {
        report.account.add(&account);
        report.retries += retries + account.retries;
    }
    report.wall_seconds = began.elapsed().as_secs_f64();
    let collector = collector.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((collector.finish()?, report))
}

/// Whether these engines are nodes of one pool, as the first of them that answers says.
async fn is_pool(engines: &[Arc<dyn Region>], patience: Patience) -> bool {
    let mut asked: futures::stream::FuturesUnordered<_> = engines.iter().map(|engine| engine.status()).collect();
    let first = async {
        while let Some(status) = asked.next().await {
            if let Ok(status) = status {
                return status.nodes > 0;
            }
        }
        false
    };
    tokio::time::timeout(patience.silence.min(MOST_ASKED_FOR), first).await.unwrap_or(false)
}

/// The share of a fragment that one question is for.
#[derive(Clone, Copy)]
struct Share {
    index: u32,
    count: u32,
    /// Whether any engine may be asked for what is missing, and has others help it.
    is_pool: bool,
}

/// One part of a fragment, on its way to an answer.
struct Asking<'a> {
    name: &'a str,
    engines: &'a [Arc<dyn Region>],
    fragment: &'a Arc<Fragment>,
    part: Share,
    collector: &'a Mutex<Collector>,
    patience: Patience,
    told: &'a Mutex<Vec<Progress>>,
    watch: Watch<'a>,
}

impl Asking<'_> {
    /// Asks one engine after another, starting with the part's own, until one answers in full.
    async fn until_answered(&self) -> Result<(Account, u64), RegionError> {
        let mut failing_since = Instant::now();
        let mut wait = Duration::from_millis(50);
        let (mut accepted, mut failures, mut asked_before, mut total) = (0, 0, false, Account::default());
        for retries in 0u64.. {
            let engine = &self.engines[(self.first() + retries as usize) % self.engines.len()];
            let error = match self.once(engine.as_ref(), &mut asked_before).await {
                Ok(account) => {
                    total.add(&account);
                    // What was asked for may have been the first of many runs.
                    if self.is_answered() {
                        return Ok((total, failures));
                    }
                    continue;
                }
                Err(e) if e.kind != ErrorKind::Unavailable => return Err(e),
                Err(e) => e,
            };
            failures += 1;
            // Patience begins anew only with new results: an engine that dies of this very request is given up.
            let now_accepted = self.collector.lock().unwrap_or_else(PoisonError::into_inner).accepted();
            if now_accepted > accepted {
                (accepted, failing_since, wait) = (now_accepted, Instant::now(), Duration::from_millis(50));
            }
            if failing_since.elapsed() > self.patience.retry_for {
                let seconds = self.patience.retry_for.as_secs();
                return Err(RegionError::unavailable(format!(
                    "region '{}' could not be reached for {seconds} s: {}",
                    self.name, error.message
                )));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
        Err(RegionError::internal("asked for ever"))
    }

    /// Which engine is asked first: in a pool, different ones for different fragments, so that not all are headed by one.
    fn first(&self) -> usize {
        if !self.part.is_pool {
            return self.part.index as usize;
        }
        let of_source = |s: &xeng_proto::SourceUse| s.variable.bytes().fold(0usize, |n, b| n.wrapping_mul(31).wrapping_add(b as usize));
        self.fragment.sources.iter().map(of_source).fold(self.fragment.graph.len(), usize::wrapping_add) % self.engines.len()
    }

    fn is_answered(&self) -> bool {
        !self.part.is_pool || self.collector.lock().unwrap_or_else(PoisonError::into_inner).missing(1).is_empty()
    }

    /// What is to be asked for: of a pool that has failed before, only what is missing.
    fn wanted(&self, asked_before: bool) -> Part {
        let Share { index, count, is_pool } = self.part;
        if is_pool && asked_before {
            let missing = self.collector.lock().unwrap_or_else(PoisonError::into_inner).missing(MOST_RUNS);
            // Where all has come and only the end was cut off, an engine says once more that nothing has changed meanwhile.
            return if missing.is_empty() { Part::Own(missing) } else { Part::Missing(missing) };
        }
        Part::Share { index, count }
    }

    /// Asks one engine once.
    async fn once(&self, engine: &dyn Region, asked_before: &mut bool) -> Result<Account, RegionError> {
        let silent = |_| RegionError::unavailable(format!("{} was silent for {} s", engine.label(), self.patience.silence.as_secs()));
        let from = |e: RegionError| said_by(engine, e);
        let part = self.wanted(std::mem::replace(asked_before, true));
        let mut attempt = self.collector.lock().unwrap_or_else(PoisonError::into_inner).attempt(&part);
        let mut answers = tokio::time::timeout(self.patience.silence, engine.execute(self.fragment.clone(), part))
            .await
            .map_err(silent)?
            .map_err(from)?;
        while let Some(answer) = tokio::time::timeout(self.patience.silence, answers.next()).await.map_err(silent)? {
            match answer.map_err(from)? {
                Answer::Progress(progress) => self.tell(progress),
                Answer::Piece(piece) => {
                    self.collector.lock().unwrap_or_else(PoisonError::into_inner).add(&mut attempt, piece).map_err(from)?
                }
                Answer::Done(account) => {
                    self.collector.lock().unwrap_or_else(PoisonError::into_inner).close(&attempt).map_err(from)?;
                    return Ok(account);
                }
            }
        }
        Err(RegionError::unavailable(format!("{} ended its answer early", engine.label())))
    }

    fn tell(&self, progress: Progress) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all[self.part.index as usize] = progress;
        let sum = all.iter().fold(Progress::default(), |a, p| Progress {
            read_bytes: a.read_bytes + p.read_bytes,
            total_bytes: a.total_bytes + p.total_bytes,
            units_done: a.units_done + p.units_done,
            units_total: a.units_total + p.units_total,
        });
        (self.watch)(self.name, sum);
    }
}

/// An error with the engine that it comes from, unless it names it already.
pub(crate) fn said_by(engine: &dyn Region, e: RegionError) -> RegionError {
    let label = engine.label();
    if e.message.starts_with(&label) { e } else { RegionError::new(e.kind, format!("{label}: {}", e.message)) }
}

/// Adds what a region did in one round to what it did before.
pub(crate) fn add_report(total: &mut RegionReport, more: &RegionReport) {
    total.account.add(&more.account);
    total.retries += more.retries;
    total.predicted_bytes += more.predicted_bytes;
    total.wall_seconds += more.wall_seconds;
}
