//! Methods that work cell by cell, or move cells along a dim: `where`, `fillna`, `clip`, `shift` and the like.
//!
//! In: an array and a method's arguments. Out: an array. Never reduces.

use super::align::{self, Join};
use super::args::{self, Args};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::literals;
use super::operators::{numbers_only, numpy_operand, operand_of};
use super::promote::{self, Kind};
use crate::lazy::labels;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, Number, Plan, Value};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType, Dim, NodeId, Reduction};
use xeng_proto::Values;

/// The dtype that a value names.
///
/// # Errors
/// When xeng has no such type.
pub fn dtype_of(v: &Value) -> Outcome<DType> {
    match v {
        Value::DType(d) => Ok(*d),
        Value::Text(t) => {
            DType::from_name(t.trim_start_matches(['<', '='])).ok_or_else(|| Fault::new(format!("xeng has no element type '{t}'")))
        }
        Value::Function(_, f) if f == "float" => Ok(DType::F64),
        Value::Function(_, f) if f == "int" => Ok(DType::I64),
        Value::Function(_, f) if f == "bool" => Ok(DType::Bool),
        other => refuse(format!("{} is no element type", other.type_name())),
    }
}

/// `.astype('float64')`
///
/// # Errors
/// For times and texts, and types that xeng lacks.
pub fn astype(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["dtype", "order", "casting", "subok", "copy", "keep_attrs"])?;
    bound.unsupported(&["order", "casting", "subok"])?;
    let arg = bound.need("dtype")?;
    numbers_only(a, "astype")?;
    let to = dtype_of(&arg.value).map_err(|f| f.at(arg.span))?;
    let mut out = LazyArray { node: plan.cast(a.node, to)?, ..a.clone() };
    if bound.flag("keep_attrs", Some(true))? == Some(false) {
        strip(&mut out);
    }
    Ok(Value::Array(out))
}

/// Takes the attributes away, of coordinates too, as xarray's functions of cells do.
fn strip(a: &mut LazyArray) {
    a.attrs.clear();
    a.coords.values_mut().for_each(|c| c.attrs.clear());
}

/// An operand with its kind; arrays are aligned by the caller.
fn side(plan: &mut Plan, v: &Value, dims: &[Dim]) -> Outcome<(Operand, Kind)> {
    match v {
        Value::Array(a) => {
            numbers_only(a, "this")?;
            Ok((a.node.into(), Kind::Strong(plan.dtype(a.node)?)))
        }
        Value::Number(n) => Ok((operand_of(*n), Kind::Weak(*n))),
        Value::Bool(b) => Ok((Operand::Int(*b as i64), Kind::Strong(DType::Bool))),
        Value::Numpy(block) => Ok((numpy_operand(plan, block, dims)?, Kind::Strong(block.dtype()))),
        other => refuse(format!("{} cannot take part here", other.type_name())),
    }
}

/// `.clip(min, max)`
///
/// # Errors
/// When the bounds cannot be aligned exactly.
pub fn clip(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["min", "max", "keep_attrs"])?;
    let mut out = a.clone();
    let (low, high) = (bound.some("min"), bound.some("max"));
    if low.is_none() && high.is_none() {
        return refuse("clip() needs min or max");
    }
    for (arg, op) in [(low, Binary::Maximum), (high, Binary::Minimum)] {
        if let Some(arg) = arg {
            out = element(plan, op, &out, &arg.value).map_err(|f| f.at(arg.span))?;
        }
    }
    if bound.flag("keep_attrs", Some(true))? == Some(false) {
        strip(&mut out);
    }
    Ok(Value::Array(out))
}

/// `op(a, other)` with NumPy's promotion; name and attributes are the first one's.
///
/// # Errors
/// When the indexes differ.
pub fn element(plan: &mut Plan, op: Binary, a: &LazyArray, other: &Value) -> Outcome<LazyArray> {
    numbers_only(a, "this")?;
    let mut arrays = vec![a.clone()];
    if let Value::Array(o) = other {
        arrays.push(o.clone());
    }
    align::align(plan, &mut arrays, Join::Exact, &[])?;
    let other = arrays.get(1).cloned().map_or_else(|| other.clone(), Value::Array);
    let dims = plan.dims(arrays[0].node)?;
    let (x, kx) = side(plan, &Value::Array(arrays[0].clone()), &dims)?;
    let (y, ky) = side(plan, &other, &dims)?;
    let within = promote::common(&[kx, ky])?;
    let node = plan.binary(op, x, y, within)?;
    let coords = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    Ok(LazyArray { node, coords, ..arrays[0].clone() })
}

