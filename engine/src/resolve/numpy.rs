//! The functions of `np` and Python's own that expressions may call.
//!
//! In: resolved arguments. Out: arrays, or small known blocks. Never anything that needs NumPy's array methods on data.

use super::align::{self, Join};
use super::args::{self, Args};
use super::calls::{self, Receiver};
use super::dataset::{self, First};
use super::elementwise::{self, dtype_of};
use super::fault::{Fault, Outcome, refuse};
use super::literals::{self, check_length};
use super::numbers;
use super::operators::{self, numbers_only};
use super::promote::{self, Kind};
use crate::lazy::plan::Operand;
use crate::lazy::value::Module;
use crate::lazy::{Cells, LazyArray, LazyDataset, Number, Plan, Value};
use crate::suggest;
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{Block, DType, NodeId};
use xeng_proto::{Attrs, Values};

/// In which type a function of one number works.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Integers become floats.
    Float,
    /// The type stays.
    Same,
    /// The type stays, but truths are refused.
    Number,
    /// Gives truths.
    Test,
}

const UNARY: &[(&str, Unary, Rule)] = &[
    ("sqrt", Unary::Sqrt, Rule::Float),
    ("cbrt", Unary::Cbrt, Rule::Float),
    ("exp", Unary::Exp, Rule::Float),
    ("exp2", Unary::Exp2, Rule::Float),
    ("expm1", Unary::Expm1, Rule::Float),
    ("log", Unary::Log, Rule::Float),
    ("log2", Unary::Log2, Rule::Float),
    ("log10", Unary::Log10, Rule::Float),
    ("log1p", Unary::Log1p, Rule::Float),
    ("sin", Unary::Sin, Rule::Float),
    ("cos", Unary::Cos, Rule::Float),
    ("tan", Unary::Tan, Rule::Float),
    ("arcsin", Unary::Asin, Rule::Float),
    ("arccos", Unary::Acos, Rule::Float),
    ("arctan", Unary::Atan, Rule::Float),
    ("sinh", Unary::Sinh, Rule::Float),
    ("cosh", Unary::Cosh, Rule::Float),
    ("tanh", Unary::Tanh, Rule::Float),
    ("arcsinh", Unary::Asinh, Rule::Float),
    ("arccosh", Unary::Acosh, Rule::Float),
    ("arctanh", Unary::Atanh, Rule::Float),
    ("deg2rad", Unary::Deg2Rad, Rule::Float),
    ("radians", Unary::Deg2Rad, Rule::Float),
    ("rad2deg", Unary::Rad2Deg, Rule::Float),
    ("degrees", Unary::Rad2Deg, Rule::Float),
    ("rint", Unary::Rint, Rule::Float),
    ("abs", Unary::Abs, Rule::Same),
    ("absolute", Unary::Abs, Rule::Same),
    ("fabs", Unary::Abs, Rule::Float),
    ("sign", Unary::Sign, Rule::Number),
    ("floor", Unary::Floor, Rule::Same),
    ("ceil", Unary::Ceil, Rule::Same),
    ("trunc", Unary::Trunc, Rule::Same),
    ("square", Unary::Square, Rule::Number),
    ("reciprocal", Unary::Reciprocal, Rule::Float),
    ("negative", Unary::Neg, Rule::Number),
    ("invert", Unary::Not, Rule::Same),
    ("isnan", Unary::IsNan, Rule::Test),
    ("isfinite", Unary::IsFinite, Rule::Test),
    ("isinf", Unary::IsInf, Rule::Test),
];

const BINARY: &[(&str, Binary)] = &[
    ("maximum", Binary::Maximum),
    ("minimum", Binary::Minimum),
    ("fmax", Binary::Fmax),
    ("fmin", Binary::Fmin),
    ("arctan2", Binary::Atan2),
    ("hypot", Binary::Hypot),
    ("copysign", Binary::Copysign),
    ("float_power", Binary::Pow),
];

