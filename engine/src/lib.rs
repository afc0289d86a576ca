//! A data-proximate array engine.

pub mod gateway;
pub mod output;
pub mod result;
pub mod wan;
