//! Datasets: methods applied to every variable, and what belongs to the whole.
//!
//! In: a dataset, a method or an operator. Out: a dataset. Never computes: variables are arrays, and arrays know how.

use super::align::{self, Join};
use super::args::{Arg, Args};
use super::calls::{self, Receiver};
use super::dropna;
use super::fault::{Fault, Outcome, refuse};
use super::literals;
use super::merge;
use super::operators::{Infix, infix_array};
use super::own_names;
use super::reduce::{self, ReductionKind};
use super::shape;
use crate::lazy::{LazyArray, LazyCoord, LazyDataset, Plan, Value};
use crate::suggest;
use indexmap::IndexMap;
use xeng_kernels::DType;

/// A dataset of these variables and their coordinates, with the attributes of `like`.
///
/// As in xarray, coordinates belong to the whole: a variable has each whose dims it has. An index wins over other coordinates of its name.
///
/// # Errors
/// When a node does not exist, which is a defect.
pub fn gather(plan: &Plan, variables: IndexMap<String, LazyArray>, like: &LazyDataset) -> Outcome<LazyDataset> {
    let mut coords: IndexMap<String, LazyCoord> = IndexMap::new();
    for v in variables.values() {
        for (name, coord) in &v.coords {
            match coords.get_mut(name) {
                Some(known) if known.dims != [name.clone()] && coord.dims == [name.clone()] => *known = coord.clone(),
                Some(_) => {}
                None => drop(coords.insert(name.clone(), coord.clone())),
            }
        }
    }
    if variables.is_empty() {
        coords.clone_from(&like.coords);
    }
    let mut out = LazyDataset { variables, coords, attrs: like.attrs.clone() };
    for v in out.variables.values_mut() {
        let own = plan.names(v.node)?;
        for (name, coord) in &out.coords {
            if coord.dims.iter().all(|d| own.contains(d)) {
                v.coords.insert(name.clone(), coord.clone());
            }
        }
        v.coords.retain(|name, c| out.coords.get(name).is_some_and(|whole| whole.dims == c.dims));
    }
    Ok(out)
}

/// Applies a function to every data variable, keeping the dataset's attributes.
///
/// # Errors
/// The function's first.
pub fn each(plan: &mut Plan, d: &LazyDataset, mut f: impl FnMut(&mut Plan, &LazyArray) -> Outcome<LazyArray>) -> Outcome<Value> {
    let mut variables = IndexMap::new();
    for (name, v) in &d.variables {
        let mut out = f(plan, v)?;
        out.name = Some(name.clone());
        variables.insert(name.clone(), out);
    }
    Ok(Value::Dataset(gather(plan, variables, d)?))
}

/// An operator between datasets: on the variables that both have.
///
/// # Errors
/// When their indexes cannot be aligned.
pub fn infix(plan: &mut Plan, op: Infix, a: &LazyDataset, b: &LazyDataset) -> Outcome<Value> {
    let shared: Vec<&String> = a.variables.keys().filter(|n| b.variables.contains_key(*n)).collect();
    let mut all: Vec<LazyArray> = a.variables.values().chain(b.variables.values()).cloned().collect();
    align::align(plan, &mut all, Join::Inner, &[])?;
    let (left, right) = all.split_at(a.variables.len());
    let mut variables = IndexMap::new();
    for name in shared {
        if let (Some(x), Some(y)) = (a.variables.get_index_of(name), b.variables.get_index_of(name)) {
            let out = infix_array(plan, op, &Value::Array(left[x].clone()), &Value::Array(right[y].clone()))?;
            variables.insert(name.clone(), LazyArray { name: Some(name.clone()), ..out });
        }
    }
    let mut out = gather(plan, variables, a)?;
    describe_coords(&mut out, &a.coords);
    out.attrs = align::merge_attrs(&[&a.attrs, &b.attrs]);
    Ok(Value::Dataset(out))
}

