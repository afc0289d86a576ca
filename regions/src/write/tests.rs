#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::chunk::Chunks;
use super::staging::Staging;
use crate::{EngineConfig, LocalRegion, WriteRoots};
use std::path::Path;
use xeng_kernels::{Block, DType};
use xeng_proto::{DatasetSpec, ErrorKind, Region, RegionError, StoreFile, StoreStep, StoreTarget};

fn target(folder: &Path, run: &str) -> StoreTarget {
    StoreTarget { uri: folder.join("out.zarr").to_str().unwrap().to_owned(), run: run.to_owned() }
}

fn engine(folder: &Path) -> LocalRegion {
    let write_roots = WriteRoots::only(&[folder.to_path_buf()]).unwrap();
    LocalRegion::start(EngineConfig { write_roots, ..EngineConfig::new("east") }).unwrap()
}

fn put(path: &str, content: &str) -> StoreStep {
    StoreStep::Put { files: vec![StoreFile { path: path.to_owned(), bytes: content.to_owned().into() }] }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refused(done: Result<(), RegionError>, kind: ErrorKind) {
    assert_eq!(done.unwrap_err().kind, kind);
}

#[tokio::test]
async fn a_store_is_seen_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, target) = (engine(folder.path()), target(folder.path(), "0123abcd"));
    let begin = StoreStep::Begin { inputs: vec![] };
    refused(engine.store(&target, put("zarr.json", "{}")).await, ErrorKind::Request);
    engine.store(&target, begin.clone()).await.unwrap();
    engine.store(&target, begin.clone()).await.unwrap();
    for _ in 0..2 {
        engine.store(&target, put("zarr.json", "{}")).await.unwrap();
        engine.store(&target, put("t/zarr.json", "{\"node_type\":\"array\"}")).await.unwrap();
        engine.store(&target, put("t/c/0/1", "cells")).await.unwrap();
    }
    refused(engine.store(&target, StoreStep::Commit { files: 2, bytes: 28 }).await, ErrorKind::Data);
    refused(engine.store(&target, StoreStep::Commit { files: 3, bytes: 29 }).await, ErrorKind::Data);
    assert!(names(folder.path()).iter().all(|name| name.starts_with(".out.zarr.partial-0123abcd-")), "{:?}", names(folder.path()));
    // Who did not hear the answer asks again.
    for _ in 0..2 {
        engine.store(&target, StoreStep::Commit { files: 3, bytes: 28 }).await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("out.zarr/t/c/0/1")).unwrap(), b"cells");
    }
    // Whoever comes too late finds nothing to write to.
    refused(engine.store(&target, put("t/c/0/2", "cells")).await, ErrorKind::Request);
    refused(engine.store(&target, put("late.json", "{}")).await, ErrorKind::Request);
    for _ in 0..2 {
        engine.store(&target, StoreStep::Abandon).await.unwrap();
        assert_eq!(names(folder.path()), ["out.zarr"]);
    }
    refused(engine.store(&target, StoreStep::Commit { files: 3, bytes: 28 }).await, ErrorKind::Request);
    // Nothing is no store: what is there stays.
    let nothing = StoreTarget { run: "89ababcd".into(), ..target.clone() };
    engine.store(&nothing, begin.clone()).await.unwrap();
    refused(engine.store(&nothing, StoreStep::Commit { files: 0, bytes: 0 }).await, ErrorKind::Data);
    engine.store(&nothing, StoreStep::Abandon).await.unwrap();
    // Nor may any of its inputs be replaced, the first or another.
    let spec = |uris: &[&str]| DatasetSpec {
        uri: uris[0].into(),
        more: uris[1..].iter().map(|u| (*u).into()).collect(),
        ..DatasetSpec::default()
    };
    let inputs = vec![spec(&["/none/x.nc", &target.uri])];
    refused(engine.store(&nothing, StoreStep::Begin { inputs }).await, ErrorKind::Request);
    // Another run replaces it, whole or not at all.
    let second = StoreTarget { run: "4567abcd".into(), ..target };
    engine.store(&second, begin.clone()).await.unwrap();
    engine.store(&second, StoreStep::Abandon).await.unwrap();
    assert_eq!(names(&folder.path().join("out.zarr")), ["t", "zarr.json"]);
    engine.store(&second, begin).await.unwrap();
    engine.store(&second, put("zarr.json", "{}")).await.unwrap();
    engine.store(&second, StoreStep::Commit { files: 1, bytes: 2 }).await.unwrap();
    engine.store(&second, StoreStep::Abandon).await.unwrap();
    assert_eq!((names(folder.path()), names(&folder.path().join("out.zarr"))), (vec!["out.zarr".into()], vec!["zarr.json".into()]));
}

