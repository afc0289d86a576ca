//! Chunks and files that other writers wrote, against the cells that they wrote. See `tests-data/README.md`.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::hdf5::filters::codec;
use super::zarr::filters;
use crate::checksum::{Hashing, inventory};
use crate::codec::Pipeline;
use sha2::{Digest, Sha256};
use std::io::Read;

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hdf5_pipeline(settings: &str) -> Pipeline {
    let filters = settings.split(';').map(|filter| {
        let (id, parameters) = filter.split_once(':').unwrap();
        let parameters: Vec<u32> = parameters.split(',').filter(|p| !p.is_empty()).map(|p| p.parse().unwrap()).collect();
        codec(id.parse().unwrap(), &parameters).unwrap()
    });
    Pipeline { codecs: filters.collect() }
}

fn numcodecs_pipeline(settings: &str) -> Pipeline {
    let json: serde_json::Value = serde_json::from_str(settings).unwrap();
    Pipeline { codecs: filters::codec(json["id"].as_str().unwrap(), &json).unwrap().0.into_iter().collect() }
}

#[test]
fn every_chunk_decodes_to_the_writers_cells_and_no_broken_one_panics() {
    let mut seen = 0;
    for line in include_str!("../../tests-data/chunks.txt").lines() {
        let fields: Vec<&str> = line.splitn(5, ' ').collect();
        let [from, settings, stored, cells, name] = fields[..] else { panic!("{line}") };
        let pipeline = if from == "hdf5" { hdf5_pipeline(settings) } else { numcodecs_pipeline(settings) };
        let (stored, cells) = (unhex(stored), unhex(cells));
        let mut out = vec![0; cells.len()];
        assert!(pipeline.can_hold(stored.len(), cells.len()), "{name}");
        pipeline.decode(&stored, 0, &mut out).unwrap_or_else(|e| panic!("{name} {settings}: {e}"));
        assert_eq!(out, cells, "{name} {settings}");
        // Cut off, too long for the chunk, and with any byte changed: an error or cells, but no panic.
        for len in 0..stored.len() {
            let _ = pipeline.decode(&stored[..len], 0, &mut out);
            let mut broken = stored.clone();
            broken[len] ^= 1 << (len % 8);
            let _ = pipeline.decode(&broken, 0, &mut out);
            broken[len] = 0xff;
            let _ = pipeline.decode(&broken, 0, &mut out);
        }
        let short = cells.len() - 1;
        assert!(pipeline.decode(&stored, 0, &mut out[..short]).is_err(), "{name} {settings}");
        seen += 1;
    }
    assert_eq!(seen, 41);
}

fn digest(bytes: Vec<u8>) -> Option<String> {
    Some(Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect())
}

/// The bytes of cell numbers `0..count` after `value`, as `width` little-endian bytes.
fn cells(count: usize, width: usize, value: impl Fn(usize) -> i64) -> Option<String> {
    digest((0..count).flat_map(|i| value(i).to_le_bytes()[..width].to_vec()).collect())
}

fn check_layouts(name: &str, packed: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    let mut file = vec![];
    flate2::read::GzDecoder::new(packed).read_to_end(&mut file).unwrap();
    std::fs::write(&path, file).unwrap();
    let found = inventory(&crate::store::Stores::default(), &[path.to_str().unwrap()], Hashing::Sha256).unwrap();
    let ramp = |i: usize| (i * 7 % 100) as i64;
    let hole = |i: usize| if i % 7 == 5 && (7..9).contains(&(i / 7)) { 3 } else { 5 };
    let floats = digest((0..70).flat_map(|i| (ramp(i) as f64).to_le_bytes()).collect());
    let shorts = cells(70, 2, ramp);
    for (variable, want) in [
        ("contiguous", shorts.clone()),
        ("one", shorts.clone()),
        ("fixed", shorts.clone()),
        ("extensible", shorts.clone()),
        ("tree", shorts.clone()),
        ("shrunk", shorts.clone()),
        ("compact", shorts.clone()),
        ("implicit", shorts.clone()),
        ("nbit_signed", shorts.clone()),
        ("nbit_big", shorts.clone()),
        ("float", floats),
        ("hole_fixed", cells(70, 4, hole)),
        ("hole_tree", cells(70, 4, hole)),
        ("never_contiguous", cells(70, 4, |_| 5)),
        ("never_chunked", cells(70, 4, |_| 5)),
        ("never_regrown", cells(70, 2, |_| 5)),
        ("masked", cells(48, 2, ramp)),
        ("bool", cells(6, 1, |i| ramp(i) % 2)),
        ("enum", cells(6, 2, ramp)),
        ("committed", cells(6, 4, ramp)),
        ("outer/inner/nested", cells(5, 8, ramp)),
    ] {
        let entry = found.variables.get(variable).unwrap_or_else(|| panic!("{name}: {variable}: {:?}", found.unreadable.get(variable)));
        assert_eq!(entry.sha256, want, "{name}: {variable} {} {:?}", entry.dtype, entry.shape);
    }
    if let Some(edges) = found.variables.get("edges") {
        assert_eq!(edges.sha256, shorts, "{name}: chunks over the edge without filters");
    }
    assert!(found.unreadable["half"].contains("float16"), "{name}");
}

#[test]
fn every_layout_of_old_files_behind_a_user_block() {
    check_layouts("old", include_bytes!("../../tests-data/old.h5.gz"));
}

#[test]
fn every_layout_and_chunk_index_of_new_files() {
    check_layouts("new", include_bytes!("../../tests-data/new.h5.gz"));
}
