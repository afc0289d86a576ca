//! The codec pipelines of chunks, beside the bare codecs and beside copying the decoded bytes.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "kit/data.rs"]
mod data;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::ffi::{CStr, c_void};
use std::hint::black_box;
use xeng_kernels::DType;
use xeng_regions::Encoded;
use xeng_regions::codec::shuffle::unshuffle;
use xeng_regions::codec::{Codec, Pipeline};
use xeng_regions::source::bytes::ByteOrder;
use xeng_regions::source::chunked::Layout;

const SHAPE: [usize; 3] = [24, 181, 360];
const SIZE: usize = 4;

fn shuffled(bytes: &[u8]) -> Vec<u8> {
    let cells = bytes.len() / SIZE;
    (0..bytes.len()).map(|i| bytes[i % cells * SIZE + i / cells]).collect()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(4).unwrap());
    let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let len = compressor.zlib_compress(bytes, &mut out).unwrap();
    out.truncate(len);
    out
}

fn blosc(bytes: &[u8], codec: &CStr) -> Vec<u8> {
    let mut out = vec![0; bytes.len() + 64];
    // SAFETY: the pointers and lengths are those of the two buffers, and the compressor's name ends in a zero.
    let len = unsafe {
        blosc_src::blosc_compress_ctx(
            5,
            1,
            SIZE,
            bytes.len(),
            bytes.as_ptr().cast::<c_void>(),
            out.as_mut_ptr().cast::<c_void>(),
            out.len(),
            codec.as_ptr(),
            0,
            1,
        )
    };
    out.truncate(usize::try_from(len).unwrap());
    out
}

fn unblosc(frame: &[u8], out: &mut [u8]) -> usize {
    // SAFETY: the frame was made by `blosc`, and the length is that of the buffer.
    let len = unsafe { blosc_src::blosc_decompress_ctx(frame.as_ptr().cast::<c_void>(), out.as_mut_ptr().cast::<c_void>(), out.len(), 1) };
    usize::try_from(len).unwrap()
}

fn decode(c: &mut Criterion) {
    let plain = data::bytes_of(&data::temperatures(SHAPE.iter().product(), 1000));
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    let mut out = vec![0; plain.len()];
    let at = "f32(24,181,360)";
    group.bench_function(BenchmarkId::new("memcpy", at), |b| b.iter(|| out.copy_from_slice(black_box(&plain))));
    let (deflate, lz4, zstd) = (deflated(&shuffled(&plain)), blosc(&plain, c"lz4"), zstd::bulk::compress(&plain, 3).unwrap());
    let rows = [
        ("none", vec![], &plain),
        ("shuffle+deflate", vec![Codec::Shuffle(SIZE), Codec::Zlib], &deflate),
        ("blosc-lz4", vec![Codec::Blosc], &lz4),
        ("zstd", vec![Codec::Zstd], &zstd),
    ];
    for (name, codecs, stored) in rows {
        println!("{name}: {} of {} bytes stored", stored.len(), plain.len());
        let layout =
            Layout { dtype: DType::F32, order: ByteOrder::Little, chunk_shape: SHAPE.to_vec(), pipeline: Pipeline { codecs }, fill: None };
        let encoded = Encoded::new(stored.clone());
        assert_eq!(layout.decode(String::new, &SHAPE, Some(&encoded)).unwrap().to_le_bytes(), plain, "{name}");
        // Into a block of its own, as the engine does.
        group.bench_function(BenchmarkId::new(format!("{name} xeng block"), at), |b| {
            b.iter(|| layout.decode(String::new, &SHAPE, Some(black_box(&encoded))).unwrap())
        });
        // Into memory that is there already, as the bare codecs below.
        group.bench_function(BenchmarkId::new(format!("{name} xeng"), at), |b| {
            b.iter(|| layout.pipeline.decode(black_box(stored), 0, &mut out).unwrap())
        });
    }
    let mut inflate = libdeflater::Decompressor::new();
    let mut planes = vec![0; plain.len()];
    group.bench_function(BenchmarkId::new("shuffle+deflate bare", at), |b| {
        b.iter(|| {
            inflate.zlib_decompress(black_box(&deflate), &mut planes).unwrap();
            unshuffle(&planes, SIZE, &mut out);
        });
    });
    group.bench_function(BenchmarkId::new("blosc-lz4 bare", at), |b| b.iter(|| unblosc(black_box(&lz4), &mut out)));
    group.bench_function(BenchmarkId::new("zstd bare", at), |b| {
        b.iter(|| zstd::bulk::decompress_to_buffer(black_box(&zstd), &mut out).unwrap())
    });
    group.finish();
}

criterion_group! { name = benches; config = time::short(); targets = decode }
criterion_main!(benches);