#[tokio::test]
async fn nothing_leads_out_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("may")).unwrap();
    let engine = engine(&folder.path().join("may"));
    let good = target(&folder.path().join("may"), "0123abcd");
    engine.store(&good, StoreStep::Begin { inputs: vec![] }).await.unwrap();
    for path in ["../x", "/x", "a/../../x", "", ".", "a/./../..", "a\\b", "a\0b", &"a/".repeat(60)] {
        refused(engine.store(&good, put(path, "x")).await, ErrorKind::Request);
    }
    // What was put there behind the engine's back is not followed either.
    let under_way = &names(&folder.path().join("may"))[0];
    std::os::unix::fs::symlink(folder.path(), folder.path().join("may").join(under_way).join("store/link")).unwrap();
    assert!(engine.store(&good, put("link/x", "x")).await.is_err());
    assert_eq!(names(folder.path()), ["may"]);
    for run in ["", "short", "../../../x", "with space", &"a".repeat(65)] {
        refused(engine.store(&target(&folder.path().join("may"), run), StoreStep::Begin { inputs: vec![] }).await, ErrorKind::Request);
    }
    for name in ["../__x", "a/b", "", "..", "zarr.json"] {
        assert!(Chunks::new(name, DType::F32, &[2], &[2], 3).is_err(), "{name}");
    }
}

#[test]
fn a_read_only_folder_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    // Whoever may do anything may write here too.
    if std::fs::write(folder.path().join("probe"), "").is_err() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let begun = runtime.block_on(engine(folder.path()).store(&target(folder.path(), "0123abcd"), StoreStep::Begin { inputs: vec![] }));
        refused(begun, ErrorKind::Request);
    }
    let full = super::refused(Path::new("out.zarr"), &std::io::ErrorKind::StorageFull.into());
    assert_eq!(full.kind, ErrorKind::Budget);
}

#[test]
fn chunks_are_filled_up_and_left_out() {
    let chunks = Chunks::new("t", DType::F32, &[3, 5], &[2, 4], 3).unwrap();
    let cells = Block::from_vec(&[1, 1], vec![7f32]).unwrap();
    let corner = chunks.encode(&vec![2..3, 4..5], cells.clone()).unwrap();
    assert_eq!(corner.path, Path::new("t/c/1/1"));
    assert_eq!(corner.written.bytes, corner.bytes.len() as u64);
    let raw = zstd::bulk::decompress(&corner.bytes, 1 << 10).unwrap();
    let whole = Block::from_le_bytes(DType::F32, &[2, 4], &raw).unwrap().to_f64_vec();
    assert!(whole[0] == 7.0 && whole[1..].iter().all(|v| v.is_nan()), "{whole:?}");
    let missing = chunks.encode(&vec![0..2, 4..5], Block::filled(DType::F32, &[2, 1], f64::NAN)).unwrap();
    assert!(missing.bytes.is_empty() && missing.written.bytes == 0);
    for wrong in [vec![1..3, 0..4], vec![0..3, 0..4], vec![0..2], vec![0..0, 0..4]] {
        assert!(chunks.encode(&wrong, cells.clone()).is_err(), "{wrong:?}");
    }
    assert!(chunks.encode(&vec![0..1, 0..1], Block::from_vec(&[1, 1], vec![7f64]).unwrap()).is_err());
    let zeros = Chunks::new("n", DType::I16, &[3], &[2], 3).unwrap();
    assert!(zeros.encode(&vec![0..2], Block::from_vec(&[2], vec![0i16, 0]).unwrap()).unwrap().bytes.is_empty());
    assert!(!zeros.encode(&vec![0..2], Block::from_vec(&[2], vec![0i16, 1]).unwrap()).unwrap().bytes.is_empty());
}

#[test]
fn urls_and_other_names_are_no_stores() {
    for uri in ["s3://bucket/out.zarr", "https://host/out.zarr", "/tmp/out.nc", "/tmp/.zarr", "/", ""] {
        let target = StoreTarget { uri: uri.into(), run: "0123abcd".into() };
        assert_eq!(Staging::of(&WriteRoots::everywhere(), "east", &target).unwrap_err().kind, ErrorKind::Request, "{uri}");
    }
}
