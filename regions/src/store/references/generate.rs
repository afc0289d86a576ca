//! Generated references: `gen` of version 1.
//!
//! In: a rule. Out: a reference for each combination of its dimensions' values. Never makes more than [`MAX_GENERATED`].

use super::template::{Templates, Value as Cell, Variables};
use serde::Deserialize;
use serde_json::Value;

/// References that one file generates, at most.
pub(super) const MAX_GENERATED: usize = 1 << 20;
/// Bytes of the keys and targets that one rule generates, at most.
const MAX_GENERATED_BYTES: usize = 256 << 20;
/// Dimensions of a generator, at most.
const MAX_DIMENSIONS: usize = 16;

/// What is told of a reference: its key, its target, offset and length.
pub(super) type Add<'a> = dyn FnMut(&str, String, Option<(u64, u64)>) -> Result<(), String> + 'a;

/// A rule that makes references: one for each combination of its dimensions' values.
#[derive(Deserialize)]
pub(super) struct Generator {
    key: String,
    url: String,
    offset: Option<Value>,
    length: Option<Value>,
    dimensions: serde_json::Map<String, Value>,
}

/// Tells `add` of every reference that a rule makes: its key, target and range. What `room` is left for more is kept there.
///
/// # Errors
/// A reason, when the rule cannot be understood or makes more than there is room for.
pub(super) fn generate(rule: &Generator, templates: &Templates, room: &mut usize, add: &mut Add<'_>) -> Result<(), String> {
    if rule.dimensions.len() > MAX_DIMENSIONS {
        return Err(format!("a generator has {} dimensions", rule.dimensions.len()));
    }
    let axes = rule.dimensions.iter().map(|(name, json)| values(name, json, *room)).collect::<Result<Vec<_>, _>>()?;
    let count = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.len()));
    let count = count.filter(|n| n <= room).ok_or_else(|| format!("more than {MAX_GENERATED} references are generated"))?;
    *room -= count;
    let counts: Vec<usize> = axes.iter().map(Vec::len).collect();
    let mut variables: Variables = rule.dimensions.keys().map(|name| (name.clone(), Cell::Int(0))).collect();
    let mut made = 0usize;
    for number in 0..count {
        let at = crate::source::unravel(number, &counts);
        for ((variable, axis), i) in variables.iter_mut().zip(&axes).zip(at) {
            variable.1 = axis.get(i).cloned().unwrap_or(Cell::Int(0));
        }
        let render = |text: &str| templates.render(text, &variables).map_err(|e| format!("a generator: {e}"));
        let bytes = |value: &Value| {
            let text = value.as_str().map_or_else(|| Ok(value.to_string()), render)?;
            text.trim().parse::<u64>().map_err(|_| format!("a generator's offset or length {text:?} is no count of bytes"))
        };
        let range = match (&rule.offset, &rule.length) {
            (Some(offset), Some(length)) => Some((bytes(offset)?, bytes(length)?)),
            (None, None) => None,
            _ => return Err("a generator has an offset or a length, but not both".into()),
        };
        let (key, url) = (render(&rule.key)?, render(&rule.url)?);
        made = made.saturating_add(key.len()).saturating_add(url.len());
        if made > MAX_GENERATED_BYTES {
            return Err(format!("more than {MAX_GENERATED_BYTES} bytes are generated"));
        }
        add(&key, url, range)?;
    }
    Ok(())
}

/// The values of one dimension of a generator, `most` at most.
fn values(name: &str, json: &Value, most: usize) -> Result<Vec<Cell>, String> {
    let bad = || format!("a generator's dimension {name:?} is neither a list nor a range");
    if let Some(items) = json.as_array() {
        let cell = |v: &Value| v.as_i64().map(Cell::Int).or_else(|| v.as_str().map(|t| Cell::Text(t.to_owned()))).ok_or_else(bad);
        return items.iter().map(cell).collect();
    }
    let number = |key: &str, usual: Option<i64>| json.get(key).map_or(usual, Value::as_i64).ok_or_else(bad);
    let (start, stop, step) = (number("start", Some(0))?, number("stop", None)?, number("step", Some(1))?);
    if step == 0 || !json.is_object() {
        return Err(bad());
    }
    let span = if step > 0 { i128::from(stop) - i128::from(start) } else { i128::from(start) - i128::from(stop) };
    let step_size = i128::from(step).abs();
    let count = (span.max(0) + step_size - 1) / step_size;
    if count > most as i128 {
        return Err(format!("more than {MAX_GENERATED} references are generated"));
    }
    let at = |i: i128| i64::try_from(i128::from(start) + i * i128::from(step)).map(Cell::Int).map_err(|_| bad());
    (0..count).map(at).collect()
}
