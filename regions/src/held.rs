//! Results of a fragment's held steps, kept while nodes of a pool do its ranges batch by batch.
//!
//! In: fragments. Out: a place for what was computed once. Never keeps what there is no spare memory for, nor for longer than a minute after
//! it was used.

use crate::memory::Permit;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use xeng_kernels::Known;
use xeng_proto::Fragment;

/// Fragments that are remembered.
const MOST: usize = 4;
/// How long after it was used.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What the held steps of one fragment gave; empty until somebody has computed it, who holds the lock meanwhile.
pub(crate) type Slot = Arc<Mutex<Option<Computed>>>;

/// What was computed, under permit.
pub(crate) struct Computed {
    pub(crate) known: Known,
    pub(crate) _permit: Permit,
}

/// What the fragments under way hold.
#[derive(Default)]
pub(crate) struct HeldSteps {
    all: Mutex<Vec<(Arc<Fragment>, Slot, Instant)>>,
}

impl HeldSteps {
    /// The place of a fragment, shared by all that ask for an equal one.
    pub(crate) fn slot(&self, fragment: &Arc<Fragment>) -> Slot {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, slot, used)| used.elapsed() < KEPT_FOR || Arc::strong_count(slot) > 1);
        if let Some((_, slot, used)) = all.iter_mut().find(|(f, ..)| Arc::ptr_eq(f, fragment) || f == fragment) {
            *used = Instant::now();
            return slot.clone();
        }
        if all.len() >= MOST {
            let oldest = all.iter().enumerate().min_by_key(|(_, (.., used))| *used).map(|(i, _)| i);
            oldest.map(|i| all.swap_remove(i));
        }
        let slot = Slot::default();
        all.push((fragment.clone(), slot.clone(), Instant::now()));
        slot
    }

    /// Gives up what nobody uses just now: somebody waits for memory.
    pub(crate) fn make_room(&self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, slot, _)| Arc::strong_count(slot) > 1);
    }
}
