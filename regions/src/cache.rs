//! The cache beside the data: blocks of far objects in a folder of a shared POSIX file system (Lustre, NVMe), used by several
//! processes at once.
//!
//! In: objects of remote stores. Out: the same objects, each block asked for over the network once. Never holds more than its
//! budget, never gives bytes that do not match their checksum, never fails a read that the network could serve: a full disk or a
//! broken entry only means that the block is fetched.
//!
//! Safe against a kill at any moment: entries appear by renaming a finished file, room is taken in the ledger before the file is
//! begun, and all locks are the system's own, which end with their process.

pub mod entry;
pub mod ledger;
pub mod object;

use bytes::Bytes;
use entry::{Key, Shelf};
use ledger::Ledger;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use xeng_proto::RegionError;

/// Bytes of a block: large enough for one network request, small enough that random reads waste little.
pub const BLOCK_BYTES: u64 = 1 << 20;
/// Locks that keep several readers from fetching one block; blocks share them by their hash.
const LOCKS: u64 = 1024;

/// How a cache is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// The folder; made where it does not exist.
    pub folder: PathBuf,
    /// Bytes that all entries together may take, headers included.
    pub budget_bytes: u64,
}

/// A cache that this process has opened.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    ledger: Ledger,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    saved_bytes: AtomicU64,
    fetched_bytes: AtomicU64,
    broken: AtomicU64,
}

/// What this process has had of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Blocks found.
    pub hits: u64,
    /// Blocks fetched.
    pub misses: u64,
    /// Bytes that were found, and so not fetched.
    pub saved_bytes: u64,
    /// Bytes that were fetched.
    pub fetched_bytes: u64,
    /// Entries that did not match their checksum, and were thrown away.
    pub broken: u64,
}

impl Cache {
    /// Opens a cache, or makes an empty one.
    ///
    /// # Errors
    /// `Request` when the folder cannot be made or written to.
    pub fn open(config: &CacheConfig) -> Result<Cache, RegionError> {
        let folder = config.folder.clone();
        let bad = |e: std::io::Error| RegionError::request(format!("cache {}: {e}", folder.display()));
        for name in ["new", "kept", "tmp", "locks"] {
            std::fs::create_dir_all(folder.join(name)).map_err(bad)?;
        }
        let ledger = Ledger::open(&folder, config.budget_bytes).map_err(bad)?;
        Ok(Cache { folder, ledger, counts: Counts::default() })
    }

    /// What this process has had of it.
    pub fn counts(&self) -> CacheUse {
        let c = &self.counts;
        CacheUse {
            hits: c.hits.load(Relaxed),
            misses: c.misses.load(Relaxed),
            saved_bytes: c.saved_bytes.load(Relaxed),
            fetched_bytes: c.fetched_bytes.load(Relaxed),
            broken: c.broken.load(Relaxed),
        }
    }

    /// The block, if it is here and whole.
    fn load(&self, key: &Key) -> Option<Bytes> {
        for shelf in [Shelf::Kept, Shelf::New] {
            let path = key.path(&self.folder, shelf);
            let Ok(file) = File::open(&path) else { continue };
            match entry::read(&file, key) {
                Ok(bytes) => {
                    entry::note_use(&self.folder, key, shelf, &file);
                    self.counts.hits.fetch_add(1, Relaxed);
                    self.counts.saved_bytes.fetch_add(bytes.len() as u64, Relaxed);
                    return Some(bytes);
                }
                Err(_) => {
                    self.counts.broken.fetch_add(1, Relaxed);
                    self.ledger.discard(&path);
                }
            }
        }
        None
    }

    /// Keeps a block, if there is room. What goes wrong here costs speed, never the read.
    fn store(&self, key: &Key, bytes: &[u8]) {
        let Ok(Some(space)) = self.ledger.take(entry::size_of(key, bytes.len())) else { return };
        if entry::write(&space.file, key, bytes).is_ok() && space.keep_as(&key.path(&self.folder, Shelf::New)).is_ok() {
            return;
        }
        self.ledger.give_back(space);
    }

    /// Locks that keep others from fetching these blocks; none where the file system has no locks.
    fn locks(&self, keys: &[&Key]) -> Vec<File> {
        let mut numbers: Vec<u64> = keys.iter().map(|key| key.number() % LOCKS).collect();
        // Everybody takes locks in one order, so that nobody waits in a circle.
        numbers.sort_unstable();
        numbers.dedup();
        let lock = |number: u64| {
            let path = self.folder.join("locks").join(format!("{number:03x}"));
            let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
            file.lock().ok()?;
            Some(file)
        };
        numbers.into_iter().filter_map(lock).collect()
    }
}

/// What lies in a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheContents {
    /// Entries.
    pub entries: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Of these, bytes that were asked for again after they had come.
    pub kept_bytes: u64,
    /// The budget that the last process set.
    pub budget_bytes: u64,
    /// Entries that do not match their checksum; only counted by [`verify`].
    pub broken: u64,
}

/// Counts what lies in a cache.
///
/// # Errors
/// `Request` when there is no cache in the folder.
pub fn contents(folder: &Path) -> Result<CacheContents, RegionError> {
    let bad = |e: std::io::Error| RegionError::request(format!("no cache in {}: {e}", folder.display()));
    let mut found = CacheContents { budget_bytes: ledger::read_budget(folder).map_err(bad)?, ..CacheContents::default() };
    for shelf in [Shelf::New, Shelf::Kept] {
        for listed in entry::list(folder, shelf).map_err(bad)? {
            found.entries += 1;
            found.bytes += listed.bytes;
            found.kept_bytes += if shelf == Shelf::Kept { listed.bytes } else { 0 };
        }
    }
    Ok(found)
}

/// Reads every entry, removes those that do not match their checksum, and counts the ledger anew.
///
/// # Errors
/// `Request` when there is no cache in the folder.
pub fn verify(folder: &Path) -> Result<CacheContents, RegionError> {
    let bad = |e: std::io::Error| RegionError::request(format!("no cache in {}: {e}", folder.display()));
    let ledger = Ledger::open(folder, ledger::read_budget(folder).map_err(bad)?).map_err(bad)?;
    let mut broken = 0;
    for shelf in [Shelf::New, Shelf::Kept] {
        for listed in entry::list(folder, shelf).map_err(bad)? {
            if File::open(&listed.path).is_ok_and(|file| entry::check(&file).is_err()) {
                broken += 1;
                ledger.discard(&listed.path);
            }
        }
    }
    ledger.recount().map_err(bad)?;
    Ok(CacheContents { broken, ..contents(folder)? })
}

/// Removes every entry; processes that use the cache go on with an empty one.
///
/// # Errors
/// `Request` when there is no cache in the folder.
pub fn clear(folder: &Path) -> Result<CacheContents, RegionError> {
    let bad = |e: std::io::Error| RegionError::request(format!("no cache in {}: {e}", folder.display()));
    let had = contents(folder)?;
    let ledger = Ledger::open(folder, had.budget_bytes).map_err(bad)?;
    for shelf in [Shelf::New, Shelf::Kept] {
        for listed in entry::list(folder, shelf).map_err(bad)? {
            ledger.discard(&listed.path);
        }
    }
    Ok(had)
}

#[cfg(test)]
#[path = "cache/tests.rs"]
mod tests;
