//! The region engine: reads chunks where they lie, evaluates subgraphs box by box, and folds them into partials.

pub mod cf;
mod execute;
pub mod local;
pub mod memory;
pub mod open;
mod read;
pub mod roots;
mod run;
pub mod source;
mod tally;

pub use local::{EngineConfig, LocalRegion};
pub use roots::Roots;
