//! Many files as one dataset: lists, gaps, overlaps, and what is saved of them.

use crate::kit::process::xeng;
use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions};
use std::path::{Path, PathBuf};

/// One file of a series over time and `x`, whose cells are `100 * time + x`.
#[derive(Clone, Copy)]
struct File<'a> {
    name: &'a str,
    times: &'a [f64],
    units: &'a str,
    calendar: &'a str,
    /// Cells are stored as 16-bit integers of this scale; as floats if `None`.
    scale: Option<f64>,
    chunk: [u64; 2],
    /// Added to every cell.
    add: f64,
}

const DAILY: File<'static> =
    File { name: "", times: &[], units: "days since 2001-01-01", calendar: "standard", scale: None, chunk: [2, 3], add: 0.0 };
const WIDTH: usize = 4;

impl File<'_> {
    fn write(self, folder: &Path) -> PathBuf {
        let mut nc = NcFileBuilder::new();
        let time = nc.add_dimension("time", self.times.len() as u64).unwrap();
        let x = nc.add_dimension("x", WIDTH as u64).unwrap();
        let id = nc.add_variable::<f64>("time", &[time]).unwrap();
        nc.write_variable(id, self.times).unwrap();
        for (name, value) in [("units", self.units), ("calendar", self.calendar)] {
            nc.add_variable_attribute(id, name, NcAttrValue::Chars(value.into())).unwrap();
        }
        let id = nc.add_variable::<f64>("x", &[x]).unwrap();
        nc.write_variable(id, &(0..WIDTH).map(|x| x as f64).collect::<Vec<_>>()).unwrap();
        let cells: Vec<f64> = self.times.iter().flat_map(|t| (0..WIDTH).map(move |x| 100.0 * t + x as f64 + self.add)).collect();
        let id = match self.scale {
            Some(scale) => {
                let id = nc.add_variable::<i16>("t", &[time, x]).unwrap();
                nc.write_variable(id, &cells.iter().map(|c| (c / scale) as i16).collect::<Vec<_>>()).unwrap();
                nc.add_variable_attribute(id, "scale_factor", NcAttrValue::Doubles(vec![scale])).unwrap();
                id
            }
            None => {
                let id = nc.add_variable::<f64>("t", &[time, x]).unwrap();
                nc.write_variable(id, &cells).unwrap();
                id
            }
        };
        nc.set_variable_chunking(id, self.chunk.to_vec()).unwrap();
        nc.set_variable_deflate(id, Some(1), true).unwrap();
        let path = folder.join(self.name);
        std::fs::write(&path, nc.to_vec(NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap().1).unwrap();
        path
    }
}

/// The cells of an expression, in C order.
fn cells(expr: &str, opens: &[String]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let mut args = vec!["eval", expr, "-o", out.to_str().unwrap()];
    opens.iter().for_each(|open| args.extend(["--open", open]));
    xeng(&args).succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    fn flat(value: &serde_json::Value, into: &mut Vec<f64>) {
        match value {
            serde_json::Value::Array(all) => all.iter().for_each(|v| flat(v, into)),
            one => into.push(one.as_f64().unwrap()),
        }
    }
    let mut all = vec![];
    flat(&value["data"], &mut all);
    all
}

fn rows(times: &[f64]) -> Vec<f64> {
    times.iter().flat_map(|t| (0..WIDTH).map(move |x| 100.0 * t + x as f64)).collect()
}

/// Three files of one series, whose names say nothing of their order and which are packed and cut in three ways.
fn series(folder: &Path) -> [PathBuf; 3] {
    [
        File { name: "z.nc", times: &[0.0, 1.0, 2.0], ..DAILY }.write(folder),
        File { name: "a.nc", times: &[3.0, 4.0], scale: Some(1.0), chunk: [1, 4], ..DAILY }.write(folder),
        File { name: "m.nc", times: &[5.0, 6.0, 7.0, 8.0], scale: Some(0.5), chunk: [3, 1], ..DAILY }.write(folder),
    ]
}

