//! Answers: what a region sends back.

use super::block::result_to_wire;
use super::budget::{Budget, MAX_RANK, at_most, length};
use super::{Wire, list, malformed, need, pb};
use crate::answer::{Account, Answer, Piece, Progress, Written};
use crate::coverage::Coverage;
use crate::error::RegionError;
use bytes::Bytes;
use pb::answer::Kind;
use xeng_kernels::{Bounds, Partial};

impl Wire for Answer {
    type Message = pb::Answer;

    fn to_wire(&self) -> pb::Answer {
        let kind = match self {
            Answer::Progress(p) => Kind::Progress(p.to_wire()),
            Answer::Piece(p) => Kind::Piece(p.to_wire()),
            Answer::Done(a) => Kind::Done(a.to_wire()),
        };
        pb::Answer { kind: Some(kind) }
    }

    fn from_wire(message: pb::Answer, budget: &mut Budget) -> Result<Answer, RegionError> {
        Ok(match need(message.kind, "a kind of answer")? {
            Kind::Progress(p) => Answer::Progress(Progress::from_wire(p, budget)?),
            Kind::Piece(p) => Answer::Piece(Piece::from_wire(p, budget)?),
            Kind::Done(a) => Answer::Done(Account::from_wire(a, budget)?),
        })
    }
}

impl Wire for Progress {
    type Message = pb::Progress;

    fn to_wire(&self) -> pb::Progress {
        let Progress { read_bytes, total_bytes, units_done, units_total } = *self;
        pb::Progress { read_bytes, total_bytes, units_done, units_total }
    }

    fn from_wire(message: pb::Progress, _: &mut Budget) -> Result<Progress, RegionError> {
        let pb::Progress { read_bytes, total_bytes, units_done, units_total } = message;
        Ok(Progress { read_bytes, total_bytes, units_done, units_total })
    }
}

impl Wire for Piece {
    type Message = pb::Piece;

    fn to_wire(&self) -> pb::Piece {
        pb::Piece {
            coverage: Some(self.coverage.to_wire()),
            partials: self.partials.iter().map(Wire::to_wire).collect(),
            written: self.written.iter().map(Wire::to_wire).collect(),
        }
    }

    fn from_wire(message: pb::Piece, budget: &mut Budget) -> Result<Piece, RegionError> {
        Ok(Piece {
            coverage: Coverage::from_wire(need(message.coverage, "a coverage")?, budget)?,
            partials: list(message.partials, budget)?,
            written: list(message.written, budget)?,
        })
    }
}

impl Wire for Written {
    type Message = pb::Written;

    fn to_wire(&self) -> pb::Written {
        let sha256 = if self.bytes == 0 { Bytes::new() } else { Bytes::copy_from_slice(&self.sha256) };
        pb::Written { bytes: self.bytes, sha256 }
    }

    fn from_wire(message: pb::Written, _: &mut Budget) -> Result<Written, RegionError> {
        let sha256 = match (&message.sha256[..], message.bytes) {
            ([], 0) => [0; 32],
            (digest, _) => digest.try_into().map_err(|_| malformed("a digest that is not 32 bytes long"))?,
        };
        Ok(Written { bytes: message.bytes, sha256 })
    }
}

impl Wire for Coverage {
    type Message = pb::Coverage;

    fn to_wire(&self) -> pb::Coverage {
        pb::Coverage {
            task: self.task,
            starts: self.bounds.iter().map(|r| r.start as u64).collect(),
            ends: self.bounds.iter().map(|r| r.end as u64).collect(),
            level: self.level,
            index: self.index,
            units: self.units,
        }
    }

    fn from_wire(message: pb::Coverage, _: &mut Budget) -> Result<Coverage, RegionError> {
        at_most(message.starts.len(), MAX_RANK, "axes")?;
        if message.starts.len() != message.ends.len() || message.starts.iter().zip(&message.ends).any(|(s, e)| s > e) {
            return Err(malformed("bounds that are no box"));
        }
        // Above this height a node would hold more units than can be numbered.
        if message.level > u32::BITS {
            return Err(malformed(format!("height {} in a merge tree", message.level)));
        }
        let range = |(&start, &end): (&u64, &u64)| Ok(length(start, "an index")?..length(end, "an index")?);
        let bounds = message.starts.iter().zip(&message.ends).map(range).collect::<Result<Bounds, RegionError>>()?;
        Ok(Coverage { task: message.task, bounds, level: message.level, index: message.index, units: message.units })
    }
}

impl Wire for Partial {
    type Message = pb::Partial;

    fn to_wire(&self) -> pb::Partial {
        pb::Partial { states: self.states.iter().map(result_to_wire).collect() }
    }

    fn from_wire(message: pb::Partial, budget: &mut Budget) -> Result<Partial, RegionError> {
        Ok(Partial { states: list(message.states, budget)? })
    }
}

impl Wire for Account {
    type Message = pb::Account;

    fn to_wire(&self) -> pb::Account {
        let a = *self;
        pb::Account {
            chunks: a.chunks,
            read_bytes: a.read_bytes,
            decoded_bytes: a.decoded_bytes,
            fetch_seconds: a.fetch_seconds,
            decode_seconds: a.decode_seconds,
            compute_seconds: a.compute_seconds,
            peak_bytes: a.peak_bytes,
            units: a.units,
            cache_hits: a.cache_hits,
            cache_misses: a.cache_misses,
            cache_saved_bytes: a.cache_saved_bytes,
            cache_fetched_bytes: a.cache_fetched_bytes,
            kept_chunks: a.kept_chunks,
            kept_bytes: a.kept_bytes,
            written_bytes: a.written_bytes,
            write_seconds: a.write_seconds,
            retries: a.retries,
            hedges: a.hedges,
        }
    }

    fn from_wire(message: pb::Account, _: &mut Budget) -> Result<Account, RegionError> {
        let a = message;
        Ok(Account {
            chunks: a.chunks,
            read_bytes: a.read_bytes,
            decoded_bytes: a.decoded_bytes,
            fetch_seconds: a.fetch_seconds,
            decode_seconds: a.decode_seconds,
            compute_seconds: a.compute_seconds,
            peak_bytes: a.peak_bytes,
            units: a.units,
            cache_hits: a.cache_hits,
            cache_misses: a.cache_misses,
            cache_saved_bytes: a.cache_saved_bytes,
            cache_fetched_bytes: a.cache_fetched_bytes,
            kept_chunks: a.kept_chunks,
            kept_bytes: a.kept_bytes,
            written_bytes: a.written_bytes,
            write_seconds: a.write_seconds,
            retries: a.retries,
            hedges: a.hedges,
        })
    }
}
