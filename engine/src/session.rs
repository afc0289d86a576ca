//! A user's session: opens datasets where they lie, evaluates expressions over them, and accounts for it.
//!
//! In: a topology, datasets, named expressions. Out: finished arrays and a receipt. The facade of this crate: every
//! door (library, command line, plan files, gateway) comes through here.

mod connect;
mod finish;
mod needed;
mod resolved;
mod store;

use crate::error::{Error, Result};
use crate::execute::{Engines, Patience, RegionReport, Watch, add_report, execute_as, said_by};
use crate::expr::Program;
use crate::lazy::{OpenedDataset, PlanSource, Value};
use crate::open_spec::OpenSpec;
use crate::optimize::optimize;
use crate::parse::parse;
use crate::receipt::{DatasetReceipt, LinkReceipt, Receipt, digest_outcomes};
use crate::resolve::Scope;
use crate::result::Outcome;
use crate::stages::{Stages, cut_for};
use crate::topology::Topology;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::Begun;
use xeng_kernels::{Graph, NodeId};
use xeng_proto::{Dataset, DatasetSpec, ErrorKind, RegionError, Traffic};

pub use connect::{Setup, Tell};
pub use store::{StoreAt, StorePlan};

/// Named expressions over opened datasets, and which of them are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// The datasets.
    pub opens: Vec<OpenSpec>,
    /// Names and texts, in order: each may refer to those before it.
    pub compute: Vec<(String, String)>,
    /// Names of the wanted entries of `compute`.
    pub wanted: Vec<String>,
    /// Wanted entries that engines write beside their data; the others come home.
    pub stores: Vec<StoreAt>,
}

impl Job {
    /// The name of the entry of a job that is one expression.
    pub const RESULT: &str = "result";

    /// One expression over some datasets.
    pub fn expression(text: &str, opens: Vec<OpenSpec>) -> Job {
        let result = Self::RESULT.to_owned();
        Job { opens, compute: vec![(result.clone(), text.to_owned())], wanted: vec![result], stores: vec![] }
    }
}

/// A job, planned: what every region will be asked.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What regions are asked, and what home does.
    pub stages: Stages,
    /// The datasets that are read.
    pub datasets: Vec<Arc<OpenedDataset>>,
    /// The variables behind `Op::Scan`.
    pub sources: Vec<crate::lazy::PlanSource>,
    /// The stores that regions write.
    pub stores: Vec<StorePlan>,
    /// What was wanted, by name, and where its cells are among the roots.
    wanted: Vec<(String, finish::Shape)>,
    /// Roots that must not be true, and why the request is refused where one is.
    refusals: Vec<(usize, Error)>,
    /// What planning read of the data, where labels depend on it, per region.
    pub read: BTreeMap<String, RegionReport>,
    traffic_before: BTreeMap<String, Traffic>,
    began: Instant,
}

/// A job, done.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was wanted and came home, by name, in the order wanted.
    pub outcomes: Vec<(String, Outcome)>,
    /// What it took.
    pub receipt: Receipt,
}

/// Engines by region, and what a run may cost.
pub struct Session {
    engines: Engines,
    topology: Topology,
    home: String,
    remote: Vec<String>,
    wan_bytes: Option<u64>,
    memory_bytes: u64,
    patience: Patience,
    tell: Tell,
    /// Remote regions whose engines have told that they are theirs.
    met: std::sync::Mutex<std::collections::BTreeSet<String>>,
    leaving: store::Leaving,
}

impl Session {
    /// The region that results are wanted in.
    pub fn home(&self) -> &str {
        &self.home
    }

    /// Lets these engines answer for a region, whatever the topology names for it.
    pub fn answer_with(&mut self, region: &str, engines: Vec<Arc<dyn xeng_proto::Region>>) {
        self.engines.insert(region.to_owned(), engines);
    }

    /// Where everything is.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The engines, by region.
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// Number of engines of a region.
    pub fn engines_in(&self, region: &str) -> usize {
        self.engines.get(region).map_or(0, Vec::len)
    }

    /// The engines of a region.
    ///
    /// # Errors
    /// `Request` for a region that the topology does not have.
    fn engines_of(&self, region: &str) -> Result<&[Arc<dyn xeng_proto::Region>]> {
        self.engines.get(region).map(Vec::as_slice).ok_or_else(|| {
            let known = self.engines.keys().map(String::as_str);
            let hint = crate::suggest::did_you_mean(region, known.clone()).or_else(|| {
                Some(format!(
                    "name its engine with --region {region}=http://HOST:7070 or in xeng.toml; known regions: {}",
                    known.collect::<Vec<_>>().join(", ")
                ))
            });
            Error::request(format!("it lies in region '{region}', which the topology does not have")).hint_if(hint)
        })
    }

