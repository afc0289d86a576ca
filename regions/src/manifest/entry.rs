//! The envelope of a manifest: what it is of, and a checksum.
//!
//! Layout, little-endian: `XENGMAN1`, the first 16 bytes of the SHA-256 of all that follows, length of the name (u32), the name, the body.
//! In: bytes. Out: a body. Never gives one whose name or checksum is another.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const MAGIC: [u8; 8] = *b"XENGMAN1";
const SUM_BYTES: usize = 16;
const HEADER_BYTES: usize = MAGIC.len() + SUM_BYTES;

/// A body in its envelope.
pub(super) fn sealed(name: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 + name.len() + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; SUM_BYTES]);
    bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(body);
    let sum = Sha256::digest(&bytes[HEADER_BYTES..]);
    bytes[MAGIC.len()..HEADER_BYTES].copy_from_slice(&sum[..SUM_BYTES]);
    bytes
}

/// The bytes of a file that may be a manifest called `name`, and its age.
pub(super) fn read(path: &Path, name: &str, most: u64) -> Option<(Vec<u8>, Duration)> {
    // A pipe would be waited for.
    std::fs::symlink_metadata(path).ok().filter(|meta| meta.is_file())?;
    let file = File::open(path).ok()?;
    let meta = file.metadata().ok().filter(|meta| meta.is_file())?;
    let (len, age) = (meta.len(), meta.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default());
    if len < (HEADER_BYTES + 4 + name.len()) as u64 || len > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).ok()?);
    file.take(len).read_to_end(&mut bytes).ok()?;
    Some((bytes, age))
}

/// The body of a whole manifest called `name`.
pub(super) fn body<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len())?;
    let (sum, sealed) = rest.split_at_checked(SUM_BYTES)?;
    if magic != MAGIC || Sha256::digest(sealed)[..SUM_BYTES] != *sum {
        return None;
    }
    let (len, rest) = sealed.split_first_chunk::<4>()?;
    let (own, body) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    (own == name.as_bytes()).then_some(body)
}
