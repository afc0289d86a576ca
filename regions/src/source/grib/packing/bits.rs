//! Numbers of any width that lie bit behind bit, the highest first.
//!
//! In: bytes. Out: numbers; nothing behind the end. Never panics.

/// Bytes, and how many bits of them are read.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// Bits that are not read yet.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    /// A number of `width` bits, 32 at most.
    pub(super) fn read(&mut self, width: u32) -> Option<u32> {
        if width == 0 {
            return Some(0);
        }
        if width > 32 || width as usize > self.left() {
            return None;
        }
        let first = self.at / 8;
        let window = match self.bytes.get(first..first + 8).and_then(|b| b.try_into().ok()) {
            Some(eight) => u64::from_be_bytes(eight),
            None => self.bytes.iter().skip(first).chain(std::iter::repeat(&0)).take(8).fold(0, |n, b| n << 8 | u64::from(*b)),
        };
        let number = window << (self.at % 8) >> (64 - width);
        self.at += width as usize;
        Some(number as u32)
    }

    /// Skips to the next whole byte.
    pub(super) fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// Skips `count` bits; nothing where there are fewer.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        let at = self.at.checked_add(count).filter(|_| count <= self.left())?;
        self.at = at;
        Some(())
    }

    /// The same bytes from here on.
    pub(super) fn fork(&self) -> Bits<'a> {
        Bits { bytes: self.bytes, at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_are_read_to_the_last_bit() {
        let bytes: Vec<u8> = (0..40u8).map(|n| n.wrapping_mul(73)).collect();
        let bit = |at: usize| u64::from(bytes[at / 8] >> (7 - at % 8) & 1);
        for width in 1..=32u32 {
            let mut bits = Bits::new(&bytes);
            let mut at = 0;
            while at + width as usize <= bytes.len() * 8 {
                let want = (at..at + width as usize).fold(0, |n, at| n << 1 | bit(at));
                assert_eq!(bits.read(width), Some(want as u32), "{width} bits at {at}");
                at += width as usize;
            }
            assert_eq!(bits.read(width), None);
        }
        assert_eq!(Bits::new(&[]).read(0), Some(0));
        assert_eq!(Bits::new(&bytes).read(33), None);
        assert_eq!(Bits::new(&bytes).skip(bytes.len() * 8 + 1), None);
    }
}
