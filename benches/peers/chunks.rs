//! Every chunk of an array fetched and decoded, by all threads: the engine's chunk sources beside zarrs, and beside a hand-written
//! loop over NetCDF-4 (libdeflate, SIMD unshuffle).
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml`
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use xeng_proto::DatasetSpec;
use xeng_regions::source::{positions, read};
use xeng_regions::store::Stores;
use xeng_regions::{ChunkSource, open};
use zarrs::array::{Array, ArrayMetadata, ArraySubset};
use zarrs::filesystem::FilesystemStore;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPE: [usize; 3] = [480, 362, 720];
const CHUNK: [usize; 3] = [24, 181, 360];

/// Temperatures with noise of 64 steps: they compress about as real model output does.
fn cells() -> Vec<f32> {
    let cell = |i: usize| {
        let z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 58;
        280.0 + 15.0 * ((i % 720) as f32 / 57.3).sin().mul_add(8.0, 0.0).round() / 8.0 + noise as f32 / 16.0
    };
    (0..SHAPE.iter().product()).into_par_iter().map(cell).collect()
}

fn version2(compressor: &Value) -> Value {
    json!({"zarr_format": 2, "shape": SHAPE, "chunks": CHUNK, "dtype": "<f4", "fill_value": "NaN", "order": "C", "filters": null,
        "compressor": compressor, "dimension_separator": "."})
}

fn version3(chunk: [usize; 3], codecs: &Value) -> Value {
    json!({"zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": "float32", "fill_value": "NaN", "codecs": codecs,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "dimension_names": ["time", "lat", "lon"]})
}

fn zarr(folder: &Path, metadata: Value, cells: &[f32]) -> Array<FilesystemStore> {
    let file = if metadata["zarr_format"] == 2 { ".zarray" } else { "zarr.json" };
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(file), metadata.to_string()).unwrap();
    let metadata: ArrayMetadata = serde_json::from_value(metadata).unwrap();
    let array = Array::new_with_metadata(Arc::new(FilesystemStore::new(folder).unwrap()), "/", metadata).unwrap();
    array.store_array_subset(&ArraySubset::new_with_shape(SHAPE.map(|n| n as u64).to_vec()), cells).unwrap();
    array
}

fn netcdf(path: &Path, cells: &[f32]) {
    let mut nc = netcdf_writer::NcFileBuilder::new();
    let dims = [0, 1, 2].map(|i| nc.add_dimension(["time", "lat", "lon"][i], SHAPE[i] as u64).unwrap());
    let id = nc.add_variable::<f32>("array", &dims).unwrap();
    nc.write_variable(id, cells).unwrap();
    nc.set_variable_chunking(id, CHUNK.map(|n| n as u64).to_vec()).unwrap();
    nc.set_variable_deflate(id, Some(4), true).unwrap();
    let options = netcdf_writer::NcWriteOptions { format: netcdf_writer::NcWriteFormat::Nc4 };
    nc.write(&mut std::fs::File::create(path).unwrap(), options).unwrap();
}

fn source(path: &Path) -> Arc<dyn ChunkSource> {
    let spec = DatasetSpec { uri: path.to_str().unwrap().to_owned(), ..DatasetSpec::default() };
    let dataset = open(&Stores::default(), &spec).unwrap();
    dataset.variables.values().find(|v| v.chunks().len() == 3).unwrap().clone()
}

/// The engine's way to a chunk: fetched, decoded to a block of its own.
fn by_xeng(source: &dyn ChunkSource) {
    let all: Vec<_> = positions(source.chunks()).collect();
    all.par_iter().with_max_len(1).for_each(|chunk| {
        black_box(read(source, chunk).unwrap());
    });
}

/// zarrs' fastest way to all chunks: side by side, each on one thread.
fn by_zarrs(array: &Array<FilesystemStore>) {
    let grid = array.chunk_grid_shape().to_vec();
    let all: Vec<[u64; 3]> =
        (0..grid[0]).flat_map(|t| (0..grid[1]).flat_map({ let n = grid[2]; move |y| (0..n).map(move |x| [t, y, x]) })).collect();
    let options = zarrs::array::CodecOptions::default().with_concurrent_target(1);
    all.par_iter().with_max_len(1).for_each(|chunk| {
        black_box(array.retrieve_chunk_opt::<Vec<f32>>(chunk, &options).unwrap());
    });
}

/// What a C programmer would write over the same stored chunks, into buffers that stay.
fn by_hand(source: &dyn ChunkSource) {
    let all: Vec<_> = positions(source.chunks()).collect();
    let bytes = CHUNK.iter().product::<usize>() * 4;
    all.par_iter().with_max_len(1).for_each_init(
        || (libdeflater::Decompressor::new(), vec![0u8; bytes], vec![0u8; bytes]),
        |(inflate, shuffled, cells), chunk| {
            let stored = source.fetch(chunk).unwrap().unwrap();
            inflate.zlib_decompress(&stored.bytes, shuffled).unwrap();
            xeng_regions::codec::shuffle::unshuffle(shuffled, 4, cells);
            black_box(&cells);
        },
    );
}

fn chunks(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let cells = cells();
    let blosc2 = json!({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0});
    let blosc3 =
        json!({"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 0}});
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let zstd = json!({"name": "zstd", "configuration": {"level": 3, "checksum": false}});
    let sharded = json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": CHUNK, "codecs": [bytes, blosc3],
        "index_codecs": [bytes, {"name": "crc32c"}], "index_location": "end"}}]);
    let stores = [
        ("zarr2_blosc_lz4", version2(&blosc2)),
        ("zarr3_blosc_lz4", version3(CHUNK, &json!([bytes, blosc3]))),
        ("zarr3_zstd", version3(CHUNK, &json!([bytes, zstd]))),
        ("zarr3_sharded_blosc_lz4", version3([24, 362, 720], &sharded)),
    ];
    let mut group = c.benchmark_group("chunks/f32(24,181,360)");
    group.sample_size(10).throughput(Throughput::Bytes((cells.len() * 4) as u64));
    for (name, metadata) in stores {
        let path = folder.path().join(name);
        let array = zarr(&path, metadata, &cells);
        let ours = source(&path);
        assert_eq!(read(ours.as_ref(), &[1, 1, 0]).unwrap().as_slice::<f32>().unwrap()[7], cells[(24 * 362 + 181) * 720 + 7]);
        group.bench_function(format!("{name}/zarrs"), |b| b.iter(|| by_zarrs(&array)));
        group.bench_function(format!("{name}/xeng"), |b| b.iter(|| by_xeng(ours.as_ref())));
    }
    let path = folder.path().join("array.nc");
    netcdf(&path, &cells);
    let ours = source(&path);
    group.bench_function("netcdf4_shuffle_deflate/hand", |b| b.iter(|| by_hand(ours.as_ref())));
    group.bench_function("netcdf4_shuffle_deflate/xeng", |b| b.iter(|| by_xeng(ours.as_ref())));
    group.finish();
}

criterion_group!(benches, chunks);
criterion_main!(benches);
