//! Kerchunk references to the chunks of a NetCDF-4 file, as JSON and as Parquet.

use netcdf_reader::NcFile;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use xeng_proto::DatasetSpec;
use xeng_regions::checksum::{Hashing, inventory};
use xeng_regions::source::{positions, read_whole};
use xeng_regions::store::Stores;

/// References in one Parquet file: few, so that there are many files.
const RECORD_SIZE: usize = 3;

/// An array: its metadata, and where its chunks lie, in C order.
pub(crate) struct Referred {
    name: String,
    zarray: Value,
    zattrs: Value,
    keys: Vec<String>,
    ranges: Vec<(usize, usize)>,
}

/// Where the chunks of every array of a NetCDF-4 file lie: found by their stored bytes.
pub(crate) fn of_netcdf4(path: &Path) -> Vec<Referred> {
    assert!(NcFile::open(path).is_ok());
    let (file, uri) = (std::fs::read(path).unwrap(), path.to_str().unwrap().to_owned());
    let place = |bytes: &[u8]| (file.windows(bytes.len()).position(|w| w == bytes).expect("a chunk lies in its file"), bytes.len());
    let listed = inventory(&Stores::default(), &[uri.as_str()], Hashing::Skip).unwrap();
    let opened = xeng_regions::open(&Stores::default(), &DatasetSpec { uri, ..DatasetSpec::default() }).unwrap();
    let array = |(name, entry): (String, xeng_regions::checksum::Entry)| {
        let source = opened.source(&name).unwrap();
        let (dtype, size) = match entry.dtype.as_str() {
            "float32" => ("<f4", 4),
            "float64" => ("<f8", 8),
            other => panic!("{other}"),
        };
        let filter = |filter: &String| match filter.as_str() {
            "shuffle" => json!({"id": "shuffle", "elementsize": size}),
            _ => json!({"id": "zlib", "level": 1}),
        };
        let ranges: Vec<(usize, usize)> = match &entry.chunks {
            None => vec![place(&read_whole(source.as_ref(), 1 << 20).unwrap().to_le_bytes())],
            Some(_) => positions(source.chunks()).map(|at| place(&source.fetch(&at).unwrap().unwrap().bytes)).collect(),
        };
        let chunks = entry.chunks.unwrap_or_else(|| entry.shape.clone());
        let counts: Vec<usize> = entry.shape.iter().zip(&chunks).map(|(n, c)| n.div_ceil(*c)).collect();
        let key = |n| xeng_regions::source::unravel(n, &counts).iter().map(usize::to_string).collect::<Vec<_>>().join(".");
        let mut zattrs: Map<String, Value> = entry.attrs.iter().map(|(k, v)| (k.clone(), xeng::output::attr_json(v))).collect();
        zattrs.insert("_ARRAY_DIMENSIONS".into(), json!(entry.dims));
        let filters = if entry.filters.is_empty() { Value::Null } else { entry.filters.iter().map(filter).collect() };
        let zarray = json!({"zarr_format": 2, "shape": entry.shape, "chunks": chunks, "dtype": dtype, "fill_value": null, "order": "C",
            "filters": filters, "compressor": null});
        Referred { name, zarray, zattrs: zattrs.into(), keys: (0..ranges.len()).map(key).collect(), ranges }
    };
    listed.variables.into_iter().map(array).collect()
}

/// As version 1, the target by a template.
pub(crate) fn json(arrays: &[Referred], target: &str) -> Value {
    let mut refs = Map::from_iter([(".zgroup".to_owned(), json!("{\"zarr_format\": 2}"))]);
    for a in arrays {
        refs.insert(format!("{}/.zarray", a.name), json!(a.zarray.to_string()));
        refs.insert(format!("{}/.zattrs", a.name), json!(a.zattrs.to_string()));
        refs.extend(a.keys.iter().zip(&a.ranges).map(|(key, (offset, len))| (format!("{}/{key}", a.name), json!(["{{u}}", offset, len]))));
    }
    json!({"version": 1, "templates": {"u": target}, "refs": refs})
}

/// As a folder of Parquet files.
pub(crate) fn parquet(arrays: &[Referred], target: &str, folder: &Path) {
    let mut metadata = Map::from_iter([(".zgroup".to_owned(), json!({"zarr_format": 2}))]);
    for a in arrays {
        metadata.insert(format!("{}/.zarray", a.name), a.zarray.clone());
        metadata.insert(format!("{}/.zattrs", a.name), a.zattrs.clone());
        std::fs::create_dir_all(folder.join(&a.name)).unwrap();
        for (number, ranges) in a.ranges.chunks(RECORD_SIZE).enumerate() {
            std::fs::write(folder.join(&a.name).join(format!("refs.{number}.parq")), record(ranges, target)).unwrap();
        }
    }
    let text = json!({"metadata": metadata, "record_size": RECORD_SIZE}).to_string();
    std::fs::write(folder.join(".zmetadata"), text).unwrap();
}

/// One file: as fsspec writes it, filled up with empty rows.
fn record(ranges: &[(usize, usize)], target: &str) -> Vec<u8> {
    let schema = "message refs { optional binary path (UTF8); required int64 offset; required int64 size; optional binary raw; }";
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = SerializedFileWriter::new(vec![], Arc::new(parse_message_type(schema).unwrap()), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let is_there: Vec<i16> = (0..RECORD_SIZE).map(|row| i16::from(row < ranges.len())).collect();
    let numbers = |of: fn(&(usize, usize)) -> usize| {
        let mut all: Vec<i64> = ranges.iter().map(|r| of(r) as i64).collect();
        all.resize(RECORD_SIZE, 0);
        all
    };
    let mut column = group.next_column().unwrap().unwrap();
    let paths = vec![ByteArray::from(target); ranges.len()];
    column.typed::<ByteArrayType>().write_batch(&paths, Some(&is_there), None).unwrap();
    column.close().unwrap();
    for cells in [numbers(|r| r.0), numbers(|r| r.1)] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&cells, None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[], Some(&[0; RECORD_SIZE]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}
