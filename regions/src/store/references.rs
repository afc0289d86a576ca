//! Kerchunk references as a store: keys of a Zarr store that stand for short texts or for byte ranges of other objects.
//!
//! In: a JSON file (specification 0 and 1), or a folder of Parquet files (`.zmetadata`, `VAR/refs.N.parq`). Out: objects by key. Never
//! follows a reference to references: what a target holds is bytes. Never reads a target outside the engine's roots.
//! Source: <https://fsspec.github.io/kerchunk/spec.html>; fsspec 2026, `implementations/reference.py`.

mod cells;
mod generate;
mod json;
mod object;
mod pages;
mod parquet;
mod target;
mod template;

use super::reach::Reach;
use super::{Location, Look, Object, Store, outside};
use bytes::Bytes;
use indexmap::IndexMap;
use json::JsonReferences;
use object::{Inline, Window};
use parquet::ParquetReferences;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use target::Targets;
use xeng_proto::RegionError;

/// Targets that a stamp looks at: in remote stores each costs a request.
const STAMPED: usize = 1 << 16;
/// As [`STAMPED`], where any target is remote.
const STAMPED_FAR: usize = 64;
/// Targets that are read side by side, where they are remote.
const SIDE_BY_SIDE: usize = 16;

/// How references are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON file.
    Json,
    /// A folder of Parquet files.
    Parquet,
}

impl Form {
    /// What the name says; `None` where it names no references.
    pub(super) fn of(at: &Location) -> Option<Form> {
        let name = at.file_name();
        let is_folder = || at.store.is_remote() || at.store.is_folder(&at.key);
        if name.ends_with(".json") && (at.store.is_remote() || !at.store.is_folder(&at.key)) {
            return Some(Form::Json);
        }
        (name.ends_with(".parq") || name.ends_with(".parquet")).then_some(Form::Parquet).filter(|_| is_folder())
    }
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reference {
    /// These bytes.
    Text(Bytes),
    /// All of an object.
    Whole(Arc<str>),
    /// Offset and length in an object.
    Range(Arc<str>, u64, u64),
}

/// The references, by key.
#[derive(Debug)]
enum Index {
    Json(JsonReferences),
    Parquet(ParquetReferences),
}

impl Index {
    fn get(&self, key: &str) -> Result<Option<Reference>, RegionError> {
        match self {
            Index::Json(all) => Ok(all.get(key)),
            Index::Parquet(all) => all.get(key),
        }
    }
}

/// A store that lies in pieces of other objects.
#[derive(Debug)]
pub struct ReferenceStore {
    at: Location,
    form: Form,
    own_stamp: Vec<u8>,
    targets: Targets,
    index: OnceLock<Result<Index, RegionError>>,
    is_remote: OnceLock<bool>,
}

impl ReferenceStore {
    /// The store behind the references at `at`, whose stamp is `own_stamp`; nothing is read yet.
    pub(super) fn new(reach: Arc<Reach>, at: Location, form: Form, own_stamp: Vec<u8>) -> ReferenceStore {
        ReferenceStore { targets: Targets::new(reach, &at), at, form, own_stamp, index: OnceLock::new(), is_remote: OnceLock::new() }
    }

    /// Whether it was made of the references with this stamp.
    pub(super) fn is_of(&self, stamp: &[u8]) -> bool {
        self.own_stamp == stamp
    }

    fn index(&self) -> Result<&Index, RegionError> {
        let load = || match self.form {
            Form::Json => JsonReferences::read(&self.at).map(Index::Json),
            Form::Parquet => ParquetReferences::open(&self.at, self.targets.reach()).map(Index::Parquet),
        };
        self.index.get_or_init(load).as_ref().map_err(Clone::clone)
    }

    /// The targets that the stamp looks at; none where there are too many, or where they are not known without reading every reference.
    fn stamped(&self) -> &[Arc<str>] {
        let Ok(Index::Json(all)) = self.index() else { return &[] };
        let limit = if self.is_remote() { STAMPED_FAR } else { STAMPED };
        if all.targets().len() <= limit { all.targets() } else { &[] }
    }

    fn failed(&self, key: &str, target: &str, e: &RegionError) -> RegionError {
        RegionError::new(e.kind, format!("{}: reference {key:?} to {target}: {}", self.at.name(), e.message))
    }

    fn target(&self, key: &str, target: &Arc<str>) -> Result<Arc<dyn Object>, RegionError> {
        self.targets.open(target).map_err(|e| self.failed(key, target, &e))
    }

    /// Reads the ranges that lie in one target, each with the position of its key in `keys`.
    fn read_target(&self, target: &Arc<str>, keys: &[String], wanted: &[Wanted], most: u64) -> Result<Vec<(usize, Bytes)>, RegionError> {
        let first = wanted.first().and_then(|w| keys.get(w.0)).map_or("", String::as_str);
        let object = self.target(first, target)?;
        let range = |&(number, range): &Wanted| {
            let key = keys.get(number).map_or("", String::as_str);
            let (offset, len) = range.unwrap_or((0, object.len()));
            let named = |e: RegionError| self.failed(key, target, &e);
            let fits = usize::try_from(len).ok().filter(|_| len <= most);
            let fits = fits.ok_or_else(|| named(RegionError::data(format!("{len} bytes are more than are read for it"))))?;
            let inside = offset.checked_add(len).is_some_and(|end| end <= object.len());
            if inside { Ok((offset, fits)) } else { Err(named(outside(object.name(), offset, fits, object.len()))) }
        };
        let ranges = wanted.iter().map(range).collect::<Result<Vec<_>, _>>()?;
        let read = object.read_many(&ranges).map_err(|e| self.failed(first, target, &e))?;
        Ok(wanted.iter().map(|w| w.0).zip(read).collect())
    }
}

/// The position of a key, and the range that it stands for; `None` for all of the target.
type Wanted = (usize, Option<(u64, u64)>);

impl Store for ReferenceStore {
    fn name(&self, key: &str) -> String {
        if key.is_empty() { self.at.name() } else { format!("{}/{key}", self.at.name()) }
    }

