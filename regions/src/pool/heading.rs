//! One fragment on its way through a pool: asks the nodes as the schedule says, and sends home what is complete.
//!
//! In: a fragment cut into ranges, the members of the pool. Out: answers. Never computes; stops all that it has started when nobody listens
//! any more, since the questions to the nodes end with it.

use super::clock::Clock;
use super::gather::Gather;
use super::plan::Cut;
use super::pump::{Heard, may_pass, probe, pump};
use super::roster::{Member, Roster, Watch};
use super::schedule::{BatchNumber, Command, NodeNumber, Schedule, Settings, Standing};
use crate::execute::Execution;
use crate::memory::Memory;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{AbortHandle, JoinSet};
use xeng_proto::{Account, Answer, Fragment, Part, Progress, Region, RegionError, Run};

/// How often the schedule is looked at when nothing happens, and the asker told how far all is.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the closing accounts of nodes are waited for once all is there.
const ACCOUNTS_WITHIN: Duration = Duration::from_millis(500);
/// What nodes have said and the head has not heard yet.
const EVENTS_WAITING: usize = 64;
/// Ranges per node that may be under way at least, however large their partials.
const LEAST_WINDOW: usize = 4;

/// Of the memory for partials that wait, the part that one fragment takes, so that several are headed at a time.
const MEMORY_SHARE: usize = 4;

/// How patient a head is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a node may say nothing: one that works says how far it is ten times a second.
    pub silence: Duration,
    /// How long a node that has failed has to say that it is there again.
    pub probe: Duration,
    /// How long nothing may come forward, after a failure, before the fragment is given up.
    pub retry_for: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { silence: Duration::from_secs(8), probe: Duration::from_secs(2), retry_for: Duration::from_secs(60) }
    }
}

/// A batch that a node has.
struct Open {
    ranges: Arc<[u32]>,
    /// How many of them it has answered in full.
    delivered: usize,
    progress: Progress,
    asking: AbortHandle,
}

/// A fragment on its way.
pub(super) struct Heading {
    fragment: Arc<Fragment>,
    execution: Arc<Execution>,
    ranges: Vec<Run>,
    units: u64,
    gather: Gather,
    schedule: Schedule,
    patience: Patience,
    watch: Watch,
    /// By the schedule's number.
    nodes: Vec<Arc<dyn Region>>,
    present: BTreeMap<String, NodeNumber>,
    open: HashMap<BatchNumber, Open>,
    pumps: JoinSet<()>,
    account: Account,
    clock: Clock,
    /// Why a node failed last.
    failure: Option<RegionError>,
    memory: Memory,
    waiting_bytes: usize,
    said: Sender<Heard>,
    heard: Receiver<Heard>,
}

impl Heading {
    pub(super) fn new(
        fragment: Arc<Fragment>,
        execution: Execution,
        cut: Cut,
        roster: &Roster,
        patience: Patience,
        threads: usize,
        memory: Memory,
    ) -> Heading {
        let nodes = roster.len().max(1);
        let fits = memory.budget_bytes() / MEMORY_SHARE / cut.state_bytes.max(1);
        let window = fits.max(LEAST_WINDOW * nodes);
        let units_per_range = (cut.units as usize / cut.ranges.len().max(1)).max(1);
        let settings = Settings {
            window,
            width: threads.div_ceil(units_per_range),
            retry_for: patience.retry_for,
            seed: cut.keys.first().copied().unwrap_or(0),
            ..Settings::default()
        };
        let (said, heard) = channel(EVENTS_WAITING);
        Heading {
            fragment,
            execution: Arc::new(execution),
            units: cut.units,
            waiting_bytes: cut.state_bytes.saturating_mul(window.min(cut.ranges.len())).min(memory.budget_bytes()),
            schedule: Schedule::new(cut.keys, cut.may_double, settings),
            gather: Gather::new(cut.expected, cut.ranges.clone()),
            ranges: cut.ranges,
            patience,
            watch: roster.watch(),
            nodes: vec![],
            present: BTreeMap::new(),
            open: HashMap::new(),
            pumps: JoinSet::new(),
            account: Account::default(),
            clock: Clock::start(),
            failure: None,
            memory,
            said,
            heard,
        }
    }

    /// Runs it to its end; whatever is wrong is the last answer.
    pub(super) async fn run(mut self, out: Sender<Result<Answer, RegionError>>) {
        let done = tokio::select! {
            done = self.answered(&out) => done,
            () = out.closed() => return,
        };
        let _ = out.send(done.map(Answer::Done)).await;
    }

