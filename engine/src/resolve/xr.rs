//! The functions of `xr`: making, joining and comparing arrays.
//!
//! In: resolved arguments. Out: arrays. Never applies functions of the user's.

use super::align::{self, Join};
use super::args::{self, Arg, Args, Names};
use super::calls::Receiver;
use super::dataset;
use super::elementwise;
use super::fault::{Fault, Outcome, refuse};
use super::operators::{self, Infix, infix_array};
use super::reduce::{self, ReductionKind, Request};
use super::{concat, literals, merge, polynomial, weighted};
use crate::expr::BinaryOp;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::{Block, DType, Dim};
use xeng_proto::{Attrs, Values};

/// What expressions may call.
pub const FUNCTIONS: &[&str] =
    &["where", "DataArray", "concat", "ones_like", "zeros_like", "full_like", "corr", "cov", "dot", "align", "Dataset", "merge", "polyval"];
/// What xarray has and xeng lacks so far.
pub const NOT_YET: &[&str] = &[
    "broadcast",
    "combine_nested",
    "combine_by_coords",
    "apply_ufunc",
    "map_blocks",
    "cross",
    "date_range",
    "cftime_range",
    "open_dataset",
    "open_mfdataset",
    "open_zarr",
    "open_dataarray",
    "load_dataset",
    "ufuncs",
    "Variable",
    "set_options",
    "unify_chunks",
    "infer_freq",
    "Coordinates",
    "testing",
    "tutorial",
];

/// `xr.name(args)`
///
/// # Errors
/// When arguments do not fit.
pub fn function(plan: &mut Plan, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "where" => elementwise::where_function(plan, args),
        "DataArray" => data_array(plan, args),
        "concat" => concat::function(plan, args),
        "merge" => merge::function(plan, args),
        "ones_like" | "zeros_like" | "full_like" => like(plan, name, args),
        "corr" | "cov" => moments(plan, name, args),
        "dot" => dot(plan, args),
        "align" => aligned(plan, args),
        "polyval" => polynomial::polyval(plan, args),
        "Dataset" => dataset(plan, args),
        _ => refuse(format!("xr has no function '{name}'")),
    }
}

fn data_array(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["data", "coords", "dims", "name", "attrs", "indexes", "fastpath"])?;
    bound.unsupported(&["indexes", "fastpath"])?;
    let data = bound.need("data")?;
    let coords = bound.some("coords");
    let dims = bound.names("dims")?;
    let name = bound.text("name")?;
    let attrs = bound.some("attrs");
    let mut out = match &data.value {
        Value::Array(a) if coords.is_none() => {
            let own = plan.names(a.node)?;
            if matches!(&dims, Names::These(d) if *d != own) {
                return Err(Fault::new("DataArray(): the dims differ from those of the given array").at(data.span));
            }
            a.clone()
        }
        v => {
            let (mut array, rank) = cells(plan, v).map_err(|f| f.at(data.span))?;
            let names = dim_names(&dims, coords.as_ref(), rank).map_err(|f| f.at(data.span))?;
            for (from, to) in plan.names(array.node)?.into_iter().zip(&names) {
                array.node = plan.rename(array.node, &from, to)?;
            }
            array
        }
    };
    for (name, value, span) in entries(coords)? {
        let coord = literals::coordinate(plan, &value, &name).map_err(|f| f.at(span))?;
        check(plan, &out, &name, &coord).map_err(|f| f.at(span))?;
        out.coords.insert(name, coord);
    }
    if name.is_some() {
        out.name = name;
    }
    if let Some(arg) = attrs {
        let Value::Dict(d) = &arg.value else { return Err(bound.wrong("attrs", &arg, "a dict")) };
        out.attrs = d.iter().map(|(k, v)| Ok((k.clone(), literals::attribute(v)?))).collect::<Outcome<Attrs>>()?;
    }
    Ok(Value::Array(out))
}

