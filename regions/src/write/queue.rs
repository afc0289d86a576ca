//! Encoded chunks on their way to the disk: threads that write them while others compute.
//!
//! In: encoded chunks, with what they cover. Out: files, flushed, and an answer for each box. Never holds more than [`WAITING_CHUNKS`] boxes
//! besides those being written.

use super::Writing;
use super::chunk::Encoded;
use crate::tally::Tally;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::Sender;
use xeng_proto::{Answer, Coverage, ErrorKind, Piece, RegionError};

/// Threads that write: one may flush while another one writes.
pub(crate) const WRITERS: usize = 2;
/// Boxes that wait for a writer.
pub(crate) const WAITING_CHUNKS: usize = 1;

/// A finished box: one chunk per array.
type Box = (Coverage, Vec<Encoded>);

/// The boxes of one task that wait to be written.
pub(crate) struct Queue<'a> {
    writing: &'a Writing,
    tally: &'a Tally,
    answers: &'a Sender<Result<Answer, RegionError>>,
    failure: Mutex<Option<RegionError>>,
}

impl<'a> Queue<'a> {
    pub(crate) fn new(writing: &'a Writing, tally: &'a Tally, answers: &'a Sender<Result<Answer, RegionError>>) -> Queue<'a> {
        Queue { writing, tally, answers, failure: Mutex::new(None) }
    }

    /// Runs `work`, which hands in boxes, beside the writers, until both are done.
    ///
    /// # Errors
    /// The first error of a writer, or that of `work`.
    pub(crate) fn run(&self, work: impl FnOnce(&HandIn<'_, 'a>) -> Result<(), RegionError>) -> Result<(), RegionError> {
        let (send, receive) = sync_channel(WAITING_CHUNKS);
        let receive = Mutex::new(receive);
        let outcome = std::thread::scope(|threads| {
            for _ in 0..WRITERS {
                threads.spawn(|| self.write_all(&receive));
            }
            // The sender goes with this call: the writers end when nothing more can come.
            work(&HandIn { queue: self, send })
        });
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(e) => Err(e),
            None => outcome,
        }
    }

    /// Writes boxes until none can come any more. After a failure they are passed over: whoever hands one in must never wait for ever.
    fn write_all(&self, boxes: &Mutex<Receiver<Box>>) {
        loop {
            let next = boxes.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((coverage, chunks)) = next else { return };
            if self.has_failed() {
                continue;
            }
            if let Err(e) = self.write(coverage, chunks) {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
            }
        }
    }

    fn write(&self, coverage: Coverage, chunks: Vec<Encoded>) -> Result<(), RegionError> {
        let began = Instant::now();
        let mut written = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            if !chunk.bytes.is_empty() {
                self.writing.staging.add(&chunk.path, &chunk.bytes)?;
            }
            self.tally.written(chunk.bytes.len());
            written.push(chunk.written);
        }
        self.tally.writing(began.elapsed());
        let piece = Piece { coverage, partials: vec![], written };
        self.answers.blocking_send(Ok(Answer::Piece(piece))).map_err(|_| gone())
    }

    fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Where finished boxes are handed in.
pub(crate) struct HandIn<'q, 'a> {
    queue: &'q Queue<'a>,
    send: SyncSender<Box>,
}

impl HandIn<'_, '_> {
    /// Hands in a box; waits while the disk is slower.
    ///
    /// # Errors
    /// `Cancelled` once a writer has failed, whose error is the one that counts.
    pub(crate) fn take(&self, coverage: Coverage, chunks: Vec<Encoded>) -> Result<(), RegionError> {
        if self.queue.has_failed() {
            return Err(gone());
        }
        self.send.send((coverage, chunks)).map_err(|_| gone())
    }
}

fn gone() -> RegionError {
    RegionError::new(ErrorKind::Cancelled, "the asker went away")
}
