//! Variables and coordinates that some files of a dataset lack, and dimensions in another order: as xarray joins them.
//!
//! The numbers are those of xarray 2026.9: `open_mfdataset(files)`, and with `combine='nested', concat_dim=...` where `concat` is named.

use crate::kit::process::xeng;
use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions};
use std::path::Path;

/// The cells of a variable.
#[derive(Clone, Copy)]
enum Cells<'a> {
    F64(&'a [f64]),
    I32(&'a [i32]),
    I16(&'a [i16]),
}
use Cells::{F64, I16, I32};

/// A file of dimensions `time` and `x` (2), and variables: name, dimensions, cells, names of its coordinates.
fn write(path: &Path, times: &[f64], variables: &[(&str, &[&str], Cells<'_>, &str)]) {
    let mut nc = NcFileBuilder::new();
    let (time, x) = (nc.add_dimension("time", times.len() as u64).unwrap(), nc.add_dimension("x", 2).unwrap());
    let own = [("time", &["time"][..], F64(times), ""), ("x", &["x"][..], F64(&[0.0, 1.0]), "")];
    for (name, dims, cells, coordinates) in own.iter().chain(variables) {
        let dims: Vec<_> = dims.iter().map(|&d| if d == "time" { time } else { x }).collect();
        let id = match cells {
            F64(_) => nc.add_variable::<f64>(*name, &dims),
            I32(_) => nc.add_variable::<i32>(*name, &dims),
            I16(_) => nc.add_variable::<i16>(*name, &dims),
        }
        .unwrap();
        match cells {
            F64(cells) => nc.write_variable(id, cells),
            I32(cells) => nc.write_variable(id, cells),
            I16(cells) => nc.write_variable(id, cells),
        }
        .unwrap();
        if !coordinates.is_empty() {
            nc.add_variable_attribute(id, "coordinates", NcAttrValue::Chars(coordinates.to_string())).unwrap();
        }
    }
    std::fs::write(path, nc.to_vec(NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap().1).unwrap();
}

/// Dimensions, type and cells (missing ones as `None`) of an expression over files of a folder, joined along `concat` if it is named.
fn evaluated(folder: &Path, expr: &str, files: &[&str], concat: &str) -> (String, String, Vec<Option<f64>>) {
    let out = folder.join("out.json");
    let mut opens: Vec<String> = files.iter().map(|f| format!("d={}", folder.join(f).display())).collect();
    if !concat.is_empty() {
        opens[0] += &format!(",concat={concat}");
    }
    let mut args = vec!["eval", expr, "-o", out.to_str().unwrap()];
    opens.iter().for_each(|open| args.extend(["--open", open]));
    xeng(&args).succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    fn flat(value: &serde_json::Value, into: &mut Vec<Option<f64>>) {
        match value {
            serde_json::Value::Array(all) => all.iter().for_each(|v| flat(v, into)),
            one => into.push(one.as_f64()),
        }
    }
    let mut all = vec![];
    flat(&value["data"], &mut all);
    let dims: Vec<&str> = value["dims"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
    (dims.join(" "), value["dtype"].as_str().unwrap().to_owned(), all)
}

/// Three files over times 0-1, 2, 3-4; the second lacks all but `t`, whose dimensions it has in another order.
fn three(folder: &Path) {
    let full = |name: &str, times: &[f64; 2], with: bool| {
        let t: Vec<f64> = times.iter().flat_map(|t| [10.0 * t, 10.0 * t + 1.0]).collect();
        let ints: Vec<i32> = t.iter().map(|&t| t as i32).collect();
        let mut variables =
            vec![("t", &["time", "x"][..], F64(&t), ""), ("n", &["time"][..], I16(&[7, 8]), ""), ("area", &["x"][..], I16(&[3, 4]), "")];
        if with {
            variables.push(("i", &["time", "x"][..], I32(&ints), ""));
        }
        write(&folder.join(name), times, &variables);
    };
    full("a.nc", &[0.0, 1.0], true);
    write(&folder.join("b.nc"), &[2.0], &[("t", &["x", "time"], F64(&[20.0, 21.0]), ""), ("n", &["time"], I16(&[9]), "")]);
    full("c.nc", &[3.0, 4.0], false);
}

fn some(cells: &[f64]) -> Vec<Option<f64>> {
    cells.iter().map(|&c| Some(c)).collect()
}

#[test]
fn what_some_files_lack_is_missing_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    three(folder);
    let files = ["a.nc", "b.nc", "c.nc"];
    let all = [0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0, 40.0, 41.0];
    let of = |expr, concat| evaluated(folder, expr, &files, concat);
    let is = |dims: &str, dtype: &str, cells: Vec<Option<f64>>| (dims.to_owned(), dtype.to_owned(), cells);
    assert_eq!(of("d.t", "time"), is("time x", "float64", some(&all)));
    assert_eq!(of("d.n", "time"), is("time", "int16", some(&[7.0, 8.0, 9.0, 7.0, 8.0])));
    let area = [Some(3.0), Some(4.0), Some(3.0), Some(4.0), None, None, Some(3.0), Some(4.0), Some(3.0), Some(4.0)];
    assert_eq!(of("d.area", "time"), is("time x", "float32", area.to_vec()));
    let ints = [some(&all[..4]), vec![None; 6]].concat();
    assert_eq!(of("d.i", "time"), is("time x", "float64", ints.clone()));
    assert_eq!(of("d.i.count()", "time").2, some(&[4.0]));
    // By coordinates, files of different variables are joined group by group, and these side by side.
    assert_eq!(of("d.t", ""), is("time x", "float64", some(&all)));
    assert_eq!(of("d.n", ""), is("time", "float32", some(&[7.0, 8.0, 9.0, 7.0, 8.0])));
    assert_eq!(of("d.area", ""), is("x", "int16", some(&[3.0, 4.0])));
    assert_eq!(of("d.i", ""), is("time x", "float64", ints));
    assert_eq!(of("(d.t + d.i).sum('x')", "").2, [Some(2.0), Some(42.0), Some(0.0), Some(0.0), Some(0.0)]);
    // The first file's order of dimensions is that of all.
    let other = evaluated(folder, "d.t", &["b.nc", "a.nc"], "time");
    assert_eq!(other, is("x time", "float64", some(&[20.0, 0.0, 10.0, 21.0, 1.0, 11.0])));
}

#[test]
fn groups_of_files_meet_at_all_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let one = |name: &str, times: &[f64], variable: &str, cells: &[f64]| {
        write(&folder.join(name), times, &[(variable, &["time"], F64(cells), "")]);
    };
    one("t.nc", &[0.0, 1.0, 2.0], "t", &[0.0, 1.0, 2.0]);
    one("p.nc", &[1.0, 3.0], "p", &[5.0, 6.0]);
    let of = |expr, files: &[&str]| evaluated(folder, expr, files, "").2;
    let both = ["t.nc", "p.nc"];
    assert_eq!(of("d.time * 1", &both), some(&[0.0, 1.0, 2.0, 3.0]));
    assert_eq!(of("d.t", &both), [Some(0.0), Some(1.0), Some(2.0), None]);
    assert_eq!(of("d.p", &both), [None, Some(5.0), None, Some(6.0)]);
    // Interleaved: every label of a variable lies in one group.
    write(&folder.join("odd.nc"), &[1.0, 3.0], &[("t", &["time"], F64(&[11.0, 13.0]), ""), ("q", &["time"], I16(&[1, 3]), "")]);
    one("even.nc", &[0.0, 2.0], "t", &[10.0, 12.0]);
    let woven = ["odd.nc", "even.nc"];
    assert_eq!(of("d.t", &woven), some(&[10.0, 11.0, 12.0, 13.0]));
    assert_eq!(of("d.q", &woven), [None, Some(1.0), None, Some(3.0)]);
    // At the same labels, values would have to be compared.
    let open = |name: &str| format!("d={}", folder.join(name).display());
    let told = xeng(&["eval", "d.t", "--open", &open("t.nc"), "--open", &open("odd.nc")]).failed(2).stderr;
    assert!(told.contains("t.nc and") && told.contains("odd.nc both hold it"), "{told}");
    one("near.nc", &[0.0, 1.000_000_1, 2.0], "p", &[1.0, 2.0, 3.0]);
    let told = xeng(&["eval", "d.t", "--open", &open("t.nc"), "--open", &open("near.nc")]).failed(2).stderr;
    assert!(told.contains("nearly but not quite"), "{told}");
}

#[test]
fn coordinates_that_some_files_lack_stand_or_are_left_out_as_xarray_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let t = [1.0, 2.0];
    write(&folder.join("with.nc"), &[0.0, 1.0], &[("t", &["time"], F64(&t), "height"), ("height", &[], F64(&[2.0]), "")]);
    write(&folder.join("without.nc"), &[2.0, 3.0], &[("t", &["time"], F64(&t), "")]);
    write(&folder.join("again.nc"), &[4.0, 5.0], &[("t", &["time"], F64(&t), "height"), ("height", &[], F64(&[2.0]), "")]);
    let opens = |files: &[&str]| -> Vec<String> {
        files.iter().flat_map(|f| ["--open".to_owned(), format!("d={}", folder.join(f).display())]).collect()
    };
    let run = |expr: &str, files: &[&str]| {
        let opens = opens(files);
        let args: Vec<&str> = ["eval", expr].into_iter().chain(opens.iter().map(String::as_str)).collect();
        xeng(&args)
    };
    assert!(run("d.t", &["with.nc", "without.nc"]).succeeded().stdout.contains("height     float64 8B 2.0"));
    assert!(run("d.t", &["without.nc", "again.nc"]).succeeded().stdout.contains("height     float64 8B 2.0"));
    // xarray refuses these: 'height' is not present in all datasets.
    let told = run("d.t", &["with.nc", "without.nc", "again.nc"]).succeeded();
    assert!(
        told.stderr.contains("'height' is left out") && told.stderr.contains("not in") && !told.stdout.contains("height"),
        "{}",
        told.stderr
    );
    assert!(run("d.height", &["with.nc", "without.nc", "again.nc"]).failed(2).stderr.contains("without.nc"));
}
