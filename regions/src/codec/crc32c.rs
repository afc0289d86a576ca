//! CRC-32C (Castagnoli), the checksum of Zarr's `crc32c` codec and shard indexes (RFC 3720, appendix B.4).
//!
//! In: bytes. Out: their checksum. Never fails.

/// The reflected polynomial.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// Eight tables, so that eight bytes are folded at once.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut t = [[0u32; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        t[0][i] = crc;
        i += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut i = 0;
        while i < 256 {
            t[k][i] = (t[k - 1][i] >> 8) ^ t[0][(t[k - 1][i] & 0xff) as usize];
            i += 1;
        }
        k += 1;
    }
    t
}

/// The checksum of `bytes`. Example: `crc32c(b"123456789") == 0xE306_9283`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { by_instruction(bytes) };
    }
    by_table(bytes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
unsafe fn by_instruction(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let crc = words.iter().fold(u64::from(!0u32), |crc, &word| std::arch::x86_64::_mm_crc32_u64(crc, u64::from_le_bytes(word)));
    !rest.iter().fold(crc as u32, |crc, &byte| std::arch::x86_64::_mm_crc32_u8(crc, byte))
}

fn by_table(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut crc = !0u32;
    for word in words {
        let folded = u64::from_le_bytes(*word) ^ u64::from(crc);
        crc = (0..8).fold(0, |sum, i| sum ^ TABLES[7 - i][(folded >> (8 * i)) as usize & 0xff]);
    }
    !rest.iter().fold(crc, |crc, &byte| (crc >> 8) ^ TABLES[0][((crc ^ u32::from(byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_the_standard() {
        assert_eq!(super::crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(super::by_table(b"123456789"), 0xE306_9283);
        let long: Vec<u8> = (0..1000).map(|i| (i * 7) as u8).collect();
        assert_eq!(super::crc32c(&long), super::by_table(&long));
    }
}
