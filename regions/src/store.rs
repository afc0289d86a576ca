//! Where stored bytes lie: objects that are read by range, in folders - on a disk, in S3, behind HTTP.
//!
//! In: URIs. Out: byte ranges. Never fewer bytes than asked for, never bytes of an object that has changed since it was opened.

mod beginning;
pub mod local;
pub mod ranged;
mod reach;
pub mod references;
pub mod remote;
pub mod uri;

use crate::cache::{CacheConfig, CacheUse};
use crate::manifest::Manifests;
use crate::roots::Roots;
use bytes::Bytes;
use reach::Reach;
use references::ReferenceStore;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use xeng_proto::RegionError;

/// A file or an object of a store, as it was when it was opened.
pub trait Object: Send + Sync + Debug {
    /// Its path or URL, for errors.
    fn name(&self) -> &str;

    /// Its length in bytes.
    fn len(&self) -> u64;

    /// Whether it is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What changes when its bytes do: modification time, ETag.
    fn version(&self) -> &str;

    /// Reads `len` bytes at `offset`.
    ///
    /// # Errors
    /// `Data` when the range leaves the object, when it has changed, or when reading fails.
    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError>;

    /// Reads several ranges, each an offset and a length; where a request takes long, neighbours are read together and the rest side by side.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        ranges.iter().map(|&(offset, len)| self.read(offset, len)).collect()
    }

    /// Told that its metadata has been read: what was kept for that may go.
    fn is_described(&self) {}
}

/// A set of objects, named by keys that `/` divides into folders.
pub trait Store: Send + Sync + Debug {
    /// The key as a user would write it.
    fn name(&self, key: &str) -> String;

    /// Whether a request takes milliseconds: readers then ask for more at a time.
    fn is_remote(&self) -> bool;

    /// Looks at an object without reading it; `None` where there is none.
    ///
    /// # Errors
    /// `Data` when the store cannot be asked.
    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>, RegionError>;

    /// Whole objects, each of at most `most` bytes; `None` where there is none.
    ///
    /// # Errors
    /// `Data` when one is longer or cannot be read.
    fn get_many(&self, keys: &[String], most: u64) -> Result<Vec<Option<Bytes>>, RegionError> {
        let get = |key: &String| {
            let Some(object) = self.open(key)? else { return Ok(None) };
            if object.len() > most {
                return Err(RegionError::data(format!("{}: {} bytes are more than are read", object.name(), object.len())));
            }
            object.read(0, object.len() as usize).map(Some)
        };
        keys.iter().map(get).collect()
    }

    /// The names of the folders in a folder, sorted; `None` where this store cannot list.
    ///
    /// # Errors
    /// `Data` when it cannot be listed.
    fn folders(&self, key: &str) -> Result<Option<Vec<String>>, RegionError>;

    /// Whether a folder of this key is there, as far as that can be told without listing.
    fn is_folder(&self, key: &str) -> bool;

    /// The keys that match a glob pattern, sorted.
    ///
    /// # Errors
    /// `Request` when this store cannot list, `Data` when listing fails.
    fn matching(&self, pattern: &str) -> Result<Vec<String>, RegionError>;

    /// Looks at what lies at a key, once.
    ///
    /// # Errors
    /// `Request` when nothing is there, `Data` when the store cannot be asked.
    fn look(&self, key: &str) -> Result<Look, RegionError>;

    /// Whether the [`Look::stamp`] of a folder changes with every object in it.
    fn stamps_contents(&self) -> bool {
        false
    }

    /// The length of an object; `None` where there is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    fn stored_len(&self, key: &str) -> Result<Option<u64>, RegionError> {
        Ok(self.open(key)?.map(|object| object.len()))
    }

    /// The files and folders of this machine that what lies at a key is read from.
    ///
    /// # Errors
    /// `Budget` where there are too many to tell.
    fn paths(&self, _key: &str) -> Result<Vec<PathBuf>, RegionError> {
        Ok(vec![])
    }

    /// Whether its objects are references to parts of others.
    fn is_references(&self) -> bool {
        false
    }

    /// Told that objects have changed: what is kept of them must not be given again.
    fn expire(&self) {}

    /// Whether reading failed in a way that only opening anew can mend.
    fn is_stale(&self) -> bool {
        false
    }
}

/// What one look at a key tells.
#[derive(Clone, Debug)]
pub struct Look {
    /// What changes when the object does, or anything below the folder; in remote stores, the folder's metadata.
    pub stamp: Vec<u8>,
    /// As `stamp`, with what only this machine knows of a file: what changes also where length and time were set back.
    pub state: Vec<u8>,
    /// Bytes that lie at the key and below it; 0 where counting them would take a request per object.
    pub stored_bytes: u64,
    /// The object; `None` where the key is that of a folder.
    pub object: Option<Arc<dyn Object>>,
    /// What tells this version of the object from every other; `None` where nothing does: for folders, and where it was written so
    /// lately that it could be written again without a trace.
    pub identity: Option<Identity>,
}

/// One version of one object, among all that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(pub String);

/// A file or folder of a store.
#[derive(Clone, Debug)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The key of the file or folder.
    pub key: String,
}

