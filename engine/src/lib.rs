//! A data-proximate array engine.

pub mod cli;
pub mod collect;
pub mod demo;
pub mod describe;
pub mod error;
pub mod execute;
pub mod explain;
pub mod expr;
pub mod gateway;
pub mod lazy;
pub mod open_spec;
pub mod optimize;
pub mod output;
pub mod parse;
pub mod place;
pub mod planfile;
pub mod plot;
pub mod receipt;
pub mod resolve;
pub mod result;
pub mod serve_config;
pub mod session;
pub mod stages;
pub mod suggest;
pub mod topology;
pub mod wan;
