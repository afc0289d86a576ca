//! Encoded chunks on their way to the disk: threads that write them while others compute.
//!
//! In: encoded chunks, with what they cover. Out: files, flushed, and an answer for each box. Never holds the bytes of more than
//! [`MOST_WAITING`] boxes: one is written at a time, while those before it are flushed side by side.

use super::Writing;
use super::chunk::Encoded;
use super::staging::Staged;
use crate::tally::Tally;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::Sender;
use xeng_proto::{Answer, Coverage, ErrorKind, Piece, RegionError};

/// Threads that write: a flush takes long and costs nothing, and disks do many at once.
const WRITERS: usize = 8;
/// Boxes whose bytes wait for a writer, or are with one.
pub(crate) const MOST_WAITING: usize = 2;

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
        let (send, receive) = sync_channel(MOST_WAITING - 1);
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
            let began;
            let staged = {
                // The lock is held while bytes are, so that no more of them are held than have been counted.
                let boxes = boxes.lock().unwrap_or_else(PoisonError::into_inner);
                let Ok((coverage, chunks)) = boxes.recv() else { return };
                if self.has_failed() {
                    continue;
                }
                began = Instant::now();
                self.stage(chunks).map(|staged| (coverage, staged))
            };
            let answered = staged.and_then(|(coverage, staged)| self.place(coverage, staged));
            self.tally.writing(began.elapsed());
            if let Err(e) = answered {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
            }
        }
    }

    /// Writes the chunks of a box, without a place as yet.
    fn stage(&self, chunks: Vec<Encoded>) -> Result<Vec<(Option<Staged>, Encoded)>, RegionError> {
        let stage = |mut chunk: Encoded| {
            let bytes = std::mem::take(&mut chunk.bytes);
            self.tally.written(bytes.len());
            let staged = if bytes.is_empty() { None } else { Some(self.writing.staging.stage(&bytes)?) };
            Ok((staged, chunk))
        };
        chunks.into_iter().map(stage).collect()
    }

    /// Flushes the chunks of a box, puts them in their places and tells home.
    fn place(&self, coverage: Coverage, staged: Vec<(Option<Staged>, Encoded)>) -> Result<(), RegionError> {
        let mut written = Vec::with_capacity(staged.len());
        for (staged, chunk) in staged {
            if let Some(staged) = staged {
                self.writing.staging.place(staged, &chunk.path)?;
            }
            written.push(chunk.written);
        }
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
