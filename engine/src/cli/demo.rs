//! stub
use super::args::DemoArgs;
use crate::error::{Error, Result};
pub(super) async fn demo(_: DemoArgs) -> Result<()> { Err(Error::internal("not built in")) }