/// The dataset with these coordinates instead of its own of their names, each with the variables that have its dims.
///
/// # Errors
/// When a node does not exist, which is a defect.
pub fn replace_coords(plan: &Plan, d: &mut LazyDataset, coords: IndexMap<String, LazyCoord>) -> Outcome<()> {
    for v in d.variables.values_mut() {
        let own = plan.names(v.node)?;
        for (name, coord) in &coords {
            v.coords.shift_remove(name);
            if coord.dims.iter().all(|d| own.contains(d)) {
                v.coords.insert(name.clone(), coord.clone());
            }
        }
    }
    d.coords.extend(coords);
    Ok(())
}

/// Coordinates under the attributes that they have in `first`.
pub fn describe_coords(d: &mut LazyDataset, first: &IndexMap<String, LazyCoord>) {
    for coords in d.variables.values_mut().map(|v| &mut v.coords).chain([&mut d.coords]) {
        for (name, coord) in coords {
            if let Some(known) = first.get(name).filter(|known| known.dims == coord.dims) {
                coord.attrs.clone_from(&known.attrs);
            }
        }
    }
}

/// A dataset without attributes of its own and of its coordinates.
pub fn without_attrs(v: Value) -> Value {
    let Value::Dataset(mut d) = v else { return v };
    d.attrs.clear();
    for coords in d.variables.values_mut().map(|v| &mut v.coords).chain([&mut d.coords]) {
        coords.values_mut().for_each(|c| c.attrs.clear());
    }
    Value::Dataset(d)
}

/// Which of two operands comes first: its labels give the order of those that both have, its coordinates are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The dataset, as between Python's operators wherever it stands.
    Dataset,
    /// The array.
    Array,
}

/// Every variable of a dataset beside an array, aligned all together; `f` is given the two in this order.
///
/// # Errors
/// When they cannot be aligned, and what `f` refuses.
pub fn beside(
    plan: &mut Plan,
    d: &LazyDataset,
    other: &LazyArray,
    first: First,
    mut f: impl FnMut(&mut Plan, &Value, &Value) -> Outcome<LazyArray>,
) -> Outcome<Value> {
    if let Some(name) = d.variables.keys().find(|n| other.coords.contains_key(*n)) {
        return refuse(format!(
            "the array has a coordinate '{name}', as a variable of the dataset is called; leave it out with .drop_vars('{name}')"
        ));
    }
    let mut all: Vec<LazyArray> = d.variables.values().chain([other]).cloned().collect();
    all.rotate_right(usize::from(first == First::Array));
    align::align(plan, &mut all, Join::Inner, &[])?;
    all.rotate_left(usize::from(first == First::Array));
    let mut other = all.pop().unwrap_or_else(|| other.clone());
    // Coordinates that contradict one another go, also from variables that have none of their dims.
    let mut own: IndexMap<String, LazyCoord> = IndexMap::new();
    for (name, coord) in all.iter().flat_map(|v| &v.coords) {
        own.entry(name.clone()).or_insert_with(|| coord.clone());
    }
    let mut operands = [&own, &other.coords];
    operands.rotate_left(usize::from(first == First::Array));
    let agreed = align::merge_coords(plan, &operands)?;
    for coords in all.iter_mut().map(|v| &mut v.coords).chain([&mut other.coords]) {
        coords.retain(|name, _| agreed.contains_key(name));
    }
    let other = Value::Array(other);
    let mut variables = IndexMap::new();
    for (name, v) in d.variables.keys().zip(all) {
        let out = f(plan, &Value::Array(v), &other)?;
        variables.insert(name.clone(), LazyArray { name: Some(name.clone()), ..out });
    }
    let mut out = gather(plan, variables, d)?;
    // Both may have a coordinate with its dims in another order.
    for (name, coord) in out.variables.values_mut().flat_map(|v| &mut v.coords).chain(&mut out.coords) {
        if let Some(kept) = agreed.get(name).filter(|kept| kept.dims != coord.dims && kept.dims.len() == coord.dims.len()) {
            coord.clone_from(kept);
        }
    }
    describe_coords(&mut out, &d.coords);
    if let Value::Array(o) = &other {
        out.attrs = align::merge_attrs(&[&d.attrs, &o.attrs]);
    }
    Ok(Value::Dataset(out))
}

