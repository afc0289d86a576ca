//! Files that lie: small valid files, mutated at random, through every parser.
//!
//! In: seeds. Out: nothing. Each mutated file gives an error or cells: no panic, no hang, no large allocation. A few hundred mutations per
//! parser in `cargo test`; as many as the environment variable `XENG_FUZZ_FILES` says otherwise.
#![allow(clippy::unwrap_used, clippy::panic)]

mod limit;
mod mutate;
pub(crate) mod seeds;

use crate::checksum::{Hashing, inventory};
use crate::source::{positions, shape_of};
use crate::store::Stores;
use mutate::Random;
use seeds::Files;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use xeng_proto::DatasetSpec;

/// How long one file may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of one allocation, at most: what a coordinate that is read when a file is opened may have.
const LARGEST_BYTES: usize = (256 << 20) + (1 << 20);
/// Chunks of one variable that are read, and their size: the engine's memory permits bound both.
const CHUNKS: usize = 8;
const CHUNK_BYTES: usize = 16 << 20;

/// What became of one file.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    opened: bool,
    chunks_read: usize,
    chunks_refused: usize,
    largest_bytes: usize,
}

/// Opens a file and reads a few chunks of each variable.
fn visit(path: &Path) -> Fate {
    let uri = path.to_str().unwrap().to_string();
    let mut fate = Fate::default();
    limit::reset();
    let _ = inventory(&Stores::default(), &[&uri], Hashing::Skip);
    if let Ok(dataset) = crate::open(&Stores::default(), &DatasetSpec { uri, ..DatasetSpec::default() }) {
        fate.opened = true;
        for source in dataset.variables.values() {
            for chunk in positions(source.chunks()).take(CHUNKS) {
                let cells = shape_of(source.chunks(), &chunk).iter().try_fold(1usize, |n, &len| n.checked_mul(len));
                if cells.is_none_or(|n| n > CHUNK_BYTES / source.stored().size()) {
                    continue;
                }
                let _ = source.stored_bytes(&chunk);
                match crate::source::read(source.as_ref(), &chunk) {
                    Ok(_) => fate.chunks_read += 1,
                    Err(_) => fate.chunks_refused += 1,
                }
            }
        }
    }
    fate.largest_bytes = limit::largest();
    fate
}

/// Visits a file on a thread of its own, so that a hang or a panic is told from an answer.
fn guarded(path: PathBuf) -> Result<(Fate, Duration), &'static str> {
    let (tell, told) = mpsc::channel();
    let start = Instant::now();
    std::thread::spawn(move || tell.send(visit(&path)));
    match told.recv_timeout(DEADLINE) {
        Ok(fate) => Ok((fate, start.elapsed())),
        Err(mpsc::RecvTimeoutError::Timeout) => Err("no answer in time"),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("a panic"),
    }
}