#[test]
fn lists_are_joined_as_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let [z, a, m] = series(folder.path());
    let all: Vec<f64> = (0..9).map(f64::from).collect();
    let open = |path: &Path, keys: &str| format!("d={}{keys}", path.display());
    let glob = open(&folder.path().join("*.nc"), "");
    assert_eq!(cells("d.t * 1", &[glob]), rows(&all), "a pattern, by coordinates");
    let list = [open(&m, ""), open(&z, ""), open(&a, "")];
    assert_eq!(cells("d.t * 1", &list), rows(&all), "a list, by coordinates");
    // Along a named dimension, the order is the one given.
    let nested = [open(&m, ",concat=time"), open(&z, ""), open(&a, "")];
    assert_eq!(cells("d.t * 1", &nested), rows(&[5.0, 6.0, 7.0, 8.0, 0.0, 1.0, 2.0, 3.0, 4.0]));
    assert_eq!(cells("d.t.isel(time=slice(3, 8, 2), x=slice(1, 3))", &nested), [801.0, 802.0, 101.0, 102.0, 301.0, 302.0]);
    // In a plan file, from whose folder the paths are meant.
    let plan = folder.path().join("plan.toml");
    let text =
        "[open.d]\nuri = [\"m.nc\", \"[az].nc\"]\nconcat = \"time\"\n[compute]\nx = \"d.t.mean('x')\"\n[output.x]\njson = \"x.json\"\n";
    std::fs::write(&plan, text).unwrap();
    xeng(&["run", plan.to_str().unwrap()]).succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("x.json")).unwrap()).unwrap();
    let means: Vec<f64> = value["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(means, [501.5, 601.5, 701.5, 801.5, 301.5, 401.5, 1.5, 101.5, 201.5]);
    let text = xeng(&["info", m.to_str().unwrap(), z.to_str().unwrap(), a.to_str().unwrap()]).succeeded().stdout;
    assert!(text.contains("(3 files)") && text.contains("time: 9") && !text.contains("gap"), "{text}");
    let wrong = xeng(&["eval", "d.t.sum()", "--open", &open(&z, ",concat=time"), "--open", &open(&a, ",concat=x")]).failed(2).stderr;
    assert!(wrong.contains("'time' and 'x'"), "{wrong}");
    std::fs::write(&plan, "[open.d]\nuri = []\n[compute]\nx = \"d.t\"\n").unwrap();
    assert!(xeng(&["run", plan.to_str().unwrap()]).failed(2).stderr.contains("empty list"));
    std::fs::write(&plan, "[open.d]\nuri = 3\n[compute]\nx = \"d.t\"\n").unwrap();
    assert!(xeng(&["run", plan.to_str().unwrap()]).failed(2).stderr.contains("list of paths"));
}

#[test]
fn members_of_an_ensemble_are_a_new_dimension() {
    let folder = tempfile::tempdir().unwrap();
    let times = [0.0, 1.0, 2.0];
    let member = |name, add, scale, chunk| File { name, times: &times, add, scale, chunk, ..DAILY }.write(folder.path());
    let files = [member("r2.nc", 10.0, None, [3, 4]), member("r10.nc", 20.0, Some(1.0), [1, 3]), member("r1.nc", 0.0, None, [2, 2])];
    let mut opens: Vec<String> = files.iter().map(|f| format!("d={}", f.display())).collect();
    opens[0] += ",concat=member";
    let base = rows(&times);
    let expected: Vec<f64> = [10.0, 20.0, 0.0].iter().flat_map(|add| base.iter().map(move |c| c + add)).collect();
    assert_eq!(cells("d.t * 1", &opens), expected);
    assert_eq!(cells("d.t.mean('member')", &opens), base.iter().map(|c| c + 10.0).collect::<Vec<_>>());
    assert_eq!(cells("d.t.isel(member=1, time=2)", &opens), [220.0, 221.0, 222.0, 223.0]);
}

