//! What an engine says of itself, and who speaks.

use super::budget::{Budget, at_most, text};
use super::{Wire, need, pb};
use crate::error::RegionError;
use crate::region::{Join, Status};
use crate::version::{PROTOCOL, VERSION, check};
use std::time::Duration;

/// Bytes of an address, and addresses in an answer, at most.
const MOST_ADDRESS_BYTES: usize = 512;
const MOST_ADDRESSES: usize = 4096;

impl Wire for Status {
    type Message = pb::GetStatusReply;

    fn to_wire(&self) -> pb::GetStatusReply {
        pb::GetStatusReply {
            speaker: Some(speaker()),
            region: self.region.clone(),
            version: self.version.clone(),
            threads: self.threads,
            memory_bytes: self.memory_bytes,
            used_bytes: self.used_bytes,
            active: self.active,
            nodes: self.nodes,
            instance: self.instance,
            is_draining: self.is_draining,
        }
    }

    fn from_wire(message: pb::GetStatusReply, _: &mut Budget) -> Result<Status, RegionError> {
        Ok(Status {
            region: text(message.region, "a region's name")?,
            version: text(message.version, "a version")?,
            threads: message.threads,
            memory_bytes: message.memory_bytes,
            used_bytes: message.used_bytes,
            active: message.active,
            nodes: message.nodes,
            instance: message.instance,
            is_draining: message.is_draining,
        })
    }
}

impl Wire for Join {
    type Message = pb::JoinRequest;

    fn to_wire(&self) -> pb::JoinRequest {
        pb::JoinRequest {
            speaker: Some(speaker()),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            instance: self.instance,
            lease_milliseconds: self.lease.as_millis() as u64,
        }
    }

    fn from_wire(message: pb::JoinRequest, _: &mut Budget) -> Result<Join, RegionError> {
        check_speaker(message.speaker)?;
        Ok(Join {
            region: text(message.region, "a region's name")?,
            endpoint: endpoint(message.endpoint)?,
            instance: message.instance,
            lease: Duration::from_millis(message.lease_milliseconds),
        })
    }
}

/// An address of bounded length.
fn endpoint(address: String) -> Result<String, RegionError> {
    at_most(address.len(), MOST_ADDRESS_BYTES, "bytes of an address")?;
    Ok(address)
}

/// The addresses that a node knows, from its answer.
///
/// # Errors
/// `Request` when there are too many, or one is too long.
pub fn known_endpoints(message: pb::JoinReply) -> Result<Vec<String>, RegionError> {
    check_speaker(message.speaker)?;
    at_most(message.endpoints.len(), MOST_ADDRESSES, "addresses")?;
    message.endpoints.into_iter().map(endpoint).collect()
}

/// This program, as it presents itself in every request and reply.
pub fn speaker() -> pb::Speaker {
    pb::Speaker { protocol: PROTOCOL, version: VERSION.to_owned() }
}

/// Refuses a peer of another protocol, or one that does not say which it speaks.
///
/// # Errors
/// `Request`, naming both versions.
pub fn check_speaker(speaker: Option<pb::Speaker>) -> Result<(), RegionError> {
    let speaker = need(speaker, "the speaker")?;
    check(speaker.protocol, &speaker.version)
}
