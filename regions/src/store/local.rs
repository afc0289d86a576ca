//! Files of this machine, read by position from many threads at once.
//!
//! In: paths. Out: byte ranges. Never moves a shared cursor, never locks, never reads beyond the length seen at opening.

use super::{Object, Store};
use bytes::Bytes;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use xeng_proto::RegionError;

/// Files kept open at once; beyond it each read opens its file again, so that thousands of files never exhaust descriptors.
const MAX_KEPT_OPEN: usize = 512;
static KEPT_OPEN: AtomicUsize = AtomicUsize::new(0);

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalStore;

/// A file of known length.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    name: String,
    version: String,
    len: u64,
    kept: OnceLock<File>,
}

impl LocalFile {
    /// Looks at a file without reading it.
    ///
    /// # Errors
    /// `Request` when there is no such file, `Data` when it cannot be looked at.
    pub fn open(path: &Path) -> Result<LocalFile, RegionError> {
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => RegionError::request(format!("no such file: {}", path.display())),
            _ => RegionError::data(format!("{}: {e}", path.display())),
        })?;
        let version = modified(&meta).to_string();
        Ok(LocalFile { path: path.to_path_buf(), name: path.display().to_string(), version, len: meta.len(), kept: OnceLock::new() })
    }

    fn with_file(&self, act: impl FnOnce(&File) -> std::io::Result<()>) -> Result<(), RegionError> {
        let done = match self.kept.get() {
            Some(file) => act(file),
            None => File::open(&self.path).and_then(|file| {
                let done = act(&file);
                if KEPT_OPEN.fetch_add(1, Ordering::Relaxed) >= MAX_KEPT_OPEN || self.kept.set(file).is_err() {
                    KEPT_OPEN.fetch_sub(1, Ordering::Relaxed);
                }
                done
            }),
        };
        done.map_err(|e| RegionError::data(format!("{}: {e}", self.path.display())))
    }
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if self.kept.get().is_some() {
            KEPT_OPEN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Object for LocalFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(super::outside(&self.name, offset, len, self.len));
        }
        let mut buffer = vec![0; len];
        self.with_file(|file| read_exact_at(file, offset, &mut buffer))?;
        Ok(buffer.into())
    }
}

impl Store for LocalStore {
    fn name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>, RegionError> {
        let path = Path::new(key);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Arc::new(LocalFile::open(path)?)))
    }

    fn folders(&self, key: &str) -> Result<Option<Vec<String>>, RegionError> {
        let bad = |e: std::io::Error| RegionError::data(format!("{key}: {e}"));
        let mut found = vec![];
        for entry in std::fs::read_dir(key).map_err(bad)? {
            let path = entry.map_err(bad)?.path();
            if path.is_dir()
                && let Some(name) = path.file_name()
            {
                found.push(name.to_string_lossy().into_owned());
            }
        }
        found.sort();
        Ok(Some(found))
    }

    fn is_folder(&self, key: &str) -> bool {
        Path::new(key).is_dir()
    }

    fn matching(&self, pattern: &str) -> Result<Vec<String>, RegionError> {
        let found = glob::glob(pattern).map_err(|e| RegionError::request(format!("{pattern}: {e}")))?;
        let paths = found.collect::<Result<Vec<_>, _>>().map_err(|e| RegionError::data(e.to_string()))?;
        let mut keys: Vec<String> = paths.into_iter().map(|p| p.to_string_lossy().into_owned()).collect();
        keys.sort();
        Ok(keys)
    }

    fn stamp(&self, key: &str) -> Result<Vec<u8>, RegionError> {
        if !Path::new(key).exists() {
            return Err(RegionError::request(format!("no such file or directory: {key}")));
        }
        let mut stamp = vec![];
        stamp_below(Path::new(key), &mut stamp, 0)?;
        Ok(stamp)
    }

    fn stamps_contents(&self) -> bool {
        true
    }

    fn stored_bytes(&self, key: &str) -> Result<u64, RegionError> {
        bytes_below(Path::new(key), 0).map_err(|e| RegionError::data(format!("{key}: {e}")))
    }
}

/// Folders below folders that are followed, at most.
const MAX_DEPTH: usize = 64;

/// Names, lengths and modification times; of a folder, of everything below it. Chunks count too: one that was overwritten in place leaves no
/// mark on its folder, and an engine that remembers where the chunks of a shard lie would read other bytes for them.
fn stamp_below(path: &Path, stamp: &mut Vec<u8>, depth: usize) -> Result<(), RegionError> {
    let bad = |e: std::io::Error| RegionError::data(format!("{}: {e}", path.display()));
    let meta = std::fs::metadata(path).map_err(bad)?;
    stamp.extend_from_slice(path.as_os_str().as_encoded_bytes());
    stamp.push(0);
    stamp.extend_from_slice(&modified(&meta).to_le_bytes());
    if !meta.is_dir() {
        stamp.extend_from_slice(&meta.len().to_le_bytes());
    } else if depth < MAX_DEPTH {
        let mut below = vec![];
        for entry in std::fs::read_dir(path).map_err(bad)? {
            let entry = entry.map_err(bad)?;
            // Links to folders are not followed: they may lead in a circle.
            if !entry.file_type().map_err(bad)?.is_symlink() || !entry.path().is_dir() {
                below.push(entry.path());
            }
        }
        below.sort();
        below.iter().try_for_each(|entry| stamp_below(entry, stamp, depth + 1))?;
    }
    Ok(())
}

fn bytes_below(path: &Path, depth: usize) -> std::io::Result<u64> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_dir() || depth >= MAX_DEPTH {
        return Ok(if meta.is_dir() { 0 } else { meta.len() });
    }
    let mut total = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        total += if entry.file_type()?.is_dir() { bytes_below(&entry.path(), depth + 1)? } else { entry.metadata()?.len() };
    }
    Ok(total)
}

/// Nanoseconds since 1970; 0 where the file system does not say.
fn modified(meta: &std::fs::Metadata) -> u128 {
    meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> std::io::Result<()> {
    while !buffer.is_empty() {
        let got = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if got == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[got..];
        offset += got as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_chunk_that_is_overwritten_in_place_changes_the_stamp_of_its_store() {
        let folder = tempfile::tempdir().unwrap();
        let chunk = folder.path().join("t/c");
        std::fs::create_dir_all(&chunk).unwrap();
        let chunk = chunk.join("0");
        std::fs::write(&chunk, [1; 8]).unwrap();
        let stamp = || LocalStore.stamp(folder.path().to_str().unwrap()).unwrap();
        let before = stamp();
        assert_eq!(before, stamp());
        // As a writer does that keeps the file and its length.
        let file = File::options().write(true).open(&chunk).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
        assert_ne!(before, stamp());
    }
}
