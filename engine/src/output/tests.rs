//! Every format, with every kind of cells; what happens on errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::result::Coordinate;
use xeng_kernels::{Block, Calendar, DType};
use xeng_proto::{AttrValue, Attrs, TimeEncoding, Times, Values};

fn attrs(pairs: &[(&str, &str)]) -> Attrs {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), AttrValue::Text((*v).to_owned()))).collect()
}

fn coord(name: &str, dims: &[&str], shape: &[usize], values: Values) -> Coordinate {
    Coordinate { name: name.into(), dims: dims.iter().map(|d| (*d).into()).collect(), shape: shape.into(), values, attrs: Attrs::new() }
}

fn floats(shape: &[usize], cells: Vec<f64>) -> Values {
    Values::Numbers(Block::from_vec(shape, cells).unwrap())
}

/// `t2m(time, lat, lon)` with a missing cell, a scalar height and texts along time.
fn sample() -> Array {
    let noon = 43_200_000_000;
    let encoding = TimeEncoding { units: "days since 1970-01-01".into(), calendar: Calendar::NoLeap };
    let mut cells: Vec<f32> = (0..24).map(|i| i as f32 * 0.5).collect();
    cells[5] = f32::NAN;
    Array {
        name: Some("t2m".into()),
        dims: vec!["time".into(), "lat".into(), "lon".into()],
        shape: vec![2, 3, 4],
        values: Values::Numbers(Block::from_vec(&[2, 3, 4], cells).unwrap()),
        attrs: attrs(&[("units", "K"), ("long_name", "2 metre temperature"), ("_FillValue", "lies")]),
        coords: vec![
            coord("time", &["time"], &[2], Values::Times(Times { micros: vec![noon, 3 * noon], encoding })),
            coord("lat", &["lat"], &[3], floats(&[3], vec![60.0, 0.0, -60.0])),
            coord("lon", &["lon"], &[4], floats(&[4], vec![0.0, 90.0, 180.0, 270.0])),
            coord("height", &[], &[], floats(&[], vec![2.0])),
            coord("season", &["time"], &[2], Values::Texts(vec!["dry".into(), "wet, \"very\"".into()])),
        ],
    }
}

fn written(outcome: &Outcome, name: &str) -> (tempfile::TempDir, std::path::PathBuf, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let bytes = write(outcome, &path, &Style::default()).unwrap();
    (folder, path, bytes)
}

#[test]
fn netcdf_reads_back() {
    let (_folder, path, bytes) = written(&Outcome::Array(sample()), "a.nc");
    assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
    let file = netcdf_reader::NcFile::open(&path).unwrap();
    let cells: Vec<f64> = file.read_variable_as_f64("t2m").unwrap().iter().copied().collect();
    assert_eq!(cells.len(), 24);
    assert!(cells[5].is_nan() && cells[6] == 3.0);
    assert_eq!(file.read_variable_as_f64("time").unwrap().iter().copied().collect::<Vec<_>>(), [0.5, 1.5]);
    assert_eq!(file.read_variable_as_strings("season").unwrap(), ["dry", "wet, \"very\""]);
    let variable = file.variable("t2m").unwrap();
    let attribute = |name: &str| variable.attributes().iter().find(|a| a.name == name).and_then(|a| a.value.as_string());
    assert_eq!(attribute("coordinates").as_deref(), Some("height season"));
    assert_eq!(attribute("units").as_deref(), Some("K"));
    let lat = file.variable("lat").unwrap();
    assert!(lat.attributes().iter().any(|a| a.name == "units" && a.value.as_string().as_deref() == Some("degrees_north")));
}

