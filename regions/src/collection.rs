//! Many files as one dataset.

use crate::cf::describe::Described;
use std::path::PathBuf;
use xeng_proto::{DatasetSpec, RegionError};

/// Joins files.
///
/// # Errors
/// `Request` when they do not fit together.
pub fn join(_paths: &[PathBuf], spec: &DatasetSpec) -> Result<Described, RegionError> {
    Err(RegionError::request(format!("{}: several files cannot be joined yet", spec.uri)))
}
