//! Puts a file or a directory in its place, whole or not at all.
//!
//! In: a path and a function that writes. Out: what it wrote, renamed into place after a flush to disk, and its size.
//! Never leaves a half-written or temporary file behind on an error.

use super::OutputError;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use xeng_regions::place::owner::{self, Owner};
use xeng_regions::place::{is_replaceable, mend, occupied, replace, sync_folder, sync_tree};

/// Finds out, without a trace, whether a file or directory could be put at `path`.
///
/// # Errors
/// [`OutputError::File`], which says why not.
pub(super) fn check(path: &Path, is_directory: bool) -> Result<(), OutputError> {
    let named = |source| OutputError::File { path: path.to_path_buf(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let why = format!("there is no folder '{}'", folder.display());
        return Err(named(std::io::Error::new(std::io::ErrorKind::NotFound, why)));
    }
    if is_directory {
        mend(path);
    }
    if is_directory && path.exists() && !is_replaceable(path) {
        return Err(named(occupied()));
    }
    if !is_directory && path.is_dir() {
        return Err(named(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a directory")));
    }
    let temporary = Temporary::beside(path);
    OpenOptions::new().write(true).create_new(true).open(&temporary.path).map(drop).map_err(named)
}

/// Writes the file `path` by `fill`; returns its size in bytes.
///
/// # Errors
/// Those of `fill`; [`OutputError::File`] when the file system refuses, or `path` is a directory.
pub(crate) fn file(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), OutputError>) -> Result<u64, OutputError> {
    let named = |source| OutputError::File { path: path.to_path_buf(), source };
    if path.is_dir() {
        return Err(named(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a directory")));
    }
    let temporary = Temporary::beside(path);
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary.path).map_err(named)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    fill(&mut out).map_err(|error| name_file(error, path))?;
    let file = out.into_inner().map_err(|e| named(e.into_error()))?;
    file.sync_all().map_err(named)?;
    let bytes = file.metadata().map_err(named)?.len();
    fs::rename(&temporary.path, path).map_err(named)?;
    sync_folder(path);
    Ok(bytes)
}

/// Writes the directory `path` by `fill`; returns the size of its files in bytes.
///
/// # Errors
/// Those of `fill`; [`OutputError::File`] when the file system refuses, or `path` holds something else than a Zarr store.
pub(crate) fn directory(path: &Path, fill: impl FnOnce(&Path) -> Result<(), OutputError>) -> Result<u64, OutputError> {
    let named = |source| OutputError::File { path: path.to_path_buf(), source };
    if path.exists() && !is_replaceable(path) {
        return Err(named(occupied()));
    }
    let temporary = Temporary::beside(path);
    fs::create_dir(&temporary.path).map_err(named)?;
    fill(&temporary.path).map_err(|error| name_file(error, path))?;
    let (_, bytes) = sync_tree(&temporary.path).map_err(named)?;
    replace(&temporary.path, path).map_err(named)?;
    Ok(bytes)
}

fn name_file(error: OutputError, path: &Path) -> OutputError {
    match error {
        OutputError::Io(source) => OutputError::File { path: path.to_path_buf(), source },
        other => other,
    }
}

/// A temporary name beside a path; whatever bears it is removed in the end.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> Temporary {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        sweep(path, &format!(".{name}."));
        let unique = format!(".{name}.{}-{}.partial", Owner::this(), owner::next());
        Temporary { path: path.with_file_name(unique) }
    }
}

/// Removes the temporary files of this name that processes left when they were killed.
fn sweep(path: &Path, prefix: &str) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let tag = name.strip_prefix(prefix).and_then(|n| n.strip_suffix(".partial")).and_then(|n| n.rsplit_once('-'));
        if tag.and_then(|(owner, _)| Owner::parse(owner)).is_some_and(|owner| owner.is_gone()) {
            drop(Temporary { path: entry.path() });
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.path.is_dir() {
            let _ = fs::remove_dir_all(&self.path);
        } else {
            let _ = fs::remove_file(&self.path);
        }
    }
}
