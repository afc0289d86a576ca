//! What the bits of an HDF5 number mean, beyond its size: byte order, unused bits, the layout of floats.
//!
//! In: the bytes of a datatype message. Out: whether cells are plain numbers, integers with unused bits, or something that would be
//! read wrongly. Never guesses.
//! Format: HDF5 File Format Specification 3.0, IV.A.2.d.

use crate::codec::precision::Precision;
use crate::source::bytes::ByteOrder;
use hdf5_reader::Datatype;
use xeng_kernels::DType;

/// What a stored number needs before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: every bit means what the type's size says.
    Plain,
    /// Its used bits have to be brought into place.
    Narrow(Precision),
    /// It cannot be read, and why.
    Foreign(String),
}

/// Reads a datatype message; only numbers and enumerations of numbers are looked into.
pub fn meaning(message: &[u8]) -> Meaning {
    parse(message).unwrap_or_else(|| Meaning::Foreign("its type description ends early".into()))
}

fn parse(message: &[u8]) -> Option<Meaning> {
    let head: [u8; 8] = message.get(..8)?.try_into().ok()?;
    let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let properties = message.get(8..)?;
    match head[0] & 0x0f {
        0 => integer(head[1], size, properties),
        1 => float([head[1], head[2]], size, properties),
        // The base type of an enumeration stands first among its properties.
        8 => parse(properties),
        _ => Some(Meaning::Plain),
    }
}

fn integer(flags: u8, size: u32, properties: &[u8]) -> Option<Meaning> {
    let (offset, bits) = (u32::from(word(properties, 0)?), u32::from(word(properties, 2)?));
    if offset == 0 && u64::from(bits) == u64::from(size) * 8 {
        return Some(Meaning::Plain);
    }
    // HDF5 itself does not extend the sign of big-endian single bytes: two readers would give two numbers.
    let is_doubtful = size == 1 && flags & 1 != 0;
    if is_doubtful || size > 8 || bits == 0 || bits + offset > size * 8 {
        return Some(Meaning::Foreign(format!("integers of {bits} bits in {size} bytes are not supported")));
    }
    Some(Meaning::Narrow(Precision { size, is_big: flags & 1 != 0, bits, offset, is_signed: flags & 8 != 0 }))
}

/// How integers leave bits unused, as a list of numbers.
pub(super) fn parameters_of(precision: &Precision) -> Vec<u32> {
    let Precision { size, is_big, bits, offset, is_signed } = *precision;
    vec![size, u32::from(is_big), bits, offset, u32::from(is_signed)]
}

/// The inverse of [`parameters_of`] for cells of so many bytes; `None` where there can be no such integers.
pub(super) fn precision_of(parameters: &[u32], cell_bytes: usize) -> Option<Precision> {
    let &[size, is_big @ 0..=1, bits, offset, is_signed @ 0..=1] = parameters else { return None };
    let fits = size as usize == cell_bytes && size <= 8 && bits > 0 && bits.checked_add(offset)? <= size * 8;
    fits.then_some(Precision { size, is_big: is_big == 1, bits, offset, is_signed: is_signed == 1 })
}

/// IEEE 754 binary32 and binary64, as the specification lists their fields.
fn float(flags: [u8; 2], size: u32, properties: &[u8]) -> Option<Meaning> {
    let fields = properties.get(..12)?;
    let bias = u32::from_le_bytes([fields[8], fields[9], fields[10], fields[11]]);
    let places = (word(fields, 0)?, word(fields, 2)?, fields[4], fields[5], fields[6], fields[7], bias, flags[1]);
    let is_vax = flags[0] & 0x40 != 0;
    // The highest bit of the mantissa is implied.
    let is_normal = flags[0] >> 4 & 3 == 2;
    Some(match (size, places) {
        _ if is_vax => Meaning::Foreign("floats in VAX byte order are not supported".into()),
        (4, (0, 32, 23, 8, 0, 23, 127, 31)) | (8, (0, 64, 52, 11, 0, 52, 1023, 63)) if is_normal => Meaning::Plain,
        (2, (0, 16, 10, 5, 0, 10, 15, 15)) if is_normal => Meaning::Foreign(HALF.into()),
        _ => Meaning::Foreign(format!("floats of {} bits in {size} bytes that are not IEEE 754's are not supported", places.1)),
    })
}