/// `.isnull()`
///
/// # Errors
/// With arguments.
pub fn isnull(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["keep_attrs"])?;
    let mut out = LazyArray { node: missing(plan, a)?, cells: Cells::Numbers, ..a.clone() };
    if bound.flag("keep_attrs", Some(true))? == Some(false) {
        strip(&mut out);
    }
    Ok(Value::Array(out))
}

/// `.notnull()`
///
/// # Errors
/// With arguments.
pub fn notnull(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    match isnull(plan, a, args, receiver)? {
        Value::Array(n) => Ok(Value::Array(LazyArray { node: plan.unary(Unary::Not, n.node, DType::Bool)?, ..n })),
        other => Ok(other),
    }
}

/// Whether each cell is missing.
///
/// # Errors
/// When the node does not exist, which is a defect.
pub fn missing(plan: &mut Plan, a: &LazyArray) -> Outcome<NodeId> {
    let dtype = plan.dtype(a.node)?;
    match a.cells {
        Cells::Times(_) => plan.binary(Binary::Eq, a.node.into(), Operand::Int(i64::MIN), DType::I64),
        Cells::Numbers | Cells::Texts(_) if dtype.is_float() => plan.unary(Unary::IsNan, a.node, dtype),
        // Integers, truths and texts are never missing.
        Cells::Numbers | Cells::Texts(_) => plan.binary(Binary::Ne, a.node.into(), a.node.into(), dtype),
    }
}

/// `.fillna(value)`
///
/// # Errors
/// For times and texts.
pub fn fillna(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["value"])?;
    let arg = bound.need("value")?;
    filled(plan, a, &arg.value).map(Value::Array).map_err(|f| f.at(arg.span))
}

/// `a` with its missing cells taken from `value`.
///
/// # Errors
/// When the two cannot be aligned.
pub fn filled(plan: &mut Plan, a: &LazyArray, value: &Value) -> Outcome<LazyArray> {
    numbers_only(a, "fillna")?;
    let mut arrays = vec![a.clone()];
    if let Value::Array(o) = value {
        arrays.push(o.clone());
    }
    align::align(plan, &mut arrays, Join::Left, &[])?;
    let value = arrays.get(1).cloned().map_or_else(|| value.clone(), Value::Array);
    let dims = plan.dims(a.node)?;
    let (x, kx) = side(plan, &Value::Array(arrays[0].clone()), &dims)?;
    let (y, ky) = side(plan, &value, &dims)?;
    let within = promote::common(&[kx, ky])?;
    let there = missing(plan, &arrays[0])?;
    let there = plan.unary(Unary::Not, there, DType::Bool)?;
    let node = plan.select_like(x, there, x, y, within)?;
    let coords = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    Ok(LazyArray { node, coords, ..arrays[0].clone() })
}

/// `.where(cond, other, drop=False)`
///
/// # Errors
/// When the condition is no truth, or indexes differ where xarray wants them equal.
pub fn where_method(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["cond", "other", "drop"])?;
    let cond = bound.need("cond")?;
    let other = bound.take("other");
    let drop = bound.flag("drop", Some(false))? == Some(true);
    let condition = match &cond.value {
        Value::Array(c) => c.clone(),
        Value::Numpy(b) if b.rank() == plan.dims(a.node)?.len() => {
            let dims = plan.names(a.node)?;
            literals::array_of(plan, &Values::Numbers(b.clone()), b.shape(), &dims)?
        }
        _ => return Err(bound.wrong("cond", &cond, "a DataArray of truths")),
    };
    if plan.dtype(condition.node)? != DType::Bool {
        return Err(Fault::new("where(): the condition must be of type bool; compare it with something").at(cond.span));
    }
    let mut a = a.clone();
    let mut condition = condition;
    if drop {
        if other.is_some() {
            return refuse("where(): 'other' cannot be given together with drop=True");
        }
        (a, condition) = dropped(plan, a, condition).map_err(|f| f.at(cond.span))?;
    }
    let join = if other.is_none() { Join::Inner } else { Join::Exact };
    let mut arrays = vec![a, condition];
    if let Some(arg) = &other
        && let Value::Array(o) = &arg.value
    {
        arrays.push(o.clone());
    }
    align::align(plan, &mut arrays, join, &[])?;
    let other = other.map(|o| arrays.get(2).cloned().map_or(o.value, Value::Array));
    chosen(plan, &arrays, other.as_ref()).map(Value::Array)
}

