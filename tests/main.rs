//! The integration tests: one binary, so that the engine is linked once.
//!
//! Every number is compared with an oracle that shares no code with the engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod binary;
mod demo;
mod everywhere;
mod faults;
mod golden;
#[cfg(feature = "grib")]
mod grib;
mod kit;
mod lacking;
mod laws;
mod many;
mod pool;
mod property;
mod recorded;
mod series;
mod stores;
mod times;
mod written;
