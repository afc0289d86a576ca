//! What the integration tests are made with.

pub(crate) mod array;
pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod dates;
pub(crate) mod expr;
pub(crate) mod faulty;
pub(crate) mod generate;
pub(crate) mod lanes;
pub(crate) mod oracle;
pub(crate) mod process;
pub(crate) mod references;
pub(crate) mod rng;
pub(crate) mod synthetic;
pub(crate) mod web;
pub(crate) mod write;
