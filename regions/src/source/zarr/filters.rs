//! numcodecs' settings as codecs: the names that Zarr version 2 uses, and version 3 behind `numcodecs.`.
//!
//! In: a name and its JSON settings. Out: a codec, or nothing for codecs that change nothing on reading. Never guesses: settings that are
//! not known to be undone exactly are a reason why the array cannot be read.
//! Source: numcodecs 0.16, one module per codec.

use crate::codec::Codec;
use crate::codec::astype::AsType;
use crate::codec::cell::Cell;
use crate::codec::delta::Delta;
use crate::codec::fixed_scale_offset::FixedScaleOffset;
use serde_json::Value;

/// What a codec gives when it is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Bytes.
    Bytes,
    /// Cells of this type.
    Cells(Cell),
}

/// A codec and what it gives; without a codec where nothing has to be undone.
///
/// # Errors
/// A reason, when the codec or one of its settings is not supported.
pub fn codec(name: &str, settings: &Value) -> Result<(Option<Codec>, Gives), String> {
    let bytes = |codec| Ok((Some(codec), Gives::Bytes));
    match name {
        "zlib" => bytes(Codec::Zlib),
        "gzip" => bytes(Codec::Gzip),
        "zstd" => bytes(Codec::Zstd),
        "blosc" => bytes(Codec::Blosc),
        "bz2" => bytes(Codec::Bz2),
        "lz4" => bytes(Codec::Lz4),
        "crc32c" => at(name, settings, "end", Codec::Crc32c),
        "crc32" => at(name, settings, "start", Codec::Crc32First),
        "adler32" => at(name, settings, "start", Codec::Adler32First),
        "fletcher32" => bytes(Codec::Fletcher32),
        "shuffle" => bytes(Codec::Shuffle(shuffled(settings)?)),
        "packbits" => Ok((Some(Codec::PackBits), Gives::Cells(kind("|b1")?))),
        // Rounding happened when the chunk was written.
        "bitround" => Ok((None, Gives::Bytes)),
        "delta" => delta(settings),
        "astype" => astype(settings, "decode_dtype", "encode_dtype"),
        "quantize" => astype(settings, "dtype", "astype"),
        "fixedscaleoffset" => fixed_scale_offset(settings),
        _ => Err(format!("codec {name} is not supported")),
    }
}

/// A checksum that stands where `usual` says.
fn at(name: &str, settings: &Value, usual: &str, codec: Codec) -> Result<(Option<Codec>, Gives), String> {
    match settings.get("location").and_then(Value::as_str) {
        Some(place) if place != usual => Err(format!("codec {name} at the {place} of a chunk is not supported")),
        _ => Ok((Some(codec), Gives::Bytes)),
    }
}

fn shuffled(settings: &Value) -> Result<usize, String> {
    match settings.get("elementsize") {
        None => Ok(4),
        Some(size) => size
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|&n| n > 0)
            .ok_or_else(|| format!("codec shuffle over {size} bytes is not supported")),
    }
}

fn delta(settings: &Value) -> Result<(Option<Codec>, Gives), String> {
    let (decoded, encoded) = types(settings, "dtype", "astype")?;
    let codec = Delta::new(decoded, encoded).ok_or("codec delta between floats of different types is not supported")?;
    Ok((Some(Codec::Delta(codec)), Gives::Cells(decoded)))
}

fn astype(settings: &Value, to: &str, from: &str) -> Result<(Option<Codec>, Gives), String> {
    let (decoded, encoded) = types(settings, to, from)?;
    let codec = (decoded != encoded).then_some(Codec::AsType(AsType { decoded, encoded }));
    Ok((codec, Gives::Cells(decoded)))
}

fn fixed_scale_offset(settings: &Value) -> Result<(Option<Codec>, Gives), String> {
    let (decoded, encoded) = types(settings, "dtype", "astype")?;
    let number = |key: &str| {
        let found = settings.get(key).and_then(Value::as_f64);
        found.filter(|v| v.is_finite()).ok_or_else(|| format!("codec fixedscaleoffset has no number {key}"))
    };
    let codec = FixedScaleOffset { decoded, encoded, scale: number("scale")?, offset: number("offset")? };
    Ok((Some(Codec::FixedScaleOffset(codec)), Gives::Cells(decoded)))
}

/// The types of the cells and of what is stored, which is the same where it is not given.
fn types(settings: &Value, to: &str, from: &str) -> Result<(Cell, Cell), String> {
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    let decoded = text(to).ok_or_else(|| format!("a codec has no {to}"))?;
    Ok((kind(decoded)?, kind(text(from).unwrap_or(decoded))?))
}

fn kind(text: &str) -> Result<Cell, String> {
    // Version 3 writes NumPy's long names, of the machine's byte order.
    let short = match text {
        "bool" => "|b1",
        "int8" | "i1" => "|i1",
        "uint8" | "u1" => "|u1",
        "int16" => "<i2",
        "uint16" => "<u2",
        "int32" => "<i4",
        "uint32" => "<u4",
        "int64" => "<i8",
        "uint64" => "<u8",
        "float32" => "<f4",
        "float64" => "<f8",
        other => other,
    };
    Cell::parse(short).ok_or_else(|| format!("a codec over cells of type {text} is not supported"))
}
