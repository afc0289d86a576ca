//! Opening: a path, a glob, a directory or several files become one described dataset.
//!
//! In: what is meant. Out: its description and the sources of its chunks. Never reads data beyond coordinates.

use crate::abreast;
use crate::cf::cells::Cells;
use crate::cf::describe::{Described, describe};
use crate::collection;
use crate::source::ChunkSource;
#[cfg(feature = "grib")]
use crate::source::grib;
use crate::source::hdf5::{self, Hdf5};
use crate::source::netcdf3;
use crate::source::raw::RawDataset;
use crate::source::zarr;
use crate::store::{Identity, Location, Look, Object, Store, Stores};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use xeng_proto::{Dataset, DatasetSpec, RegionError};

/// Files of one dataset, at most.
const MAX_FILES: usize = 1 << 20;

/// A dataset that is ready to be read.
#[derive(Clone)]
pub struct OpenDataset {
    /// What it holds.
    pub description: Dataset,
    /// Where the chunks of each variable come from. Texts have no source: their values stand in the description.
    pub variables: IndexMap<String, Arc<dyn ChunkSource>>,
    /// Variables that are there but cannot be read, and why.
    pub unreadable: IndexMap<String, String>,
    /// A digest of [`Look::state`] of its files.
    pub(crate) state: String,
    /// The stores that it lies in.
    stores: Vec<Arc<dyn Store>>,
}

impl OpenDataset {
    /// Whether all of it lies in stores that prove with every answer which version it is of.
    pub(crate) fn is_far(&self) -> bool {
        self.stores.iter().all(|store| store.is_remote())
    }

    /// Lets what its stores keep of its objects go: these have changed.
    pub(crate) fn expire(&self) {
        self.stores.iter().for_each(|store| store.expire());
    }

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
    let files = find(stores, spec)?;
    let (snapshot, state) = (digest(&files, |look| &look.stamp), digest(&files, |look| &look.state));
    let stored_bytes = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.look.stored_bytes));
    let described = match files.as_slice() {
        [file] if spec.concat.is_none() => open_one(stores, file, spec)?,
        _ => collection::join(stores, &files, spec)?,
    };
    let Described { variables, sources, attrs, unreadable } = described;
    let description =
        Dataset { spec: spec.clone(), snapshot, files: files.len() as u64, stored_bytes, variables, attrs, unreadable: unreadable.clone() };
    let stores = files.into_iter().map(|file| file.at.store).collect();
    Ok(OpenDataset { description, variables: sources, unreadable, state, stores })
}

/// The digest that [`open`] would put into the description now: a look at each file.
///
/// # Errors
/// `Request` when nothing lies there any more.
pub fn current_snapshot(stores: &Stores, spec: &DatasetSpec) -> Result<String, RegionError> {
    Ok(digest(&find(stores, spec)?, |look| &look.stamp))
}

/// The digest that [`open`] would put into [`OpenDataset::state`] now.
///
/// # Errors
/// `Request` when nothing lies there any more.
pub(crate) fn current_state(stores: &Stores, spec: &DatasetSpec) -> Result<String, RegionError> {
    Ok(digest(&find(stores, spec)?, |look| &look.state))
}

/// A file or Zarr store of a dataset, and what one look at it told.
pub(crate) struct Found {
    pub(crate) at: Location,
    pub(crate) look: Look,
}

impl Found {
    pub(crate) fn at(at: Location) -> Result<Found, RegionError> {
        let look = at.look()?;
        Ok(Found { at, look })
    }
}

/// How many of these are looked into at once.
pub(crate) fn abreast_of<'a>(mut places: impl Iterator<Item = &'a Location>) -> usize {
    if places.any(|at| at.store.is_remote()) { abreast::REMOTE } else { abreast::LOCAL }
}

/// The files of a dataset, in the order of its list; those of a pattern in the order of their names.
fn find(stores: &Stores, spec: &DatasetSpec) -> Result<Vec<Found>, RegionError> {
    let mut places = vec![];
    for uri in spec.uris() {
        places.append(&mut stores.find(uri)?);
        if places.len() > MAX_FILES {
            return Err(RegionError::request(format!("{}: names more than {MAX_FILES} files", spec.shown())));
        }
    }
    abreast::each(&places, abreast_of(places.iter()), |at| Found::at(at.clone()))
}

