//! References that change, lead astray, or lead out of the roots.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::local::{EngineConfig, LocalRegion};
use crate::open::{OpenDataset, open};
use crate::roots::Roots;
use crate::source::read;
use crate::store::{Location, StoreConfig, Stores};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xeng_proto::{DatasetSpec, ErrorKind, Region, RegionError};

/// An array `t(x)` of four bytes in two chunks, the first at `target`.
fn references(target: &Value) -> String {
    let zarray = json!({"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "|u1", "fill_value": null, "order": "C", "filters": null,
        "compressor": null});
    let refs = json!({".zgroup": {"zarr_format": 2}, "t/.zarray": zarray, "t/.zattrs": {"_ARRAY_DIMENSIONS": ["x"]},
        "t/0": target, "t/1": "base64:BwQ="});
    json!({"version": 1, "refs": refs}).to_string()
}

struct Case {
    folder: tempfile::TempDir,
    refs: PathBuf,
}

impl Case {
    fn new(target: &Value) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let refs = folder.path().join("offered/refs.json");
        std::fs::create_dir_all(folder.path().join("offered/data")).unwrap();
        for place in ["offered/data/a.bin", "offered/b.bin", "secret.bin"] {
            std::fs::write(folder.path().join(place), [1u8, 2, 3, 4, 5]).unwrap();
        }
        let case = Case { folder, refs };
        case.refer(target);
        case
    }

    fn refer(&self, target: &Value) {
        std::fs::write(&self.refs, references(target)).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn spec(&self) -> DatasetSpec {
        DatasetSpec { uri: self.refs.to_str().unwrap().to_owned(), ..DatasetSpec::default() }
    }

    fn first(&self, stores: &Stores) -> Result<Vec<i64>, RegionError> {
        chunk(&open(stores, &self.spec())?, 0)
    }

    fn restricted(&self) -> Stores {
        let roots = Roots::only(&[self.folder.path().join("offered"), PathBuf::from("https://offered.example/data")]).unwrap();
        Stores::within(StoreConfig::default(), roots).unwrap()
    }
}

fn chunk(dataset: &OpenDataset, number: usize) -> Result<Vec<i64>, RegionError> {
    read(dataset.source("t")?.as_ref(), &[number]).map(|block| block.to_i64_vec())
}

#[test]
fn targets_are_found_from_the_folder_of_the_references() {
    let case = Case::new(&json!(["data/a.bin", 1, 2]));
    let stores = case.restricted();
    assert_eq!(case.first(&stores).unwrap(), [2, 3]);
    assert_eq!(chunk(&open(&stores, &case.spec()).unwrap(), 1).unwrap(), [7, 4]);
    for target in [
        json!(["./data/../b.bin", 3, 2]),
        json!([case.path("offered/b.bin"), 3, 2]),
        json!([format!("file://{}", case.path("offered/b.bin")), 3, 2]),
    ] {
        case.refer(&target);
        assert_eq!(case.first(&stores).unwrap(), [4, 5], "{target}");
    }
    std::fs::write(case.path("offered/two.bin"), [9, 8]).unwrap();
    case.refer(&json!(["two.bin"]));
    assert_eq!(case.first(&stores).unwrap(), [9, 8]);
}

#[test]
fn no_reference_leads_out_of_the_roots() {
    let case = Case::new(&json!(["data/a.bin", 0, 2]));
    std::os::unix::fs::symlink(case.path("secret.bin"), case.path("offered/link.bin")).unwrap();
    std::fs::write(case.path("secret[1].bin"), [1, 2]).unwrap();
    let free = Stores::default();
    for (target, there) in [
        (case.path("secret.bin"), true),
        (format!("file://{}", case.path("secret.bin")), true),
        ("../secret.bin".into(), true),
        ("link.bin".into(), true),
        (case.path("secret[1].bin"), true),
        (case.path("offered/../secret.bin"), true),
        ("s3://offered/data".into(), false),
        ("https://other.example/data/x".into(), false),
        ("https://offered.example/data/../secret".into(), false),
        ("https://offered.example/data/%2e%2e/secret".into(), false),
        ("https://offered.example@other.example/data/x".into(), false),
        ("http://offered.example/data/x".into(), false),
    ] {
        case.refer(&json!([target, 0, 2]));
        let told = case.first(&case.restricted()).unwrap_err();
        assert!(told.message.contains("refs.json") && told.message.contains("\"t/0\""), "{target}: {told}");
        assert!(told.kind == ErrorKind::Request || !there, "{target}: {told}");
        if there {
            assert_eq!(case.first(&free).unwrap(), [1, 2], "{target}");
        }
    }
}