/// Why half-precision floats are refused.
pub const HALF: &str = "cells of type float16 are not supported: xarray computes with them in float16, which is not done here";

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Whether a data layout message says that chunks over the array's edge were stored without filters (flag 0 of versions 4 and 5).
pub fn leaves_edges_unfiltered(layout: &[u8]) -> bool {
    matches!(layout, &[4 | 5, 2, flags, ..] if flags & 1 != 0)
}

/// Element type, byte order, and whether cells are characters.
pub(in crate::source) fn element_type(datatype: &Datatype) -> Option<(DType, ByteOrder, bool)> {
    let order = |o: &hdf5_core::ByteOrder| match o {
        hdf5_core::ByteOrder::LittleEndian => ByteOrder::Little,
        hdf5_core::ByteOrder::BigEndian => ByteOrder::Big,
    };
    Some(match datatype {
        Datatype::FixedPoint { size, signed, byte_order } => {
            let dtype = match (size, signed) {
                (1, true) => DType::I8,
                (2, true) => DType::I16,
                (4, true) => DType::I32,
                (8, true) => DType::I64,
                (1, false) => DType::U8,
                (2, false) => DType::U16,
                (4, false) => DType::U32,
                (8, false) => DType::U64,
                _ => return None,
            };
            (dtype, order(byte_order), false)
        }
        Datatype::FloatingPoint { size: 4, byte_order } => (DType::F32, order(byte_order), false),
        Datatype::FloatingPoint { size: 8, byte_order } => (DType::F64, order(byte_order), false),
        Datatype::String { size: hdf5_core::StringSize::Fixed(1), .. } => (DType::U8, ByteOrder::Little, true),
        Datatype::Enum { base, .. } if !matches!(**base, Datatype::Enum { .. }) => return element_type(base),
        _ => return None,
    })
}

/// Whether cells are texts of more than one character.
pub(super) fn is_text(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::String { size, .. } => *size != hdf5_core::StringSize::Fixed(1),
        Datatype::VarLen { kind, .. } => *kind == hdf5_core::VarLenKind::String,
        _ => false,
    }
}

/// The type as an error names it.
pub(super) fn type_label(datatype: &Datatype) -> String {
    match datatype {
        Datatype::FixedPoint { size, .. } => format!("integer of {size} bytes"),
        Datatype::FloatingPoint { size, .. } => format!("float of {size} bytes"),
        Datatype::String { .. } => "text".into(),
        Datatype::Compound { .. } => "compound".into(),
        Datatype::Array { .. } => "array".into(),
        Datatype::Enum { .. } => "enum".into(),
        Datatype::VarLen { .. } => "variable-length list".into(),
        Datatype::Opaque { .. } => "opaque".into(),
        Datatype::Reference { .. } => "reference".into(),
        Datatype::Bitfield { .. } => "bit field".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_pass_untouched() {
        let float = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
        assert_eq!(meaning(&float), Meaning::Plain);
        for (at, byte) in [(1, 0x60), (10, 31), (12, 22), (13, 7), (15, 22), (16, 126), (2, 30), (1, 0x10)] {
            let mut odd = float;
            odd[at] = byte;
            assert!(matches!(meaning(&odd), Meaning::Foreign(_)), "byte {at}");
        }
        assert_eq!(meaning(&[0x10, 8, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0]), Meaning::Plain);
        let narrow = Precision { size: 4, is_big: true, bits: 17, offset: 3, is_signed: true };
        assert_eq!(meaning(&[0x10, 9, 0, 0, 4, 0, 0, 0, 3, 0, 17, 0]), Meaning::Narrow(narrow));
        assert!(matches!(meaning(&[0x10, 9, 0, 0, 4, 0, 0, 0, 3, 0, 30, 0]), Meaning::Foreign(_)));
        assert!(matches!(meaning(&float[..12]), Meaning::Foreign(_)));
    }
}
