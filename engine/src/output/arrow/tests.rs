//! The layout that `gateway.proto` promises, read back by Arrow's own reader.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::result::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType;
use xeng_kernels::Calendar;
use xeng_proto::{TimeEncoding, Times};

fn attrs(entries: &[(&str, AttrValue)]) -> Attrs {
    entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

fn coordinate(name: &str, dims: &[&str], values: Values) -> Coordinate {
    Coordinate {
        name: name.into(),
        dims: dims.iter().map(|d| (*d).to_owned()).collect(),
        shape: if dims.is_empty() { vec![] } else { vec![values.len()] },
        values,
        attrs: attrs(&[("units", AttrValue::Text("K".into()))]),
    }
}

fn times() -> Coordinate {
    let encoding = TimeEncoding { units: "days since 1850-01-01".into(), calendar: Calendar::NoLeap };
    coordinate("time", &["time"], Values::Times(Times { micros: vec![86_400_000_000, i64::MIN], encoding }))
}

fn member() -> Coordinate {
    coordinate("member", &["x"], Values::Texts(vec!["r1".into(), "é".into(), String::new()]))
}

fn array(name: Option<&str>, coords: Vec<Coordinate>) -> Array {
    let cells = vec![1.0f32, f32::NAN, -0.0, f32::INFINITY, 1e-45, 6.0];
    let attrs = attrs(&[
        ("long_name", AttrValue::Text("Temperature".into())),
        ("flag_meanings", AttrValue::Texts(vec!["a".into(), "b".into()])),
        ("missing", AttrValue::Numbers(Block::scalar(f64::NAN))),
        ("range", AttrValue::Numbers(Block::from_vec(&[2], vec![1i16, 2]).unwrap())),
        ("one", AttrValue::Numbers(Block::from_vec(&[1], vec![7u64]).unwrap())),
    ]);
    Array {
        name: name.map(str::to_owned),
        dims: vec!["time".into(), "x".into()],
        shape: vec![2, 3],
        values: Values::Numbers(Block::from_vec(&[2, 3], cells).unwrap()),
        attrs,
        coords,
    }
}

/// The one batch of a table, and its metadata.
fn read(bytes: &Bytes) -> (RecordBatch, HashMap<String, String>) {
    let mut reader = StreamReader::try_new(bytes.as_ref(), None).unwrap();
    let metadata = reader.schema().metadata().clone();
    let batch = reader.next().unwrap().unwrap();
    assert!(reader.next().is_none(), "one batch only");
    assert_eq!(batch.schema().fields().len(), 1);
    assert_eq!(batch.schema().field(0).name(), "values");
    assert_eq!(batch.column(0).null_count(), 0);
    (batch, metadata.into())
}

fn meta<'a>(m: &'a HashMap<String, String>, key: &str) -> Option<&'a str> {
    m.get(key).map(String::as_str)
}

#[test]
fn an_array_keeps_its_bits_and_says_what_it_is() {
    let tables = to_ipc(&Outcome::Array(array(Some("tas"), vec![times(), member()]))).unwrap();
    assert_eq!(tables.len(), 3);
    let (batch, m) = read(&tables[0]);
    let bits: Vec<u32> = batch.column(0).as_primitive::<Float32Type>().values().iter().map(|x| x.to_bits()).collect();
    assert_eq!(bits, [1.0f32, f32::NAN, -0.0, f32::INFINITY, 1e-45, 6.0].map(f32::to_bits));
    assert_eq!((meta(&m, "xeng.role"), meta(&m, "xeng.name")), (Some("array"), Some("tas")));
    assert_eq!(
        (meta(&m, "xeng.dims"), meta(&m, "xeng.shape"), meta(&m, "xeng.coords")),
        (Some(r#"["time","x"]"#), Some("[2,3]"), Some("[1,2]"))
    );
    assert_eq!(
        meta(&m, "xeng.attrs"),
        Some(r#"{"long_name":"Temperature","flag_meanings":["a","b"],"missing":"NaN","range":[1,2],"one":[7]}"#)
    );
    assert_eq!((meta(&m, "xeng.time"), meta(&m, "xeng.dataset")), (None, None));
}

#[test]
fn times_are_microseconds_with_their_calendar_and_texts_are_utf8() {
    let tables = to_ipc(&Outcome::Array(array(None, vec![times(), member()]))).unwrap();
    assert_eq!(meta(&read(&tables[0]).1, "xeng.name"), None);
    let (batch, m) = read(&tables[1]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values().to_vec(), [86_400_000_000, i64::MIN]);
    assert_eq!(
        (meta(&m, "xeng.role"), meta(&m, "xeng.name"), meta(&m, "xeng.dims"), meta(&m, "xeng.coords")),
        (Some("coordinate"), Some("time"), Some(r#"["time"]"#), None)
    );
    assert_eq!(meta(&m, "xeng.time"), Some(r#"{"calendar":"noleap","units":"days since 1850-01-01"}"#));
    let (batch, _) = read(&tables[2]);
    assert_eq!(batch.column(0).as_string::<i32>().iter().map(Option::unwrap).collect::<Vec<_>>(), ["r1", "é", ""]);
}

#[test]
fn arrays_of_a_dataset_share_their_coordinates() {
    let scalar = coordinate("height", &[], Values::Numbers(Block::scalar(2.0)));
    let arrays = vec![array(Some("a"), vec![times(), member()]), array(Some("b"), vec![scalar, times()])];
    let tables = to_ipc(&Outcome::Dataset { arrays, attrs: attrs(&[("title", AttrValue::Text("t".into()))]) }).unwrap();
    assert_eq!(tables.len(), 5);
    let (first, second) = (read(&tables[0]).1, read(&tables[1]).1);
    assert_eq!((meta(&first, "xeng.coords"), meta(&first, "xeng.dataset")), (Some("[2,3]"), Some(r#"{"title":"t"}"#)));
    assert_eq!((meta(&second, "xeng.coords"), meta(&second, "xeng.dataset")), (Some("[4,2]"), None));
    let (batch, m) = read(&tables[4]);
    assert_eq!(
        (meta(&m, "xeng.name"), meta(&m, "xeng.dims"), meta(&m, "xeng.shape"), batch.num_rows()),
        (Some("height"), Some("[]"), Some("[]"), 1)
    );
}

#[test]
fn every_element_type_has_its_arrow_type() {
    use xeng_kernels::DType as D;
    let rows = [
        (D::Bool, DataType::Boolean),
        (D::I8, DataType::Int8),
        (D::I16, DataType::Int16),
        (D::I32, DataType::Int32),
        (D::I64, DataType::Int64),
        (D::U8, DataType::UInt8),
        (D::U16, DataType::UInt16),
        (D::U32, DataType::UInt32),
        (D::U64, DataType::UInt64),
        (D::F32, DataType::Float32),
        (D::F64, DataType::Float64),
    ];
    for (dtype, arrow) in rows {
        // An empty array is a batch of no rows.
        for len in [0, 3] {
            let values = Values::Numbers(Block::filled(dtype, &[len], 1.0));
            let one = Array { name: None, dims: vec!["x".into()], shape: vec![len], values, attrs: Attrs::new(), coords: vec![] };
            let (batch, _) = read(&to_ipc(&Outcome::Array(one)).unwrap()[0]);
            assert_eq!((batch.column(0).data_type(), batch.num_rows()), (&arrow, len));
        }
    }
}

#[test]
fn cells_that_do_not_fit_the_shape_are_refused() {
    let mut wrong = array(None, vec![]);
    wrong.shape = vec![2, 4];
    assert!(to_ipc(&Outcome::Array(wrong)).is_err());
}
