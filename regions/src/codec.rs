//! Filters and codecs: from the stored bytes of a chunk back to its cells' bytes.
//!
//! In: a pipeline and stored bytes. Out: exactly as many bytes as asked for, in a buffer that is given.
//! Never trusts a length that the bytes claim; never allocates per chunk once a thread's scratch buffers have grown.

pub mod astype;
pub mod bits;
pub mod bitshuffle;
pub mod blosc;
pub mod bz2;
pub mod cell;
pub mod crc32c;
pub mod delta;
pub mod expansion;
pub mod fixed_scale_offset;
pub mod lz4;
pub mod lzf;
pub mod nbit;
pub mod packbits;
pub mod precision;
pub mod scaleoffset;
pub mod shuffle;

use astype::AsType;
use bitshuffle::Bitshuffle;
use delta::Delta;
use fixed_scale_offset::FixedScaleOffset;
use nbit::Nbit;
use precision::Precision;
use scaleoffset::ScaleOffset;
use std::cell::RefCell;

/// One filter, as applied when the chunk was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Codec {
    /// DEFLATE in a zlib wrapper.
    Zlib,
    /// DEFLATE in a gzip wrapper.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Bytes regrouped by significance, for cells of this many bytes.
    Shuffle(usize),
    /// Blosc 1 (lz4, zlib, zstd, blosclz; with its own shuffles).
    Blosc,
    /// LZF, as h5py writes it.
    Lzf,
    /// LZ4 in HDF5's block format.
    Lz4Blocks,
    /// LZ4 behind its length, as numcodecs writes it.
    Lz4,
    /// bzip2.
    Bz2,
    /// Bits regrouped by significance, and packed.
    Bitshuffle(Bitshuffle),
    /// Cells without their unused bits.
    Nbit(Nbit),
    /// The value of integers that use a part of their bits only. No filter, but part of the cells' type.
    Precision(Precision),
    /// Counts above the least cell.
    ScaleOffset(ScaleOffset),
    /// Differences to the cell before.
    Delta(Delta),
    /// Scaled integers.
    FixedScaleOffset(FixedScaleOffset),
    /// Another type.
    AsType(AsType),
    /// Eight booleans in a byte.
    PackBits,
    /// SZIP, with HDF5's parameters.
    Szip(Vec<u32>),
    /// HDF5's Fletcher-32 checksum behind the bytes.
    Fletcher32,
    /// CRC-32C behind the bytes, little-endian.
    Crc32c,
    /// CRC-32 (zlib's) before the bytes, little-endian.
    Crc32First,
    /// Adler-32 before the bytes, little-endian.
    Adler32First,
}

impl Codec {
    /// The name that users know it by.
    pub fn name(&self) -> &'static str {
        match self {
            Codec::Zlib => "zlib",
            Codec::Gzip => "gzip",
            Codec::Zstd => "zstd",
            Codec::Shuffle(_) => "shuffle",
            Codec::Blosc => "blosc",
            Codec::Lzf => "lzf",
            Codec::Lz4Blocks | Codec::Lz4 => "lz4",
            Codec::Bz2 => "bz2",
            Codec::Bitshuffle(_) => "bitshuffle",
            Codec::Nbit(_) => "nbit",
            Codec::Precision(_) => "precision",
            Codec::ScaleOffset(_) => "scaleoffset",
            Codec::Delta(_) => "delta",
            Codec::FixedScaleOffset(_) => "fixedscaleoffset",
            Codec::AsType(_) => "astype",
            Codec::PackBits => "packbits",
            Codec::Szip(_) => "szip",
            Codec::Fletcher32 => "fletcher32",
            Codec::Crc32c => "crc32c",
            Codec::Crc32First => "crc32",
            Codec::Adler32First => "adler32",
        }
    }

    /// How many bytes it gives for `len` bytes, where that does not depend on the bytes.
    fn encoded_len(&self, len: usize) -> Option<usize> {
        match self {
            Codec::Shuffle(_) | Codec::Precision(_) => Some(len),
            Codec::Delta(Delta { decoded, encoded })
            | Codec::AsType(AsType { decoded, encoded })
            | Codec::FixedScaleOffset(FixedScaleOffset { decoded, encoded, .. }) => (len / decoded.size).checked_mul(encoded.size),
            Codec::PackBits => Some(1 + len.div_ceil(8)),
            Codec::Fletcher32 | Codec::Crc32c | Codec::Crc32First | Codec::Adler32First => len.checked_add(4),
            Codec::Zlib | Codec::Gzip | Codec::Zstd | Codec::Blosc | Codec::Lzf | Codec::Lz4Blocks | Codec::Lz4 | Codec::Bz2 => None,
            Codec::Bitshuffle(_) | Codec::Nbit(_) | Codec::ScaleOffset(_) | Codec::Szip(_) => None,
        }
    }
}

