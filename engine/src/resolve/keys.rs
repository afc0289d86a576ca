//! `groupby`: the keys that indices are grouped by, one or several, along one dim or several.
//!
//! In: an array or dataset and keys. Out: a grouping; dims of a key of several are made one. Never moves data but to make dims one.

use super::accessor;
use super::args::{Arg, Args};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::group;
use crate::lazy::labels::{self, Label, Order};
use crate::lazy::value::{Grouped, Grouping, GroupingKind, GroupingPart};
use crate::lazy::{LazyArray, LazyCoord, Plan, Value, fold};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::{Block, DType, Dim, Op};
use xeng_proto::{Attrs, Values};

/// What the names of dims that are made one begin with; no user sees them.
const STACKED: &str = "stacked: ";
/// More combinations of keys than this are refused.
const MOST_GROUPS: usize = 1 << 24;

/// A key with the dims that it lies along.
pub struct Key {
    /// The dims, with their lengths.
    pub dims: Vec<(String, usize)>,
    /// Its name.
    pub name: String,
    /// Its values, C order.
    pub values: Values,
    /// Its attributes.
    pub attrs: Attrs,
}

/// The groups of one key.
pub struct Coded {
    /// The dims of the key, with their lengths.
    pub dims: Vec<(String, usize)>,
    /// The group of each of its cells, -1 for none.
    pub codes: Vec<i64>,
    /// Its name, and the labels of its groups.
    pub part: GroupingPart,
}

/// `.groupby(key)`, `.groupby([key, key])`
///
/// # Errors
/// When a key is not known while planning.
pub fn groupby(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["group", "squeeze", "restore_coord_dims", "eagerly_compute_group"])?;
    for ignored in ["squeeze", "restore_coord_dims", "eagerly_compute_group"] {
        bound.take(ignored);
    }
    let arg = bound.need("group")?;
    let given = match &arg.value {
        Value::List(items) | Value::Tuple(items) => items.iter().map(|value| Arg { value: value.clone(), span: arg.span }).collect(),
        _ => vec![arg.clone()],
    };
    let mut keys = vec![];
    for item in &given {
        if given.len() > 1 && matches!(item.value, Value::Array(_)) {
            return Err(
                Fault::new("groupby() by several keys takes their names, such as ['time.year', 'time.month'], not arrays").at(arg.span)
            );
        }
        keys.push(key_of(plan, base, item).and_then(unique).map_err(|f| f.at(arg.span))?);
    }
    joined(plan, base, keys).map_err(|f| f.at(arg.span))
}

