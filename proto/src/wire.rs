//! How the domain types travel: conversions to and from the messages of `schema/xeng/v1`.
//!
//! In: domain types, or messages from a peer that is not trusted. Out: the other. `to_wire` cannot fail; `from_wire`
//! checks everything and takes what it unpacks from a [`Budget`]. Never does input or output.

mod along;
mod answer;
mod block;
mod budget;
mod dataset;
mod formula;
mod fragment;
mod functions;
mod graph;
mod integers;
mod pack;
mod reduction;
mod status;
mod store;
#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use status::{check_speaker, known_endpoints, speaker};

use crate::error::RegionError;

/// The generated messages, clients and servers of package `xeng.v1`; documented in the `.proto` files.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod pb {
    tonic::include_proto!("xeng.v1");
}

/// The compiled `.proto` files with their comments, as the reflection service shows them.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("xeng.v1.descriptors");

/// A domain type that can travel.
pub trait Wire: Sized {
    /// Its message.
    type Message;

    /// The message of this value.
    fn to_wire(&self) -> Self::Message;

    /// The value of a message, checked.
    ///
    /// # Errors
    /// `Request` when the message is malformed, over a limit, or newer than this program.
    fn from_wire(message: Self::Message, budget: &mut Budget) -> Result<Self, RegionError>;
}

/// All values of a list.
fn list<T: Wire>(messages: Vec<T::Message>, budget: &mut Budget) -> Result<Vec<T>, RegionError> {
    messages.into_iter().map(|m| T::from_wire(m, budget)).collect()
}

/// A field that must be there.
fn need<T>(field: Option<T>, what: &str) -> Result<T, RegionError> {
    field.ok_or_else(|| malformed(format!("{what} is missing, or the other end speaks a newer v1")))
}

/// A choice among kinds that has to be one of those this program knows.
fn known<E>(value: Result<E, impl std::fmt::Display>, what: &str) -> Result<E, RegionError> {
    value.map_err(|e| malformed(format!("unknown {what} ({e}): the other end speaks a newer v1")))
}

/// The refusal of an unset or unknown choice.
fn newer(what: &str) -> RegionError {
    malformed(format!("unset or unknown {what}: the other end speaks a newer v1"))
}

fn malformed(why: impl std::fmt::Display) -> RegionError {
    RegionError::request(format!("malformed message: {why}"))
}

/// Bytes of a fragment as it travels.
pub fn fragment_bytes(fragment: &crate::Fragment) -> usize {
    prost::Message::encoded_len(&fragment.to_wire())
}
