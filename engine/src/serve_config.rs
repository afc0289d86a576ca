//! The configuration of an engine: `region.toml`.
//!
//! In: a TOML file. Out: plain data. Never starts anything.

use crate::error::{Error, Result};
use crate::planfile::{quantity, toml_error};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xeng_regions::cache::CacheConfig;

/// What a cache may hold where nobody says.
pub(crate) const DEFAULT_CACHE_BYTES: u64 = 64 << 30;

/// What `xeng serve` may be told in a file; everything is optional, and options on the command line win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeConfig {
    /// The name of the region.
    pub region: Option<String>,
    /// The address to listen at.
    pub listen: Option<String>,
    /// Compute threads.
    pub threads: Option<usize>,
    /// Memory budget, in bytes.
    pub memory_bytes: Option<u64>,
    /// Folders and beginnings of URLs whose files may be read; relative folders are meant from the file's folder.
    pub roots: Vec<PathBuf>,
    /// Folders that results may be written to, none by default; relative ones are meant from the file's folder.
    pub write_roots: Vec<PathBuf>,
    /// How S3 is reached, by the names that AWS's environment variables have without `AWS_`.
    pub s3: BTreeMap<String, String>,
    /// What is kept of far objects.
    pub cache: Option<CacheConfig>,
    /// Where is kept what was learnt of files when they were opened; `off` for nowhere.
    pub manifests: Option<PathBuf>,
    /// Addresses of the other nodes of the region.
    pub peers: Vec<String>,
    /// A `name:port` that resolves to all of them.
    pub peers_dns: Option<String>,
    /// A node to register with.
    pub join: Option<String>,
    /// Where the other nodes reach this one.
    pub advertise: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCache {
    folder: PathBuf,
    size: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifests {
    folder: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWrite {
    roots: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    region: Option<String>,
    listen: Option<String>,
    threads: Option<usize>,
    memory_bytes: Option<toml::Value>,
    roots: Vec<PathBuf>,
    write: RawWrite,
    s3: BTreeMap<String, String>,
    cache: Option<RawCache>,
    manifests: Option<RawManifests>,
    peers: Vec<String>,
    peers_dns: Option<String>,
    join: Option<String>,
    advertise: Option<String>,
}

impl ServeConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// `Request`, with the place, for a file that cannot be read, is no TOML, or has unknown keys.
    pub fn read(path: &Path) -> Result<ServeConfig> {
        let name = path.display().to_string();
        let text: Arc<str> = std::fs::read_to_string(path).map_err(|e| Error::request(format!("{name} cannot be read: {e}")))?.into();
        let raw: Raw = toml::from_str(&text).map_err(|e| toml_error(&e, &text, &name))?;
        let size = |v: toml::Value| match v {
            toml::Value::String(s) => quantity::bytes(&s),
            other => quantity::bytes(&other.to_string()),
        };
        let memory = raw.memory_bytes.map(size);
        let folder = path.parent().unwrap_or(Path::new(""));
        let roots = raw.roots.iter().map(|r| if r.to_string_lossy().contains("://") { r.clone() } else { folder.join(r) }).collect();
        let cache = match raw.cache {
            Some(cache) => {
                let budget_bytes = cache.size.map(size).transpose()?.unwrap_or(DEFAULT_CACHE_BYTES);
                Some(CacheConfig { folder: folder.join(cache.folder), budget_bytes })
            }
            None => None,
        };
        let manifests = raw.manifests.map(|m| if m.folder == Path::new("off") { m.folder } else { folder.join(m.folder) });
        Ok(ServeConfig {
            region: raw.region,
            listen: raw.listen,
            threads: raw.threads,
            memory_bytes: memory.transpose()?,
            roots,
            write_roots: raw.write.roots.iter().map(|r| folder.join(r)).collect(),
            s3: raw.s3,
            cache,
            manifests,
            peers: raw.peers,
            peers_dns: raw.peers_dns,
            join: raw.join,
            advertise: raw.advertise,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_may_be_written_unless_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("region.toml");
        std::fs::write(&file, "region = 'east'").unwrap();
        assert_eq!(ServeConfig::read(&file).unwrap().write_roots, Vec::<PathBuf>::new());
        std::fs::write(&file, "[write]\nroots = ['/scratch', 'results']").unwrap();
        assert_eq!(ServeConfig::read(&file).unwrap().write_roots, [PathBuf::from("/scratch"), folder.path().join("results")]);
        std::fs::write(&file, "[write]\nroot = ['/scratch']").unwrap();
        assert!(ServeConfig::read(&file).unwrap_err().message.contains("root"));
    }
}
