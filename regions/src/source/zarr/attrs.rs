//! JSON attributes as texts and numbers.
//!
//! In: a JSON object. Out: attributes by name, without those by which writers keep their own records. Never fails:
//! nested objects are left out.

use serde_json::Value;
use xeng_kernels::Block;
use xeng_proto::{AttrValue, Attrs};

/// The attributes that xarray shows.
pub fn visible(attributes: &Value) -> Attrs {
    let shown = |name: &str| name != "_ARRAY_DIMENSIONS" && !name.to_ascii_lowercase().starts_with("_nc");
    let Some(fields) = attributes.as_object() else { return Attrs::new() };
    fields.iter().filter(|(name, _)| shown(name)).filter_map(|(name, v)| Some((name.clone(), value(v)?))).collect()
}

fn value(json: &Value) -> Option<AttrValue> {
    match json {
        Value::String(text) => Some(AttrValue::Text(text.clone())),
        Value::Bool(b) => Some(AttrValue::Numbers(Block::scalar(*b))),
        Value::Number(n) => {
            Some(AttrValue::Numbers(n.as_i64().map_or_else(|| Block::scalar(n.as_f64().unwrap_or(f64::NAN)), Block::scalar)))
        }
        Value::Array(items) => array(items),
        Value::Null | Value::Object(_) => None,
    }
}

fn array(items: &[Value]) -> Option<AttrValue> {
    if items.iter().all(Value::is_string) && !items.is_empty() {
        return Some(AttrValue::Texts(items.iter().filter_map(|v| v.as_str().map(str::to_string)).collect()));
    }
    if items.iter().all(|v| v.as_i64().is_some()) {
        return Block::from_vec(&[items.len()], items.iter().filter_map(Value::as_i64).collect::<Vec<i64>>()).ok().map(AttrValue::Numbers);
    }
    let numbers: Option<Vec<f64>> = items.iter().map(float).collect();
    Block::from_vec(&[items.len()], numbers?).ok().map(AttrValue::Numbers)
}

/// A number, also one that JSON has no way to write.
pub fn float(json: &Value) -> Option<f64> {
    match json {
        Value::Number(n) => n.as_f64(),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Puts quotes around `NaN`, `Infinity` and `-Infinity` outside strings.
pub fn quote_bare_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut in_string) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = if in_string { None } else { ["NaN", "-Infinity", "Infinity"].into_iter().find(|w| rest.starts_with(w)) };
        if let Some(word) = word {
            out.extend(['"']);
            out.push_str(word);
            out.push('"');
            rest = &rest[word.len()..];
            continue;
        }
        let mut len = c.len_utf8();
        if c == '"' {
            in_string = !in_string;
        } else if c == '\\' && in_string {
            len += rest[len..].chars().next().map_or(0, char::len_utf8);
        }
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// The bytes of a base64 text (RFC 4648), with or without padding.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut out) = (0u32, 0, vec![]);
    for c in text.trim_end_matches('=').bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}
