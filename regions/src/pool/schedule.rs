//! Which node does which range, and what is asked again, of whom and when.
//!
//! In: what happened - nodes come, go and fail, ranges are done - and the time. Out: commands. Never asks anybody and has no clock: the same
//! events give the same commands.
//!
//! Each range belongs to the node that wants it most ([`super::rendezvous`]). A node is sent batches of its own ranges, two at a time so that
//! it never waits; one without any takes from the node that has the most left, and where nothing is left doubles what has been quiet for too
//! long. Only ranges within a window after the first unfinished one are sent, which bounds what waits to be merged.

mod batch;
mod node;
#[cfg(test)]
mod tests;

use super::rendezvous::{hash_with, weight};
use batch::{Batch, Pace};
use node::{Life, Node};
use std::collections::BTreeMap;
use std::time::Duration;

/// A node's number: the order in which nodes have come. One that comes back under its name has the same.
pub type NodeNumber = usize;
/// A batch's number.
pub type BatchNumber = u64;

/// How a schedule behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Ranges after the first unfinished one that may be sent.
    pub window: usize,
    /// Batches that a node is sent at a time.
    pub depth: usize,
    /// Ranges that a node can do at the same time.
    pub width: usize,
    /// How much work a batch should be.
    pub batch: Duration,
    /// What a range must at least have been quiet for to be doubled.
    pub hedge_after: Duration,
    /// What a node that failed is left alone for, at first and at most; jitter makes it up to twice as long.
    pub backoff: (Duration, Duration),
    /// How long nothing may come forward, after a failure, before all is given up.
    pub retry_for: Duration,
    /// Of the jitter.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            window: usize::MAX,
            depth: 2,
            width: 1,
            batch: Duration::from_millis(400),
            hedge_after: Duration::from_millis(250),
            backoff: (Duration::from_millis(100), Duration::from_secs(2)),
            retry_for: Duration::from_secs(60),
            seed: 0,
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send these ranges, in this order, to a node.
    Send {
        /// What the ranges' ends are told by.
        batch: BatchNumber,
        /// To whom.
        node: NodeNumber,
        /// Ascending.
        ranges: Vec<u32>,
    },
    /// Nobody needs what is left of a batch.
    Cancel(BatchNumber),
    /// Ask a node that has failed whether it is there again.
    Probe(NodeNumber),
}

/// How far all is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Under way.
    Running,
    /// Every range is done.
    Complete,
    /// Nothing has come forward for too long after a failure.
    GivenUp,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ranges that were sent again after a failure.
    pub retries: u64,
    /// Ranges that were sent to a second node before the first had failed.
    pub hedges: u64,
    /// Ranges that another node did than the one they belong to.
    pub stolen: u64,
}

/// A range on its way.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    is_done: bool,
    /// The batches that hold it: one, and one more that doubles it.
    held: [Option<BatchNumber>; 2],
}

/// The state of all ranges and nodes.
#[derive(Debug)]
pub struct Schedule {
    settings: Settings,
    keys: Vec<u64>,
    /// Whether a range may be done by two nodes at a time.
    may_double: Vec<bool>,
    steps: Vec<Step>,
    low: usize,
    left: usize,
    nodes: Vec<Node>,
    batches: BTreeMap<BatchNumber, Batch>,
    /// Ranges without a node.
    homeless: Vec<u32>,
    next_batch: BatchNumber,
    pace: Pace,
    moved_at: Duration,
    failed_since: bool,
    counts: Counts,
    cancelled: Vec<BatchNumber>,
    rolls: u64,
}

impl Schedule {
    /// A schedule of ranges with these keys; `may_double[i]` tells whether two nodes may do range `i` at a time.
    pub fn new(keys: Vec<u64>, may_double: Vec<bool>, settings: Settings) -> Schedule {
        let count = keys.len();
        Schedule {
            settings,
            keys,
            may_double,
            steps: vec![Step::default(); count],
            low: 0,
            left: count,
            nodes: vec![],
            batches: BTreeMap::new(),
            homeless: (0..count as u32).collect(),
            next_batch: 0,
            pace: Pace::default(),
            moved_at: Duration::ZERO,
            failed_since: false,
            counts: Counts::default(),
            cancelled: vec![],
            rolls: 0,
        }
    }

    /// A node is there; gives its number.
    pub fn joins(&mut self, name: u64) -> NodeNumber {
        let number = match self.nodes.iter().position(|n| n.name == name) {
            Some(number) => number,
            None => {
                self.nodes.push(Node::new(name));
                self.nodes.len() - 1
            }
        };
        if self.nodes[number].life != Life::Up {
            self.nodes[number].life = Life::Up;
            self.give_its_own(number);
        }
        number
    }

    /// A node leaves: it ends what it is doing, and gets nothing more.
    pub fn leaves(&mut self, node: NodeNumber) {
        if let Some(n) = self.nodes.get_mut(node) {
            n.life = Life::Gone;
            let left = std::mem::take(&mut n.queue);
            self.homeless.extend(left);
        }
    }