/// `condition ? a : other`, the dims of `a` first.
fn chosen(plan: &mut Plan, arrays: &[LazyArray], other: Option<&Value>) -> Outcome<LazyArray> {
    let (a, condition) = (&arrays[0], &arrays[1]);
    if a.cells != Cells::Numbers {
        return Err(Fault::unsupported("where() of times or texts"));
    }
    let dims = plan.dims(a.node)?;
    let (x, kx) = side(plan, &Value::Array(a.clone()), &dims)?;
    let own = plan.dtype(a.node)?;
    let (y, within) = match other {
        None => (Operand::Float(f64::NAN), indexing::promoted(own)),
        Some(v) => {
            let (y, ky) = side(plan, v, &dims)?;
            (y, promote::common(&[kx, ky])?)
        }
    };
    let node = plan.select_like(x, condition.node, x, y, within)?;
    let coords = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    Ok(LazyArray { node, coords, ..a.clone() })
}

/// `drop=True`: both cut to the indices where the condition holds anywhere, which are read while planning where they depend on data.
fn dropped(plan: &mut Plan, a: LazyArray, condition: LazyArray) -> Outcome<(LazyArray, LazyArray)> {
    let mut both = [a, condition];
    align::align(plan, &mut both, Join::Inner, &[])?;
    let [mut a, mut condition] = both;
    let dims = plan.names(condition.node)?;
    let holds = dims.iter().map(|d| anywhere(plan, condition.node, &dims, d)).collect::<Outcome<Vec<_>>>()?;
    for (dim, any) in dims.iter().zip(plan.cells_of(&holds)?) {
        let any: Vec<bool> = any.to_i64_vec().iter().map(|&t| t != 0).collect();
        let keep: Vec<i64> = any.iter().enumerate().filter(|(_, k)| **k).map(|(i, _)| i as i64).collect();
        let picked = Picked::Many(Index::compact(&keep));
        condition = indexing::pick(plan, &condition, dim, &picked, Scalars::Keep)?;
        if plan.names(a.node)?.contains(dim) {
            a = indexing::pick(plan, &a, dim, &picked, Scalars::Keep)?;
        }
    }
    Ok((a, condition))
}

/// At which indices of `dim` a condition holds anywhere.
fn anywhere(plan: &mut Plan, condition: NodeId, dims: &[String], dim: &str) -> Outcome<NodeId> {
    let others: Vec<String> = dims.iter().filter(|d| *d != dim).cloned().collect();
    if others.is_empty() { Ok(condition) } else { plan.reduce(condition, Reduction::Any, &others) }
}

/// `.isin([1, 2])`
///
/// # Errors
/// When the test values are not known.
pub fn isin(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["test_elements"])?;
    let arg = bound.need("test_elements")?;
    let (values, _) = literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))?;
    let dtype = plan.dtype(a.node)?;
    let (wanted, within): (Vec<Operand>, DType) = match (&values, &a.cells) {
        (Values::Numbers(b), Cells::Numbers) => {
            let within = dtype.promote(b.dtype());
            let float = within.is_float();
            (
                if float {
                    b.to_f64_vec().into_iter().map(Operand::Float).collect()
                } else {
                    b.to_i64_vec().into_iter().map(Operand::Int).collect()
                },
                within,
            )
        }
        (Values::Texts(t), Cells::Texts(table)) => {
            (t.iter().filter_map(|t| table.iter().position(|x| x == t)).map(|i| Operand::Int(i as i64)).collect(), dtype)
        }
        _ => return Err(Fault::new("isin(): the values are of another kind than the array's").at(arg.span)),
    };
    if wanted.len() > 1000 {
        return Err(Fault::unsupported("isin() of more than 1000 values").at(arg.span));
    }
    let none = missing(plan, a)?;
    let mut node = plan.binary(Binary::And, Operand::Int(0), none.into(), DType::Bool)?;
    for w in wanted {
        let one = plan.binary(Binary::Eq, a.node.into(), w, within)?;
        node = plan.binary(Binary::Or, node.into(), one.into(), DType::Bool)?;
    }
    Ok(Value::Array(LazyArray { node, cells: Cells::Numbers, ..a.clone() }))
}

/// `.round(decimals=0)`
///
/// # Errors
/// For times and texts.
pub fn round(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["decimals", "keep_attrs"])?;
    let decimals = bound.int("decimals")?.unwrap_or(0);
    numbers_only(a, "round")?;
    Ok(Value::Array(LazyArray { node: rounded(plan, a.node, decimals)?, ..a.clone() }))
}