/// Functions that are operators under another name.
const INFIX: &[(&str, operators::Infix)] = {
    use crate::expr::{BinaryOp as B, CompareOp as C};
    use operators::Infix;
    &[
        ("add", Infix::Binary(B::Add)),
        ("subtract", Infix::Binary(B::Subtract)),
        ("multiply", Infix::Binary(B::Multiply)),
        ("divide", Infix::Binary(B::Divide)),
        ("true_divide", Infix::Binary(B::Divide)),
        ("floor_divide", Infix::Binary(B::FloorDivide)),
        ("mod", Infix::Binary(B::Remainder)),
        ("remainder", Infix::Binary(B::Remainder)),
        ("power", Infix::Binary(B::Power)),
        ("logical_and", Infix::Binary(B::And)),
        ("logical_or", Infix::Binary(B::Or)),
        ("logical_xor", Infix::Binary(B::Xor)),
        ("greater", Infix::Compare(C::Greater)),
        ("greater_equal", Infix::Compare(C::GreaterEqual)),
        ("less", Infix::Compare(C::Less)),
        ("less_equal", Infix::Compare(C::LessEqual)),
        ("equal", Infix::Compare(C::Equal)),
        ("not_equal", Infix::Compare(C::NotEqual)),
    ]
};

const MAKERS: &[&str] = &[
    "arange",
    "linspace",
    "array",
    "asarray",
    "zeros",
    "ones",
    "full",
    "datetime64",
    "round",
    "around",
    "clip",
    "logical_not",
    "float64",
    "float32",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool_",
];
/// What NumPy has and xeng lacks so far.
pub const NOT_YET: &[&str] = &[
    "timedelta64",
    "where",
    "nanmean",
    "nansum",
    "median",
    "percentile",
    "quantile",
    "nanpercentile",
    "cumsum",
    "diff",
    "gradient",
    "interp",
    "concatenate",
    "stack",
    "meshgrid",
    "einsum",
    "dot",
    "histogram",
    "isclose",
    "sort",
    "unique",
    "fmod",
    "ldexp",
    "heaviside",
    "real",
    "imag",
    "angle",
    "nan_to_num",
    "polyfit",
    "logspace",
    "geomspace",
    "eye",
    "random",
];

/// Every function.
pub fn names() -> Vec<&'static str> {
    UNARY
        .iter()
        .map(|(n, ..)| *n)
        .chain(BINARY.iter().map(|(n, _)| *n))
        .chain(INFIX.iter().map(|(n, _)| *n))
        .chain(MAKERS.iter().copied())
        .chain(REDUCTIONS.iter().copied())
        .chain(["positive", "signbit"])
        .collect()
}

/// `np.name`
///
/// # Errors
/// When there is no such thing.
pub fn attribute(name: &str) -> Outcome<Value> {
    match name {
        "nan" | "NaN" => Ok(elementwise::weak(f64::NAN)),
        "inf" => Ok(elementwise::weak(f64::INFINITY)),
        "pi" => Ok(elementwise::weak(std::f64::consts::PI)),
        "e" => Ok(elementwise::weak(std::f64::consts::E)),
        _ => match DType::from_name(name) {
            Some(d) if name.len() > 2 => Ok(Value::DType(d)),
            _ if names().contains(&name) => Ok(Value::Function(Module::Numpy, name.to_owned())),
            _ if NOT_YET.contains(&name) => Err(Fault::unsupported(format!("np.{name}"))),
            _ => {
                let hint = suggest::did_you_mean(name, names()).map(|h| format!("; {h}")).unwrap_or_default();
                refuse(format!("np has no '{name}'{hint}"))
            }
        },
    }
}

