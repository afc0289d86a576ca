//! Files of this machine, read by position from many threads at once.
//!
//! In: paths. Out: byte ranges. Never moves a shared cursor, never locks, never reads beyond the length seen at opening.

use super::{Identity, Look, Object, Store};
use crate::roots::{Roots, fixed_part};
use bytes::Bytes;
use rayon::prelude::*;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use xeng_proto::RegionError;

/// Files kept open at once; beyond it each read opens its file again, so that thousands of files never exhaust descriptors.
const MAX_KEPT_OPEN: usize = 512;
static KEPT_OPEN: AtomicUsize = AtomicUsize::new(0);

/// The file system.
#[derive(Clone, Debug, Default)]
pub struct LocalStore {
    roots: Roots,
}

impl LocalStore {
    /// The file system below `roots`: links of a store that lead out of these are refused.
    pub(crate) fn within(roots: Roots) -> LocalStore {
        LocalStore { roots }
    }

    /// Refuses a member of a store that is not what it seems to be: a link that leads out of the roots.
    fn check(&self, path: &Path) -> Result<(), RegionError> {
        self.roots.check_file(path)
    }
}

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
        Ok(LocalFile::of(path, &meta))
    }

    fn of(path: &Path, meta: &Metadata) -> LocalFile {
        let (version, name) = (modified(meta).to_string(), path.display().to_string());
        LocalFile { path: path.to_path_buf(), name, version, len: meta.len(), kept: OnceLock::new() }
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
        let Ok(meta) = std::fs::metadata(path) else { return Ok(None) };
        self.check(path)?;
        // Pipes and devices would be waited for.
        if !meta.is_file() {
            return Err(RegionError::data(format!("{key}: it is no file")));
        }
        Ok(Some(Arc::new(LocalFile::of(path, &meta))))
    }

    fn folders(&self, key: &str) -> Result<Option<Vec<String>>, RegionError> {
        let bad = |e: std::io::Error| RegionError::data(format!("{key}: {e}"));
        self.check(Path::new(key))?;
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
        // Names that begin with a dot are those of files under way, unless they are asked for.
        let fixed = fixed_part(Path::new(pattern)).components().count();
        let is_hidden = |path: &Path| path.components().skip(fixed).any(|c| c.as_os_str().as_encoded_bytes().first() == Some(&b'.'));
        let asks_for_hidden = is_hidden(Path::new(pattern));
        let shown = paths.into_iter().filter(|path| asks_for_hidden || !is_hidden(path));
        let mut keys: Vec<String> = shown.map(|p| p.to_string_lossy().into_owned()).collect();
        keys.sort();
        Ok(keys)
    }

    fn look(&self, key: &str) -> Result<Look, RegionError> {
        let path = Path::new(key);
        let now = SystemTime::now();
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => RegionError::request(format!("no such file or directory: {key}")),
            _ => RegionError::data(format!("{key}: {e}")),
        })?;
        self.check(path)?;
        if meta.is_dir() {
            let tree = walk(path, &meta, &[], &self.roots)?;
            return Ok(Look { stamp: tree.stamp, state: tree.state, stored_bytes: tree.bytes, object: None, identity: None });
        }
        if !meta.is_file() {
            return Err(RegionError::data(format!("{key}: it is neither a file nor a folder")));
        }
        let identity = identity(path, &meta, now);
        let object: Arc<dyn Object> = Arc::new(LocalFile::of(path, &meta));
        let stamp = mark(path, &meta);
        let state = [stamp.as_slice(), inner(&meta).told.as_bytes()].concat();
        Ok(Look { stamp, state, stored_bytes: meta.len(), object: Some(object), identity })
    }

    fn stamps_contents(&self) -> bool {
        true
    }

    fn paths(&self, key: &str) -> Result<Vec<PathBuf>, RegionError> {
        Ok(vec![PathBuf::from(key)])
    }
}

/// Folders below folders that are followed, at most.
const MAX_DEPTH: usize = 64;

