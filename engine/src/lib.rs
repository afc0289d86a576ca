//! A data-proximate array engine.

pub mod cli;
pub mod error;
pub mod expr;
pub mod lazy;
pub mod open_spec;
pub mod parse;
pub mod planfile;
pub mod output;
pub mod plot;
pub mod resolve;
pub mod result;
pub mod suggest;
pub mod topology;