/// `np.name(args)`
///
/// # Errors
/// When arguments do not fit.
pub fn function(plan: &mut Plan, name: &str, args: Args) -> Outcome<Value> {
    if let Some((_, op, rule)) = UNARY.iter().find(|(n, ..)| *n == name) {
        let arg = args.bind(&["x"])?.need("x")?;
        return unary(plan, name, *op, *rule, &arg.value).map_err(|f| f.at(arg.span));
    }
    if let Some((_, op)) = BINARY.iter().find(|(n, _)| *n == name) {
        let mut bound = args.bind(&["x1", "x2"])?;
        let (a, b) = (bound.need("x1")?, bound.need("x2")?);
        return binary(plan, name, *op, &a.value, &b.value);
    }
    if let Some((_, op)) = INFIX.iter().find(|(n, _)| *n == name) {
        let mut bound = args.bind(&["x1", "x2"])?;
        let (a, b) = (bound.need("x1")?, bound.need("x2")?);
        return infix(plan, name, *op, &a.value, &b.value);
    }
    match name {
        "positive" | "signbit" => {
            let arg = args.bind(&["x"])?.need("x")?;
            sign(plan, name, &arg.value).map_err(|f| f.at(arg.span))
        }
        name if REDUCTIONS.contains(&name) => reduction(plan, name, args),
        "arange" => arange(args),
        "linspace" => linspace(args),
        "array" | "asarray" => array(plan, args),
        "zeros" | "ones" | "full" => filled(name, args),
        "datetime64" => {
            let mut bound = args.bind(&["value", "unit"])?;
            bound.unsupported(&["unit"])?;
            let arg = bound.need("value")?;
            match &arg.value {
                Value::Text(t) => super::dates::parse(t, xeng_kernels::Calendar::ProlepticGregorian)
                    .map(|_| Value::DateTime(t.clone()))
                    .map_err(|f| f.at(arg.span)),
                _ => Err(bound.wrong("value", &arg, "a text such as '2011-07-01'")),
            }
        }
        "round" | "around" => {
            let mut bound = args.bind(&["a", "decimals"])?;
            let (arg, decimals) = (bound.need("a")?, bound.int("decimals")?.unwrap_or(0));
            each(plan, &arg.value, |plan, a| {
                numbers_only(a, "round")?;
                Ok(LazyArray { node: elementwise::rounded(plan, a.node, decimals)?, ..a.clone() })
            })
        }
        "clip" => {
            let mut bound = args.clone().bind(&["a", "a_min", "a_max"])?;
            let arg = bound.need("a")?;
            let (low, high) = (bound.some("a_min"), bound.some("a_max"));
            each(plan, &arg.value, |plan, a| {
                let mut out = LazyArray { attrs: Attrs::new(), ..a.clone() };
                for (bound, op) in [(&low, Binary::Maximum), (&high, Binary::Minimum)] {
                    if let Some(b) = bound {
                        out = elementwise::element(plan, op, &out, &b.value)?;
                    }
                }
                Ok(out)
            })
        }
        "logical_not" => {
            let arg = args.bind(&["x"])?.need("x")?;
            each(plan, &arg.value, |plan, a| {
                numbers_only(a, "logical_not")?;
                let truth = plan.cast(a.node, DType::Bool)?;
                Ok(LazyArray { node: plan.unary(Unary::Not, truth, DType::Bool)?, ..a.clone() })
            })
        }
        _ => {
            let dtype =
                DType::from_name(if name == "bool_" { "bool" } else { name }).ok_or_else(|| Fault::new(format!("np has no '{name}'")))?;
            let arg = args.bind(&["x"])?.need("x")?;
            let (values, _) = literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))?;
            match values {
                Values::Numbers(b) => typed(&arg.value, &b, dtype).map(Value::Numpy).map_err(|f| f.at(arg.span)),
                _ => Err(Fault::new(format!("np.{name}() takes numbers")).at(arg.span)),
            }
        }
    }
}