fn write(files: &Files, dir: &Path) {
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What of the files in a folder is opened.
fn whole(files: &Files, folder: PathBuf) -> PathBuf {
    match files.iter().find(|(name, _)| name == "file" || name == "refs.json") {
        Some((name, _)) => folder.join(name),
        None => folder,
    }
}

fn attack(parser: &str, seeds: &[Files]) {
    attack_in("x", parser, seeds);
}

/// As [`attack`]; the name of the folder tells what is in it.
fn attack_in(folder: &str, parser: &str, seeds: &[Files]) {
    let count: usize = std::env::var("XENG_FUZZ_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let mut random = Random::new(parser);
    let (mut opened, mut read, mut refused, mut largest, mut slowest) = (0, 0, 0, 0, Duration::ZERO);
    for seed in seeds {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(folder);
        write(seed, &path);
        let (fate, _) = guarded(whole(seed, path)).unwrap_or_else(|e| panic!("{parser}: {e} for a valid file"));
        assert!(fate.opened && fate.chunks_read > 0 && fate.chunks_refused == 0, "{parser}: the valid file: {fate:?}");
    }
    for number in 0..count {
        let mut files = seeds[number % seeds.len()].clone();
        let described = mutate::mutate(&mut files, &mut random);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(folder);
        write(&files, &path);
        // The same number is the same mutation again.
        let told = |why: &str| format!("{parser}, mutation {number} ({described}): {why}");
        let (fate, took) = guarded(whole(&files, path)).unwrap_or_else(|e| panic!("{}", told(e)));
        assert!(fate.largest_bytes <= LARGEST_BYTES, "{}", told(&format!("allocates {} bytes", fate.largest_bytes)));
        opened += usize::from(fate.opened);
        read += fate.chunks_read;
        refused += fate.chunks_refused;
        largest = largest.max(fate.largest_bytes);
        slowest = slowest.max(took);
    }
    println!(
        "{parser}: {count} files, {opened} opened, {read} chunks read, {refused} refused, largest allocation {largest} bytes, slowest {slowest:?}"
    );
}

/// Bodies of manifests whose checksum does not protect them: nothing is known, or what is known can be read.
#[test]
fn manifests() {
    use crate::open::{Found, read_raw};
    let count: usize = std::env::var("XENG_FUZZ_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let mut random = Random::new("manifests");
    let dir = tempfile::tempdir().unwrap();
    let (mut known, mut read, mut largest) = (0, 0, 0);
    for (n, seed) in seeds::files().into_iter().enumerate() {
        let path = dir.path().join(format!("{n}"));
        std::fs::write(&path, &seed[0].1).unwrap();
        let file = Found::at(Stores::default().locate(path.to_str().unwrap()).unwrap()).unwrap();
        let (object, raw, cells) = (file.look.object.clone().unwrap(), read_raw(&file, "").unwrap(), crate::cf::cells::Cells::default());
        crate::cf::describe::describe(raw.clone(), &DatasetSpec::default(), "x", &cells).unwrap();
        let body = crate::manifest::pack::pack(&raw, &cells.read().into_iter().collect(), object.name()).unwrap();
        for _ in 0..count / 6 {
            let mut files: Files = vec![("body".into(), body.clone())];
            let described = mutate::mutate(&mut files, &mut random);
            limit::reset();
            if let Some((raw, whole)) = crate::manifest::unpack::unpack(&files[0].1, &object, false) {
                known += 1;
                let cells = crate::cf::cells::Cells::known(whole);
                if let Ok(dataset) = crate::cf::describe::describe(raw, &DatasetSpec::default(), "x", &cells) {
                    for source in dataset.sources.values() {
                        for chunk in positions(source.chunks()).take(CHUNKS) {
                            let cells = shape_of(source.chunks(), &chunk).iter().try_fold(1usize, |n, &len| n.checked_mul(len));
                            if cells.is_some_and(|n| n <= CHUNK_BYTES / source.stored().size()) {
                                read += usize::from(crate::source::read(source.as_ref(), &chunk).is_ok());
                            }
                        }
                    }
                }
            }
            assert!(limit::largest() <= LARGEST_BYTES, "{described}: allocates {} bytes", limit::largest());
            largest = largest.max(limit::largest());
        }
    }
    assert!(known > 0 && read > 0);
    println!("manifests: {count} bodies, {known} known, {read} chunks read, largest allocation {largest} bytes");
}

#[test]
fn netcdf3() {
    attack("netcdf3", &seeds::netcdf3());
}

#[test]
fn hdf5() {
    attack("hdf5", &seeds::hdf5());
}

#[cfg(feature = "grib")]
#[test]
fn grib() {
    attack("grib", &seeds::grib());
}

#[test]
fn zarr2() {
    attack("zarr2", &seeds::zarr2());
}

#[test]
fn zarr3() {
    attack("zarr3", &seeds::zarr3());
}

#[test]
fn references_json() {
    attack("references_json", &seeds::references_json());
}

#[test]
fn references_parquet() {
    attack_in("x.parq", "references_parquet", &seeds::references_parquet());
}
