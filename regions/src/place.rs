//! Puts a folder where another one may be: in one step, and with a way back if the process ends in between.
//!
//! In: a Zarr store that is whole, and its place. Out: the store in its place. Never removes what is no Zarr store.
//! A store that is replaced is `.NAME.old-OWNER` meanwhile; [`mend`] puts it back where its owner was killed before the new one had its place.

pub mod owner;

use owner::{Owner, QUIET};
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Names of the files that describe a group or an array of a Zarr store.
const METADATA: [&str; 5] = ["zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"];
/// Folders of a store that are looked at.
const MOST_FOLDERS: usize = 10_000;

/// Whether a store may take the place of what is there: an empty folder, or a Zarr store that holds nothing else.
pub fn is_replaceable(path: &Path) -> bool {
    let empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    path.is_dir() && (empty() || is_store(path))
}

/// Whether a folder is a group of arrays and groups, and of nothing that somebody may have put among them.
fn is_store(path: &Path) -> bool {
    let holds = |folder: &Path, names: &[&str]| names.iter().any(|n| folder.join(n).is_file());
    let is_array = |folder: &Path| {
        holds(folder, &[".zarray"]) || fs::read_to_string(folder.join("zarr.json")).is_ok_and(|text| text.contains("\"array\""))
    };
    let mut folders = vec![path.to_path_buf()];
    for looked_at in 0.. {
        let Some(folder) = folders.pop() else { return holds(path, &["zarr.json", ".zgroup"]) };
        let Ok(entries) = fs::read_dir(&folder) else { return false };
        if looked_at >= MOST_FOLDERS || !holds(&folder, &["zarr.json", ".zgroup", ".zarray"]) {
            return false;
        }
        if is_array(&folder) {
            // What lies below an array are its chunks.
            continue;
        }
        for entry in entries {
            let Ok(entry) = entry else { return false };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && METADATA.iter().any(|name| entry.file_name() == *name) => {}
                _ => return false,
            }
        }
    }
    false
}

/// Renames a folder over another one, which keeps its place if that fails.
///
/// # Errors
/// What the file system refuses; `AlreadyExists` where something that is no Zarr store is there.
pub fn replace(new: &Path, path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        fs::rename(new, path)?;
    } else {
        if !is_replaceable(path) {
            return Err(occupied());
        }
        let old = old_of(path)?;
        fs::rename(path, &old)?;
        fs::rename(new, path).inspect_err(|_| {
            let _ = fs::rename(&old, path);
        })?;
        // The store is in its place: what is left of the other one does no harm.
        let _ = fs::remove_dir_all(&old);
    }
    sync_folder(path);
    Ok(())
}

/// The error of a place that holds something else than a store.
pub fn occupied() -> Error {
    Error::new(ErrorKind::AlreadyExists, "something that is no Zarr store is there already")
}

/// Where a store that is replaced is kept meanwhile.
fn old_of(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a path without a name"))?;
    Ok(path.with_file_name(format!(".{name}.old-{}-{}", Owner::this(), owner::next())))
}

/// Puts back the store that a process was killed while replacing, or removes it if another store is in its place.
pub fn mend(path: &Path) {
    let Some(name) = path.file_name().and_then(|n| n.to_str()) else { return };
    let prefix = format!(".{name}.old-");
    for old in beside(path).filter(|e| e.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(&prefix))) {
        let tag = old.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix(&prefix)).unwrap_or_default();
        if !tag.rsplit_once('-').and_then(|(owner, _)| Owner::parse(owner)).is_some_and(|owner| owner.is_gone()) {
            continue;
        }
        if path.symlink_metadata().is_err() {
            let _ = fs::rename(&old, path);
        } else if is_store(path) {
            let _ = fs::remove_dir_all(&old);
        }
        // Something else has taken the place: the old store is the only one, and stays where it is.
    }
}

/// Removes the folder of a store under way: it loses its name first, so that a writer fails instead of filling it again.
///
/// # Errors
/// What the file system refuses; nothing where there is no such folder.
pub fn discard(folder: &Path) -> Result<()> {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push("-removed");
    let dead = folder.with_file_name(name);
    match fs::rename(folder, &dead) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed.and_then(|()| fs::remove_dir_all(&dead)),
    }
}

