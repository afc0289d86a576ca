//! What was learnt of files when they were opened, saved in a folder: the next process opens them without reading them.
//!
//! In: the identity of a file, what its metadata says. Out: the same again, as long as the file is the same. Never trusted: what is damaged, of
//! another version, or does not fit the file is as good as not there. Never an error: what cannot be saved is not saved.

mod entry;
mod form;
pub(crate) mod pack;
pub(crate) mod unpack;

#[cfg(test)]
#[path = "tests/manifests.rs"]
mod tests;

use crate::cf::cells::Cells;
use crate::source::raw::RawDataset;
use crate::store::{Identity, Object};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};
use xeng_kernels::Block;

/// Changes with the form of what is saved, and with what readers of files make of them.
const VERSION: u32 = 1;
/// What one folder holds, at most, in bytes; about 20,000 files of 4,000 chunks. The oldest are removed.
pub const MOST_BYTES: u64 = 1 << 30;
/// What is left after that.
const LEFT_BYTES: u64 = MOST_BYTES / 10 * 9;
/// The largest manifest of one file, in bytes.
const MOST_ENTRY_BYTES: u64 = 256 << 20;
/// Bytes that a process writes before it looks again whether the folder is full.
const LOOK_EVERY_BYTES: u64 = 64 << 20;
/// A manifest that is used counts as young again, noted no more often than this.
const NOTE_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How old a half-written manifest is before it counts as left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// How manifests and half-written ones end.
const ENDINGS: [&str; 2] = ["manifest", "writing"];

/// Metadata of a group of a file, and stored cells of variables of it.
pub type Learnt = (RawDataset, Cells);

/// A folder of manifests.
#[derive(Debug)]
pub struct Manifests {
    folder: PathBuf,
    written_bytes: AtomicU64,
    number: AtomicU64,
}

impl Manifests {
    /// Manifests in a folder, which is made when there is something to save.
    pub fn in_folder(folder: PathBuf) -> Manifests {
        Manifests { folder, written_bytes: AtomicU64::new(0), number: AtomicU64::new(0) }
    }

    /// What was saved of a group of this very version of a file.
    pub fn load(&self, identity: &Identity, group: &str, file: &Arc<dyn Object>, is_remote: bool) -> Option<Learnt> {
        let name = full_name(identity, group);
        let path = self.path(&name);
        let (bytes, age) = entry::read(&path, &name, MOST_ENTRY_BYTES)?;
        let (raw, cells) = unpack::unpack(entry::body(&bytes, &name)?, file, is_remote)?;
        if age > NOTE_EVERY {
            let _ = std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        }
        Some((raw, Cells::known(cells)))
    }

    /// Saves what was learnt of a group of a file, where it can be saved.
    pub fn save(&self, identity: &Identity, group: &str, file: &dyn Object, (raw, cells): (&RawDataset, &Cells)) {
        let read: HashMap<String, Block> = cells.read().into_iter().collect();
        let Some(body) = pack::pack(raw, &read, file.name()) else { return };
        let name = full_name(identity, group);
        let bytes = entry::sealed(&name, &body);
        if bytes.len() as u64 > MOST_ENTRY_BYTES || self.write(&self.path(&name), &bytes).is_err() {
            return;
        }
        let before = self.written_bytes.fetch_add(bytes.len() as u64, Relaxed);
        if before == 0 || before / LOOK_EVERY_BYTES != (before + bytes.len() as u64) / LOOK_EVERY_BYTES {
            let _ = prune(&self.folder, MOST_BYTES, LEFT_BYTES);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        let hash: String = Sha256::digest(name.as_bytes()).iter().take(20).map(|b| format!("{b:02x}")).collect();
        self.folder.join(format!("{hash}.{}", ENDINGS[0]))
    }

    /// Whole or not at all: under another name first. Power that fails may leave a torn one, which its checksum tells.
    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        if !self.folder.is_dir() {
            make_folder(&self.folder)?;
        }
        let number = self.number.fetch_add(1, Relaxed);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let draft = self.folder.join(format!("{}-{number}-{now}.{}", std::process::id(), ENDINGS[1]));
        // What lies there already is not ours, and may lead elsewhere.
        let mut file = std::fs::File::options().write(true).create_new(true).open(&draft)?;
        let written = file.write_all(bytes).and_then(|()| std::fs::rename(&draft, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        written
    }
}

/// What a manifest is of: another version of this program may understand files better.
fn full_name(identity: &Identity, group: &str) -> String {
    let group: Vec<&str> = group.split('/').filter(|part| !part.is_empty()).collect();
    format!("{VERSION}\n{}\n{}\n{}", env!("CARGO_PKG_VERSION"), group.join("/"), identity.0)
}

/// Names of files tell more than some want to tell: the folder is the user's own, unless it was there before.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether a file may be called so here: by a digest, or by process, number and time.
fn is_own_name(stem: &str) -> bool {
    let is_digest = stem.len() == 40 && stem.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest || (stem.split('-').count() == 3 && stem.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

/// Removes what is left behind, and the oldest manifests of a folder that holds more than `most` bytes until `left` remain.
fn prune(folder: &Path, most: u64, left: u64) -> std::io::Result<()> {
    let mut found: Vec<(SystemTime, u64, PathBuf)> = vec![];
    for entry in std::fs::read_dir(folder)? {
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        let ending = path.extension().and_then(|e| e.to_str()).and_then(|e| ENDINGS.iter().position(|known| *known == e));
        // Other files are nobody's business here; and another process may have removed one meanwhile.
        let is_ours = path.file_stem().and_then(|s| s.to_str()).is_some_and(is_own_name);
        let (Some(ending), true, Ok(meta)) = (ending, is_ours, entry.metadata()) else { continue };
        let time = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        match ending {
            0 => found.push((time, meta.len(), path)),
            _ if time.elapsed().is_ok_and(|age| age > LEFT_BEHIND) => drop(std::fs::remove_file(path)),
            _ => {}
        }
    }
    let mut held: u64 = found.iter().map(|f| f.1).sum();
    if held <= most {
        return Ok(());
    }
    found.sort();
    for (_, len, path) in found {
        if held <= left {
            break;
        }
        let _ = std::fs::remove_file(path);
        held -= len;
    }
    Ok(())
}