impl Location {
    /// What lies below this folder.
    pub fn child(&self, name: &str) -> Location {
        let key =
            if self.key.is_empty() || self.key.ends_with('/') { format!("{}{name}", self.key) } else { format!("{}/{name}", self.key) };
        Location { store: self.store.clone(), key }
    }

    /// As a user would write it.
    pub fn name(&self) -> String {
        self.store.name(&self.key)
    }

    /// The last part of its name.
    pub fn file_name(&self) -> &str {
        let key = self.key.trim_end_matches('/');
        key.rsplit('/').next().unwrap_or(key)
    }

    /// The object here; `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(&self) -> Result<Option<Arc<dyn Object>>, RegionError> {
        self.store.open(&self.key)
    }

    /// What lies here.
    ///
    /// # Errors
    /// As [`Store::look`].
    pub fn look(&self) -> Result<Look, RegionError> {
        self.store.look(&self.key)
    }

    /// The whole object here, of at most `most` bytes; `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::get_many`].
    pub fn get(&self, most: u64) -> Result<Option<Bytes>, RegionError> {
        Ok(self.store.get_many(std::slice::from_ref(&self.key), most)?.pop().flatten())
    }
}

/// How stores are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreConfig {
    /// Settings of S3 by the names of `object_store`'s `AmazonS3ConfigKey` (`endpoint`, `region`, `access_key_id`, `allow_http`, ...);
    /// they win over AWS's environment variables.
    pub s3: BTreeMap<String, String>,
    /// The cache beside the data, for objects of remote stores.
    pub cache: Option<CacheConfig>,
    /// The folder that keeps what was learnt of files when they were opened; several processes may share it. Nothing is kept if `None`.
    pub manifests: Option<PathBuf>,
}

/// The stores that an engine reaches, each connected to once.
#[derive(Debug, Default)]
pub struct Stores {
    reach: Arc<Reach>,
    /// Reference files that somebody still reads, by name: parsed once, whoever asks.
    references: Mutex<HashMap<String, Weak<ReferenceStore>>>,
    manifests: Option<Manifests>,
}

impl Stores {
    /// Stores that are reached as `config` says; nothing is connected to yet.
    ///
    /// # Errors
    /// `Request` when the cache's folder cannot be used.
    pub fn new(config: StoreConfig) -> Result<Stores, RegionError> {
        Stores::within(config, Roots::everywhere())
    }

    /// As [`Self::new`]; what stored references lead to is read below `roots` alone. What callers name themselves, they check themselves.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn within(config: StoreConfig, roots: Roots) -> Result<Stores, RegionError> {
        let manifests = config.manifests.clone().map(Manifests::in_folder);
        Ok(Stores { reach: Arc::new(Reach::new(config, roots)?), references: Mutex::default(), manifests })
    }

    /// What was learnt of files before; `None` where nothing is kept.
    pub fn manifests(&self) -> Option<&Manifests> {
        self.manifests.as_ref()
    }

    /// What this process has had of the cache; zeros where there is none.
    pub fn cache_use(&self) -> CacheUse {
        self.reach.cache_use()
    }

    /// The store of a URI, and the key in it: a path or pattern.
    ///
    /// # Errors
    /// `Request` for a scheme that is not known, `Data` when the network cannot be set up.
    pub fn locate(&self, uri: &str) -> Result<Location, RegionError> {
        self.reach.locate(uri)
    }

    /// The files and folders that a URI or glob names, sorted by name; of references, the store that they describe.
    ///
    /// # Errors
    /// `Request` when there are none.
    pub fn find(&self, uri: &str) -> Result<Vec<Location>, RegionError> {
        let at = self.locate(uri)?;
        let is_pattern = at.key.contains(['*', '?', '[']);
        if !is_pattern || (!at.store.is_remote() && std::path::Path::new(&at.key).exists()) {
            return Ok(vec![self.behind(at)?]);
        }
        let found = at.store.matching(&at.key)?;
        if found.is_empty() {
            return Err(RegionError::request(format!("no file matches {uri}")));
        }
        found.into_iter().map(|key| self.behind(Location { store: at.store.clone(), key })).collect()
    }

    /// The store that references describe, where the location holds references.
    fn behind(&self, at: Location) -> Result<Location, RegionError> {
        let Some(form) = references::Form::of(&at) else { return Ok(at) };
        let stamp = at.look()?.stamp;
        let mut known = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, store| store.strong_count() > 0);
        let current = known.get(&at.name()).and_then(Weak::upgrade).filter(|store| store.is_of(&stamp) && !store.is_stale());
        let store = current.unwrap_or_else(|| {
            let fresh = Arc::new(ReferenceStore::new(self.reach.clone(), at.clone(), form, stamp));
            known.insert(at.name(), Arc::downgrade(&fresh));
            fresh
        });
        Ok(Location { store, key: String::new() })
    }
}

/// The error of a range that leaves its object.
pub(crate) fn outside(name: &str, offset: u64, len: usize, has: u64) -> RegionError {
    let end = offset.saturating_add(len as u64);
    RegionError::data(format!("{name}: bytes {offset}..{end} lie outside the file, which has {has} bytes: it is truncated or corrupt"))
}

/// The error of an object whose bytes are others than when it was opened.
pub(crate) fn changed(name: &str) -> RegionError {
    RegionError::data(format!("{name}: it has changed since it was opened: run again, so that no result mixes two versions"))
}
