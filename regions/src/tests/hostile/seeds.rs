//! Small valid files of every format, to be mutated.
//!
//! In: nothing. Out: files by name; a single file is named `file`, a store has several.

use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::Arc;

/// The files of a store.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

fn single(bytes: Vec<u8>) -> Files {
    vec![("file".into(), bytes)]
}

/// A file with a record dimension, times, packed numbers, characters, and attributes.
fn netcdf(format: NcWriteFormat, is_chunked: bool) -> Files {
    let mut nc = NcFileBuilder::new();
    let time = nc.add_unlimited_dimension("time").unwrap();
    let lat = nc.add_dimension("lat", 5).unwrap();
    let width = nc.add_dimension("width", 4).unwrap();
    let times = nc.add_variable::<f64>("time", &[time]).unwrap();
    let lats = nc.add_variable::<f32>("lat", &[lat]).unwrap();
    let packed = nc.add_variable::<i16>("packed", &[time, lat]).unwrap();
    let plain = nc.add_variable::<f64>("plain", &[time, lat]).unwrap();
    let names = nc.add_char_variable("names", &[lat, width]).unwrap();
    nc.add_variable_attribute(times, "units", NcAttrValue::Chars("days since 1990-01-01".into())).unwrap();
    nc.add_variable_attribute(packed, "scale_factor", NcAttrValue::Doubles(vec![0.5])).unwrap();
    nc.add_variable_attribute(packed, "missing_value", NcAttrValue::Shorts(vec![-9])).unwrap();
    nc.add_variable_attribute(plain, "coordinates", NcAttrValue::Chars("names".into())).unwrap();
    nc.write_variable(times, &[0.0, 1.0, 2.0, 3.0]).unwrap();
    nc.write_variable(lats, &[-2.0f32, -1.0, 0.0, 1.0, 2.0]).unwrap();
    nc.write_variable(packed, &(0..20i16).collect::<Vec<_>>()).unwrap();
    nc.write_variable(plain, &(0..20).map(f64::from).collect::<Vec<_>>()).unwrap();
    nc.write_char_variable(names, b"abc def ghi jkl mno ").unwrap();
    if is_chunked {
        nc.set_variable_chunking(packed, vec![3, 2]).unwrap();
        nc.set_variable_deflate(packed, Some(4), true).unwrap();
        nc.set_variable_chunking(plain, vec![2, 5]).unwrap();
        nc.set_variable_fletcher32(plain, true).unwrap();
    }
    single(nc.to_vec(NcWriteOptions { format }).unwrap().1)
}

/// Every format whose files are single ones.
pub(crate) fn files() -> Vec<Files> {
    #[cfg_attr(not(feature = "grib"), allow(unused_mut))]
    let mut all = [netcdf3(), hdf5()].concat();
    #[cfg(feature = "grib")]
    all.extend(grib());
    all
}

pub(crate) fn netcdf3() -> Vec<Files> {
    [NcWriteFormat::Classic, NcWriteFormat::Offset64, NcWriteFormat::Cdf5].into_iter().map(|f| netcdf(f, false)).collect()
}

/// A message of each packing, with a bitmap and without, and a file of several.
#[cfg(feature = "grib")]
pub(crate) fn grib() -> Vec<Files> {
    let packings: [&[u8]; 6] = [
        include_bytes!("../../../tests-data/grib/simple.grib2"),
        include_bytes!("../../../tests-data/grib/complex.grib2"),
        include_bytes!("../../../tests-data/grib/differences.grib2"),
        include_bytes!("../../../tests-data/grib/ccsds.grib2"),
        include_bytes!("../../../tests-data/grib/png.grib2"),
        include_bytes!("../../../tests-data/grib/jpeg.grib2"),
    ];
    let messages = |bytes: &'static [u8]| {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let len = u64::from_be_bytes(rest.get(8..16)?.try_into().unwrap());
            let (message, behind) = rest.split_at(len as usize);
            rest = behind;
            Some(single(message.to_vec()))
        })
    };
    let whole = [&include_bytes!("../../../tests-data/grib/cube.grib2")[..], include_bytes!("../../../tests-data/grib/ieee.grib2")];
    packings.into_iter().flat_map(|bytes| messages(bytes).take(2)).chain(whole.map(|bytes| single(bytes.to_vec()))).collect()
}