    /// Waits until stores of runs that have failed or were cut off are removed, for some seconds at most.
    pub async fn settle(&self) {
        self.leaving.settle().await;
    }

    /// Describes a dataset in its region.
    ///
    /// # Errors
    /// `Request` for an unknown region or dataset, `Data` for unreadable metadata, `Unavailable` when no engine of the region answers.
    pub async fn open(&self, spec: &OpenSpec) -> Result<OpenedDataset> {
        let region = spec.region.clone().unwrap_or_else(|| self.home.clone());
        let description = self.describe(&region, &spec.dataset).await.map_err(|e| e.prefixed(&format!("dataset '{}'", spec.name)))?;
        // Of one file, they are of kinds that are refused by name; of several, only the join knows them.
        if description.files > 1 {
            for (name, reason) in description.unreadable.iter().filter(|(name, _)| !spec.dataset.drop.contains(name)) {
                (self.tell)(&format!("warning: dataset '{}': variable '{name}' is left out: {reason}", spec.name));
            }
        }
        Ok(OpenedDataset { alias: spec.name.clone(), region, description })
    }

    /// Describes what lies in a region.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn describe(&self, region: &str, dataset: &DatasetSpec) -> Result<Dataset> {
        let engines = self.engines_of(region)?;
        let began = Instant::now();
        let mut last = RegionError::unavailable(format!("region '{region}' has no engine"));
        let patience = self.patience.retry_for.min(Duration::from_secs(10));
        let mut is_told = false;
        // An engine that is just being restarted is worth waiting for; a wrong request is not.
        while began.elapsed() <= patience {
            for engine in engines {
                let (described, met) = futures::join!(engine.describe(dataset), self.meet(region, engines));
                met?;
                match described {
                    Ok(description) if description.spec.more == dataset.more => return Ok(description),
                    Ok(_) => {
                        let label = engine.label();
                        return Err(Error::request(format!(
                            "{label} is of a version that knows no lists of files, and opened only the first"
                        ))
                        .hint("update it, or name the files by one pattern"));
                    }
                    Err(e) if e.kind == ErrorKind::Unavailable => last = said_by(engine.as_ref(), e),
                    Err(e) => return Err(Error::from(e)),
                }
            }
            if !std::mem::replace(&mut is_told, true) {
                (self.tell)(&format!("waiting up to {} s for region '{region}': {}", patience.as_secs(), plainly(&last.message)));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let message = format!("region '{region}' could not be reached for {} s: {}", patience.as_secs(), plainly(&last.message));
        let error = Error::new(Error::from(last).kind, message);
        Err(if self.remote.iter().any(|name| name == region) {
            error.hint(format!(
                "start its engine (xeng serve --region {region} --root FOLDER --listen ADDRESS), or name one that runs: --region {region}=http://HOST:7070"
            ))
        } else {
            error
        })
    }

    /// Refuses engines that serve another region than the topology says: the data would be that of another place.
    async fn meet(&self, region: &str, engines: &[Arc<dyn xeng_proto::Region>]) -> Result<()> {
        let is_known = |met: &std::collections::BTreeSet<String>| met.contains(region);
        if !self.remote.iter().any(|name| name == region) || is_known(&self.met.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let asked = engines.iter().map(|engine| tokio::time::timeout(Duration::from_secs(5), engine.status()));
        for (engine, status) in engines.iter().zip(futures::future::join_all(asked).await) {
            // One that does not answer is found out by what is asked of it.
            if let Ok(Ok(status)) = status
                && !status.region.is_empty()
                && status.region != region
            {
                return Err(Error::request(format!("{} serves region '{}', not '{region}'", engine.label(), status.region))
                    .hint(format!("name it as --region {}=..., or name an engine of '{region}'", status.region)));
            }
        }
        self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned());
        Ok(())
    }

    /// Plans a job: reads metadata, and of data only the few cells that the result's labels depend on (`dropna`, `where(..., drop=True)`).
    ///
    /// # Errors
    /// `Request` for a wrong expression or name, with its place; as [`Self::open`]; `Budget` when it would send too much.
    pub async fn plan(&self, job: &Job) -> Result<Planned> {
        self.plan_programs(needed::programs(job)?, job).await
    }

    /// As [`Self::plan`], of expressions that are parsed.
    async fn plan_programs(&self, programs: Vec<(String, Program)>, job: &Job) -> Result<Planned> {
        let began = Instant::now();
        let traffic_before = self.traffic();
        let names = needed::datasets(&programs, &job.opens);
        let opening = names.into_iter().map(|spec| self.open(spec));
        let others = job
            .opens
            .iter()
            .map(|o| o.name.clone())
            .chain(job.compute.iter().map(|(name, _)| name.clone()))
            .filter(|name| name != Job::RESULT);
        let mut scope = Scope { others: others.collect(), ..Scope::default() };
        let mut datasets = vec![];
        for opened in futures::future::try_join_all(opening).await? {
            let opened = Arc::new(opened);
            datasets.push(opened.clone());
            scope.datasets.insert(opened.alias.clone(), opened);
        }
        let resolved::Resolved { mut plan, values, refused, read, wan_bytes } =
            self.resolved(&programs, &mut scope, job.compute.len() > 1).await?;
        let mut roots = vec![];
        let wanted = job
            .wanted
            .iter()
            .map(|name| {
                let value: &Value = values.get(name).ok_or_else(|| Error::request(format!("nothing called '{name}' is computed")))?;
                Ok((name.clone(), finish::shape(value, &mut plan, &mut roots)?))
            })
            .collect::<Result<Vec<_>>>()?;
        let refusals = refused
            .into_iter()
            .map(|(node, error)| {
                roots.push(node);
                (roots.len() - 1, error)
            })
            .collect();
        let (graph, roots) = optimize(&plan.graph, &roots).map_err(Error::from)?;
        let (stages, stores) = self.staged(graph, roots, &wanted, &plan.sources, job)?;
        let planned = Planned { stages, datasets, sources: plan.sources, stores, wanted, refusals, read, traffic_before, began };
        self.check_stages(&planned.stages, wan_bytes)?;
        Ok(planned)
    }

    /// What evaluating a box of gathered cells may compute: an eighth of the budget, so that each of several threads may hold one twice.
    fn gathered_bytes(&self) -> u64 {
        (self.memory_bytes / 8).clamp(8 << 20, 1 << 30)
    }

    /// Cuts a plan into stages. What home's own engine makes and home cannot hold, it writes, where a store is named for it.
    fn staged(
        &self,
        graph: Graph,
        roots: Vec<NodeId>,
        wanted: &[(String, finish::Shape)],
        sources: &[PlanSource],
        job: &Job,
    ) -> Result<(Stages, Vec<StorePlan>)> {
        let made = store::Made { wanted, graph: &graph, roots: &roots, sources };
        let (plans, writes) = store::planned(self, &job.stores, &made)?;
        let stages = cut_for(graph.clone(), roots.clone(), sources, writes, self.gathered_bytes())?;
        if stages.home_bytes()? <= self.memory_bytes || self.remote.contains(&self.home) || job.stores.iter().all(|s| s.region.is_some()) {
            return Ok((stages, plans));
        }
        let here = |s: &StoreAt| StoreAt { region: s.region.clone().or_else(|| Some(self.home.clone())), ..s.clone() };
        let stores: Vec<StoreAt> = job.stores.iter().map(here).collect();
        match store::planned(self, &stores, &made) {
            Ok((plans, writes)) => Ok((cut_for(graph.clone(), roots.clone(), sources, writes, self.gathered_bytes())?, plans)),
            // It was not asked for: what cannot be written so comes home, and is refused by the budget if home cannot hold it.
            Err(_) => Ok((stages, plans)),
        }
    }

    /// Runs a planned job.
    ///
    /// # Errors
    /// As [`crate::execute::execute`].
    pub async fn run(&self, planned: Planned, watch: Watch<'_>) -> Result<Run> {
        let begun = Begun::begin(self, &planned.stores).await?;
        let mut finished = execute_as(begun.run(), &planned.stages, &self.engines, self.patience, watch).await.map_err(Error::from)?;
        for (region, report) in &planned.read {
            add_report(finished.regions.entry(region.clone()).or_default(), report);
        }
        for (root, error) in &planned.refusals {
            if finished.blocks.get(*root).is_some_and(|b| b.to_i64_vec().iter().any(|&v| v != 0)) {
                return Err(error.clone());
            }
        }
        let (mut outcomes, mut stored) = (vec![], BTreeMap::new());
        for (name, shape) in &planned.wanted {
            let outcome = finish::outcome(shape, &finished.blocks)?;
            if begun.holds(name) {
                stored.insert(name.clone(), outcome);
            } else {
                outcomes.push((name.clone(), outcome));
            }
        }
        let stores = begun.commit(&stored, &finished).await?;
        let now = self.traffic();
        let links = self.remote.iter().filter(|name| planned.datasets.iter().any(|d| d.region == **name)).map(|name| {
            let (after, before) =
                (now.get(name).copied().unwrap_or_default(), planned.traffic_before.get(name).copied().unwrap_or_default());
            let received_bytes = after.received_bytes.saturating_sub(before.received_bytes);
            let sent_bytes = after.sent_bytes.saturating_sub(before.sent_bytes);
            let price = self.topology.link(name, &self.home).and_then(|l| l.usd_per_gb);
            let usd = price.map(|p| p * (received_bytes + sent_bytes) as f64 / 1e9);
            let predicted_bytes = finished.regions.get(name).map_or(0, |r| r.predicted_bytes);
            (name.clone(), LinkReceipt { from: name.clone(), to: self.home.clone(), predicted_bytes, received_bytes, sent_bytes, usd })
        });
        let receipt = Receipt {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            plan_sha256: crate::receipt::digest_stages(&planned.stages),
            datasets: planned.datasets.iter().map(|d| DatasetReceipt::of(d)).collect(),
            links: links.map(|(_, link)| link).collect(),
            regions: finished.regions.iter().map(|(name, r)| (name.clone(), r.into())).collect(),
            wall_seconds: planned.began.elapsed().as_secs_f64(),
            coverage: 1.0,
            result_sha256: digest_outcomes(&outcomes, &stores),
            stores,
        };
        Ok(Run { outcomes, receipt })
    }

    /// Plans and runs a job.
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Self::run`].
    pub async fn evaluate(&self, job: &Job, watch: Watch<'_>) -> Result<Run> {
        self.in_time(async { self.run(self.plan(job).await?, watch).await }).await
    }

    /// Plans and runs one expression that is parsed; its value is the only outcome.
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Self::run`].
    pub async fn evaluate_program(&self, program: Program, opens: Vec<OpenSpec>, watch: Watch<'_>) -> Result<Run> {
        let result = Job::RESULT.to_owned();
        let job = Job { opens, wanted: vec![result.clone()], ..Job::default() };
        self.in_time(async { self.run(self.plan_programs(vec![(result, program)], &job).await?, watch).await }).await
    }

