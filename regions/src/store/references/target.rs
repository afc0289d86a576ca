//! The objects that references lead to: found, allowed, and pinned to the version that was opened first.
//!
//! In: a path or URL as references write it. Out: the object. Never an object outside the engine's roots, never bytes of two versions.
//!
//! A relative path is meant from the folder of the reference file; where nothing is there, and the file lies on this machine, from
//! the working directory, as fsspec does.

use crate::store::reach::Reach;
use crate::store::{Location, Object, changed};
use bytes::Bytes;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use xeng_proto::{ErrorKind, RegionError};

/// Targets that are pinned, at most.
const MAX_PINNED: usize = 1 << 18;

/// The targets of one reference file.
#[derive(Debug)]
pub(super) struct Targets {
    reach: Arc<Reach>,
    folder: Location,
    pinned: Mutex<HashMap<Arc<str>, Arc<dyn Object>>>,
    is_stale: Arc<AtomicBool>,
}

impl Targets {
    /// The targets of the references at `at`.
    pub(super) fn new(reach: Arc<Reach>, at: &Location) -> Targets {
        let key = at.key.trim_end_matches('/');
        let folder = match key.rsplit_once('/') {
            Some(("", _)) if !at.store.is_remote() => "/",
            Some((folder, _)) => folder,
            None => "",
        };
        let folder = Location { store: at.store.clone(), key: folder.to_owned() };
        Targets { reach, folder, pinned: Mutex::default(), is_stale: Arc::default() }
    }

    pub(super) fn reach(&self) -> Arc<Reach> {
        self.reach.clone()
    }

    /// Has every target found anew by whoever opens the references from now on.
    pub(super) fn expire(&self) {
        self.is_stale.store(true, Ordering::Relaxed);
    }

    /// Whether a target could not be read, or has changed.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    /// Whether a target lies where a request takes milliseconds.
    pub(super) fn is_remote(&self, target: &str) -> bool {
        match target.split_once("://") {
            Some((scheme, _)) => scheme != "file",
            None => self.folder.store.is_remote() && !target.starts_with('/'),
        }
    }

    /// The target, in the version that was opened first.
    pub(super) fn open(&self, target: &Arc<str>) -> Result<Arc<dyn Object>, RegionError> {
        if let Some(known) = self.pinned.lock().unwrap_or_else(PoisonError::into_inner).get(target) {
            return Ok(known.clone());
        }
        let (at, object) = self.find(target)?;
        let fresh = Arc::new(Pinned { object, at, is_stale: self.is_stale.clone() });
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if pinned.len() >= MAX_PINNED {
            return Err(RegionError::budget(format!("more than {MAX_PINNED} objects are referred to")));
        }
        Ok(pinned.entry(target.clone()).or_insert(fresh).clone())
    }

    /// What the versions of `targets` are now; one that is not there or not allowed has none.
    pub(super) fn versions(&self, targets: &[Arc<str>], at_once: usize) -> Result<Vec<String>, RegionError> {
        let version = |target: &Arc<str>| match self.find(target) {
            Ok((_, object)) => Ok(format!("{} {}", object.version(), object.len())),
            Err(e) if e.kind == ErrorKind::Unavailable => Err(e),
            Err(_) => Ok(String::new()),
        };
        side_by_side(targets, at_once, version)
    }

    /// The object and where it was found.
    fn find(&self, target: &str) -> Result<(Location, Arc<dyn Object>), RegionError> {
        let mut tried = vec![];
        for at in self.places(target)? {
            // Pipes and devices would be waited for.
            if (at.store.is_remote() || Path::new(&at.key).is_file())
                && let Some(object) = at.open()?
            {
                return Ok((at, object));
            }
            tried.push(at.name());
        }
        Err(RegionError::data(format!("there is no file {}", tried.join(", nor "))))
    }