pub(crate) fn hdf5() -> Vec<Files> {
    let unpacked = |packed: &[u8]| {
        let mut file = vec![];
        flate2::read::GzDecoder::new(packed).read_to_end(&mut file).unwrap();
        single(file)
    };
    vec![
        netcdf(NcWriteFormat::Nc4, true),
        unpacked(include_bytes!("../../../tests-data/old.h5.gz")),
        unpacked(include_bytes!("../../../tests-data/new.h5.gz")),
    ]
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn text(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

/// Cells of a chunk of 3 x 2.
fn chunk(first: f32) -> Vec<u8> {
    (0..6u8).flat_map(|i| (first + f32::from(i)).to_le_bytes()).collect()
}

pub(super) fn zarr2() -> Vec<Files> {
    let array = |shape: Value, chunks: Value, dtype: &str, filters: Value, compressor: Value, order: &str| {
        text(&json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "compressor": compressor, "fill_value": 0,
            "order": order, "filters": filters, "dimension_separator": "."}))
    };
    let zlib = json!({"id": "zlib", "level": 1});
    let differences: Vec<u8> = [0u8; 3].iter().flat_map(|_| 1i16.to_le_bytes()).collect();
    let mut files: Files = vec![
        (".zgroup".into(), text(&json!({"zarr_format": 2}))),
        (".zattrs".into(), text(&json!({"title": "seed", "list": [1, 2.5]}))),
        ("t/.zarray".into(), array(json!([4, 4]), json!([3, 2]), "<f4", Value::Null, zlib.clone(), "F")),
        ("t/.zattrs".into(), text(&json!({"_ARRAY_DIMENSIONS": ["time", "x"], "scale_factor": 0.5, "missing_value": 3.0}))),
        ("t/0.0".into(), deflated(&chunk(0.0))),
        ("t/1.1".into(), deflated(&chunk(9.0))),
        ("time/.zarray".into(), array(json!([4]), json!([3]), "<i2", json!([{"id": "delta", "dtype": "<i2"}]), Value::Null, "C")),
        ("time/.zattrs".into(), text(&json!({"_ARRAY_DIMENSIONS": ["time"], "units": "hours since 2000-01-01"}))),
        ("time/0".into(), differences.clone()),
        ("time/1".into(), differences),
    ];
    let is_json = |name: &str| name.rsplit('/').next().is_some_and(|file| file.starts_with(".z"));
    let metadata =
        files.iter().filter(|(name, _)| is_json(name)).map(|(name, bytes)| (name.clone(), serde_json::from_slice(bytes).unwrap()));
    let metadata: serde_json::Map<String, serde_json::Value> = metadata.collect();
    files.push((".zmetadata".into(), text(&json!({"zarr_consolidated_format": 1, "metadata": metadata}))));
    vec![files]
}

pub(super) fn zarr3() -> Vec<Files> {
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let codecs = json!([{"name": "transpose", "configuration": {"order": [1, 0]}}, little, {"name": "numcodecs.zlib", "configuration": {"level": 1}}]);
    let index = json!([little, {"name": "crc32c"}]);
    let sharded = json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": [3, 2], "codecs": codecs, "index_codecs": index, "index_location": "end"}}]);
    let array = |shape: Value, chunks: Value, kind: &str, codecs: &Value, dims: Value, attributes: Value| {
        text(&json!({"zarr_format": 3, "node_type": "array", "shape": shape, "data_type": kind, "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": codecs, "dimension_names": dims, "attributes": attributes}))
    };
    let inner = deflated(&chunk(0.0));
    let mut shard = inner.clone();
    let mut places = [[0, inner.len() as u64], [u64::MAX, u64::MAX]].concat().iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    places.extend(crate::codec::crc32c::crc32c(&places).to_le_bytes());
    shard.extend(places);
    let times: Vec<u8> = [0i64, 6, 12].iter().flat_map(|n| n.to_le_bytes()).collect();
    let times_codecs = json!([little, {"name": "crc32c"}]);
    let checked = [times.clone(), crate::codec::crc32c::crc32c(&times).to_le_bytes().to_vec()].concat();
    vec![vec![
        ("zarr.json".into(), text(&json!({"zarr_format": 3, "node_type": "group", "attributes": {"title": "seed"}}))),
        ("t/zarr.json".into(), array(json!([6, 4]), json!([3, 4]), "float32", &sharded, json!(["time", "x"]), json!({"add_offset": 1.5}))),
        ("t/c/0/0".into(), shard),
        (
            "time/zarr.json".into(),
            array(json!([6]), json!([3]), "int64", &times_codecs, json!(["time"]), json!({"units": "hours since 2000-01-01"})),
        ),
        ("time/c/0".into(), checked.clone()),
        ("time/c/1".into(), checked),
    ]]
}