/// What lies at a path and below it.
#[derive(Default)]
struct Tree {
    stamp: Vec<u8>,
    state: Vec<u8>,
    bytes: u64,
}

impl Tree {
    fn of(path: &Path, meta: &Metadata, bytes: u64) -> Tree {
        let stamp = mark(path, meta);
        let state = [stamp.as_slice(), inner(meta).told.as_bytes()].concat();
        Tree { stamp, state, bytes }
    }

    fn add(&mut self, other: Tree) {
        self.stamp.extend_from_slice(&other.stamp);
        self.state.extend_from_slice(&other.state);
        self.bytes += other.bytes;
    }
}

/// Names, lengths and modification times; of a folder, of everything below it. Chunks count too: one that was overwritten in place leaves no
/// mark on its folder, and an engine that remembers where the chunks of a shard lie would read other bytes for them.
fn walk(folder: &Path, meta: &Metadata, above: &[PathBuf], roots: &Roots) -> Result<Tree, RegionError> {
    let bad = |e: std::io::Error| RegionError::data(format!("{}: {e}", folder.display()));
    let mut tree = Tree::of(folder, meta, 0);
    if above.len() >= MAX_DEPTH {
        return Ok(tree);
    }
    let mut here = above.to_vec();
    here.push(folder.canonicalize().map_err(bad)?);
    let mut files: Vec<(PathBuf, Metadata)> = vec![];
    let mut folders = vec![];
    for entry in std::fs::read_dir(folder).map_err(bad)? {
        let entry = entry.map_err(bad)?;
        let kind = entry.file_type().map_err(bad)?;
        let path = entry.path();
        if kind.is_symlink() {
            roots.check_file(&path)?;
        }
        // The folder is open here, which makes this look cheaper than one by path; it does not follow links.
        let meta = if kind.is_symlink() { std::fs::metadata(&path) } else { entry.metadata() }.map_err(bad)?;
        // Links are followed, for what they lead to is read; those that lead in a circle once.
        let is_above = kind.is_symlink() && path.canonicalize().is_ok_and(|real| here.contains(&real));
        match meta.is_dir() {
            true if is_above => {}
            true => folders.push((path, meta)),
            false => files.push((path, meta)),
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    folders.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, meta) in &files {
        tree.add(Tree::of(path, meta, meta.len()));
    }
    let below: Vec<Result<Tree, RegionError>> = folders.par_iter().map(|(path, meta)| walk(path, meta, &here, roots)).collect();
    below.into_iter().try_for_each(|one| one.map(|one| tree.add(one)))?;
    Ok(tree)
}

/// Name, time and length of a file; of a folder, whose length says nothing, name and time.
fn mark(path: &Path, meta: &Metadata) -> Vec<u8> {
    let mut mark = path.as_os_str().as_encoded_bytes().to_vec();
    mark.push(0);
    mark.extend_from_slice(&modified(meta).to_le_bytes());
    if !meta.is_dir() {
        mark.extend_from_slice(&meta.len().to_le_bytes());
    }
    mark
}

/// Nanoseconds since 1970; 0 where the file system does not say.
fn modified(meta: &Metadata) -> u128 {
    meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

/// How long a file must have been left alone: the clocks of file systems tick as coarsely as this, and within a tick it could change again
/// without another time.
const SETTLED: Duration = Duration::from_secs(3);

/// Where a file lies, its length, its times and what the file system counts it as; times of the future say nothing.
fn identity(path: &Path, meta: &Metadata, now: SystemTime) -> Option<Identity> {
    let time = meta.modified().ok()?;
    let inner = inner(meta);
    let is_settled = now.duration_since(time.max(inner.changed.unwrap_or(time))).is_ok_and(|age| age > SETTLED);
    let path = std::path::absolute(path).ok()?;
    is_settled.then(|| Identity(format!("{}\n{}\n{}\n{}", path.display(), meta.len(), modified(meta), inner.told)))
}

/// What the file system knows of a file beyond its content.
struct Inner {
    told: String,
    /// When anything about it changed: no program can set this back.
    changed: Option<SystemTime>,
}

#[cfg(unix)]
fn inner(meta: &Metadata) -> Inner {
    use std::os::unix::fs::MetadataExt;
    let since = Duration::new(u64::try_from(meta.ctime()).unwrap_or(0), u32::try_from(meta.ctime_nsec()).unwrap_or(0));
    let changed = std::time::UNIX_EPOCH.checked_add(since);
    Inner { told: format!("{} {} {}", meta.ino(), meta.ctime(), meta.ctime_nsec()), changed }
}

#[cfg(not(unix))]
fn inner(_: &Metadata) -> Inner {
    Inner { told: String::new(), changed: None }
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
        let stamp = || LocalStore::default().look(folder.path().to_str().unwrap()).unwrap().stamp;
        let before = stamp();
        assert_eq!(before, stamp());
        // As a writer does that keeps the file and its length.
        let file = File::options().write(true).open(&chunk).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
        assert_ne!(before, stamp());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_of_the_roots_are_not_followed() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["in/store.zarr/t", "out"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        for name in ["in/store.zarr/t/own", "in/other", "out/secret"] {
            std::fs::write(at(name), [1; 8]).unwrap();
        }
        symlink(at("in/other"), at("in/store.zarr/t/near")).unwrap();
        let roots = Roots::only(&[folder.path().join("in")]).unwrap();
        let (bound, free) = (LocalStore::within(roots), LocalStore::default());
        for name in ["in/store.zarr/t/own", "in/store.zarr/t/near"] {
            assert!(bound.open(&at(name)).unwrap().is_some(), "{name}");
        }
        assert!(bound.look(&at("in/store.zarr")).is_ok());
        symlink(at("out/secret"), at("in/store.zarr/t/far")).unwrap();
        symlink(at("out"), at("in/store.zarr/g")).unwrap();
        for name in ["in/store.zarr/t/far", "in/store.zarr/g/secret"] {
            assert!(bound.open(&at(name)).unwrap_err().message.contains("not among the data"), "{name}");
            assert!(free.open(&at(name)).unwrap().is_some());
        }
        assert!(bound.look(&at("in/store.zarr")).is_err() && bound.folders(&at("in/store.zarr/g")).is_err());
        assert!(free.look(&at("in/store.zarr")).is_ok());
    }

    #[test]
    fn files_under_way_match_no_pattern() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.zarr", ".b.zarr.partial-1", ".b.zarr"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let pattern = |p: &str| LocalStore::default().matching(folder.path().join(p).to_str().unwrap()).unwrap().len();
        assert_eq!((pattern("*.zarr"), pattern("*"), pattern(".*.zarr")), (1, 1, 1));
    }

    #[test]
    fn one_walk_counts_every_file_of_a_store() {
        let folder = tempfile::tempdir().unwrap();
        for (n, name) in ["a/0", "a/1", "b/c/0", "z"].iter().enumerate() {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; n + 1]).unwrap();
        }
        let look = LocalStore::default().look(folder.path().to_str().unwrap()).unwrap();
        assert_eq!(look.stored_bytes, 1 + 2 + 3 + 4);
        assert!(look.object.is_none() && look.identity.is_none());
        assert!(LocalStore::default().look(folder.path().join("none").to_str().unwrap()).is_err());
    }

    #[test]
    fn only_a_file_that_was_left_alone_has_an_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, [1; 8]).unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        let at = |seconds: u64| identity(&path, &meta, meta.modified().unwrap() + Duration::from_secs(seconds));
        assert_eq!((at(0), at(2)), (None, None));
        let known = at(60).unwrap();
        assert_eq!(at(70).unwrap(), known);
        // Set back to the same time after a write of the same length: the file system's own time tells.
        let file = File::options().write(true).open(&path).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        file.set_modified(meta.modified().unwrap()).unwrap();
        let again = std::fs::metadata(&path).unwrap();
        assert_eq!(again.modified().unwrap(), meta.modified().unwrap());
        assert_ne!(identity(&path, &again, SystemTime::now() + Duration::from_secs(60)).unwrap(), known);
    }
}
