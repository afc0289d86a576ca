//! Values that the CCSDS lossless compressor (121.0-B, "AEC") has packed (template 5.42).
//!
//! In: sections 5 and 7. Out: values. Never leaves how numbers lie in memory to the file: its flags for that say nothing of the stream.

use super::super::octets::Octets;
use super::Scaling;
use rust_aec::{AecFlags, AecParams, decode_into};

/// Flags of the stream itself: preprocessing, restricted codes, padded intervals.
const OF_THE_STREAM: u8 = 0b0011_1000;
/// Numbers have signs.
const SIGNED: u8 = 0b0000_0001;

/// Values of a field.
pub(super) fn unpack(packing: Octets<'_>, data: &[u8], count: usize, scaling: &Scaling) -> Result<Vec<f32>, String> {
    let parts = || Some((packing.u8(19)?, packing.u8(21)?, packing.u8(22)?, packing.u16(23)?));
    let (width, flags, block, interval) = parts().ok_or("its packing is cut off")?;
    if flags & SIGNED != 0 {
        return Err("its packed numbers have signs, which is not supported".to_owned());
    }
    let size = match width {
        1..=8 => 1,
        9..=16 => 2,
        17..=32 => 4,
        _ => return Err(format!("its values have {width} bits; 32 are the most")),
    };
    let flags = AecFlags::from_bits_truncate(u32::from(flags & OF_THE_STREAM)) | AecFlags::MSB;
    let params = AecParams::new(width, u32::from(block), u32::from(interval), flags);
    let mut numbers = vec![0u8; count.checked_mul(size).ok_or("it has too many values")?];
    decode_into(data, params, count, &mut numbers).map_err(|e| format!("its CCSDS stream: {e}"))?;
    let number = |bytes: &[u8]| scaling.value(f64::from(bytes.iter().fold(0u32, |n, b| n << 8 | u32::from(*b))));
    Ok(numbers.chunks_exact(size).map(number).collect())
}
