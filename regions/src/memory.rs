//! The memory budget of an engine: bytes are taken under permit before anything is read into them.
//!
//! In: a number of bytes. Out: a permit, when there is room. Never grants more than the budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use xeng_proto::RegionError;

/// Permits are counted in pages, since a semaphore counts to 2^32 at most.
const PAGE: usize = 4096;

/// The memory budget of an engine.
#[derive(Clone, Debug)]
pub struct Memory {
    pages: Arc<Semaphore>,
    budget_bytes: usize,
    peak_bytes: Arc<AtomicU64>,
    /// Requests that wait: while there are any, nothing is spare.
    waiting: Arc<AtomicUsize>,
}

/// Bytes under permit; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    pages: OwnedSemaphorePermit,
}

impl Permit {
    /// Takes a part of it that may be given back later than the rest; `None` when it is smaller.
    pub fn split(&mut self, bytes: usize) -> Option<Permit> {
        self.pages.split(bytes.div_ceil(PAGE)).map(|pages| Permit { pages })
    }
}

impl Memory {
    /// A budget of `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Memory {
        // Whole pages: a request that fits into the budget must fit into the pages as well.
        let budget_bytes = budget_bytes.min(PAGE * (Semaphore::MAX_PERMITS.min(u32::MAX as usize))) / PAGE * PAGE;
        Memory { pages: Arc::new(Semaphore::new(budget_bytes / PAGE)), budget_bytes, peak_bytes: Arc::default(), waiting: Arc::default() }
    }

    /// The budget.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Bytes under permit now.
    pub fn used_bytes(&self) -> usize {
        self.budget_bytes.saturating_sub(self.pages.available_permits() * PAGE)
    }

    /// The most bytes that were ever under permit at once.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    /// Whether `bytes` can ever be taken; `what` says for whom.
    ///
    /// # Errors
    /// `Budget` when the budget is smaller.
    pub fn check(&self, bytes: usize, what: &str) -> Result<(), RegionError> {
        if bytes.div_ceil(PAGE) > self.budget_bytes / PAGE {
            return Err(RegionError::budget(format!(
                "{what} needs {bytes} bytes of memory, and the engine's budget is {} bytes: raise the budget (--memory), or select less at a time",
                self.budget_bytes
            )));
        }
        Ok(())
    }

    /// Bytes that are not under permit now.
    pub fn free_bytes(&self) -> usize {
        self.pages.available_permits() * PAGE
    }

    /// Takes `bytes` that nobody waits for; `None` when there are not as many.
    pub fn take_spare(&self, bytes: usize) -> Option<Permit> {
        let pages = u32::try_from(bytes.div_ceil(PAGE)).ok()?;
        let nobody_waits = || self.waiting.load(Ordering::SeqCst) == 0;
        let permit = self.pages.clone().try_acquire_many_owned(pages).ok().filter(|_| nobody_waits())?;
        self.peak_bytes.fetch_max(self.used_bytes() as u64, Ordering::Relaxed);
        Some(Permit { pages: permit })
    }

    /// Waits until `bytes` are free and takes them; `make_room` is told how many are wanted, and may give up what was spare.
    ///
    /// # Errors
    /// `Budget` at once when the budget is smaller than `bytes`; `what` says for whom.
    pub async fn take(&self, bytes: usize, what: &str, make_room: &(dyn Fn(usize) + Sync)) -> Result<Permit, RegionError> {
        self.check(bytes, what)?;
        // From here on nothing more is taken as spare, so that the room that is made stays.
        let _waiting = Waiting::new(&self.waiting);
        make_room(bytes);
        let pages = self.pages.clone().acquire_many_owned(bytes.div_ceil(PAGE) as u32).await;
        let pages = pages.map_err(|_| RegionError::unavailable("the engine is shutting down"))?;
        self.peak_bytes.fetch_max(self.used_bytes() as u64, Ordering::Relaxed);
        Ok(Permit { pages })
    }
}

/// A request that waits, counted until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn new(count: &AtomicUsize) -> Waiting<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
