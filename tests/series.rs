//! A series so long that the days made of it are many megabytes: they are made run by run, in memory that does not grow with the series.

use crate::kit::process::xeng;
use serde_json::{Value, json};
use std::path::Path;

const DAYS: usize = 365;
const CELLS: [usize; 2] = [100, 120];
/// Half days to a chunk: every other edge lies inside a day.
const CHUNK: usize = 15;
const MEMORY: &str = "128MiB";

/// Cells of half day `t` in row `y`: the second half is the day's largest, and days are the numbers below [`DAYS`] in another order.
fn cell(t: usize, y: usize) -> f64 {
    let (day, half) = (t / 2, t % 2);
    (day * 7 % DAYS) as f64 + half as f64 / 2.0 + 1000.0 * y as f64
}

fn save(path: &Path, value: &Value) {
    std::fs::write(path, value.to_string()).unwrap();
}

/// `t(time, y, x)` as an uncompressed Zarr v2 store.
fn store(folder: &Path) {
    let array = |shape: &[usize], chunks: &[usize], dims: &[&str], attributes: Value| {
        let folder = folder.join(if dims.len() == 1 { "time" } else { "t" });
        std::fs::create_dir_all(&folder).unwrap();
        let meta = json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<f8", "compressor": null, "fill_value": null,
            "order": "C", "filters": null});
        save(&folder.join(".zarray"), &meta);
        let mut attributes = attributes;
        attributes["_ARRAY_DIMENSIONS"] = json!(dims);
        save(&folder.join(".zattrs"), &attributes);
        folder
    };
    let halves = 2 * DAYS;
    let time = array(&[halves], &[halves], &["time"], json!({"units": "hours since 2001-01-01", "calendar": "standard"}));
    let bytes: Vec<u8> = (0..halves).flat_map(|t| (12.0 * t as f64).to_le_bytes()).collect();
    std::fs::write(time.join("0"), bytes).unwrap();
    let t = array(&[halves, CELLS[0], CELLS[1]], &[CHUNK, CELLS[0], CELLS[1]], &["time", "y", "x"], json!({}));
    for chunk in 0..halves.div_ceil(CHUNK) {
        let times = chunk * CHUNK..(chunk + 1) * CHUNK;
        let cells = times.flat_map(|t| (0..CELLS[0]).flat_map(move |y| std::iter::repeat_n(cell(t, y), CELLS[1])));
        std::fs::write(t.join(format!("{chunk}.0.0")), cells.flat_map(f64::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    }
    save(&folder.join(".zgroup"), &json!({"zarr_format": 2}));
}

/// The result's cells of `t`, from a NetCDF file.
fn cells(file: &Path) -> Vec<f64> {
    let file = netcdf_reader::NcFile::open(file).unwrap();
    file.read_variable_as_f64("t").unwrap().iter().copied().collect()
}

#[test]
fn quantiles_of_daily_maxima_need_no_more_memory_than_the_maxima() {
    let folder = tempfile::tempdir().unwrap();
    let (data, daily, result) = (folder.path().join("t.zarr"), folder.path().join("daily.zarr"), folder.path().join("result.nc"));
    store(&data);
    let run = |expr: &str, data: &Path, to: &Path| {
        let open = format!("a={}", data.display());
        let out = xeng(&["eval", expr, "--open", &open, "--memory", MEMORY, "-o", to.to_str().unwrap(), "--json"]).succeeded();
        serde_json::from_str::<Value>(&out.stdout).unwrap()
    };
    let middle = |y: usize| (DAYS - 1) as f64 / 2.0 + 0.5 + 1000.0 * y as f64;
    let expected: Vec<f64> = (0..CELLS[0]).flat_map(|y| std::iter::repeat_n(middle(y), CELLS[1])).collect();
    run("a.t.resample(time='D').max().quantile(0.5, 'time')", &data, &result);
    assert_eq!(cells(&result), expected);
    // As a store, whose chunks hold a run of days each.
    run("a.t.resample(time='D').max()", &data, &daily);
    let chunks = std::fs::read_dir(daily.join("t/c")).unwrap().count();
    assert!(chunks > 4, "{chunks} chunks along time");
    run("a.t.quantile(0.5, 'time')", &daily, &result);
    assert_eq!(cells(&result), expected);
    run("a.t.isel(time=200).max('x')", &daily, &result);
    let of_day: Vec<f64> = (0..CELLS[0]).map(|y| cell(401, y)).collect();
    assert_eq!(cells(&result), of_day);
}
