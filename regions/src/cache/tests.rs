#![allow(clippy::unwrap_used)]

use super::entry::{Key, Shelf};
use super::object::CachedObject;
use super::*;
use crate::store::Object;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

/// An object whose every byte is known, and which counts what is asked of it.
#[derive(Debug)]
struct Known {
    name: String,
    version: String,
    len: u64,
    reads: AtomicUsize,
    read_bytes: AtomicU64,
}

impl Known {
    fn new(name: &str, version: &str, len: u64) -> Arc<Known> {
        Arc::new(Known { name: name.into(), version: version.into(), len, reads: AtomicUsize::new(0), read_bytes: AtomicU64::new(0) })
    }

    fn byte(&self, at: u64) -> u8 {
        (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 ^ self.name.len() as u8 ^ self.version.as_bytes()[0]
    }

    fn expected(&self, offset: u64, len: usize) -> Vec<u8> {
        (offset..offset + len as u64).map(|at| self.byte(at)).collect()
    }
}

impl Object for Known {
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
        self.reads.fetch_add(1, Relaxed);
        self.read_bytes.fetch_add(len as u64, Relaxed);
        Ok(self.expected(offset, len).into())
    }
}

fn open(folder: &Path, budget_bytes: u64) -> Arc<Cache> {
    Arc::new(Cache::open(&CacheConfig { folder: folder.to_path_buf(), budget_bytes }).unwrap())
}

const MIB: u64 = 1 << 20;

#[test]
fn each_block_is_fetched_once_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let far = Known::new("s3://b/x.nc", "1", 5 * MIB + 123);
    let (one, other) = (open(folder.path(), 64 * MIB), open(folder.path(), 64 * MIB));
    let ranges = [(0, 8), (MIB - 3, 7), (5 * MIB, 123), (2 * MIB + 5, 2 * MIB as usize), (4, 0)];
    for cache in [&one, &other] {
        let object = CachedObject::new(far.clone(), cache.clone());
        for (bytes, (offset, len)) in object.read_many(&ranges).unwrap().iter().zip(ranges) {
            assert_eq!(bytes.to_vec(), far.expected(offset, len), "{offset} {len}");
        }
        assert!(object.read(5 * MIB, 124).is_err(), "a range past the end");
    }
    assert_eq!(far.read_bytes.load(Relaxed), far.len, "every byte came once");
    assert_eq!((one.counts().misses, other.counts().misses, other.counts().hits), (6, 0, 6));
    // Another version of the object shares nothing with it.
    let newer = Known::new("s3://b/x.nc", "2", far.len);
    assert_eq!(CachedObject::new(newer.clone(), one).read(10, 10).unwrap().to_vec(), newer.expected(10, 10));
}

#[test]
fn readers_side_by_side_fetch_a_block_once() {
    let folder = tempfile::tempdir().unwrap();
    let far = Known::new("s3://b/y", "1", 8 * MIB);
    std::thread::scope(|threads| {
        for reader in 0..8u64 {
            let object = CachedObject::new(far.clone(), open(folder.path(), 64 * MIB));
            let far = &far;
            threads.spawn(move || {
                for i in 0..8 {
                    let offset = (i + reader) % 8 * MIB + reader;
                    assert_eq!(object.read(offset, 1000).unwrap().to_vec(), far.expected(offset, 1000));
                }
            });
        }
    });
    assert_eq!(far.read_bytes.load(Relaxed), far.len);
}

