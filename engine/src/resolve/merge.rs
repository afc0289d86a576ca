//! `xr.merge`, `.merge`, `.to_array`, `.to_dataset(dim)` and `.combine_first`: arrays into datasets, and back.
//!
//! In: arrays and datasets. Out: one dataset, or one array. Never lets variables of one name contradict each other.

use super::agree;
use super::align::{self, Join};
use super::args::{Arg, Args};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::operators::numbers_only;
use crate::lazy::labels;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, LazyDataset, Plan, Value};
use indexmap::{IndexMap, IndexSet};
use xeng_kernels::{DType, Dim, Op};
use xeng_proto::{Attrs, Values};

/// `xr.merge([a, b], join='outer')`
///
/// # Errors
/// When two variables of one name are not the same, or an array has no name.
pub fn function(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["objects", "compat", "join", "fill_value", "combine_attrs"])?;
    bound.unsupported(&["fill_value", "combine_attrs"])?;
    let compat = compat(&mut bound)?;
    let objects = bound.need("objects")?;
    let join = join(&mut bound)?;
    let (Value::List(items) | Value::Tuple(items)) = &objects.value else { return Err(bound.wrong("objects", &objects, "a list")) };
    let parts = items.iter().map(|v| part(plan, v)).collect::<Outcome<Vec<_>>>().map_err(|f| f.at(objects.span))?;
    merged(plan, parts, join, compat).map(Value::Dataset).map_err(|f| f.at(objects.span))
}

/// `ds.merge(other, join='outer')`
///
/// # Errors
/// As [`function`].
pub fn method(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["other", "overwrite_vars", "compat", "join", "fill_value", "combine_attrs"])?;
    bound.unsupported(&["overwrite_vars", "fill_value", "combine_attrs"])?;
    let compat = compat(&mut bound)?;
    let other = bound.need("other")?;
    let join = join(&mut bound)?;
    let other_part = part(plan, &other.value).map_err(|f| f.at(other.span))?;
    merged(plan, vec![d.clone(), other_part], join, compat).map(Value::Dataset).map_err(|f| f.at(other.span))
}

fn join(bound: &mut super::args::Bound) -> Outcome<Join> {
    bound.choice(
        "join",
        &[("outer", Join::Outer), ("inner", Join::Inner), ("left", Join::Left), ("right", Join::Right), ("exact", Join::Exact)],
        Join::Outer,
    )
}

fn part(plan: &Plan, v: &Value) -> Outcome<LazyDataset> {
    match v {
        Value::Dataset(d) => Ok(d.clone()),
        Value::Array(a) => {
            let Some(name) = a.name.clone() else { return refuse("an array without a name cannot be merged; use .rename('name')") };
            let like = LazyDataset { attrs: a.attrs.clone(), ..LazyDataset::default() };
            dataset::gather(plan, [(name, a.clone())].into(), &like)
        }
        other => refuse(format!("{} cannot be merged", other.type_name())),
    }
}

/// What becomes of variables of one name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compat {
    /// Each fills what the other misses; contradictions are refused.
    Fill,
    /// The first one's is taken.
    Override,
    /// They must be the same.
    Same,
    /// Their attributes must be, too.
    Identical,
}

fn compat(bound: &mut super::args::Bound) -> Outcome<Compat> {
    let names = [
        ("no_conflicts", Compat::Fill),
        ("override", Compat::Override),
        ("equals", Compat::Same),
        ("identical", Compat::Identical),
        ("broadcast_equals", Compat::Same),
    ];
    bound.choice("compat", &names, Compat::Fill)
}

impl Compat {
    fn one_of(self, plan: &mut Plan, name: &str, a: &LazyCoord, b: &LazyCoord) -> Outcome<LazyCoord> {
        match self {
            Compat::Override => Ok(a.clone()),
            Compat::Fill => agree::filled(plan, name, a, b),
            Compat::Identical if a.attrs != b.attrs => refuse(format!("the attributes of '{name}' differ between what is merged")),
            Compat::Same | Compat::Identical => {
                let differs = format!("'{name}' differs between what is merged");
                agree::same(plan, a, b, &differs, Fault::new(differs.clone()))?;
                Ok(a.clone())
            }
        }
    }
}

