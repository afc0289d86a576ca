//! Where stored bytes lie: objects that are read by range, in folders - on a disk, in S3, behind HTTP.
//!
//! In: URIs. Out: byte ranges. Never fewer bytes than asked for, never bytes of an object that has changed since it was opened.

pub mod local;
pub mod ranged;
pub mod remote;
pub mod uri;

use crate::cache::{Cache, CacheConfig, CacheUse};
use bytes::Bytes;
use local::LocalStore;
use remote::RemoteStore;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use uri::Uri;
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

    /// What changes when the object does, or anything below the folder; in remote stores, the folder's metadata.
    ///
    /// # Errors
    /// `Request` when nothing is there, `Data` when the store cannot be asked.
    fn stamp(&self, key: &str) -> Result<Vec<u8>, RegionError>;

    /// Whether [`Self::stamp`] of a folder changes with every object in it.
    fn stamps_contents(&self) -> bool {
        false
    }

    /// Bytes that lie at a key and below it; 0 where counting them would take a request per object.
    ///
    /// # Errors
    /// `Data` when the store cannot be asked.
    fn stored_bytes(&self, key: &str) -> Result<u64, RegionError>;
}

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
}

/// The stores that an engine reaches, each connected to once.
#[derive(Debug, Default)]
pub struct Stores {
    config: StoreConfig,
    remote: Mutex<HashMap<String, Arc<RemoteStore>>>,
    network: OnceLock<Result<tokio::runtime::Runtime, String>>,
    cache: Option<Arc<Cache>>,
}

impl Stores {
    /// Stores that are reached as `config` says; nothing is connected to yet.
    ///
    /// # Errors
    /// `Request` when the cache's folder cannot be used.
    pub fn new(config: StoreConfig) -> Result<Stores, RegionError> {
        let cache = config.cache.as_ref().map(Cache::open).transpose()?.map(Arc::new);
        Ok(Stores { config, remote: Mutex::default(), network: OnceLock::new(), cache })
    }

    /// What this process has had of the cache; zeros where there is none.
    pub fn cache_use(&self) -> CacheUse {
        self.cache.as_ref().map(|c| c.counts()).unwrap_or_default()
    }

    /// The store of a URI, and the key in it: a path or pattern.
    ///
    /// # Errors
    /// `Request` for a scheme that is not known, `Data` when the network cannot be set up.
    pub fn locate(&self, uri: &str) -> Result<Location, RegionError> {
        let (origin, key) = match Uri::parse(uri)? {
            Uri::Path(path) => return Ok(Location { store: Arc::new(LocalStore), key: path }),
            Uri::S3 { bucket, key } => (format!("s3://{bucket}/"), key),
            Uri::Http { origin, path } => (origin, path),
        };
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match remote.get(&origin) {
            Some(known) => known.clone(),
            None => {
                let fresh = Arc::new(RemoteStore::connect(&origin, &self.config, self.cache.clone(), self.network()?)?);
                remote.insert(origin, fresh.clone());
                fresh
            }
        };
        Ok(Location { store, key })
    }

    /// The files and folders that a URI or glob names, sorted by name.
    ///
    /// # Errors
    /// `Request` when there are none.
    pub fn find(&self, uri: &str) -> Result<Vec<Location>, RegionError> {
        let at = self.locate(uri)?;
        let is_pattern = at.key.contains(['*', '?', '[']);
        if !is_pattern || (!at.store.is_remote() && std::path::Path::new(&at.key).exists()) {
            return Ok(vec![at]);
        }
        let found = at.store.matching(&at.key)?;
        if found.is_empty() {
            return Err(RegionError::request(format!("no file matches {uri}")));
        }
        Ok(found.into_iter().map(|key| Location { store: at.store.clone(), key }).collect())
    }

    /// The threads that wait for networks, started by the first remote store.
    fn network(&self) -> Result<tokio::runtime::Handle, RegionError> {
        let start = || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("xeng-network")
                .enable_all()
                .build()
                .map_err(|e| format!("cannot start network threads: {e}"))
        };
        self.network.get_or_init(start).as_ref().map(|r| r.handle().clone()).map_err(RegionError::unavailable)
    }
}

/// The error of a range that leaves its object.
pub(crate) fn outside(name: &str, offset: u64, len: usize, has: u64) -> RegionError {
    let end = offset.saturating_add(len as u64);
    RegionError::data(format!("{name}: bytes {offset}..{end} lie outside the file, which has {has} bytes: it is truncated or corrupt"))
}

impl Drop for Stores {
    /// Waits for nothing: whoever drops an engine may be inside another runtime, which must not block.
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.network.take() {
            runtime.shutdown_background();
        }
    }
}
