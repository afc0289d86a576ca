//! The region engine of xeng: reads chunks where they lie and reduces them there.

pub mod cf;
pub mod checksum;
pub mod codec;
pub mod collection;
pub mod open;
#[cfg(test)]
mod shared_data;
pub mod source;

pub use open::{OpenDataset, open};
pub use source::{ChunkSource, Encoded};
