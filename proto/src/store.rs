//! How a region makes a Zarr store beside its data: begun, filled by fragments and by home, and put in its place in one step.
//!
//! In: nothing; plain data. Out: nothing. Never carries large arrays.

use crate::dataset::DatasetSpec;
use bytes::Bytes;

/// A store under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreTarget {
    /// The store's folder as the region's engines see it, ending in `.zarr`.
    pub uri: String,
    /// Tells runs apart that write the same store: 8 to 64 letters and digits. Until its run has been put in place, nothing is seen at `uri`.
    pub run: String,
}

/// A step on a store's way; each may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreStep {
    /// Makes room for it, once it is sure that it may be written and replaces none of these datasets.
    Begin {
        /// What the run reads in this region.
        inputs: Vec<DatasetSpec>,
    },
    /// Adds files: metadata, coordinates, small arrays.
    Put {
        /// The files.
        files: Vec<StoreFile>,
    },
    /// Puts it in its place, once it is sure that it holds so much. It may be asked again until the store is given up.
    Commit {
        /// Number of files.
        files: u64,
        /// Their size.
        bytes: u64,
    },
    /// Removes what there is of it beside its place.
    Abandon,
}

/// A file of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// Its path in the store, such as `t2m/zarr.json`.
    pub path: String,
    /// Its content.
    pub bytes: Bytes,
}