/// NumPy's `round`: scale, round halves to even, scale back.
///
/// # Errors
/// For negative decimals of integers.
pub fn rounded(plan: &mut Plan, node: NodeId, decimals: i64) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    if !dtype.is_float() {
        return if decimals >= 0 && dtype != DType::Bool {
            Ok(node)
        } else {
            Err(Fault::unsupported(format!("rounding {dtype} to {decimals} decimals")))
        };
    }
    if !(-300..=300).contains(&decimals) {
        return refuse("decimals must lie between -300 and 300");
    }
    if decimals == 0 {
        return plan.unary(Unary::Rint, node, dtype);
    }
    let factor = 10f64.powi(decimals.unsigned_abs() as i32);
    let (up, down) = if decimals > 0 { (Binary::Mul, Binary::Div) } else { (Binary::Div, Binary::Mul) };
    let scaled = plan.binary(up, node.into(), Operand::Float(factor), dtype)?;
    let whole = plan.unary(Unary::Rint, scaled, dtype)?;
    plan.binary(down, whole.into(), Operand::Float(factor), dtype)
}

/// `.roll(lon=10, roll_coords=False)`
///
/// # Errors
/// At shifts that are not whole numbers.
pub fn roll(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("shifts", &["roll_coords"])?;
    let with_coords = bound.flag("roll_coords", Some(false))? == Some(true);
    let mut out = a.clone();
    for (dim, arg) in entries {
        let dims = plan.dims(out.node)?;
        let own = plan.names(out.node)?;
        if super::reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let n = dims.iter().find(|d| *d.name == *dim).map_or(0, |d| d.len) as i64;
        let by = args::integer(&arg.value).ok_or_else(|| Fault::new("a shift must be a whole number").at(arg.span))?;
        if n == 0 || by.rem_euclid(n) == 0 {
            continue;
        }
        let at: Vec<i64> = (0..n).map(|i| (i - by.rem_euclid(n)).rem_euclid(n)).collect();
        let index = Index::List(at.into());
        if with_coords {
            out = indexing::pick(plan, &out, &dim, &Picked::Many(index), Scalars::Keep)?;
        } else {
            out.node = plan.take(out.node, &dim, index)?;
        }
    }
    Ok(Value::Array(out))
}

/// `.shift(time=1, fill_value=...)`
///
/// # Errors
/// At shifts that are not whole numbers.
pub fn shift(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("shifts", &["fill_value"])?;
    let fill = bound.some("fill_value");
    let own = plan.names(a.node)?;
    if receiver.is_dataset() && entries.keys().all(|dim| receiver.has_dim(dim) && !own.contains(dim)) {
        return Ok(Value::Array(a.clone()));
    }
    numbers_only(a, "shift")?;
    let mut out = a.clone();
    for (dim, arg) in entries {
        if super::reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let n = plan.dims(out.node)?.iter().find(|d| *d.name == *dim).map_or(0, |d| d.len) as i64;
        let by = args::integer(&arg.value).ok_or_else(|| Fault::new("a shift must be a whole number").at(arg.span))?;
        if let Some(fill) = &fill {
            out.node = shifted_in(plan, out.node, &dim, by, n, &fill.value).map_err(|f| f.at(fill.span))?;
            continue;
        }
        if plan.dtype(out.node)? == DType::Bool {
            return refuse("a shift of truths gives Python objects in xarray, which xeng does not have; use .astype(float) first");
        }
        let to = indexing::promoted(plan.dtype(out.node)?);
        out.node = plan.cast(out.node, to)?;
        let at: Vec<i64> = (0..n).map(|i| i.saturating_sub(by)).map(|i| if (0..n).contains(&i) { i } else { -1 }).collect();
        out.node = plan.take(out.node, &dim, Index::compact(&at))?;
    }
    Ok(Value::Array(out))
}

/// A shift that keeps the type of the cells: `fill` stands where nothing moves in.
fn shifted_in(plan: &mut Plan, node: NodeId, dim: &str, by: i64, n: i64, fill: &Value) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    let value = match (fill, dtype) {
        (Value::Bool(b), DType::Bool) => Operand::Int(i64::from(*b)),
        (Value::Number(v), d) if d.is_float() => Operand::Float(v.as_f64()),
        (Value::Number(Number::Int(v)), d) if d != DType::Bool => {
            promote::fits(*v, d)?;
            Operand::Int(*v)
        }
        (other, d) => return Err(Fault::unsupported(format!("a fill_value of type {} for cells of type {d}", other.type_name()))),
    };
    let from: Vec<i64> = (0..n).map(|i| i.saturating_sub(by)).collect();
    let nearest: Vec<i64> = from.iter().map(|i| (*i).clamp(0, (n - 1).max(0))).collect();
    let moved = plan.take(node, dim, Index::compact(&nearest))?;
    let new = Block::from_vec(&[from.len()], from.iter().map(|i| !(0..n).contains(i)).collect::<Vec<bool>>())?;
    let new = plan.constant(&[dim.to_owned()], new)?;
    plan.select_like(moved.into(), new, value, moved.into(), dtype)
}