    /// Of Parquet references it is not known without reading them: then as if it were.
    fn is_remote(&self) -> bool {
        *self.is_remote.get_or_init(|| match self.index() {
            Ok(Index::Json(all)) => all.targets().iter().any(|target| self.targets.is_remote(target)),
            Ok(Index::Parquet(_)) => true,
            Err(_) => self.at.store.is_remote(),
        })
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>, RegionError> {
        let name = self.name(key);
        Ok(match self.index()?.get(key)? {
            None => None,
            Some(Reference::Text(bytes)) => Some(Arc::new(Inline { name, bytes })),
            Some(Reference::Whole(target)) => Some(self.target(key, &target)?),
            Some(Reference::Range(target, offset, len)) => {
                let object = self.target(key, &target)?;
                if offset.checked_add(len).is_none_or(|end| end > object.len()) {
                    let e = outside(object.name(), offset, usize::try_from(len).unwrap_or(usize::MAX), object.len());
                    return Err(self.failed(key, &target, &e));
                }
                Some(Arc::new(Window { name, object, offset, len }))
            }
        })
    }

    fn get_many(&self, keys: &[String], most: u64) -> Result<Vec<Option<Bytes>>, RegionError> {
        let index = self.index()?;
        let mut out = vec![None; keys.len()];
        let mut wanted: IndexMap<Arc<str>, Vec<Wanted>> = IndexMap::new();
        for (number, key) in keys.iter().enumerate() {
            match index.get(key)? {
                None => {}
                Some(Reference::Text(bytes)) if bytes.len() as u64 > most => {
                    return Err(RegionError::data(format!("{}: {} bytes are more than are read", self.name(key), bytes.len())));
                }
                Some(Reference::Text(bytes)) => out[number] = Some(bytes),
                Some(Reference::Whole(target)) => wanted.entry(target).or_default().push((number, None)),
                Some(Reference::Range(target, offset, len)) => wanted.entry(target).or_default().push((number, Some((offset, len)))),
            }
        }
        let groups: Vec<_> = wanted.into_iter().collect();
        let read = |(target, wanted): &(Arc<str>, Vec<Wanted>)| self.read_target(target, keys, wanted, most);
        let side_by_side = if groups.len() > 1 && self.is_remote() { SIDE_BY_SIDE } else { 1 };
        for (number, bytes) in target::side_by_side(&groups, side_by_side, read)?.into_iter().flatten() {
            out[number] = Some(bytes);
        }
        Ok(out)
    }

    fn folders(&self, key: &str) -> Result<Option<Vec<String>>, RegionError> {
        Ok(match self.index()? {
            Index::Json(all) => Some(all.folders(key)),
            // Its metadata are consolidated, always.
            Index::Parquet(_) => None,
        })
    }

    fn is_folder(&self, _key: &str) -> bool {
        true
    }

    fn matching(&self, pattern: &str) -> Result<Vec<String>, RegionError> {
        Err(RegionError::request(format!("{}: patterns find nothing in references", self.name(pattern))))
    }

    /// The stamp of the references, and the versions of their targets as far as these are known and few; of JSON the bytes that the
    /// references say, 0 where one stands for an object of unknown length.
    fn look(&self, _key: &str) -> Result<Look, RegionError> {
        let stored_bytes = match self.index()? {
            Index::Json(all) => all.stored_bytes(),
            Index::Parquet(_) => 0,
        };
        let mut stamp = self.own_stamp.clone();
        for target in self.targets.versions(self.stamped(), if self.is_remote() { SIDE_BY_SIDE } else { 1 })? {
            stamp.extend_from_slice(target.as_bytes());
            stamp.push(0);
        }
        Ok(Look { state: stamp.clone(), stamp, stored_bytes, object: None, identity: None })
    }

    fn stamps_contents(&self) -> bool {
        matches!(self.index(), Ok(Index::Json(all)) if all.targets().len() == self.stamped().len())
    }

    fn stored_len(&self, key: &str) -> Result<Option<u64>, RegionError> {
        Ok(match self.index()?.get(key)? {
            None => None,
            Some(Reference::Text(bytes)) => Some(bytes.len() as u64),
            Some(Reference::Whole(target)) => Some(self.target(key, &target)?.len()),
            Some(Reference::Range(_, _, len)) => Some(len),
        })
    }

    /// The references, and all files that they lead to.
    fn paths(&self, _key: &str) -> Result<Vec<PathBuf>, RegionError> {
        let mut paths = self.at.store.paths(&self.at.key)?;
        let targets = match self.index() {
            Ok(Index::Json(all)) => all.targets().to_vec(),
            Ok(Index::Parquet(all)) => all.targets()?,
            // What cannot be understood leads nowhere, and will not be read.
            Err(_) => vec![],
        };
        targets.iter().for_each(|target| paths.extend(self.targets.paths(target)));
        Ok(paths)
    }

    fn is_references(&self) -> bool {
        true
    }

    fn expire(&self) {
        self.targets.expire();
    }

    fn is_stale(&self) -> bool {
        self.targets.is_stale()
    }
}

#[cfg(all(test, unix))]
mod tests;
