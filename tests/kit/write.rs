//! Writes datasets: NetCDF by the writer library, Zarr by hand.

use super::array::{ravel, unravel};
use super::data::{Format, Layout, OFFSET, PACKED_FILL, SCALE, Stored, Stow};
use netcdf_writer::{DimensionId, NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions, VariableId};
use serde_json::{Value, json};
use std::path::Path;
use xeng_kernels::DType;

/// Writes a dataset into a folder; its URI.
pub(crate) fn write(layout: &Layout, folder: &Path) -> String {
    match layout.format {
        Format::Nc4 { .. } | Format::Nc3 => {
            let mut start = 0;
            for (number, &count) in layout.files.iter().enumerate() {
                std::fs::write(folder.join(format!("part-{number:03}.nc")), netcdf(layout, start, count)).unwrap();
                start += count;
            }
            let last = if layout.files.len() == 1 { "part-000.nc" } else { "*.nc" };
            folder.join(last).to_str().unwrap().to_owned()
        }
        Format::Zarr2 | Format::Zarr3 | Format::Zarr3Sharded => {
            let store = folder.join("store.zarr");
            zarr(layout, &store);
            store.to_str().unwrap().to_owned()
        }
    }
}

fn time_units(layout: &Layout) -> (String, Vec<f64>) {
    // Counted from the first day of the calendar's 1990, so that no file holds a negative time.
    let base = super::dates::Day::first_of(1990, 1, layout.calendar).count;
    ("days since 1990-01-01".to_owned(), layout.days.iter().map(|d| (d.count - base) as f64).collect())
}

/// The cells of a variable whose index of time lies in `start..start + count`.
fn part(layout: &Layout, v: &Stow, start: usize, count: usize) -> Vec<f64> {
    if v.dims.first() != Some(&"time") {
        return v.raw.clone();
    }
    let plane: usize = layout.shape(&v.dims)[1..].iter().product();
    v.raw[start * plane..(start + count) * plane].to_vec()
}

fn netcdf(layout: &Layout, start: usize, count: usize) -> Vec<u8> {
    let mut b = NcFileBuilder::new();
    let time = b.add_dimension("time", count as u64).unwrap();
    let lat = b.add_dimension("lat", layout.lat.len() as u64).unwrap();
    let lon = b.add_dimension("lon", layout.lon.len() as u64).unwrap();
    let (units, times) = time_units(layout);
    let id = b.add_variable::<f64>("time", &[time]).unwrap();
    b.write_variable(id, &times[start..start + count]).unwrap();
    b.add_variable_attribute(id, "units", NcAttrValue::Chars(units)).unwrap();
    b.add_variable_attribute(id, "calendar", NcAttrValue::Chars(layout.calendar.name().to_owned())).unwrap();
    for (name, dim, labels) in [("lat", lat, &layout.lat), ("lon", lon, &layout.lon)] {
        if layout.labels == DType::F32 {
            let id = b.add_variable::<f32>(name, &[dim]).unwrap();
            b.write_variable(id, &labels.iter().map(|&l| l as f32).collect::<Vec<_>>()).unwrap();
        } else {
            let id = b.add_variable::<f64>(name, &[dim]).unwrap();
            b.write_variable(id, labels).unwrap();
        }
    }
    for v in &layout.variables {
        let dims: Vec<DimensionId> = v
            .dims
            .iter()
            .map(|d| {
                if *d == "time" {
                    time
                } else if *d == "lat" {
                    lat
                } else {
                    lon
                }
            })
            .collect();
        let id = add_cells(&mut b, v, &dims, &part(layout, v, start, count));
        if let Format::Nc4 { deflate } = layout.format {
            b.set_variable_chunking(id, v.chunk.iter().map(|&n| n as u64).collect::<Vec<_>>()).unwrap();
            if deflate {
                b.set_variable_deflate(id, Some(1), true).unwrap();
            }
        }
    }
    let format = if layout.format == Format::Nc3 { NcWriteFormat::Offset64 } else { NcWriteFormat::Nc4 };
    b.to_vec(NcWriteOptions { format }).unwrap().1
}

