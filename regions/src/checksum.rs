//! The inventory of a file: every variable of every group as it is stored, with a hash of its cells.
//!
//! In: a path. Out: dims, shape, type, chunks, filters, attributes, SHA-256 of the raw cells. Never applies CF decoding.

use crate::open::Format;
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use crate::source::{netcdf3, read_whole, zarr};
use crate::store::{Location, Stores};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use xeng_proto::{Attrs, RegionError};

/// Bytes of a variable that are hashed, at most.
const MAX_HASHED_BYTES: usize = 1 << 34;

/// A variable as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Dimension names.
    pub dims: Vec<String>,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// NumPy's name of the type.
    pub dtype: String,
    /// Shape of the file's chunks; `None` where it is contiguous.
    pub chunks: Option<Vec<usize>>,
    /// Filters or codecs.
    pub filters: Vec<String>,
    /// Attributes as stored.
    pub attrs: Attrs,
    /// SHA-256 of the raw cells - undecoded, little-endian, C order, fill values where chunks are missing - in hexadecimal;
    /// `None` when it was not asked for, or the cells are texts.
    pub sha256: Option<String>,
}

/// Whether cells are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashing {
    /// Metadata only.
    Skip,
    /// Read and hash every cell.
    Sha256,
}

/// What an inventory found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// Variables by `group/name`.
    pub variables: IndexMap<String, Entry>,
    /// Variables that cannot be read, and why.
    pub unreadable: IndexMap<String, String>,
    /// Number of files.
    pub files: usize,
}

/// Lists every variable of every group of what paths and globs name; of several files, each variable as the first has it.
///
/// # Errors
/// `Request` when nothing lies there, `Data` when metadata or chunks are corrupt.
pub fn inventory(stores: &Stores, uris: &[&str], hashing: Hashing) -> Result<Inventory, RegionError> {
    let mut found = Inventory::default();
    for uri in uris {
        for at in stores.find(uri)? {
            found.files += 1;
            for (group, raw) in groups(&at)? {
                add(&mut found, &group, raw, hashing)?;
            }
        }
    }
    Ok(found)
}

/// Every group of a file or store.
fn groups(at: &Location) -> Result<Vec<(String, RawDataset)>, RegionError> {
    match Format::of(at, &at.look()?)? {
        Format::Zarr => {
            let opened = |g: String| zarr::open(at, &g).map(|raw| (g, raw));
            let mut groups: Vec<(String, RawDataset)> = zarr::group_paths(at)?.into_iter().map(opened).collect::<Result<_, _>>()?;
            if zarr::is_array(at)? {
                // An array that is a store of its own has no name in it: Zarr's path to it is that of the store.
                for (_, raw) in &mut groups {
                    raw.variables = std::mem::take(&mut raw.variables).into_values().map(|v| (".".to_string(), v)).collect();
                    raw.unreadable = std::mem::take(&mut raw.unreadable).into_values().map(|v| (".".to_string(), v)).collect();
                }
            }
            Ok(groups)
        }
        Format::NetCdf3(file, version) => Ok(vec![(String::new(), netcdf3::open(&file, at.store.is_remote(), version)?)]),
        #[cfg(feature = "grib")]
        Format::Grib(file) => Ok(vec![(String::new(), crate::source::grib::open(&file, at.store.is_remote(), "")?)]),
        Format::Hdf5(file) => file.group_paths()?.into_iter().map(|g| file.group(&g).map(|raw| (g, raw))).collect(),
    }
}

fn add(found: &mut Inventory, group: &str, raw: RawDataset, hashing: Hashing) -> Result<(), RegionError> {
    let path = |name: &str| if group.is_empty() { name.to_string() } else { format!("{group}/{name}") };
    for (name, variable) in raw.variables {
        let sha256 = match hashing {
            Hashing::Skip => None,
            Hashing::Sha256 => hash(&variable)?,
        };
        let entry = Entry {
            shape: variable.shape(),
            dims: variable.dims,
            dtype: variable.type_name,
            chunks: variable.file_chunks,
            filters: variable.filters,
            attrs: variable.attrs,
            sha256,
        };
        found.variables.entry(path(&name)).or_insert(entry);
    }
    found.unreadable.extend(raw.unreadable.into_iter().map(|(name, reason)| (path(&name), reason)));
    Ok(())
}

fn hash(variable: &RawVariable) -> Result<Option<String>, RegionError> {
    match &variable.cells {
        RawCells::Numbers(source) | RawCells::Characters(source) => {
            let cells = read_whole(source.as_ref(), MAX_HASHED_BYTES)?;
            let digest = Sha256::digest(cells.to_le_bytes());
            Ok(Some(digest.iter().map(|b| format!("{b:02x}")).collect()))
        }
        RawCells::Texts { .. } => Ok(None),
    }
}
