//! GRIB-2 files that ecCodes wrote, against what ecCodes reads of them. See `tests-data/README.md`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod messages;

use super::open;
use crate::open::OpenDataset;
use crate::source::read;
use crate::store::{Object, Stores};
use std::sync::Arc;
use xeng_kernels::Block;
use xeng_proto::{DatasetSpec, ErrorKind, RegionError, Values, Variable};

const ROWS: usize = 12;
const COLUMNS: usize = 16;

fn sample(name: &str) -> &'static [u8] {
    match name {
        "simple" => include_bytes!("../../../tests-data/grib/simple.grib2"),
        "complex" => include_bytes!("../../../tests-data/grib/complex.grib2"),
        "differences" => include_bytes!("../../../tests-data/grib/differences.grib2"),
        "ccsds" => include_bytes!("../../../tests-data/grib/ccsds.grib2"),
        "png" => include_bytes!("../../../tests-data/grib/png.grib2"),
        "jpeg" => include_bytes!("../../../tests-data/grib/jpeg.grib2"),
        "ieee" => include_bytes!("../../../tests-data/grib/ieee.grib2"),
        "cube" => include_bytes!("../../../tests-data/grib/cube.grib2"),
        "members" => include_bytes!("../../../tests-data/grib/members.grib2"),
        "scan" => include_bytes!("../../../tests-data/grib/scan.grib2"),
        other => panic!("no sample {other}"),
    }
}

/// Opens bytes as a file.
fn try_open(bytes: &[u8], group: Option<&str>) -> Result<OpenDataset, RegionError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.grib2");
    std::fs::write(&path, bytes).unwrap();
    let uri = path.to_str().unwrap().to_owned();
    let spec = DatasetSpec { uri, group: group.map(str::to_owned), ..DatasetSpec::default() };
    crate::open(&Stores::default(), &spec)
}

fn opened(bytes: &[u8], group: &str) -> OpenDataset {
    try_open(bytes, Some(group)).unwrap()
}

fn told(bytes: &[u8]) -> String {
    let e = try_open(bytes, None).err().unwrap();
    assert_eq!(e.kind, ErrorKind::Data, "{e}");
    e.message
}

/// A field of a variable as its bits, by its position along the dimensions before those of the grid.
fn field(dataset: &OpenDataset, variable: &str, at: &[usize]) -> Vec<f32> {
    let chunk = [at, &[0, 0]].concat();
    read(dataset.source(variable).unwrap().as_ref(), &chunk).unwrap().as_slice::<f32>().unwrap().to_vec()
}

fn labels(dataset: &OpenDataset, name: &str) -> Vec<f64> {
    match dataset.description.variables.get(name).and_then(|v| v.values.as_ref()) {
        Some(Values::Numbers(block)) => block.to_f64_vec(),
        Some(Values::Times(times)) => times.micros.iter().map(|&m| m as f64 / 3.6e9).collect(),
        other => panic!("{name}: {other:?}"),
    }
}

fn variable<'a>(dataset: &'a OpenDataset, name: &str) -> &'a Variable {
    &dataset.description.variables[name]
}

fn attr(dataset: &OpenDataset, of: &str, name: &str) -> String {
    match variable(dataset, of).attrs.get(name) {
        Some(xeng_proto::AttrValue::Text(text)) => text.clone(),
        Some(xeng_proto::AttrValue::Numbers(block)) => block.to_f64_vec()[0].to_string(),
        other => panic!("{of}: {name}: {other:?}"),
    }
}

#[test]
fn values_of_every_packing_are_those_of_eccodes_bit_for_bit() {
    let expected = include_bytes!("../../../tests-data/grib/expected.f32").as_chunks::<4>().0;
    let mut fields = expected.chunks_exact(ROWS * COLUMNS);
    let mut missing = 0;
    for (name, filter) in [
        ("simple", "grid_simple"),
        ("complex", "grid_complex"),
        ("differences", "grid_complex_spatial_differencing"),
        ("ccsds", "grid_ccsds"),
        ("png", "grid_png"),
        ("jpeg", "grid_jpeg"),
        ("ieee", "grid_ieee"),
    ] {
        let dataset = opened(sample(name), "");
        assert!(variable(&dataset, "t2m").filters.iter().any(|f| f == filter), "{name}");
        let steps = labels(&dataset, "step").len();
        for step in 0..steps {
            let at: &[usize] = if steps > 1 { &[step] } else { &[] };
            let bits = |n: f32| if n.is_nan() { None } else { Some(n.to_bits()) };
            let got: Vec<_> = field(&dataset, "t2m", at).into_iter().map(bits).collect();
            let want: Vec<_> = fields.next().unwrap().iter().map(|b| bits(f32::from_le_bytes(*b))).collect();
            assert_eq!(got, want, "{name}, field {step}");
            missing += want.iter().filter(|n| n.is_none()).count();
        }
    }
    assert!(fields.next().is_none() && missing > 500);
}

