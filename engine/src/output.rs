//! Writes a finished result to a file, in the format that the file's ending names.
//!
//! In: an [`Outcome`], a path. Out: the file, whole or not at all, and its size. Never computes, never overwrites in place.

pub mod arrow;
mod at;
pub(crate) mod calendar;
pub mod cf;
pub mod csv;
mod error;
pub mod json;
pub mod netcdf;
mod number;
pub mod parquet;
pub(crate) mod place;
mod repr;
mod table;
pub mod zarr;

pub use at::OutputAt;
pub use error::OutputError;
pub use json::attribute as attr_json;
pub use repr::{attr_text, repr, values_ends};

use crate::plot::{self, Style};
use crate::result::{Array, Outcome};
use std::path::Path;

/// The endings that [`write()`] knows.
pub const ENDINGS: [&str; 6] = [".nc", ".zarr", ".json", ".csv", ".parquet", ".png"];

/// The name of an array that has none, where a format needs one.
pub const DEFAULT_NAME: &str = "result";

/// What pictures and conventions name as the writer of a file.
pub const WRITER: &str = concat!("xeng ", env!("CARGO_PKG_VERSION"));

/// Refuses, before anything is computed, a path that [`write()`] could not write to: an unknown ending, a folder that is not
/// there or where no file can be made, a directory in its place.
///
/// # Errors
/// [`OutputError::Ending`], [`OutputError::File`].
pub fn check_path(path: &Path) -> Result<(), OutputError> {
    let ending = known_ending(path)?;
    place::check(path, ending == "zarr")
}

fn known_ending(path: &Path) -> Result<String, OutputError> {
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).unwrap_or_default();
    if ENDINGS.contains(&format!(".{ending}").as_str()) {
        return Ok(ending);
    }
    Err(OutputError::Ending { path: path.to_path_buf(), supported: ENDINGS.join(" ") })
}

/// Writes `outcome` to `path` in the format of its ending and tells how many bytes that took.
///
/// The file (or directory, for Zarr) is written under a temporary name beside it, flushed to disk and renamed, so that
/// `path` never holds half a result; on an error nothing is left behind. An existing file is replaced, an existing
/// directory only if it is a Zarr store.
///
/// # Errors
/// [`OutputError::Ending`] for an unknown ending, [`OutputError::Malformed`] for a result whose shapes contradict each
/// other, [`OutputError::Conflict`] and [`OutputError::Unsupported`] for what the format cannot hold, and
/// [`OutputError::Io`] when the file system refuses.
pub fn write(outcome: &Outcome, path: &Path, style: &Style) -> Result<u64, OutputError> {
    let ending = known_ending(path)?;
    check(outcome)?;
    match ending.as_str() {
        "nc" => place::file(path, |out| netcdf::write(outcome, out)),
        "zarr" => place::directory(path, |folder| zarr::write(outcome, folder)),
        "json" => place::file(path, |out| json::write(outcome, out)),
        "csv" => place::file(path, |out| csv::write(outcome, out)),
        "parquet" => place::file(path, |out| parquet::write(outcome, out)),
        _ => {
            let png = plot::png(outcome, style)?;
            place::file(path, |out| Ok(out.write_all(&png)?))
        }
    }
}

/// The arrays of an outcome.
pub(crate) fn arrays(outcome: &Outcome) -> &[Array] {
    match outcome {
        Outcome::Array(array) => std::slice::from_ref(array),
        Outcome::Dataset { arrays, .. } => arrays,
    }
}

/// Refuses results whose shapes, dimensions and cells contradict each other: every format below relies on them.
fn check(outcome: &Outcome) -> Result<(), OutputError> {
    for array in arrays(outcome) {
        let name = array.name.as_deref().unwrap_or(DEFAULT_NAME);
        check_cells(name, &array.dims, &array.shape, array.values.len())?;
        for coord in &array.coords {
            check_cells(&coord.name, &coord.dims, &coord.shape, coord.values.len())?;
            for (dim, length) in coord.dims.iter().zip(&coord.shape) {
                let axis = array.dims.iter().position(|d| d == dim);
                if axis.map(|a| array.shape[a]) != Some(*length) {
                    let why = format!("its coordinate '{}' has {length} cells along '{dim}'", coord.name);
                    return Err(OutputError::Malformed { name: name.to_owned(), why });
                }
            }
        }
    }
    Ok(())
}

fn check_cells(name: &str, dims: &[String], shape: &[usize], cells: usize) -> Result<(), OutputError> {
    let malformed = |why: String| OutputError::Malformed { name: name.to_owned(), why };
    let size = shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length));
    if dims.len() != shape.len() {
        return Err(malformed(format!("{} dimensions but a shape of rank {}", dims.len(), shape.len())));
    }
    if dims.iter().enumerate().any(|(i, d)| dims[..i].contains(d)) {
        return Err(malformed(format!("a dimension occurs twice in {dims:?}")));
    }
    if size != Some(cells) {
        return Err(malformed(format!("{cells} cells for the shape {shape:?}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
