//! Python numbers and unlabelled NumPy arrays: the arithmetic that needs no data.
//!
//! In: numbers, small arrays. Out: the same. Never reads a variable.

use super::fault::{Fault, Outcome, refuse};
use super::operators::{Infix, infix_array};
use crate::expr::{BinaryOp, CompareOp, UnaryOp};
use crate::lazy::{Cells, LazyArray, Number, Plan, Value, fold};
use indexmap::IndexMap;
use xeng_kernels::Block;

/// `left op right` of Python numbers.
///
/// # Errors
/// When they are not numbers, or Python would refuse.
pub fn python_infix(op: Infix, left: &Value, right: &Value) -> Outcome<Value> {
    if let (Value::Text(a), Value::Text(b)) = (left, right) {
        return texts(op, a, b);
    }
    let bad = || Fault::new(format!("unsupported operand types for {}: {} and {}", op.symbol(), left.type_name(), right.type_name()));
    let (a, b) = (number(left).ok_or_else(bad)?, number(right).ok_or_else(bad)?);
    match op {
        Infix::Compare(c) => Ok(Value::Bool(compare(c, a, b))),
        Infix::Binary(o) => {
            if let (Value::Bool(x), Value::Bool(y)) = (left, right) {
                match o {
                    BinaryOp::And => return Ok(Value::Bool(*x & *y)),
                    BinaryOp::Or => return Ok(Value::Bool(*x | *y)),
                    BinaryOp::Xor => return Ok(Value::Bool(*x ^ *y)),
                    _ => {}
                }
            }
            match (a, b) {
                (Number::Int(x), Number::Int(y)) => integers(o, x, y),
                _ => floats(o, a.as_f64(), b.as_f64()),
            }
            .map(Value::Number)
        }
    }
}

fn texts(op: Infix, a: &str, b: &str) -> Outcome<Value> {
    match op {
        Infix::Compare(CompareOp::Equal) => Ok(Value::Bool(a == b)),
        Infix::Compare(CompareOp::NotEqual) => Ok(Value::Bool(a != b)),
        Infix::Binary(BinaryOp::Add) => Ok(Value::Text(format!("{a}{b}"))),
        _ => refuse(format!("unsupported operand types for {}: str and str", op.symbol())),
    }
}

/// The number that a Python number or bool is.
pub fn number(v: &Value) -> Option<Number> {
    match v {
        Value::Number(n) => Some(*n),
        Value::Bool(b) => Some(Number::Int(*b as i64)),
        _ => None,
    }
}

fn compare(op: CompareOp, a: Number, b: Number) -> bool {
    let (x, y) = (a.as_f64(), b.as_f64());
    match op {
        CompareOp::Equal => x == y,
        CompareOp::NotEqual => x != y,
        CompareOp::Less => x < y,
        CompareOp::LessEqual => x <= y,
        CompareOp::Greater => x > y,
        CompareOp::GreaterEqual => x >= y,
    }
}

fn integers(op: BinaryOp, x: i64, y: i64) -> Outcome<Number> {
    let whole = |v: Option<i64>| v.map(Number::Int).ok_or_else(|| Fault::new("integer overflow: xeng's integers have 64 bits"));
    match op {
        BinaryOp::Add => whole(x.checked_add(y)),
        BinaryOp::Subtract => whole(x.checked_sub(y)),
        BinaryOp::Multiply => whole(x.checked_mul(y)),
        BinaryOp::Divide | BinaryOp::FloorDivide | BinaryOp::Remainder if y == 0 => refuse("division by zero"),
        BinaryOp::Divide => Ok(Number::Float(x as f64 / y as f64)),
        BinaryOp::FloorDivide => {
            let (q, r) = (x.checked_div(y), x.checked_rem(y).unwrap_or(0));
            whole(q.map(|q| if r != 0 && (r < 0) != (y < 0) { q - 1 } else { q }))
        }
        BinaryOp::Remainder => {
            let r = x.checked_rem(y).unwrap_or(0);
            Ok(Number::Int(if r != 0 && (r < 0) != (y < 0) { r + y } else { r }))
        }
        BinaryOp::Power if y < 0 => Ok(Number::Float((x as f64).powf(y as f64))),
        BinaryOp::Power => whole(u32::try_from(y).ok().and_then(|e| x.checked_pow(e))),
        BinaryOp::And => Ok(Number::Int(x & y)),
        BinaryOp::Or => Ok(Number::Int(x | y)),
        BinaryOp::Xor => Ok(Number::Int(x ^ y)),
        BinaryOp::MatMul => refuse("`@` needs arrays"),
    }
}

fn floats(op: BinaryOp, x: f64, y: f64) -> Outcome<Number> {
    let zero = y == 0.0 && matches!(op, BinaryOp::Divide | BinaryOp::FloorDivide | BinaryOp::Remainder);
    if zero {
        return refuse("division by zero");
    }
    let v = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Subtract => x - y,
        BinaryOp::Multiply => x * y,
        BinaryOp::Divide => x / y,
        BinaryOp::FloorDivide => divided(x, y).0,
        BinaryOp::Remainder => divided(x, y).1,
        BinaryOp::Power if x < 0.0 && y.fract() != 0.0 => return refuse("a negative number to a fractional power is complex"),
        BinaryOp::Power => x.powf(y),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::MatMul => {
            return refuse(format!("unsupported operand types for {}: float", op.symbol()));
        }
    };
    Ok(Number::Float(v))
}

