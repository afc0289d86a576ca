//! `.pad(lon=2, mode='wrap')`: an array with more indices at its ends.
//!
//! In: an array, widths per dim. Out: a longer array; coordinates are padded alike. Never computes statistics of the ends.

use super::args::{self, Args};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::operators::numbers_only;
use super::reduce;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, CoordData, LazyArray, Number, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType};

/// What stands at the new indices.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Constant,
    Edge,
    Reflect,
    Symmetric,
    Wrap,
}

const MODES: &[(&str, Mode)] =
    &[("constant", Mode::Constant), ("edge", Mode::Edge), ("reflect", Mode::Reflect), ("symmetric", Mode::Symmetric), ("wrap", Mode::Wrap)];

/// `.pad(lon=(1, 2), mode='constant', constant_values=None)`
///
/// # Errors
/// When a dim does not exist, or is too short to be mirrored.
pub fn pad(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let options = ["mode", "stat_length", "constant_values", "end_values", "reflect_type", "keep_attrs"];
    let (mut bound, entries) = args.bind_dict("pad_width", &options)?;
    bound.unsupported(&["stat_length", "end_values", "reflect_type"])?;
    let mode_at = bound.span("mode");
    let text = bound.text("mode")?.unwrap_or_else(|| "constant".to_owned());
    let mode = match MODES.iter().find(|(name, _)| *name == text) {
        Some((_, mode)) => *mode,
        None => {
            let fault = match text.as_str() {
                "linear_ramp" | "maximum" | "mean" | "median" | "minimum" => Fault::unsupported(format!("pad() with mode='{text}'")),
                _ => Fault::new(format!("there is no mode '{text}'; there are: constant, edge, reflect, symmetric, wrap")),
            };
            return Err(mode_at.map_or(fault.clone(), |s| fault.at(s)));
        }
    };
    let constant = bound.some("constant_values");
    let keep_attrs = bound.flag("keep_attrs", Some(true))? != Some(false);
    let own = plan.names(a.node)?;
    let mut out = a.clone();
    for (dim, arg) in &entries {
        if reduce::existing(std::slice::from_ref(dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let (before, after) = pair(&arg.value, |v| args::integer(v).and_then(|n| usize::try_from(n).ok()))
            .filter(|(b, a)| b.saturating_add(*a) <= 1 << 30)
            .ok_or_else(|| Fault::new("a width must be a whole number, or two of them").at(arg.span))?;
        let length = plan.node(out.node)?.dims[plan.axis(out.node, dim)?].len;
        let at = positions(mode, before, after, length).map_err(|f| f.at(arg.span))?;
        let fill = match &constant {
            Some(c) if mode == Mode::Constant => Some(constants(&c.value, dim).map_err(|f| f.at(c.span))?),
            _ => None,
        };
        out = padded(plan, &out, dim, &at, fill.flatten())?;
    }
    if !keep_attrs {
        out.attrs.clear();
        let padded = out.coords.values_mut().filter(|c| c.dims.iter().any(|d| entries.contains_key(d)));
        padded.for_each(|c| c.attrs.clear());
    }
    Ok(Value::Array(out))
}

/// One value for both ends, or one for each.
fn pair<T: Copy>(v: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<(T, T)> {
    match v {
        Value::Tuple(items) | Value::List(items) => match items.as_slice() {
            [both] => read(both).map(|v| (v, v)),
            [before, after] => read(before).zip(read(after)),
            _ => None,
        },
        one => read(one).map(|v| (v, v)),
    }
}

fn constants(v: &Value, dim: &str) -> Outcome<Option<(Number, Number)>> {
    let v = match v {
        Value::Dict(d) => match d.get(dim) {
            Some(v) => v,
            None => return Err(Fault::unsupported("constant_values for some of the padded dims")),
        },
        v => v,
    };
    match pair(v, |v| if let Value::Number(n) = v { Some(*n) } else { None }) {
        Some(pair) => Ok(Some(pair)),
        None => refuse("constant_values must be a number, or two of them"),
    }
}

/// Where each new index comes from: `-1` before the first and `-2` after the last where it is new.
fn positions(mode: Mode, before: usize, after: usize, length: usize) -> Outcome<Vec<i64>> {
    let n = length as i64;
    let new = before + after > 0;
    if new && mode != Mode::Constant && n == 0 {
        return refuse("an empty dimension can be padded with constants only");
    }
    let from = |i: i64| match mode {
        Mode::Constant if i < 0 => -1,
        Mode::Constant if i >= n => -2,
        Mode::Constant => i,
        Mode::Edge => i.clamp(0, n - 1),
        Mode::Wrap => i.rem_euclid(n),
        Mode::Symmetric => {
            let j = i.rem_euclid(2 * n);
            if j < n { j } else { 2 * n - 1 - j }
        }
        Mode::Reflect if n == 1 => 0,
        Mode::Reflect => {
            let period = 2 * (n - 1);
            let j = i.rem_euclid(period);
            if j < n { j } else { period - j }
        }
    };
    Ok((-(before as i64)..n + after as i64).map(from).collect())
}

fn padded(plan: &mut Plan, a: &LazyArray, dim: &str, at: &[i64], fill: Option<(Number, Number)>) -> Outcome<LazyArray> {
    let picked: Vec<i64> = at.iter().map(|&i| i.max(-1)).collect();
    let is_new = picked.contains(&-1);
    let mut source = a.clone();
    if is_new {
        numbers_only(a, "pad")?;
        promote_coords(plan, &mut source, dim)?;
        if fill.is_none() && plan.dtype(a.node)? == DType::Bool {
            return refuse("truths padded with missing cells are Python objects in xarray, which xeng does not have; give constant_values");
        }
        if fill.is_none() {
            source.node = plan.cast(a.node, indexing::promoted(plan.dtype(a.node)?))?;
        }
    }
    let mut out = indexing::pick(plan, &source, dim, &Picked::Many(Index::compact(&picked)), Scalars::Keep)?;
    if let (Some((before, after)), true) = (fill, is_new) {
        let dtype = plan.dtype(a.node)?;
        let nearest: Vec<i64> = picked.iter().map(|&i| i.max(0)).collect();
        let mut node = plan.take(a.node, dim, Index::compact(&nearest))?;
        for (value, mark) in [(before, -1), (after, -2)] {
            let here = Block::from_vec(&[at.len()], at.iter().map(|&i| i == mark).collect::<Vec<bool>>())?;
            let here = plan.constant(&[dim.to_owned()], here)?;
            node = plan.select_like(node.into(), here, constant_of(value, dtype)?, node.into(), dtype)?;
        }
        out.node = node;
    }
    Ok(out)
}

/// Coordinates along the dim get missing cells, which integers and truths do not have.
fn promote_coords(plan: &mut Plan, a: &mut LazyArray, dim: &str) -> Outcome<()> {
    let along: IndexMap<String, _> = a.coords.clone().into_iter().filter(|(_, c)| c.dims.iter().any(|d| d == dim)).collect();
    for (name, coord) in along {
        match &coord.data {
            CoordData::Lazy(node, Cells::Numbers) => {
                let node = plan.cast(*node, indexing::promoted(plan.dtype(*node)?))?;
                if let Some(own) = a.coords.get_mut(&name) {
                    own.data = CoordData::Lazy(node, Cells::Numbers);
                }
            }
            CoordData::Known(values, _) if matches!(**values, xeng_proto::Values::Texts(_)) => {
                return Err(Fault::unsupported(format!("padding the coordinate '{name}', which holds texts,")));
            }
            CoordData::Known(values, shape) => {
                if let (xeng_proto::Values::Numbers(block), Some(own)) = (&**values, a.coords.get_mut(&name)) {
                    let block = block.cast(indexing::promoted(block.dtype()));
                    own.data = CoordData::Known(std::sync::Arc::new(xeng_proto::Values::Numbers(block)), shape.clone());
                }
            }
            CoordData::Lazy(..) => {}
        }
    }
    Ok(())
}

/// A constant as NumPy puts it into cells of a type.
fn constant_of(value: Number, dtype: DType) -> Outcome<Operand> {
    match value {
        Number::Float(v) if dtype.is_float() => Ok(Operand::Float(v)),
        Number::Int(v) if dtype.is_float() => Ok(Operand::Float(v as f64)),
        Number::Int(v) => {
            super::promote::fits(v, dtype)?;
            Ok(Operand::Int(v))
        }
        Number::Float(v) => Err(Fault::unsupported(format!("padding cells of type {dtype} with {v}"))),
    }
}
