//! A local file read by position, from many threads at once.
//!
//! In: a path. Out: byte ranges. Never moves a shared cursor, never locks, never reads beyond the length seen at opening.

use bytes::Bytes;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use xeng_proto::RegionError;

/// Files kept open at once; beyond it each read opens its file again, so that thousands of files never exhaust descriptors.
const MAX_KEPT_OPEN: usize = 512;
static KEPT_OPEN: AtomicUsize = AtomicUsize::new(0);

/// A file of known length.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
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
        Ok(LocalFile { path: path.to_path_buf(), len: meta.len(), kept: OnceLock::new() })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads `len` bytes at `offset`.
    ///
    /// # Errors
    /// `Data` when the range leaves the file or reading fails.
    pub fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        let mut buffer = Vec::new();
        self.append(offset, len, &mut buffer)?;
        Ok(buffer.into())
    }

    /// Appends `len` bytes at `offset` to `buffer`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn append(&self, offset: u64, len: usize, buffer: &mut Vec<u8>) -> Result<(), RegionError> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(RegionError::data(format!(
                "{}: bytes {offset}..{} lie outside the file, which has {} bytes: it is truncated or corrupt",
                self.path.display(),
                offset.saturating_add(len as u64),
                self.len
            )));
        }
        let start = buffer.len();
        buffer.resize(start + len, 0);
        self.with_file(|file| read_exact_at(file, offset, &mut buffer[start..]))
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