#[test]
fn missing_files_are_told_and_overlaps_refused() {
    let folder = tempfile::tempdir().unwrap();
    let days = |from: u32, to: u32| (from..to).map(f64::from).collect::<Vec<f64>>();
    let (one, two, four) = (days(0, 31), days(31, 59), days(90, 120));
    let file = |name: &str, times: &[f64]| File { name, times, ..DAILY }.write(folder.path());
    let files = [file("1.nc", &one), file("2.nc", &two), file("4.nc", &four)];
    let named: Vec<&str> = files.iter().map(|f| f.to_str().unwrap()).collect();
    let text = xeng(&[&["info"], &named[..]].concat()).succeeded().stdout;
    assert!(text.contains("gap: 2001-03-01 .. 2001-03-31 (31 steps missing)"), "{text}");
    let json = xeng(&[&["info", "--json"], &named[..]].concat()).succeeded().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["gaps"]["time"][0]["from"], "2001-03-01");
    assert_eq!(json["gaps"]["time"][0]["steps"], 31);
    assert!(json["gaps"].get("x").is_none());
    let refused = |names: [&str; 2], times: [&[f64]; 2], says: &str| {
        let paths = [file(names[0], times[0]), file(names[1], times[1])];
        let told = xeng(&["info", paths[0].to_str().unwrap(), paths[1].to_str().unwrap()]).failed(2).stderr;
        assert!(told.contains(says) && names.iter().all(|name| told.contains(name)), "{told}");
    };
    refused(["long.nc", "inner.nc"], [&days(0, 31), &days(10, 12)], "overlap along time");
    refused(["late.nc", "early.nc"], [&days(5, 9), &days(0, 6)], "overlap along time");
    refused(["down.nc", "within.nc"], [&[9.0, 8.0, 7.0, 6.0], &[8.0, 7.0]], "overlap along time");
    refused(["same.nc", "touching.nc"], [&[0.0, 1.0], &[1.0, 2.0]], "overlap along time");
    refused(["up.nc", "back.nc"], [&[0.0, 1.0], &[3.0, 2.0]], "opposite directions");
    let zigzag = file("zigzag.nc", &[5.0, 7.0, 6.0]);
    let told = xeng(&["info", named[0], zigzag.to_str().unwrap()]).failed(2).stderr;
    assert!(told.contains("zigzag.nc") && told.contains("neither up nor down"), "{told}");
    // Descending files join in descending order.
    let opens = [file("d1.nc", &[1.0, 0.0]), file("d2.nc", &[3.0, 2.0])].map(|f| format!("d={}", f.display()));
    assert_eq!(cells("d.t * 1", &opens), rows(&[3.0, 2.0, 1.0, 0.0]));
}

#[test]
fn what_was_learnt_of_files_is_saved_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("manifests");
    let [z, a, m] = series(folder.path());
    let entries = || std::fs::read_dir(&kept).map_or(0, Iterator::count);
    let explain = |files: &[&PathBuf], folder: &str| {
        let opens: Vec<String> = files.iter().map(|f| format!("d={}", f.display())).collect();
        let mut args = vec!["explain", "d.t.mean()", "--manifests", folder];
        opens.iter().for_each(|open| args.extend(["--open", open]));
        xeng(&args).succeeded().stdout
    };
    let at = kept.to_str().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(3_300));
    let told = explain(&[&z, &a], "off");
    assert_eq!(entries(), 0);
    assert_eq!(explain(&[&z, &a], at), told);
    assert_eq!(entries(), 2);
    assert_eq!(explain(&[&z, &a], at), told);
    assert_eq!(entries(), 2);
    // Another month costs another manifest.
    assert!(explain(&[&z, &a, &m], at).contains("[9, 4]"));
    assert_eq!(entries(), 3);
}

#[test]
fn durations_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.nc");
    let mut nc = NcFileBuilder::new();
    let dim = nc.add_dimension("step", 2).unwrap();
    for name in ["step", "t"] {
        let id = nc.add_variable::<f64>(name, &[dim]).unwrap();
        nc.write_variable(id, &[6.0, 12.0]).unwrap();
        if name == "step" {
            for (key, value) in [("units", "hours"), ("dtype", "timedelta64[ns]")] {
                nc.add_variable_attribute(id, key, NcAttrValue::Chars(value.into())).unwrap();
            }
        }
    }
    std::fs::write(&file, nc.to_vec(NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap().1).unwrap();
    let open = format!("d={}", file.to_str().unwrap());
    let refused = xeng(&["eval", "d.t.sum()", "--open", &open]).failed(2).stderr;
    assert!(refused.contains("durations") && refused.contains("decode_times=false"), "{refused}");
    assert_eq!(cells("d.t.sum()", &[format!("{open},decode_times=false")]), [18.0]);
}

