//! Numbers to measure with, the same in every run.
// Each program uses a part of it.
#![allow(dead_code)]

/// Temperatures in kelvin, one cell in `missing_every` missing (0: none).
pub(crate) fn temperatures(cells: usize, missing_every: usize) -> Vec<f32> {
    let cell = |i: usize| {
        // A smooth field with noise of 256 steps: it compresses about as real model output does.
        let z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let noise = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56;
        280.0 + 15.0 * ((i % 360) as f32 / 57.3).sin() + noise as f32 / 64.0
    };
    (0..cells).map(|i| if missing_every > 0 && i % missing_every == 0 { f32::NAN } else { cell(i) }).collect()
}

/// The same cells as bytes.
pub(crate) fn bytes_of(cells: &[f32]) -> Vec<u8> {
    cells.iter().flat_map(|x| x.to_le_bytes()).collect()
}
