//! The accessor `.xeng`: `.xeng.regrid(...)`, `.xeng.wrap_lon(180)` and `.xeng.area_weights()`, which xarray does not have.
//!
//! In: an array on a grid of latitudes and longitudes. Out: an array on another, or weights. Never rotates or projects.

use super::args::{Arg, Args};
use super::fault::{Fault, Outcome, refuse};
use super::grid::{Axis, Horizontal, kind_of};
use super::indexing::{self, Picked, Scalars};
use super::operators::numbers_only;
use super::{literals, shape};
use crate::lazy::labels;
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::graph::Index;
use xeng_kernels::remap::RemappedAxis;
use xeng_kernels::{Block, DType, Op};
use xeng_proto::{AttrValue, Attrs, Values};

/// What the accessor can do.
pub const METHODS: &[&str] = &["regrid", "wrap_lon", "area_weights"];

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Conservative,
    Bilinear,
    Nearest,
}

/// `da.xeng.name(args)`
///
/// # Errors
/// What the method refuses.
pub fn method(plan: &mut Plan, a: &LazyArray, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "regrid" => regrid(plan, a, args),
        "wrap_lon" => wrap_lon(plan, a, args),
        "area_weights" => area_weights(plan, a, args),
        _ => {
            let hint = crate::suggest::did_you_mean_or_list(name, METHODS.iter().copied()).map(|h| format!("; {h}")).unwrap_or_default();
            refuse(format!(".xeng has no method '{name}'{hint}"))
        }
    }
}

/// `.xeng.regrid(dict(lat=..., lon=...), method='conservative', periodic=True)`: to the grid of a dict, an array or a dataset.
fn regrid(plan: &mut Plan, a: &LazyArray, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["to", "method", "periodic"])?;
    let to = bound.need("to")?;
    let methods = [("conservative", Method::Conservative), ("bilinear", Method::Bilinear), ("nearest", Method::Nearest)];
    let method = bound.choice("method", &methods, Method::Conservative)?;
    let periodic = bound.flag("periodic", Some(true))? != Some(false);
    numbers_only(a, "regrid")?;
    let wanted = targets(plan, a, &to).map_err(|f| f.at(to.span))?;
    let mut out = a.clone();
    let mut axes = vec![];
    for (dim, coord) in &wanted {
        let Some(own) = a.coords.get(dim).filter(|c| c.dims == [dim.clone()]) else {
            return Err(Fault::new(format!("dimension '{dim}' of the array has no labels to regrid by")).at(to.span));
        };
        let kind = kind_of(dim, own);
        let (from, target) = (Axis::of(dim, own, kind)?.once(dim)?, Axis::of(dim, coord, kind).map_err(|f| f.at(to.span))?);
        let weights = match method {
            Method::Conservative => from.overlaps(&target, periodic),
            Method::Bilinear => from.neighbours(&target, periodic),
            Method::Nearest => {
                let at = from.nearest(&target, periodic);
                if at.contains(&-1) {
                    out.node = plan.cast(out.node, indexing::promoted(plan.dtype(out.node)?))?;
                }
                out = indexing::pick(plan, &out, dim, &Picked::Many(Index::compact(&at)), Scalars::Keep)?;
                continue;
            }
        };
        axes.push(RemappedAxis { axis: plan.axis(a.node, dim)?, weights });
    }
    axes.sort_by_key(|x| x.axis);
    if !axes.is_empty() {
        if plan.dtype(a.node)? == DType::Bool {
            out.node = plan.cast(a.node, DType::F64)?;
        }
        out.node = plan.push(Op::Remap { input: out.node, axes })?;
    }
    out.coords.retain(|name, c| wanted.contains_key(name) || !c.dims.iter().any(|d| wanted.contains_key(d)));
    for (dim, mut coord) in wanted {
        if coord.attrs.is_empty() {
            coord.attrs = a.coords.get(&dim).map(|c| c.attrs.clone()).unwrap_or_default();
        }
        out.coords.insert(dim, coord);
    }
    Ok(Value::Array(out))
}

/// The labels to regrid to, by dim of the array: those that are called alike, else those that count the same.
fn targets(plan: &mut Plan, a: &LazyArray, to: &Arg) -> Outcome<IndexMap<String, LazyCoord>> {
    let own = plan.names(a.node)?;
    let given: IndexMap<String, LazyCoord> = match &to.value {
        Value::Dict(d) => d.iter().map(|(name, v)| Ok((name.clone(), literals::coordinate(plan, v, name)?))).collect::<Outcome<_>>()?,
        Value::Array(t) => t.coords.clone(),
        Value::Dataset(d) => d.coords.clone(),
        other => {
            return refuse(format!(
                "regrid() needs a dict such as dict(lat=..., lon=...), an array or a dataset, not {}",
                other.type_name()
            ));
        }
    };
    let mut out = IndexMap::new();
    for (name, mut coord) in given {
        if coord.dims.len() != 1 {
            continue;
        }
        let kind = kind_of(&name, &coord);
        let alike = own.iter().find(|d| **d == name).or_else(|| {
            let same = |d: &&String| a.coords.get(*d).is_some_and(|c| kind != Horizontal::Other && kind_of(d, c) == kind);
            own.iter().find(same)
        });
        match alike {
            Some(dim) if matches!(to.value, Value::Dict(_)) || kind != Horizontal::Other => {
                coord.dims = vec![dim.clone()];
                out.insert(dim.clone(), coord);
            }
            None if matches!(to.value, Value::Dict(_)) => return refuse(format!("the array has no dimension '{name}'")),
            _ => {}
        }
    }
    if out.is_empty() {
        return refuse("no latitude or longitude to regrid to");
    }
    Ok(out)
}

