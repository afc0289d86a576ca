//! A data-proximate array engine.

pub mod result;