fn merged(plan: &mut Plan, parts: Vec<LazyDataset>, join: Join, compat: Compat) -> Outcome<LazyDataset> {
    let attrs = parts.first().map(|p| p.attrs.clone()).unwrap_or_default();
    let mut arrays: Vec<LazyArray> = parts.iter().flat_map(|p| p.variables.values().cloned()).collect();
    align::align(plan, &mut arrays, join, &[])?;
    let mut rest = arrays.into_iter();
    let mut variables: IndexMap<String, LazyArray> = IndexMap::new();
    let mut coords: IndexMap<String, LazyCoord> = IndexMap::new();
    for part in &parts {
        let own = part.variables.keys().cloned().zip(rest.by_ref()).collect();
        let aligned = dataset::gather(plan, own, part)?;
        for (name, coord) in aligned.coords {
            let is_index = coord.dims == [name.clone()];
            match coords.get(&name).cloned() {
                Some(known) if is_index || known.dims == [name.clone()] => {
                    let index = if known.dims == [name.clone()] { known } else { coord };
                    coords.insert(name, index);
                }
                Some(known) => drop(coords.insert(name.clone(), compat.one_of(plan, &name, &known, &coord)?)),
                None => drop(coords.insert(name, coord)),
            }
        }
        for (name, array) in aligned.variables {
            let found = match variables.get(&name) {
                Some(known) if known.node == array.node => continue,
                Some(known) => one_variable(plan, &name, known, &array, compat)?,
                None => array,
            };
            variables.insert(name.clone(), LazyArray { name: Some(name), ..found });
        }
    }
    let mut out = dataset::gather(plan, variables, &LazyDataset { coords: coords.clone(), attrs, ..LazyDataset::default() })?;
    dataset::replace_coords(plan, &mut out, coords)?;
    Ok(out)
}

/// Two variables of one name as one.
fn one_variable(plan: &mut Plan, name: &str, a: &LazyArray, b: &LazyArray, compat: Compat) -> Outcome<LazyArray> {
    let bare = |plan: &Plan, v: &LazyArray| -> Outcome<LazyCoord> {
        Ok(LazyCoord { dims: plan.names(v.node)?, data: CoordData::Lazy(v.node, v.cells.clone()), attrs: v.attrs.clone() })
    };
    let (x, y) = (bare(plan, a)?, bare(plan, b)?);
    let found = compat.one_of(plan, name, &x, &y)?;
    let (node, cells) = agree::node(plan, &found)?;
    Ok(LazyArray { node, cells, ..a.clone() })
}

/// `ds.to_array(dim='variable', name=None)`: the variables side by side along a new first dim.
///
/// # Errors
/// When there are none, or they do not hold numbers.
pub fn to_array(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "name"])?;
    let dim = bound.text("dim")?.unwrap_or_else(|| "variable".to_owned());
    let name = bound.text("name")?;
    let mut dims: IndexMap<String, usize> = IndexMap::new();
    let mut dtype: Option<DType> = None;
    for v in d.variables.values() {
        numbers_only(v, "to_array")?;
        dims.extend(plan.dims(v.node)?.into_iter().map(|d| (d.name.to_string(), d.len)));
        let own = plan.dtype(v.node)?;
        dtype = Some(dtype.map_or(own, |t| t.promote(own)));
    }
    let Some(dtype) = dtype else { return refuse("to_array() of a dataset without variables") };
    if dims.contains_key(&dim) {
        return refuse(format!("the dataset has a dimension '{dim}' already"));
    }
    let order: Vec<String> = dims.keys().cloned().collect();
    let mut inputs = vec![];
    for v in d.variables.values() {
        let mut node = plan.cast(v.node, dtype)?;
        let own: IndexSet<String> = plan.names(node)?.into_iter().collect();
        for (name, len) in dims.iter().filter(|(n, _)| !own.contains(*n)) {
            node = plan.expand(node, 0, Dim::new(name, *len))?;
        }
        node = plan.transpose(node, &order)?;
        inputs.push(plan.expand(node, 0, Dim::new(&dim, 1))?);
    }
    let node = if let [only] = inputs.as_slice() { *only } else { plan.push(Op::Concat { inputs, axis: 0 })? };
    let mut coords = d.coords.clone();
    coords.retain(|_, c| c.dims.iter().all(|d| order.contains(d)));
    coords.insert(dim.clone(), LazyCoord::along(&dim, Values::Texts(d.variables.keys().cloned().collect()), Attrs::new()));
    Ok(Value::Array(LazyArray { name, node, coords, attrs: d.attrs.clone(), cells: Cells::Numbers }))
}

