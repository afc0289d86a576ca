//! The parts of `xeng demo`: data that looks like a climate, engines behind wide-area links, the job, and the account.
//!
//! In: sizes and a seed. Out: files, processes, texts. Never runs the job itself: that is the session's, as for every other job.

mod account;
mod climate;
mod data;
mod fleet;
mod job;
mod land;
mod model;
mod reference;

pub use account::{Account, text};
pub use data::{Data, Size, cache_folder, prepare};
pub use fleet::{Fleet, RegionSpec};
pub use job::{HOME, MODEL_REGION, PLAN_MARK, REFERENCE_REGION, plan_text, regions};