    async fn in_time(&self, whole: impl Future<Output = Result<Run>>) -> Result<Run> {
        let Some(limit) = self.patience.deadline else { return whole.await };
        let late = |_| Error::budget(format!("the run was not done within its deadline of {} s", limit.as_secs_f64()));
        tokio::time::timeout(limit, whole).await.map_err(late)?
    }

    /// Bytes that a plan sends over the WAN, before compression.
    pub fn predicted_wan_bytes(&self, stages: &Stages) -> u64 {
        let remote = |ask: &&crate::stages::Ask| self.remote.contains(&stages.regions[ask.region]);
        let given =
            |ask: &crate::stages::Ask| ask.given.iter().filter_map(|&id| stages.graph.node(id).ok()).map(|n| n.bytes() as u64).sum::<u64>();
        stages
            .asks
            .iter()
            .filter(remote)
            .map(|ask| ask.answer_bytes(self.engines_in(&stages.regions[ask.region])).saturating_add(given(ask)))
            .fold(0, u64::saturating_add)
    }

    /// Refuses what would send more than the budget, of which planning took `before`, or is more than home can hold.
    fn check_stages(&self, stages: &Stages, before: u64) -> Result<()> {
        let predicted = self.predicted_wan_bytes(stages).saturating_add(before);
        if let Some(limit) = self.wan_bytes.filter(|&limit| predicted > limit) {
            return Err(Error::budget(format!("this would send {predicted} bytes over the WAN, and the budget is {limit} bytes"))
                .hint("select or reduce more before the data leaves its region, or raise the budget (--wan-bytes)"));
        }
        let held = stages.home_bytes().map_err(Error::from)?;
        if held > self.memory_bytes {
            let limit = self.memory_bytes;
            return Err(Error::budget(format!("the result needs {held} bytes of memory at home, and the budget is {limit} bytes"))
                .hint("select or reduce more, or raise the budget (--memory)"));
        }
        Ok(())
    }

    fn traffic(&self) -> BTreeMap<String, Traffic> {
        let sum = |all: &[Arc<dyn xeng_proto::Region>]| {
            all.iter().map(|e| e.traffic()).fold(Traffic::default(), |a, t| Traffic {
                sent_bytes: a.sent_bytes + t.sent_bytes,
                received_bytes: a.received_bytes + t.received_bytes,
            })
        };
        self.engines.iter().map(|(name, all)| (name.clone(), sum(all))).collect()
    }
}

/// What the network says, without its numbers.
fn plainly(message: &str) -> String {
    let without = message.split(" (os error").next().unwrap_or(message);
    without.strip_suffix(": transport error").unwrap_or(without).to_owned()
}

/// An error, with the entry of the plan that it is in where there are several.
fn in_entry(error: Error, name: &str, several: bool) -> Error {
    if several { error.in_source(format!("[compute] {name}")) } else { error }
}

/// The program of one entry of a job.
///
/// # Errors
/// `Request`, with the place, for a text that is no expression.
fn program(name: &str, text: &str, several: bool) -> Result<crate::expr::Program> {
    parse(text).map_err(|e| in_entry(e, name, several))
}