/// `.diff(dim, n=1, label='upper')`
///
/// # Errors
/// At a dim that does not exist.
pub fn diff(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "n", "label"])?;
    let arg = bound.need("dim")?;
    let Value::Text(dim) = &arg.value else { return Err(bound.wrong("dim", &arg, "a name")) };
    let n = bound.int("n")?.unwrap_or(1);
    let upper = bound.text("label")?.as_deref() != Some("lower");
    numbers_only(a, "diff")?;
    let own = plan.names(a.node)?;
    if super::reduce::existing(std::slice::from_ref(dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
        return Ok(Value::Array(a.clone()));
    }
    if !(0..=64).contains(&n) {
        return refuse("diff(): n must lie between 0 and 64");
    }
    let mut out = a.clone();
    for round in 0..n {
        // xarray forgets the label after the first round.
        let upper = upper || round > 0;
        let length = plan.dims(out.node)?.iter().find(|d| *d.name == **dim).map_or(0, |d| d.len);
        let (later, earlier) =
            (indexing::python_slice(Some(1), None, None, length)?, indexing::python_slice(None, Some(-1), None, length)?);
        let dtype = plan.dtype(out.node)?;
        if dtype == DType::Bool {
            return Err(Fault::unsupported("diff() of truths"));
        }
        let (l, e) = (plan.take(out.node, dim, later.clone())?, plan.take(out.node, dim, earlier.clone())?);
        let kept = indexing::pick(plan, &out, dim, &Picked::Many(if upper { later } else { earlier }), Scalars::Keep)?;
        out = LazyArray { node: plan.binary(Binary::Sub, l.into(), e.into(), dtype)?, ..kept };
    }
    Ok(Value::Array(out))
}

/// `xr.where(cond, x, y)`; attributes are those of `x`.
///
/// # Errors
/// When indexes differ.
pub fn where_function(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["cond", "x", "y", "keep_attrs"])?;
    let (cond, x, y) = (bound.need("cond")?, bound.need("x")?, bound.need("y")?);
    let keep = bound.flag("keep_attrs", Some(true))? == Some(true);
    let mut arrays: Vec<LazyArray> =
        [&cond, &x, &y].iter().filter_map(|v| if let Value::Array(a) = &v.value { Some(a.clone()) } else { None }).collect();
    if arrays.is_empty() {
        return Err(Fault::unsupported("where() without any DataArray"));
    }
    align::align(plan, &mut arrays, Join::Exact, &[])?;
    let mut it = arrays.iter();
    let mut aligned =
        |v: &Value| if matches!(v, Value::Array(_)) { it.next().cloned().map_or(Value::None, Value::Array) } else { v.clone() };
    let (c, x, y) = (aligned(&cond.value), aligned(&x.value), aligned(&y.value));
    let dims = plan.dims(arrays[0].node)?;
    let condition = match &c {
        Value::Array(a) => a.node,
        Value::Bool(b) => plan.constant(&[], Block::scalar(*b))?,
        other => return Err(Fault::new(format!("where(): the condition cannot be {}", other.type_name())).at(cond.span)),
    };
    let (xo, kx) = side(plan, &x, &dims)?;
    let (yo, ky) = side(plan, &y, &dims)?;
    let within = promote::common(&[kx, ky])?;
    let node = plan.select(condition, xo, yo, within)?;
    let mut coords = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    let first = arrays[0].name.clone();
    let (attrs, name) = match &x {
        Value::Array(a) if keep => {
            coords.iter_mut().for_each(|(n, c)| c.attrs = a.coords.get(n).map(|k| k.attrs.clone()).unwrap_or_default());
            (a.attrs.clone(), first)
        }
        _ => {
            coords.values_mut().for_each(|c| c.attrs.clear());
            (xeng_proto::Attrs::new(), if keep { first } else { align::common_name(&arrays.iter().collect::<Vec<_>>()) })
        }
    };
    Ok(Value::Array(LazyArray { name, node, coords, attrs, cells: Cells::Numbers }))
}

/// Whether any known weight or label of these is missing.
pub fn any_missing(values: &Values) -> bool {
    matches!(values, Values::Numbers(b) if labels::has_missing(b))
}

/// A Python number as a value.
pub fn weak(v: f64) -> Value {
    Value::Number(Number::Float(v))
}
