//! What is saved of files is what they say, and is only believed of the same files.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::cf::describe::{Described, describe};
use crate::hostile::seeds;
use crate::open::{Found, open, read_raw};
use crate::source::{positions, read};
use crate::store::{StoreConfig, Stores};
use xeng_proto::{DatasetSpec, Values};

/// The seeds of HDF5, NetCDF-3 and GRIB: chunked, contiguous, compact, records, fields; texts, attributes, filters.
fn files() -> Vec<Vec<u8>> {
    seeds::files().into_iter().map(|mut files| files.remove(0).1).collect()
}

fn found(path: &Path) -> Found {
    Found::at(Stores::default().locate(path.to_str().unwrap()).unwrap()).unwrap()
}

fn spec(path: &Path) -> DatasetSpec {
    DatasetSpec { uri: path.to_str().unwrap().to_owned(), ..DatasetSpec::default() }
}

fn in_folder(folder: &Path) -> Stores {
    Stores::new(StoreConfig { manifests: Some(folder.to_owned()), ..StoreConfig::default() }).unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|all| all.map(|e| e.unwrap().path()).collect()).unwrap_or_default()
}

/// Everything that can be asked of a dataset, its cells included.
fn told(d: &Described) -> String {
    let mut out = format!("{:?}\n{:?}\n{:?}\n", d.attrs, d.variables, d.unreadable);
    for (name, source) in &d.sources {
        for chunk in positions(source.chunks()) {
            out += &format!("{name} {chunk:?} {} {:?}\n", source.stored_bytes(&chunk), read(source.as_ref(), &chunk));
        }
    }
    out
}

#[test]
fn what_is_saved_of_a_file_is_all_that_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = Manifests::in_folder(folder.path().join("manifests"));
    let mut coordinates = 0;
    for (n, bytes) in files().into_iter().enumerate() {
        let path = folder.path().join(format!("{n}.nc"));
        std::fs::write(&path, bytes).unwrap();
        let file = found(&path);
        let (object, identity) = (file.look.object.clone().unwrap(), Identity(format!("file {n}")));
        let (raw, cells) = (read_raw(&file, "").unwrap(), Cells::default());
        let fresh = describe(raw.clone(), &spec(&path), "x", &cells).unwrap();
        assert!(fresh.sources.len() > 1, "file {n}");
        coordinates += cells.read().len();
        manifests.save(&identity, "/", object.as_ref(), (&raw, &cells));
        // Under a group of another name, another identity, and in a folder that is not there, nothing is known.
        assert!(manifests.load(&identity, "g", &object, false).is_none());
        assert!(manifests.load(&Identity(format!("file {n}0")), "", &object, false).is_none());
        assert!(Manifests::in_folder(folder.path().join("none")).load(&identity, "", &object, false).is_none());
        let (again, known) = manifests.load(&identity, "", &object, false).unwrap();
        let saved = describe(again, &spec(&path), "x", &known).unwrap();
        assert_eq!(told(&saved), told(&fresh), "file {n}");
        assert!(known.read().is_empty(), "file {n}: coordinates were read again");
        // With times as plain numbers: the same cells, decoded in another way.
        let plain = DatasetSpec { keep_times_encoded: true, ..spec(&path) };
        let (again, known) = manifests.load(&identity, "", &object, false).unwrap();
        let saved = describe(again, &plain, "x", &known).unwrap();
        assert_eq!(told(&saved), told(&describe(raw, &plain, "x", &Cells::default()).unwrap()), "file {n}");
    }
    assert!(coordinates > 6);
}

