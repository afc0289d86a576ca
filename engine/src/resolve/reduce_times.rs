//! Reductions over times: `min`, `max`, `mean` and `count` of microseconds, where `i64::MIN` is missing.
//!
//! In: an array of times and a way to fold a node. Out: a node of times, or of counts. Never rounds: sums are whole numbers.

use super::dates::DAY;
use super::fault::{Fault, Outcome, refuse};
use super::reduce::{Fold, ReductionKind, Request};
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, Plan, labels};
use xeng_kernels::formula::Binary;
use xeng_kernels::{DType, NodeId, Reduction};
use xeng_proto::TimeEncoding;

const SUM: Reduction = Reduction::Sum { skipna: false, min_count: 0 };

/// `array` under `request`, folded by `fold`.
///
/// **Missing**: as xarray, `min` and `max` of `datetime64` are missing where any time is, unless `skipna=True`; those of other
/// calendars, and every mean, leave missing times out.
///
/// # Errors
/// For reductions that times do not have.
pub fn reduced(
    plan: &mut Plan,
    array: &LazyArray,
    encoding: &TimeEncoding,
    request: &Request,
    fold: &mut Fold,
) -> Outcome<(NodeId, Cells)> {
    let times = |node| (node, Cells::Times(encoding.clone()));
    let skipna = |default: bool| request.skipna.unwrap_or(default);
    let input = array.node;
    match request.kind {
        ReductionKind::Min => {
            extreme(plan, input, Reduction::Min { skipna: false }, skipna(!labels::is_gregorian(encoding.calendar)), fold)
        }
        ReductionKind::Max => {
            extreme(plan, input, Reduction::Max { skipna: false }, skipna(!labels::is_gregorian(encoding.calendar)), fold)
        }
        ReductionKind::Mean => mean(plan, input, skipna(true), fold),
        ReductionKind::Count => return Ok((count(plan, input, Binary::Ne, fold)?, Cells::Numbers)),
        ReductionKind::Sum | ReductionKind::Prod | ReductionKind::Std | ReductionKind::Var => return no_such(array, request.kind),
        ReductionKind::Any | ReductionKind::All | ReductionKind::ArgMin | ReductionKind::ArgMax | ReductionKind::Median => {
            return Err(Fault::unsupported(format!("{}() of '{}', which holds times,", request.kind.name(), named(array))));
        }
        ReductionKind::First | ReductionKind::Last => {
            return Err(Fault::unsupported(format!("{}() of '{}', which holds times,", request.kind.name(), named(array))));
        }
    }
    .map(times)
}

fn named(array: &LazyArray) -> &str {
    array.name.as_deref().unwrap_or("the array")
}

fn no_such<T>(array: &LazyArray, kind: ReductionKind) -> Outcome<T> {
    let (name, kind) = (named(array), kind.name());
    refuse(format!(
        "'{name}' holds times, which have no {kind}(); leave it out with .drop_vars('{name}'), or name the variables: ds[['tas']]"
    ))
}

/// How many times are missing (`Eq`) or there (`Ne`).
fn count(plan: &mut Plan, input: NodeId, test: Binary, fold: &mut Fold) -> Outcome<NodeId> {
    let hit = plan.binary(test, input.into(), Operand::Int(i64::MIN), DType::I64)?;
    let hit = plan.cast(hit, DType::I64)?;
    fold(plan, hit, SUM.into())
}

/// `node` where nothing of the input is missing, else a missing time.
fn unless_missing(plan: &mut Plan, input: NodeId, node: NodeId, fold: &mut Fold) -> Outcome<NodeId> {
    let missing = count(plan, input, Binary::Eq, fold)?;
    let any = plan.binary(Binary::Gt, missing.into(), Operand::Int(0), DType::I64)?;
    plan.select(any, Operand::Int(i64::MIN), node.into(), DType::I64)
}

fn extreme(plan: &mut Plan, input: NodeId, reduction: Reduction, skipna: bool, fold: &mut Fold) -> Outcome<NodeId> {
    // A missing time is the least whole number: the least of all finds it, the greatest passes it over.
    match (reduction, skipna) {
        (Reduction::Min { .. }, true) => {
            let missing = plan.binary(Binary::Eq, input.into(), Operand::Int(i64::MIN), DType::I64)?;
            let late = plan.select_like(input.into(), missing, Operand::Int(i64::MAX), input.into(), DType::I64)?;
            let least = fold(plan, late, reduction.into())?;
            let none = plan.binary(Binary::Eq, least.into(), Operand::Int(i64::MAX), DType::I64)?;
            plan.select(none, Operand::Int(i64::MIN), least.into(), DType::I64)
        }
        (Reduction::Max { .. }, false) => {
            let greatest = fold(plan, input, reduction.into())?;
            unless_missing(plan, input, greatest, fold)
        }
        _ => fold(plan, input, reduction.into()),
    }
}

/// `floor(sum / n)`, of whole days and of the rest of each day apart: their sums fit into 64 bits where that of microseconds would not.
///
/// Example: the mean of 1, 2 and 4 µs is 2 µs.
fn mean(plan: &mut Plan, input: NodeId, skipna: bool, fold: &mut Fold) -> Outcome<NodeId> {
    let within = DType::I64;
    let missing = plan.binary(Binary::Eq, input.into(), Operand::Int(i64::MIN), within)?;
    let there = plan.select_like(input.into(), missing, Operand::Int(0), input.into(), within)?;
    let n = count(plan, input, Binary::Ne, fold)?;
    let day = plan.binary(Binary::FloorDiv, there.into(), Operand::Int(DAY), within)?;
    let rest = plan.binary(Binary::Mod, there.into(), Operand::Int(DAY), within)?;
    let (days, rests) = (fold(plan, day, SUM.into())?, fold(plan, rest, SUM.into())?);
    let whole = plan.binary(Binary::FloorDiv, days.into(), n.into(), within)?;
    let part = plan.binary(Binary::Mod, days.into(), n.into(), within)?;
    let part = plan.binary(Binary::Mul, part.into(), Operand::Int(DAY), within)?;
    let part = plan.binary(Binary::Add, part.into(), rests.into(), within)?;
    let part = plan.binary(Binary::FloorDiv, part.into(), n.into(), within)?;
    let whole = plan.binary(Binary::Mul, whole.into(), Operand::Int(DAY), within)?;
    let mean = plan.binary(Binary::Add, whole.into(), part.into(), within)?;
    let none = plan.binary(Binary::Eq, n.into(), Operand::Int(0), within)?;
    let mean = plan.select(none, Operand::Int(i64::MIN), mean.into(), within)?;
    if skipna { Ok(mean) } else { unless_missing(plan, input, mean, fold) }
}