/// What indices are grouped by.
///
/// # Errors
/// When it is not known while planning.
pub fn key_of(plan: &mut Plan, base: &Value, arg: &Arg) -> Outcome<Key> {
    match &arg.value {
        Value::Text(text) => {
            let (name, component) = match text.split_once('.') {
                Some((name, component)) if coordinate(base, text).is_none() => (name, Some(component)),
                _ => (text.as_str(), None),
            };
            let Some(coord) = coordinate(base, name) else {
                let known = coords(base).map(|c| c.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
                let hint = crate::suggest::did_you_mean_or_list(name, known.iter().map(String::as_str))
                    .map(|h| format!("; {h}"))
                    .unwrap_or_default();
                return refuse(format!("groupby(): there is no coordinate '{name}'{hint}"));
            };
            let coord = fold::settle(plan, coord);
            let crate::lazy::CoordData::Known(values, shape) = &coord.data else {
                return Err(Fault::unsupported(format!("grouping by '{name}', which depends on data")));
            };
            if coord.dims.is_empty() {
                return refuse(format!("groupby(): '{name}' is a scalar"));
            }
            let dims = coord.dims.iter().cloned().zip(shape.iter().copied()).collect();
            match component {
                None => Ok(Key { dims, name: name.to_owned(), values: (**values).clone(), attrs: coord.attrs.clone() }),
                Some(c) => Ok(Key { dims, name: c.to_owned(), values: accessor::component(values, c)?, attrs: Attrs::new() }),
            }
        }
        Value::Array(a) => {
            let dims: Vec<(String, usize)> = plan.dims(a.node)?.into_iter().map(|d| (d.name.to_string(), d.len)).collect();
            if dims.is_empty() {
                return refuse("groupby(): the key is a scalar");
            }
            let Some(values) = fold::values(plan, a) else {
                return Err(Fault::unsupported("groupby() by an array that depends on data"));
            };
            for (along, length) in &dims {
                check_same_labels(plan, base, along, *length, a)?;
            }
            Ok(Key { dims, name: a.name.clone().unwrap_or_else(|| "group".to_owned()), values, attrs: a.attrs.clone() })
        }
        Value::Dict(_) => Err(Fault::unsupported("groupby() by groupers; name the keys:")),
        other => refuse(format!("groupby() takes a name such as 'time.month' or an array, not {}", other.type_name())),
    }
}

fn check_same_labels(plan: &Plan, base: &Value, along: &str, length: usize, key: &LazyArray) -> Outcome<()> {
    let own = coordinate(base, along).and_then(|c| c.known().cloned());
    let differ = match (own, key.index(along)) {
        (Some(a), Some(b)) => !labels::equal(&a, b),
        _ => dataset::lengths(plan, base, "cannot be grouped")?.get(along).is_some_and(|l| *l != length),
    };
    if differ {
        return refuse(format!("groupby(): the labels of '{along}' differ between the array and the key"));
    }
    Ok(())
}

fn coords(base: &Value) -> Option<&IndexMap<String, LazyCoord>> {
    match base {
        Value::Array(a) => Some(&a.coords),
        Value::Dataset(d) => Some(&d.coords),
        _ => None,
    }
}

/// A coordinate of an array or a dataset.
pub fn coordinate(base: &Value, name: &str) -> Option<LazyCoord> {
    coords(base)?.get(name).cloned()
}

/// The dim of a coordinate of one, and its known cells.
///
/// # Errors
/// When it has several, or depends on data.
pub fn known_along(name: &str, coord: &LazyCoord) -> Outcome<(String, Arc<Values>)> {
    match (coord.dims.as_slice(), coord.known()) {
        ([dim], Some(values)) => Ok((dim.clone(), values.clone())),
        ([_], None) => Err(Fault::unsupported(format!("grouping by '{name}', which depends on data"))),
        _ => Err(Fault::unsupported(format!("grouping by '{name}', which does not lie along exactly one dimension"))),
    }
}

/// Distinct labels as groups, sorted unless they are those of a dimension in descending order, each once, which xarray keeps as
/// they are; missing ones belong to none.
fn unique(key: Key) -> Outcome<Coded> {
    if let Values::Texts(texts) = &key.values
        && texts.iter().all(|t| is_interval(t))
        && !texts.is_empty()
    {
        return Err(Fault::unsupported(format!("grouping by the intervals of '{}'", key.name)));
    }
    let keys = labels::labels(&key.values);
    let missing = |l: &Label| matches!(l, Label::Time(i64::MIN)) || matches!(l, Label::Float(b) if f64::from_bits(*b).is_nan());
    let mut order: Vec<usize> = (0..keys.len()).filter(|&i| !missing(&keys[i])).collect();
    order.sort_by(|&i, &j| keys[i].cmp(&keys[j]));
    order.dedup_by(|a, b| keys[*a] == keys[*b]);
    if order.is_empty() {
        return refuse(format!("groupby(): '{}' has no labels to group by", key.name));
    }
    let sorted: Vec<&Label> = order.iter().map(|&i| &keys[i]).collect();
    let mut codes: Vec<i64> = keys.iter().map(|l| sorted.binary_search(&l).map_or(-1, |i| i as i64)).collect();
    let is_dimension = matches!(key.dims.as_slice(), [(dim, _)] if *dim == key.name);
    if is_dimension && order.len() == keys.len() && labels::order(&keys) == Order::Descending {
        order.reverse();
        codes.iter_mut().for_each(|c| *c = order.len() as i64 - 1 - *c);
    }
    let flat = flat(key.values)?;
    let labels = labels::take(&flat, &order.iter().map(|&i| i as i64).collect::<Vec<_>>())?;
    Ok(Coded { dims: key.dims, codes, part: GroupingPart { name: key.name, labels, attrs: key.attrs } })
}

/// Whether a text is that of an interval, which sorts by its edges.
fn is_interval(text: &str) -> bool {
    text.starts_with(['(', '[']) && text.ends_with([')', ']']) && text.contains(", ")
}

fn flat(values: Values) -> Outcome<Values> {
    Ok(match values {
        Values::Numbers(block) => {
            let cells = block.len();
            Values::Numbers(block.reshape(&[cells])?)
        }
        other => other,
    })
}

/// An object grouped by the combinations of keys.
///
/// # Errors
/// When a dim of a key does not exist, or there are too many combinations.
pub fn joined(plan: &mut Plan, base: &Value, keys: Vec<Coded>) -> Outcome<Value> {
    let own = dataset::lengths(plan, base, "cannot be grouped")?;
    let mut dims: IndexMap<String, usize> = IndexMap::new();
    for (dim, length) in keys.iter().flat_map(|k| &k.dims) {
        if own.get(dim) != Some(length) {
            return refuse(format!("groupby(): the key lies along '{dim}', which is no dimension of what is grouped"));
        }
        dims.insert(dim.clone(), *length);
    }
    let names: Vec<String> = keys.iter().map(|k| k.part.name.clone()).collect();
    if let Some(twice) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
        return refuse(format!("groupby(): there are two keys called '{}'", twice.1));
    }
    let (object, along) = match dims.keys().collect::<Vec<_>>().as_slice() {
        [] => return refuse("groupby() needs a key"),
        [one] => (base.clone(), (*one).clone()),
        several => {
            let list: Vec<String> = several.iter().map(|d| (*d).clone()).collect();
            let along = format!("{STACKED}{}", list.join("_"));
            (stacked(plan, base, &list, &along)?, along)
        }
    };
    let taken =
        |name: &&String| own.contains_key(*name) && !dims.contains_key(*name) || coordinate(base, name).is_some_and(|c| c.dims.is_empty());
    if names.len() > 1
        && let Some(name) = names.iter().find(taken)
    {
        return refuse(format!(
            "groupby(): '{name}' is already a dimension or a scalar coordinate; leave it out with .drop_vars('{name}')"
        ));
    }
    let combined = combined(&dims, &keys)?;
    let groups = keys.iter().map(|k| k.part.labels.len()).product::<usize>();
    let mut used: Vec<i64> = combined.iter().copied().filter(|c| *c >= 0).collect();
    used.sort_unstable();
    used.dedup();
    if used.is_empty() {
        return refuse("groupby(): no index has all keys");
    }
    let codes: Vec<i32> = combined.iter().map(|c| used.binary_search(c).map_or(-1, |i| i as i32)).collect();
    let fill: Vec<i64> = (0..groups as i64).map(|b| used.binary_search(&b).map_or(-1, |i| i as i64)).collect();
    let mut parts: Vec<GroupingPart> = keys.into_iter().map(|k| k.part).collect();
    let bins = fill.contains(&-1).then_some(fill);
    let (name, labels, attrs) = match parts.len() {
        1 => {
            let only = parts.remove(0);
            (only.name, only.labels, only.attrs)
        }
        _ => (names.join(", "), Values::Numbers(Block::from_vec(&[groups], (0..groups as i64).collect::<Vec<_>>())?), Attrs::new()),
    };
    let by =
        Grouping { along, codes: codes.into(), dim: Dim::new(&name, used.len()), labels, attrs, kind: GroupingKind::GroupBy, bins, parts };
    Ok(Value::Grouped(Box::new(Grouped { object, by })))
}

