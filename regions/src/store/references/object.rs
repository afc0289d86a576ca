//! Objects that are parts of others, or stand in the references themselves.
//!
//! In: bytes, or an object and a range of it. Out: an object. Never reaches outside the range.

use crate::store::{Object, outside};
use bytes::Bytes;
use std::sync::Arc;
use xeng_proto::RegionError;

/// Bytes that stand in the references.
#[derive(Debug)]
pub(super) struct Inline {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

impl Object for Inline {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn version(&self) -> &str {
        ""
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(len).filter(|&end| end <= self.bytes.len())?));
        range.map(|range| self.bytes.slice(range)).ok_or_else(|| outside(&self.name, offset, len, self.len()))
    }
}

/// A range of an object, which has been checked to lie in it.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) name: String,
    pub(super) object: Arc<dyn Object>,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Object for Window {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn version(&self) -> &str {
        self.object.version()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        self.read_many(&[(offset, len)])?.pop().ok_or_else(|| RegionError::internal("no range was read"))
    }

    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let moved = |&(offset, len): &(u64, usize)| {
            let inside = offset.checked_add(len as u64).is_some_and(|end| end <= self.len);
            if inside { Ok((self.offset + offset, len)) } else { Err(outside(&self.name, offset, len, self.len)) }
        };
        self.object.read_many(&ranges.iter().map(moved).collect::<Result<Vec<_>, _>>()?)
    }
}