fn add_cells(b: &mut NcFileBuilder, v: &Stow, dims: &[DimensionId], cells: &[f64]) -> VariableId {
    match v.stored {
        Stored::F32 => {
            let id = b.add_variable::<f32>(&v.name, dims).unwrap();
            b.write_variable(id, &cells.iter().map(|&c| c as f32).collect::<Vec<_>>()).unwrap();
            id
        }
        Stored::F64 => {
            let id = b.add_variable::<f64>(&v.name, dims).unwrap();
            b.write_variable(id, cells).unwrap();
            id
        }
        Stored::I32 => {
            let id = b.add_variable::<i32>(&v.name, dims).unwrap();
            b.write_variable(id, &cells.iter().map(|&c| c as i32).collect::<Vec<_>>()).unwrap();
            id
        }
        Stored::Packed(like) => {
            let id = b.add_variable::<i16>(&v.name, dims).unwrap();
            b.write_variable(id, &cells.iter().map(|&c| packed(c)).collect::<Vec<_>>()).unwrap();
            b.set_variable_fill_value(id, PACKED_FILL).unwrap();
            for (name, value) in [("scale_factor", SCALE), ("add_offset", OFFSET)] {
                let value = if like == DType::F32 { NcAttrValue::Floats(vec![value as f32]) } else { NcAttrValue::Doubles(vec![value]) };
                b.add_variable_attribute(id, name, value).unwrap();
            }
            id
        }
    }
}

fn packed(cell: f64) -> i16 {
    if cell.is_nan() { PACKED_FILL } else { cell as i16 }
}

/// An array of a Zarr store: type, fill value, attributes, and the bytes of one cell.
struct Kind {
    name: &'static str,
    v2: &'static str,
    fill: Value,
    attributes: Value,
    bytes: fn(f64) -> Vec<u8>,
}

fn kind(stored: Stored) -> Kind {
    let f64s = |c: f64| c.to_le_bytes().to_vec();
    match stored {
        Stored::F32 => {
            Kind { name: "float32", v2: "<f4", fill: json!("NaN"), attributes: json!({}), bytes: |c| (c as f32).to_le_bytes().to_vec() }
        }
        Stored::F64 => Kind { name: "float64", v2: "<f8", fill: json!("NaN"), attributes: json!({}), bytes: f64s },
        Stored::I32 => {
            Kind { name: "int32", v2: "<i4", fill: Value::Null, attributes: json!({}), bytes: |c| (c as i32).to_le_bytes().to_vec() }
        }
        // Numbers in JSON have no precision: xarray decodes them as float64.
        Stored::Packed(_) => Kind {
            name: "int16",
            v2: "<i2",
            fill: json!(PACKED_FILL),
            attributes: json!({"scale_factor": SCALE, "add_offset": OFFSET, "_FillValue": PACKED_FILL}),
            bytes: |c| packed(c).to_le_bytes().to_vec(),
        },
    }
}

fn zarr(layout: &Layout, store: &Path) {
    std::fs::create_dir_all(store).unwrap();
    let v3 = layout.format != Format::Zarr2;
    if v3 {
        save(&store.join("zarr.json"), &json!({"zarr_format": 3, "node_type": "group", "attributes": {}}));
    } else {
        save(&store.join(".zgroup"), &json!({"zarr_format": 2}));
    }
    let (units, times) = time_units(layout);
    let time = json!({"units": units, "calendar": layout.calendar.name()});
    for (name, cells, attributes) in [("time", &times, time), ("lat", &layout.lat, json!({})), ("lon", &layout.lon, json!({}))] {
        let mut k = kind(if name != "time" && layout.labels == DType::F32 { Stored::F32 } else { Stored::F64 });
        k.attributes = attributes;
        array(store, v3, name, &[name], &[cells.len()], &[cells.len()], cells, &k);
    }
    for v in &layout.variables {
        let mut k = kind(v.stored);
        // xarray's Zarr 2 keeps the fill value in the array's own metadata; Zarr 3 needs the attribute.
        if !v3 && let Some(a) = k.attributes.as_object_mut() {
            a.remove("_FillValue");
        }
        if layout.format == Format::Zarr3Sharded {
            sharded(store, &v.name, &v.dims, &layout.shape(&v.dims), &v.chunk, &v.raw, &k);
        } else {
            array(store, v3, &v.name, &v.dims, &layout.shape(&v.dims), &v.chunk, &v.raw, &k);
        }
    }
}

