//! Values written in the expression: numbers, lists, tuples of dims and cells, as blocks and coordinates.
//!
//! In: resolved values. Out: known cells, coordinates, attributes. Never reads data.

use super::args;
use super::fault::{Fault, Outcome, refuse};
use crate::expr;
use crate::lazy::labels;
use crate::lazy::plan::LARGEST_CONSTANT_BYTES;
use crate::lazy::{CoordData, LazyArray, LazyCoord, Number, Plan, Value, fold};
use std::sync::Arc;
use xeng_kernels::{Block, Calendar, DType};
use xeng_proto::{AttrValue, Attrs, TimeEncoding, Times, Values};

/// A number as written.
pub fn number(n: expr::Number) -> Number {
    match n {
        expr::Number::Int(v) => Number::Int(v),
        expr::Number::Float(v) => Number::Float(v),
    }
}

/// Known cells with their shape: what `np.asarray` makes of a value.
///
/// # Errors
/// When it holds something else than numbers, texts or times, is ragged, or depends on data.
pub fn cells(plan: &Plan, v: &Value) -> Outcome<(Values, Vec<usize>)> {
    match v {
        Value::Numpy(block) => Ok((Values::Numbers(block.clone()), block.shape().to_vec())),
        Value::Array(a) => match fold::values(plan, a) {
            Some(values) => Ok((values, plan.node(a.node)?.shape())),
            None => refuse("this array must be known while planning, and cannot depend on data"),
        },
        _ => {
            let mut flat = vec![];
            let shape = flatten(v, &mut flat, 0)?;
            Ok((collect(&flat, &shape)?, shape))
        }
    }
}

fn flatten<'a>(v: &'a Value, flat: &mut Vec<&'a Value>, depth: usize) -> Outcome<Vec<usize>> {
    let items = match v {
        Value::List(items) | Value::Tuple(items) if depth < 32 => items,
        Value::List(_) | Value::Tuple(_) => return refuse("lists are nested too deeply"),
        other => {
            flat.push(other);
            return Ok(vec![]);
        }
    };
    let mut inner: Option<Vec<usize>> = None;
    for item in items {
        let shape = flatten(item, flat, depth + 1)?;
        if inner.get_or_insert_with(|| shape.clone()) != &shape {
            return refuse("a nested list must be rectangular");
        }
    }
    let mut shape = vec![items.len()];
    shape.extend(inner.unwrap_or_default());
    Ok(shape)
}

fn collect(flat: &[&Value], shape: &[usize]) -> Outcome<Values> {
    if flat.iter().all(|v| matches!(v, Value::Text(_))) && !flat.is_empty() {
        return Ok(Values::Texts(flat.iter().filter_map(|v| if let Value::Text(t) = v { Some(t.clone()) } else { None }).collect()));
    }
    if flat.iter().all(|v| matches!(v, Value::DateTime(_))) && !flat.is_empty() {
        let micros = flat.iter().filter_map(|v| if let Value::DateTime(t) = v { Some(t) } else { None });
        let micros = micros.map(|t| Ok(super::dates::parse(t, Calendar::ProlepticGregorian)?.start)).collect::<Outcome<_>>()?;
        return Ok(Values::Times(Times { micros, encoding: default_encoding() }));
    }
    if flat.iter().all(|v| matches!(v, Value::Bool(_))) && !flat.is_empty() {
        return Ok(Values::Numbers(Block::from_vec(shape, flat.iter().map(|v| matches!(v, Value::Bool(true))).collect::<Vec<bool>>())?));
    }
    if flat.iter().all(|v| matches!(v, Value::Number(Number::Int(_)) | Value::Bool(_))) && !flat.is_empty() {
        let cells = flat.iter().filter_map(|v| if let Value::Bool(b) = v { Some(*b as i64) } else { args::integer(v) });
        return Ok(Values::Numbers(Block::from_vec(shape, cells.collect::<Vec<i64>>())?));
    }
    let mut dtype: Option<DType> = None;
    let mut cells = vec![];
    for v in flat {
        let own = match v {
            Value::Numpy(b) => b.dtype(),
            Value::Bool(_) => DType::Bool,
            Value::Number(Number::Int(_)) => DType::I64,
            _ => DType::F64,
        };
        dtype = Some(dtype.map_or(own, |d| d.promote(own)));
        match (v, args::float(v)) {
            (_, Some(x)) => cells.push(x),
            (Value::Bool(b), _) => cells.push(*b as u8 as f64),
            (Value::Array(_), _) => return Err(Fault::unsupported("an array among the items of a list")),
            (other, _) => return refuse(format!("{} cannot be an item of an array", other.type_name())),
        }
    }
    Ok(Values::Numbers(labels::block_of(dtype.unwrap_or(DType::F64), &cells)?.reshape(shape)?))
}

