//! What a region answers: pieces of partial results with what they cover, progress, and a closing account.
//!
//! In: nothing; plain data. Out: nothing. Never carries raw chunks.

use crate::coverage::Coverage;
use xeng_kernels::Partial;

/// One message of a region's answer stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// How far the work is.
    Progress(Progress),
    /// A piece of a task's result.
    Piece(Piece),
    /// The last message: everything asked for has been sent.
    Done(Account),
}

/// A piece of a task's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What it covers.
    pub coverage: Coverage,
    /// One partial per node of the task. A piece that holds every unit of its box is finished: the node's cells are its only state, as
    /// they always are of a node that is no reduction.
    pub partials: Vec<Partial>,
    /// Of a task that is written: one chunk per node of the task, in place of partials.
    pub written: Vec<Written>,
}

/// A chunk that a region has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Size of its file; 0 where it holds nothing but the fill value and is left out.
    pub bytes: u64,
    /// SHA-256 of its file; zeros where it is left out.
    pub sha256: [u8; 32],
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Stored bytes read so far.
    pub read_bytes: u64,
    /// Stored bytes that this part of the fragment reads in all, as far as known; 0 where unknown.
    pub total_bytes: u64,
    /// Work units finished.
    pub units_done: u64,
    /// Work units in all.
    pub units_total: u64,
}

/// What the work took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Account {
    /// Chunks read.
    pub chunks: u64,
    /// Stored bytes read.
    pub read_bytes: u64,
    /// Bytes after decoding.
    pub decoded_bytes: u64,
    /// Seconds spent fetching stored bytes, summed over threads.
    pub fetch_seconds: f64,
    /// Seconds spent decoding, summed over threads.
    pub decode_seconds: f64,
    /// Seconds spent in operators and reductions, summed over threads.
    pub compute_seconds: f64,
    /// Highest number of bytes under permit at any one time.
    pub peak_bytes: u64,
    /// Work units done.
    pub units: u64,
    /// Blocks that the cache beside the data held; like the following three, counted over the whole engine while the work was done.
    pub cache_hits: u64,
    /// Blocks that it had to fetch.
    pub cache_misses: u64,
    /// Bytes that it held.
    pub cache_saved_bytes: u64,
    /// Bytes that it fetched.
    pub cache_fetched_bytes: u64,
    /// Chunks that were in memory, decoded.
    pub kept_chunks: u64,
    /// Their decoded bytes.
    pub kept_bytes: u64,
    /// Bytes of chunks written beside the data.
    pub written_bytes: u64,
    /// Seconds spent encoding and writing them, summed over threads.
    pub write_seconds: f64,
    /// Of a region that has shared the work out among its nodes: ranges of work units that were sent again after a failure.
    pub retries: u64,
    /// Ranges that were sent to a second node because the first was late.
    pub hedges: u64,
}

impl Account {
    /// Adds what something else took.
    pub fn add(&mut self, more: &Account) {
        self.chunks += more.chunks;
        self.read_bytes += more.read_bytes;
        self.decoded_bytes += more.decoded_bytes;
        self.fetch_seconds += more.fetch_seconds;
        self.decode_seconds += more.decode_seconds;
        self.compute_seconds += more.compute_seconds;
        self.peak_bytes = self.peak_bytes.max(more.peak_bytes);
        self.units += more.units;
        self.cache_hits += more.cache_hits;
        self.cache_misses += more.cache_misses;
        self.cache_saved_bytes += more.cache_saved_bytes;
        self.cache_fetched_bytes += more.cache_fetched_bytes;
        self.kept_chunks += more.kept_chunks;
        self.kept_bytes += more.kept_bytes;
        self.written_bytes += more.written_bytes;
        self.write_seconds += more.write_seconds;
        self.retries += more.retries;
        self.hedges += more.hedges;
    }
}