#[test]
fn a_damaged_manifest_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let (path, manifests) = (folder.path().join("a.nc"), Manifests::in_folder(folder.path().join("manifests")));
    std::fs::write(&path, &files()[3]).unwrap();
    let file = found(&path);
    let (object, identity) = (file.look.object.clone().unwrap(), Identity("a".into()));
    let (raw, cells) = (read_raw(&file, "").unwrap(), Cells::default());
    describe(raw.clone(), &spec(&path), "x", &cells).unwrap();
    manifests.save(&identity, "", object.as_ref(), (&raw, &cells));
    let saved = entries(&folder.path().join("manifests")).remove(0);
    let bytes = std::fs::read(&saved).unwrap();
    let is_known = |bytes: &[u8]| {
        std::fs::write(&saved, bytes).unwrap();
        manifests.load(&identity, "", &object, false).is_some()
    };
    assert!(is_known(&bytes));
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1 << (at % 8);
        assert!(!is_known(&broken), "byte {at} of {}", bytes.len());
    }
    for len in (0..bytes.len()).step_by(7) {
        assert!(!is_known(&bytes[..len]), "{len} bytes");
    }
    assert!(!is_known(&[&bytes[..], &[0]].concat()));
    // A file that shrank: its chunks would lie outside.
    let body = pack::pack(&raw, &HashMap::new(), object.name()).unwrap();
    assert!(unpack::unpack(&body, &object, false).is_some());
    std::fs::write(&path, &files()[3][..2000]).unwrap();
    let short = found(&path).look.object.unwrap();
    assert!(unpack::unpack(&body, &short, false).is_none());
}

#[test]
fn a_file_is_read_again_when_it_changes_however_little() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = (folder.path().join("a.nc"), folder.path().join("manifests"));
    let bytes = files().remove(0);
    std::fs::write(&path, &bytes).unwrap();
    let first = |stores: &Stores| match &open(stores, &spec(&path)).unwrap().description.variables["lat"].values {
        Some(Values::Numbers(block)) => block.to_f64_vec()[0],
        other => panic!("{other:?}"),
    };
    // Written a moment ago, it may be written again within the same tick of the clock.
    assert_eq!(first(&in_folder(&kept)), -2.0);
    assert_eq!(entries(&kept).len(), 0);
    std::thread::sleep(Duration::from_millis(3_300));
    assert_eq!(first(&in_folder(&kept)), -2.0);
    assert_eq!(entries(&kept).len(), 1);
    // It is the manifest that answers now: one that says something else is believed.
    let file = found(&path);
    let (object, identity) = (file.look.object.clone().unwrap(), file.look.identity.clone().unwrap());
    let raw = read_raw(&file, "").unwrap();
    let whole = HashMap::from([("lat".to_owned(), Block::from_vec(&[5], vec![7.0f32; 5]).unwrap())]);
    let name = full_name(&identity, "");
    let body = pack::pack(&raw, &whole, object.name()).unwrap();
    std::fs::write(&entries(&kept)[0], entry::sealed(&name, &body)).unwrap();
    assert_eq!(first(&in_folder(&kept)), 7.0);
    assert_eq!(first(&Stores::default()), -2.0);
    // The same length, the same time of modification, another number.
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut changed = bytes;
    let at = changed.windows(4).position(|w| w == (-2.0f32).to_be_bytes()).unwrap();
    changed[at..at + 4].copy_from_slice(&(-9.0f32).to_be_bytes());
    std::fs::write(&path, changed).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(first(&in_folder(&kept)), -9.0);
}

#[test]
fn a_full_folder_loses_its_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let at = |n: u64| SystemTime::now() - Duration::from_secs(10_000 - n);
    let digest = |letter: &str| format!("{}.manifest", letter.repeat(40));
    // What is not called as manifests are is somebody else's, whatever its ending.
    let all =
        [digest("b"), digest("a"), digest("c"), "1-1-1.writing".into(), "novel.writing".into(), "old.manifest".into(), "mine.txt".into()];
    for (n, name) in all.iter().enumerate() {
        let path = folder.path().join(name);
        std::fs::write(&path, [0; 100]).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(at(n as u64)).unwrap();
    }
    let names = || {
        let mut names: Vec<String> = entries(folder.path()).iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    prune(folder.path(), 300, 250).unwrap();
    assert_eq!(names(), [digest("a"), digest("b"), digest("c"), "mine.txt".into(), "novel.writing".into(), "old.manifest".into()]);
    prune(folder.path(), 299, 250).unwrap();
    assert_eq!(names(), [digest("a"), digest("c"), "mine.txt".into(), "novel.writing".into(), "old.manifest".into()]);
}
