//! The memory budget of an engine: bytes are taken under permit before anything is read into them.
//!
//! In: a number of bytes. Out: a permit, when there is room. Never grants more than the budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
}

/// Bytes under permit; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _pages: OwnedSemaphorePermit,
}

impl Memory {
    /// A budget of `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Memory {
        // Whole pages: a request that fits into the budget must fit into the pages as well.
        let budget_bytes = budget_bytes.min(PAGE * (Semaphore::MAX_PERMITS.min(u32::MAX as usize))) / PAGE * PAGE;
        Memory { pages: Arc::new(Semaphore::new(budget_bytes / PAGE)), budget_bytes, peak_bytes: Arc::default() }
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

    /// Waits until `bytes` are free and takes them.
    ///
    /// # Errors
    /// `Budget` at once when the budget is smaller than `bytes`; `what` says for whom.
    pub async fn take(&self, bytes: usize, what: &str) -> Result<Permit, RegionError> {
        self.check(bytes, what)?;
        let pages = self.pages.clone().acquire_many_owned(bytes.div_ceil(PAGE) as u32).await;
        let pages = pages.map_err(|_| RegionError::unavailable("the engine is shutting down"))?;
        self.peak_bytes.fetch_max(self.used_bytes() as u64, Ordering::Relaxed);
        Ok(Permit { _pages: pages })
    }
}
