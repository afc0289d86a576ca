//! Results in the formats that others read.

pub mod arrow;
