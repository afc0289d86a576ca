//! Stores under way: what home asks of the engine that makes one.

use super::budget::{Budget, at_most, text};
use super::{Wire, list, need, pb};
use crate::error::RegionError;
use crate::store::{StoreFile, StoreStep, StoreTarget};
use pb::store_request::Step;

/// Files of one message.
const MAX_FILES: usize = 100_000;

impl Wire for StoreTarget {
    type Message = pb::StoreTarget;

    fn to_wire(&self) -> pb::StoreTarget {
        pb::StoreTarget { uri: self.uri.clone(), run: self.run.clone() }
    }

    fn from_wire(message: pb::StoreTarget, _: &mut Budget) -> Result<StoreTarget, RegionError> {
        Ok(StoreTarget { uri: text(message.uri, "a store's URI")?, run: text(message.run, "a run's name")? })
    }
}

impl Wire for StoreStep {
    type Message = Option<Step>;

    fn to_wire(&self) -> Option<Step> {
        Some(match self {
            StoreStep::Begin { inputs } => Step::Begin(pb::StoreBegin { inputs: inputs.iter().map(Wire::to_wire).collect() }),
            StoreStep::Put { files } => Step::Put(pb::StorePut { files: files.iter().map(Wire::to_wire).collect() }),
            &StoreStep::Commit { files, bytes } => Step::Commit(pb::StoreCommit { files, bytes }),
            StoreStep::Abandon => Step::Abandon(pb::StoreAbandon {}),
        })
    }

    fn from_wire(message: Option<Step>, budget: &mut Budget) -> Result<StoreStep, RegionError> {
        Ok(match need(message, "a step")? {
            Step::Begin(pb::StoreBegin { inputs }) => StoreStep::Begin { inputs: list(inputs, budget)? },
            Step::Put(pb::StorePut { files }) => {
                at_most(files.len(), MAX_FILES, "files")?;
                StoreStep::Put { files: list(files, budget)? }
            }
            Step::Commit(pb::StoreCommit { files, bytes }) => StoreStep::Commit { files, bytes },
            Step::Abandon(pb::StoreAbandon {}) => StoreStep::Abandon,
        })
    }
}

impl Wire for StoreFile {
    type Message = pb::StoreFile;

    fn to_wire(&self) -> pb::StoreFile {
        pb::StoreFile { path: self.path.clone(), content: self.bytes.clone() }
    }

    fn from_wire(message: pb::StoreFile, _: &mut Budget) -> Result<StoreFile, RegionError> {
        Ok(StoreFile { path: text(message.path, "a file's path")?, bytes: message.content })
    }
}