/// Filters in the order in which they were applied when writing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// The filters.
    pub codecs: Vec<Codec>,
}

/// Stored bytes that are not what their filters make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A filter could not undo its work.
    #[error("{codec}: {reason}")]
    Corrupt {
        /// The filter.
        codec: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The bytes decode to another length.
    #[error("decodes to {got} bytes, expected {expected}")]
    Length {
        /// Bytes of the chunk.
        expected: usize,
        /// Bytes that came out.
        got: usize,
    },
    /// A checksum does not match.
    #[error("{codec} checksum does not match")]
    Checksum {
        /// The checksum's name.
        codec: &'static str,
    },
}

/// What a thread keeps between chunks.
struct Scratch {
    ping: Vec<u8>,
    pong: Vec<u8>,
    contexts: Contexts,
}

/// Decoders whose own memory is worth keeping.
struct Contexts {
    inflate: libdeflater::Decompressor,
    /// Made when first needed.
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> =
        RefCell::new(Scratch { ping: Vec::new(), pong: Vec::new(), contexts: Contexts { inflate: libdeflater::Decompressor::new(), zstd: None } });
}

impl Pipeline {
    /// Undoes every filter but those whose bit is set in `skipped`, and writes the chunk's bytes to `out`.
    ///
    /// # Errors
    /// [`CodecError`] when the stored bytes are not what the filters make of `out.len()` bytes.
    pub fn decode(&self, stored: &[u8], skipped: u32, out: &mut [u8]) -> Result<(), CodecError> {
        let active: Vec<&Codec> =
            self.codecs.iter().enumerate().filter(|(i, _)| *i >= 32 || skipped & (1 << i) == 0).map(|(_, c)| c).collect();
        SCRATCH.with_borrow_mut(|scratch| undo(&active, stored, out, scratch))
    }
}

fn undo(active: &[&Codec], stored: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<(), CodecError> {
    if active.is_empty() {
        return copy_exact(stored, out);
    }
    let Scratch { ping, pong, contexts } = scratch;
    // Length of each filter's input when it was written, where it is known.
    let mut lengths = Vec::with_capacity(active.len());
    let mut length = Some(out.len());
    for codec in active {
        lengths.push(length);
        length = length.and_then(|n| codec.encoded_len(n));
    }
    let slack = out.len().saturating_add(out.len() / 8).saturating_add(1 << 16);
    let mut from_stored = true;
    let mut window = 0..stored.len();
    for (i, codec) in active.iter().enumerate().rev() {
        let input = if from_stored { &stored[window.clone()] } else { &ping[window.clone()] };
        if let Some(inner) = strip_checksum(codec, input)? {
            window = window.start + inner.start..window.start + inner.end;
            continue;
        }
        if i == 0 {
            return write_last(codec, input, out, contexts);
        }
        let room = lengths[i].unwrap_or(slack);
        grow(pong, room);
        let got = undo_one(codec, input, &mut pong[..room], contexts)?;
        if lengths[i].is_some_and(|expected| expected != got) {
            return Err(CodecError::Length { expected: room, got });
        }
        std::mem::swap(ping, pong);
        (from_stored, window) = (false, 0..got);
    }
    copy_exact(if from_stored { &stored[window] } else { &ping[window] }, out)
}

fn write_last(codec: &Codec, input: &[u8], out: &mut [u8], contexts: &mut Contexts) -> Result<(), CodecError> {
    let expected = out.len();
    let got = undo_one(codec, input, out, contexts)?;
    if got == expected { Ok(()) } else { Err(CodecError::Length { expected, got }) }
}

fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        // A fresh zeroed allocation costs nothing until it is touched; growing in place would copy what is of no use.
        *buffer = vec![0; len];
    }
}

fn copy_exact(from: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    if from.len() != out.len() {
        return Err(CodecError::Length { expected: out.len(), got: from.len() });
    }
    out.copy_from_slice(from);
    Ok(())
}