#[test]
fn files_that_do_not_fit_are_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| format!("d={}", path.display());
    let told = |opens: &[String], expr: &str, exit: i32| {
        let mut args = vec!["eval", expr];
        opens.iter().for_each(|open| args.extend(["--open", open.as_str()]));
        xeng(&args).failed(exit).stderr
    };
    let file = |name: &str, times: &[f64], calendar: &str| File { name, times, calendar, ..DAILY }.write(folder.path());
    let (one, two) = (file("one.nc", &[0.0, 1.0], "standard"), file("two.nc", &[2.0, 3.0], "noleap"));
    let calendars = told(&[open(&one), open(&two)], "d.t", 2);
    assert!(calendars.contains("'standard'") && calendars.contains("'noleap'") && calendars.contains("two.nc"), "{calendars}");
    let other = file("other.nc", &[2.0, 3.0], "standard");
    let members = told(&[open(&one) + ",concat=member", open(&other)], "d.t", 2);
    assert!(members.contains("labels along time differ") && members.contains("2001-01-01") && members.contains("other.nc"), "{members}");
    // Three of the four tiles of a grid.
    let tile = |name: &str, times: &[f64; 1], xs: [f64; 2]| {
        let mut nc = NcFileBuilder::new();
        let (time, x) = (nc.add_dimension("time", 1).unwrap(), nc.add_dimension("x", 2).unwrap());
        for (name, dims, cells) in [("time", vec![time], times.to_vec()), ("x", vec![x], xs.to_vec()), ("t", vec![time, x], xs.to_vec())] {
            let id = nc.add_variable::<f64>(name, &dims).unwrap();
            nc.write_variable(id, &cells).unwrap();
        }
        let path = folder.path().join(name);
        std::fs::write(&path, nc.to_vec(NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap().1).unwrap();
        open(&path)
    };
    let tiles = [tile("00.nc", &[0.0], [0.0, 1.0]), tile("01.nc", &[0.0], [2.0, 3.0]), tile("10.nc", &[1.0], [0.0, 1.0])];
    let hole = told(&tiles, "d.t", 2);
    assert!(hole.contains("no full grid") && hole.contains("is a file missing?"), "{hole}");
    let full = [&tiles[..], &[tile("11.nc", &[1.0], [2.0, 3.0])]].concat();
    assert_eq!(cells("d.t * 1", &full), [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn what_home_cannot_hold_is_refused_by_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let file = File { name: "a.nc", times: &[0.0, 1.0, 2.0], ..DAILY }.write(folder.path());
    let (open, out) = (format!("d={}", file.display()), folder.path().join("out.zarr"));
    let args = ["eval", "d.time.expand_dims(k=3000000)", "--open", &open, "--memory", "32MiB", "-o", out.to_str().unwrap()];
    let told = xeng(&args).failed(5).stderr;
    assert!(told.contains("--memory"), "{told}");
}

#[test]
fn differently_cut_files_keep_to_the_budget_or_are_refused_with_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let times = |from: u32| (from..from + 64).map(f64::from).collect::<Vec<f64>>();
    let (low, high) = (times(0), times(64));
    let rows_first = File { name: "rows.nc", times: &low, chunk: [1, 4], ..DAILY }.write(folder.path());
    let columns = File { name: "columns.nc", times: &high, chunk: [64, 1], scale: Some(1.0), ..DAILY }.write(folder.path());
    for order in [[&rows_first, &columns], [&columns, &rows_first]] {
        let opens = order.map(|f| format!("d={}", f.display()));
        let all: Vec<f64> = (0..128).map(f64::from).collect();
        assert_eq!(cells("d.t * 1", &opens), rows(&all));
        let mut args = vec!["eval", "d.t.mean()", "--memory", "8KiB"];
        opens.iter().for_each(|open| args.extend(["--open", open]));
        let told = xeng(&args).failed(5).stderr;
        assert!(told.contains("needs") && told.contains("8192"), "{told}");
    }
}

#[test]
fn nothing_that_references_lead_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = File { name: "a.nc", times: &[0.0, 1.0], ..DAILY }.write(folder.path());
    let refs = folder.path().join("refs.json");
    let array = r#"{\"shape\": [1], \"chunks\": [1], \"dtype\": \"<f8\", \"compressor\": null, \"fill_value\": null, \"filters\": null, \"order\": \"C\", \"zarr_format\": 2}"#;
    let text =
        format!(r#"{{"version": 1, "refs": {{".zgroup": "{{\"zarr_format\": 2}}", "t/.zarray": "{array}", "t/0": ["a.nc", 0, 8]}}}}"#);
    std::fs::write(&refs, text).unwrap();
    let (before, open) = (std::fs::read(&file).unwrap(), format!("d={}", refs.display()));
    for out in [&file, &refs] {
        let told = xeng(&["eval", "d.t.sum()", "--open", &open, "-o", out.to_str().unwrap()]).failed(2).stderr;
        assert!(told.contains("would replace") || out == &refs && told.contains("replace"), "{told}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
