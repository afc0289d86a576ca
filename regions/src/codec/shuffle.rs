//! The byte shuffle of HDF5, Blosc and numcodecs, undone.
//!
//! In: all first bytes of the cells, then all second bytes, and so on. Out: the cells. Never allocates.

/// Regroups `input` into cells of `size` bytes; bytes that make no whole cell are left at the end, as HDF5 leaves them.
///
/// Both slices must have the same length; what does not fit is left out.
pub fn unshuffle(input: &[u8], size: usize, out: &mut [u8]) {
    let len = input.len().min(out.len());
    let (input, out) = (&input[..len], &mut out[..len]);
    if size <= 1 || len < size {
        return out.copy_from_slice(input);
    }
    let cells = len / size;
    let (planes, rest) = input.split_at(cells * size);
    let (body, tail) = out.split_at_mut(cells * size);
    tail.copy_from_slice(rest);
    let done = fast(planes, size, cells, body);
    for i in done..cells {
        for b in 0..size {
            body[i * size + b] = planes[b * cells + i];
        }
    }
}

/// Does the leading cells with vector instructions, and gives how many it did.
#[cfg(target_arch = "x86_64")]
fn fast(planes: &[u8], size: usize, cells: usize, out: &mut [u8]) -> usize {
    let avx2 = std::arch::is_x86_feature_detected!("avx2");
    match size {
        // SAFETY: the callers give `cells * size` bytes in both slices, each kernel touches only whole groups of cells
        // below `cells`, SSE2 is part of x86-64, and AVX2 was detected.
        2 => unsafe { if avx2 { x86::two_avx2(planes, cells, out) } else { x86::two_sse2(planes, cells, out) } },
        4 => unsafe { if avx2 { x86::four_avx2(planes, cells, out) } else { x86::four_sse2(planes, cells, out) } },
        8 => unsafe { x86::eight_sse2(planes, cells, out) },
        _ => blocked(planes, size, cells, out),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fast(planes: &[u8], size: usize, cells: usize, out: &mut [u8]) -> usize {
    blocked(planes, size, cells, out)
}

/// Any size: 64 cells at a time, so that the cells being written stay in the nearest cache.
fn blocked(planes: &[u8], size: usize, cells: usize, out: &mut [u8]) -> usize {
    const GROUP: usize = 64;
    let done = cells / GROUP * GROUP;
    for start in (0..done).step_by(GROUP) {
        let group = &mut out[start * size..(start + GROUP) * size];
        for b in 0..size {
            let plane = &planes[b * cells + start..b * cells + start + GROUP];
            for (cell, &byte) in group.chunks_exact_mut(size).zip(plane) {
                cell[b] = byte;
            }
        }
    }
    done
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// # Safety
    /// Both slices hold `2 * cells` bytes.
    pub(super) unsafe fn two_sse2(planes: &[u8], cells: usize, out: &mut [u8]) -> usize {
        let done = cells / 16 * 16;
        for i in (0..done).step_by(16) {
            // SAFETY: i + 16 <= cells, so each load and store lies inside its slice.
            unsafe {
                let p0 = _mm_loadu_si128(planes.as_ptr().add(i).cast());
                let p1 = _mm_loadu_si128(planes.as_ptr().add(cells + i).cast());
                let to = out.as_mut_ptr().add(2 * i).cast::<__m128i>();
                _mm_storeu_si128(to, _mm_unpacklo_epi8(p0, p1));
                _mm_storeu_si128(to.add(1), _mm_unpackhi_epi8(p0, p1));
            }
        }
        done
    }

    /// # Safety
    /// Both slices hold `4 * cells` bytes.
    pub(super) unsafe fn four_sse2(planes: &[u8], cells: usize, out: &mut [u8]) -> usize {
        let done = cells / 16 * 16;
        for i in (0..done).step_by(16) {
            // SAFETY: i + 16 <= cells, so each load and store lies inside its slice.
            unsafe {
                let load = |b: usize| _mm_loadu_si128(planes.as_ptr().add(b * cells + i).cast());
                let (p0, p1, p2, p3) = (load(0), load(1), load(2), load(3));
                let (lo01, hi01) = (_mm_unpacklo_epi8(p0, p1), _mm_unpackhi_epi8(p0, p1));
                let (lo23, hi23) = (_mm_unpacklo_epi8(p2, p3), _mm_unpackhi_epi8(p2, p3));
                let to = out.as_mut_ptr().add(4 * i).cast::<__m128i>();
                _mm_storeu_si128(to, _mm_unpacklo_epi16(lo01, lo23));
                _mm_storeu_si128(to.add(1), _mm_unpackhi_epi16(lo01, lo23));
                _mm_storeu_si128(to.add(2), _mm_unpacklo_epi16(hi01, hi23));
                _mm_storeu_si128(to.add(3), _mm_unpackhi_epi16(hi01, hi23));
            }
        }
        done
    }

    /// # Safety
    /// Both slices hold `8 * cells` bytes.
    pub(super) unsafe fn eight_sse2(planes: &[u8], cells: usize, out: &mut [u8]) -> usize {
        let done = cells / 16 * 16;
        for i in (0..done).step_by(16) {
            // SAFETY: i + 16 <= cells, so each load and store lies inside its slice.
            unsafe {
                let load = |b: usize| _mm_loadu_si128(planes.as_ptr().add(b * cells + i).cast());
                let pair = |a: __m128i, b: __m128i| (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
                let (a0, a1) = pair(load(0), load(1));
                let (b0, b1) = pair(load(2), load(3));
                let (c0, c1) = pair(load(4), load(5));
                let (d0, d1) = pair(load(6), load(7));
                let mut to = out.as_mut_ptr().add(8 * i).cast::<__m128i>();
                for (a, b, c, d) in [(a0, b0, c0, d0), (a1, b1, c1, d1)] {
                    let (ab0, ab1) = (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b));
                    let (cd0, cd1) = (_mm_unpacklo_epi16(c, d), _mm_unpackhi_epi16(c, d));
                    _mm_storeu_si128(to, _mm_unpacklo_epi32(ab0, cd0));
                    _mm_storeu_si128(to.add(1), _mm_unpackhi_epi32(ab0, cd0));
                    _mm_storeu_si128(to.add(2), _mm_unpacklo_epi32(ab1, cd1));
                    _mm_storeu_si128(to.add(3), _mm_unpackhi_epi32(ab1, cd1));
                    to = to.add(4);
                }
            }
        }
        done
    }

    /// # Safety
    /// The processor has AVX2, and both slices hold `2 * cells` bytes.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn two_avx2(planes: &[u8], cells: usize, out: &mut [u8]) -> usize {
        let done = cells / 32 * 32;
        for i in (0..done).step_by(32) {
            // SAFETY: i + 32 <= cells, so each load and store lies inside its slice.
            unsafe {
                let p0 = _mm256_loadu_si256(planes.as_ptr().add(i).cast());
                let p1 = _mm256_loadu_si256(planes.as_ptr().add(cells + i).cast());
                let (lo, hi) = (_mm256_unpacklo_epi8(p0, p1), _mm256_unpackhi_epi8(p0, p1));
                let to = out.as_mut_ptr().add(2 * i).cast::<__m256i>();
                _mm256_storeu_si256(to, _mm256_permute2x128_si256::<0x20>(lo, hi));
                _mm256_storeu_si256(to.add(1), _mm256_permute2x128_si256::<0x31>(lo, hi));
            }
        }
        done
    }

    /// # Safety
    /// The processor has AVX2, and both slices hold `4 * cells` bytes.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn four_avx2(planes: &[u8], cells: usize, out: &mut [u8]) -> usize {
        let done = cells / 32 * 32;
        for i in (0..done).step_by(32) {
            // SAFETY: i + 32 <= cells, so each load and store lies inside its slice.
            unsafe {
                let load = |b: usize| _mm256_loadu_si256(planes.as_ptr().add(b * cells + i).cast());
                let (p0, p1, p2, p3) = (load(0), load(1), load(2), load(3));
                let (lo01, hi01) = (_mm256_unpacklo_epi8(p0, p1), _mm256_unpackhi_epi8(p0, p1));
                let (lo23, hi23) = (_mm256_unpacklo_epi8(p2, p3), _mm256_unpackhi_epi8(p2, p3));
                let (a, b) = (_mm256_unpacklo_epi16(lo01, lo23), _mm256_unpackhi_epi16(lo01, lo23));
                let (c, d) = (_mm256_unpacklo_epi16(hi01, hi23), _mm256_unpackhi_epi16(hi01, hi23));
                // Unpacking works within each half: a holds cells 0-3 and 16-19, b 4-7 and 20-23, and so on.
                let to = out.as_mut_ptr().add(4 * i).cast::<__m256i>();
                _mm256_storeu_si256(to, _mm256_permute2x128_si256::<0x20>(a, b));
                _mm256_storeu_si256(to.add(1), _mm256_permute2x128_si256::<0x20>(c, d));
                _mm256_storeu_si256(to.add(2), _mm256_permute2x128_si256::<0x31>(a, b));
                _mm256_storeu_si256(to.add(3), _mm256_permute2x128_si256::<0x31>(c, d));
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_and_remainder_matches_the_definition() {
        for size in [1, 2, 3, 4, 5, 8, 12, 16] {
            for len in [0, 1, size, 15 * size + 1, 64 * size, 131 * size + size / 2, 200 * size] {
                let input: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
                let cells = len / size;
                let mut want = input.clone();
                for i in 0..cells {
                    for b in 0..size {
                        want[i * size + b] = input[b * cells + i];
                    }
                }
                let mut got = vec![0; len];
                unshuffle(&input, size, &mut got);
                assert_eq!(got, want, "size {size}, length {len}");
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_kernels_without_avx2_agree() {
        let cells = 77;
        let input: Vec<u8> = (0..cells * 4).map(|i| (i * 37 % 253) as u8).collect();
        for size in [2, 4] {
            let planes = &input[..cells * size];
            let (mut want, mut got) = (vec![0; cells * size], vec![0; cells * size]);
            unshuffle(planes, size, &mut want);
            // SAFETY: both slices hold `size * cells` bytes.
            let done = unsafe { if size == 2 { x86::two_sse2(planes, cells, &mut got) } else { x86::four_sse2(planes, cells, &mut got) } };
            assert_eq!(got[..done * size], want[..done * size]);
        }
    }
}
