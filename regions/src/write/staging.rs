//! A store on its way: a folder beside the place that it will take.
//!
//! In: files, bytes. Out: the store in its place, in one step. Never follows a symbolic link below the folder that it was allowed, never
//! touches what is no Zarr store. `.out.zarr.partial-RUN/store` becomes `out.zarr`; files are written in `.../tmp` first, so that a writer
//! that comes too late leaves nothing behind. The folder itself stays until it is given up: it proves that its store has been put in its place.

use super::{WriteRoots, refused};
use crate::inputs::Inputs;
use crate::local::Engine;
use crate::place::{self, owner::Owner};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use xeng_proto::{DatasetSpec, RegionError, StoreStep, StoreTarget};

/// Folders below each other in a store.
const MOST_DEEP: usize = 40;

/// The folder of a store under way.
#[derive(Debug)]
pub(super) struct Staging {
    uri: String,
    /// Where the store will be.
    place: PathBuf,
    /// The folder that holds it until then.
    folder: PathBuf,
}

/// A file that has been written and has no place yet; removed unless it gets one.
#[derive(Debug)]
pub(super) struct Staged {
    /// None once it has its place.
    path: Option<PathBuf>,
    file: File,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes a store a step further.
///
/// # Errors
/// `Request` where the engine may not write, for what is no store, or files that are missing; `Budget` for a full disk; `Unavailable` when the
/// disk fails.
pub(crate) fn step(engine: &Engine, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
    let staging = Staging::of(&engine.config.write_roots, &engine.config.region, target)?;
    match step {
        StoreStep::Begin { inputs } => staging.begin(engine, &inputs),
        StoreStep::Put { files } => files.iter().try_for_each(|file| staging.add(&inner(&file.path)?, &file.bytes)),
        StoreStep::Commit { files, bytes } => staging.commit(files, bytes),
        StoreStep::Abandon => staging.abandon(),
    }
}

impl Staging {
    /// The folder of a target that may be written.
    pub(super) fn of(roots: &WriteRoots, region: &str, target: &StoreTarget) -> Result<Staging, RegionError> {
        let wrong = |why: &str| RegionError::request(format!("'{}' cannot be written: {why}", target.uri));
        let path = target.uri.strip_prefix("file://").unwrap_or(&target.uri);
        if path.contains("://") {
            return Err(wrong("results are written to paths of the region's own disks only"));
        }
        let path = Path::new(path);
        let name = path.file_name().and_then(|n| n.to_str()).filter(|n| n.len() > ".zarr".len() && n.ends_with(".zarr"));
        let name = name.ok_or_else(|| wrong("its name must end in .zarr"))?;
        if !(8..=64).contains(&target.run.len()) || !target.run.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong("its run has no proper name"));
        }
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = roots.folder(parent)?;
        // Regions may share a disk: each has a folder of its own.
        let region: String = Sha256::digest(region.as_bytes()).iter().take(3).map(|b| format!("{b:02x}")).collect();
        let folder = parent.join(format!(".{name}.partial-{}-{region}", target.run));
        Ok(Staging { uri: target.uri.clone(), place: parent.join(name), folder })
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn refused(&self, why: &std::io::Error) -> RegionError {
        refused(Path::new(&self.uri), why)
    }

    fn begin(&self, engine: &Engine, inputs: &[DatasetSpec]) -> Result<(), RegionError> {
        place::mend(&self.place);
        place::sweep(&self.place);
        self.check_place()?;
        self.spare(engine, inputs)?;
        for folder in [self.folder.clone(), self.store(), self.folder.join("tmp")] {
            make_folder(&folder).map_err(|e| self.refused(&e))?;
        }
        // Whoever began it is asked after, should it stay behind.
        fs::write(self.folder.join("owner"), Owner::this().to_string()).map_err(|e| self.refused(&e))
    }