/// A function of an array, of each variable of a dataset, or of known numbers.
fn each(plan: &mut Plan, v: &Value, mut f: impl FnMut(&mut Plan, &LazyArray) -> Outcome<LazyArray>) -> Outcome<Value> {
    match v {
        Value::Array(a) => Ok(Value::Array(f(plan, a)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, a| f(plan, a)),
        _ => {
            let block = match literals::cells(plan, v)? {
                (Values::Numbers(block), _) => block,
                _ => return refuse(format!("{} cannot be taken as numbers", v.type_name())),
            };
            let a = numbers::unlabelled(plan, &block)?;
            let out = f(plan, &a)?;
            numbers::known_numpy(plan, &out)
        }
    }
}

/// Reductions that NumPy leaves to the array's own method of this name.
const REDUCTIONS: &[&str] = &["sum", "mean", "std", "var", "min", "max", "prod", "any", "all"];

/// `np.sum(a, axis=None)` and the like: the array's own method.
fn reduction(plan: &mut Plan, name: &str, mut args: Args) -> Outcome<Value> {
    let a = if args.positional.is_empty() { args.keyword.shift_remove("a") } else { Some(args.positional.remove(0)) };
    let Some(arg) = a else { return refuse(format!("np.{name}() needs an array")) };
    if args.positional.len() > 1 {
        return Err(Fault::unsupported(format!("np.{name}() with more than an axis")));
    }
    if let Some(axis) = args.positional.pop() {
        args.keyword.insert("axis".to_owned(), axis);
    }
    match &arg.value {
        Value::Array(a) => calls::array_method(plan, a, name, args, &Receiver::array()),
        Value::Numpy(block) => {
            let a = numbers::unlabelled(plan, block)?;
            if !matches!(name, "any" | "all") {
                // NumPy's own arrays leave nothing out.
                args.keyword.insert("skipna".to_owned(), args::Arg { value: Value::Bool(false), span: arg.span });
            }
            let out = calls::array_method(plan, &a, name, args, &Receiver::array())?;
            numbers::known_numpy(plan, &only_array(out)?)
        }
        other => Err(Fault::unsupported(format!("np.{name}() of {}", other.type_name())).at(arg.span)),
    }
}

/// `np.positive(x)` and `np.signbit(x)`
fn sign(plan: &mut Plan, name: &str, v: &Value) -> Outcome<Value> {
    each(plan, v, |plan, a| {
        numbers_only(a, name)?;
        let dtype = plan.dtype(a.node)?;
        let node = match name {
            "positive" if dtype == DType::Bool => return refuse("np.positive does not take truths"),
            "positive" => a.node,
            // A zero has a sign too.
            _ if dtype.is_float() => {
                let one = plan.binary(Binary::Copysign, Operand::Float(1.0), a.node.into(), dtype)?;
                plan.binary(Binary::Lt, one.into(), Operand::Float(0.0), dtype)?
            }
            _ => {
                let within = if dtype == DType::Bool { DType::I64 } else { dtype };
                plan.binary(Binary::Lt, a.node.into(), Operand::Int(0), within)?
            }
        };
        Ok(LazyArray { node, ..a.clone() })
    })
}

fn unary(plan: &mut Plan, name: &str, op: Unary, rule: Rule, v: &Value) -> Outcome<Value> {
    each(plan, v, |plan, a| {
        numbers_only(a, name)?;
        Ok(LazyArray { node: unary_node(plan, name, op, rule, a.node)?, ..a.clone() })
    })
}

fn unary_node(plan: &mut Plan, name: &str, op: Unary, rule: Rule, node: NodeId) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    let bool_like = dtype == DType::Bool;
    match rule {
        Rule::Float => {
            let within = if op == Unary::Reciprocal && dtype.is_integer() {
                return Err(Fault::unsupported("np.reciprocal of integers"));
            } else {
                promote::float_function(name, dtype)?
            };
            plan.unary(op, node, within)
        }
        Rule::Number if bool_like => refuse(format!("np.{name} does not take truths")),
        Rule::Same if bool_like && op != Unary::Not => Ok(node),
        Rule::Same if op == Unary::Not && dtype.is_float() => refuse(format!("np.{name} needs integers or truths")),
        Rule::Same | Rule::Number => plan.unary(op, node, dtype),
        // Only floats can be NaN or infinite.
        Rule::Test if dtype.is_float() => plan.unary(op, node, dtype),
        Rule::Test => plan.binary(if op == Unary::IsFinite { Binary::Eq } else { Binary::Ne }, node.into(), node.into(), dtype),
    }
}

/// The dataset's attributes are those of the one that the function was given.
fn with_attrs_of(out: Value, given: &LazyDataset) -> Value {
    match out {
        Value::Dataset(d) => Value::Dataset(LazyDataset { attrs: given.attrs.clone(), ..d }),
        other => other,
    }
}