#[test]
fn fields_lie_where_time_step_and_level_say_in_whatever_order_they_come() {
    let dataset = opened(sample("cube"), "");
    assert_eq!(variable(&dataset, "t").dims, ["time", "step", "isobaricInhPa", "latitude", "longitude"]);
    assert_eq!(labels(&dataset, "isobaricInhPa"), [850.0, 500.0]);
    assert_eq!(labels(&dataset, "step"), [0.0, 6.0]);
    assert_eq!(labels(&dataset, "latitude"), [60.0, 59.5, 59.0, 58.5, 58.0]);
    assert_eq!(labels(&dataset, "longitude"), [5.0, 5.5, 6.0, 6.5, 7.0, 7.5]);
    let day = labels(&dataset, "time")[0];
    assert_eq!(day, 19783.0 * 24.0);
    let valid = read(dataset.source("valid_time").unwrap().as_ref(), &[0, 0]).unwrap();
    assert_eq!(valid.to_i64_vec(), [0, 6, 24, 30].map(|hours| (day as i64 + hours) * 3600));
    assert_eq!(variable(&dataset, "valid_time").dims, ["time", "step"]);
    assert_eq!(variable(&dataset, "heightAboveGround").dims, [""; 0]);
    assert_eq!(labels(&dataset, "heightAboveGround"), [2.0]);
    // Each of the 16 messages counts on from 1000 times its number: two levels, t2m, u10 of each step of each day.
    for (time, step, level) in [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)] {
        let first = 1000.0 * (8 * time + 4 * step + 1 - level) as f32;
        let got = field(&dataset, "t", &[time, step, level]);
        assert!(got.iter().zip(0..).all(|(n, at)| (n - (first + at as f32)).abs() < 0.01), "{time} {step} {level}: {got:?}");
        assert!((field(&dataset, "t2m", &[time, step])[7] - (1000.0 * (8 * time + 4 * step + 2) as f32 + 7.0)).abs() < 0.01);
    }
    for (name, text) in [("GRIB_shortName", "2t"), ("units", "K"), ("long_name", "2 metre temperature"), ("GRIB_paramId", "167")] {
        assert_eq!(attr(&dataset, "t2m", name), text);
    }
    assert_eq!(attr(&dataset, "t", "standard_name"), "air_temperature");
    assert_eq!(attr(&dataset, "latitude", "stored_direction"), "decreasing");
}

#[test]
fn what_contradicts_the_rest_is_left_out_and_opens_as_a_group() {
    let dataset = opened(sample("cube"), "");
    let reason = &dataset.unreadable["u10"];
    assert!(reason.contains("its heightAboveGround is 10, and that of t2m is 2"), "{reason}");
    assert!(dataset.unreadable["tp"].contains("its time is"), "{:?}", dataset.unreadable);
    assert!(dataset.source("u10").err().unwrap().message.contains("group="));

    let wind = opened(sample("cube"), "heightAboveGround/10");
    assert_eq!(wind.variables.keys().filter(|k| variable(&wind, k).dims.len() > 2).collect::<Vec<_>>(), ["u10"]);
    assert!((field(&wind, "u10", &[1, 1])[3] - 15_003.0).abs() < 0.01);
    let rain = opened(sample("cube"), "accum");
    assert_eq!(labels(&rain, "step"), [6.0]);
    assert_eq!(variable(&rain, "tp").dims, ["latitude", "longitude"]);
    assert_eq!(attr(&rain, "tp", "GRIB_stepType"), "accum");
    assert!(opened(sample("cube"), "tp").unreadable.is_empty());
    let e = try_open(sample("cube"), Some("surface/max")).err().unwrap();
    assert_eq!((e.kind, e.message.contains("no field is of group 'max'; there are accum")), (ErrorKind::Request, true), "{e}");
}

#[test]
fn members_are_a_dimension() {
    let dataset = opened(sample("members"), "");
    assert_eq!(variable(&dataset, "t2m").dims, ["number", "latitude", "longitude"]);
    assert_eq!(labels(&dataset, "number"), [0.0, 1.0, 2.0]);
    assert!((field(&dataset, "t2m", &[2])[4] - 204.0).abs() < 0.01);
    assert_eq!(attr(&dataset, "t2m", "GRIB_totalNumber"), "3");
}

#[test]
fn every_scanning_mode_puts_values_at_their_latitudes_and_longitudes() {
    let messages: Vec<&[u8]> = sample("scan").chunks(269).collect();
    assert_eq!(messages.len(), 16);
    for (mode, message) in messages.into_iter().enumerate() {
        let dataset = opened(message, "");
        let (latitudes, longitudes) = (labels(&dataset, "latitude"), labels(&dataset, "longitude"));
        assert_eq!((latitudes[0] < latitudes[4], longitudes[0] > longitudes[5]), (mode & 4 != 0, mode & 8 != 0), "mode {mode:04b}");
        let want = latitudes.iter().flat_map(|lat| longitudes.iter().map(move |lon| 100.0 * lat + lon));
        for (at, (got, want)) in field(&dataset, "t2m", &[]).into_iter().zip(want).enumerate() {
            assert!((f64::from(got) - want).abs() < 0.01, "mode {mode:04b}, point {at}: {got} for {want}");
        }
    }
    let e = try_open(sample("scan"), None).unwrap();
    assert!(e.unreadable["t2m"].contains("several grids"), "{:?}", e.unreadable);
}

#[test]
fn headers_alone_are_read_when_a_file_is_opened() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    #[derive(Debug)]
    struct Counted(bytes::Bytes, AtomicU64);
    impl Object for Counted {
        fn name(&self) -> &str {
            "counted"
        }
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn version(&self) -> &str {
            ""
        }
        fn read(&self, offset: u64, len: usize) -> Result<bytes::Bytes, RegionError> {
            self.1.fetch_add(len as u64, Relaxed);
            Ok(self.0.slice(offset as usize..offset as usize + len))
        }
    }
    // 20 fields of 4 MB each.
    let bytes = messages::large(20, 1000, 1000);
    let counted = Arc::new(Counted(bytes.into(), AtomicU64::new(0)));
    let file: Arc<dyn Object> = counted.clone();
    let raw = open(&file, false, "").unwrap();
    assert_eq!(raw.variables["t2m"].shape(), [20, 1000, 1000]);
    let read = counted.1.load(Relaxed);
    assert!(counted.0.len() > 80_000_000 && read < 200_000, "{read} of {} bytes", counted.0.len());
}

fn block(values: &[f32]) -> Block {
    Block::from_vec(&[values.len()], values.to_vec()).unwrap()
}