/// Cells under dims `dim_0, dim_1, ...`; numbers that depend on data are stacked.
fn cells(plan: &mut Plan, v: &Value) -> Outcome<(LazyArray, usize)> {
    let (array, rank) = match v {
        Value::List(items) | Value::Tuple(items) if items.iter().any(|i| matches!(i, Value::Later(_) | Value::Array(_))) => {
            (stacked(plan, items)?, 1)
        }
        Value::Array(a) => {
            let bare = LazyArray { name: None, coords: IndexMap::new(), attrs: Attrs::new(), ..a.clone() };
            let rank = plan.dims(a.node)?.len();
            (bare, rank)
        }
        _ => {
            let (values, shape) = literals::cells(plan, v)?;
            let dims: Vec<String> = (0..shape.len()).map(|i| format!("dim_{i}")).collect();
            (literals::array_of(plan, &values, &shape, &dims)?, shape.len())
        }
    };
    Ok((array, rank))
}

fn stacked(plan: &mut Plan, items: &[Value]) -> Outcome<LazyArray> {
    let mut nodes = vec![];
    let mut dtype: Option<DType> = None;
    for item in items {
        let (node, own) = match item {
            Value::Later(a) => (a.node, DType::F64),
            Value::Array(a) => (a.node, plan.dtype(a.node)?),
            other => match literals::cells(plan, other)? {
                (Values::Numbers(b), shape) if shape.is_empty() => (plan.constant(&[], b.clone())?, b.dtype()),
                _ => return refuse("only single numbers can be stacked beside numbers that depend on data"),
            },
        };
        let mut node = node;
        for d in plan.dims(node)? {
            if d.len != 1 || matches!(item, Value::Array(_)) {
                return Err(Fault::unsupported("a list of arrays as cells; use xr.concat,"));
            }
            node = plan.pick(node, &d.name, 0)?;
        }
        dtype = Some(dtype.map_or(own, |d| d.promote(own)));
        nodes.push(node);
    }
    let dtype = dtype.unwrap_or(DType::F64);
    let mut inputs = vec![];
    for node in nodes {
        let node = plan.cast(node, dtype)?;
        inputs.push(plan.expand(node, 0, Dim::new("dim_0", 1))?);
    }
    let node = plan.push(xeng_kernels::Op::Concat { inputs, axis: 0 })?;
    Ok(LazyArray { name: None, node, coords: IndexMap::new(), attrs: Attrs::new(), cells: Cells::Numbers })
}

fn dim_names(dims: &Names, coords: Option<&Arg>, rank: usize) -> Outcome<Vec<String>> {
    let names = match (dims, coords.map(|c| &c.value)) {
        (Names::These(d), _) => d.clone(),
        (_, Some(Value::List(list))) => list
            .iter()
            .map(|e| match e {
                Value::Tuple(t) => args::texts(&Value::List(t.iter().take(1).cloned().collect()))
                    .and_then(|t| t.first().cloned())
                    .ok_or_else(|| Fault::new("coords in a list are pairs of a dim and its labels")),
                _ => refuse("coords in a list are pairs of a dim and its labels"),
            })
            .collect::<Outcome<_>>()?,
        _ => (0..rank).map(|i| format!("dim_{i}")).collect(),
    };
    if names.len() != rank {
        return refuse(format!("DataArray(): {} dims for cells of {rank} axes", names.len()));
    }
    if (1..names.len()).any(|i| names[..i].contains(&names[i])) {
        return refuse("DataArray(): a dimension occurs twice");
    }
    Ok(names)
}

fn entries(coords: Option<Arg>) -> Outcome<Vec<(String, Value, crate::expr::Span)>> {
    let Some(arg) = coords else { return Ok(vec![]) };
    match arg.value {
        Value::Dict(d) => Ok(d.into_iter().map(|(k, v)| (k, v, arg.span)).collect()),
        Value::List(list) => list
            .into_iter()
            .map(|e| match e {
                Value::Tuple(mut t) if t.len() >= 2 => match (t.remove(0), t.remove(0)) {
                    (Value::Text(name), values) => Ok((name, values, arg.span)),
                    _ => Err(Fault::new("coords in a list are pairs of a dim and its labels").at(arg.span)),
                },
                _ => Err(Fault::new("coords in a list are pairs of a dim and its labels").at(arg.span)),
            })
            .collect(),
        other => Err(Fault::new(format!("coords must be a dict, not {}", other.type_name())).at(arg.span)),
    }
}