    /// What is there may be replaced: nothing, an empty folder, or a Zarr store.
    fn check_place(&self) -> Result<(), RegionError> {
        let wrong = |why: &str| Err(RegionError::request(format!("cannot write '{}': {why}; name another one", self.uri)));
        match fs::symlink_metadata(&self.place) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(self.refused(&e)),
            Ok(at) if at.is_symlink() => wrong("a symbolic link is there already"),
            Ok(_) if place::is_replaceable(&self.place) => Ok(()),
            Ok(_) => wrong("something that is no Zarr store is there already"),
        }
    }

    /// Refuses to replace what the run is made from.
    fn spare(&self, engine: &Engine, inputs: &[DatasetSpec]) -> Result<(), RegionError> {
        // What this engine may not read is no input that is read here.
        let here = |uri: &&str| engine.config.roots.check(uri).is_ok();
        let inputs = Inputs::of(&engine.stores, inputs.iter().flat_map(DatasetSpec::uris).filter(here))?;
        match inputs.met_by(&self.place) {
            Some(file) => {
                Err(RegionError::request(format!("writing '{}' would replace what it is made from: {}", self.uri, file.display())))
            }
            None => Ok(()),
        }
    }

    /// Refuses a store that nobody has begun, or that is finished or given up.
    pub(super) fn check_begun(&self) -> Result<(), RegionError> {
        if self.store().is_dir() { Ok(()) } else { Err(self.not_begun()) }
    }

    fn not_begun(&self) -> RegionError {
        RegionError::request(format!(
            "'{}' is not being written by this run here: it was given up, or the region's engines do not share a disk",
            self.uri
        ))
    }

    /// Adds a file, flushed, in one step; a file that is there already is replaced.
    fn add(&self, path: &Path, bytes: &[u8]) -> Result<(), RegionError> {
        self.place(self.stage(bytes)?, path)
    }

    /// Writes a file that has no place yet.
    pub(super) fn stage(&self, bytes: &[u8]) -> Result<Staged, RegionError> {
        let mut staged = self.temporary().map_err(|e| self.failed(&e))?;
        staged.file.write_all(bytes).map_err(|e| self.failed(&e))?;
        Ok(staged)
    }

    /// Flushes a file and puts it in its place; one that is there already is replaced.
    pub(super) fn place(&self, mut staged: Staged, path: &Path) -> Result<(), RegionError> {
        let mut placed = || {
            staged.file.sync_data()?;
            let mut folder = self.store();
            for part in path.parent().unwrap_or(Path::new("")).components() {
                folder.push(part);
                make_folder(&folder)?;
            }
            let Some(temporary) = &staged.path else { return Ok(()) };
            fs::rename(temporary, self.store().join(path))?;
            staged.path = None;
            Ok(())
        };
        placed().map_err(|e| self.failed(&e))
    }

    fn failed(&self, why: &std::io::Error) -> RegionError {
        if self.store().is_dir() { self.refused(why) } else { self.not_begun() }
    }

    /// A new file; other engines make theirs in the same folder, from other machines too.
    fn temporary(&self) -> std::io::Result<Staged> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
            let name = format!("{}-{now}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = self.folder.join("tmp").join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                opened => return opened.map(|file| Staged { path: Some(path), file }),
            }
        }
    }

    /// May be asked again, of another engine too: whoever did not hear the answer of the first one need not guess.
    fn commit(&self, files: u64, bytes: u64) -> Result<(), RegionError> {
        // An engine that was killed here may have left the store that was in the place.
        place::mend(&self.place);
        if self.is_committed() {
            return Ok(());
        }
        self.check_begun()?;
        let found = place::sync_tree(&self.store()).map_err(|e| self.refused(&e))?;
        if !self.store().join("zarr.json").is_file() {
            return Err(RegionError::data(format!("'{}' is not complete: it has no zarr.json", self.uri)));
        }
        if found != (files, bytes) {
            return Err(RegionError::data(format!(
                "'{}' is not complete: {} files of {} bytes are there, {files} files of {bytes} bytes were written; do the region's engines share a disk?",
                self.uri, found.0, found.1
            )));
        }
        self.check_place()?;
        fs::write(self.proven(), "").map_err(|e| self.refused(&e))?;
        match place::replace(&self.store(), &self.place) {
            Err(_) if self.is_committed() => Ok(()),
            replaced => replaced.map_err(|e| self.refused(&e)),
        }
    }

    /// Says that the store is whole: where this is and the store is not, the store has its place.
    fn proven(&self) -> PathBuf {
        self.folder.join("proven")
    }

    fn is_committed(&self) -> bool {
        self.proven().is_file() && !self.store().is_dir()
    }

    /// Removes the folder, and with it what there is of a store that has no place yet.
    fn abandon(&self) -> Result<(), RegionError> {
        place::discard(&self.folder).map_err(|e| self.refused(&e))
    }
}

/// A file's path in a store, which must not lead out of it.
fn inner(path: &str) -> Result<PathBuf, RegionError> {
    let parts = Path::new(path);
    let is_inner = parts.components().all(|c| matches!(c, Component::Normal(_))) && !path.contains(['\\', '\0']);
    let depth = parts.components().count();
    if is_inner && (1..=MOST_DEEP).contains(&depth) {
        Ok(parts.to_path_buf())
    } else {
        Err(RegionError::request(format!("'{path}' is no path in a store")))
    }
}

/// Makes a folder, if there is none; its parent must be there.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && fs::symlink_metadata(folder)?.is_dir() => Ok(()),
        made => made,
    }
}