/// The dims of all variables and coordinates of a dataset.
///
/// # Errors
/// When a node does not exist, which is a defect.
pub fn dims(plan: &Plan, d: &LazyDataset) -> Outcome<Vec<String>> {
    let mut dims: Vec<String> = vec![];
    for v in d.variables.values() {
        dims.extend(plan.names(v.node)?);
    }
    dims.extend(d.coords.values().flat_map(|c| c.dims.iter().cloned()));
    dims.sort_unstable();
    dims.dedup();
    Ok(dims)
}

/// The dims of an array, or of all variables of a dataset, with their lengths; `act` says what cannot be done with anything else.
///
/// # Errors
/// For what is neither.
pub fn lengths(plan: &Plan, base: &Value, act: &str) -> Outcome<IndexMap<String, usize>> {
    let arrays: Vec<&LazyArray> = match base {
        Value::Array(a) => vec![a],
        Value::Dataset(d) => d.variables.values().collect(),
        other => return refuse(format!("{} {act}", other.type_name())),
    };
    let mut out = IndexMap::new();
    for a in arrays {
        out.extend(plan.dims(a.node)?.into_iter().map(|d| (d.name.to_string(), d.len)));
    }
    Ok(out)
}

/// `ds.name(args)`: the method on every variable.
///
/// # Errors
/// What the method refuses, with the variable's name.
pub fn method(plan: &mut Plan, d: &LazyDataset, name: &str, args: Args) -> Outcome<Value> {
    let receiver = Receiver::dataset(dims(plan, d)?);
    if name == "drop_vars" || name == "drop" {
        return drop_from_dataset(d, args);
    }
    if name == "rename" {
        return rename_in_dataset(plan, d, args, &receiver);
    }
    if name == "dropna" {
        return dropna::of_dataset(plan, d, args);
    }
    if name == "assign_coords" {
        return shape::assign_coords_of_dataset(plan, d, args);
    }
    if name == "rank" {
        return rank_in_dataset(plan, d, args, &receiver);
    }
    let drops_attrs = matches!(args.keyword.get("keep_attrs"), Some(Arg { value: Value::Bool(false), .. }));
    let numeric_only = reduce::named(name).is_some_and(ReductionKind::numeric_only);
    let mut variables = IndexMap::new();
    for (key, v) in &d.variables {
        if numeric_only && matches!(v.cells, crate::lazy::Cells::Texts(_)) {
            let request = reduce::Request::parse(ReductionKind::Mean, only_dim(&args))?;
            if request.dims_of(plan, v, &receiver)?.is_empty() && !plan.names(v.node)?.is_empty() {
                // What has none of the dims stays as it is, texts too.
                variables.insert(key.clone(), v.clone());
            }
            continue;
        }
        match calls::array_method(plan, v, name, args.clone(), &receiver).map_err(|f| of_variable(f, key, v))? {
            Value::Array(mut out) => {
                out.name = Some(key.clone());
                variables.insert(key.clone(), out);
            }
            other => return refuse(format!("Dataset.{name}() gives a {}", other.type_name())),
        }
    }
    if matches!(name, "interp" | "interp_like") {
        // Truths are looked up at the end, after what is interpolated.
        for (key, v) in &d.variables {
            let along_target = plan.names(v.node)?.iter().any(|dim| args.keyword.contains_key(dim));
            let is_moved = along_target || variables.get(key).is_some_and(|out| out.node != v.node);
            if is_moved
                && plan.dtype(v.node)? == DType::Bool
                && let Some(moved) = variables.shift_remove(key)
            {
                variables.insert(key.clone(), moved);
            }
        }
    }
    let mut out = gather(plan, variables, d)?;
    if drops_attrs {
        out.attrs.clear();
    }
    Ok(Value::Dataset(out))
}

