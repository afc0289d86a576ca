//! Objects in S3 and behind HTTP, through `object_store`.
//!
//! In: keys of a bucket or a host. Out: byte ranges, asked for side by side, neighbours together. Never bytes of another version
//! than the one that was opened: the ETag (else time and length) is pinned. Overload, server errors and cut connections are
//! tried again with growing pauses; a refusal is not.

use super::beginning::Beginning;
use super::{Identity, Look, Object, Store, StoreConfig, changed, outside};
use crate::cache::Cache;
use crate::cache::object::CachedObject;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig, coalesce_ranges,
};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use xeng_proto::RegionError;

/// Ranges with at most this much between them come with one request: as long on a gigabit link as a round trip within a region.
const WORTH_READING_OVER: u64 = 256 << 10;
/// What ends like this is one object, and no Zarr store.
const FILE_ENDINGS: [&str; 7] = [".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5", ".json"];
/// Requests under way at once, per call.
const SIDE_BY_SIDE: usize = 16;
/// How long one request may take before it counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request is tried again.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// What says how S3 requests are signed; without any of these, they are anonymous.
const CREDENTIALS: [&str; 5] = [
    "AWS_SKIP_SIGNATURE",
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// A bucket, or a host.
#[derive(Debug)]
pub struct RemoteStore {
    client: Arc<dyn ObjectStore>,
    network: Handle,
    origin: String,
    can_list: bool,
    cache: Option<Arc<Cache>>,
}

/// An object as it was when it was opened.
#[derive(Debug)]
struct RemoteObject {
    network: Handle,
    pinned: Arc<Pinned>,
}

/// One version of an object.
#[derive(Debug)]
struct Pinned {
    client: Arc<dyn ObjectStore>,
    name: String,
    version: String,
    meta: ObjectMeta,
}

impl RemoteStore {
    /// Prepares requests to `origin`, `s3://BUCKET/` or `http[s]://HOST[:PORT]/`; sends none.
    ///
    /// S3 is configured by AWS's environment variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`, keys); without
    /// credentials there, requests are anonymous, and `AWS_SKIP_SIGNATURE=false` asks for those of the machine's own role.
    ///
    /// # Errors
    /// `Request` when the configuration contradicts itself.
    pub fn connect(origin: &str, config: &StoreConfig, cache: Option<Arc<Cache>>, network: Handle) -> Result<RemoteStore, RegionError> {
        // One provider of cryptography per process: that another part of it has chosen one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bad = |e: object_store::Error| RegionError::request(format!("{origin}: {e}"));
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(50), max_backoff: Duration::from_secs(5), base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: 12, retry_timeout: RETRY_FOR };
        let options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(Duration::from_secs(5));
        let client: Arc<dyn ObjectStore> = match origin.strip_prefix("s3://") {
            Some(bucket) => {
                let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket.trim_end_matches('/')).with_retry(retry);
                let is_signed = config.s3.contains_key("access_key_id") || CREDENTIALS.iter().any(|name| std::env::var_os(name).is_some());
                if !is_signed {
                    builder = builder.with_skip_signature(true);
                }
                for (name, value) in &config.s3 {
                    let key = name.parse::<AmazonS3ConfigKey>().map_err(|_| RegionError::request(format!("S3 has no setting '{name}'")))?;
                    builder = builder.with_config(key, value);
                }
                let allow_http = config.s3.get("allow_http").cloned().or_else(|| std::env::var("AWS_ALLOW_HTTP").ok());
                let allow_http = allow_http.is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1");
                Arc::new(builder.with_client_options(options.with_allow_http(allow_http)).build().map_err(bad)?)
            }
            None => {
                let builder = HttpBuilder::new().with_url(origin).with_retry(retry);
                Arc::new(builder.with_client_options(options.with_allow_http(true)).build().map_err(bad)?)
            }
        };
        Ok(RemoteStore { client, network, origin: origin.to_owned(), can_list: origin.starts_with("s3://"), cache })
    }

    fn path(&self, key: &str) -> Result<Path, RegionError> {
        Path::parse(key).map_err(|e| RegionError::request(format!("{}: {e}", self.name(key))))
    }

    fn object(&self, meta: ObjectMeta) -> Arc<dyn Object> {
        let name = self.name(meta.location.as_ref());
        let version = version_of(&meta);
        let pinned = Arc::new(Pinned { client: self.client.clone(), name, version, meta });
        let far = RemoteObject { network: self.network.clone(), pinned };
        match &self.cache {
            Some(cache) => Arc::new(CachedObject::new(Arc::new(far), cache.clone())),
            None => Arc::new(far),
        }
    }

    /// As [`Store::get_many`], through the cache: what lies far away is only asked whether it has changed.
    fn get_cached(&self, keys: &[String], most: u64) -> Result<Vec<Option<Bytes>>, RegionError> {
        let paths = keys.iter().map(|key| self.path(key)).collect::<Result<Vec<_>, _>>()?;
        let heads = stream::iter(&paths).map(|path| self.client.head(path)).buffered(SIDE_BY_SIDE).collect::<Vec<_>>();
        let heads = self.network.block_on(heads);
        let get = |(head, key): (object_store::Result<ObjectMeta>, &String)| match head {
            Ok(meta) if meta.size > most => {
                Err(RegionError::data(format!("{}: {} bytes are more than are read", self.name(key), meta.size)))
            }
            Ok(meta) => {
                let object = self.object(meta);
                object.read(0, object.len() as usize).map(Some)
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(explained(&self.name(key), e)),
        };
        let mut wanted = heads.into_iter().zip(keys).peekable();
        let mut out = vec![];
        while wanted.peek().is_some() {
            let group: Vec<_> = wanted.by_ref().take(SIDE_BY_SIDE).collect();
            let got = std::thread::scope(|threads| {
                let started: Vec<_> = group.into_iter().map(|one| threads.spawn(move || get(one))).collect();
                let joined = started.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(RegionError::internal("a reader ended early"))));
                joined.collect::<Result<Vec<_>, _>>()
            })?;
            out.extend(got);
        }
        Ok(out)
    }

    /// The metadata objects that make a Zarr store of a folder; none where it is none. Folders are only parts of keys here, so that these
    /// alone tell them from objects.
    async fn zarr_metadata(&self, key: &str) -> Vec<ObjectMeta> {
        if FILE_ENDINGS.iter().any(|ending| key.ends_with(ending)) {
            return vec![];
        }
        let head = |name: &str| {
            let path = self.path(&if key.is_empty() { name.to_owned() } else { format!("{key}/{name}") });
            async move { self.client.head(&path.ok()?).await.ok() }
        };
        futures::future::join_all([".zmetadata", "zarr.json", ".zgroup", ".zarray"].map(head)).await.into_iter().flatten().collect()
    }

    /// Objects and folders directly in a folder.
    async fn entries(&self, folder: &str) -> Result<(Vec<String>, Vec<String>), RegionError> {
        let prefix = self.path(folder)?;
        let listed = self.client.list_with_delimiter(Some(&prefix)).await.map_err(|e| explained(&self.name(folder), e))?;
        let objects = listed.objects.into_iter().map(|o| o.location.to_string()).collect();
        Ok((objects, listed.common_prefixes.into_iter().map(|p| p.to_string()).collect()))
    }

    /// Follows a pattern folder by folder, so that only folders which match are listed.
    async fn expand(&self, pattern: &str) -> Result<Vec<String>, RegionError> {
        let mut found = vec![String::new()];
        let parts: Vec<&str> = pattern.split('/').collect();
        for (i, part) in parts.iter().enumerate() {
            let is_last = i + 1 == parts.len();
            let mut next = vec![];
            for folder in found {
                if !part.contains(['*', '?', '[']) {
                    next.push(if folder.is_empty() { (*part).to_owned() } else { format!("{folder}/{part}") });
                    continue;
                }
                let matcher = glob::Pattern::new(part).map_err(|e| RegionError::request(format!("{}: {e}", self.name(pattern))))?;
                let (objects, folders) = self.entries(&folder).await?;
                let here = if is_last { [objects, folders].concat() } else { folders };
                next.extend(here.into_iter().filter(|key| matcher.matches(key.rsplit('/').next().unwrap_or(key))));
            }
            found = next;
        }
        found.sort();
        Ok(found)
    }
}

