//! How much a filter can shorten bytes: what tells a chunk apart from a size that a hostile file only claims.
//!
//! In: a codec. Out: the bytes that one stored byte can stand for, at most. Never decodes.

use super::{Codec, Pipeline};

impl Pipeline {
    /// Whether `stored` bytes can decode to `len` bytes at all; asked before memory is taken for them.
    ///
    /// Filters that a chunk skipped only make it longer.
    pub fn can_hold(&self, stored: usize, len: usize) -> bool {
        let factor = self.codecs.iter().fold(1usize, |n, codec| n.saturating_mul(factor(codec)));
        len <= stored.saturating_add(64).saturating_mul(factor)
    }
}

/// Bytes that one byte stands for, at most, by each format's own limits.
fn factor(codec: &Codec) -> usize {
    match codec {
        // DEFLATE: 258 bytes in two bits.
        Codec::Zlib | Codec::Gzip => 1040,
        // A run-length block of 128 KiB takes 4 bytes; Blosc can hold such blocks, and runs of its own.
        Codec::Zstd | Codec::Blosc => 1 << 17,
        Codec::Bitshuffle(_) => 1 << 17,
        // A block of 900 kB of equal bytes takes about 40.
        Codec::Bz2 => 1 << 16,
        Codec::Lz4Blocks | Codec::Lz4 | Codec::Lzf => 256,
        // Cells that are all equal take no bits: the header of 21 bytes stands for the chunk.
        Codec::ScaleOffset(_) => usize::MAX,
        Codec::Nbit(_) => 64,
        Codec::Szip(_) => 1 << 12,
        Codec::PackBits => 8,
        Codec::Delta(_) | Codec::FixedScaleOffset(_) | Codec::AsType(_) => 8,
        Codec::Shuffle(_) | Codec::Precision(_) => 1,
        Codec::Fletcher32 | Codec::Crc32c | Codec::Crc32First | Codec::Adler32First => 1,
    }
}
