//! GRIB-2 files as a user has them: from a disk, from S3 and over HTTP, one and several, whole and damaged.

use crate::kit::process::{xeng, xeng_in};
use crate::kit::web::{Manner, Web, s3_environment, serve_s3};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../regions/tests-data/grib").join(name)
}

/// The cells of a result.
fn cells(expression: &str, open: &str, environment: &[(String, String)]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.json");
    xeng_in(&["eval", expression, "--open", open, "-o", file.to_str().unwrap()], environment).succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut cells = vec![];
    numbers(&value["data"], &mut cells);
    cells
}

fn numbers(value: &serde_json::Value, into: &mut Vec<f64>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| numbers(item, into)),
        other => into.push(other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Field `n` of the sample counts on from `1000 n`: four fields of each step, of which the second is that of 850 hPa.
const MEAN: &str = "g.t.sel(isobaricInhPa=850).mean(['time', 'step'])";

fn means() -> Vec<f64> {
    (0..30).map(|at| 7000.0 + f64::from(at)).collect()
}

fn assert_near(got: &[f64], want: &[f64], of: &str) {
    assert_eq!(got.len(), want.len(), "{of}");
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 0.02), "{of}: {got:?}");
}

#[test]
fn the_same_numbers_come_from_disk_from_s3_and_over_http() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("bucket")).unwrap();
    std::fs::copy(sample("cube.grib2"), root.path().join("bucket/cube.grib2")).unwrap();
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), |_| Manner::Proper));
    let local = cells(MEAN, &format!("g={}", sample("cube.grib2").display()), &[]);
    assert_near(&local, &means(), "disk");
    assert_eq!(cells(MEAN, "g=s3://bucket/cube.grib2", &s3), local);
    assert_eq!(cells(MEAN, &format!("g={}", web.url("cube.grib2")), &[]), local);
}

#[test]
fn files_of_a_day_each_are_joined_along_time() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(sample("cube.grib2")).unwrap();
    let (mut days, mut rest) = ([vec![], vec![]], &bytes[..]);
    while let Some(len) = rest.get(8..16) {
        let (message, behind) = rest.split_at(u64::from_be_bytes(len.try_into().unwrap()) as usize);
        days[usize::from(message[16 + 15]) - 1].extend_from_slice(message);
        rest = behind;
    }
    for (n, day) in days.iter().enumerate() {
        std::fs::write(folder.path().join(format!("day{n}.grib2")), day).unwrap();
    }
    let open = format!("g={}/day*.grib2,concat=time,group=isobaricInhPa", folder.path().display());
    assert_near(&cells(MEAN, &open, &[]), &means(), "two files");
}

#[test]
fn what_is_left_out_and_what_is_damaged_is_told() {
    let path = sample("cube.grib2");
    let text = xeng(&["info", path.to_str().unwrap()]).succeeded().stdout;
    assert!(["t2m", "isobaricInhPa", "u10", "its heightAboveGround is 10"].iter().all(|part| text.contains(part)), "{text}");
    let json = xeng(&["info", path.to_str().unwrap(), "--json", "--checksum"]).succeeded().stdout;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let t = &value["variables"]["t"];
    assert_eq!((t["chunks"].to_string(), t["filters"][0].as_str()), ("[1,1,1,5,6]".to_owned(), Some("grid_simple")), "{json}");
    let told = xeng(&["eval", "g.u10.mean()", "--open", &format!("g={}", path.display())]).failed(2).stderr;
    assert!(told.contains("open it with group=u10, or with group=heightAboveGround/10"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.grib2");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 50]).unwrap();
    let told = xeng(&["eval", "g.t.mean()", "--open", &format!("g={}", cut.display())]).failed(3).stderr;
    assert!(told.contains("cut.grib2: the message at byte") && told.contains("it is cut off"), "{told}");
}
