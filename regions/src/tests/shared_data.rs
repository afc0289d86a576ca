//! Checks against real files and the inventory that other readers made of them, where these are at hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::checksum::{Hashing, inventory};
use crate::open::open;
use crate::store::Stores;
use std::path::PathBuf;
use xeng_proto::DatasetSpec;

/// The folder of shared files: `XENG_SHARED`, or beside the workspace.
fn shared() -> Option<PathBuf> {
    let root =
        std::env::var_os("XENG_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    if root.join("data").is_dir() {
        return Some(root);
    }
    eprintln!("SKIPPED: no shared data at {}", root.display());
    None
}

#[test]
fn every_cell_is_what_other_readers_found() {
    let Some(root) = shared() else { return };
    let text = std::fs::read_to_string(root.join("conformance/inventory.json")).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (mut right, mut problems) = (0, vec![]);
    for (file, facts) in listed.as_object().unwrap() {
        let started = std::time::Instant::now();
        let path = root.join("data").join(file);
        let found = inventory(&Stores::default(), &[path.to_str().unwrap()], Hashing::Sha256);
        if started.elapsed().as_secs() > 20 {
            problems.push(format!("{file}: took {:?}", started.elapsed()));
        }
        let found = match found {
            Ok(found) => found,
            Err(e) => {
                if facts.get("vars").is_some_and(|v| v.as_object().unwrap().values().any(|v| v.get("sha256").is_some())) {
                    problems.push(format!("{file}: {e}"));
                }
                continue;
            }
        };
        for (name, want) in facts.get("vars").and_then(|v| v.as_object()).into_iter().flatten() {
            let Some(sha) = want.get("sha256").and_then(|s| s.as_str()) else { continue };
            let entry = if name == "." { found.variables.values().next() } else { found.variables.get(name) };
            match entry {
                None => problems.push(format!("{file}: {name} missing: {:?}", found.unreadable.get(name))),
                Some(entry) => match &entry.sha256 {
                    Some(got) if got.starts_with(sha) => right += 1,
                    got => problems.push(format!(
                        "{file}: {name}: {got:?} instead of {sha}; {} {:?} vs {} {}",
                        entry.dtype, entry.shape, want["dtype"], want["shape"]
                    )),
                },
            }
        }
    }
    println!("{right} variables right, {} refused or different", problems.len());
    problems.iter().for_each(|p| println!("{p}"));
    // A refusal is honest; a different hash is a wrong number. One file numbers two dimensions alike, and netCDF-C mixes them up.
    let wrong: Vec<_> =
        problems.iter().filter(|p| p.contains("instead of") && !p.starts_with("netcdf-rust/netcdf4/nc4_groups.nc")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(right > 1800, "only {right} variables could be read");
}

#[test]
fn every_file_opens_or_says_why_not() {
    let Some(root) = shared() else { return };
    let text = std::fs::read_to_string(root.join("conformance/inventory.json")).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let dump = std::env::var("XENG_DUMP").ok();
    let mut lines = vec![];
    for file in listed.as_object().unwrap().keys() {
        let spec = DatasetSpec { uri: root.join("data").join(file).to_str().unwrap().into(), ..DatasetSpec::default() };
        match open(&Stores::default(), &spec) {
            Ok(dataset) => {
                for (name, v) in &dataset.description.variables {
                    let kind = match &v.kind {
                        xeng_proto::Kind::Number(d) => d.name().to_string(),
                        xeng_proto::Kind::Time(_) => "time".into(),
                        xeng_proto::Kind::Text => "text".into(),
                    };
                    let attrs: Vec<&str> = v.attrs.keys().map(String::as_str).collect();
                    lines.push(format!(
                        "{file}\t{name}\t{}\t{:?}\t{kind}\t{}\t{}",
                        v.dims.join(","),
                        v.shape(),
                        v.is_coordinate,
                        attrs.join(",")
                    ));
                }
                for (name, why) in &dataset.unreadable {
                    lines.push(format!("{file}\t{name}\tUNREADABLE\t{why}"));
                }
            }
            Err(e) => lines.push(format!("{file}\tERROR\t{:?}\t{e}", e.kind)),
        }
    }
    if let Some(path) = dump {
        std::fs::write(path, lines.join("\n")).unwrap();
    }
}

/// Shapes are those of `xarray.open_mfdataset`, 2026.9.
#[test]
fn files_are_joined_as_xarray_joins_them() {
    let Some(root) = shared() else { return };
    #[allow(clippy::type_complexity)]
    let cases: [(&str, Option<&str>, &str, &str, &[usize]); 6] = [
        ("mini-esgf/HadGEM2-ES_historical/*.nc", None, "tas", "time,lat,lon", &[1752, 2, 2]),
        ("mini-esgf/EC-EARTH_historical/*.nc", Some("time"), "tas", "time,lat,lon", &[1919, 2, 4]),
        ("derived/era5-pds/2019/03/data/*.nc", None, "air_temperature_at_2_metres", "time0,lat,lon", &[744, 33, 49]),
        ("cf-python/[0-3]_air_temperature.nc", None, "tas", "time,lat,lon", &[]),
        ("mini-esgf/dcpp_tasmax/*.nc", Some("member"), "tasmax", "member,time,lat,lon", &[5, 3713, 1, 2]),
        ("geocat/TREFHT*.nc", Some("member"), "TREFHT", "member,time,lat,lon", &[2, 110, 64, 128]),
    ];
    let mut failures = vec![];
    for (uri, concat, variable, dims, shape) in cases {
        let spec = DatasetSpec {
            uri: root.join("data").join(uri).to_str().unwrap().into(),
            concat: concat.map(str::to_string),
            ..DatasetSpec::default()
        };
        match open(&Stores::default(), &spec) {
            Ok(dataset) => {
                let v = &dataset.description.variables[variable];
                println!("{uri}: {:?} {:?} unreadable {:?}", v.dims, v.shape(), dataset.unreadable);
                let whole = crate::source::read_whole(dataset.source(variable).unwrap().as_ref(), 1 << 30).unwrap();
                assert_eq!(whole.shape(), v.shape());
                if !shape.is_empty() && (v.dims.join(",") != dims || v.shape() != shape) {
                    failures.push(format!("{uri}: {:?} {:?}", v.dims, v.shape()));
                }
            }
            Err(e) => failures.push(format!("{uri}: {e}")),
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
