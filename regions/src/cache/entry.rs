//! One entry: a file that holds one block, what it is a block of, and a checksum.
//!
//! Layout, little-endian: `XENGBLK1`, length of the name (u32), length of the block (u32), CRC-32 of name and block (u32), the
//! name, the block. In: blocks. Out: blocks. Never gives a block whose name, length or checksum is another.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const MAGIC: [u8; 8] = *b"XENGBLK1";
const HEADER_BYTES: usize = 20;
/// An entry is kept for good only when it is asked for again this long after it came: one pass over the data may touch a block
/// several times, and must not drive out what is wanted day after day.
const SAME_PASS: Duration = Duration::from_secs(30);
/// Uses are noted no more often than this, for every note is a request to the file system.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// Where an entry stands: where it came, or among those that were wanted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Fetched, and not asked for again since.
    New,
    /// Asked for again.
    Kept,
}

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Shelf::New => "new",
            Shelf::Kept => "kept",
        }
    }
}

/// A block of one version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    name: String,
    hash: [u8; 32],
}

impl Key {
    /// Block `number` of an object.
    pub fn new(object: &str, version: &str, len: u64, number: u64) -> Key {
        let name = format!("{object}\n{version}\n{len}\n{number}");
        let hash = Sha256::digest(name.as_bytes()).into();
        Key { name, hash }
    }

    /// A number that differs from block to block.
    pub fn number(&self) -> u64 {
        u64::from_le_bytes([self.hash[0], self.hash[1], self.hash[2], self.hash[3], self.hash[4], self.hash[5], self.hash[6], self.hash[7]])
    }

    /// Where its entry lies.
    pub fn path(&self, folder: &Path, shelf: Shelf) -> PathBuf {
        let hex: String = self.hash.iter().take(20).map(|b| format!("{b:02x}")).collect();
        folder.join(shelf.folder()).join(&hex[..2]).join(&hex[2..])
    }
}

/// Bytes of the entry of a block.
pub fn size_of(key: &Key, len: usize) -> u64 {
    (HEADER_BYTES + key.name.len() + len) as u64
}

/// Writes an entry to an empty file.
///
/// # Errors
/// What the file system says.
pub fn write(mut file: &File, key: &Key, block: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::other("too long for an entry");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + key.name.len() + block.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&u32::try_from(key.name.len()).map_err(too_long)?.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(block.len()).map_err(too_long)?.to_le_bytes());
    let mut crc = libdeflater::Crc::new();
    crc.update(key.name.as_bytes());
    crc.update(block);
    bytes.extend_from_slice(&crc.sum().to_le_bytes());
    bytes.extend_from_slice(key.name.as_bytes());
    bytes.extend_from_slice(block);
    file.write_all(&bytes)
}

/// The block of an entry.
///
/// # Errors
/// When it is not a whole entry of this key.
pub fn read(file: &File, key: &Key) -> io::Result<Bytes> {
    let (name, block) = parts(file)?;
    if name == key.name.as_bytes() { Ok(block) } else { Err(io::Error::other("an entry of another block")) }
}

/// That an entry is whole.
///
/// # Errors
/// When it is not.
pub fn check(file: &File) -> io::Result<()> {
    parts(file).map(drop)
}

fn parts(mut file: &File) -> io::Result<(Bytes, Bytes)> {
    let broken = || io::Error::other("a broken entry");
    let mut bytes = vec![];
    file.seek(SeekFrom::Start(0))?;
    // A block is small; whatever is longer is none.
    let most = super::BLOCK_BYTES + (1 << 16);
    file.take(most).read_to_end(&mut bytes)?;
    let word = |at: usize| bytes.get(at..at + 4)?.first_chunk::<4>().map(|w| u32::from_le_bytes(*w));
    let (Some(name_len), Some(len), Some(crc)) = (word(8), word(12), word(16)) else { return Err(broken()) };
    let block_at = HEADER_BYTES.checked_add(name_len as usize).ok_or_else(broken)?;
    if bytes[..8] != MAGIC || block_at.checked_add(len as usize) != Some(bytes.len()) || libdeflater::crc32(&bytes[HEADER_BYTES..]) != crc {
        return Err(broken());
    }
    let bytes = Bytes::from(bytes);
    Ok((bytes.slice(HEADER_BYTES..block_at), bytes.slice(block_at..)))
}

/// Notes that an entry was used: what is wanted again is kept, what was wanted lately goes last.
pub fn note_use(folder: &Path, key: &Key, shelf: Shelf, file: &File) {
    let age = file.metadata().and_then(|m| m.modified()).ok().and_then(|t| SystemTime::now().duration_since(t).ok()).unwrap_or_default();
    match shelf {
        Shelf::New if age > SAME_PASS => {
            let to = key.path(folder, Shelf::Kept);
            let _ = to.parent().map(std::fs::create_dir_all);
            if std::fs::rename(key.path(folder, Shelf::New), to).is_ok() {
                let _ = file.set_modified(SystemTime::now());
            }
        }
        Shelf::Kept if age > NOTE_EVERY => {
            let _ = file.set_modified(SystemTime::now());
        }
        Shelf::New | Shelf::Kept => {}
    }
}

/// An entry as it lies in its folder.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Where.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// When it came, or was last used.
    pub used: SystemTime,
}

/// Every entry of a shelf.
///
/// # Errors
/// When the folder cannot be listed.
pub fn list(folder: &Path, shelf: Shelf) -> io::Result<Vec<Listed>> {
    let mut found = vec![];
    for group in std::fs::read_dir(folder.join(shelf.folder()))? {
        let Ok(entries) = std::fs::read_dir(group?.path()) else { continue };
        // What another process removes meanwhile is no error.
        for item in entries.flatten() {
            if let Ok(meta) = item.metadata()
                && meta.is_file()
            {
                found.push(Listed { path: item.path(), bytes: meta.len(), used: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH) });
            }
        }
    }
    Ok(found)
}
