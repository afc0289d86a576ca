//! Unary, binary and comparison operators over values.
//!
//! In: resolved operands. Out: a value; arrays are aligned, broadcast by dim name and promoted first. Never evaluates cells of data.

use super::align::{self, Join};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::group_arithmetic;
use super::numbers;
use super::promote::{self, Kind};
use crate::expr::{BinaryOp, CompareOp, UnaryOp};
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, Number, Plan, Value, fold, labels};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{Block, DType, Dim, NodeId, Op};

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Infix {
    /// Arithmetic or logic.
    Binary(BinaryOp),
    /// A comparison.
    Compare(CompareOp),
}

impl Infix {
    /// A comparison from the other side; other operators as they are.
    pub fn mirrored(self) -> Infix {
        match self {
            Infix::Compare(op) => Infix::Compare(op.mirrored()),
            Infix::Binary(_) => self,
        }
    }

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Infix::Binary(op) => op.symbol(),
            Infix::Compare(op) => op.symbol(),
        }
    }
}

/// Whether an array is a dim's own labels, picked at most; the dim may have been renamed since.
fn is_index(plan: &Plan, a: &LazyArray) -> bool {
    let Ok(mut node) = plan.node(a.node) else { return false };
    let [dim] = node.dims.as_slice() else { return false };
    let (Some(name), Some(labels)) = (&a.name, a.index(&dim.name)) else { return false };
    if **name != *dim.name && !fold::values(plan, a).is_some_and(|own| labels::equal(&own, labels)) {
        return false;
    }
    while let Op::Take { input, .. } | Op::Rename { input, .. } = &node.op {
        let Ok(below) = plan.node(*input) else { return false };
        node = below;
    }
    matches!(node.op, Op::Constant(_))
}

/// `left op right`.
///
/// # Errors
/// When the operands cannot meet under this operator.
pub fn infix(plan: &mut Plan, op: Infix, left: &Value, right: &Value) -> Outcome<Value> {
    match (left, right) {
        (Value::Grouped(g), other) => group_arithmetic::apply(plan, op, g, other, group_arithmetic::Side::Left),
        (other, Value::Grouped(g)) => group_arithmetic::apply(plan, op, g, other, group_arithmetic::Side::Right),
        (Value::Dataset(a), Value::Dataset(b)) => dataset::infix(plan, op, a, b),
        (Value::Dataset(a), Value::Array(b)) => {
            let asks_index = matches!(op, Infix::Compare(_)) && is_index(plan, b);
            dataset::beside(plan, a, b, dataset::First::Dataset, |plan, v, b| {
                if asks_index { infix_array(plan, op.mirrored(), b, v) } else { infix_array(plan, op, v, b) }
            })
        }
        (Value::Array(a), Value::Dataset(b)) => {
            // Python asks the dataset for the mirrored comparison, which asks an index again.
            let asks_dataset = matches!(op, Infix::Compare(_)) && !is_index(plan, a);
            dataset::beside(plan, b, a, dataset::First::Dataset, |plan, v, a| {
                if asks_dataset { infix_array(plan, op.mirrored(), v, a) } else { infix_array(plan, op, a, v) }
            })
        }
        (Value::Dataset(a), b) => dataset::each(plan, a, |plan, v| infix_array(plan, op, &Value::Array(v.clone()), b)),
        (a, Value::Dataset(b)) => dataset::each(plan, b, |plan, v| infix_array(plan, op, a, &Value::Array(v.clone()))),
        (Value::Array(a), Value::Array(b)) if matches!(op, Infix::Compare(_)) && is_index(plan, b) && !is_index(plan, a) => {
            // An index is of a subclass in xarray, so that Python asks it for the mirrored comparison: its dim comes first.
            let out = infix_array(plan, op, left, right)?;
            let mut order = plan.names(b.node)?;
            order.extend(plan.names(a.node)?.into_iter().filter(|d| !order.contains(d)).collect::<Vec<_>>());
            Ok(Value::Array(LazyArray { node: plan.transpose(out.node, &order)?, ..out }))
        }
        (Value::Array(a), Value::Array(b)) if op == Infix::Binary(BinaryOp::MatMul) => {
            super::xr::dotted(plan, a, b, &super::args::Names::Absent).map(Value::Array)
        }
        (Value::Array(_), _) | (_, Value::Array(_)) => Ok(Value::Array(infix_array(plan, op, left, right)?)),
        (Value::Numpy(_), _) | (_, Value::Numpy(_)) => numbers::numpy_infix(plan, op, left, right),
        _ => numbers::python_infix(op, left, right),
    }
}

