#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::answer::{Account, Answer, Piece, Progress, Written};
use crate::coverage::Coverage;
use crate::dataset::*;
use crate::error::ErrorKind;
use crate::fragment::{DatasetUse, Fragment, SourceUse, Task, Write};
use crate::store::{StoreFile, StoreStep, StoreTarget};
use proptest::prelude::*;
use prost::Message;
use std::sync::Arc;
use xeng_kernels::along::{Along, QuantileMethod, Statistic};
use xeng_kernels::formula::{Binary, Step, Unary};
use xeng_kernels::graph::{Groups, Index, InterpMethod};
use xeng_kernels::points::Points;
use xeng_kernels::remap::{RemappedAxis, Weights};
use xeng_kernels::{AxisChunks, Block, Calendar, DType, Dim, Formula, Graph, Op, Partial, Reduction};

/// Through real bytes and back.
fn travelled<T: Wire>(value: &T) -> Result<T, RegionError>
where
    T::Message: Message + Default,
{
    let bytes = value.to_wire().encode_to_vec();
    T::from_wire(T::Message::decode(&bytes[..]).unwrap(), &mut Budget::default())
}

fn size<T: Wire>(value: &T) -> usize
where
    T::Message: Message,
{
    value.to_wire().encoded_len()
}

/// Bit equality: `PartialEq` holds NaN apart from itself and -0 equal to 0.
fn same_bits(a: &Block, b: &Block) -> bool {
    a.dtype() == b.dtype() && a.shape() == b.shape() && a.to_le_bytes() == b.to_le_bytes()
}

fn any_block() -> impl Strategy<Value = Block> {
    let smooth = prop_oneof![Just(true), Just(false)];
    (prop::sample::select(DType::ALL.to_vec()), prop::collection::vec(0usize..7, 0..4), any::<u64>(), smooth).prop_map(
        |(dtype, shape, seed, smooth)| {
            let cells: usize = shape.iter().product();
            let mut state = seed | 1;
            let bytes = (0..cells * dtype.size()).map(|i| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let byte = if smooth { (i / dtype.size()) as u8 } else { (state >> 56) as u8 };
                if dtype == DType::Bool { byte & 1 } else { byte }
            });
            Block::from_le_bytes(dtype, &shape, &bytes.collect::<Vec<u8>>()).unwrap()
        },
    )
}