/// Verifies a checksum and gives where the bytes that it guards lie; `None` for filters that are no checksums.
fn strip_checksum(codec: &Codec, input: &[u8]) -> Result<Option<std::ops::Range<usize>>, CodecError> {
    let (first, sum): (bool, fn(&[u8]) -> u32) = match codec {
        Codec::Fletcher32 => (false, hdf5_core::fletcher32),
        Codec::Crc32c => (false, crc32c::crc32c),
        Codec::Crc32First => (true, libdeflater::crc32),
        Codec::Adler32First => (true, libdeflater::adler32),
        Codec::Zlib | Codec::Gzip | Codec::Zstd | Codec::Blosc | Codec::Lzf | Codec::Lz4Blocks | Codec::Lz4 | Codec::Bz2 => {
            return Ok(None);
        }
        Codec::Shuffle(_) | Codec::Bitshuffle(_) | Codec::Nbit(_) | Codec::Precision(_) | Codec::ScaleOffset(_) => return Ok(None),
        Codec::Delta(_) | Codec::FixedScaleOffset(_) | Codec::AsType(_) | Codec::PackBits | Codec::Szip(_) => return Ok(None),
    };
    let len = input.len().checked_sub(4).ok_or_else(|| corrupt(codec, "no room for the checksum"))?;
    let (guarded, at) = if first { (4..input.len(), 0) } else { (0..len, len) };
    let stated = [input[at], input[at + 1], input[at + 2], input[at + 3]];
    let computed = sum(&input[guarded.clone()]);
    // HDF5 before 1.6.3 stored Fletcher-32 with each half's bytes exchanged; readers take both.
    let exchanged = u32::from_le_bytes([stated[1], stated[0], stated[3], stated[2]]);
    let matches = u32::from_le_bytes(stated) == computed || (*codec == Codec::Fletcher32 && exchanged == computed);
    if matches { Ok(Some(guarded)) } else { Err(CodecError::Checksum { codec: codec.name() }) }
}

fn corrupt(codec: &Codec, reason: impl std::fmt::Display) -> CodecError {
    CodecError::Corrupt { codec: codec.name(), reason: reason.to_string() }
}

/// Undoes one filter into `out` and gives how many bytes it wrote.
fn undo_one(codec: &Codec, input: &[u8], out: &mut [u8], contexts: &mut Contexts) -> Result<usize, CodecError> {
    match codec {
        Codec::Zlib => contexts.inflate.zlib_decompress(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Gzip => contexts.inflate.gzip_decompress(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Zstd => unzstd(&mut contexts.zstd, input, out).map_err(|e| corrupt(codec, e)),
        Codec::Shuffle(size) => {
            if input.len() > out.len() {
                return Err(CodecError::Length { expected: out.len(), got: input.len() });
            }
            shuffle::unshuffle(input, *size, &mut out[..input.len()]);
            Ok(input.len())
        }
        Codec::Blosc => blosc::decompress(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Lzf => lzf::decompress(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Lz4Blocks => lz4::hdf5_blocks(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Lz4 => lz4::behind_length(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Bz2 => bz2::decompress(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Bitshuffle(settings) => {
            let unzstd = |frame: &[u8], out: &mut [u8]| unzstd(&mut contexts.zstd, frame, out).map_err(|e| e.to_string());
            settings.decode(input, out, unzstd).map_err(|e| corrupt(codec, e))
        }
        Codec::Nbit(settings) => settings.decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::ScaleOffset(settings) => settings.decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Precision(settings) => {
            let target = out.get_mut(..input.len()).ok_or_else(|| corrupt(codec, "decodes to more bytes than the chunk has"))?;
            target.copy_from_slice(input);
            settings.widen(target);
            Ok(input.len())
        }
        Codec::Delta(settings) => settings.decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::FixedScaleOffset(settings) => settings.decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::AsType(settings) => settings.decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::PackBits => packbits::decode(input, out).map_err(|e| corrupt(codec, e)),
        Codec::Szip(parameters) => owned(codec, hdf5_reader::filters::szip::decompress_with_limit(input, parameters, out.len()), out),
        Codec::Fletcher32 | Codec::Crc32c | Codec::Crc32First | Codec::Adler32First => Err(corrupt(codec, "is no compressor")),
    }
}

fn unzstd(kept: &mut Option<zstd::bulk::Decompressor<'static>>, input: &[u8], out: &mut [u8]) -> std::io::Result<usize> {
    match kept {
        Some(context) => context.decompress_to_buffer(input, out),
        None => kept.insert(zstd::bulk::Decompressor::new()?).decompress_to_buffer(input, out),
    }
}

fn owned(codec: &Codec, result: Result<Vec<u8>, hdf5_reader::error::Error>, out: &mut [u8]) -> Result<usize, CodecError> {
    let bytes = result.map_err(|e| corrupt(codec, e))?;
    let target = out.get_mut(..bytes.len()).ok_or_else(|| corrupt(codec, "decodes to more bytes than the chunk has"))?;
    target.copy_from_slice(&bytes);
    Ok(bytes.len())
}

#[cfg(test)]
#[path = "codec/tests.rs"]
mod tests;
