//! A node as its head sees it.
//!
//! In: its failures. Out: whether it is asked, and for how much. Never asks it.

use super::batch::Pace;
use std::collections::BTreeSet;
use std::time::Duration;

/// Whether a node is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It is.
    Up,
    /// It has failed, and is left alone until then.
    Down(Duration),
    /// It has failed, and is being asked whether it is there again.
    Asked,
    /// It has left.
    Gone,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    /// The hash of its name.
    pub(super) name: u64,
    pub(super) life: Life,
    /// Ranges that wait for it.
    pub(super) queue: BTreeSet<u32>,
    /// Batches that it has.
    pub(super) batches: usize,
    /// Failures in a row.
    pub(super) failures: u32,
    /// How long a range takes it.
    pub(super) pace: Pace,
}

impl Node {
    pub(super) fn new(name: u64) -> Node {
        Node { name, life: Life::Gone, queue: BTreeSet::new(), batches: 0, failures: 0, pace: Pace::default() }
    }

    /// One more failure: it is left alone, longer each time; what waited for it is given back.
    pub(super) fn fails(&mut self, now: Duration, (first, most): (Duration, Duration), roll: u64) -> BTreeSet<u32> {
        if self.life != Life::Gone {
            let pause = first.saturating_mul(1 << self.failures.min(16)).min(most);
            let jitter = pause.mul_f64((roll >> 11) as f64 / (1u64 << 53) as f64);
            self.life = Life::Down(now + pause + jitter);
        }
        self.failures = self.failures.saturating_add(1);
        std::mem::take(&mut self.queue)
    }
}