/// `da.to_dataset('member')`: a variable for each label of a dim.
///
/// # Errors
/// When the labels are no texts.
pub fn split(plan: &mut Plan, a: &LazyArray, dim: &Arg) -> Outcome<Value> {
    let Value::Text(name) = &dim.value else {
        return Err(Fault::new(format!("to_dataset(): 'dim' must be a name, not {}", dim.value.type_name())).at(dim.span));
    };
    plan.axis(a.node, name).map_err(|f| f.at(dim.span))?;
    let Some(Values::Texts(texts)) = a.index(name).map(|v| (**v).clone()) else {
        return Err(Fault::unsupported(format!("variables called by the labels of '{name}', which are no texts,")).at(dim.span));
    };
    let mut variables = IndexMap::new();
    for (i, text) in texts.iter().enumerate() {
        let mut one = indexing::pick(plan, a, name, &Picked::One(i), Scalars::Drop)?;
        one.coords.shift_remove(name);
        one.attrs = Attrs::new();
        variables.insert(text.clone(), LazyArray { name: Some(text.clone()), ..one });
    }
    if variables.len() != texts.len() {
        return Err(Fault::new(format!("the labels of '{name}' repeat")).at(dim.span));
    }
    let like = LazyDataset { attrs: a.attrs.clone(), ..LazyDataset::default() };
    Ok(Value::Dataset(dataset::gather(plan, variables, &like)?))
}

/// `a.combine_first(b)`: the cells of `a`, and those of `b` where `a` has none, at the labels of both.
///
/// # Errors
/// When the two cannot be aligned.
pub fn combine_first(plan: &mut Plan, a: &LazyArray, args: Args, _: &super::calls::Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["other"])?;
    let other = bound.need("other")?;
    let Value::Array(b) = &other.value else { return Err(bound.wrong("other", &other, "a DataArray")) };
    numbers_only(a, "combine_first")?;
    numbers_only(b, "combine_first")?;
    let mut both = [a.clone(), b.clone()];
    align::align(plan, &mut both, Join::Outer, &[])?;
    let [a, b] = both;
    super::elementwise::filled(plan, &a, &Value::Array(b)).map(Value::Array)
}

/// Labels of a dim without their repetitions (`drop_duplicates`).
///
/// # Errors
/// When the dim has no labels, or `keep` is unknown.
pub fn drop_duplicates(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &super::calls::Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "keep"])?;
    let arg = bound.need("dim")?;
    let own = plan.names(a.node)?;
    let dims = match &arg.value {
        Value::Ellipsis => own.iter().filter(|d| a.index(d).is_some()).cloned().collect(),
        v => super::args::texts(v).ok_or_else(|| bound.wrong("dim", &arg, "a name or a list of names"))?,
    };
    let dims = super::reduce::existing(&dims, &own, receiver).map_err(|f| f.at(arg.span))?;
    let keep = match bound.take("keep").map(|k| k.value) {
        None => "first".to_owned(),
        Some(Value::Text(t)) if t == "first" || t == "last" => t,
        Some(Value::Bool(false)) => String::new(),
        Some(_) => return refuse("'keep' must be 'first', 'last' or False"),
    };
    let mut out = a.clone();
    for dim in dims {
        let Some(index) = out.index(&dim).cloned() else { continue };
        let keys = labels::labels(&index);
        let mut seen: IndexMap<&labels::Label, Vec<i64>> = IndexMap::new();
        for (i, key) in keys.iter().enumerate() {
            seen.entry(key).or_default().push(i as i64);
        }
        let mut at: Vec<i64> = seen
            .values()
            .filter_map(|places| match keep.as_str() {
                "first" => places.first().copied(),
                "last" => places.last().copied(),
                _ => places.first().copied().filter(|_| places.len() == 1),
            })
            .collect();
        at.sort_unstable();
        if at.len() < keys.len() {
            out = indexing::pick(plan, &out, &dim, &Picked::Many(xeng_kernels::graph::Index::compact(&at)), Scalars::Keep)?;
        }
    }
    Ok(Value::Array(out))
}
