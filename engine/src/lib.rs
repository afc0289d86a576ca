//! A data-proximate array engine.

pub mod cli;
pub mod error;
pub mod expr;
pub mod gateway;
pub mod open_spec;
pub mod output;
pub mod parse;
pub mod planfile;
pub mod result;
pub mod suggest;
pub mod topology;
pub mod wan;