/// `op operand`.
///
/// # Errors
/// When the operand has no such operator.
pub fn prefix(plan: &mut Plan, op: UnaryOp, operand: &Value) -> Outcome<Value> {
    match operand {
        Value::Array(a) => Ok(Value::Array(prefix_array(plan, op, a)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, v| prefix_array(plan, op, v)),
        Value::Numpy(block) => {
            let a = numbers::unlabelled(plan, block)?;
            let out = prefix_array(plan, op, &a)?;
            numbers::known_numpy(plan, &out)
        }
        Value::Number(_) | Value::Bool(_) => numbers::python_prefix(op, operand),
        other => refuse(format!("bad operand for unary {}: {}", op.symbol(), other.type_name())),
    }
}

fn prefix_array(plan: &mut Plan, op: UnaryOp, a: &LazyArray) -> Outcome<LazyArray> {
    numbers_only(a, op.symbol())?;
    let dtype = plan.dtype(a.node)?;
    let node = match op {
        UnaryOp::Plus => a.node,
        UnaryOp::Minus if dtype == DType::Bool => return refuse("the numpy boolean negative, the `-` operator, is not supported; use `~`"),
        UnaryOp::Minus => plan.unary(Unary::Neg, a.node, dtype)?,
        UnaryOp::Invert if dtype.is_float() => return refuse(format!("`~` needs booleans or integers, not {dtype}")),
        UnaryOp::Invert => plan.unary(Unary::Not, a.node, dtype)?,
    };
    Ok(LazyArray { node, ..a.clone() })
}

/// An operand after alignment: cells, and how it takes part in promotion.
struct Side {
    operand: Operand,
    kind: Kind,
}

/// `left op right` where at least one is an array.
///
/// # Errors
/// When they cannot meet.
pub fn infix_array(plan: &mut Plan, op: Infix, left: &Value, right: &Value) -> Outcome<LazyArray> {
    if let Some(out) = compare_labels(plan, op, left, right)? {
        return Ok(out);
    }
    let mut arrays: Vec<LazyArray> =
        [left, right].into_iter().filter_map(|v| if let Value::Array(a) = v { Some(a.clone()) } else { None }).collect();
    for a in &arrays {
        numbers_only(a, op.symbol())?;
    }
    align::align(plan, &mut arrays, Join::Inner, &[])?;
    let dims = plan.dims(arrays[0].node)?;
    let mut it = arrays.iter();
    let mut side = |plan: &mut Plan, v: &Value| -> Outcome<Side> {
        match (v, it.next_if_array(v)) {
            (_, Some(a)) => Ok(Side { operand: a.node.into(), kind: Kind::Strong(plan.dtype(a.node)?) }),
            (v, None) => plain_side(plan, op, v, &dims),
        }
    };
    let (a, b) = (side(plan, left)?, side(plan, right)?);
    let mut node = combine(plan, op, a.operand, a.kind, b.operand, b.kind)?;
    if arrays.len() == 1 {
        // A numpy array before the DataArray does not bring its dims to the front.
        node = plan.transpose(node, &dims.iter().map(|d| d.name.to_string()).collect::<Vec<_>>())?;
    }
    combined(plan, node, &arrays)
}

/// The result around `node`: merged coordinates, attributes and name.
fn combined(plan: &mut Plan, node: NodeId, arrays: &[LazyArray]) -> Outcome<LazyArray> {
    let refs: Vec<&LazyArray> = arrays.iter().collect();
    Ok(LazyArray {
        name: align::common_name(&refs),
        node,
        coords: align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?,
        attrs: align::merge_attrs(&arrays.iter().map(|a| &a.attrs).collect::<Vec<_>>()),
        cells: Cells::Numbers,
    })
}

/// Steps through the aligned arrays in the order of the operands that are arrays.
trait NextIfArray<'a> {
    fn next_if_array(&mut self, v: &Value) -> Option<&'a LazyArray>;
}

impl<'a> NextIfArray<'a> for std::slice::Iter<'a, LazyArray> {
    fn next_if_array(&mut self, v: &Value) -> Option<&'a LazyArray> {
        if matches!(v, Value::Array(_)) { self.next() } else { None }
    }
}