/// The combination of groups of each cell of the dims, C order; -1 where a key has none.
fn combined(dims: &IndexMap<String, usize>, keys: &[Coded]) -> Outcome<Vec<i64>> {
    let groups = keys.iter().try_fold(1usize, |n, k| n.checked_mul(k.part.labels.len())).filter(|n| *n <= MOST_GROUPS);
    let cells = dims.values().try_fold(1usize, |n, l| n.checked_mul(*l)).filter(|n| *n <= 16 * MOST_GROUPS);
    let (Some(_), Some(cells)) = (groups, cells) else { return refuse("these keys have too many combinations") };
    let mut out = vec![0i64; cells];
    for key in keys {
        let strides = strides_within(dims, &key.dims);
        let shape: Vec<usize> = dims.values().copied().collect();
        let count = key.part.labels.len() as i64;
        for (n, cell) in out.iter_mut().enumerate() {
            let (mut rest, mut at) = (n, 0);
            for (len, stride) in shape.iter().zip(&strides).rev() {
                at += rest % len * stride;
                rest /= len;
            }
            let code = key.codes.get(at).copied().unwrap_or(-1);
            *cell = if *cell < 0 || code < 0 { -1 } else { *cell * count + code };
        }
    }
    Ok(out)
}

/// How far apart the cells of a key lie along each of `dims`; 0 where it does not have the dim.
fn strides_within(dims: &IndexMap<String, usize>, own: &[(String, usize)]) -> Vec<usize> {
    dims.keys()
        .map(|dim| match own.iter().position(|(d, _)| d == dim) {
            Some(at) => own[at + 1..].iter().map(|(_, l)| l).product(),
            None => 0,
        })
        .collect()
}

