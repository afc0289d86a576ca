//! Which protocol this program speaks, and how two ends find out that they do not understand each other.

use crate::error::RegionError;

/// Number of the protocol of `xeng.v1`. It changes only where an old end would misread a new one.
pub const PROTOCOL: u32 = 1;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Refuses a peer of another protocol.
///
/// # Errors
/// `Request`, naming both versions, when the peer's protocol is not [`PROTOCOL`].
pub fn check(protocol: u32, version: &str) -> Result<(), RegionError> {
    if protocol == PROTOCOL {
        return Ok(());
    }
    let version = if version.is_empty() { "unknown" } else { version };
    Err(RegionError::request(format!(
        "the other end (xeng {version}) speaks protocol {protocol}, this end (xeng {VERSION}) speaks protocol {PROTOCOL}: use versions that agree"
    )))
}