/// As a ufunc: arrays are joined on their common labels; name and attributes are the first one's.
fn binary(plan: &mut Plan, name: &str, op: Binary, a: &Value, b: &Value) -> Outcome<Value> {
    match (a, b) {
        (Value::Dataset(d), Value::Array(other)) => {
            let out = dataset::beside(plan, d, other, First::Dataset, |plan, v, other| only_array(binary(plan, name, op, v, other)?))?;
            return Ok(with_attrs_of(out, d));
        }
        (Value::Array(other), Value::Dataset(d)) => {
            let mut out = dataset::beside(plan, d, other, First::Array, |plan, v, other| only_array(binary(plan, name, op, other, v)?))?;
            if let Value::Dataset(out) = &mut out {
                dataset::describe_coords(out, &other.coords);
            }
            return Ok(with_attrs_of(out, d));
        }
        (Value::Dataset(d), _) => {
            return dataset::each(plan, d, |plan, v| only_array(binary(plan, name, op, &Value::Array(v.clone()), b)?));
        }
        (_, Value::Dataset(d)) => {
            return dataset::each(plan, d, |plan, v| only_array(binary(plan, name, op, a, &Value::Array(v.clone()))?));
        }
        _ => {}
    }
    let mut arrays: Vec<LazyArray> =
        [a, b].into_iter().filter_map(|v| if let Value::Array(x) = v { Some(x.clone()) } else { None }).collect();
    if arrays.is_empty() {
        return known_binary(plan, name, op, a, b);
    }
    align::align(plan, &mut arrays, Join::Inner, &[])?;
    let dims = plan.dims(arrays[0].node)?;
    let mut rest = arrays.iter();
    let mut sides = vec![];
    for v in [a, b] {
        sides.push(match v {
            Value::Array(_) => {
                let Some(x) = rest.next() else { return refuse("an operand went missing") };
                numbers_only(x, name)?;
                (Operand::from(x.node), Kind::Strong(plan.dtype(x.node)?))
            }
            Value::Number(n) => (operators::operand_of(*n), Kind::Weak(*n)),
            Value::Bool(t) => (Operand::Int(*t as i64), Kind::Strong(DType::Bool)),
            Value::Numpy(block) => (operators::numpy_operand(plan, block, &dims)?, Kind::Strong(block.dtype())),
            other => return refuse(format!("np.{name} does not take {}", other.type_name())),
        });
    }
    let common = promote::common(&[sides[0].1, sides[1].1])?;
    let within = if name == "float_power" {
        DType::F64
    } else if op.needs_float() {
        promote::float_function(name, common)?
    } else {
        common
    };
    let mut node = plan.binary(op, sides[0].0, sides[1].0, within)?;
    if arrays.len() == 1 {
        // A numpy array before the DataArray does not bring its dims to the front.
        node = plan.transpose(node, &dims.iter().map(|d| d.name.to_string()).collect::<Vec<_>>())?;
    }
    let coords = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    Ok(Value::Array(LazyArray { node, coords, cells: Cells::Numbers, ..arrays[0].clone() }))
}

fn only_array(v: Value) -> Outcome<LazyArray> {
    match v {
        Value::Array(a) => Ok(a),
        other => refuse(format!("{} where an array was expected", other.type_name())),
    }
}

fn known_binary(plan: &mut Plan, name: &str, op: Binary, a: &Value, b: &Value) -> Outcome<Value> {
    let block = |plan: &Plan, v: &Value| match literals::cells(plan, v)? {
        (Values::Numbers(b), _) => Ok(b),
        _ => refuse(format!("np.{name} takes numbers")),
    };
    let (x, y) = (block(plan, a)?, block(plan, b)?);
    let (first, second) = if x.rank() >= y.rank() {
        (x, y)
    } else {
        return Err(Fault::unsupported(format!("np.{name} of a smaller array with a larger one")));
    };
    let left = numbers::unlabelled(plan, &first)?;
    let out = binary(plan, name, op, &Value::Array(left), &Value::Numpy(second))?;
    numbers::known_numpy(plan, &only_array(out)?)
}

/// An operator called as a ufunc: as the operator, with the first array's name and attributes.
fn infix(plan: &mut Plan, name: &str, op: operators::Infix, a: &Value, b: &Value) -> Outcome<Value> {
    let (a, b) = match name {
        "logical_and" | "logical_or" | "logical_xor" => (truth(plan, name, a)?, truth(plan, name, b)?),
        // Only the operator `**` squares truths as int8.
        "power" if matches!(b, Value::Number(Number::Int(_))) => (counted(plan, a)?, b.clone()),
        _ => (a.clone(), b.clone()),
    };
    match (&a, &b) {
        (Value::Array(x), Value::Dataset(d)) => {
            let mut out = dataset::beside(plan, d, x, First::Array, |plan, v, x| ufunc_of_arrays(plan, op, x, v))?;
            if let Value::Dataset(out) = &mut out {
                dataset::describe_coords(out, &x.coords);
            }
            return Ok(with_attrs_of(out, d));
        }
        (Value::Dataset(d), Value::Array(x)) => {
            return Ok(with_attrs_of(dataset::beside(plan, d, x, First::Dataset, |plan, v, x| ufunc_of_arrays(plan, op, v, x))?, d));
        }
        (Value::Dataset(d), Value::Dataset(_)) => return Ok(with_attrs_of(operators::infix(plan, op, &a, &b)?, d)),
        _ => {}
    }
    let first = [&a, &b].into_iter().find_map(|v| if let Value::Array(x) = v { Some(x.clone()) } else { None });
    let out = match (&a, &b) {
        (Value::Number(_) | Value::Bool(_), Value::Number(_) | Value::Bool(_)) => {
            let (Values::Numbers(x), _) = literals::cells(plan, &a)? else { return refuse(format!("np.{name} takes numbers")) };
            operators::infix(plan, op, &Value::Numpy(x), &b)?
        }
        _ => operators::infix(plan, op, &a, &b)?,
    };
    match (out, first) {
        (Value::Array(out), Some(first)) => Ok(Value::Array(LazyArray { name: first.name, attrs: first.attrs, ..out })),
        (out, _) => Ok(out),
    }
}