fn graph(hours: usize, codes: Vec<i32>, groups: usize, to: Vec<f64>) -> Graph {
    let mut g = Graph::new();
    let dims = vec![Dim::new("time", hours), Dim::new("latitude", 721), Dim::new("longitude", 1440)];
    let scan = g.scan(0, dims, DType::F32);
    let mut f = Formula::new(&[DType::F32]);
    let x = f.push(Step::Input(0), DType::F32).unwrap();
    let k = f.push(Step::Literal(Formula::literal_bits(DType::F32, -273.15)), DType::F32).unwrap();
    let y = f.push(Step::Binary(Binary::Add, x, k), DType::F32).unwrap();
    let c = f.push(Step::Unary(Unary::IsNan, y), DType::Bool).unwrap();
    f.push(Step::Select(c, k, y), DType::F32).unwrap();
    let map = g.push(Op::Map { formula: Arc::new(f), inputs: vec![scan] }).unwrap();
    let from: Vec<f64> = (0..721).map(|i| 90.0 - i as f64 * 0.25).collect();
    let interp = g.push(Op::Interp { input: map, axis: 1, from: from.into(), to: to.into(), method: InterpMethod::Linear }).unwrap();
    let by = Groups { axis: 0, codes: codes.into(), dim: Dim::new("group", groups) };
    let mean = g.push(Op::Reduce { input: interp, reduction: Reduction::Mean { skipna: true }, axes: vec![], groups: Some(by) }).unwrap();
    let order = g.push(Op::Transpose { input: mean, order: vec![2, 0, 1] }).unwrap();
    let x: Arc<[f64]> = (0..1440).map(f64::from).collect();
    let halves = (Arc::from([vec![0; 720], vec![-1; 720]].concat()), 2);
    let far = x.clone();
    for along in [
        Along::Rolling { window: 5, before: 2, min_periods: 3, statistic: Statistic::Deviation { ddof: 1 } },
        Along::Cumulate { multiplies: true, skips_missing: false, groups: Some(halves.clone()) },
        Along::Fill { forward: false, limit: Some(3) },
        Along::Bridge { x: x.clone(), limit: None, max_gap: Some(2.5), nearest: false, beyond: false },
        Along::Fit { x: x.clone(), degree: 2, skips_missing: true },
        Along::Gradient { x, edge_order: 2 },
        Along::Median { skips_missing: true, groups: None },
        Along::Rank { percent: true },
        Along::Bridge { x: far, limit: Some(2), max_gap: None, nearest: true, beyond: true },
        Along::Quantile { q: 0.5, method: QuantileMethod::Hazen, skips_missing: true, groups: None },
        Along::Quantile { q: 0.9, method: QuantileMethod::Nearest, skips_missing: true, groups: Some(halves) },
    ] {
        let joined = if along.is_of_order() { vec![1] } else { vec![] };
        g.push(Op::Along { input: order, axis: 0, joined, along }).unwrap();
    }
    let weights = Weights::new(1440, &[(0, vec![0.25, 0.75]), (1439, vec![1.0, 2.0])]);
    let axes = vec![RemappedAxis { axis: 0, weights }];
    g.push(Op::Remap { input: order, axes }).unwrap();
    let first =
        g.push(Op::Reduce { input: order, reduction: Reduction::ArgMin { skipna: true, or_none: true }, axes: vec![0], groups: None });
    let table = Arc::new(Block::from_vec(&[1440], (0..1440).map(f64::from).collect::<Vec<_>>()).unwrap());
    g.push(Op::Lookup { input: first.unwrap(), table }).unwrap();
    let split = vec![Dim::new("a", 2), Dim::new("b", 720)];
    let cells = g.push(Op::Reshape { input: order, axis: 0, count: 1, dims: split }).unwrap();
    g.push(Op::Reshape { input: cells, axis: 0, count: 2, dims: vec![Dim::new("p", 1440)] }).unwrap();
    let list = g.push(Op::Take { input: order, axis: 0, index: Index::List(vec![3, -1, 7, 0].into()) }).unwrap();
    let range = g.push(Op::Take { input: list, axis: 1, index: Index::Range { start: groups - 1, step: -1, len: groups } }).unwrap();
    let at: Vec<Arc<[i64]>> = vec![vec![3, -1, 7, 0].into(), vec![0, 1, 0, 1].into()];
    let points = Points { axes: vec![0, 1], at, dims: vec![Dim::new("p", 2), Dim::new("q", 2)] };
    g.push(Op::Points { input: order, points: Arc::new(points) }).unwrap();
    let pick = g.push(Op::Pick { input: range, axis: 2, index: 0 }).unwrap();
    let join = g.push(Op::Concat { inputs: vec![pick, pick], axis: 0 }).unwrap();
    let named = g.push(Op::Rename { input: join, names: vec!["x".into(), "y".into()] }).unwrap();
    let wide = g.push(Op::Expand { input: named, axis: 1, dim: Dim::new("member", 3) }).unwrap();
    g.push(Op::Reduce { input: wide, reduction: Reduction::Std { skipna: false, ddof: 1 }, axes: vec![0, 2], groups: None }).unwrap();
    g.constant(&["x".into()], Block::from_vec(&[3], vec![1i16, 2, 3]).unwrap()).unwrap();
    g.given(0, vec![Dim::new("x", 2)], DType::F64);
    g
}

fn fragment(graph: Graph) -> Fragment {
    let spec = DatasetSpec {
        uri: "/data/era5/*.nc".into(),
        concat: Some("time".into()),
        group: None,
        keep_times_encoded: false,
        drop: vec!["u".into()],
        more: vec!["/data/era5t.nc".into()],
    };
    let last = graph.ids().last().unwrap();
    Fragment {
        datasets: vec![DatasetUse { spec, snapshot: "5f2a".into() }],
        sources: vec![SourceUse { dataset: 0, variable: "t2m".into() }],
        given: vec![Arc::new(Block::from_vec(&[2], vec![0.1f64, 0.7]).unwrap())],
        graph,
        held: vec![],
        answers: vec![Task { nodes: vec![last] }],
        writes: vec![],
        gathered_bytes: 64 << 20,
    }
}

#[test]
fn what_is_written_travels_and_must_fit_its_task() {
    let mut fragment = fragment(graph(48, (0..48).map(|h| h % 24).collect(), 24, vec![10.0]));
    let target = StoreTarget { uri: "/data/out.zarr".into(), run: "0123abcd".into() };
    let write = Write { task: 0, target, arrays: vec!["t2m".into()], chunk: vec![24, 7], zstd_level: 3 };
    fragment.writes = vec![write.clone()];
    assert_eq!(travelled(&fragment).unwrap(), fragment);
    fragment.writes = vec![write.clone(), write.clone()];
    assert_eq!(travelled(&fragment).unwrap_err().kind, ErrorKind::Request);
    fragment.writes = vec![Write { task: 1, ..write.clone() }];
    assert_eq!(travelled(&fragment).unwrap_err().kind, ErrorKind::Request);
    fragment.writes = vec![Write { arrays: vec![], ..write }];
    assert_eq!(travelled(&fragment).unwrap_err().kind, ErrorKind::Request);
}