#[test]
fn attributes_that_came_with_the_data_stay_as_they_are() {
    let mut array = sample();
    array.attrs.insert("grid_mapping".into(), AttrValue::Text("crs".into()));
    array.coords[1].attrs = attrs(&[("units", "degrees_north"), ("bounds", "lat_bnds")]);
    let (_folder, path, _) = written(&Outcome::Array(array), "a.nc");
    let file = netcdf_reader::NcFile::open(&path).unwrap();
    let names = |v: &str| file.variable(v).unwrap().attributes().iter().map(|a| a.name.clone()).collect::<Vec<_>>();
    let lat = names("lat");
    assert!(lat.contains(&"bounds".to_owned()) && !lat.contains(&"axis".to_owned()), "{lat:?}");
    assert!(names("t2m").contains(&"grid_mapping".to_owned()));
}

#[test]
fn columns_have_names_of_their_own() {
    let mut array = sample();
    array.name = Some("lat".into());
    let (_folder, path, _) = written(&Outcome::Array(array), "a.csv");
    let header = std::fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(header, "time,lat,lon,height,season,result");
}

#[test]
fn every_element_type_survives_netcdf_and_zarr() {
    for dtype in DType::ALL {
        let values = Values::Numbers(Block::from_vec(&[3], vec![0.0, 1.0, 1.0]).unwrap().cast(dtype));
        let array = Array { name: None, dims: vec!["x".into()], shape: vec![3], values, attrs: Attrs::new(), coords: vec![] };
        let (_folder, path, _) = written(&Outcome::Array(array.clone()), "a.nc");
        let file = netcdf_reader::NcFile::open(&path).unwrap();
        assert_eq!(file.read_variable_as_f64("result").unwrap().iter().copied().collect::<Vec<_>>(), [0.0, 1.0, 1.0], "{dtype}");
        let (_folder, path, _) = written(&Outcome::Array(array), "a.zarr");
        let store = std::sync::Arc::new(zarrs::filesystem::FilesystemStore::new(&path).unwrap());
        let read = zarrs::array::Array::open(store, "/result").unwrap();
        assert_eq!(read.shape(), [3], "{dtype}");
    }
}

#[test]
fn large_arrays_are_chunked_and_right() {
    let cells: Vec<f64> = (0..1_200_000).map(|i| f64::from(i % 977)).collect();
    let array = Array {
        name: Some("big".into()),
        dims: vec!["y".into(), "x".into()],
        shape: vec![1200, 1000],
        values: floats(&[1200, 1000], cells.clone()),
        attrs: Attrs::new(),
        coords: vec![],
    };
    let (_folder, path, bytes) = written(&Outcome::Array(array.clone()), "a.nc");
    assert!(bytes < 4_000_000, "{bytes} bytes");
    let file = netcdf_reader::NcFile::open(&path).unwrap();
    assert!(file.read_variable_as_f64("big").unwrap().iter().eq(cells.iter()));
    let (_folder, path, _) = written(&Outcome::Array(array), "a.zarr");
    let store = std::sync::Arc::new(zarrs::filesystem::FilesystemStore::new(&path).unwrap());
    let read = zarrs::array::Array::open(store, "/big").unwrap();
    let all: Vec<f64> = read.retrieve_array_subset(&zarrs::array::ArraySubset::new_with_shape(vec![1200, 1000])).unwrap();
    assert_eq!(all, cells);
    assert!(path.join("big/c/2/0").exists());
}

#[test]
fn json_is_xarrays_dictionary() {
    let (_folder, path, _) = written(&Outcome::Array(sample()), "a.json");
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(json["dims"], serde_json::json!(["time", "lat", "lon"]));
    assert_eq!(json["data"][0][1], serde_json::json!([2.0, null, 3.0, 3.5]));
    assert_eq!(json["coords"]["time"]["data"], serde_json::json!(["1970-01-01T12:00:00", "1970-01-02T12:00:00"]));
    assert_eq!(json["coords"]["time"]["calendar"], "noleap");
    assert_eq!(json["coords"]["height"]["data"], 2.0);
}