impl Store for RemoteStore {
    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.origin)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>, RegionError> {
        let path = self.path(key)?;
        match self.network.block_on(self.client.head(&path)) {
            Ok(meta) => Ok(Some(self.object(meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(explained(&self.name(key), e)),
        }
    }

    fn get_many(&self, keys: &[String], most: u64) -> Result<Vec<Option<Bytes>>, RegionError> {
        if self.cache.is_some() {
            return self.get_cached(keys, most);
        }
        let get = |key: String| async move {
            let path = self.path(&key)?;
            let got = match self.client.get(&path).await {
                Ok(got) => got,
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                Err(e) => return Err(explained(&self.name(&key), e)),
            };
            let expected = got.meta.size;
            if expected > most {
                return Err(RegionError::data(format!("{}: {expected} bytes are more than are read", self.name(&key))));
            }
            let bytes = got.bytes().await.map_err(|e| explained(&self.name(&key), e))?;
            if bytes.len() as u64 != expected {
                return Err(RegionError::data(format!("{}: {} of {expected} bytes came", self.name(&key), bytes.len())));
            }
            Ok(Some(bytes))
        };
        self.network.block_on(stream::iter(keys.to_vec()).map(get).buffered(SIDE_BY_SIDE).try_collect())
    }

    fn folders(&self, key: &str) -> Result<Option<Vec<String>>, RegionError> {
        if !self.can_list {
            return Ok(None);
        }
        let (_, folders) = self.network.block_on(self.entries(key))?;
        let mut names: Vec<String> = folders.iter().map(|f| f.rsplit('/').next().unwrap_or(f).to_owned()).collect();
        names.sort();
        Ok(Some(names))
    }

    fn is_folder(&self, key: &str) -> bool {
        !self.network.block_on(self.zarr_metadata(key)).is_empty()
    }

    fn matching(&self, pattern: &str) -> Result<Vec<String>, RegionError> {
        if !self.can_list {
            return Err(RegionError::request(format!(
                "{}: what lies behind HTTP cannot be listed, so that patterns find nothing there",
                self.name(pattern)
            )));
        }
        self.network.block_on(self.expand(pattern))
    }

    /// Of an object its ETag; of a folder those of its Zarr metadata: listing every chunk would cost more than reading some.
    fn look(&self, key: &str) -> Result<Look, RegionError> {
        let mut stamp = key.as_bytes().to_vec();
        let metadata = self.network.block_on(self.zarr_metadata(key));
        if !metadata.is_empty() {
            for meta in metadata {
                stamp.extend_from_slice(meta.location.as_ref().as_bytes());
                stamp.extend_from_slice(version_of(&meta).as_bytes());
            }
            return Ok(Look { state: stamp.clone(), stamp, stored_bytes: 0, object: None, identity: None });
        }
        let meta = match self.network.block_on(self.client.head(&self.path(key)?)) {
            Ok(meta) => meta,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(RegionError::request(format!("no such object, and no Zarr store: {}", self.name(key))));
            }
            Err(e) => return Err(explained(&self.name(key), e)),
        };
        stamp.extend_from_slice(version_of(&meta).as_bytes());
        stamp.extend_from_slice(&meta.size.to_le_bytes());
        let identity = identity(&self.name(key), &meta, SystemTime::now());
        Ok(Look {
            state: stamp.clone(),
            stamp,
            stored_bytes: meta.size,
            object: Some(Arc::new(Beginning::of(self.object(meta)))),
            identity,
        })
    }
}

/// Times of HTTP count seconds, servers make ETags of them, and clocks of two machines differ: a version is known only when it is this old.
/// S3 makes ETags of the content.
const SETTLED: Duration = Duration::from_secs(60);

/// What tells a version of an object from every other. A weak ETag promises that two versions mean the same, not that their bytes are.
fn identity(name: &str, meta: &ObjectMeta, now: SystemTime) -> Option<Identity> {
    let tag = meta.e_tag.as_deref().filter(|tag| !tag.is_empty() && !tag.starts_with("W/"));
    let is_settled = now.duration_since(SystemTime::from(meta.last_modified)).is_ok_and(|age| age > SETTLED);
    let is_of_content = tag.is_some() && name.starts_with("s3://");
    let (tag, time) = (tag.unwrap_or_default(), meta.last_modified.to_rfc3339());
    (is_of_content || is_settled).then(|| Identity(format!("{name}\n{}\n{time}\n{tag}", meta.size)))
}

impl Pinned {
    /// One request for a range, and a proof that the answer belongs to the version that was opened.
    async fn get(&self, range: Range<u64>) -> Result<Bytes, RegionError> {
        let (first, len) = (range.start, range.end - range.start);
        // Weak ETags never match by the rules of HTTP; they are compared below like all others.
        let if_match = self.meta.e_tag.clone().filter(|tag| !tag.starts_with("W/"));
        let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match, ..GetOptions::default() };
        let got = self.client.get_opts(&self.meta.location, options).await.map_err(|e| explained(&self.name, e))?;
        let same = match (&got.meta.e_tag, &self.meta.e_tag) {
            (Some(now), Some(then)) => now == then,
            _ => got.meta.last_modified == self.meta.last_modified,
        };
        if !same || got.meta.size != self.meta.size {
            return Err(changed(&self.name));
        }
        let bytes = got.bytes().await.map_err(|e| explained(&self.name, e))?;
        if bytes.len() as u64 != len {
            return Err(RegionError::data(format!("{}: {} of {len} bytes came from byte {first} on", self.name, bytes.len())));
        }
        Ok(bytes)
    }
}