#[test]
fn the_budget_holds_and_what_is_wanted_again_stays() {
    let folder = tempfile::tempdir().unwrap();
    let budget = 16 * MIB;
    let cache = open(folder.path(), budget);
    let wanted = Known::new("s3://b/wanted", "1", 3 * MIB);
    let object = CachedObject::new(wanted.clone(), cache.clone());
    let whole = |object: &CachedObject| object.read(0, object.len() as usize).unwrap().to_vec();
    whole(&object);
    // Asked for again a day later, it is kept.
    for listed in entry::list(folder.path(), Shelf::New).unwrap() {
        let day_ago = SystemTime::now() - Duration::from_secs(86_400);
        std::fs::File::options().write(true).open(listed.path).unwrap().set_modified(day_ago).unwrap();
    }
    assert_eq!(whole(&object), wanted.expected(0, 3 * MIB as usize));
    assert_eq!(entry::list(folder.path(), Shelf::Kept).unwrap().len(), 3);
    // A pass over much more than fits drives out only what came with it.
    let passed = Known::new("s3://b/passed", "1", 64 * MIB);
    let pass = CachedObject::new(passed.clone(), cache.clone());
    for i in 0..64 {
        assert_eq!(pass.read(i * MIB, 100).unwrap().to_vec(), passed.expected(i * MIB, 100));
        assert!(contents(folder.path()).unwrap().bytes <= budget);
    }
    let before = wanted.read_bytes.load(Relaxed);
    whole(&object);
    assert_eq!(wanted.read_bytes.load(Relaxed), before, "what was kept is still there");
    assert!(contents(folder.path()).unwrap().bytes > budget / 2, "room is used");
}

#[test]
fn broken_entries_and_leftovers_of_the_dead_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let far = Known::new("s3://b/z", "1", 6 * MIB);
    let cache = open(folder.path(), 8 * MIB);
    let object = CachedObject::new(far.clone(), cache.clone());
    object.read(0, 6 * MIB as usize).unwrap();
    let entries = entry::list(folder.path(), Shelf::New).unwrap();
    assert_eq!(entries.len(), 6);
    // A changed bit, a cut file, an empty one, one that holds another block.
    let damaged = |i: usize, to: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(&entries[i].path).unwrap();
        to(&mut bytes);
        std::fs::write(&entries[i].path, bytes).unwrap();
    };
    damaged(0, &|b| b[70_000] ^= 1);
    damaged(1, &|b| b.truncate(1000));
    damaged(2, &|b| b.clear());
    std::fs::copy(&entries[4].path, &entries[3].path).unwrap();
    assert_eq!(object.read(0, 6 * MIB as usize).unwrap().to_vec(), far.expected(0, 6 * MIB as usize));
    assert_eq!(far.read_bytes.load(Relaxed), 10 * MIB);
    assert_eq!(cache.counts().broken, 4);
    // A killed writer leaves a file that nobody holds, and a ledger that counts too much.
    std::fs::write(folder.path().join("tmp/1-2-3-5000000"), b"half").unwrap();
    std::fs::write(folder.path().join("ledger"), (100 * MIB).to_le_bytes()).unwrap();
    let other = Known::new("s3://b/other", "1", MIB);
    let fresh = open(folder.path(), 8 * MIB);
    CachedObject::new(other.clone(), fresh.clone()).read(0, 10).unwrap();
    CachedObject::new(other.clone(), fresh).read(0, 10).unwrap();
    assert_eq!(other.read_bytes.load(Relaxed), MIB, "there was room after counting anew");
    assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    damaged(5, &|b| b[30] ^= 1);
    let checked = verify(folder.path()).unwrap();
    assert_eq!((checked.broken, checked.entries), (1, 6));
    assert_eq!(clear(folder.path()).unwrap().entries, 6);
    assert_eq!(contents(folder.path()).unwrap().entries, 0);
}

#[test]
fn a_cache_that_cannot_be_written_to_only_costs_speed() {
    let folder = tempfile::tempdir().unwrap();
    let far = Known::new("s3://b/x", "1", 2 * MIB);
    let cache = open(folder.path(), 8 * MIB);
    // As on a full disk, no file can be begun.
    std::fs::remove_dir_all(folder.path().join("tmp")).unwrap();
    let object = CachedObject::new(far.clone(), cache);
    assert_eq!(object.read(5, 5).unwrap().to_vec(), far.expected(5, 5));
    assert_eq!(object.read(5, 5).unwrap().to_vec(), far.expected(5, 5));
    assert_eq!(far.reads.load(Relaxed), 2);
    assert!(Cache::open(&CacheConfig { folder: "/proc/none".into(), budget_bytes: 1 }).is_err());
}

#[test]
fn keys_differ_where_anything_does() {
    let key = |o, v, l, n| Key::new(o, v, l, n).path(Path::new("c"), Shelf::New);
    let all = [key("a", "1", 5, 0), key("b", "1", 5, 0), key("a", "2", 5, 0), key("a", "1", 6, 0), key("a", "1", 5, 1)];
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 5);
}