/// What times or texts of a dataset do not have, with the variable's name and the way out.
fn of_variable(f: Fault, name: &str, v: &LazyArray) -> Fault {
    let kind = match &v.cells {
        crate::lazy::Cells::Numbers => return f,
        crate::lazy::Cells::Times(_) => "times",
        crate::lazy::Cells::Texts(_) => "texts",
    };
    // Other faults are not of its kind, or told with the way out already.
    if f.message.contains("drop_vars") || !f.message.contains(kind) {
        return f;
    }
    let whose = if f.message.contains(name) { String::new() } else { format!("'{name}' of the dataset holds {kind}: ") };
    let way_out = format!("leave it out with .drop_vars('{name}'), or name the variables: ds[['tas']]");
    Fault { message: format!("{whose}{}; {way_out}", f.message), ..f }
}

/// `ds.rank('time')`: variables without the dim go.
fn rank_in_dataset(plan: &mut Plan, d: &LazyDataset, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let dim = args.positional.first().or_else(|| args.keyword.get("dim")).map(|a| a.value.clone());
    let drops_attrs = matches!(args.keyword.get("keep_attrs"), Some(Arg { value: Value::Bool(false), .. }));
    let mut variables = IndexMap::new();
    for (key, v) in &d.variables {
        if matches!(&dim, Some(Value::Text(dim)) if receiver.has_dim(dim) && !plan.names(v.node)?.contains(dim)) {
            continue;
        }
        if let Value::Array(out) = calls::array_method(plan, v, "rank", args.clone(), receiver).map_err(|f| of_variable(f, key, v))? {
            variables.insert(key.clone(), LazyArray { name: Some(key.clone()), ..out });
        }
    }
    let mut out = gather(plan, variables, d)?;
    if drops_attrs {
        out.attrs.clear();
    }
    Ok(Value::Dataset(out))
}

/// The same arguments without all but the dims.
fn only_dim(args: &Args) -> Args {
    let mut out = args.clone();
    out.positional.truncate(1);
    out.keyword.retain(|name, _| name == "dim");
    out
}

fn drop_from_dataset(d: &LazyDataset, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["names", "errors"])?;
    let ignore = bound.text("errors")?.as_deref() == Some("ignore");
    let super::args::Names::These(names) = bound.names("names")? else { return refuse("drop_vars() needs names") };
    let mut out = d.clone();
    for name in names {
        let gone = out.variables.shift_remove(&name).is_some() | out.coords.shift_remove(&name).is_some();
        out.variables.values_mut().for_each(|v| drop(v.coords.shift_remove(&name)));
        if !gone && !ignore {
            return refuse(format!("there is no variable '{name}'"));
        }
    }
    Ok(Value::Dataset(out))
}

fn rename_in_dataset(plan: &mut Plan, d: &LazyDataset, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.clone().bind_dict("name_dict", &[])?;
    let mut variables = IndexMap::new();
    for (key, v) in &d.variables {
        let Value::Array(out) = shape::rename(plan, v, args.clone(), receiver)? else { continue };
        let name = match entries.get(key) {
            Some(Arg { value: Value::Text(t), .. }) => t.clone(),
            _ => key.clone(),
        };
        variables.insert(name.clone(), LazyArray { name: Some(name), ..out });
    }
    Ok(Value::Dataset(gather(plan, variables, d)?))
}

/// A method that datasets alone have.
///
/// # Errors
/// What the method refuses.
pub fn own_method(plan: &mut Plan, d: &LazyDataset, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "assign" => assign(plan, d, args),
        "assign_attrs" => assign_attrs(d, args),
        "merge" => merge::method(plan, d, args),
        "to_array" | "to_dataarray" => merge::to_array(plan, d, args),
        "drop_dims" => drop_dims(plan, d, args),
        "set_coords" => set_coords(plan, d, args),
        "rename_dims" => rename_dims(plan, d, args),
        _ => {
            let receiver = Receiver::dataset(dims(plan, d)?);
            rename_in_dataset(plan, d, args, &receiver)
        }
    }
}

