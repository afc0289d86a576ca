//! The region engine: reads chunks where they lie, evaluates subgraphs box by box, and folds them into partials.
//!
//! The life of a fragment is one page: `execute` prepares it, `read` brings the chunks of a work unit ahead of the
//! computation, `run` evaluates and folds the units on the engine's threads and merges them along the fixed tree.
//! [`store`] is where bytes lie (disk, S3, HTTP, or in pieces of other objects, as references say), [`cache`] keeps far ones beside
//! the engine, [`manifest`] what was learnt of files; [`source`] and [`codec`] make cells of them, [`cf`] makes those what a user knows,
//! and [`collection`] joins files. `write` makes Zarr stores of what is too large to travel, and `decoded` keeps chunks that are read
//! again.

pub mod abreast;
pub mod cache;
pub mod cf;
pub mod checksum;
pub mod codec;
pub mod collection;
mod decoded;
mod execute;
mod held;
pub mod inputs;
mod lane;
pub mod local;
pub mod manifest;
pub mod memory;
pub mod open;
pub mod place;
pub mod pool;
mod read;
pub mod roots;
mod run;
pub mod source;
pub mod store;
mod tally;
mod write;

#[cfg(test)]
#[path = "tests/hostile/mod.rs"]
mod hostile;
#[cfg(test)]
#[path = "tests/shared_data.rs"]
mod shared_data;

pub use local::{EngineConfig, LocalRegion};
pub use open::{OpenDataset, open};
pub use roots::Roots;
pub use source::{ChunkSource, Encoded};
pub use write::WriteRoots;