/// The metadata of `t(time, x)` in chunks of 3 x 2 and of `time`.
fn referred_metadata() -> serde_json::Map<String, Value> {
    let array = |shape: Value, chunks: Value, dtype: &str, filters: Value| json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "compressor": null, "fill_value": 0, "order": "C", "filters": filters});
    let all = [
        (".zgroup", json!({"zarr_format": 2})),
        ("t/.zarray", array(json!([6, 4]), json!([3, 2]), "<f4", json!([{"id": "zlib", "level": 1}]))),
        ("t/.zattrs", json!({"_ARRAY_DIMENSIONS": ["time", "x"]})),
        ("time/.zarray", array(json!([6]), json!([3]), ">i2", Value::Null)),
        ("time/.zattrs", json!({"_ARRAY_DIMENSIONS": ["time"], "units": "hours since 2000-01-01"})),
    ];
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Templates and a generator; texts in base64, metadata as objects and as texts.
pub(super) fn references_json() -> Vec<Files> {
    let packed = deflated(&chunk(0.0));
    let mut refs = referred_metadata();
    refs.insert("time/0".into(), json!("base64:AAAAAQAC"));
    refs.insert("time/1".into(), json!(["{{d}}.bin", packed.len(), 6]));
    refs["t/.zarray"] = json!(refs["t/.zarray"].to_string());
    let rule = json!({"key": "t/{{i}}.{{j}}", "url": "{{f(x='da')}}.bin", "offset": "{{ (i + j) * 0 }}", "length": packed.len().to_string(),
        "dimensions": {"i": {"stop": 2}, "j": [0, 1]}});
    let mut plain = refs.clone();
    plain.insert("time/1".into(), json!(["data.bin", packed.len(), 6]));
    plain.insert("t/0.0".into(), json!(["data.bin", 0, packed.len()]));
    plain.insert("t/1.1".into(), json!(["whole.bin"]));
    let version1 = json!({"version": 1, "templates": {"d": "data", "f": "{{x}}ta"}, "gen": [rule], "refs": refs});
    let data = [packed.clone(), vec![0, 3, 0, 4, 0, 5]].concat();
    [version1, Value::Object(plain)]
        .into_iter()
        .map(|json| vec![("refs.json".into(), text(&json)), ("data.bin".into(), data.clone()), ("whole.bin".into(), packed.clone())])
        .collect()
}

/// Paths in a dictionary behind zstd, and plain ones that are not compressed.
pub(super) fn references_parquet() -> Vec<Files> {
    let packed = deflated(&chunk(0.0));
    let metadata = json!({"record_size": 3, "metadata": referred_metadata()});
    let data = [packed.clone(), vec![0, 3, 0, 4, 0, 5]].concat();
    let (target, len) = (Some("x.parq/data.bin"), packed.len() as i64);
    let zstd = || WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let plain = || WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false).build();
    let seed = |properties: &dyn Fn() -> WriterProperties| {
        vec![
            (".zmetadata".into(), text(&metadata)),
            ("data.bin".into(), data.clone()),
            ("t/refs.0.parq".into(), record(&[(target, 0, len, None), (target, 0, len, None), (None, 0, 0, None)], properties())),
            ("t/refs.1.parq".into(), record(&[(target, 0, len, None); 3], properties())),
            ("time/refs.0.parq".into(), record(&[(None, 0, 0, Some("base64:AAAAAQAC")), (target, len, 6, None)], properties())),
        ]
    };
    vec![seed(&zstd), seed(&plain)]
}

type Row = (Option<&'static str>, i64, i64, Option<&'static str>);

fn record(rows: &[Row], properties: WriterProperties) -> Vec<u8> {
    let schema = "message refs { optional binary path (UTF8); required int64 offset; optional int64 size; optional binary raw; }";
    let mut writer = SerializedFileWriter::new(vec![], Arc::new(parse_message_type(schema).unwrap()), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for number in 0..4 {
        let mut column = group.next_column().unwrap().unwrap();
        let texts = |of: fn(&Row) -> Option<&'static str>| {
            let levels: Vec<i16> = rows.iter().map(|row| i16::from(of(row).is_some())).collect();
            (rows.iter().filter_map(of).map(ByteArray::from).collect::<Vec<_>>(), levels)
        };
        match number {
            0 | 3 => {
                let (cells, levels) = texts(if number == 0 { |row| row.0 } else { |row| row.3 });
                column.typed::<ByteArrayType>().write_batch(&cells, Some(&levels), None).unwrap();
            }
            1 => drop(column.typed::<Int64Type>().write_batch(&rows.iter().map(|r| r.1).collect::<Vec<_>>(), None, None).unwrap()),
            _ => {
                let cells: Vec<i64> = rows.iter().map(|r| r.2).collect();
                column.typed::<Int64Type>().write_batch(&cells, Some(&vec![1; rows.len()]), None).unwrap();
            }
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}
