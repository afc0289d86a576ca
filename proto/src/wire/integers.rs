//! Lists of integers: indices, group codes, microseconds.

use super::budget::Budget;
use super::pack::{deltas, expand, squeeze, undelta};
use super::{need, pb};
use crate::error::RegionError;
use pb::integers::Values;

/// The most bytes that one integer takes as a varint.
pub(super) const VARINT_BYTES: usize = 10;
const LEVEL: i32 = 3;

pub(super) fn to_wire(values: impl ExactSizeIterator<Item = i64>) -> pb::Integers {
    let count = values.len() as u64;
    let plain = deltas(values);
    let values = match squeeze(&plain, LEVEL) {
        Some(frame) => Values::DeltasZstd(frame.into()),
        None => Values::Deltas(plain.into()),
    };
    pb::Integers { count, values: Some(values) }
}

pub(super) fn from_wire(message: pb::Integers, budget: &mut Budget) -> Result<Vec<i64>, RegionError> {
    let count = budget.take(message.count, size_of::<i64>())? / size_of::<i64>();
    match need(message.values, "a list's values")? {
        Values::Deltas(bytes) => undelta(&bytes, count),
        Values::DeltasZstd(frame) => undelta(&expand(&frame, count * VARINT_BYTES)?, count),
    }
}
