//! What Python takes as true: `if`, `and`, `or`, `not` and `in`, of what is known while planning.
//!
//! In: resolved values. Out: truths. Never looks at cells: an array has many truths, and most of them are not known yet.

use super::fault::{Fault, Outcome, refuse};
use crate::lazy::{Number, Value};

/// Whether a value is true, where `word` asks for it.
///
/// # Errors
/// For arrays, and everything else that has no one truth.
pub fn of(value: &Value, word: &str) -> Outcome<bool> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::None => Ok(false),
        Value::Number(Number::Int(n)) => Ok(*n != 0),
        Value::Number(Number::Float(x)) => Ok(*x != 0.0),
        Value::Text(t) => Ok(!t.is_empty()),
        Value::List(items) | Value::Tuple(items) => Ok(!items.is_empty()),
        Value::Dict(d) => Ok(!d.is_empty()),
        Value::Numpy(block) if block.len() == 1 => Ok(block.to_f64_vec().first().is_some_and(|v| *v != 0.0)),
        Value::Array(_) | Value::Later(_) | Value::Numpy(_) => {
            let instead = match word {
                "and" => "use `&`, with parentheses around both sides: (a > 1) & (b < 2)",
                "or" => "use `|`, with parentheses around both sides: (a > 1) | (b < 2)",
                "not" => "use `~`, with parentheses around what follows: ~(a > 1)",
                _ => "use xr.where(condition, a, b)",
            };
            refuse(format!("`{word}` asks for one truth value, and an array has many; {instead}"))
        }
        other => refuse(format!("`{word}` cannot tell whether a {} is true", other.type_name())),
    }
}

/// `item in container`
///
/// # Errors
/// When the container holds data.
pub fn contains(item: &Value, container: &Value) -> Outcome<bool> {
    match (item, container) {
        (_, Value::List(items) | Value::Tuple(items)) => {
            for other in items {
                if equal(item, other)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Text(t), Value::Dict(d)) => Ok(d.contains_key(t)),
        (Value::Text(t), Value::Text(whole)) => Ok(whole.contains(t.as_str())),
        (Value::Text(t), Value::Dataset(d)) => Ok(d.variables.contains_key(t) || d.coords.contains_key(t)),
        (_, Value::Array(_)) => Err(Fault::new("`in` cannot look into the cells of an array; use a.isin([...])")),
        (a, b) => refuse(format!("`in` cannot look for {} in {}", a.type_name(), b.type_name())),
    }
}

fn equal(a: &Value, b: &Value) -> Outcome<bool> {
    match (a, b) {
        (Value::Text(x), Value::Text(y)) => Ok(x == y),
        (Value::None, Value::None) => Ok(true),
        (Value::Number(_) | Value::Bool(_), Value::Number(_) | Value::Bool(_)) => {
            Ok(super::numbers::number(a).map(Number::as_f64) == super::numbers::number(b).map(Number::as_f64))
        }
        (
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::None,
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::None,
        ) => Ok(false),
        _ => refuse(format!("`in` cannot compare {} with {}", a.type_name(), b.type_name())),
    }
}
