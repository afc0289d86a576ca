//! Opening: a path, a glob, a directory or several files become one described dataset.
//!
//! In: what is meant. Out: its description and the sources of its chunks. Never reads data beyond coordinates.

use crate::cf::describe::{Described, describe};
use crate::collection;
use crate::source::ChunkSource;
use crate::source::file::LocalFile;
use crate::source::hdf5::{self, Hdf5};
use crate::source::netcdf3;
use crate::source::raw::RawDataset;
use crate::source::zarr;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xeng_proto::{Dataset, DatasetSpec, RegionError};

/// A dataset that is ready to be read.
#[derive(Clone)]
pub struct OpenDataset {
    /// What it holds.
    pub description: Dataset,
    /// Where the chunks of each variable come from. Texts have no source: their values stand in the description.
    pub variables: IndexMap<String, Arc<dyn ChunkSource>>,
    /// Variables that are there but cannot be read, and why.
    pub unreadable: IndexMap<String, String>,
}

impl OpenDataset {
    /// The source of a variable.
    ///
    /// # Errors
    /// `Request` when there is no such variable, `Data` with the reason when it cannot be read.
    pub fn source(&self, variable: &str) -> Result<&Arc<dyn ChunkSource>, RegionError> {
        let uri = &self.description.spec.uri;
        if let Some(reason) = self.unreadable.get(variable) {
            return Err(RegionError::data(format!("{uri}: variable {variable} cannot be read: {reason}")));
        }
        self.variables.get(variable).ok_or_else(|| match self.description.variables.get(variable) {
            Some(_) => RegionError::request(format!("{uri}: variable {variable} holds texts, which cannot be computed with")),
            None => RegionError::request(format!("{uri}: there is no variable {variable}")),
        })
    }
}

/// Opens a dataset: one file or Zarr store, or several joined into one.
///
/// # Errors
/// `Request` when nothing lies there, when times or several files cannot be understood as asked, `Data` when metadata is corrupt.
pub fn open(spec: &DatasetSpec) -> Result<OpenDataset, RegionError> {
    let paths = find(&spec.uri)?;
    let (snapshot, stored_bytes) = snapshot(&paths)?;
    let described = match paths.as_slice() {
        [path] if spec.concat.is_none() => open_one(path, spec)?,
        _ => collection::join(&paths, spec)?,
    };
    let Described { variables, sources, attrs, unreadable } = described;
    let description = Dataset { spec: spec.clone(), snapshot, files: paths.len() as u64, stored_bytes, variables, attrs };
    Ok(OpenDataset { description, variables: sources, unreadable })
}

/// The digest that [`open`] would put into the description now.
///
/// # Errors
/// `Request` when nothing lies there any more.
pub fn current_snapshot(spec: &DatasetSpec) -> Result<String, RegionError> {
    Ok(snapshot(&find(&spec.uri)?)?.0)
}

/// Describes one file or Zarr store.
pub(crate) fn open_one(path: &Path, spec: &DatasetSpec) -> Result<Described, RegionError> {
    let raw = read_raw(path, spec.group.as_deref().unwrap_or(""))?;
    describe(raw, spec, &path.display().to_string())
}

/// Reads the metadata of one group of a file or Zarr store.
///
/// # Errors
/// `Request` when there is no such file or group, `Data` when it is of no known format or corrupt.
pub fn read_raw(path: &Path, group: &str) -> Result<RawDataset, RegionError> {
    if path.is_dir() {
        return zarr::open(path, group);
    }
    let file = Arc::new(LocalFile::open(path)?);
    let head = file.read(0, file.len().min(8) as usize)?;
    if let Some(version) = netcdf3::version(&head) {
        if !group.trim_matches('/').is_empty() {
            return Err(RegionError::request(format!("{}: a NetCDF-3 file has no groups", path.display())));
        }
        return netcdf3::open(&file, version);
    }
    match hdf5::superblock_at(&file) {
        Some(base) => Hdf5::open(&file, base)?.group(group),
        None => Err(RegionError::data(format!("{}: neither NetCDF nor HDF5 nor Zarr", path.display()))),
    }
}

/// The files that a path or glob names, sorted by name.
///
/// # Errors
/// `Request` when there are none.
pub fn find(uri: &str) -> Result<Vec<PathBuf>, RegionError> {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    if path.contains("://") {
        return Err(RegionError::request(format!("{uri}: only local paths can be opened by this region")));
    }
    let exact = PathBuf::from(path);
    if exact.exists() {
        return Ok(vec![exact]);
    }
    if !path.contains(['*', '?', '[']) {
        return Err(RegionError::request(format!("no such file or directory: {path}")));
    }
    let found = glob::glob(path).map_err(|e| RegionError::request(format!("{path}: {e}")))?;
    let mut paths = found.collect::<Result<Vec<_>, _>>().map_err(|e| RegionError::data(e.to_string()))?;
    paths.sort();
    if paths.is_empty() {
        return Err(RegionError::request(format!("no file matches {path}")));
    }
    Ok(paths)
}

/// A digest of names, sizes and modification times, and the total size. Of a Zarr store, the files of metadata and chunks alike.
fn snapshot(paths: &[PathBuf]) -> Result<(String, u64), RegionError> {
    let mut digest = Sha256::new();
    let mut total = 0u64;
    for path in paths {
        stamp(path, &mut digest, &mut total, 0)?;
    }
    Ok((digest.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect(), total))
}

fn stamp(path: &Path, digest: &mut Sha256, total: &mut u64, depth: usize) -> Result<(), RegionError> {
    let bad = |e: std::io::Error| RegionError::data(format!("{}: {e}", path.display()));
    let meta = std::fs::metadata(path).map_err(bad)?;
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    digest.update(path.as_os_str().as_encoded_bytes());
    digest.update([0]);
    if !meta.is_dir() {
        digest.update(meta.len().to_le_bytes());
        digest.update(modified.to_le_bytes());
        *total += meta.len();
    } else if depth < 64 {
        let mut entries = std::fs::read_dir(path).map_err(bad)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        entries.sort();
        for entry in entries {
            stamp(&entry, digest, total, depth + 1)?;
        }
    }
    Ok(())
}
