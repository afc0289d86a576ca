//! Puts a file or a directory in its place, whole or not at all.
//!
//! In: a path and a function that writes. Out: what it wrote, renamed into place after a flush to disk, and its size.
//! Never leaves a half-written or temporary file behind on an error.

use super::OutputError;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
    if is_directory && path.exists() && !is_replaceable(path) {
        return Err(named(occupied()));
    }
    if !is_directory && path.is_dir() {
        return Err(named(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a directory")));
    }
    let temporary = Temporary::beside(path);
    OpenOptions::new().write(true).create_new(true).open(&temporary.path).map(drop).map_err(named)
}

fn occupied() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::AlreadyExists, "something that is no Zarr store is there already")
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
    let bytes = sync_tree(&temporary.path).map_err(named)?;
    replace(&temporary.path, path).map_err(named)?;
    sync_folder(path);
    Ok(bytes)
}

/// Renames a directory over another one, which keeps its place if that fails.
fn replace(new: &Path, path: &Path) -> std::io::Result<()> {
    if !path.exists() {
        return fs::rename(new, path);
    }
    let old = Temporary::beside(path);
    fs::rename(path, &old.path)?;
    fs::rename(new, path).inspect_err(|_| {
        let _ = fs::rename(&old.path, path);
    })
}

fn is_replaceable(path: &Path) -> bool {
    let empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    path.is_dir() && (path.join("zarr.json").is_file() || path.join(".zgroup").is_file() || empty())
}

fn name_file(error: OutputError, path: &Path) -> OutputError {
    match error {
        OutputError::Io(source) => OutputError::File { path: path.to_path_buf(), source },
        other => other,
    }
}

/// Flushes every file below `folder` and returns their size.
fn sync_tree(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let file = File::open(entry.path())?;
                file.sync_all()?;
                bytes += file.metadata()?.len();
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok(bytes)
}

/// Makes a rename durable where the system allows it; the data itself is safe by then.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// A temporary name beside a path; whatever bears it is removed in the end.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> Temporary {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unique = format!(".{name}.{}-{}.partial", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Temporary { path: path.with_file_name(unique) }
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
