//! Byte-level packing: zstd frames of known size, byte shuffling, differences as varints.
//!
//! In: bytes and integers. Out: fewer bytes, and back. Never unpacks more than the size it was told.

use super::malformed;
use crate::error::RegionError;
use std::io::Read;

/// Below this, a frame's header outweighs what it saves.
const WORTH_COMPRESSING_BYTES: usize = 64;

/// A zstd frame of `bytes`, where it saves at least a sixteenth.
pub(super) fn squeeze(bytes: &[u8], level: i32) -> Option<Vec<u8>> {
    if bytes.len() < WORTH_COMPRESSING_BYTES {
        return None;
    }
    zstd::bulk::compress(bytes, level).ok().filter(|z| z.len() < bytes.len() - bytes.len() / 16)
}

/// The contents of a zstd frame, at most `most` bytes: memory grows with what really comes out, never with what is claimed.
pub(super) fn expand(frame: &[u8], most: usize) -> Result<Vec<u8>, RegionError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame).map_err(malformed)?;
    decoder.window_log_max(27).map_err(malformed)?;
    let mut out = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut out).map_err(malformed)?;
    if out.len() > most {
        return Err(malformed(format!("a compressed list holds more than the {most} bytes that it states")));
    }
    Ok(out)
}

/// All first bytes of the cells, then all second bytes, and so on: alike bytes side by side compress better.
pub(super) fn shuffle(cells: &[u8], size: usize) -> Vec<u8> {
    let count = cells.len() / size;
    let mut out = vec![0; count * size];
    for (byte, plane) in out.chunks_exact_mut(count.max(1)).enumerate() {
        for (to, cell) in plane.iter_mut().zip(cells.chunks_exact(size)) {
            *to = cell[byte];
        }
    }
    out
}

/// The inverse of [`shuffle`].
pub(super) fn unshuffle(planes: &[u8], size: usize) -> Vec<u8> {
    let count = planes.len() / size;
    let mut out = vec![0; count * size];
    for (byte, plane) in planes.chunks_exact(count.max(1)).enumerate() {
        for (cell, from) in out.chunks_exact_mut(size).zip(plane) {
            cell[byte] = *from;
        }
    }
    out
}

/// Differences of neighbours, zigzag-coded varints.
pub(super) fn deltas(values: impl ExactSizeIterator<Item = i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len());
    let mut last = 0i64;
    for value in values {
        let d = value.wrapping_sub(last);
        let mut z = (d.wrapping_shl(1) ^ (d >> 63)) as u64;
        while z >= 0x80 {
            out.push(z as u8 | 0x80);
            z >>= 7;
        }
        out.push(z as u8);
        last = value;
    }
    out
}

/// The inverse of [`deltas`]: exactly `count` values.
pub(super) fn undelta(bytes: &[u8], count: usize) -> Result<Vec<i64>, RegionError> {
    // Each value takes a byte at least, so a short list cannot claim a long one's memory.
    if bytes.len() < count {
        return Err(malformed(format!("a list of {count} integers in {} bytes", bytes.len())));
    }
    let mut out = Vec::with_capacity(count);
    let (mut last, mut z, mut shift) = (0i64, 0u64, 0u32);
    for &byte in bytes {
        let low = u64::from(byte & 0x7f);
        if shift > 63 || shift == 63 && low > 1 {
            return Err(malformed("an integer of more than 64 bits"));
        }
        z |= low << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.wrapping_add((z >> 1) as i64 ^ -((z & 1) as i64));
            out.push(last);
            (z, shift) = (0, 0);
            if out.len() > count {
                break;
            }
        }
    }
    if out.len() != count || shift != 0 {
        return Err(malformed(format!("a list that does not hold the {count} integers that it states")));
    }
    Ok(out)
}
