//! Object header messages of HDF5 as raw bytes, for the few fields that the metadata library drops.
//!
//! In: the address of an object header. Out: the bytes of its datatype and layout messages. Never interprets them, never follows more
//! than one reference, never reads more than `MAX_BYTES`.
//! Format: HDF5 File Format Specification 3.0, IV.A.1 (object headers), IV.A.2.q (continuation).

use hdf5_reader::storage::Storage;

/// Bytes of a header that are read, at most.
const MAX_BYTES: usize = 16 << 20;
/// Continuations that are followed, at most.
const MAX_PIECES: usize = 1 << 12;

/// The type number of a datatype message.
pub const DATATYPE: u16 = 0x03;
/// The type number of a data layout message.
pub const LAYOUT: u16 = 0x08;
const CONTINUATION: u16 = 0x10;

/// One message as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type number.
    pub kind: u16,
    /// Whether its bytes only say where the message itself lies.
    pub is_shared: bool,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The sizes of addresses and lengths in a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of addresses.
    pub offset: u8,
    /// Of lengths.
    pub length: u8,
}

impl Sizes {
    /// The address of what was never written.
    pub fn undefined(self) -> u64 {
        if self.offset >= 8 { u64::MAX } else { (1u64 << (8 * u32::from(self.offset))) - 1 }
    }
}

/// The datatype and layout messages of the object whose header lies at `address`; `None` where the header cannot be followed.
pub fn read(storage: &dyn Storage, address: u64, sizes: Sizes) -> Option<Vec<Message>> {
    let mut budget = MAX_BYTES;
    let head = take(storage, address, 16, &mut budget)?;
    let mut found = vec![];
    if head.starts_with(b"OHDR") {
        let flags = *head.get(5)?;
        let mut at = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1usize << (flags & 3);
        let len = number(&take(storage, address.checked_add(at)?, width, &mut budget)?);
        at += width as u64;
        let form = Form { is_new: true, has_order: flags & 4 != 0, sizes };
        form.follow(storage, (address.checked_add(at)?, len), &mut budget, &mut found)?;
    } else {
        let len = u64::from(u32::from_le_bytes([head[8], head[9], head[10], head[11]]));
        let form = Form { is_new: false, has_order: false, sizes };
        form.follow(storage, (address.checked_add(16)?, len), &mut budget, &mut found)?;
    }
    Some(found)
}

/// The bytes of a datatype message, followed to where it is committed; `None` where it lies in a table of shared messages.
pub fn datatype(storage: &dyn Storage, address: u64, sizes: Sizes) -> Option<Vec<u8>> {
    let message = read(storage, address, sizes)?.into_iter().find(|m| m.kind == DATATYPE)?;
    if !message.is_shared {
        return Some(message.bytes);
    }
    let (version, kind) = (*message.bytes.first()?, *message.bytes.get(1)?);
    let at = match (version, kind) {
        (1, _) => 8,
        (2, _) | (3, 2) => 2,
        _ => return None,
    };
    let committed = number(message.bytes.get(at..at + usize::from(sizes.offset))?);
    read(storage, committed, sizes)?.into_iter().find(|m| m.kind == DATATYPE && !m.is_shared).map(|m| m.bytes)
}

/// How messages are framed.
struct Form {
    /// Version 2 of object headers.
    is_new: bool,
    has_order: bool,
    sizes: Sizes,
}

impl Form {
    fn follow(&self, storage: &dyn Storage, first: (u64, u64), budget: &mut usize, found: &mut Vec<Message>) -> Option<()> {
        let mut open = vec![first];
        for _ in 0..MAX_PIECES {
            let Some((address, len)) = open.pop() else { return Some(()) };
            let piece = take(storage, address, usize::try_from(len).ok()?, budget)?;
            self.split(&piece, &mut open, found)?;
        }
        None
    }

    fn split(&self, piece: &[u8], open: &mut Vec<(u64, u64)>, found: &mut Vec<Message>) -> Option<()> {
        let head = if self.is_new { 4 + if self.has_order { 2 } else { 0 } } else { 8 };
        let mut rest = piece;
        // What is shorter than a message's head is a gap.
        while let Some((lead, behind)) = rest.split_at_checked(head) {
            let (kind, len, flags) = if self.is_new {
                (u16::from(lead[0]), u16::from_le_bytes([lead[1], lead[2]]), lead[3])
            } else {
                (u16::from_le_bytes([lead[0], lead[1]]), u16::from_le_bytes([lead[2], lead[3]]), lead[4])
            };
            let (body, next) = behind.split_at_checked(len.into())?;
            rest = next;
            if kind == CONTINUATION {
                open.push(self.continuation(body)?);
            } else if kind == DATATYPE || kind == LAYOUT {
                found.push(Message { kind, is_shared: flags & 2 != 0, bytes: body.to_vec() });
            }
        }
        Some(())
    }

    /// Where a continuation's messages lie: version 2 frames them by a signature and a checksum of 4 bytes each.
    fn continuation(&self, body: &[u8]) -> Option<(u64, u64)> {
        let (offset, length) = (usize::from(self.sizes.offset), usize::from(self.sizes.length));
        let address = number(body.get(..offset)?);
        let len = number(body.get(offset..offset + length)?);
        if self.is_new { Some((address.checked_add(4)?, len.checked_sub(8)?)) } else { Some((address, len)) }
    }
}

fn take(storage: &dyn Storage, address: u64, len: usize, budget: &mut usize) -> Option<Vec<u8>> {
    *budget = budget.checked_sub(len)?;
    address.checked_add(len as u64).filter(|&end| end <= storage.len())?;
    let read = storage.read_range(address, len).ok()?;
    (read.len() == len).then(|| read.to_vec())
}

/// A little-endian number of up to 8 bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |n, &b| n << 8 | u64::from(b))
}
