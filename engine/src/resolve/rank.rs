//! `.rank('time', pct=False)`: each cell's place among those of its lane.
//!
//! In: an array, a dim. Out: an array of the same shape. Never ranks missing cells, which stay missing.

use super::args::Args;
use super::calls::Receiver;
use super::fault::{Outcome, refuse};
use super::operators::numbers_only;
use super::reduce;
use crate::lazy::{LazyArray, Plan, Value};
use xeng_kernels::along::Along;

/// `.rank(dim, pct=False)`
///
/// # Errors
/// When the dim does not exist, or cells are no numbers.
pub fn rank(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    if args.positional.len() > 1 {
        return refuse("rank() takes one argument without a name: the dimension");
    }
    let mut bound = args.bind(&["dim", "pct", "keep_attrs"])?;
    let arg = bound.need("dim")?;
    let Value::Text(dim) = &arg.value else { return Err(bound.wrong("dim", &arg, "a name")) };
    let own = plan.names(a.node)?;
    reduce::existing(std::slice::from_ref(dim), &own, receiver).map_err(|f| f.at(arg.span))?;
    numbers_only(a, "rank")?;
    let percent = bound.flag("pct", Some(false))? == Some(true);
    // Whatever is asked, attributes of arrays stay in xarray.
    bound.flag("keep_attrs", Some(true))?;
    Ok(Value::Array(LazyArray { node: plan.along(a.node, dim, Along::Rank { percent })?, ..a.clone() }))
}
