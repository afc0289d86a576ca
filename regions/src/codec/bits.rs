//! Numbers of any width, packed bit by bit, most significant bit first: what HDF5's `nbit` and `scaleoffset` write.
//!
//! In: packed bytes. Out: one number after another. Never reads beyond its bytes.

/// Where the next number begins.
pub struct Bits<'a> {
    bytes: &'a [u8],
    held: u128,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit.
    pub fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, held: 0, count: 0 }
    }

    /// The next number of `width` bits, at most 64; `None` where the bytes end before it.
    pub fn take(&mut self, width: u32) -> Option<u64> {
        while self.count < width {
            let (&first, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            self.held = (self.held << 8) | u128::from(first);
            self.count += 8;
        }
        self.count -= width;
        let value = (self.held >> self.count) as u64 & low(width);
        self.held &= (1u128 << self.count) - 1;
        Some(value)
    }
}

/// The lowest `width` bits set, at most 64.
pub fn low(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1u64 << width) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_cross_the_bounds_of_bytes() {
        let mut bits = Bits::new(&[0b1010_0110, 0b1111_0000, 0xff]);
        assert_eq!(
            [bits.take(3), bits.take(7), bits.take(0), bits.take(14), bits.take(1)],
            [Some(5), Some(27), Some(0), Some(0x30ff), None]
        );
        assert_eq!(Bits::new(&[0xff; 9]).take(64), Some(u64::MAX));
    }
}