/// Removes the folders of stores that processes of this machine had under way, beside `path`, and left when they were killed.
///
/// Such a folder is `.*.zarr.partial-*` and names its owner in a file `owner`; nothing has been written to it for [`QUIET`], for other engines
/// may have gone on without its owner.
pub fn sweep(path: &Path) {
    let is_partial = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with('.') && name.contains(".zarr.partial-") && folder.symlink_metadata().is_ok_and(|m| m.is_dir())
    };
    for folder in beside(path).filter(is_partial) {
        let is_quiet = [folder.clone(), folder.join("tmp"), folder.join("store")].iter().all(|f| {
            match f.metadata().and_then(|m| m.modified()) {
                Ok(at) => at.elapsed().is_ok_and(|age| age > QUIET),
                // A store that has got its place.
                Err(e) => e.kind() == ErrorKind::NotFound,
            }
        });
        if is_quiet && Owner::read(&folder.join("owner")).is_some_and(|owner| owner.is_gone()) {
            let _ = discard(&folder);
        }
    }
}

/// What lies in the folder that a path is in.
fn beside(path: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Flushes every file below a folder; how many they are, and their bytes.
///
/// # Errors
/// What the file system refuses.
pub fn sync_tree(folder: &Path) -> Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let file = File::open(entry.path())?;
                file.sync_all()?;
                (files, bytes) = (files + 1, bytes + file.metadata()?.len());
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok((files, bytes))
}

/// Makes a rename durable where the system allows it; the data itself is safe by then.
pub fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::SystemTime;

    fn store(path: &Path, content: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("zarr.json"), content).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A process that has ended.
    fn dead() -> Owner {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let owner = Owner::of(child.id());
        child.wait().unwrap();
        owner
    }

    #[test]
    fn a_store_is_replaced_in_one_step_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let (new, place) = (folder.path().join("new"), folder.path().join("out.zarr"));
        for content in ["1", "2"] {
            store(&new, content);
            replace(&new, &place).unwrap();
            assert_eq!(fs::read_to_string(place.join("zarr.json")).unwrap(), content);
            assert_eq!(names(folder.path()), ["out.zarr"]);
        }
        store(&new, "3");
        fs::remove_file(place.join("zarr.json")).unwrap();
        fs::write(place.join("thesis.txt"), "years").unwrap();
        assert_eq!(replace(&new, &place).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(names(&place), ["thesis.txt"]);
    }

    #[test]
    fn what_was_put_into_a_store_is_not_removed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out.zarr");
        store(&place, "{\"node_type\":\"group\"}");
        store(&place.join("t"), "{\"node_type\":\"array\"}");
        fs::create_dir_all(place.join("t/c/0")).unwrap();
        fs::write(place.join("t/c/0/1"), [1]).unwrap();
        assert!(is_replaceable(&place));
        fs::create_dir(place.join("archive")).unwrap();
        assert!(!is_replaceable(&place), "a folder that is no group");
        fs::remove_dir(place.join("archive")).unwrap();
        fs::write(place.join("thesis.txt"), "years").unwrap();
        assert!(!is_replaceable(&place));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_old_store_stays_where_something_else_took_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out.zarr");
        let old = folder.path().join(format!(".out.zarr.old-{}-0", dead()));
        store(&old, "old");
        fs::create_dir(&place).unwrap();
        mend(&place);
        assert_eq!(fs::read_to_string(old.join("zarr.json")).unwrap(), "old");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_killed_process_left_is_put_back_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out.zarr");
        let old = |owner: &Owner| folder.path().join(format!(".out.zarr.old-{owner}-0"));
        // Killed between the two renames.
        store(&old(&dead()), "old");
        mend(&place);
        assert_eq!(fs::read_to_string(place.join("zarr.json")).unwrap(), "old");
        // Killed after both.
        store(&old(&dead()), "older");
        mend(&place);
        assert_eq!((names(folder.path()), fs::read_to_string(place.join("zarr.json")).unwrap()), (vec!["out.zarr".into()], "old".into()));
        // Who lives is still at it.
        store(&old(&Owner::this()), "mine");
        mend(&place);
        assert!(old(&Owner::this()).exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn folders_of_dead_runs_are_swept_once_they_are_quiet() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out.zarr");
        let partial = |name: &str, owner: &Owner, quiet: bool| {
            let at = folder.path().join(format!(".{name}.zarr.partial-0123abcd-00"));
            for part in ["tmp", "store"] {
                fs::create_dir_all(at.join(part)).unwrap();
            }
            fs::write(at.join("owner"), owner.to_string()).unwrap();
            if quiet {
                for part in [at.join("tmp"), at.join("store"), at.clone()] {
                    File::open(part).unwrap().set_modified(SystemTime::now() - QUIET - QUIET).unwrap();
                }
            }
            at
        };
        let gone = dead();
        let (stale, busy, mine) = (partial("a", &gone, true), partial("b", &gone, false), partial("c", &Owner::this(), true));
        sweep(&place);
        assert_eq!((stale.exists(), busy.exists(), mine.exists()), (false, true, true), "{:?}", names(folder.path()));
    }
}
