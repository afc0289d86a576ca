//! One door to wider vector instructions, chosen when the program runs.
//!
//! In: a kernel whose loops the compiler can vectorise. Out: its result, the same bits on every machine:
//! wider lanes change the speed alone, since Rust never contracts `a * b + c`. Never picks another algorithm.

/// A piece of work whose loops gain from wide lanes. `run` must be `#[inline(always)]`, and so must all that it calls.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Does the work.
    fn run(self) -> Self::Output;
}

/// Runs `kernel`, compiled for AVX2 where the processor has it.
#[inline]
pub(crate) fn wide<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been found to have the feature.
        return unsafe { with_avx2(kernel) };
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
