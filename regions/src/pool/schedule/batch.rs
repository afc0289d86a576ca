//! Fills nodes with batches: their own ranges, then others', then doubles of what is late.
//!
//! In: the schedule's state. Out: commands. Never sends a range to a third node at a time.

use super::node::Life;
use super::{Command, NodeNumber, Schedule};
use std::time::Duration;

/// Ranges of a batch at most.
const MOST: usize = 256;
/// How much a new time changes the mean.
const NEWS: f64 = 0.1;
/// Deviations from the mean after which a range is late.
const LATE_DEVIATIONS: f64 = 4.0;
/// What is late where no range has ended yet, in seconds.
const LATE_AT_FIRST: f64 = 2.0;

/// Ranges that a node was sent together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) node: NodeNumber,
    pub(super) ranges: Vec<u32>,
    /// Those that nobody has done yet.
    pub(super) left: usize,
    /// When it was sent, or a range of it was done.
    pub(super) heard: Duration,
}

/// How long a range takes: from one range's end to the next one's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    count: u64,
    mean: f64,
    variance: f64,
}

impl Pace {
    pub(super) fn add(&mut self, took: Duration) {
        self.count += 1;
        let news = NEWS.max(1.0 / self.count as f64);
        let off = took.as_secs_f64() - self.mean;
        self.mean += news * off;
        self.variance = (1.0 - news) * (self.variance + news * off * off);
    }

    /// What a range takes in the mean, once one is known.
    fn seconds(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// What no range takes unless something is wrong.
    fn late_seconds(&self) -> f64 {
        self.seconds().map_or(LATE_AT_FIRST, |mean| mean + LATE_DEVIATIONS * self.variance.sqrt())
    }
}

impl Schedule {
    /// What is to be done now. To be asked after every event, and now and then.
    pub fn commands(&mut self, now: Duration) -> Vec<Command> {
        let mut out: Vec<Command> = std::mem::take(&mut self.cancelled).into_iter().map(Command::Cancel).collect();
        if self.left == 0 {
            return out;
        }
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if matches!(node.life, Life::Down(until) if until <= now) {
                node.life = Life::Asked;
                out.push(Command::Probe(number));
            }
        }
        self.house();
        // Everybody gets a first batch before anybody a second.
        for batches in 0..self.settings.depth {
            for node in 0..self.nodes.len() {
                if self.nodes[node].life == Life::Up && self.nodes[node].batches == batches {
                    let ranges = self.chosen(now, node);
                    out.extend((!ranges.is_empty()).then(|| self.sent(now, node, ranges)));
                }
            }
        }
        out
    }

    /// Gives ranges without a node to those who want them.
    fn house(&mut self) {
        if self.homeless.is_empty() || self.nodes.iter().all(|n| n.life != Life::Up) {
            return;
        }
        for range in std::mem::take(&mut self.homeless) {
            if let Some(owner) = self.owner(range) {
                self.nodes[owner].queue.insert(range);
            }
        }
    }

    fn chosen(&mut self, now: Duration, node: NodeNumber) -> Vec<u32> {
        let most = self.batch_size(node);
        let limit = self.low.saturating_add(self.settings.window).min(self.steps.len()) as u32;
        let own: Vec<u32> = self.nodes[node].queue.range(..limit).take(most).copied().collect();
        if !own.is_empty() {
            for range in &own {
                self.nodes[node].queue.remove(range);
            }
            return own;
        }
        let taken = self.taken_from_another(node, most, limit);
        if taken.is_empty() { self.doubled(now, node, most) } else { taken }
    }

    /// As much as takes the wanted time; less towards the end, so that all nodes end together.
    fn batch_size(&self, node: NodeNumber) -> usize {
        let live = self.nodes.iter().filter(|n| n.life == Life::Up).count().max(1);
        let waiting: usize = self.nodes.iter().map(|n| n.queue.len()).sum();
        // A node that does several at a time is not left half idle for fairness.
        let least = self.settings.width.div_ceil(self.settings.depth).clamp(1, MOST);
        let fair = waiting.div_ceil(2 * self.settings.depth * live).max(least);
        let seconds = self.nodes[node].pace.seconds();
        let wanted = seconds.map_or(least, |seconds| (self.settings.batch.as_secs_f64() / seconds.max(1e-9)) as usize);
        wanted.clamp(least, MOST).min(fair)
    }

    /// The last of what the node with the most left would do, half of it at most.
    fn taken_from_another(&mut self, node: NodeNumber, most: usize, limit: u32) -> Vec<u32> {
        let waiting = |n: usize| self.nodes[n].queue.range(..limit).count();
        let longest = (0..self.nodes.len()).filter(|&n| n != node).map(|n| (waiting(n), n)).max();
        let Some((count, other)) = longest.filter(|(count, _)| *count > 0) else { return vec![] };
        let queue = &mut self.nodes[other].queue;
        let mut taken: Vec<u32> = queue.range(..limit).rev().take(most.min(count.div_ceil(2))).copied().collect();
        for range in &taken {
            queue.remove(range);
        }
        taken.sort_unstable();
        self.counts.stolen += taken.len() as u64;
        taken
    }

    /// What another node has been quiet about for too long.
    fn doubled(&mut self, now: Duration, node: NodeNumber, most: usize) -> Vec<u32> {
        let late = Duration::from_secs_f64(self.pace.late_seconds().min(3600.0)).max(self.settings.hedge_after);
        let mut quiet: Vec<(Duration, &Batch)> = self
            .batches
            .values()
            .filter(|b| b.node != node && b.left > 0 && now.saturating_sub(b.heard) > late)
            .map(|b| (b.heard, b))
            .collect();
        quiet.sort_by_key(|(heard, _)| *heard);
        let single = |r: &u32| {
            let step = &self.steps[*r as usize];
            !step.is_done && step.held.iter().flatten().count() == 1 && self.may_double[*r as usize]
        };
        // The last of a batch are begun last.
        let doubles = quiet.into_iter().flat_map(|(_, b)| b.ranges.iter().rev().copied());
        let mut ranges: Vec<u32> = doubles.filter(single).take(most).collect();
        ranges.sort_unstable();
        self.counts.hedges += ranges.len() as u64;
        ranges
    }

    fn sent(&mut self, now: Duration, node: NodeNumber, ranges: Vec<u32>) -> Command {
        let batch = self.next_batch;
        self.next_batch += 1;
        for &range in &ranges {
            if let Some(free) = self.steps[range as usize].held.iter_mut().find(|h| h.is_none()) {
                *free = Some(batch);
            }
        }
        self.nodes[node].batches += 1;
        self.batches.insert(batch, Batch { node, ranges: ranges.clone(), left: ranges.len(), heard: now });
        Command::Send { batch, node, ranges }
    }
}
