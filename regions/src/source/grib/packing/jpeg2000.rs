//! Values that are the samples of a JPEG 2000 codestream (template 5.40).
//!
//! In: section 7. Out: values. Never an image of another size than the field; never more bits than a sample holds exactly; never one whose
//! end is missing, which the format allows to be shown.

use super::super::octets::Octets;
use super::Scaling;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// The markers that a codestream begins with: its start, and the size of the image.
const START: u32 = 0xff4f_ff51;
/// Bits of a sample, at most: those that 32-bit floating point holds exactly.
const MOST_BITS: u8 = 24;

/// Values of a field.
pub(super) fn unpack(data: &[u8], count: usize, scaling: &Scaling) -> Result<Vec<f32>, String> {
    check_size(Octets(data), count)?;
    let bad = |e| format!("its JPEG 2000 codestream: {e}");
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(data, &settings).map_err(bad)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(bad)?;
    let [component] = decoded.components() else { return Err("its JPEG 2000 image has several components".to_owned()) };
    Ok(component.samples().iter().map(|&sample| scaling.value(f64::from(sample.round()))).collect())
}

/// That the image has one component of `count` unsigned samples.
fn check_size(header: Octets<'_>, count: usize) -> Result<(), String> {
    let parts = || {
        let span = |far, near| Some(header.u32(far)?.saturating_sub(header.u32(near)?));
        Some((span(8, 16)?, span(12, 20)?, header.u16(40)?, header.u8(42)?, (header.u8(43)?, header.u8(44)?)))
    };
    let (columns, rows, components, depth, subsampled) =
        parts().filter(|_| header.u32(0) == Some(START)).ok_or("its data section holds no JPEG 2000 codestream")?;
    if u64::from(columns) * u64::from(rows) != count as u64 || components != 1 || subsampled != (1, 1) {
        return Err(format!("its JPEG 2000 image has {columns} by {rows} samples of {components} components for {count} values"));
    }
    // The highest bit says that samples have signs.
    if depth >= MOST_BITS {
        return Err(format!("its JPEG 2000 samples are signed or have more than {MOST_BITS} bits ({depth:#04x})"));
    }
    Ok(())
}