/// `ds.assign_attrs(title='...')`
fn assign_attrs(d: &LazyDataset, args: Args) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("attrs", &[])?;
    let mut out = d.clone();
    for (name, arg) in entries {
        out.attrs.insert(name, literals::attribute(&arg.value).map_err(|f| f.at(arg.span))?);
    }
    Ok(Value::Dataset(out))
}

/// `ds.drop_dims('lat')`: what has the dim goes.
fn drop_dims(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["drop_dims", "errors"])?;
    let ignore = bound.text("errors")?.as_deref() == Some("ignore");
    let span = bound.span("drop_dims");
    let super::args::Names::These(gone) = bound.names("drop_dims")? else { return refuse("drop_dims() needs names of dimensions") };
    let known = dims(plan, d)?;
    if let Some(dim) = gone.iter().find(|g| !known.contains(g)).filter(|_| !ignore) {
        let fault = Fault::new(format!("there is no dimension '{dim}'"));
        return Err(span.map_or(fault.clone(), |s| fault.at(s)));
    }
    let mut out = d.clone();
    let mut kept = IndexMap::new();
    for (name, v) in &d.variables {
        if !plan.names(v.node)?.iter().any(|n| gone.contains(n)) {
            kept.insert(name.clone(), v.clone());
        }
    }
    out.variables = kept;
    out.coords.retain(|_, c| !c.dims.iter().any(|n| gone.contains(n)));
    Ok(Value::Dataset(out))
}

/// `ds.rename_dims(time='axis')`: coordinates keep their names.
fn rename_dims(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("dims_dict", &[])?;
    let mut out = d.clone();
    for (from, arg) in entries {
        let Value::Text(to) = &arg.value else { return Err(Fault::new("a new name must be a text").at(arg.span)) };
        let known = dims(plan, &out)?;
        if !known.contains(&from) || known.contains(to) || out.coords.contains_key(to) || out.variables.contains_key(to) {
            let why =
                if known.contains(&from) { format!("the name '{to}' exists already") } else { format!("there is no dimension '{from}'") };
            return Err(Fault::new(why).at(arg.span));
        }
        for v in out.variables.values_mut() {
            if plan.names(v.node)?.contains(&from) {
                v.node = plan.rename(v.node, &from, to)?;
            }
            for coord in v.coords.values_mut() {
                rename_dim_of(plan, coord, &from, to)?;
            }
        }
        for coord in out.coords.values_mut() {
            rename_dim_of(plan, coord, &from, to)?;
        }
    }
    Ok(Value::Dataset(out))
}

fn rename_dim_of(plan: &mut Plan, coord: &mut LazyCoord, from: &str, to: &str) -> Outcome<()> {
    if coord.dims.iter().any(|d| d == from) {
        if let crate::lazy::CoordData::Lazy(node, _) = &mut coord.data {
            *node = plan.rename(*node, from, to)?;
        }
        coord.dims.iter_mut().filter(|d| *d == from).for_each(|d| to.clone_into(d));
    }
    Ok(())
}

/// `ds.set_coords(['area'])`: variables become coordinates.
fn set_coords(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["names"])?;
    let span = bound.span("names");
    let super::args::Names::These(names) = bound.names("names")? else { return refuse("set_coords() needs names") };
    let mut out = d.clone();
    for name in names {
        let Some(v) = out.variables.shift_remove(&name) else {
            if out.coords.contains_key(&name) {
                continue;
            }
            let fault = Fault::new(format!("there is no variable '{name}'"));
            return Err(span.map_or(fault.clone(), |s| fault.at(s)));
        };
        let dims = plan.names(v.node)?;
        let coord = LazyCoord { dims: dims.clone(), data: crate::lazy::CoordData::Lazy(v.node, v.cells), attrs: v.attrs };
        for other in out.variables.values_mut() {
            let own = plan.names(other.node)?;
            if dims.iter().all(|d| own.contains(d)) {
                other.coords.insert(name.clone(), coord.clone());
            }
        }
        out.coords.insert(name, coord);
    }
    Ok(Value::Dataset(out))
}