/// How times made in an expression are written: as xarray writes them by default.
pub fn default_encoding() -> TimeEncoding {
    TimeEncoding { units: "microseconds since 1970-01-01".to_owned(), calendar: Calendar::ProlepticGregorian }
}

/// The coordinate that a value makes under `name`: an array, `('x', cells, attrs)`, cells along a dim of that name, or a scalar.
///
/// # Errors
/// When the value is none of these.
pub fn coordinate(plan: &mut Plan, v: &Value, name: &str) -> Outcome<LazyCoord> {
    match v {
        Value::Array(a) => array_coordinate(plan, a),
        Value::Tuple(parts) if matches!(parts.first(), Some(Value::Text(_) | Value::List(_) | Value::Tuple(_))) && parts.len() >= 2 => {
            let Some(dims) = args::texts(&parts[0]) else { return refuse("a coordinate's dimensions must be texts") };
            let (values, shape) = cells(plan, &parts[1])?;
            let attrs = match parts.get(2) {
                Some(Value::Dict(d)) => d.iter().map(|(k, v)| Ok((k.clone(), attribute(v)?))).collect::<Outcome<Attrs>>()?,
                _ => Attrs::new(),
            };
            if dims.len() != shape.len() {
                return refuse(format!("coordinate '{name}' has {} dims and cells of {} axes", dims.len(), shape.len()));
            }
            Ok(LazyCoord { dims, data: CoordData::Known(Arc::new(values), shape), attrs })
        }
        _ => {
            let (values, shape) = cells(plan, v)?;
            match shape.len() {
                0 => Ok(LazyCoord::scalar(values, Attrs::new())),
                1 => Ok(LazyCoord::along(name, values, Attrs::new())),
                _ => refuse(format!("coordinate '{name}' needs its dims: {name}=(['y', 'x'], cells)")),
            }
        }
    }
}

fn array_coordinate(plan: &Plan, a: &LazyArray) -> Outcome<LazyCoord> {
    let coord = LazyCoord { dims: plan.names(a.node)?, data: CoordData::Lazy(a.node, a.cells.clone()), attrs: a.attrs.clone() };
    Ok(fold::settle(plan, coord))
}

/// An attribute's value.
///
/// # Errors
/// When it is neither texts nor numbers.
pub fn attribute(v: &Value) -> Outcome<AttrValue> {
    match v {
        Value::Text(t) => Ok(AttrValue::Text(t.clone())),
        Value::Number(Number::Int(v)) => Ok(AttrValue::Numbers(Block::scalar(*v))),
        Value::Number(Number::Float(v)) => Ok(AttrValue::Numbers(Block::scalar(*v))),
        Value::Bool(b) => Ok(AttrValue::Numbers(Block::scalar(*b))),
        Value::Numpy(b) if b.rank() <= 1 => Ok(AttrValue::Numbers(b.clone())),
        Value::List(_) | Value::Tuple(_) => {
            if let Some(texts) = args::texts(v) {
                return Ok(AttrValue::Texts(texts));
            }
            let mut flat = vec![];
            let shape = flatten(v, &mut flat, 0)?;
            match collect(&flat, &shape)? {
                Values::Numbers(b) if b.rank() <= 1 => Ok(AttrValue::Numbers(b)),
                _ => refuse("an attribute must be a text, a number, or a list of either"),
            }
        }
        other => refuse(format!("{} cannot be an attribute", other.type_name())),
    }
}

/// What an expression sees of an attribute.
pub fn of_attribute(value: &AttrValue) -> Value {
    match value {
        AttrValue::Text(t) => Value::Text(t.clone()),
        AttrValue::Texts(t) => Value::List(t.iter().cloned().map(Value::Text).collect()),
        AttrValue::Numbers(block) => Value::Numpy(block.clone()),
    }
}

/// An array of known cells: `xr.DataArray(cells, dims=...)` without coordinates.
///
/// # Errors
/// When the cells are too large or the dims do not fit.
pub fn array_of(plan: &mut Plan, values: &Values, shape: &[usize], dims: &[String]) -> Outcome<LazyArray> {
    if dims.len() != shape.len() {
        return refuse(format!("{} dims for an array of {} axes", dims.len(), shape.len()));
    }
    let (block, cells) = labels::to_block(values, shape)?;
    let node = plan.constant(dims, block)?;
    Ok(LazyArray { name: None, node, coords: indexmap::IndexMap::new(), attrs: Attrs::new(), cells })
}

/// Refuses lengths that would exceed what a constant may hold.
///
/// # Errors
/// When they do.
pub fn check_length(length: f64) -> Outcome<usize> {
    if length.is_finite() && length * 8.0 <= LARGEST_CONSTANT_BYTES as f64 {
        Ok(length.max(0.0) as usize)
    } else {
        refuse(format!(
            "an array of {length:.0} numbers cannot be part of an expression; the limit is {} MiB",
            LARGEST_CONSTANT_BYTES >> 20
        ))
    }
}