/// The object with these dims made one, the last; without coordinates along them.
fn stacked(plan: &mut Plan, base: &Value, dims: &[String], name: &str) -> Outcome<Value> {
    let one = |plan: &mut Plan, a: &LazyArray| -> Outcome<LazyArray> {
        let mut order = plan.names(a.node)?;
        if !dims.iter().all(|d| order.contains(d)) {
            return Err(Fault::unsupported("groupby() by keys along several dimensions of a dataset whose variables lack some of them"));
        }
        order.retain(|d| !dims.contains(d));
        let axis = order.len();
        order.extend(dims.iter().cloned());
        let node = plan.transpose(a.node, &order)?;
        let length = plan.dims(node)?[axis..].iter().map(|d| d.len).product();
        let node = plan.push(Op::Reshape { input: node, axis, count: dims.len(), dims: vec![Dim::new(name, length)] })?;
        let partly = |c: &LazyCoord| c.dims.iter().any(|d| dims.contains(d)) && !dims.iter().all(|d| c.dims.contains(d));
        if let Some((name, _)) = a.coords.iter().find(|(n, c)| c.dims != [(*n).clone()] && partly(c)) {
            return refuse(format!(
                "groupby(): the coordinate '{name}' lies along some of the grouped dimensions only; leave it out with .drop_vars('{name}')"
            ));
        }
        let mut out = LazyArray { node, ..a.clone() };
        out.coords.retain(|_, c| !c.dims.iter().any(|d| dims.contains(d)));
        Ok(out)
    };
    match base {
        Value::Array(a) => one(plan, a).map(Value::Array),
        Value::Dataset(d) => dataset::each(plan, d, one),
        other => refuse(format!("{} cannot be grouped", other.type_name())),
    }
}

/// Whether the grouped dim is one of the object's own.
pub fn coordinates_known(by: &Grouping) -> bool {
    !by.along.starts_with(STACKED)
}

/// An array that has no groups, repeated for each combination of keys that there is.
///
/// # Errors
/// For cells that cannot be missing where a combination is.
pub fn repeated(plan: &mut Plan, a: LazyArray, by: &Grouping) -> Outcome<LazyArray> {
    let group = by.dim.name.to_string();
    let axis = plan.names(a.node)?.len();
    let mut out = LazyArray { node: plan.expand(a.node, axis, by.dim.clone())?, ..a };
    if let Some(fill) = &by.bins {
        if plan.dtype(out.node)? == DType::Bool {
            return Err(Fault::unsupported(format!(
                "truths of '{}' for combinations of keys that are not there",
                out.name.unwrap_or_default()
            )));
        }
        out.node = group::with_gaps(plan, out.node, &out.cells, &group, fill)?;
    }
    split(plan, out, by)
}

/// The combinations of several keys as a dim for each key, the last ones.
///
/// # Errors
/// When a dim of that name is there already.
pub fn split(plan: &mut Plan, a: LazyArray, by: &Grouping) -> Outcome<LazyArray> {
    if by.parts.is_empty() {
        return Ok(a);
    }
    let group = by.dim.name.to_string();
    let mut order = plan.names(a.node)?;
    order.retain(|d| *d != group);
    let axis = order.len();
    order.push(group.clone());
    let node = plan.transpose(a.node, &order)?;
    let dims = by.parts.iter().map(|p| Dim::new(&p.name, p.labels.len())).collect();
    let mut out = LazyArray { node: plan.push(Op::Reshape { input: node, axis, count: 1, dims })?, ..a };
    out.coords.shift_remove(&group);
    for part in &by.parts {
        out.coords.insert(part.name.clone(), LazyCoord::along(&part.name, part.labels.clone(), part.attrs.clone()));
    }
    Ok(out)
}
