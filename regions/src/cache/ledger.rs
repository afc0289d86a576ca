//! Who holds how much: one file that all processes lock to take and give back room.
//!
//! In: bytes that are wanted. Out: an empty file that may grow to that size. Never lets entries and unfinished files together
//! exceed the budget. The ledger may count too much after a kill, never too little; it is counted anew when it seems full.

use super::entry::{self, Shelf};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The share of the budget that new entries always have: enough to be asked for again before they go.
const NEW_SHARE: u64 = 10;
/// Eviction frees at least this share of the budget, since listing the entries is what takes time.
const EVICTED_SHARE: u64 = 64;

/// The ledger of a cache.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    budget: u64,
    next: AtomicU64,
}

/// Room that was taken: a file, locked as long as its writer lives.
#[derive(Debug)]
pub struct Space {
    /// The file, empty.
    pub file: File,
    path: PathBuf,
    bytes: u64,
}

impl Space {
    /// Makes an entry of the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_as(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(&self.path, path)
    }
}

/// The ledger, locked: total bytes, and the budget for those who only look.
struct Open(File);

impl Open {
    fn total(&mut self) -> io::Result<Option<u64>> {
        let mut bytes = [0; 8];
        self.0.seek(SeekFrom::Start(0))?;
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(u64::from_le_bytes(bytes))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn set(&mut self, total: u64, budget: u64) -> io::Result<()> {
        let mut bytes = total.to_le_bytes().to_vec();
        bytes.extend_from_slice(&budget.to_le_bytes());
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&bytes)
    }
}

/// The budget that was last set.
///
/// # Errors
/// When there is no ledger.
pub fn read_budget(folder: &Path) -> io::Result<u64> {
    let mut bytes = [0; 16];
    File::open(folder.join("ledger"))?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]]))
}

impl Ledger {
    /// The ledger of a cache folder; counted where there is none yet.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path, budget: u64) -> io::Result<Ledger> {
        let ledger = Ledger { folder: folder.to_path_buf(), budget, next: AtomicU64::new(0) };
        let mut open = ledger.locked()?;
        let total = match open.total()? {
            Some(total) => total,
            None => ledger.counted()?,
        };
        open.set(total, budget)?;
        Ok(ledger)
    }

    fn locked(&self) -> io::Result<Open> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(self.folder.join("ledger"))?;
        file.lock()?;
        Ok(Open(file))
    }

    /// Takes room for an entry of so many bytes; `None` where the budget has none for it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn take(&self, bytes: u64) -> io::Result<Option<Space>> {
        if bytes > self.budget / 4 {
            return Ok(None);
        }
        let mut open = self.locked()?;
        let mut total = open.total()?.unwrap_or(0);
        if total.saturating_add(bytes) > self.budget {
            // What killed processes had taken comes back first.
            total = self.counted()?;
            if total.saturating_add(bytes) > self.budget {
                total = total.saturating_sub(self.evict(total + bytes - self.budget)?);
            }
            open.set(total, self.budget)?;
            if total.saturating_add(bytes) > self.budget {
                return Ok(None);
            }
        }
        // The name tells how much is taken, for whoever counts while it is written.
        let number = self.next.fetch_add(1, Relaxed);
        let path = self.folder.join("tmp").join(format!("{}-{number}-{:x}-{bytes}", std::process::id(), self as *const Ledger as usize));
        let file = File::options().create_new(true).read(true).write(true).open(&path)?;
        file.lock()?;
        open.set(total + bytes, self.budget)?;
        Ok(Some(Space { file, path, bytes }))
    }

    /// Gives room back that was not used.
    pub fn give_back(&self, space: Space) {
        let Ok(mut open) = self.locked() else { return };
        if std::fs::remove_file(&space.path).is_ok()
            && let Ok(Some(total)) = open.total()
        {
            let _ = open.set(total.saturating_sub(space.bytes), self.budget);
        }
    }

    /// Removes an entry.
    pub fn discard(&self, path: &Path) {
        let Ok(mut open) = self.locked() else { return };
        if let Ok(meta) = std::fs::metadata(path)
            && std::fs::remove_file(path).is_ok()
            && let Ok(Some(total)) = open.total()
        {
            let _ = open.set(total.saturating_sub(meta.len()), self.budget);
        }
    }

    /// Counts what is really there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn recount(&self) -> io::Result<u64> {
        let mut open = self.locked()?;
        let total = self.counted()?;
        open.set(total, self.budget)?;
        Ok(total)
    }

    /// Bytes of all entries and of files being written; those whose writer has died are removed. The ledger must be locked.
    fn counted(&self) -> io::Result<u64> {
        let mut total = 0u64;
        for shelf in [Shelf::New, Shelf::Kept] {
            total += entry::list(&self.folder, shelf)?.iter().map(|e| e.bytes).sum::<u64>();
        }
        for unfinished in std::fs::read_dir(self.folder.join("tmp"))? {
            let path = unfinished?.path();
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                // Renamed between listing and locking, it is an entry, and counted as one.
                let _ = std::fs::remove_file(&path);
                continue;
            }
            let taken = path.file_name().and_then(|n| n.to_str()?.rsplit('-').next()?.parse::<u64>().ok());
            total += taken.unwrap_or(0);
        }
        Ok(total)
    }

    /// Removes the entries that are wanted least, at least `bytes` of them if there are so many; how many bytes went.
    ///
    /// New entries go first, oldest first, as long as they hold more than their share: a pass over data that is read once drives
    /// out only what came with it. Then those go that were kept, longest unused first.
    fn evict(&self, bytes: u64) -> io::Result<u64> {
        let goal = bytes.max(self.budget / EVICTED_SHARE);
        let by_use = |shelf| -> io::Result<Vec<entry::Listed>> {
            let mut all = entry::list(&self.folder, shelf)?;
            all.sort_by_key(|e| e.used);
            Ok(all)
        };
        let (new, kept) = (by_use(Shelf::New)?, by_use(Shelf::Kept)?);
        let mut new_bytes: u64 = new.iter().map(|e| e.bytes).sum();
        let (mut new, mut kept) = (new.into_iter().peekable(), kept.into_iter().peekable());
        let mut gone = 0;
        while gone < goal {
            let from_new = new_bytes > self.budget / NEW_SHARE || kept.peek().is_none();
            let Some(victim) = (if from_new { new.next() } else { kept.next() }) else { break };
            new_bytes -= if from_new { victim.bytes } else { 0 };
            if std::fs::remove_file(&victim.path).is_ok() {
                gone += victim.bytes;
            }
        }
        Ok(gone)
    }
}