fn check(plan: &Plan, a: &LazyArray, name: &str, coord: &LazyCoord) -> Outcome<()> {
    let dims = plan.dims(a.node)?;
    for d in &coord.dims {
        let Some(own) = dims.iter().find(|x| *x.name == **d) else {
            return refuse(format!("coordinate '{name}' has the dimension '{d}', which the array does not have"));
        };
        if coord.dims.len() == 1 && coord.known().is_some_and(|v| v.len() != own.len) {
            return refuse(format!(
                "coordinate '{name}' has {} cells along '{d}', which has length {}",
                coord.known().map_or(0, |v| v.len()),
                own.len
            ));
        }
    }
    Ok(())
}

fn like(plan: &mut Plan, name: &str, args: Args) -> Outcome<Value> {
    let mut bound = if name == "full_like" { args.bind(&["other", "fill_value", "dtype"])? } else { args.bind(&["other", "dtype"])? };
    let arg = bound.need("other")?;
    let dtype = bound.some("dtype").map(|d| elementwise::dtype_of(&d.value).map_err(|f| f.at(d.span))).transpose()?;
    let fill = match name {
        "full_like" => bound.number("fill_value")?.ok_or_else(|| Fault::new("full_like() needs fill_value"))?,
        "ones_like" => 1.0,
        _ => 0.0,
    };
    match &arg.value {
        Value::Array(a) => filled_like(plan, a, dtype, fill).map(Value::Array),
        Value::Dataset(d) => super::dataset::each(plan, d, |plan, v| {
            operators::numbers_only(v, name)?;
            filled_like(plan, v, dtype, fill)
        }),
        _ => Err(bound.wrong("other", &arg, "a DataArray or a Dataset")),
    }
}

fn filled_like(plan: &mut Plan, a: &LazyArray, dtype: Option<DType>, fill: f64) -> Outcome<LazyArray> {
    let dtype = dtype.map_or_else(|| plan.dtype(a.node), Ok)?;
    let mut node = plan.constant(&[], Block::filled(dtype, &[], fill))?;
    for (axis, d) in plan.dims(a.node)?.into_iter().enumerate() {
        node = plan.expand(node, axis, d)?;
    }
    Ok(LazyArray { node, cells: Cells::Numbers, ..a.clone() })
}

fn two(bound: &mut args::Bound, first: &str, second: &str) -> Outcome<(LazyArray, LazyArray)> {
    let mut one = |name: &str| match bound.need(name)? {
        Arg { value: Value::Array(a), .. } => Ok(a),
        arg => Err(bound.wrong(name, &arg, "a DataArray")),
    };
    Ok((one(first)?, one(second)?))
}

fn infix(plan: &mut Plan, op: BinaryOp, a: &LazyArray, b: &LazyArray) -> Outcome<LazyArray> {
    infix_array(plan, Infix::Binary(op), &Value::Array(a.clone()), &Value::Array(b.clone()))
}

