//! HDF5's registered filters: their numbers, codecs and names.
//!
//! In: a number and parameters. Out: a codec, or that there is none. Source: the HDF Group's list of registered filter plugins.

use crate::codec::Codec;
use crate::codec::bitshuffle::Bitshuffle;
use crate::codec::nbit::Nbit;
use crate::codec::scaleoffset::ScaleOffset;

/// The codec of a registered filter.
pub(in crate::source) fn codec(id: u16, parameters: &[u32]) -> Result<Codec, ()> {
    Ok(match id {
        1 => Codec::Zlib,
        2 => Codec::Shuffle(parameters.first().copied().unwrap_or(1) as usize),
        3 => Codec::Fletcher32,
        4 => Codec::Szip(parameters.to_vec()),
        5 => Codec::Nbit(Nbit::from_parameters(parameters).ok_or(())?),
        6 => Codec::ScaleOffset(ScaleOffset::from_parameters(parameters).ok_or(())?),
        307 => Codec::Bz2,
        32000 => Codec::Lzf,
        32001 => Codec::Blosc,
        32004 => Codec::Lz4Blocks,
        32008 => Codec::Bitshuffle(Bitshuffle::from_parameters(parameters).ok_or(())?),
        32015 => Codec::Zstd,
        _ => return Err(()),
    })
}

pub(super) fn filter_name(id: u16, stored: Option<&str>) -> String {
    match id {
        1 => "zlib".into(),
        2 => "shuffle".into(),
        3 => "fletcher32".into(),
        4 => "szip".into(),
        5 => "nbit".into(),
        6 => "scaleoffset".into(),
        307 => "bzip2".into(),
        32000 => "lzf".into(),
        32001 => "blosc".into(),
        32004 => "lz4".into(),
        32008 => "bitshuffle".into(),
        32013 => "zfp".into(),
        32015 => "zstd".into(),
        32026 => "blosc2".into(),
        _ => stored.map_or_else(|| format!("filter {id}"), str::to_string),
    }
}