/// Describes one file or Zarr store, from what was saved of it where it has not changed since.
pub(crate) fn open_one(stores: &Stores, file: &Found, spec: &DatasetSpec) -> Result<Described, RegionError> {
    let described = described(stores, file, spec);
    if let Some(object) = &file.look.object {
        object.is_described();
    }
    described
}

fn described(stores: &Stores, file: &Found, spec: &DatasetSpec) -> Result<Described, RegionError> {
    let (group, name) = (spec.group.as_deref().unwrap_or(""), file.at.name());
    let shelf = stores.manifests().zip(file.look.object.as_ref()).zip(file.look.identity.as_ref());
    if let Some(((manifests, object), identity)) = shelf
        && let Some((raw, cells)) = manifests.load(identity, group, object, file.at.store.is_remote())
        && let Ok(described) = describe(raw, spec, &name, &cells)
    {
        return Ok(described);
    }
    let raw = read_raw(file, group)?;
    let cells = Cells::default();
    let described = describe(raw.clone(), spec, &name, &cells)?;
    if let Some(((manifests, object), identity)) = shelf
        && is_unchanged(file, identity)
    {
        manifests.save(identity, group, object.as_ref(), (&raw, &cells));
    }
    Ok(described)
}

/// Whether a file is still what it was before it was read. Objects of remote stores are read in one version only.
fn is_unchanged(file: &Found, identity: &Identity) -> bool {
    file.at.store.is_remote() || file.at.look().is_ok_and(|look| look.identity.as_ref() == Some(identity))
}

/// Reads the metadata of one group of a file or Zarr store.
pub(crate) fn read_raw(file: &Found, group: &str) -> Result<RawDataset, RegionError> {
    let Found { at, look } = file;
    match Format::of(at, look)? {
        Format::Zarr => zarr::open(at, group),
        Format::NetCdf3(..) if !group.trim_matches('/').is_empty() => {
            Err(RegionError::request(format!("{}: a NetCDF-3 file has no groups", at.name())))
        }
        Format::NetCdf3(file, version) => netcdf3::open(&file, at.store.is_remote(), version),
        Format::Hdf5(file) => file.group(group),
        #[cfg(feature = "grib")]
        Format::Grib(file) => grib::open(&file, at.store.is_remote(), group),
    }
}

/// What lies at a location, its header read.
pub(crate) enum Format {
    Zarr,
    NetCdf3(Arc<dyn Object>, netcdf_reader::NcFormat),
    Hdf5(Box<Hdf5>),
    #[cfg(feature = "grib")]
    Grib(Arc<dyn Object>),
}

impl Format {
    pub(crate) fn of(at: &Location, look: &Look) -> Result<Format, RegionError> {
        let Some(file) = look.object.clone() else { return Ok(Format::Zarr) };
        let head = file.read(0, file.len().min(8) as usize)?;
        if let Some(version) = netcdf3::version(&head) {
            return Ok(Format::NetCdf3(file, version));
        }
        if head.starts_with(b"GRIB") {
            return Format::grib(file);
        }
        match hdf5::superblock_at(file.as_ref()) {
            Some(base) => Ok(Format::Hdf5(Box::new(Hdf5::open(&file, at.store.is_remote(), base)?))),
            None => Err(RegionError::data(format!("{}: neither NetCDF nor HDF5 nor Zarr", at.name()))),
        }
    }

    #[cfg(feature = "grib")]
    fn grib(file: Arc<dyn Object>) -> Result<Format, RegionError> {
        Ok(Format::Grib(file))
    }

    #[cfg(not(feature = "grib"))]
    fn grib(file: Arc<dyn Object>) -> Result<Format, RegionError> {
        Err(RegionError::data(format!("{}: a GRIB file; this build has no GRIB: build with --features grib", file.name())))
    }
}

/// A digest of what changes when the files do.
fn digest(files: &[Found], of: impl Fn(&Look) -> &[u8]) -> String {
    let mut digest = Sha256::new();
    files.iter().for_each(|file| digest.update(of(&file.look)));
    digest.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

#[cfg(all(test, not(feature = "grib")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_build_without_grib_says_how_to_get_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.grib2");
        std::fs::write(&path, include_bytes!("../tests-data/grib/members.grib2")).unwrap();
        let spec = DatasetSpec { uri: path.to_str().unwrap().into(), ..DatasetSpec::default() };
        let e = open(&Stores::default(), &spec).err().unwrap();
        assert_eq!(e.kind, xeng_proto::ErrorKind::Data);
        assert!(e.message.contains("build with --features grib"), "{e}");
    }
}