#[test]
fn csv_has_a_row_per_cell() {
    let (_folder, path, _) = written(&Outcome::Array(sample()), "a.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 25);
    assert_eq!(lines[0], "time,lat,lon,height,season,t2m");
    assert_eq!(lines[6], "1970-01-01T12:00:00,0.0,90.0,2.0,dry,");
    assert_eq!(lines[24], "1970-01-02T12:00:00,-60.0,270.0,2.0,\"wet, \"\"very\"\"\",11.5");
}

/// The only column of its type, and its cells.
fn parquet_column<T: std::any::Any + Clone>(path: &Path, name: &str) -> (arrow_schema::Field, Vec<T>) {
    let file = std::fs::File::open(path).unwrap();
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let field = reader.schema().field_with_name(name).unwrap().clone();
    let batches = reader.build().unwrap().map(|batch| batch.unwrap().column_by_name(name).unwrap().clone());
    (field, batches.map(|column| column.as_any().downcast_ref::<T>().unwrap().clone()).collect())
}

#[test]
fn parquet_has_a_row_per_cell_with_types() {
    use arrow_array::{Array as _, Float32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    let mut array = sample();
    let (_folder, path, bytes) = written(&Outcome::Array(array.clone()), "a.parquet");
    assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
    let (field, cells) = parquet_column::<Float32Array>(&path, "t2m");
    assert_eq!((field.metadata()["units"].as_str(), field.is_nullable()), ("K", false));
    assert_eq!((cells[0].len(), cells[0].value(6), cells[0].value(23)), (24, 3.0, 11.5));
    assert!(cells[0].value(5).is_nan());
    assert_eq!(parquet_column::<Float64Array>(&path, "lon").1[0].value(6), 180.0);
    // Another calendar than the Gregorian one has no timestamps.
    assert_eq!(parquet_column::<StringArray>(&path, "time").1[0].value(12), "1970-01-02T12:00:00");
    assert_eq!(parquet_column::<StringArray>(&path, "season").1[0].value(12), "wet, \"very\"");
    let times =
        |calendar, micros| Values::Times(Times { micros, encoding: TimeEncoding { units: "days since 1970-01-01".into(), calendar } });
    array.coords[0].values = times(Calendar::Standard, vec![7, xeng_kernels::calendar::NAT]);
    let (_folder, path, _) = written(&Outcome::Array(array.clone()), "a.parquet");
    let stamps = &parquet_column::<TimestampMicrosecondArray>(&path, "time").1[0];
    assert!(stamps.value(11) == 7 && stamps.is_null(12));
    // Before 1582 the standard calendar is Julian: its dates are no timestamps.
    array.coords[0].values = times(Calendar::Standard, vec![-12_219_292_800_000_001, 0]);
    let (_folder, path, _) = written(&Outcome::Array(array.clone()), "a.parquet");
    assert_eq!(parquet_column::<StringArray>(&path, "time").1[0].value(0), "1582-10-04T23:59:59.999999");
    array.coords.clear();
    let (_folder, path, _) = written(&Outcome::Array(array), "a.parquet");
    assert_eq!(parquet_column::<Int64Array>(&path, "lon").1[0].value(6), 2);
}

/// More rows than are encoded together.
#[test]
fn parquet_is_written_piece_by_piece() {
    let cells: Vec<i16> = (0..20_000).map(|i| (i % 1000) as i16).collect();
    let values = Values::Numbers(Block::from_vec(&[200, 100], cells.clone()).unwrap());
    let dims = vec!["y".into(), "x".into()];
    let array = Array { name: Some("n".into()), dims, shape: vec![200, 100], values, attrs: Attrs::new(), coords: vec![] };
    let (_folder, path, _) = written(&Outcome::Array(array), "a.parquet");
    let (_, read) = parquet_column::<arrow_array::Int16Array>(&path, "n");
    let read: Vec<i16> = read.iter().flat_map(|batch| batch.values().to_vec()).collect();
    assert_eq!(read, cells);
    let (_, y) = parquet_column::<arrow_array::Int64Array>(&path, "y");
    let y: Vec<i64> = y.iter().flat_map(|batch| batch.values().to_vec()).collect();
    assert_eq!((y.len(), y[19_999], y[8192]), (20_000, 199, 81));
}

#[test]
fn datasets_share_coordinates_and_refuse_contradictions() {
    let (a, mut b) = (sample(), sample());
    b.name = Some("other".into());
    let dataset = |a: &Array, b: &Array| Outcome::Dataset { arrays: vec![a.clone(), b.clone()], attrs: attrs(&[("title", "both")]) };
    let (_folder, path, _) = written(&dataset(&a, &b), "a.nc");
    let file = netcdf_reader::NcFile::open(path).unwrap();
    assert_eq!(file.variables().unwrap().len(), 7);
    b.coords[1].values = floats(&[3], vec![61.0, 0.0, -60.0]);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.nc", "a.zarr", "a.csv", "a.parquet"] {
        let error = write(&dataset(&a, &b), &folder.path().join(name), &Style::default()).unwrap_err();
        assert!(matches!(error, OutputError::Conflict { .. }), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn errors_leave_nothing_behind_and_old_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = Outcome::Array(sample());
    let to = |name: &str| write(&outcome, &folder.path().join(name), &Style::default());
    assert!(matches!(to("a.grib"), Err(OutputError::Ending { .. })));
    assert!(matches!(to("missing/a.nc"), Err(OutputError::File { .. })));
    std::fs::create_dir(folder.path().join("mine.zarr")).unwrap();
    std::fs::write(folder.path().join("mine.zarr/thesis.txt"), "years").unwrap();
    assert!(matches!(to("mine.zarr"), Err(OutputError::File { .. })));
    std::fs::write(folder.path().join("old.nc"), "old").unwrap();
    let mut wrong = sample();
    wrong.name = Some("a/b".into());
    assert!(write(&Outcome::Array(wrong.clone()), &folder.path().join("old.nc"), &Style::default()).is_err());
    assert!(write(&Outcome::Array(wrong), &folder.path().join("new.zarr"), &Style::default()).is_err());
    assert_eq!(std::fs::read_to_string(folder.path().join("old.nc")).unwrap(), "old");
    let mut malformed = sample();
    malformed.shape = vec![2, 3, 5];
    assert!(matches!(
        write(&Outcome::Array(malformed), &folder.path().join("b.nc"), &Style::default()),
        Err(OutputError::Malformed { .. })
    ));
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["mine.zarr", "old.nc"]);
    to("old.nc").unwrap();
    to("store.zarr").unwrap();
    to("store.zarr").unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let mut full = std::io::BufWriter::new(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let failed = json::write(&Outcome::Array(sample()), &mut full).and_then(|()| Ok(std::io::Write::flush(&mut full)?));
    assert!(matches!(failed, Err(OutputError::Io(_))));
}

#[test]
fn pictures_have_the_size_asked_for_and_are_not_blank() {
    let mut map = sample();
    let style = Style { width_px: 800, height_px: 600, ..Style::default() };
    for (panels, dims) in [(2, 3), (1, 2)] {
        if dims == 2 {
            map.dims.remove(0);
            map.shape.remove(0);
            map.coords.retain(|c| !c.dims.contains(&"time".to_owned()));
            map.values = Values::Numbers(Block::filled(DType::F32, &[3, 4], 1.5));
        }
        let png = plot::png(&Outcome::Array(map.clone()), &style).unwrap();
        let picture = tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (800, 600));
        let ink = picture.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) != (255, 255, 255)).count();
        assert!(ink > 40_000 && ink < 400_000, "{panels} panels, {ink} pixels");
    }
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let scalar = Array { name: None, dims: vec![], shape: vec![], values: floats(&[], vec![1.0]), attrs: Attrs::new(), coords: vec![] };
    assert_eq!(plot::png(&Outcome::Array(scalar), &Style::default()), Err(plot::PlotError::Scalar));
    let many = Array {
        dims: vec!["n".into(), "y".into(), "x".into()],
        shape: vec![13, 2, 2],
        values: floats(&[13, 2, 2], vec![0.0; 52]),
        ..sample_without_coords()
    };
    assert!(matches!(plot::png(&Outcome::Array(many), &Style::default()), Err(plot::PlotError::Panels { panels: 13, .. })));
}

