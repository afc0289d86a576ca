//! `.idxmin` and `.idxmax`: the label where the extreme is.
//!
//! In: an array, a dim with labels. Out: labels. Never reads cells: positions are looked up among the labels.

use super::args::Args;
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::operators::numbers_only;
use super::reduce;
use crate::lazy::labels;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, Plan, Value};
use std::sync::Arc;
use xeng_kernels::formula::Binary;
use xeng_kernels::{DType, Op, Reduction};

/// `.idxmin(dim=None, skipna=None)`
///
/// # Errors
/// When the dim has no labels.
pub fn idxmin(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    label_of(plan, a, args, receiver, false)
}

/// `.idxmax(dim=None, skipna=None)`
///
/// # Errors
/// When the dim has no labels.
pub fn idxmax(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    label_of(plan, a, args, receiver, true)
}

fn label_of(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver, largest: bool) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "skipna", "fill_value", "keep_attrs"])?;
    bound.unsupported(&["fill_value"])?;
    let own = plan.names(a.node)?;
    let span = bound.span("dim");
    let dim = match (bound.text("dim")?, own.as_slice()) {
        (Some(dim), _) => {
            let found = reduce::existing(std::slice::from_ref(&dim), &own, receiver);
            match found.map_err(|f| span.map_or(f.clone(), |s| f.at(s)))?.pop() {
                Some(dim) => dim,
                None => {
                    let name = a.name.as_deref().unwrap_or_default();
                    return refuse(format!("'{name}' of the dataset lacks the dimension '{dim}'; leave it out with .drop_vars('{name}')"));
                }
            }
        }
        (None, [only]) => only.clone(),
        (None, _) => return refuse("'dim' must be named for an array of several dimensions"),
    };
    let skipna = bound.flag("skipna", None)?;
    let keep_attrs = bound.flag("keep_attrs", Some(true))? != Some(false);
    numbers_only(a, "idxmin and idxmax")?;
    let Some(values) = a.index(&dim).cloned() else { return refuse(format!("dimension '{dim}' has no labels")) };
    if values.is_empty() {
        return refuse(format!("'{dim}' has no indices"));
    }
    let can_miss = plan.dtype(a.node)?.is_float() && skipna.unwrap_or(true);
    let (mut table, cells) = labels::to_block(&values, &[values.len()])?;
    if (can_miss || skipna == Some(true)) && cells == Cells::Numbers {
        table = table.cast(indexing::promoted(table.dtype()));
    }
    if can_miss && matches!(cells, Cells::Texts(_)) {
        return Err(Fault::unsupported(format!("the label of an extreme along '{dim}', whose labels are texts")));
    }
    let reduction =
        if largest { Reduction::ArgMax { skipna: can_miss, or_none: true } } else { Reduction::ArgMin { skipna: can_miss, or_none: true } };
    let places = plan.reduce(a.node, reduction, std::slice::from_ref(&dim))?;
    let mut node = plan.push(Op::Lookup { input: places, table: Arc::new(table) })?;
    if matches!(cells, Cells::Times(_)) {
        let there = plan.binary(Binary::Ge, places.into(), Operand::Int(0), DType::I64)?;
        node = plan.select(there, node.into(), Operand::Int(i64::MIN), DType::I64)?;
    }
    let mut out = LazyArray { name: Some(dim.clone()), node, cells, ..a.clone() };
    out.coords.retain(|_, c| !c.dims.contains(&dim));
    if !keep_attrs {
        out.attrs.clear();
    }
    Ok(Value::Array(out))
}