/// An operator between two arrays, called as a ufunc.
fn ufunc_of_arrays(plan: &mut Plan, op: operators::Infix, a: &Value, b: &Value) -> Outcome<LazyArray> {
    let out = operators::infix_array(plan, op, a, b)?;
    Ok(match a {
        Value::Array(first) => LazyArray { name: first.name.clone(), attrs: first.attrs.clone(), ..out },
        _ => out,
    })
}

/// What NumPy takes for true: all but zero.
fn truth(plan: &mut Plan, name: &str, v: &Value) -> Outcome<Value> {
    let cast = |plan: &mut Plan, x: &LazyArray| -> Outcome<LazyArray> {
        numbers_only(x, name)?;
        Ok(LazyArray { node: plan.cast(x.node, DType::Bool)?, ..x.clone() })
    };
    match v {
        Value::Array(x) => Ok(Value::Array(cast(plan, x)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, x| cast(plan, x)),
        Value::Numpy(block) => Ok(Value::Numpy(block.cast(DType::Bool))),
        Value::Number(n) => Ok(Value::Bool(n.as_f64() != 0.0)),
        other => Ok(other.clone()),
    }
}

/// Truths as the integers 0 and 1.
fn counted(plan: &mut Plan, v: &Value) -> Outcome<Value> {
    match v {
        Value::Array(x) if plan.dtype(x.node)? == DType::Bool => {
            Ok(Value::Array(LazyArray { node: plan.cast(x.node, DType::I64)?, ..x.clone() }))
        }
        Value::Numpy(block) if block.dtype() == DType::Bool => Ok(Value::Numpy(block.cast(DType::I64))),
        other => Ok(other.clone()),
    }
}

/// Cells in another type: Python's numbers must fit an integer type, those of a NumPy array are cast.
fn typed(from: &Value, block: &Block, dtype: DType) -> Outcome<Block> {
    if dtype.is_integer() && !matches!(from, Value::Numpy(_) | Value::Array(_)) {
        if block.dtype().is_float() {
            for v in block.to_f64_vec() {
                if !(-9.2e18..9.2e18).contains(&v) {
                    return refuse(format!("{v} does not fit {dtype}"));
                }
                promote::fits(v as i64, dtype)?;
            }
        } else {
            block.to_i64_vec().into_iter().try_for_each(|v| promote::fits(v, dtype))?;
        }
    }
    Ok(block.cast(dtype))
}

fn with_dtype(block: Block, dtype: Option<args::Arg>) -> Outcome<Value> {
    match dtype {
        None => Ok(Value::Numpy(block)),
        Some(arg) => Ok(Value::Numpy(block.cast(dtype_of(&arg.value).map_err(|f| f.at(arg.span))?))),
    }
}

fn arange(args: Args) -> Outcome<Value> {
    let count = args.positional.len() + ["start", "stop", "step"].iter().filter(|n| args.keyword.contains_key(**n)).count();
    let mut bound = if args.positional.len() == 1 && !args.keyword.contains_key("stop") {
        args.bind(&["stop", "start", "step", "dtype"])?
    } else {
        args.bind(&["start", "stop", "step", "dtype"])?
    };
    let whole = |v: &Option<args::Arg>| v.as_ref().is_none_or(|a| args::integer(&a.value).is_some());
    let (start, stop, step, dtype) = (bound.take("start"), bound.take("stop"), bound.take("step"), bound.some("dtype"));
    if count == 0 {
        return refuse("arange() needs where to stop");
    }
    let integers = whole(&start) && whole(&stop) && whole(&step);
    let number = |v: &Option<args::Arg>, default: f64| match v {
        None => Ok(default),
        Some(a) => args::float(&a.value).ok_or_else(|| Fault::new("arange() takes numbers").at(a.span)),
    };
    let (first, last, by) = (number(&start, 0.0)?, number(&stop, 0.0)?, number(&step, 1.0)?);
    if by == 0.0 || by.is_nan() {
        return refuse("arange(): the step must not be zero");
    }
    let n = check_length(((last - first) / by).ceil().max(0.0))?;
    // NumPy steps by the difference of its first two cells.
    let delta = (first + by) - first;
    let block = if integers {
        Block::from_vec(&[n], (0..n).map(|i| first as i64 + i as i64 * by as i64).collect::<Vec<i64>>())?
    } else {
        Block::from_vec(&[n], (0..n).map(|i| if i == 1 { first + by } else { first + i as f64 * delta }).collect::<Vec<f64>>())?
    };
    with_dtype(block, dtype)
}

fn linspace(args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["start", "stop", "num", "endpoint", "retstep", "dtype"])?;
    bound.unsupported(&["retstep"])?;
    let (Some(first), Some(last)) = (bound.number("start")?, bound.number("stop")?) else {
        return refuse("linspace() needs where to start and to stop");
    };
    let n = check_length(bound.int("num")?.unwrap_or(50) as f64)?;
    let endpoint = bound.flag("endpoint", Some(true))? != Some(false);
    let parts = if endpoint { n.saturating_sub(1) } else { n };
    let step = (last - first) / parts as f64;
    let cells = (0..n).map(|i| match (endpoint && i + 1 == n && n > 1, parts) {
        (true, _) => last,
        (_, 0) => first,
        _ => i as f64 * step + first,
    });
    let dtype = bound.some("dtype");
    let whole = match &dtype {
        Some(d) => dtype_of(&d.value).map_err(|f| f.at(d.span))?.is_integer(),
        None => false,
    };
    // NumPy goes down to whole numbers here, where a cast goes towards zero.
    let cells: Vec<f64> = if whole { cells.map(f64::floor).collect() } else { cells.collect() };
    with_dtype(Block::from_vec(&[n], cells)?, dtype)
}