    /// The files of this machine that a target may be.
    pub(super) fn paths(&self, target: &str) -> Vec<PathBuf> {
        let places = self.places(target).unwrap_or_default();
        places.iter().flat_map(|at| at.store.paths(&at.key).unwrap_or_default()).collect()
    }

    /// Where a target may lie, likeliest first.
    fn places(&self, target: &str) -> Result<Vec<Location>, RegionError> {
        if target.contains("::") {
            return Err(RegionError::data("chained URLs are not supported"));
        }
        if target.contains("://") || target.starts_with('/') {
            let at = self.reach.locate(target).map_err(|e| RegionError::data(e.message))?;
            self.reach.check(&at)?;
            return Ok(vec![at]);
        }
        let joined = normal(&self.folder.child(target).key).ok_or_else(|| RegionError::data("it climbs out of its store"))?;
        let near = Location { store: self.folder.store.clone(), key: joined };
        self.reach.check(&near)?;
        let here = (!near.store.is_remote()).then(|| normal(target)).flatten().filter(|key| *key != near.key);
        let here = here.map(|key| Location { store: near.store.clone(), key }).filter(|at| self.reach.check(at).is_ok());
        Ok([Some(near), here].into_iter().flatten().collect())
    }
}

/// A path without `.` and `..`; `None` where it climbs above its beginning.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => {
                parts.pop();
            }
            ("..", _) if path.starts_with('/') => return None,
            (part, _) => parts.push(part),
        }
    }
    Some(format!("{}{}", if path.starts_with('/') { "/" } else { "" }, parts.join("/")))
}

/// A target in the version that was opened first.
#[derive(Debug)]
struct Pinned {
    object: Arc<dyn Object>,
    at: Location,
    is_stale: Arc<AtomicBool>,
}

impl Object for Pinned {
    fn name(&self) -> &str {
        self.object.name()
    }

    fn len(&self) -> u64 {
        self.object.len()
    }

    fn version(&self) -> &str {
        self.object.version()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        self.read_many(&[(offset, len)])?.pop().ok_or_else(|| RegionError::internal("no range was read"))
    }

    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let read = self.object.read_many(ranges).and_then(|bytes| self.is_unchanged().map(|()| bytes));
        read.inspect_err(|_| self.is_stale.store(true, Ordering::Relaxed))
    }
}

impl Pinned {
    /// Remote stores prove with every answer which version it is of; files do not.
    fn is_unchanged(&self) -> Result<(), RegionError> {
        if self.at.store.is_remote() {
            return Ok(());
        }
        let now = self.at.open()?.ok_or_else(|| changed(self.name()))?;
        if now.version() == self.version() && now.len() == self.len() { Ok(()) } else { Err(changed(self.name())) }
    }
}

/// Does something for each of `all`, `at_once` of them at a time; results in order.
pub(super) fn side_by_side<T: Sync, R: Send>(
    all: &[T],
    at_once: usize,
    act: impl Fn(&T) -> Result<R, RegionError> + Sync,
) -> Result<Vec<R>, RegionError> {
    if at_once <= 1 {
        return all.iter().map(act).collect();
    }
    let mut out = Vec::with_capacity(all.len());
    for group in all.chunks(at_once) {
        let done = std::thread::scope(|threads| {
            let started: Vec<_> = group.iter().map(|one| threads.spawn(|| act(one))).collect();
            let joined = started.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(RegionError::internal("a reader ended early"))));
            joined.collect::<Result<Vec<R>, _>>()
        })?;
        out.extend(done);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_are_joined_as_text() {
        for (path, expected) in [
            ("/a/refs/../data/x.nc", Some("/a/data/x.nc")),
            ("refs/./x.nc", Some("refs/x.nc")),
            ("refs/../../x.nc", Some("../x.nc")),
            ("../../x.nc", Some("../../x.nc")),
            ("/a/../../x.nc", None),
            ("a//b", Some("a/b")),
        ] {
            assert_eq!(normal(path).as_deref(), expected, "{path}");
        }
    }
}