/// `xr.corr` and `xr.cov`: pairwise-complete moments, composed as xarray composes them.
fn moments(plan: &mut Plan, name: &str, args: Args) -> Outcome<Value> {
    let signature: &[&str] = if name == "cov" { &["da_a", "da_b", "dim", "ddof", "weights"] } else { &["da_a", "da_b", "dim", "weights"] };
    let mut bound = args.bind(signature)?;
    bound.unsupported(&["weights"])?;
    let (a, b) = two(&mut bound, "da_a", "da_b")?;
    let wanted = bound.names("dim")?;
    let ddof = bound.int("ddof")?.unwrap_or(1);
    let mut both = vec![a, b];
    align::align(plan, &mut both, Join::Inner, &[])?;
    let (ta, tb) = (present(plan, &both[0])?, present(plan, &both[1])?);
    let valid = infix(plan, BinaryOp::And, &ta, &tb)?;
    let (a, b) = (masked(plan, &both[0], &valid)?, masked(plan, &both[1], &valid)?);
    let own = plan.names(a.node)?;
    let dims = match &wanted {
        Names::Absent | Names::All => own.clone(),
        Names::These(d) => reduce::existing(d, &own, &Receiver::array())?,
    };
    let over = |plan: &mut Plan, x: &LazyArray, kind: ReductionKind| reduce::over(plan, x, &Request::plain(kind, dims.clone()), &dims);
    let (ma, mb) = (over(plan, &a, ReductionKind::Mean)?, over(plan, &b, ReductionKind::Mean)?);
    let (da, db) = (infix(plan, BinaryOp::Subtract, &a, &ma)?, infix(plan, BinaryOp::Subtract, &b, &mb)?);
    let product = infix(plan, BinaryOp::Multiply, &da, &db)?;
    let cov = over(plan, &product, ReductionKind::Mean)?;
    if name == "corr" {
        let (sa, sb) = (over(plan, &a, ReductionKind::Std)?, over(plan, &b, ReductionKind::Std)?);
        let scale = infix(plan, BinaryOp::Multiply, &sa, &sb)?;
        return Ok(Value::Array(infix(plan, BinaryOp::Divide, &cov, &scale)?));
    }
    let count = over(plan, &valid, ReductionKind::Sum)?;
    let less =
        infix_array(plan, Infix::Binary(BinaryOp::Subtract), &Value::Array(count.clone()), &Value::Number(crate::lazy::Number::Int(ddof)))?;
    let adjust = infix(plan, BinaryOp::Divide, &count, &less)?;
    Ok(Value::Array(infix(plan, BinaryOp::Multiply, &cov, &adjust)?))
}

fn no_args(callee: &str) -> Args {
    Args { callee: callee.to_owned(), positional: vec![], keyword: IndexMap::new() }
}

fn present(plan: &mut Plan, a: &LazyArray) -> Outcome<LazyArray> {
    match elementwise::notnull(plan, a, no_args("notnull"), &Receiver::array())? {
        Value::Array(t) => Ok(t),
        _ => refuse("notnull() gives an array"),
    }
}

fn masked(plan: &mut Plan, a: &LazyArray, valid: &LazyArray) -> Outcome<LazyArray> {
    let to = super::indexing::promoted(plan.dtype(a.node)?);
    let node = plan.select_like(a.node.into(), valid.node, a.node.into(), Operand::Float(f64::NAN), to)?;
    let coords = align::merge_coords(plan, &[&a.coords, &valid.coords])?;
    Ok(LazyArray { node, coords, ..a.clone() })
}

/// `xr.dot(a, b, dim=...)`: by default over the dims that occur more than once.
fn dot(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let Args { callee, positional, keyword } = args;
    let mut arrays = vec![];
    for arg in positional {
        match arg.value {
            Value::Array(a) => arrays.push(a),
            other => return Err(Fault::new(format!("dot() takes arrays, not {}", other.type_name())).at(arg.span)),
        }
    }
    let mut bound = Args { callee, positional: vec![], keyword }.bind(&["dim"])?;
    let names = bound.names("dim")?;
    let [a, b] = arrays.as_slice() else { return Err(Fault::unsupported("xr.dot() of other than two arrays")) };
    dotted(plan, a, b, &names).map(Value::Array)
}