fn plain_side(plan: &mut Plan, op: Infix, v: &Value, dims: &[Dim]) -> Outcome<Side> {
    match v {
        Value::Number(n) => Ok(Side { operand: operand_of(*n), kind: Kind::Weak(*n) }),
        Value::Bool(b) => Ok(Side { operand: Operand::Int(*b as i64), kind: Kind::Strong(DType::Bool) }),
        Value::Numpy(block) => {
            let operand = numpy_operand(plan, block, dims)?;
            Ok(Side { operand, kind: Kind::Strong(block.dtype()) })
        }
        other => refuse(format!("unsupported operand types for {}: DataArray and {}", op.symbol(), other.type_name())),
    }
}

/// The operand of a Python number.
pub fn operand_of(n: Number) -> Operand {
    match n {
        Number::Int(v) => Operand::Int(v),
        Number::Float(v) => Operand::Float(v),
    }
}

/// A NumPy array under the last dims of the array that it meets; an axis of one index repeats along its dim.
///
/// # Errors
/// When it has more axes than there are dims, or an axis of another length.
pub fn numpy_operand(plan: &mut Plan, block: &Block, dims: &[Dim]) -> Outcome<Operand> {
    let shown = || dims.iter().map(|d| format!("{}: {}", d.name, d.len)).collect::<Vec<_>>().join(", ");
    let Some(skip) = dims.len().checked_sub(block.rank()) else {
        return refuse(format!("a numpy array of {} axes cannot meet a DataArray of dims ({})", block.rank(), shown()));
    };
    let (mut names, mut shape) = (vec![], vec![]);
    for (&n, dim) in block.shape().iter().zip(&dims[skip..]) {
        if n == dim.len {
            names.push(dim.name.to_string());
            shape.push(n);
        } else if n != 1 {
            return refuse(format!(
                "a numpy array of shape {:?} cannot be broadcast together with a DataArray of dims ({}): its axes meet the last dims",
                block.shape(),
                shown()
            ));
        }
    }
    Ok(plan.constant(&names, block.clone().reshape(&shape)?)?.into())
}

/// Refuses times and texts.
///
/// # Errors
/// When the array holds either.
pub fn numbers_only(a: &LazyArray, operation: &str) -> Outcome<()> {
    let name = a.name.as_deref().unwrap_or("the array");
    match a.cells {
        Cells::Numbers => Ok(()),
        Cells::Times(_) => refuse(format!("'{name}' holds times: `{operation}` on times is not supported yet by xeng")),
        Cells::Texts(_) => refuse(format!("'{name}' holds texts, which cannot take part in `{operation}`")),
    }
}

/// One element-wise operation with NumPy's promotion.
///
/// # Errors
/// When NumPy has no such operation for these types.
pub fn combine(plan: &mut Plan, op: Infix, a: Operand, ka: Kind, b: Operand, kb: Kind) -> Outcome<NodeId> {
    match op {
        Infix::Compare(c) => {
            let within = promote::common(&[ka, kb])?;
            plan.binary(comparison(c), a, b, within)
        }
        Infix::Binary(BinaryOp::Power) => power(plan, a, ka, b, kb),
        Infix::Binary(BinaryOp::Divide) => {
            let within = promote::division(&[ka, kb])?;
            plan.binary(Binary::Div, a, b, within)
        }
        Infix::Binary(BinaryOp::MatMul) => Err(Fault::unsupported("`@`")),
        Infix::Binary(b_op) => arithmetic(plan, b_op, a, ka, b, kb),
    }
}

fn arithmetic(plan: &mut Plan, op: BinaryOp, a: Operand, ka: Kind, b: Operand, kb: Kind) -> Outcome<NodeId> {
    let within = promote::common(&[ka, kb])?;
    let bools = within == DType::Bool;
    let logic = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor);
    if logic && within.is_float() {
        return refuse(format!("`{}` needs booleans or integers, not {within}; put comparisons in parentheses", op.symbol()));
    }
    let (kernel, within) = match op {
        BinaryOp::Add if bools => (Binary::Or, within),
        BinaryOp::Multiply if bools => (Binary::And, within),
        BinaryOp::Subtract if bools => return refuse("numpy boolean subtract, the `-` operator, is not supported; use `^`"),
        BinaryOp::FloorDivide if bools => (Binary::FloorDiv, DType::I8),
        BinaryOp::Remainder if bools => (Binary::Mod, DType::I8),
        BinaryOp::Add => (Binary::Add, within),
        BinaryOp::Subtract => (Binary::Sub, within),
        BinaryOp::Multiply => (Binary::Mul, within),
        BinaryOp::FloorDivide => (Binary::FloorDiv, within),
        BinaryOp::Remainder => (Binary::Mod, within),
        BinaryOp::And => (Binary::And, within),
        BinaryOp::Or => (Binary::Or, within),
        BinaryOp::Xor => (Binary::Xor, within),
        BinaryOp::Divide | BinaryOp::Power | BinaryOp::MatMul => return Err(Fault::unsupported(format!("`{}`", op.symbol()))),
    };
    plan.binary(kernel, a, b, within)
}

