//! The files of this machine that datasets are read from: what a result must not replace.
//!
//! In: the paths of datasets. Out: real paths, those that references lead to among them. Never reads data, never writes.

use crate::store::Stores;
use std::path::{Path, PathBuf};
use xeng_proto::RegionError;

/// Real paths of files and folders.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    files: Vec<PathBuf>,
}

impl Inputs {
    /// The files and folders that `uris` mean on this machine. What cannot be found here lies elsewhere.
    ///
    /// # Errors
    /// `Budget` where references are too many to follow.
    pub fn of<'a>(stores: &Stores, uris: impl IntoIterator<Item = &'a str>) -> Result<Inputs, RegionError> {
        let mut files = vec![];
        for uri in uris.into_iter().filter(|uri| !uri.contains("://") || uri.starts_with("file://")) {
            let found = stores.find(uri).unwrap_or_default();
            if found.is_empty() {
                files.push(PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri)));
            }
            for at in found {
                files.extend(at.store.paths(&at.key)?);
            }
        }
        let mut files: Vec<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
        files.sort();
        files.dedup();
        Ok(Inputs { files })
    }

    /// The input that is, holds or lies in what would be written at `path`.
    pub fn met_by(&self, path: &Path) -> Option<&Path> {
        // The place of a file that is not there yet is that of its folder.
        let place = real(path)?;
        self.files.iter().find(|file| file.starts_with(&place) || place.starts_with(file)).map(PathBuf::as_path)
    }
}

/// The path without links and dots, also of a file that is not there yet.
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok().or_else(|| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?))
    })
}