impl RemoteObject {
    /// As [`Pinned::get`], on the network's own threads: those that wait for it are woken once, not with every packet.
    async fn get(&self, range: Range<u64>) -> Result<Bytes, RegionError> {
        let pinned = self.pinned.clone();
        let mut request = Request(self.network.spawn(async move { pinned.get(range).await }));
        let got = (&mut request.0).await;
        got.map_err(|e| RegionError::internal(format!("{}: a request ended early: {e}", self.pinned.name)))?
    }
}

/// A request under way, which ends when nobody waits for it any more.
struct Request<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Request<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Object for RemoteObject {
    fn name(&self) -> &str {
        &self.pinned.name
    }

    fn len(&self) -> u64 {
        self.pinned.meta.size
    }

    fn version(&self) -> &str {
        &self.pinned.version
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        self.read_many(&[(offset, len)])?.pop().ok_or_else(|| RegionError::internal("no range was read"))
    }

    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let inside = |&(offset, len): &(u64, usize)| {
            let end = offset.checked_add(len as u64).filter(|&end| end <= self.len());
            end.map(|end| offset..end).ok_or_else(|| outside(self.name(), offset, len, self.len()))
        };
        let wanted = ranges.iter().map(inside).collect::<Result<Vec<_>, _>>()?;
        // An empty range is no request.
        let asked: Vec<Range<u64>> = wanted.iter().filter(|r| !r.is_empty()).cloned().collect();
        let mut got = self.network.block_on(coalesce_ranges(&asked, |range| self.get(range), WORTH_READING_OVER))?.into_iter();
        Ok(wanted.iter().map(|r| if r.is_empty() { Bytes::new() } else { got.next().unwrap_or_default() }).collect())
    }
}

fn version_of(meta: &ObjectMeta) -> String {
    meta.e_tag.clone().unwrap_or_else(|| meta.last_modified.to_rfc3339())
}

/// Listings report a refusal as one more server error.
fn is_refusal(e: &object_store::Error) -> bool {
    let by_kind = matches!(e, object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. });
    by_kind || e.to_string().contains("403 Forbidden")
}

fn explained(name: &str, e: object_store::Error) -> RegionError {
    match e {
        object_store::Error::NotFound { .. } => RegionError::data(format!("{name}: it is no longer there")),
        object_store::Error::Precondition { .. } => changed(name),
        e if is_refusal(&e) => RegionError::data(format!(
            "{name}: the store refuses to show it; are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or none, for public data) right?"
        )),
        other => RegionError::data(format!("{name}: {other}")),
    }
}