#[test]
fn steps_of_a_store_travel() {
    let files = vec![StoreFile { path: "t2m/zarr.json".into(), bytes: "{}".into() }];
    let inputs = vec![DatasetSpec { uri: "/data/era5/*.nc".into(), ..DatasetSpec::default() }];
    for step in [StoreStep::Begin { inputs }, StoreStep::Put { files }, StoreStep::Commit { files: 3, bytes: 70 }, StoreStep::Abandon] {
        assert_eq!(StoreStep::from_wire(step.to_wire(), &mut Budget::default()).unwrap(), step);
    }
    assert_eq!(StoreStep::from_wire(None, &mut Budget::default()).unwrap_err().kind, ErrorKind::Request);
}

#[test]
fn a_decade_of_hours_grouped_by_hour_or_month_stays_small() {
    let hours = 87_672;
    let hour: Vec<i32> = (0..hours).map(|h| h % 24).collect();
    let month: Vec<i32> = (0..hours).map(|h| (h / 730) % 12).collect();
    for (codes, groups) in [(hour, 24), (month, 12)] {
        let fragment = fragment(graph(hours as usize, codes, groups, vec![10.0, 10.1, 10.7]));
        assert!(size(&fragment) < 1_500, "{} bytes", size(&fragment));
        assert_eq!(travelled(&fragment).unwrap(), fragment);
    }
}

#[test]
fn even_coordinates_travel_as_two_numbers_and_uneven_ones_bit_for_bit() {
    let even = Block::from_vec(&[1440], (0..1440).map(|i| -180.0 + i as f64 * 0.25).collect::<Vec<f64>>()).unwrap();
    assert!(size(&even) < 40, "{} bytes", size(&even));
    let mut cells = even.to_f64_vec();
    cells[700] = f64::from_bits(cells[700].to_bits() + 1);
    for block in [even, Block::from_vec(&[1440], cells).unwrap(), Block::from_vec(&[3], vec![0.0, -0.0, f64::NAN]).unwrap()] {
        assert!(same_bits(&travelled(&block).unwrap(), &block));
    }
}

#[test]
fn times_and_equal_counts_travel_small() {
    let times = Times {
        micros: (0..87_672i64).map(|h| h * 3_600_000_000).collect(),
        encoding: TimeEncoding { units: "hours since 1900-01-01".into(), calendar: Calendar::NoLeap },
    };
    assert!(size(&times) < 200, "{} bytes", size(&times));
    assert_eq!(travelled(&times).unwrap(), times);
    let counts = Block::filled(DType::I64, &[721, 1440], 744.0);
    assert!(size(&counts) < 2_000, "{} bytes", size(&counts));
}

#[test]
fn a_dataset_is_the_same_after_the_journey() {
    let number = Variable {
        dims: vec!["time".into(), "x".into()],
        chunks: vec![AxisChunks::uniform(100, 24).concat(&AxisChunks::uniform(60, 24)), AxisChunks::uniform(0, 0)],
        stored: DType::I16,
        kind: Kind::Number(DType::F32),
        decode: Decode { flip_sign: true, fills: vec![-1.0, 7.0], scale: Some(0.0), offset: None, dtype: DType::F32 },
        attrs: Attrs::from_iter([
            ("units".to_string(), AttrValue::Text("K".into())),
            ("flags".into(), AttrValue::Texts(vec!["a".into()])),
            ("n".into(), AttrValue::Numbers(Block::scalar(3u8))),
        ]),
        filters: vec!["shuffle".into()],
        is_coordinate: false,
        values: None,
    };
    let text = Variable {
        dims: vec!["s".into()],
        chunks: vec![AxisChunks::uniform(2, 2)],
        kind: Kind::Text,
        is_coordinate: true,
        values: Some(Values::Texts(vec!["Ä".into(), String::new()])),
        ..number.clone()
    };
    let dataset = Dataset {
        spec: DatasetSpec::default(),
        snapshot: "s".into(),
        files: 3,
        stored_bytes: 9,
        variables: [("v".to_string(), number), ("s".into(), text.clone())].into_iter().collect(),
        attrs: Attrs::new(),
        unreadable: [("odd".to_string(), "its cells are of a foreign type".to_string())].into_iter().collect(),
    };
    assert_eq!(travelled(&dataset).unwrap(), dataset);
    let mut short = dataset;
    short.variables.insert("s".into(), Variable { values: Some(Values::Texts(vec![])), ..text });
    assert!(travelled(&short).unwrap_err().message.contains("variable 's'"));
}

