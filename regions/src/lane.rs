//! A lane of a run: pieces on their way from a reader to the pool, and what is kept between them.
//!
//! In: pieces, their bytes here or on their way. Out: the same, to be waited for or asked whether they have come.

use crate::read::{Fetched, Leftovers};
use std::thread::ScopedJoinHandle;
use xeng_kernels::{Bounds, Partial};
use xeng_proto::RegionError;

/// What a lane keeps from piece to piece.
#[derive(Default)]
pub(crate) struct Lane {
    /// Of the unit under way.
    pub(crate) partials: Option<Vec<Partial>>,
    /// Decoded chunks that the next piece may need.
    pub(crate) leftovers: Leftovers,
}

/// A piece of a unit, and its stored bytes.
pub(crate) struct ReadPiece<'t> {
    pub(crate) unit: usize,
    pub(crate) at: Bounds,
    pub(crate) last: bool,
    bytes: Bytes<'t>,
}

enum Bytes<'t> {
    Here(Fetched),
    Coming(ScopedJoinHandle<'t, Result<Fetched, RegionError>>),
    Taken,
}

impl<'t> ReadPiece<'t> {
    /// A piece whose bytes are here.
    pub(crate) fn new(unit: usize, at: Bounds, fetched: Fetched, last: bool) -> ReadPiece<'t> {
        ReadPiece { unit, at, last, bytes: Bytes::Here(fetched) }
    }

    /// A piece whose bytes a thread is bringing.
    pub(crate) fn coming(unit: usize, at: Bounds, thread: ScopedJoinHandle<'t, Result<Fetched, RegionError>>, last: bool) -> ReadPiece<'t> {
        ReadPiece { unit, at, last, bytes: Bytes::Coming(thread) }
    }

    /// The piece and its bytes, once they have come.
    pub(crate) fn wait(mut self) -> Result<(ReadPiece<'t>, Fetched), RegionError> {
        let fetched = match std::mem::replace(&mut self.bytes, Bytes::Taken) {
            Bytes::Here(fetched) => fetched,
            Bytes::Coming(thread) => thread.join().unwrap_or_else(|_| Err(RegionError::internal("a reader ended early")))?,
            Bytes::Taken => return Err(RegionError::internal("a piece was read twice")),
        };
        Ok((self, fetched))
    }

    /// As [`Self::wait`], if that takes no time; else the piece as it is.
    #[allow(clippy::type_complexity)]
    pub(crate) fn ready(self) -> Result<Result<(ReadPiece<'t>, Fetched), RegionError>, ReadPiece<'t>> {
        match &self.bytes {
            Bytes::Coming(thread) if !thread.is_finished() => Err(self),
            Bytes::Here(_) | Bytes::Coming(_) | Bytes::Taken => Ok(self.wait()),
        }
    }
}
