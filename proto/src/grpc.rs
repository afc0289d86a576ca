//! gRPC: a region behind a socket, and a socket as a region.

pub mod client;
pub mod meter;
pub mod server;
pub mod status;
#[cfg(test)]
mod tests;

pub use client::{GrpcRegion, Settings};
pub use meter::{Meter, Metered};
pub use server::{RegionService, serve, serve_metered};

/// The largest answer that is sent or accepted. Regions cut pieces at a few MiB; this allows for cells that cannot be cut.
pub const MAX_ANSWER_BYTES: usize = 256 << 20;
/// The largest request that is sent or accepted.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;
/// Bytes that may be under way on one call: a 1 Gbit/s link with 130 ms of latency stays full.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
/// Bytes that may be under way on one connection.
const CONNECTION_WINDOW_BYTES: u32 = 64 << 20;
