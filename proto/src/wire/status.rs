//! What an engine says of itself, and who speaks.

use super::budget::{Budget, text};
use super::{Wire, need, pb};
use crate::error::RegionError;
use crate::region::Status;
use crate::version::{PROTOCOL, VERSION, check};

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
