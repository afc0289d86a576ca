//! Values that are the pixels of a PNG image (template 5.41).
//!
//! In: section 7. Out: values. Never an image of another size than the field.

use super::Scaling;
use super::bits::Bits;
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use std::io::Cursor;

/// Bytes that the decoder may take beside the image.
const MOST_BYTES: usize = 64 << 20;

/// Values of a field of `width` bits each.
pub(super) fn unpack(data: &[u8], width: u32, count: usize, scaling: &Scaling) -> Result<Vec<f32>, String> {
    let bad = |e: png::DecodingError| format!("its PNG image: {e}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(data), Limits { bytes: MOST_BYTES });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut image = decoder.read_info().map_err(bad)?;
    let (columns, rows, depth) = (image.info().width, image.info().height, bits_of(image.info().color_type, image.info().bit_depth)?);
    if u64::from(columns) * u64::from(rows) != count as u64 {
        return Err(format!("its PNG image has {columns} by {rows} pixels for {count} values"));
    }
    if depth != width && depth != width.next_multiple_of(8) {
        return Err(format!("its PNG image has {depth} bits for values of {width}"));
    }
    let row_bytes = (columns as usize * depth as usize).div_ceil(8);
    let mut pixels = vec![0; row_bytes.checked_mul(rows as usize).ok_or("its PNG image is too large")?];
    let frame = image.next_frame(&mut pixels).map_err(bad)?;
    if (frame.width, frame.height, frame.line_size) != (columns, rows, row_bytes) {
        return Err("its PNG image is drawn in parts, which is not supported".to_owned());
    }
    let row = |bytes| {
        let mut bits = Bits::new(bytes);
        (0..columns).map_while(move |_| bits.read(depth)).map(|n| scaling.value(f64::from(n)))
    };
    Ok(pixels.chunks_exact(row_bytes.max(1)).flat_map(row).collect())
}

/// Bits of a pixel, where its samples make one number.
fn bits_of(color: ColorType, depth: BitDepth) -> Result<u32, String> {
    match (color, depth) {
        (ColorType::Grayscale, depth) => Ok(depth as u32),
        (ColorType::Rgb, BitDepth::Eight) => Ok(24),
        (ColorType::Rgba, BitDepth::Eight) => Ok(32),
        (color, depth) => Err(format!("its PNG image is of {color:?} and {depth:?} bits, which no field is")),
    }
}
