//! The `xeng` program.

use std::ffi::{c_int, c_long};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator's option that says how many milliseconds it keeps memory that was freed: a second by default, in which an engine that reads
/// fast frees as much again as its budget. Much less, and the system clears pages for as long as chunks are decoded.
const PURGE_DELAY: c_int = 15;
const PURGE_DELAY_MS: c_long = 100;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

fn main() -> ExitCode {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: it stores a number in the allocator's table of options, which has this one.
        unsafe { mi_option_set(PURGE_DELAY, PURGE_DELAY_MS) };
    }
    xeng::cli::run(std::env::args_os())
}