/// `ds.assign(t2=...)`
///
/// # Errors
/// When a variable's dims do not fit.
pub fn assign(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("variables", &[])?;
    let mut out = d.clone();
    for (name, arg) in entries {
        let array = match arg.value {
            Value::Array(a) => a,
            other => {
                let (values, shape) = literals::cells(plan, &other).map_err(|f| f.at(arg.span))?;
                literals::array_of(plan, &values, &shape, &[]).map_err(|f| f.at(arg.span))?
            }
        };
        out.variables.insert(name.clone(), LazyArray { name: Some(name), ..array });
    }
    let variables = std::mem::take(&mut out.variables);
    Ok(Value::Dataset(gather(plan, variables, &out)?))
}

/// `da.to_dataset(name='t')`
///
/// # Errors
/// When the array has no name.
pub fn to_dataset(plan: &mut Plan, a: &LazyArray, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "name", "promote_attrs"])?;
    let promotes = bound.flag("promote_attrs", Some(false))? == Some(true);
    if let Some(dim) = bound.some("dim") {
        return merge::split(plan, a, &dim);
    }
    let Some(name) = bound.text("name")?.or_else(|| a.name.clone()) else {
        return refuse("to_dataset() of an array without a name needs name='...'");
    };
    if a.coords.contains_key(&name) {
        return refuse(format!(
            "an array named as its coordinate '{name}' cannot be a variable beside it; use .rename('other').to_dataset()"
        ));
    }
    let array = LazyArray { name: Some(name.clone()), ..a.clone() };
    let attrs = if promotes { a.attrs.clone() } else { Default::default() };
    let like = LazyDataset { attrs, ..LazyDataset::default() };
    Ok(Value::Dataset(gather(plan, [(name, array)].into(), &like)?))
}

/// `ds.name`
///
/// # Errors
/// When there is no such thing.
pub fn attribute(plan: &mut Plan, d: &LazyDataset, name: &str, base: &Value) -> Outcome<Value> {
    match name {
        "loc" => Ok(Value::Loc(Box::new(base.clone()))),
        "sizes" | "dims" => {
            let mut sizes = IndexMap::new();
            for v in d.variables.values() {
                for dim in plan.dims(v.node)? {
                    sizes.insert(dim.name.to_string(), Value::Number(crate::lazy::Number::Int(dim.len as i64)));
                }
            }
            Ok(Value::Dict(sizes))
        }
        "attrs" => Ok(Value::Dict(calls::attrs_dict(&d.attrs))),
        "coords" => calls::coords_dict(plan, &d.coords),
        "data_vars" => Ok(Value::Dict(d.variables.iter().map(|(n, v)| (n.clone(), Value::Array(v.clone()))).collect())),
        _ if own_names::of_dataset(name) && d.variables.contains_key(name) => {
            refuse(format!("Dataset.{name} is xarray's own; the variable is ds['{name}']"))
        }
        _ if own_names::of_dataset(name) => calls::unknown(base, name, []),
        _ => match variable(plan, d, name) {
            Ok(v) => Ok(Value::Array(v)),
            Err(_) => calls::unknown(base, name, d.variables.keys().chain(d.coords.keys()).map(String::as_str)),
        },
    }
}

/// A variable or coordinate of a dataset.
///
/// # Errors
/// When there is none of that name.
pub fn variable(plan: &mut Plan, d: &LazyDataset, name: &str) -> Outcome<LazyArray> {
    if let Some(v) = d.variables.get(name) {
        return Ok(v.clone());
    }
    if let Some((of, _)) = name.split_once('.')
        && d.coords.contains_key(of)
    {
        // A component of a time, as in ds['time.month'].
        let times = variable(plan, d, of)?;
        return calls::coordinate_array(plan, &times, name);
    }
    match d.coords.get(name) {
        Some(coord) => calls::coord_as_array(plan, name, coord, &d.coords),
        None => {
            let hint = suggest::did_you_mean_or_list(name, d.variables.keys().chain(d.coords.keys()).map(String::as_str))
                .map(|h| format!("; {h}"))
                .unwrap_or_default();
            refuse(format!("the dataset has no variable '{name}'{hint}"))
        }
    }
}
