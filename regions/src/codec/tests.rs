#![allow(clippy::unwrap_used)]
use super::*;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
    let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let n = compressor.zlib_compress(bytes, &mut out).unwrap();
    out.truncate(n);
    out
}

fn shuffled(bytes: &[u8], size: usize) -> Vec<u8> {
    let cells = bytes.len() / size;
    let mut out = vec![];
    for b in 0..size {
        out.extend((0..cells).map(|i| bytes[i * size + b]));
    }
    out
}

#[test]
fn pipelines_are_undone_in_reverse_and_masked_filters_are_skipped() {
    let cells: Vec<u8> = (0..4000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    let pipeline = Pipeline { codecs: vec![Codec::Shuffle(4), Codec::Zlib, Codec::Fletcher32] };
    let mut stored = zlib(&shuffled(&cells, 4));
    stored.extend(hdf5_core::fletcher32(&stored).to_le_bytes());
    let mut out = vec![0; cells.len()];
    pipeline.decode(&stored, 0, &mut out).unwrap();
    assert_eq!(out, cells);
    pipeline.decode(&shuffled(&cells, 4), 0b110, &mut out).unwrap();
    assert_eq!(out, cells);
    pipeline.decode(&zlib(&cells), 0b101, &mut out).unwrap();
    assert_eq!(out, cells);
}

#[test]
fn a_flipped_bit_is_found_by_the_checksum() {
    let cells = vec![7u8; 64];
    let mut stored = cells.clone();
    stored.extend(hdf5_core::fletcher32(&stored).to_le_bytes());
    stored[3] ^= 1;
    let pipeline = Pipeline { codecs: vec![Codec::Fletcher32] };
    assert_eq!(pipeline.decode(&stored, 0, &mut [0; 64]), Err(CodecError::Checksum { codec: "fletcher32" }));
}

#[test]
fn a_wrong_length_is_an_error_and_never_a_panic() {
    let stored = zlib(&[1; 100]);
    for (codecs, len) in [(vec![Codec::Zlib], 99), (vec![Codec::Zlib], 101), (vec![], 7), (vec![Codec::Shuffle(4), Codec::Zlib], 104)] {
        assert!(Pipeline { codecs }.decode(&stored, 0, &mut vec![0; len]).is_err());
    }
    for codec in [Codec::Zlib, Codec::Gzip, Codec::Zstd, Codec::Blosc, Codec::Lzf, Codec::Lz4Blocks, Codec::Fletcher32, Codec::Crc32c] {
        for stored in [&[][..], &[1, 2, 3], &[255; 40]] {
            assert!(Pipeline { codecs: vec![codec.clone()] }.decode(stored, 0, &mut [0; 64]).is_err(), "{codec:?} {stored:?}");
        }
    }
}

#[test]
fn lzf_literals_and_references() {
    // Three literals, then nine bytes copied from three bytes back.
    let stored = [2, b'a', b'b', b'c', 0xe0, 0, 2];
    let mut out = [0; 12];
    Pipeline { codecs: vec![Codec::Lzf] }.decode(&stored, 0, &mut out).unwrap();
    assert_eq!(&out, b"abcabcabcabc");
}
