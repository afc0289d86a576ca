//! `.cumsum` and `.cumprod`: running totals along dims, of arrays, datasets and groups.
//!
//! In: an array, dims. Out: an array of the same shape. Never reduces.

use super::args::{Args, Names};
use super::calls::Receiver;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::group;
use super::operators::numbers_only;
use super::reduce::{ReductionKind, Request};
use crate::lazy::value::{Grouped, Grouping};
use crate::lazy::{LazyArray, Plan, Value};
use xeng_kernels::NodeId;
use xeng_kernels::along::{Along, Groups};

/// How totals run.
#[derive(Clone, Copy)]
struct Asked {
    multiplies: bool,
    skipna: bool,
    keep_attrs: bool,
}

fn read(name: &str, args: Args) -> Outcome<(Asked, Request)> {
    let mut bound = args.bind(&["dim", "axis", "skipna", "keep_attrs"])?;
    bound.unsupported(&["axis"])?;
    let span = bound.span("dim");
    let request = Request { dims: bound.names("dim")?, span, ..Request::plain(ReductionKind::Sum, vec![]) };
    let asked = Asked {
        multiplies: name == "cumprod",
        skipna: bound.flag("skipna", Some(true))? != Some(false),
        keep_attrs: bound.flag("keep_attrs", Some(true))? != Some(false),
    };
    Ok((asked, request))
}

impl Asked {
    fn along(self, groups: Option<Groups>) -> Along {
        Along::Cumulate { multiplies: self.multiplies, skips_missing: self.skipna, groups }
    }

    fn finish(self, a: &LazyArray, node: NodeId) -> LazyArray {
        let mut out = LazyArray { node, ..a.clone() };
        if !self.keep_attrs {
            out.attrs.clear();
        }
        out
    }
}

/// `.cumsum(dim=None, skipna=True)`
///
/// # Errors
/// When a dim does not exist, or the cells are no numbers.
pub fn cumsum(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    over_dims(plan, a, "cumsum", args, receiver)
}

/// `.cumprod(dim=None, skipna=True)`
///
/// # Errors
/// As [`cumsum`].
pub fn cumprod(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    over_dims(plan, a, "cumprod", args, receiver)
}

fn over_dims(plan: &mut Plan, a: &LazyArray, name: &str, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (asked, request) = read(name, args)?;
    numbers_only(a, name)?;
    let dims = request.dims_of(plan, a, receiver)?;
    let node = dims.iter().try_fold(a.node, |n, dim| plan.along(n, dim, asked.along(None)))?;
    Ok(Value::Array(asked.finish(a, node)))
}

/// `.groupby(...).cumsum()`: totals run within each group, in the order of the grouped dim.
///
/// # Errors
/// As [`cumsum`], and where cells belong to no group.
pub fn of_groups(plan: &mut Plan, g: &Grouped, name: &str, args: Args) -> Outcome<Value> {
    let (asked, request) = read(name, args)?;
    let one = |plan: &mut Plan, a: &LazyArray| of_group(plan, a, &g.by, name, asked, &request);
    match &g.object {
        Value::Array(a) => Ok(Value::Array(one(plan, a)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, v| one(plan, v)),
        other => refuse(format!("{} cannot be grouped", other.type_name())),
    }
}

fn of_group(plan: &mut Plan, a: &LazyArray, by: &Grouping, name: &str, asked: Asked, request: &Request) -> Outcome<LazyArray> {
    numbers_only(a, name)?;
    if by.codes.contains(&-1) {
        return Err(Fault::unsupported(format!("{name}() of groups where some indices belong to none")));
    }
    if !plan.names(a.node)?.contains(&by.along) {
        return Err(Fault::unsupported(format!("{name}() of groups of a dataset where a variable lacks the dimension '{}'", by.along)));
    }
    let dims = match &request.dims {
        Names::Absent => vec![by.along.clone()],
        _ => group::dims_of(plan, a, by, request, &Receiver::array())?,
    };
    let mut node = a.node;
    for dim in &dims {
        let groups = (*dim == by.along).then(|| (by.codes.clone(), by.dim.len));
        node = plan.along(node, dim, asked.along(groups))?;
    }
    Ok(asked.finish(a, node))
}