/// `a ** b` as NumPy: small whole exponents by multiplication and `0.5` by a root, as its fast path does.
fn power(plan: &mut Plan, a: Operand, ka: Kind, b: Operand, kb: Kind) -> Outcome<NodeId> {
    let mut within = promote::common(&[ka, kb])?;
    if within == DType::Bool {
        within = DType::I8;
    }
    if let (Operand::Node(x), Kind::Strong(DType::Bool), Kind::Weak(Number::Int(2))) = (a, ka, kb) {
        // The square of truths, where every other whole exponent is an int64.
        return plan.unary(Unary::Square, x, DType::I8);
    }
    if let (Operand::Node(x), Kind::Weak(n)) = (a, kb) {
        match n.as_f64() {
            2.0 => return plan.unary(Unary::Square, x, within),
            0.5 if within.is_float() => return plan.unary(Unary::Sqrt, x, within),
            -1.0 if within.is_float() => return plan.unary(Unary::Reciprocal, x, within),
            _ => {}
        }
    }
    if within.is_integer() {
        match kb {
            Kind::Weak(Number::Int(v)) if v < 0 => {
                return refuse("integers to negative integer powers are not allowed; use a float exponent");
            }
            Kind::Strong(d) if d.is_signed() => {
                return refuse("a power whose exponent is an array of signed integers is not supported; convert it with .astype(float)");
            }
            Kind::Strong(_) | Kind::Weak(_) => {}
        }
    }
    plan.binary(Binary::Pow, a, b, within)
}

/// The kernel of a comparison.
fn comparison(op: CompareOp) -> Binary {
    match op {
        CompareOp::Equal => Binary::Eq,
        CompareOp::NotEqual => Binary::Ne,
        CompareOp::Less => Binary::Lt,
        CompareOp::LessEqual => Binary::Le,
        CompareOp::Greater => Binary::Gt,
        CompareOp::GreaterEqual => Binary::Ge,
    }
}

/// Comparisons of texts with a text, and of times with a time.
fn compare_labels(plan: &mut Plan, op: Infix, left: &Value, right: &Value) -> Outcome<Option<LazyArray>> {
    let Infix::Compare(c) = op else { return Ok(None) };
    let (array, other, kernel) = match (left, right) {
        (Value::Array(a), Value::Text(_) | Value::DateTime(_)) => (a, right, comparison(c)),
        (Value::Text(_) | Value::DateTime(_), Value::Array(a)) => (a, left, mirrored(comparison(c))),
        _ => return Ok(None),
    };
    let wanted = match (&array.cells, other) {
        (Cells::Texts(table), Value::Text(t)) => {
            if !matches!(kernel, Binary::Eq | Binary::Ne) {
                return Err(Fault::unsupported("ordering texts"));
            }
            table.iter().position(|x| x == t).map_or(-2, |i| i as i64)
        }
        (Cells::Times(encoding), Value::DateTime(t)) => super::dates::parse(t, encoding.calendar)?.start,
        _ => return refuse(format!("cannot compare {} with {}", array.name.as_deref().unwrap_or("the array"), other.type_name())),
    };
    let node = plan.binary(kernel, array.node.into(), Operand::Int(wanted), DType::I64)?;
    // A missing time compares false, and unequal to everything.
    let node = if let Cells::Times(_) = array.cells {
        let present = plan.binary(Binary::Ne, array.node.into(), Operand::Int(i64::MIN), DType::I64)?;
        if kernel == Binary::Ne { node } else { plan.binary(Binary::And, node.into(), present.into(), DType::Bool)? }
    } else {
        node
    };
    Ok(Some(LazyArray { node, cells: Cells::Numbers, ..array.clone() }))
}

fn mirrored(op: Binary) -> Binary {
    match op {
        Binary::Lt => Binary::Gt,
        Binary::Le => Binary::Ge,
        Binary::Gt => Binary::Lt,
        Binary::Ge => Binary::Le,
        other => other,
    }
}
