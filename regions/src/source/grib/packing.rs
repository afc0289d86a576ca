//! The values of a field, from its sections 5 to 7.
//!
//! In: the sections' bytes, and the number of points. Out: values in the order in which they are scanned; NaN is missing. Never more memory
//! than the points need a few times: what claims another number of points is refused before it is decoded.
//! Source: WMO templates 5.0, 5.2, 5.3, 5.4, 5.40, 5.41 and 5.42; values are computed as ecCodes 2.50 does, in double precision and bit for bit.

mod bits;
mod ccsds;
mod complex;
mod jpeg2000;
mod png;

use super::octets::Octets;
use bits::Bits;

/// A packed number that stands for no value.
const MISSING: i64 = i64::MAX;

/// ecCodes' name of the packing that section 5 describes.
///
/// # Errors
/// Its number where it is not supported.
pub(super) fn name(section: Octets<'_>) -> Result<&'static str, String> {
    Ok(match section.u16(9).ok_or("its packing is cut off")? {
        0 => "grid_simple",
        2 => "grid_complex",
        3 => "grid_complex_spatial_differencing",
        4 => "grid_ieee",
        40 => "grid_jpeg",
        41 => "grid_png",
        42 => "grid_ccsds",
        other => {
            return Err(format!("data representation template 5.{other} is not supported (5.0, 5.2, 5.3, 5.4, 5.40, 5.41 and 5.42 are)"));
        }
    })
}

/// Values of a field of `points` points.
///
/// # Errors
/// Why the bytes are not those of such a field.
pub(super) fn unpack(bytes: &[u8], points: usize) -> Result<Vec<f32>, String> {
    let (packing, rest) = section(bytes, 5)?;
    let (own_bitmap, rest) = section(rest, 6)?;
    let (data, rest) = section(rest, 7)?;
    // A bitmap of an earlier field comes behind.
    let bitmap = if rest.is_empty() { own_bitmap } else { section(rest, 6)?.0 };
    let data = data.get(5..).ok_or("its data section is cut off")?;
    let coded = Octets(packing).u32(5).ok_or("its packing is cut off")? as usize;
    let present = match Octets(bitmap).u8(5).ok_or("its bitmap is cut off")? {
        255 => None,
        0 => Some(bitmap.get(6..).filter(|bits| bits.len() >= points.div_ceil(8)).ok_or("its bitmap is cut off")?),
        other => return Err(format!("its bitmap is number {other}, which is not there")),
    };
    let expected = present.map_or(points, |bits| ones(bits, points));
    if coded != expected {
        return Err(format!("it holds {coded} values for {expected} points"));
    }
    let values = values(Octets(packing), data, coded)?;
    if values.len() != coded {
        return Err(format!("{} values came of {coded}", values.len()));
    }
    Ok(match present {
        None => values,
        Some(bits) => spread(bits, &values, points),
    })
}

/// The first section of some bytes, which is to be of this number, and the bytes behind it.
fn section(bytes: &[u8], number: u8) -> Result<(&[u8], &[u8]), String> {
    let head = Octets(bytes);
    let len = head.u32(0).filter(|_| head.u8(4) == Some(number)).map(|len| len as usize);
    len.filter(|&len| len >= 5)
        .and_then(|len| bytes.split_at_checked(len))
        .ok_or_else(|| format!("section {number} is not where it should be, or is cut off"))
}

/// How many of the first `count` bits are set.
fn ones(bits: &[u8], count: usize) -> usize {
    let (whole, rest) = (count / 8, count % 8);
    let set = |bytes: &[u8]| bytes.iter().map(|b| b.count_ones() as usize).sum::<usize>();
    let last = bits.get(whole).filter(|_| rest > 0).map_or(0, |byte| (byte >> (8 - rest)).count_ones() as usize);
    bits.get(..whole).map_or(0, set) + last
}

/// Values where bits are set, NaN elsewhere.
fn spread(bits: &[u8], values: &[f32], points: usize) -> Vec<f32> {
    let mut values = values.iter();
    let mut value = |at: usize| {
        let is_set = bits.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
        if is_set { values.next().copied().unwrap_or(f32::NAN) } else { f32::NAN }
    };
    (0..points).map(&mut value).collect()
}

/// The values that section 7 holds.
fn values(packing: Octets<'_>, data: &[u8], count: usize) -> Result<Vec<f32>, String> {
    let short = || "its packing is cut off".to_owned();
    let template = packing.u16(9).ok_or_else(short)?;
    if count == 0 {
        return Ok(vec![]);
    }
    if template == 4 {
        return ieee(packing.u8(11).ok_or_else(short)?, data, count);
    }
    let scaling = Scaling::read(packing).ok_or_else(short)?;
    let width = packing.u8(19).ok_or_else(short)?;
    if width == 0 && !matches!(template, 2 | 3) {
        return Ok(vec![scaling.reference as f32; count]);
    }
    match template {
        0 => simple(data, u32::from(width), count, &scaling),
        2 | 3 => complex::unpack(packing, data, count, &scaling),
        40 => contained(|| jpeg2000::unpack(data, count, &scaling)),
        41 => contained(|| png::unpack(data, u32::from(width), count, &scaling)),
        42 => contained(|| ccsds::unpack(packing, data, count, &scaling)),
        other => Err(format!("data representation template 5.{other} is not supported")),
    }
}

/// What a decoder of another crate gives. None is known to panic, whatever the bytes; should one, the field is damaged and the engine goes on: a
/// decoder shares nothing with other fields that it could leave broken.
fn contained(decode: impl FnOnce() -> Result<Vec<f32>, String>) -> Result<Vec<f32>, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err("its decoder fails on it: it is damaged".to_owned()))
}