/// The dim that counts `kind`.
fn dim_of(plan: &Plan, a: &LazyArray, kind: Horizontal) -> Outcome<Option<(String, LazyCoord)>> {
    let found = plan.names(a.node)?.into_iter().find_map(|d| {
        let coord = a.coords.get(&d).filter(|c| c.dims == [d.clone()] && kind_of(&d, c) == kind)?;
        Some((d.clone(), coord.clone()))
    });
    Ok(found)
}

/// `.xeng.wrap_lon(180)`: longitudes from -180 to 180, or from 0 to 360, in ascending order.
fn wrap_lon(plan: &mut Plan, a: &LazyArray, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["to"])?;
    let at = bound.span("to");
    let start = match bound.int("to")? {
        None | Some(180) => -180.0,
        Some(360) => 0.0,
        Some(_) => {
            let fault = Fault::new("wrap_lon() takes 180, for -180 to 180, or 360, for 0 to 360");
            return Err(at.map_or(fault.clone(), |s| fault.at(s)));
        }
    };
    let Some((dim, coord)) = dim_of(plan, a, Horizontal::Longitude)? else { return refuse("the array has no dimension of longitudes") };
    let Some(values) = coord.known() else { return refuse(format!("the labels of '{dim}' are not known while planning")) };
    let Values::Numbers(block) = &**values else { return refuse(format!("the labels of '{dim}' are no numbers")) };
    let wrapped: Vec<f64> = block.to_f64_vec().into_iter().map(|x| start + (x - start).rem_euclid(360.0)).collect();
    let mut sorted = wrapped.clone();
    sorted.sort_by(f64::total_cmp);
    if sorted.windows(2).any(|w| w[1] - w[0] < 1e-6) {
        return refuse(format!("the longitudes of '{dim}' go around more than once; leave the last one out: .isel({dim}=slice(0, -1))"));
    }
    let dtype = if block.dtype().is_float() { block.dtype() } else { DType::F64 };
    let values = Values::Numbers(labels::block_of(dtype, &wrapped)?);
    let mut out = a.clone();
    out.coords.insert(dim.clone(), LazyCoord::along(&dim, values.clone(), coord.attrs.clone()));
    shape::sorted(plan, &out, &dim, &values, true).map(Value::Array)
}

/// `.xeng.area_weights()`: the part of the sphere that each cell covers, over latitude and longitude; they sum to 1 over the globe.
fn area_weights(plan: &mut Plan, a: &LazyArray, args: Args) -> Outcome<Value> {
    args.bind(&[])?;
    let Some((lat, lat_coord)) = dim_of(plan, a, Horizontal::Latitude)? else { return refuse("the array has no dimension of latitudes") };
    let lon = dim_of(plan, a, Horizontal::Longitude)?;
    let heights: Vec<f64> = Axis::of(&lat, &lat_coord, Horizontal::Latitude)?.sizes().into_iter().map(|s| s / 2.0).collect();
    let (widths, dims) = match &lon {
        Some((lon, coord)) => {
            let widths = Axis::of(lon, coord, Horizontal::Longitude)?.once(lon)?.sizes().into_iter().map(|s| s / 360.0).collect();
            (widths, vec![lat.clone(), lon.clone()])
        }
        None => (vec![1.0], vec![lat.clone()]),
    };
    let cells: Vec<f64> = heights.iter().flat_map(|h| widths.iter().map(move |w: &f64| h * w)).collect();
    let shape: Vec<usize> = if lon.is_some() { vec![heights.len(), widths.len()] } else { vec![heights.len()] };
    let node = plan.constant(&dims, Block::from_vec(&shape, cells)?)?;
    let mut coords: IndexMap<String, LazyCoord> = [(lat, lat_coord)].into();
    coords.extend(lon);
    let attrs: Attrs = [("long_name", "part of the sphere that each cell covers"), ("units", "1")]
        .map(|(k, v)| (k.to_owned(), AttrValue::Text(v.to_owned())))
        .into();
    Ok(Value::Array(LazyArray { name: Some("area_weights".to_owned()), node, coords, attrs, cells: Cells::Numbers }))
}