#[test]
fn what_is_newer_or_wrong_is_refused_in_words() {
    let message = |dtype, shape, cells| pb::Block { dtype, shape, cells: Some(cells) };
    let raw = || pb::block::Cells::Raw(vec![0; 8].into());
    let refused = |m: pb::Block| Block::from_wire(m, &mut Budget::default()).unwrap_err().message;
    assert!(refused(message(99, vec![1], raw())).contains("newer v1"));
    assert!(refused(message(11, vec![2], raw())).contains("malformed"));
    assert!(refused(message(11, vec![1 << 40], raw())).contains("left to one message"));
    assert!(refused(message(11, vec![u64::MAX, 0], raw())).contains("2^53"));
    assert!(refused(message(11, vec![1; 33], raw())).contains("at most 32"));
    // 100 MiB of zeros in a few kilobytes, said to be one cell.
    let bomb = zstd::bulk::compress(&vec![0; 100 << 20], 1).unwrap();
    assert!(refused(message(11, vec![1], pb::block::Cells::ShuffledZstd(bomb.into()))).contains("more than the 8 bytes"));
    let mut graph = graph(24, (0..24).collect(), 24, vec![1.0]).to_wire();
    graph.nodes[1].dims.pop();
    assert!(Graph::from_wire(graph, &mut Budget::default()).is_err());
    let mut lost = fragment(Graph::default_with_scan()).to_wire();
    lost.sources.clear();
    assert!(Fragment::from_wire(lost, &mut Budget::default()).unwrap_err().message.contains("scan"));
}

trait OneScan {
    fn default_with_scan() -> Graph;
}

impl OneScan for Graph {
    fn default_with_scan() -> Graph {
        let mut g = Graph::new();
        g.scan(0, vec![Dim::new("x", 5)], DType::F32);
        g
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn blocks_travel_bit_for_bit(block in any_block()) {
        prop_assert!(same_bits(&travelled(&block).unwrap(), &block));
    }

    #[test]
    fn integers_travel_unchanged(values in prop::collection::vec(any::<i64>(), 0..200), step in -5i64..5) {
        let sums: Vec<i64> = values.iter().enumerate().map(|(i, _)| i as i64 * step).collect();
        for list in [values, sums] {
            let message = integers::to_wire(list.iter().copied());
            prop_assert_eq!(integers::from_wire(message, &mut Budget::default()).unwrap(), list);
        }
    }

    #[test]
    fn answers_travel_bit_for_bit(states in prop::collection::vec(any_block(), 0..4), task in 0u32..9, level in 0u32..=32, start in 0usize..99, units in any::<u32>()) {
        let coverage = Coverage { task, bounds: vec![start..start + 5, 0..0], level, index: 3, units };
        let answer = Answer::Piece(Piece { coverage: coverage.clone(), partials: vec![Partial { states: states.clone() }, Partial { states: vec![] }], written: vec![Written { bytes: 9, sha256: [7; 32] }, Written::default()] });
        let Answer::Piece(back) = travelled(&answer).unwrap() else { panic!("another kind") };
        prop_assert_eq!(back.coverage, coverage);
        prop_assert!(back.partials[0].states.iter().zip(&states).all(|(a, b)| same_bits(a, b)) && back.partials[0].states.len() == states.len());
        for plain in [Answer::Progress(Progress { read_bytes: 1, total_bytes: 2, units_done: 3, units_total: 4 }), Answer::Done(Account { chunks: 5, fetch_seconds: 0.5, peak_bytes: 7, cache_hits: 8, cache_misses: 9, cache_saved_bytes: 10, cache_fetched_bytes: 11, kept_chunks: 12, kept_bytes: 13, written_bytes: 14, write_seconds: 0.25, ..Account::default() })] {
            prop_assert_eq!(travelled(&plain).unwrap(), plain);
        }
    }

    #[test]
    fn mutated_messages_are_refused_or_read_but_never_panic(at in prop::collection::vec((0usize..4000, any::<u8>()), 1..6), cut in 0usize..4000) {
        let fragment = fragment(graph(240, (0..240).map(|h| h % 24).collect(), 24, vec![1.0, 2.0, 3.5]));
        let mut bytes = fragment.to_wire().encode_to_vec();
        let n = bytes.len();
        for (i, byte) in at {
            bytes[i % n] = byte;
        }
        if cut < n {
            bytes.truncate(cut);
        }
        if let Ok(message) = pb::Fragment::decode(&bytes[..]) {
            let _ = Fragment::from_wire(message, &mut Budget::new(1 << 20));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(m) = pb::Answer::decode(&bytes[..]) {
            let _ = Answer::from_wire(m, &mut Budget::new(1 << 20));
        }
        if let Ok(m) = pb::Dataset::decode(&bytes[..]) {
            let _ = Dataset::from_wire(m, &mut Budget::new(1 << 20));
        }
        let _ = pack::undelta(&bytes, 7);
        let _ = pack::expand(&bytes, 1 << 16);
    }
}
