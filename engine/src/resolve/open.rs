//! An opened dataset as a lazy one: every variable a scan, every small coordinate known.
//!
//! In: a region's description. Out: a lazy dataset. Never reads data, nor scans variables that are not asked for.

use super::fault::{Outcome, refuse};
use crate::lazy::labels;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, LazyDataset, OpenedDataset, Plan, PlanSource};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::{DType, Dim, NodeId};
use xeng_proto::{Kind, Variable};

/// The lazy dataset of an opened one.
///
/// # Errors
/// When a description contradicts itself.
pub fn dataset(plan: &mut Plan, opened: &Arc<OpenedDataset>) -> Outcome<LazyDataset> {
    let mut coords = IndexMap::new();
    for (name, variable) in opened.description.variables.iter().filter(|(_, v)| v.is_coordinate) {
        if let Some(coord) = coordinate(plan, opened, name, variable)? {
            coords.insert(name.clone(), coord);
        }
    }
    let mut variables = IndexMap::new();
    for (name, variable) in opened.description.variables.iter().filter(|(_, v)| !v.is_coordinate) {
        if let Some(array) = data_variable(plan, opened, name, variable, &coords)? {
            variables.insert(name.clone(), array);
        }
    }
    Ok(LazyDataset { variables, coords, attrs: opened.description.attrs.clone() })
}

/// One data variable of an opened dataset, if it has it.
///
/// # Errors
/// When a description contradicts itself.
pub fn variable(plan: &mut Plan, opened: &Arc<OpenedDataset>, name: &str) -> Outcome<Option<LazyArray>> {
    let Some(v) = opened.description.variables.get(name).filter(|v| !v.is_coordinate) else { return Ok(None) };
    let mut coords = IndexMap::new();
    for (name, variable) in
        opened.description.variables.iter().filter(|(_, c)| c.is_coordinate && c.dims.iter().all(|d| v.dims.contains(d)))
    {
        if let Some(coord) = coordinate(plan, opened, name, variable)? {
            coords.insert(name.clone(), coord);
        }
    }
    data_variable(plan, opened, name, v, &coords)
}

fn coordinate(plan: &mut Plan, opened: &Arc<OpenedDataset>, name: &str, v: &Variable) -> Outcome<Option<LazyCoord>> {
    let shape = v.shape();
    let data = match (&v.values, &v.kind) {
        (Some(values), _) => {
            if values.len() != shape.iter().product::<usize>() || shape.len() > 1 {
                return refuse(format!("the region describes coordinate '{name}' with {} cells for shape {shape:?}", values.len()));
            }
            CoordData::Known(Arc::new(values.clone()), shape)
        }
        // Texts of higher rank can be neither shown nor computed with.
        (None, Kind::Text) => return Ok(None),
        (None, kind) => CoordData::Lazy(scan(plan, opened, name, v)?, cells_of(kind)),
    };
    Ok(Some(LazyCoord { dims: v.dims.clone(), data, attrs: v.attrs.clone() }))
}

fn data_variable(
    plan: &mut Plan,
    opened: &Arc<OpenedDataset>,
    name: &str,
    v: &Variable,
    coords: &IndexMap<String, LazyCoord>,
) -> Outcome<Option<LazyArray>> {
    let (node, cells) = match (&v.values, &v.kind) {
        (Some(values), Kind::Text) => {
            let (block, cells) = labels::to_block(values, &v.shape())?;
            (plan.constant(&v.dims, block).map_err(|f| f.about(name))?, cells)
        }
        (None, Kind::Text) => return Ok(None),
        (_, kind) => (scan(plan, opened, name, v)?, cells_of(kind)),
    };
    let own = coords.iter().filter(|(_, c)| c.dims.iter().all(|d| v.dims.contains(d))).map(|(n, c)| (n.clone(), c.clone())).collect();
    Ok(Some(LazyArray { name: Some(name.to_owned()), node, coords: own, attrs: v.attrs.clone(), cells }))
}

fn cells_of(kind: &Kind) -> Cells {
    match kind {
        Kind::Time(encoding) => Cells::Times(encoding.clone()),
        Kind::Number(_) | Kind::Text => Cells::Numbers,
    }
}

/// The scan of a variable; the same one each time it is named.
fn scan(plan: &mut Plan, opened: &Arc<OpenedDataset>, name: &str, v: &Variable) -> Outcome<NodeId> {
    let known = plan.sources.iter().position(|s| s.variable == name && Arc::ptr_eq(&s.dataset, opened));
    let source = known.unwrap_or_else(|| {
        plan.sources.push(PlanSource { dataset: opened.clone(), variable: name.to_owned() });
        plan.sources.len() - 1
    });
    let dtype = match &v.kind {
        Kind::Number(dtype) => *dtype,
        Kind::Time(_) | Kind::Text => DType::I64,
    };
    let dims: Vec<Dim> = v.dims.iter().zip(v.shape()).map(|(d, n)| Dim::new(d, n)).collect();
    if dims.len() != v.chunks.len() {
        return refuse(format!("the region describes variable '{name}' with {} dims and {} axes", v.dims.len(), v.chunks.len()));
    }
    for (i, d) in dims.iter().enumerate() {
        if dims[..i].iter().any(|e| e.name == d.name) {
            return refuse(format!("variable '{name}' has the dimension '{}' twice, which is not supported yet by xeng", d.name));
        }
    }
    Ok(plan.graph.scan(source as u32, dims, dtype))
}
