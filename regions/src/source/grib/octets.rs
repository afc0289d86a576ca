//! The octets of a section: numbers in big-endian order, negative ones by a sign bit.
//!
//! In: bytes. Out: numbers; nothing where the section ends before them. Never panics.

/// A section, or part of one.
#[derive(Clone, Copy)]
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl Octets<'_> {
    fn take<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(super) fn u16(self, at: usize) -> Option<u16> {
        self.take(at).map(u16::from_be_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Option<u32> {
        self.take(at).map(u32::from_be_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Option<u64> {
        self.take(at).map(u64::from_be_bytes)
    }

    pub(super) fn f32(self, at: usize) -> Option<f32> {
        self.take(at).map(f32::from_be_bytes)
    }

    /// A number whose highest bit is its sign.
    pub(super) fn i8(self, at: usize) -> Option<i32> {
        self.u8(at).map(|n| signed(u32::from(n), 8) as i32)
    }

    /// A number whose highest bit is its sign.
    pub(super) fn i16(self, at: usize) -> Option<i32> {
        self.u16(at).map(|n| signed(u32::from(n), 16) as i32)
    }

    /// A number whose highest bit is its sign.
    pub(super) fn i32(self, at: usize) -> Option<i64> {
        self.u32(at).map(|n| signed(n, 32))
    }

    /// A number that is missing where all its bits are set.
    pub(super) fn known_u32(self, at: usize) -> Option<Option<u32>> {
        self.u32(at).map(|n| (n != u32::MAX).then_some(n))
    }
}

/// A number of `bits` bits (1 to 32) of which the highest is the sign.
pub(super) fn signed(number: u32, bits: u32) -> i64 {
    let sign = 1i64 << (bits - 1);
    let number = i64::from(number);
    if number & sign == 0 { number } else { -(number & (sign - 1)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_highest_bit_is_the_sign() {
        let section = Octets(&[0x80, 0x01, 0x7f, 0xff]);
        assert_eq!((section.i8(0), section.i8(1), section.i16(0), section.i16(2)), (Some(0), Some(1), Some(-1), Some(32767)));
        assert_eq!((section.i32(0), section.i32(1), section.u16(3)), (Some(-0x17fff), None, None));
        assert_eq!(section.u16(usize::MAX), None);
    }
}
