//! Which folders an engine may write to: none, unless its operator names them.
//!
//! In: a folder that a request names. Out: yes or no. Never writes.

use std::path::{Path, PathBuf};
use xeng_proto::RegionError;

/// The folders that an engine may write stores to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRoots {
    folders: Option<Vec<PathBuf>>,
}

impl WriteRoots {
    /// Whatever the process may write: for engines in the user's own process.
    pub fn everywhere() -> WriteRoots {
        WriteRoots { folders: None }
    }

    /// Nothing.
    pub fn nowhere() -> WriteRoots {
        WriteRoots { folders: Some(vec![]) }
    }

    /// These folders and what lies below them; [`Self::nowhere`] for none.
    ///
    /// # Errors
    /// `Request` when one is no folder.
    pub fn only(folders: &[PathBuf]) -> Result<WriteRoots, RegionError> {
        let canonical = |folder: &PathBuf| {
            let wrong = |why: String| RegionError::request(format!("folder to write to {}: {why}", folder.display()));
            let real = folder.canonicalize().map_err(|e| wrong(e.to_string()))?;
            if real.is_dir() { Ok(real) } else { Err(wrong("it is no folder".to_owned())) }
        };
        Ok(WriteRoots { folders: Some(folders.iter().map(canonical).collect::<Result<_, _>>()?) })
    }

    /// The real path of an existing folder that stores may be written to.
    ///
    /// # Errors
    /// `Request` when it is outside, or there is none; the message tells which only to those who may write anywhere.
    pub(super) fn folder(&self, folder: &Path) -> Result<PathBuf, RegionError> {
        let Some(folders) = &self.folders else {
            let real = folder.canonicalize().ok().filter(|real| real.is_dir());
            return real
                .ok_or_else(|| RegionError::request(format!("there is no folder '{}' to write to: make it first", folder.display())));
        };
        let climbs = folder.components().any(|c| c == std::path::Component::ParentDir);
        let real = (!climbs).then(|| folder.canonicalize().ok()).flatten();
        real.filter(|real| real.is_dir() && folders.iter().any(|f| real.starts_with(f))).ok_or_else(|| {
            let why = if folders.is_empty() { "its operator names no folder for that" } else { "it is not among its folders for that" };
            RegionError::request(format!("this engine may not write to '{}': {why} (xeng serve --write-root DIR)", folder.display()))
        })
    }
}
