//! Opening: a path, a glob, a directory or several files become one described dataset.
//!
//! In: what is meant. Out: its description and the sources of its chunks. Never reads data beyond coordinates.

use crate::cf::describe::{Described, describe};
use crate::collection;
use crate::source::ChunkSource;
use crate::source::hdf5::{self, Hdf5};
use crate::source::netcdf3;
use crate::source::raw::RawDataset;
use crate::source::zarr;
use crate::store::{Location, Object, Store, Stores};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
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
    /// The stores that it lies in.
    stores: Vec<Arc<dyn Store>>,
}

impl OpenDataset {
    /// Whether reading failed in a way that only opening it anew can mend.
    pub fn is_stale(&self) -> bool {
        self.stores.iter().any(|store| store.is_stale())
    }

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
pub fn open(stores: &Stores, spec: &DatasetSpec) -> Result<OpenDataset, RegionError> {
    let files = stores.find(&spec.uri)?;
    let snapshot = snapshot(&files)?;
    let stored_bytes = files.iter().map(|file| file.store.stored_bytes(&file.key)).sum::<Result<u64, _>>()?;
    let described = match files.as_slice() {
        [file] if spec.concat.is_none() => open_one(file, spec)?,
        _ => collection::join(&files, spec)?,
    };
    let Described { variables, sources, attrs, unreadable } = described;
    let description = Dataset { spec: spec.clone(), snapshot, files: files.len() as u64, stored_bytes, variables, attrs };
    let stores = files.into_iter().map(|file| file.store).collect();
    Ok(OpenDataset { description, variables: sources, unreadable, stores })
}

/// The digest that [`open`] would put into the description now.
///
/// # Errors
/// `Request` when nothing lies there any more.
pub fn current_snapshot(stores: &Stores, spec: &DatasetSpec) -> Result<String, RegionError> {
    snapshot(&stores.find(&spec.uri)?)
}

/// Describes one file or Zarr store.
pub(crate) fn open_one(at: &Location, spec: &DatasetSpec) -> Result<Described, RegionError> {
    let raw = read_raw(at, spec.group.as_deref().unwrap_or(""))?;
    describe(raw, spec, &at.name())
}

/// Reads the metadata of one group of a file or Zarr store.
///
/// # Errors
/// `Request` when there is no such file or group, `Data` when it is of no known format or corrupt.
pub fn read_raw(at: &Location, group: &str) -> Result<RawDataset, RegionError> {
    match Format::of(at)? {
        Format::Zarr => zarr::open(at, group),
        Format::NetCdf3(..) if !group.trim_matches('/').is_empty() => {
            Err(RegionError::request(format!("{}: a NetCDF-3 file has no groups", at.name())))
        }
        Format::NetCdf3(file, version) => netcdf3::open(&file, version),
        Format::Hdf5(file) => file.group(group),
    }
}

/// What lies at a location, its header read.
pub(crate) enum Format {
    Zarr,
    NetCdf3(Arc<dyn Object>, netcdf_reader::NcFormat),
    Hdf5(Box<Hdf5>),
}

impl Format {
    pub(crate) fn of(at: &Location) -> Result<Format, RegionError> {
        if at.store.is_folder(&at.key) {
            return Ok(Format::Zarr);
        }
        let file = at.open()?.ok_or_else(|| RegionError::request(format!("no such file or directory: {}", at.name())))?;
        let head = file.read(0, file.len().min(8) as usize)?;
        if let Some(version) = netcdf3::version(&head) {
            return Ok(Format::NetCdf3(file, version));
        }
        match hdf5::superblock_at(file.as_ref()) {
            Some(base) => Ok(Format::Hdf5(Box::new(Hdf5::open(&file, at.store.is_remote(), base)?))),
            None => Err(RegionError::data(format!("{}: neither NetCDF nor HDF5 nor Zarr", at.name()))),
        }
    }
}

/// A digest of what changes when the files do.
fn snapshot(files: &[Location]) -> Result<String, RegionError> {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.store.stamp(&file.key)?);
    }
    Ok(digest.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect())
}