/// The product of two arrays, summed.
///
/// # Errors
/// When they cannot be aligned or a dim does not exist.
pub fn dotted(plan: &mut Plan, a: &LazyArray, b: &LazyArray, names: &Names) -> Outcome<LazyArray> {
    let (da, db) = (plan.names(a.node)?, plan.names(b.node)?);
    let mut all = da.clone();
    all.extend(db.iter().filter(|d| !da.contains(d)).cloned());
    let dims = match names {
        Names::Absent => da.iter().filter(|d| db.contains(d)).cloned().collect(),
        Names::All => all,
        Names::These(d) => reduce::existing(d, &all, &Receiver::array())?,
    };
    let mut out = weighted::dot(plan, a, b, &dims)?;
    out.attrs = a.attrs.clone();
    out.name.clone_from(&a.name);
    Ok(out)
}

/// `xr.align(a, b, join='inner')`
fn aligned(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let Args { callee, positional, keyword } = args;
    let mut arrays = vec![];
    for arg in &positional {
        match &arg.value {
            Value::Array(a) => arrays.push(a.clone()),
            Value::Dataset(d) => {
                if d.coords.iter().any(|(name, _)| !d.variables.values().any(|v| v.coords.contains_key(name))) {
                    return Err(Fault::unsupported("xr.align() of a dataset with coordinates that no variable has").at(arg.span));
                }
                arrays.extend(d.variables.values().cloned());
            }
            other => return Err(Fault::new(format!("align() takes arrays and datasets, not {}", other.type_name())).at(arg.span)),
        }
    }
    let mut bound = Args { callee, positional: vec![], keyword }.bind(&["join", "copy"])?;
    let join = match bound.text("join")?.as_deref() {
        None | Some("inner") => Join::Inner,
        Some("outer") => Join::Outer,
        Some("left") => Join::Left,
        Some("right") => Join::Right,
        Some("exact") => Join::Exact,
        Some(other) => return Err(Fault::unsupported(format!("join='{other}'"))),
    };
    align::align(plan, &mut arrays, join, &[])?;
    let mut arrays = arrays.into_iter();
    let mut out = vec![];
    for arg in positional {
        match arg.value {
            Value::Dataset(d) => {
                let variables = d.variables.keys().cloned().zip(arrays.by_ref()).collect();
                out.push(Value::Dataset(super::dataset::gather(plan, variables, &d)?));
            }
            _ => out.extend(arrays.next().map(Value::Array)),
        }
    }
    Ok(Value::Tuple(out))
}

/// `xr.Dataset({'a': da})`
fn dataset(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["data_vars", "coords", "attrs"])?;
    bound.unsupported(&["coords", "attrs"])?;
    let Some(arg) = bound.some("data_vars") else { return refuse("Dataset() needs variables") };
    let Value::Dict(d) = &arg.value else { return Err(bound.wrong("data_vars", &arg, "a dict")) };
    let mut arrays: Vec<LazyArray> = vec![];
    for v in d.values() {
        match v {
            Value::Array(a) => arrays.push(a.clone()),
            other => return Err(Fault::new(format!("Dataset() takes arrays, not {}", other.type_name())).at(arg.span)),
        }
    }
    align::align(plan, &mut arrays, Join::Outer, &[])?;
    let merged = align::merge_coords(plan, &arrays.iter().map(|a| &a.coords).collect::<Vec<_>>())?;
    if let Some(name) = arrays.iter().flat_map(|a| a.coords.keys()).find(|n| !merged.contains_key(*n)) {
        return refuse(format!(
            "the coordinate '{name}' has different values in two of the arrays; leave it out with .drop_vars('{name}')"
        ));
    }
    for name in d.keys() {
        let mut is_dim = false;
        for a in &arrays {
            is_dim |= plan.names(a.node)?.contains(name);
        }
        if is_dim || merged.contains_key(name) {
            return refuse(format!(
                "'{name}' is a dimension or coordinate of the arrays, so no variable can be called so; use another name"
            ));
        }
    }
    let variables = d.keys().cloned().zip(arrays).map(|(n, a)| (n.clone(), LazyArray { name: Some(n), ..a })).collect();
    Ok(Value::Dataset(dataset::gather(plan, variables, &crate::lazy::LazyDataset::default())?))
}