/// What packed numbers stand for: (number x 2^E + R) x 10^-D.
struct Scaling {
    reference: f64,
    binary: f64,
    decimal: f64,
}

impl Scaling {
    fn read(packing: Octets<'_>) -> Option<Scaling> {
        let (reference, binary, decimal) = (packing.f32(11)?, packing.i16(15)?, packing.i16(17)?);
        Some(Scaling { reference: f64::from(reference), binary: power(2.0, binary), decimal: power(10.0, -decimal) })
    }

    fn value(&self, packed: f64) -> f32 {
        ((packed * self.binary + self.reference) * self.decimal) as f32
    }
}

/// A power, rounded as ecCodes' `codes_power` rounds it: step by step.
fn power(base: f64, exponent: i32) -> f64 {
    let step = |n: f64, _| if exponent < 0 { n / base } else { n * base };
    (0..exponent.unsigned_abs()).fold(1.0, step)
}

fn simple(data: &[u8], width: u32, count: usize, scaling: &Scaling) -> Result<Vec<f32>, String> {
    if width > 32 {
        return Err(format!("its values have {width} bits; 32 are the most"));
    }
    let mut bits = Bits::new(data);
    if (width as usize).saturating_mul(count) > bits.left() {
        return Err(format!("its data section is too short for {count} values of {width} bits"));
    }
    Ok((0..count).map_while(|_| bits.read(width)).map(|n| scaling.value(f64::from(n))).collect())
}

fn ieee(precision: u8, data: &[u8], count: usize) -> Result<Vec<f32>, String> {
    let values: Vec<f32> = match precision {
        1 => data.as_chunks::<4>().0.iter().take(count).map(|b| f32::from_be_bytes(*b)).collect(),
        2 => data.as_chunks::<8>().0.iter().take(count).map(|b| f64::from_be_bytes(*b) as f32).collect(),
        other => return Err(format!("its values have precision {other} of code table 5.7; 1 and 2 are supported")),
    };
    if values.len() < count { Err(format!("its data section is too short for {count} values")) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_an_error_of_its_field() {
        assert!(contained(|| panic!("as it must not")).unwrap_err().contains("damaged"));
        assert_eq!(contained(|| Ok(vec![1.0])).unwrap(), [1.0]);
    }

    #[test]
    fn a_bitmap_is_counted_to_its_last_point_and_no_further() {
        let bits = [0b1010_0001, 0b1100_1111];
        assert_eq!((ones(&bits, 16), ones(&bits, 11), ones(&bits, 8), ones(&bits, 0)), (9, 5, 3, 0));
        let spread = spread(&bits, &[1.0, 2.0, 3.0, 4.0, 5.0], 11);
        let there: Vec<usize> = (0..11).filter(|&at| !spread[at].is_nan()).collect();
        assert_eq!(there, [0, 2, 7, 8, 9]);
        assert_eq!(spread[9], 5.0);
    }

    #[test]
    fn a_field_without_bits_is_its_reference_value_as_eccodes_has_it() {
        // R = 5, E = 0, D = 2, 0 bits: not 0.05.
        let packing: Vec<u8> = [&[0, 0, 0, 21, 5, 0, 0, 0, 3, 0, 0][..], &5f32.to_be_bytes(), &[0, 0, 0, 2, 0, 0]].concat();
        let field = [&packing[..], &[0, 0, 0, 6, 6, 255], &[0, 0, 0, 5, 7]].concat();
        assert_eq!(unpack(&field, 3).unwrap(), [5.0; 3]);
        assert!(unpack(&field, 4).unwrap_err().contains("3 values for 4 points"));
        assert!(unpack(&field[..field.len() - 1], 3).is_err());
    }
}
