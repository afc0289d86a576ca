//! The stores behind URIs, each connected to once, and the network that they share.
//!
//! In: URIs. Out: locations. Never looks whether anything is there.

use super::local::LocalStore;
use super::remote::RemoteStore;
use super::uri::Uri;
use super::{Location, StoreConfig};
use crate::cache::{Cache, CacheUse};
use crate::roots::Roots;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use xeng_proto::RegionError;

/// What [`super::Stores`] and the stores that lead on to others share.
#[derive(Debug, Default)]
pub(super) struct Reach {
    config: StoreConfig,
    roots: Roots,
    remote: Mutex<HashMap<String, Arc<RemoteStore>>>,
    network: OnceLock<Result<tokio::runtime::Runtime, String>>,
    cache: Option<Arc<Cache>>,
}

impl Reach {
    /// Nothing is connected to yet.
    pub(super) fn new(config: StoreConfig, roots: Roots) -> Result<Reach, RegionError> {
        let cache = config.cache.as_ref().map(Cache::open).transpose()?.map(Arc::new);
        Ok(Reach { config, roots, remote: Mutex::default(), network: OnceLock::new(), cache })
    }

    pub(super) fn cache_use(&self) -> CacheUse {
        self.cache.as_ref().map(|c| c.counts()).unwrap_or_default()
    }

    pub(super) fn locate(&self, uri: &str) -> Result<Location, RegionError> {
        let (origin, key) = match Uri::parse(uri)? {
            Uri::Path(path) => return Ok(Location { store: Arc::new(LocalStore::within(self.roots.clone())), key: path }),
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

    /// Refuses what lies outside the roots: a single object, in whose name nothing is a wildcard.
    pub(super) fn check(&self, at: &Location) -> Result<(), RegionError> {
        self.roots.check_object(&at.name())
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

impl Drop for Reach {
    /// Waits for nothing: whoever drops an engine may be inside another runtime, which must not block.
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.network.take() {
            runtime.shutdown_background();
        }
    }
}
