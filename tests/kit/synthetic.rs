//! Descriptions of datasets that do not exist: as large as one likes, to plan over.

use async_trait::async_trait;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use xeng::planfile::Budget;
use xeng::session::{Session, Setup};
use xeng::topology::{RegionPlace, Topology};
use xeng_kernels::{AxisChunks, Block, Calendar, DType};
use xeng_proto::{
    AnswerStream, Attrs, Dataset, DatasetSpec, Decode, Fragment, Kind, Part, Region, RegionError, Status, TimeEncoding, Times, Traffic,
    Values, Variable,
};

/// Hours that one chunk spans.
const HOURS_PER_CHUNK: usize = 24;
/// Latitudes and longitudes that one chunk spans.
const CELLS_PER_CHUNK: usize = 72;

/// Hourly `t(time, lat, lon)` as `float32` in this many chunks along each axis.
pub(crate) fn dataset(times: usize, lats: usize, lons: usize) -> Dataset {
    let chunks = |n: usize, each: usize| AxisChunks::uniform(n * each, each);
    let axes = [chunks(times, HOURS_PER_CHUNK), chunks(lats, CELLS_PER_CHUNK), chunks(lons, CELLS_PER_CHUNK)];
    let encoding = TimeEncoding { units: "hours since 1900-01-01".to_owned(), calendar: Calendar::ProlepticGregorian };
    // 1940-01-01 is 10957 days before 1970.
    let micros = (0..axes[0].len() as i64).map(|h| (h - 10957 * 24) * 3_600_000_000).collect();
    let degrees = |axis: &AxisChunks, from: f64, span: f64| {
        let cells: Vec<f64> = (0..axis.len()).map(|i| from + span * i as f64 / axis.len() as f64).collect();
        Values::Numbers(Block::from_vec(&[cells.len()], cells).unwrap())
    };
    let mut variables = IndexMap::new();
    let times = Values::Times(Times { micros, encoding: encoding.clone() });
    variables.insert("time".to_owned(), coordinate("time", &axes[0], Kind::Time(encoding), times));
    variables.insert("lat".to_owned(), coordinate("lat", &axes[1], Kind::Number(DType::F64), degrees(&axes[1], -90.0, 180.0)));
    variables.insert("lon".to_owned(), coordinate("lon", &axes[2], Kind::Number(DType::F64), degrees(&axes[2], 0.0, 360.0)));
    let t = Variable {
        dims: ["time", "lat", "lon"].map(str::to_owned).to_vec(),
        chunks: axes.to_vec(),
        stored: DType::F32,
        kind: Kind::Number(DType::F32),
        decode: Decode::none(DType::F32),
        attrs: Attrs::new(),
        filters: vec![],
        is_coordinate: false,
        values: None,
    };
    variables.insert("t".to_owned(), t);
    let spec = DatasetSpec { uri: "synthetic".to_owned(), ..DatasetSpec::default() };
    Dataset {
        spec,
        snapshot: "one".to_owned(),
        files: 1,
        stored_bytes: 1 << 40,
        variables,
        attrs: Attrs::new(),
        unreadable: Default::default(),
    }
}

fn coordinate(name: &str, axis: &AxisChunks, kind: Kind, values: Values) -> Variable {
    let stored = if matches!(kind, Kind::Time(_)) { DType::I64 } else { DType::F64 };
    Variable {
        dims: vec![name.to_owned()],
        chunks: vec![axis.clone()],
        stored,
        kind,
        decode: Decode::none(stored),
        attrs: Attrs::new(),
        filters: vec![],
        is_coordinate: true,
        values: Some(values),
    }
}

/// A region that only describes.
struct Described(Dataset);

#[async_trait]
impl Region for Described {
    fn label(&self) -> String {
        "described".to_owned()
    }

    async fn describe(&self, _: &DatasetSpec) -> Result<Dataset, RegionError> {
        Ok(self.0.clone())
    }

    async fn execute(&self, _: Arc<Fragment>, _: Part) -> Result<AnswerStream, RegionError> {
        Err(RegionError::unavailable("there is only a description"))
    }

    async fn status(&self) -> Result<Status, RegionError> {
        Ok(Status::default())
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// A session whose regions, thought to be far away, hold one described dataset each.
pub(crate) fn session(of: &[(&str, &str, Dataset)]) -> Session {
    session_with(of, Budget::default())
}

/// As [`session`], with a budget.
pub(crate) fn session_with(of: &[(&str, &str, Dataset)], budget: Budget) -> Session {
    let place = || RegionPlace { endpoints: vec!["http://127.0.0.1:1".to_owned()], ..RegionPlace::default() };
    let regions: BTreeMap<String, RegionPlace> = of.iter().map(|(_, region, _)| ((*region).to_owned(), place())).collect();
    let topology = Topology { home: Some("home".to_owned()), regions, ..Topology::default() };
    let mut session = Session::start(Setup { topology, budget, threads: Some(1), ..Setup::default() }).unwrap();
    for (_, region, dataset) in of {
        session.answer_with(region, vec![Arc::new(Described(dataset.clone()))]);
    }
    session
}