    /// A range of a batch is done. Whether it is the first to have done it.
    pub fn done(&mut self, now: Duration, batch: BatchNumber, range: u32) -> bool {
        let Some(step) = self.steps.get_mut(range as usize) else { return false };
        if let Some(b) = self.batches.get_mut(&batch) {
            let took = now.saturating_sub(b.heard);
            b.heard = now;
            self.pace.add(took);
            if let Some(node) = self.nodes.get_mut(b.node) {
                node.pace.add(took);
            }
        }
        if std::mem::replace(&mut step.is_done, true) {
            return false;
        }
        let held = std::mem::take(&mut step.held);
        for holder in held.into_iter().flatten() {
            let Some(b) = self.batches.get_mut(&holder) else { continue };
            b.left = b.left.saturating_sub(1);
            if b.left == 0 && holder != batch {
                self.cancelled.push(holder);
                self.close(holder);
            }
        }
        self.left -= 1;
        (self.moved_at, self.failed_since) = (now, false);
        while self.steps.get(self.low).is_some_and(|s| s.is_done) {
            self.low += 1;
        }
        true
    }

    /// A batch has ended well.
    pub fn ended(&mut self, batch: BatchNumber) {
        if let Some(b) = self.close(batch) {
            self.nodes[b.node].failures = 0;
            self.release(batch, &b);
        }
    }

    /// A batch has failed in a way that may pass: its node is left alone for a while, and what is left of it goes to others.
    pub fn failed(&mut self, now: Duration, batch: BatchNumber) {
        let Some(b) = self.close(batch) else { return };
        self.failed_since = true;
        self.counts.retries += self.release(batch, &b);
        self.rolls += 1;
        let (backoff, roll) = (self.settings.backoff, hash_with(self.settings.seed, self.rolls));
        let node = &mut self.nodes[b.node];
        let queue = node.fails(now, backoff, roll);
        self.homeless.extend(queue);
    }

    /// A node was asked whether it is there.
    pub fn probed(&mut self, now: Duration, node: NodeNumber, is_there: bool) {
        let Some(n) = self.nodes.get_mut(node).filter(|n| n.life == Life::Asked) else { return };
        if is_there {
            n.life = Life::Up;
            self.give_its_own(node);
        } else {
            self.rolls += 1;
            n.fails(now, self.settings.backoff, hash_with(self.settings.seed, self.rolls));
        }
    }

    /// The node that has a batch which has not ended.
    pub fn node_of(&self, batch: BatchNumber) -> Option<NodeNumber> {
        self.batches.get(&batch).map(|b| b.node)
    }

    /// How far all is.
    pub fn standing(&self, now: Duration) -> Standing {
        match self.left {
            0 => Standing::Complete,
            _ if self.failed_since && now.saturating_sub(self.moved_at) > self.settings.retry_for => Standing::GivenUp,
            _ => Standing::Running,
        }
    }

    /// Ranges that are not done.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        self.steps.iter().enumerate().filter(|(_, s)| !s.is_done).map(|(i, _)| i as u32)
    }

    /// Whether a range is done.
    pub fn is_done(&self, range: u32) -> bool {
        self.steps.get(range as usize).is_some_and(|s| s.is_done)
    }

    /// Batches that have not ended.
    pub fn open_batches(&self) -> usize {
        self.batches.len()
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a batch off its node.
    fn close(&mut self, batch: BatchNumber) -> Option<Batch> {
        let b = self.batches.remove(&batch)?;
        self.nodes[b.node].batches -= 1;
        Some(b)
    }

    /// Frees what a batch leaves undone; how many ranges nobody else does.
    fn release(&mut self, batch: BatchNumber, b: &Batch) -> u64 {
        let mut freed = 0;
        for &range in &b.ranges {
            let step = &mut self.steps[range as usize];
            step.held.iter_mut().filter(|h| **h == Some(batch)).for_each(|h| *h = None);
            if !step.is_done && step.held == [None, None] {
                self.homeless.push(range);
                freed += 1;
            }
        }
        freed
    }

    /// The live node that wants a range most.
    fn owner(&self, range: u32) -> Option<NodeNumber> {
        let key = self.keys[range as usize];
        let live = self.nodes.iter().enumerate().filter(|(_, n)| n.life == Life::Up);
        live.max_by_key(|(number, n)| (weight(key, n.name), *number)).map(|(number, _)| number)
    }

    /// Moves to a node what it wants more than those who have it.
    fn give_its_own(&mut self, node: NodeNumber) {
        let name = self.nodes[node].name;
        let mut own = vec![];
        for n in self.nodes.iter_mut().filter(|n| n.name != name) {
            let (keys, other) = (&self.keys, n.name);
            n.queue.retain(|&range| {
                let key = keys[range as usize];
                let moves = weight(key, name) > weight(key, other);
                own.extend(moves.then_some(range));
                !moves
            });
        }
        self.nodes[node].queue.extend(own);
    }
}