fn sample_without_coords() -> Array {
    Array { coords: vec![], ..sample() }
}

#[test]
fn repr_tells_the_shape_the_numbers_and_the_coordinates() {
    let text = repr(&Outcome::Array(sample()));
    for part in
        ["<xeng.Array 't2m' (time: 2, lat: 3, lon: 4)> float32 96B", "nan", "* time", "1970-01-01T12:00:00", "[noleap]", "units:", "height"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let mut big = sample();
    (big.dims, big.shape, big.coords) = (vec!["x".into()], vec![100_000], vec![]);
    big.values = Values::Numbers(Block::filled(DType::F64, &[100_000], 0.1));
    assert!(repr(&Outcome::Array(big)).len() < 1000);
}

#[test]
fn results_without_cells_are_written() {
    let mut array = sample_without_coords();
    array.dims = vec!["time".into(), "lat".into()];
    array.shape = vec![0, 3];
    array.values = floats(&[0, 3], vec![]);
    let (_folder, path, _) = written(&Outcome::Array(array.clone()), "a.nc");
    let file = netcdf_reader::NcFile::open(&path).unwrap();
    assert_eq!(file.variable("t2m").unwrap().shape(), [0, 3]);
    written(&Outcome::Array(array.clone()), "a.zarr");
    written(&Outcome::Array(array), "a.csv");
}

#[test]
fn texts_of_one_width_share_a_dimension() {
    let mut array = sample();
    let texts = |a: &str, b: &str| Values::Texts(vec![a.into(), b.into()]);
    array.coords.retain(|c| c.name != "season");
    array.coords.push(coord("one", &["time"], &[2], texts("ab", "\u{e9}")));
    array.coords.push(coord("two", &["time"], &[2], texts("", "xy")));
    array.coords.push(coord("name", &[], &[], Values::Texts(vec!["a longer one".into()])));
    let (_folder, path, _) = written(&Outcome::Array(array.clone()), "a.nc");
    let file = netcdf_reader::NcFile::open(&path).unwrap();
    assert_eq!(file.read_variable_as_strings("one").unwrap(), ["ab", "\u{e9}"]);
    assert_eq!(file.read_variable_as_strings("two").unwrap(), ["", "xy"]);
    assert_eq!(file.read_variable_as_strings("name").unwrap(), ["a longer one"]);
    assert_eq!(file.variable("one").unwrap().shape(), [2, 2]);
    array.coords.push(coord("nul", &["time"], &[2], texts("a\0b", "")));
    let folder = tempfile::tempdir().unwrap();
    let refused = write(&Outcome::Array(array), &folder.path().join("a.nc"), &Style::default());
    assert!(matches!(refused, Err(OutputError::Unsupported { format: "NetCDF", .. })));
}

#[test]
fn paths_that_cannot_be_written_are_refused_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    check_path(&at("new.nc")).unwrap();
    check_path(&at("new.zarr")).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no trace is left");
    std::fs::create_dir(at("folder.nc")).unwrap();
    std::fs::create_dir(at("full.zarr")).unwrap();
    std::fs::write(at("full.zarr/file"), "x").unwrap();
    for (name, why) in
        [("absent/new.nc", "there is no folder"), ("folder.nc", "it is a directory"), ("full.zarr", "no Zarr store is there already")]
    {
        let error = crate::error::Error::from(check_path(&at(name)).unwrap_err());
        assert!(error.message.contains(why) && error.hint.is_some() && error.exit_code() == 2, "{error}");
    }
    assert!(matches!(check_path(&at("a.foo")), Err(OutputError::Ending { .. })));
}