/// An array in shards of two chunks along each dimension, their index at the end.
fn sharded(store: &Path, name: &str, dims: &[&str], shape: &[usize], chunk: &[usize], cells: &[f64], k: &Kind) {
    let folder = store.join(name);
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let inner = json!([little, {"name": "gzip", "configuration": {"level": 1}}]);
    let codec = json!({"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "codecs": inner,
        "index_codecs": [little, {"name": "crc32c"}], "index_location": "end"}});
    let shard: Vec<usize> = chunk.iter().map(|n| 2 * n).collect();
    let per_shard = vec![2; chunk.len()];
    let counts: Vec<usize> = shape.iter().zip(&shard).map(|(n, s)| n.div_ceil(*s)).collect();
    for number in 0..counts.iter().product() {
        let outer = unravel(number, &counts);
        let (mut bytes, mut index) = (vec![], vec![]);
        for n in 0..1 << chunk.len() {
            let at: Vec<usize> = unravel(n, &per_shard).iter().zip(&outer).map(|(i, o)| 2 * o + i).collect();
            let place = chunk_bytes(&at, shape, chunk, cells, k).map_or([u64::MAX; 2], |piece| {
                let packed = compressed(&piece, true);
                bytes.extend(&packed);
                [(bytes.len() - packed.len()) as u64, packed.len() as u64]
            });
            index.extend(place.iter().flat_map(|n| n.to_le_bytes()));
        }
        let check = xeng_regions::codec::crc32c::crc32c(&index);
        bytes.extend(index);
        bytes.extend(check.to_le_bytes());
        let keys: Vec<String> = outer.iter().map(usize::to_string).collect();
        let file = folder.join("c").join(keys.join("/"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    save(
        &folder.join("zarr.json"),
        &json!({"zarr_format": 3, "node_type": "array", "shape": shape, "data_type": k.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": if k.fill.is_null() { json!(0) } else { k.fill.clone() }, "codecs": [codec], "attributes": k.attributes,
            "dimension_names": dims}),
    );
}

#[allow(clippy::too_many_arguments)]
fn array(store: &Path, v3: bool, name: &str, dims: &[&str], shape: &[usize], chunk: &[usize], cells: &[f64], k: &Kind) {
    let folder = store.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut attributes = k.attributes.clone();
    if v3 {
        let codecs = json!([{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "gzip", "configuration": {"level": 1}}]);
        let grid = json!({"name": "regular", "configuration": {"chunk_shape": chunk}});
        let keys = json!({"name": "default", "configuration": {"separator": "/"}});
        save(
            &folder.join("zarr.json"),
            &json!({"zarr_format": 3, "node_type": "array", "shape": shape, "data_type": k.name, "chunk_grid": grid, "chunk_key_encoding": keys,
                "fill_value": if k.fill.is_null() { json!(0) } else { k.fill.clone() }, "codecs": codecs, "attributes": attributes, "dimension_names": dims}),
        );
    } else {
        attributes["_ARRAY_DIMENSIONS"] = json!(dims);
        save(
            &folder.join(".zarray"),
            &json!({"zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": k.v2, "compressor": {"id": "zlib", "level": 1}, "fill_value": k.fill, "order": "C", "filters": null}),
        );
        save(&folder.join(".zattrs"), &attributes);
    }
    let counts: Vec<usize> = shape.iter().zip(chunk).map(|(n, c)| n.div_ceil(*c)).collect();
    for number in 0..counts.iter().product() {
        let at = unravel(number, &counts);
        if let Some(bytes) = chunk_bytes(&at, shape, chunk, cells, k) {
            let keys: Vec<String> = at.iter().map(usize::to_string).collect();
            let file = if v3 { folder.join("c").join(keys.join("/")) } else { folder.join(keys.join(".")) };
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, compressed(&bytes, v3)).unwrap();
        }
    }
}

/// A whole chunk, padded at the edges; none where every cell of it is missing.
fn chunk_bytes(at: &[usize], shape: &[usize], chunk: &[usize], cells: &[f64], k: &Kind) -> Option<Vec<u8>> {
    let (mut bytes, mut any) = (vec![], false);
    for n in 0..chunk.iter().product() {
        let index: Vec<usize> = unravel(n, chunk).iter().zip(at).zip(chunk).map(|((i, a), c)| a * c + i).collect();
        let inside = index.iter().zip(shape).all(|(i, n)| i < n);
        let cell = if inside { cells[ravel(&index, shape)] } else { f64::NAN };
        any |= !cell.is_nan();
        bytes.extend((k.bytes)(cell));
    }
    any.then_some(bytes)
}

fn compressed(bytes: &[u8], gzip: bool) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
    if gzip {
        let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
        let n = compressor.gzip_compress(bytes, &mut out).unwrap();
        out.truncate(n);
        out
    } else {
        let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
        let n = compressor.zlib_compress(bytes, &mut out).unwrap();
        out.truncate(n);
        out
    }
}

fn save(path: &Path, value: &Value) {
    std::fs::write(path, serde_json::to_string(value).unwrap()).unwrap();
}
