//! A dataset that exists as a description alone: hourly fields on a quarter-degree grid, 100 chunks an hour.

use std::sync::Arc;
use xeng::lazy::OpenedDataset;
use xeng_kernels::{AxisChunks, Block, Calendar, DType};
use xeng_proto::{Attrs, Dataset, DatasetSpec, Decode, Kind, TimeEncoding, Times, Values, Variable};

const HOUR_MICROS: i64 = 3_600_000_000;
/// 2000-01-01T00:00:00 in microseconds since 1970.
const START_MICROS: i64 = 946_684_800_000_000;

fn variable(dims: &[(&str, usize, usize)], dtype: DType, kind: Kind, values: Option<Values>) -> Variable {
    Variable {
        dims: dims.iter().map(|d| d.0.to_owned()).collect(),
        chunks: dims.iter().map(|d| AxisChunks::uniform(d.1, d.2)).collect(),
        stored: dtype,
        kind,
        decode: Decode::none(dtype),
        attrs: Attrs::new(),
        filters: vec![],
        is_coordinate: values.is_some(),
        values,
    }
}

fn numbers(dim: &str, cells: Vec<f64>) -> Variable {
    let n = cells.len();
    let block = Block::from_vec(&[n], cells).unwrap();
    variable(&[(dim, n, n)], DType::F64, Kind::Number(DType::F64), Some(Values::Numbers(block)))
}

/// `times` hours of `t2m`.
pub(crate) fn opened(times: usize) -> Arc<OpenedDataset> {
    let encoding = TimeEncoding { units: "hours since 2000-01-01".to_owned(), calendar: Calendar::ProlepticGregorian };
    let micros = (0..times as i64).map(|h| START_MICROS + h * HOUR_MICROS).collect();
    let time = Values::Times(Times { micros, encoding: encoding.clone() });
    let variables = [
        (
            "t2m".to_owned(),
            variable(&[("time", times, 1), ("lat", 721, 73), ("lon", 1440, 144)], DType::F32, Kind::Number(DType::F32), None),
        ),
        ("time".to_owned(), variable(&[("time", times, times)], DType::I64, Kind::Time(encoding), Some(time))),
        ("lat".to_owned(), numbers("lat", (0..721).map(|i| 90.0 - f64::from(i) * 0.25).collect())),
        ("lon".to_owned(), numbers("lon", (0..1440).map(|i| f64::from(i) * 0.25).collect())),
    ];
    let spec = DatasetSpec { uri: "/data/era5.zarr".into(), ..DatasetSpec::default() };
    let description = Dataset {
        spec,
        snapshot: "0".repeat(64),
        files: 1,
        stored_bytes: 1 << 40,
        variables: variables.into_iter().collect(),
        attrs: Attrs::new(),
        unreadable: Default::default(),
    };
    Arc::new(OpenedDataset { alias: "d".to_owned(), region: "far".to_owned(), description })
}

/// Chunks of `t2m`.
pub(crate) fn chunks(opened: &OpenedDataset) -> usize {
    opened.description.variables["t2m"].chunks.iter().map(AxisChunks::count).product()
}