    async fn answered(&mut self, out: &Sender<Result<Answer, RegionError>>) -> Result<Account, RegionError> {
        let _permit = admitted(&self.memory, self.waiting_bytes, out).await?;
        let members = self.watch.members();
        self.meet(members);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let now = self.clock.now();
            for command in self.schedule.commands(now) {
                self.obey(command);
            }
            match self.schedule.standing(now) {
                Standing::Complete => break,
                Standing::GivenUp => return Err(self.given_up()),
                Standing::Running => {}
            }
            tokio::select! {
                Some(heard) = self.heard.recv() => self.hear(heard, out).await?,
                () = self.watch.changed() => {
                    let members = self.watch.members();
                    self.meet(members);
                }
                _ = look.tick() => drop(out.try_send(Ok(Answer::Progress(self.progress())))),
                Some(_) = self.pumps.join_next() => {}
            }
        }
        self.close(out).await
    }

    /// Takes note of who is there.
    fn meet(&mut self, members: Vec<Member>) {
        let names: Vec<String> = members.iter().map(|m| m.name.clone()).collect();
        for member in members {
            if self.present.contains_key(&member.name) {
                continue;
            }
            let number = self.schedule.joins(member.key());
            match self.nodes.get_mut(number) {
                Some(node) => *node = member.region,
                None => self.nodes.push(member.region),
            }
            self.present.insert(member.name, number);
        }
        let schedule = &mut self.schedule;
        self.present.retain(|name, number| {
            let stays = names.contains(name);
            if !stays {
                schedule.leaves(*number);
            }
            stays
        });
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Cancel(batch) => self.forget(batch),
            Command::Probe(number) => {
                if let Some(node) = self.nodes.get(number) {
                    self.pumps.spawn(probe(node.clone(), number, self.patience.probe, self.said.clone()));
                }
            }
            Command::Send { batch, node, ranges } => {
                let Some(node) = self.nodes.get(node) else { return };
                let runs = ranges.iter().filter_map(|&r| self.ranges.get(r as usize)).cloned().collect();
                let asked = pump(node.clone(), self.fragment.clone(), Part::Own(runs), batch, self.patience.silence, self.said.clone());
                let asking = self.pumps.spawn(asked);
                self.open.insert(batch, Open { ranges: ranges.into(), delivered: 0, progress: Progress::default(), asking });
            }
        }
    }

    fn forget(&mut self, batch: BatchNumber) {
        if let Some(open) = self.open.remove(&batch) {
            open.asking.abort();
            self.gather.forget(batch, &open.ranges);
        }
    }

    async fn hear(&mut self, heard: Heard, out: &Sender<Result<Answer, RegionError>>) -> Result<(), RegionError> {
        let (batch, answer) = match heard {
            Heard::Answer(batch, answer) => (batch, answer),
            Heard::Probed(node, is_there) => {
                self.schedule.probed(self.clock.now(), node, is_there);
                return Ok(());
            }
        };
        // What a cancelled batch still said is of no use.
        let Some(open) = self.open.get_mut(&batch) else { return Ok(()) };
        match answer {
            Ok(Answer::Progress(progress)) => open.progress = progress,
            Ok(Answer::Piece(piece)) => {
                let from = self.schedule.node_of(batch).and_then(|n| self.nodes.get(n)).map(|n| n.label()).unwrap_or_default();
                let ranges = open.ranges.clone();
                let step = self.gather.take(batch, &ranges, piece);
                let step = step.map_err(|e| RegionError::new(e.kind, format!("{from}: {}", e.message)))?;
                if let Some(range) = step.done {
                    open.delivered += 1;
                    self.schedule.done(self.clock.now(), batch, range);
                }
                if let Some(piece) = step.piece {
                    // An asker that has gone away is seen by whoever runs this.
                    let _ = self.clock.hold(out.send(Ok(Answer::Piece(piece)))).await;
                }
            }
            Ok(Answer::Done(account)) => {
                if open.delivered < open.ranges.len() {
                    let (done, asked) = (open.delivered, open.ranges.len());
                    return Err(RegionError::data(format!(
                        "a node says it is done, but answered for {done} of {asked} ranges of work units"
                    )));
                }
                self.account.add(&account);
                self.schedule.ended(batch);
                self.forget(batch);
            }
            Err(e) if may_pass(&e) => {
                self.schedule.failed(self.clock.now(), batch);
                self.failure = Some(e);
                self.forget(batch);
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// How far all is. What nodes read for batches that have ended is in their accounts.
    fn progress(&self) -> Progress {
        let read = self.open.values().map(|o| o.progress.read_bytes).sum::<u64>();
        Progress {
            read_bytes: self.account.read_bytes + read,
            total_bytes: 0,
            units_done: self.gather.units_done(),
            units_total: self.units,
        }
    }

    fn given_up(&self) -> RegionError {
        let (missing, all) = (self.schedule.missing().count(), self.ranges.len());
        let why = self.failure.as_ref().map_or("no node answers", |e| e.message.as_str());
        let seconds = self.patience.retry_for.as_secs_f64();
        RegionError::unavailable(format!("{missing} of {all} ranges of work units could not be done for {seconds} s: {why}"))
    }

    /// Once all is there: what nodes have to say at last, what is left of boxes that were asked for in part, and the account.
    async fn close(&mut self, out: &Sender<Result<Answer, RegionError>>) -> Result<Account, RegionError> {
        let last = tokio::time::Instant::now() + ACCOUNTS_WITHIN;
        while self.open.values().any(|open| open.delivered == open.ranges.len()) {
            for command in self.schedule.commands(self.clock.now()) {
                self.obey(command);
            }
            match tokio::time::timeout_at(last, self.heard.recv()).await {
                Ok(Some(heard)) => self.hear(heard, out).await?,
                Ok(None) | Err(_) => break,
            }
        }
        // A node that was cut off before its last word has not said that its files are still those that were planned for.
        let execution = self.execution.clone();
        let checked = tokio::task::spawn_blocking(move || execution.check_unchanged()).await;
        checked.map_err(|e| RegionError::internal(format!("looking at files failed: {e}")))??;
        for piece in self.gather.rest() {
            let _ = out.send(Ok(Answer::Piece(piece))).await;
        }
        let counts = self.schedule.counts();
        Ok(Account { retries: counts.retries, hedges: counts.hedges, ..self.account })
    }
}

/// Room for partials that wait; meanwhile the asker hears that it is not forgotten.
async fn admitted(memory: &Memory, bytes: usize, out: &Sender<Result<Answer, RegionError>>) -> Result<crate::memory::Permit, RegionError> {
    let nothing_to_give = |_| {};
    let taking = memory.take(bytes, "merging what the nodes of the region answer", &nothing_to_give);
    tokio::pin!(taking);
    loop {
        tokio::select! {
            permit = &mut taking => return permit,
            () = tokio::time::sleep(Duration::from_secs(1)) => drop(out.try_send(Ok(Answer::Progress(Progress::default())))),
        }
    }
}