fn array(plan: &Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["object", "dtype", "copy"])?;
    let arg = bound.need("object")?;
    match literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))? {
        (Values::Numbers(block), shape) => {
            let block = block.reshape(&shape)?;
            match bound.some("dtype") {
                None => Ok(Value::Numpy(block)),
                Some(d) => {
                    let dtype = dtype_of(&d.value).map_err(|f| f.at(d.span))?;
                    typed(&arg.value, &block, dtype).map(Value::Numpy).map_err(|f| f.at(arg.span))
                }
            }
        }
        _ => match arg.value {
            // Labels: kept as a list, which coordinates and selections take.
            v @ (Value::List(_) | Value::Tuple(_)) => Ok(v),
            _ => Err(Fault::unsupported("np.array of texts or times").at(arg.span)),
        },
    }
}

fn filled(name: &str, args: Args) -> Outcome<Value> {
    let mut bound = if name == "full" { args.bind(&["shape", "fill_value", "dtype"])? } else { args.bind(&["shape", "dtype"])? };
    let arg = bound.need("shape")?;
    let shape = match &arg.value {
        Value::List(items) | Value::Tuple(items) => items.iter().map(args::integer).collect::<Option<Vec<i64>>>(),
        one => args::integer(one).map(|n| vec![n]),
    };
    let shape = shape.and_then(|s| s.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>());
    let Some(shape) = shape else { return Err(bound.wrong("shape", &arg, "a whole number or a tuple of them")) };
    check_length(shape.iter().map(|&n| n as f64).product())?;
    let block = match name {
        "zeros" => Block::filled(DType::F64, &shape, 0.0),
        "ones" => Block::filled(DType::F64, &shape, 1.0),
        _ => {
            let fill = bound.need("fill_value")?;
            match (args::integer(&fill.value), args::float(&fill.value)) {
                (Some(v), _) => {
                    let block = Block::from_vec(&shape, vec![v; shape.iter().product()])?;
                    return match bound.some("dtype") {
                        None => Ok(Value::Numpy(block)),
                        Some(d) => typed(&fill.value, &block, dtype_of(&d.value).map_err(|f| f.at(d.span))?)
                            .map(Value::Numpy)
                            .map_err(|f| f.at(fill.span)),
                    };
                }
                (None, Some(v)) => Block::filled(DType::F64, &shape, v),
                (None, None) => return Err(bound.wrong("fill_value", &fill, "a number")),
            }
        }
    };
    with_dtype(block, bound.some("dtype"))
}

/// A method of a known NumPy array.
///
/// # Errors
/// When xeng does not have it.
pub fn array_method(plan: &mut Plan, block: &Block, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "astype" | "round" | "clip" => {
            let a = numbers::unlabelled(plan, block)?;
            let out = calls::array_method(plan, &a, name, args, &Receiver::array())?;
            numbers::known_numpy(plan, &only_array(out)?)
        }
        "copy" => Ok(Value::Numpy(block.clone())),
        "tolist" => Ok(Value::List(block.to_f64_vec().into_iter().map(elementwise::weak).collect())),
        _ => Err(Fault::unsupported(format!("numpy array.{name}()"))),
    }
}

