//! The whole of the WAN as seen from home: two questions and an answer stream.

use crate::answer::Answer;
use crate::dataset::{Dataset, DatasetSpec};
use crate::error::RegionError;
use crate::fragment::{Fragment, Part};
use crate::store::{StoreStep, StoreTarget};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;

/// The answers to one fragment, in no promised order but for [`Answer::Done`], which is last.
pub type AnswerStream = BoxStream<'static, Result<Answer, RegionError>>;

/// An engine near the data: in this process, or behind gRPC.
#[async_trait]
pub trait Region: Send + Sync {
    /// What to call it in plans, progress and errors, such as `us-east-1 (http://10.0.1.10:7070)`.
    fn label(&self) -> String;

    /// Describes a dataset without reading its data.
    ///
    /// # Errors
    /// `Request` when there is no such dataset, `Data` when its metadata cannot be read, `Unavailable` when the region cannot be reached.
    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError>;

    /// Runs a share of a fragment. Dropping the stream cancels the work.
    ///
    /// # Errors
    /// `Request` for a malformed fragment or a snapshot that has changed, `Budget` when it cannot fit, `Unavailable` when the region cannot be reached;
    /// the stream itself may end in any error.
    async fn execute(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError>;

    /// Takes a store a step further. Engines of a region share the disk that it lies on: each step may be another one's.
    ///
    /// # Errors
    /// `Request` where the engine may not write, for what is no store, or files that are missing; `Budget` for a full disk; `Unavailable`
    /// when the disk fails or the region cannot be reached.
    async fn store(&self, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
        let _ = step;
        Err(RegionError::request(format!("{} cannot write '{}'", self.label(), target.uri)))
    }

    /// Takes note of another node of the region, for a while; gives the addresses of those that it knows.
    ///
    /// # Errors
    /// `Request` when this is no node of a pool, or of another region; `Budget` when there are too many; `Unavailable` when it cannot be
    /// reached.
    async fn join(&self, node: &Join) -> Result<Vec<String>, RegionError> {
        let _ = node;
        Err(RegionError::request(format!("{} is no node of a pool", self.label())))
    }

    /// What the engine is, and what it is doing.
    ///
    /// # Errors
    /// `Unavailable` when the region cannot be reached.
    async fn status(&self) -> Result<Status, RegionError>;

    /// Bytes that really crossed the wire to and from this engine since it was connected; zero in process.
    fn traffic(&self) -> Traffic;
}

/// A node that says where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The name of its region.
    pub region: String,
    /// Its address, such as `http://10.0.1.10:7070`.
    pub endpoint: String,
    /// [`Status::instance`].
    pub instance: u64,
    /// How long it holds unless it is said again.
    pub lease: Duration,
}

/// What an engine is, and what it is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The name of its region.
    pub region: String,
    /// Version of the program.
    pub version: String,
    /// Compute threads.
    pub threads: u32,
    /// Memory budget, in bytes.
    pub memory_bytes: u64,
    /// Bytes under permit now.
    pub used_bytes: u64,
    /// Fragments being executed now.
    pub active: u32,
    /// Of a node of a pool: how many nodes it knows, itself included; 0 for an engine that works alone.
    pub nodes: u32,
    /// Of a node of a pool: a number that no other process has, by which it knows itself in a list.
    pub instance: u64,
    /// Whether it ends what it is doing and takes nothing more.
    pub is_draining: bool,
}

/// Bytes on the wire, framing included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From home to the region.
    pub sent_bytes: u64,
    /// From the region to home.
    pub received_bytes: u64,
}