/// Python's `divmod`: by the exact remainder, so that `1.0 // 0.1` is 9 although `1.0 / 0.1` rounds to 10.
fn divided(x: f64, y: f64) -> (f64, f64) {
    let rest = x % y;
    let quotient = (x - rest) / y;
    let (quotient, rest) = if rest == 0.0 {
        (quotient, 0.0f64.copysign(y))
    } else if (y < 0.0) != (rest < 0.0) {
        (quotient - 1.0, rest + y)
    } else {
        (quotient, rest)
    };
    let down = quotient.floor();
    let whole = match quotient {
        0.0 => 0.0f64.copysign(x / y),
        q if q - down > 0.5 => down + 1.0,
        _ => down,
    };
    (whole, rest)
}

/// `op operand` of a Python number.
///
/// # Errors
/// On overflow, and for `~` of a float.
pub fn python_prefix(op: UnaryOp, operand: &Value) -> Outcome<Value> {
    let Some(n) = number(operand) else { return refuse(format!("bad operand for unary {}", op.symbol())) };
    let out = match (op, n) {
        (UnaryOp::Plus, n) => n,
        (UnaryOp::Minus, Number::Int(v)) => Number::Int(v.checked_neg().ok_or_else(|| Fault::new("integer overflow"))?),
        (UnaryOp::Minus, Number::Float(v)) => Number::Float(-v),
        (UnaryOp::Invert, Number::Int(v)) => Number::Int(!v),
        (UnaryOp::Invert, Number::Float(_)) => return refuse("bad operand for unary ~: float"),
    };
    Ok(Value::Number(out))
}

/// A NumPy array as an array with dims that no dataset has.
///
/// # Errors
/// When it is too large.
pub fn unlabelled(plan: &mut Plan, block: &Block) -> Outcome<LazyArray> {
    let dims: Vec<String> = (0..block.rank()).map(|i| format!("dim_{i}")).collect();
    let node = plan.constant(&dims, block.clone())?;
    Ok(LazyArray { name: None, node, coords: IndexMap::new(), attrs: xeng_proto::Attrs::new(), cells: Cells::Numbers })
}

/// The NumPy array that an array of known cells is.
///
/// # Errors
/// When its cells depend on data.
pub fn known_numpy(plan: &Plan, a: &LazyArray) -> Outcome<Value> {
    match fold::known(plan, a.node) {
        Some(block) => Ok(Value::Numpy(block)),
        None => refuse("a numpy array must be known while planning"),
    }
}

/// `left op right` of NumPy arrays and numbers.
///
/// # Errors
/// When they cannot meet.
pub fn numpy_infix(plan: &mut Plan, op: Infix, left: &Value, right: &Value) -> Outcome<Value> {
    let (l, r) = match (left, right) {
        (Value::Numpy(a), Value::Numpy(b)) => (stretched(plan, a, b)?, stretched(plan, b, a)?),
        (Value::Numpy(a), other) => (Value::Array(unlabelled(plan, a)?), other.clone()),
        (other, Value::Numpy(b)) => (other.clone(), Value::Array(unlabelled(plan, b)?)),
        (a, b) => (a.clone(), b.clone()),
    };
    let mut out = infix_array(plan, op, &l, &r)?;
    let mut names = plan.names(out.node)?;
    names.sort_by_key(|n| n.trim_start_matches("dim_").parse::<usize>().unwrap_or(usize::MAX));
    out.node = plan.transpose(out.node, &names)?;
    known_numpy(plan, &out)
}

/// `block` as an array whose trailing axes meet those of `other`; an axis of one index repeats along a longer one.
fn stretched(plan: &mut Plan, block: &Block, other: &Block) -> Outcome<Value> {
    let rank = block.rank().max(other.rank());
    let length = |b: &Block, axis: usize| (axis + b.rank()).checked_sub(rank).and_then(|i| b.shape().get(i).copied());
    let (mut dims, mut shape) = (vec![], vec![]);
    for axis in 0..rank {
        let Some(n) = length(block, axis) else { continue };
        match length(other, axis) {
            Some(m) if n != m && n != 1 && m != 1 => {
                return refuse(format!("numpy arrays of shapes {:?} and {:?} cannot be broadcast together", block.shape(), other.shape()));
            }
            Some(m) if n == 1 && m != 1 => {}
            _ => {
                dims.push(format!("dim_{axis}"));
                shape.push(n);
            }
        }
    }
    let node = plan.constant(&dims, block.clone().reshape(&shape)?)?;
    Ok(Value::Array(LazyArray { name: None, node, coords: IndexMap::new(), attrs: xeng_proto::Attrs::new(), cells: Cells::Numbers }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// From CPython 3.13.
    #[test]
    fn floats_divide_as_in_python() {
        for (x, y, quotient, rest) in [
            (1.0, 0.1, 9.0, 0.09999999999999995),
            (-1.0, 0.1, -10.0, 5.551115123125783e-17),
            (1.0, -0.1, -10.0, -5.551115123125783e-17),
            (6.0, 0.1, 59.0, 0.09999999999999967),
            (0.7, 0.1, 6.0, 0.09999999999999992),
            (5.5, -2.0, -3.0, -0.5),
            (-1.0, f64::INFINITY, -1.0, f64::INFINITY),
            (1e300, 1e-300, f64::INFINITY, 4.891554850853602e-301),
        ] {
            let (q, r) = divided(x, y);
            assert_eq!(q, quotient, "{x} // {y}");
            assert!(r == rest || y == 1e-300, "{x} % {y} is {r}");
        }
        assert!(divided(0.0, -1.0).0.is_sign_negative() && divided(0.0, -1.0).1.is_sign_negative());
        assert!(divided(f64::INFINITY, 1.0).0.is_nan());
    }
}