/// An engine gives its roots to its stores: a coordinate is read when the dataset is described.
#[test]
fn an_engine_reads_no_target_outside_its_roots() {
    let case = Case::new(&json!(["../secret.bin", 0, 2]));
    std::fs::write(&case.refs, references(&json!(["../secret.bin", 0, 2])).replace("\"x\"", "\"t\"")).unwrap();
    let roots = Roots::only(&[case.folder.path().join("offered")]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let describe = |config: EngineConfig| {
        let engine = LocalRegion::start(config).unwrap();
        runtime.block_on(async { engine.describe(&case.spec()).await })
    };
    let told = describe(EngineConfig { roots, ..EngineConfig::new("home") }).unwrap_err();
    assert!(told.kind == ErrorKind::Request && told.message.contains("not among the data"), "{told}");
    assert!(describe(EngineConfig::new("home")).is_ok());
}

#[test]
fn a_target_that_changes_is_an_error_until_it_is_opened_again() {
    let case = Case::new(&json!(["data/a.bin", 0, 2]));
    let stores = Stores::default();
    let opened = open(&stores, &case.spec()).unwrap();
    assert_eq!(chunk(&opened, 0).unwrap(), [1, 2]);
    assert!(!opened.is_stale());
    std::fs::write(case.path("offered/data/a.bin"), [6u8, 5, 4, 3, 2, 1]).unwrap();
    let told = chunk(&opened, 0).unwrap_err();
    assert!(told.kind == ErrorKind::Data && told.message.contains("changed") && told.message.contains("a.bin"), "{told}");
    assert!(opened.is_stale());
    let again = open(&stores, &case.spec()).unwrap();
    assert_eq!(chunk(&again, 0).unwrap(), [6, 5]);
    assert_ne!(again.description.snapshot, opened.description.snapshot);
    assert!(!again.is_stale());
}

#[test]
fn references_are_parsed_once_while_somebody_reads_them() {
    let case = Case::new(&json!(["data/a.bin", 0, 2]));
    let stores = Stores::default();
    let uri = case.spec().uri;
    let find = || stores.find(&uri).unwrap().pop().unwrap();
    let (a, b): (Location, Location) = (find(), find());
    assert!(Arc::ptr_eq(&a.store, &b.store));
    assert!(a.store.stamps_contents() && !a.store.is_remote());
    case.refer(&json!(["b.bin", 0, 1]));
    std::fs::File::options()
        .write(true)
        .open(&case.refs)
        .unwrap()
        .set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5))
        .unwrap();
    assert!(!Arc::ptr_eq(&a.store, &find().store));
}

#[test]
fn what_is_not_there_is_told_with_file_key_and_target() {
    let case = Case::new(&json!(["none.bin", 0, 2]));
    for (target, says) in [
        (json!(["none.bin", 0, 2]), "there is no file"),
        (json!(["data/a.bin", 4, 2]), "lie outside"),
        (json!(["data/a.bin", u64::MAX, 2]), "lie outside"),
        (json!(["data/a.bin", 0, u64::MAX]), "more than"),
        (json!(["data/a.bin", 0, 3]), "chunk [0]"),
        (json!(["data", 0, 2]), "there is no file"),
        (json!(["", 0, 2]), "there is no file"),
        (json!(["gs://bucket/x", 0, 2]), "gs://"),
        (json!(["memory::x", 0, 2]), "chained"),
    ] {
        case.refer(&target);
        let told = case.first(&Stores::default()).unwrap_err();
        assert!(told.kind == ErrorKind::Data && told.message.contains("refs.json") && told.message.contains(says), "{target}: {told}");
    }
}

/// A reference to references is bytes: nothing is followed twice.
#[test]
fn references_to_references_are_bytes() {
    let case = Case::new(&json!(["refs.json", 0, 2]));
    assert_eq!(case.first(&Stores::default()).unwrap(), [i64::from(b'{'), i64::from(b'"')]);
}

#[test]
fn a_pipe_is_no_target() {
    let case = Case::new(&json!(["pipe"]));
    let made = std::process::Command::new("mkfifo").arg(case.path("offered/pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    assert!(case.first(&Stores::default()).unwrap_err().message.contains("there is no file"));
}

#[test]
fn parquet_references_must_be_named_so() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = json!({"record_size": 10, "metadata": {".zgroup": {"zarr_format": 2}}}).to_string();
    std::fs::write(folder.path().join(".zmetadata"), metadata).unwrap();
    let spec = DatasetSpec { uri: folder.path().to_str().unwrap().to_owned(), ..DatasetSpec::default() };
    let told = open(&Stores::default(), &spec).map(|_| ()).unwrap_err();
    assert!(told.message.contains(".parq"), "{told}");
    assert!(Path::new(&spec.uri).is_dir());
}
