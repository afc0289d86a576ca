//! Counts what a fragment's execution reads and takes, from all its threads.
//!
//! In: events. Out: an [`Account`] and a [`Progress`]. Never locks.

use crate::cache::CacheUse;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use xeng_proto::{Account, Progress};

/// Counters of one execution.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    chunks: AtomicU64,
    read_bytes: AtomicU64,
    decoded_bytes: AtomicU64,
    kept_chunks: AtomicU64,
    kept_bytes: AtomicU64,
    fetch_nanos: AtomicU64,
    decode_nanos: AtomicU64,
    work_nanos: AtomicU64,
    written_bytes: AtomicU64,
    write_nanos: AtomicU64,
    units_done: AtomicU64,
    units_total: AtomicU64,
    total_bytes: AtomicU64,
}

impl Tally {
    pub(crate) fn fetched(&self, bytes: usize) {
        self.chunks.fetch_add(1, Relaxed);
        self.read_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn fetching(&self, took: Duration) {
        self.fetch_nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn decoded(&self, bytes: usize, took: Duration) {
        self.decoded_bytes.fetch_add(bytes as u64, Relaxed);
        self.decode_nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    /// A chunk whose decoded bytes were in memory.
    pub(crate) fn kept(&self, bytes: usize) {
        self.kept_chunks.fetch_add(1, Relaxed);
        self.kept_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Time spent on pieces, decoding included.
    pub(crate) fn working(&self, took: Duration) {
        self.work_nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn written(&self, bytes: usize) {
        self.written_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Time spent encoding or writing.
    pub(crate) fn writing(&self, took: Duration) {
        self.write_nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn unit_done(&self) {
        self.units_done.fetch_add(1, Relaxed);
    }

    pub(crate) fn announce(&self, units: u64, bytes: u64) {
        self.units_total.fetch_add(units, Relaxed);
        self.total_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            read_bytes: self.read_bytes.load(Relaxed),
            total_bytes: self.total_bytes.load(Relaxed),
            units_done: self.units_done.load(Relaxed),
            units_total: self.units_total.load(Relaxed),
        }
    }

    /// The account, given the engine's highest memory and what it had of the cache before and after.
    pub(crate) fn account(&self, peak_bytes: u64, before: CacheUse, after: CacheUse) -> Account {
        let seconds = |nanos: &AtomicU64| nanos.load(Relaxed) as f64 / 1e9;
        let decode_seconds = seconds(&self.decode_nanos);
        Account {
            chunks: self.chunks.load(Relaxed),
            read_bytes: self.read_bytes.load(Relaxed),
            decoded_bytes: self.decoded_bytes.load(Relaxed),
            fetch_seconds: seconds(&self.fetch_nanos),
            decode_seconds,
            compute_seconds: (seconds(&self.work_nanos) - decode_seconds).max(0.0),
            peak_bytes,
            units: self.units_done.load(Relaxed),
            cache_hits: after.hits.saturating_sub(before.hits),
            cache_misses: after.misses.saturating_sub(before.misses),
            cache_saved_bytes: after.saved_bytes.saturating_sub(before.saved_bytes),
            cache_fetched_bytes: after.fetched_bytes.saturating_sub(before.fetched_bytes),
            kept_chunks: self.kept_chunks.load(Relaxed),
            kept_bytes: self.kept_bytes.load(Relaxed),
            written_bytes: self.written_bytes.load(Relaxed),
            write_seconds: seconds(&self.write_nanos),
            retries: 0,
            hedges: 0,
        }
    }
}