/// One of Python's own functions.
///
/// # Errors
/// When arguments do not fit.
pub fn builtin(plan: &mut Plan, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "dict" => {
            let (_, entries) = args.bind_dict("mapping", &[])?;
            Ok(Value::Dict(entries.into_iter().map(|(k, a)| (k, a.value)).collect()))
        }
        "slice" => {
            let values: Vec<Value> = args.positional.into_iter().map(|a| a.value).collect();
            match <[Value; 1]>::try_from(values) {
                Ok([stop]) => Ok(Value::Slice(Box::new([Value::None, stop, Value::None]))),
                Err(values) => {
                    let mut it = values.into_iter();
                    let parts = [it.next().unwrap_or(Value::None), it.next().unwrap_or(Value::None), it.next().unwrap_or(Value::None)];
                    if it.next().is_some() { refuse("slice() takes at most 3 arguments") } else { Ok(Value::Slice(Box::new(parts))) }
                }
            }
        }
        "abs" => function(plan, "abs", args).map(|v| plain(&v)),
        "round" => {
            let mut bound = args.bind(&["number", "ndigits"])?;
            let (arg, digits) = (bound.need("number")?, bound.int("ndigits")?);
            match (&arg.value, digits) {
                (Value::Array(_) | Value::Dataset(_), _) => refuse("an array has no __round__() in xarray; use .round(...)"),
                (v, None) => args::float(v)
                    .map(|x| Value::Number(Number::Int(x.round_ties_even() as i64)))
                    .ok_or_else(|| bound.wrong("number", &arg, "a number")),
                _ => Err(Fault::unsupported("round() of a number to digits")),
            }
        }
        "list" | "tuple" | "len" => {
            let arg = args.bind(&["x"])?.need("x")?;
            match (&arg.value, name) {
                (Value::List(items) | Value::Tuple(items), "len") => Ok(Value::Number(Number::Int(items.len() as i64))),
                (Value::List(items) | Value::Tuple(items), "list") => Ok(Value::List(items.clone())),
                (Value::List(items) | Value::Tuple(items), _) => Ok(Value::Tuple(items.clone())),
                (Value::Array(a), "len") => Ok(Value::Number(Number::Int(plan.dims(a.node)?.first().map_or(0, |d| d.len) as i64))),
                (other, _) => refuse(format!("{name}() does not take {}", other.type_name())),
            }
        }
        _ => converted(plan, name, args),
    }
}

/// `float(x)`, `int(x)`, `bool(x)`
fn converted(plan: &Plan, name: &str, args: Args) -> Outcome<Value> {
    let arg = args.bind(&["x"])?.need("x")?;
    if let (Value::Array(a), "float") = (&arg.value, name)
        && plan.dims(a.node)?.iter().all(|d| d.len == 1)
        && crate::lazy::fold::known(plan, a.node).is_none()
    {
        return Ok(Value::Later(Box::new(a.clone())));
    }
    let Some(x) = args::float(&arg.value).or_else(|| match literals::cells(plan, &arg.value) {
        Ok((Values::Numbers(b), _)) if b.len() == 1 => b.to_f64_vec().first().copied(),
        _ => None,
    }) else {
        return Err(Fault::new(format!("{name}() takes a number, not {}", arg.value.type_name())).at(arg.span));
    };
    Ok(match name {
        "int" if x.is_finite() && x.abs() < 9e18 => Value::Number(Number::Int(x.trunc() as i64)),
        "int" => return refuse("int() of a number that is not finite or too large"),
        "bool" => Value::Bool(x != 0.0),
        _ => elementwise::weak(x),
    })
}

/// A NumPy scalar as the Python number that Python's own functions give.
fn plain(v: &Value) -> Value {
    match v {
        Value::Numpy(b) if b.rank() == 0 && b.dtype() == DType::I64 => {
            Value::Number(Number::Int(b.to_i64_vec().first().copied().unwrap_or(0)))
        }
        Value::Numpy(b) if b.rank() == 0 && b.dtype() == DType::F64 => {
            elementwise::weak(b.to_f64_vec().first().copied().unwrap_or(f64::NAN))
        }
        other => other.clone(),
    }
}
