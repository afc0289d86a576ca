//! Which variables `concat` joins, and which are the same in all and stay as they are.
//!
//! In: the objects. Out: names, or a variable. What only data can tell is asked where it lies, a truth per coordinate; what `compat` takes for
//! granted is asserted, and the request refused where it fails.

use super::{Asked, Over, Part, shape};
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, CoordData, LazyCoord, Plan, fold, labels};
use crate::resolve::fault::{Fault, Outcome, refuse};
use indexmap::IndexSet;
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{DType, NodeId, Reduction};

/// The names of the coordinates that are joined.
pub(super) fn over(plan: &mut Plan, parts: &[Part], asked: &Asked) -> Outcome<IndexSet<String>> {
    let dim = asked.dim.as_str();
    let mut over = IndexSet::new();
    for (name, coord) in parts.iter().flat_map(|p| &p.coords) {
        let is_index = parts.iter().any(|p| p.sizes.contains_key(name));
        if name == dim || coord.dims.iter().any(|d| d == dim) || asked.coords == Over::All && !is_index {
            over.insert(name.clone());
        }
    }
    if asked.coords != Over::Different {
        return Ok(over);
    }
    for name in parts.first().map(|p| p.coords.keys()).into_iter().flatten() {
        if over.contains(name) {
            continue;
        }
        let all: Vec<&LazyCoord> = parts.iter().filter_map(|p| p.coords.get(name)).collect();
        if all.len() == 1 {
            // Here xarray looks no further.
            break;
        }
        if all.len() < parts.len() {
            return refuse(format!("concat(): '{name}' is a coordinate of some arrays only"));
        }
        if differ(plan, &all)? {
            over.insert(name.clone());
        }
    }
    Ok(over)
}

/// Whether any of several coordinates differs from the first; where only their cells tell, these are compared where they lie.
fn differ(plan: &mut Plan, all: &[&LazyCoord]) -> Outcome<bool> {
    let mut unsure = vec![];
    for other in &all[1..] {
        match compared(plan, all[0], other)? {
            Compared::Equal => {}
            Compared::Different => return Ok(true),
            Compared::Unknown(differs) => unsure.push(differs),
        }
    }
    let Some(&first) = unsure.first() else { return Ok(false) };
    let any = unsure[1..].iter().try_fold(first, |a, &b| plan.binary(Binary::Or, a.into(), b.into(), DType::Bool))?;
    let told = plan.cells_of(&[any])?;
    Ok(told.iter().any(|cell| cell.to_f64_vec().iter().any(|&differs| differs != 0.0)))
}

fn agrees(name: &str, how: &str) -> Fault {
    Fault::new(format!("concat(): the coordinate '{name}', which had to be read, is {how}; leave it out with .drop_vars('{name}')"))
}

/// What is known of two variables while planning.
enum Compared {
    Equal,
    Different,
    /// A node of one cell tells whether they differ.
    Unknown(NodeId),
}

fn compared(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord) -> Outcome<Compared> {
    let (a, b) = (fold::settle(plan, a.clone()), fold::settle(plan, b.clone()));
    if a.dims != b.dims || shape(plan, &a)? != shape(plan, &b)? {
        return Ok(Compared::Different);
    }
    match (&a.data, &b.data) {
        (CoordData::Known(x, _), CoordData::Known(y, _)) => Ok(if labels::equal(x, y) { Compared::Equal } else { Compared::Different }),
        (CoordData::Lazy(x, p), CoordData::Lazy(y, q)) if x == y && p == q => Ok(Compared::Equal),
        _ => {
            let ((x, p), (y, q)) = (node(plan, &a)?, node(plan, &b)?);
            match (p, q) {
                (Cells::Numbers, Cells::Numbers) => unequal(plan, x, y).map(Compared::Unknown),
                _ => Err(Fault::unsupported("comparing coordinates of times or texts that have to be read")),
            }
        }
    }
}

/// Whether any cells differ, missing ones being equal.
fn unequal(plan: &mut Plan, x: NodeId, y: NodeId) -> Outcome<NodeId> {
    let within = plan.dtype(x)?.promote(plan.dtype(y)?);
    let mut differ = plan.binary(Binary::Ne, x.into(), y.into(), within)?;
    if within.is_float() {
        let own = plan.cast(x, within)?;
        let other = plan.cast(y, within)?;
        let (a, b) = (plan.unary(Unary::IsNan, own, within)?, plan.unary(Unary::IsNan, other, within)?);
        let both = plan.binary(Binary::And, a.into(), b.into(), DType::Bool)?;
        let not_both = plan.unary(Unary::Not, both, DType::Bool)?;
        differ = plan.binary(Binary::And, differ.into(), not_both.into(), DType::Bool)?;
    }
    let dims = plan.names(differ)?;
    if dims.is_empty() {
        return plan.binary(Binary::Or, differ.into(), Operand::Int(0), DType::Bool);
    }
    plan.reduce(differ, Reduction::Any, &dims)
}

/// The node of a variable, made of its cells where they are known.
pub(super) fn node(plan: &mut Plan, c: &LazyCoord) -> Outcome<(NodeId, Cells)> {
    Ok(match &c.data {
        CoordData::Lazy(node, cells) => (*node, cells.clone()),
        CoordData::Known(v, shape) => {
            let (block, cells) = labels::to_block(v, shape)?;
            (plan.constant(&c.dims, block)?, cells)
        }
    })
}

/// A coordinate that is not joined: the first one's, and every other's must equal it.
pub(super) fn kept(plan: &mut Plan, parts: &[Part], name: &str, asked: &Asked) -> Outcome<LazyCoord> {
    let all: Vec<&LazyCoord> = parts.iter().filter_map(|p| p.coords.get(name)).collect();
    let Some(first) = all.first() else { return refuse(format!("there is no coordinate '{name}'")) };
    let is_index = first.dims == [name.to_owned()];
    if is_index || asked.overrides {
        return Ok((*first).clone());
    }
    for other in &all[1..] {
        same(plan, name, first, other)?;
    }
    Ok((*first).clone())
}

/// As [`kept`], of a data variable without the dim (`data_vars='minimal'`).
pub(super) fn kept_data(plan: &mut Plan, parts: &[Part], name: &str, asked: &Asked) -> Outcome<LazyCoord> {
    let all: Vec<&LazyCoord> = parts.iter().filter_map(|p| p.data.get(name)).collect();
    let Some(first) = all.first() else { return refuse(format!("there is no variable '{name}'")) };
    if !asked.overrides {
        for other in &all[1..] {
            same(plan, name, first, other)?;
        }
    }
    Ok((*first).clone())
}

fn same(plan: &mut Plan, name: &str, a: &LazyCoord, b: &LazyCoord) -> Outcome<()> {
    match compared(plan, a, b)? {
        Compared::Equal => Ok(()),
        Compared::Different => refuse(format!("concat(): '{name}' differs and is not joined; leave it out with .drop_vars('{name}')")),
        Compared::Unknown(differs) => {
            plan.refuse_if(differs, agrees(name, "not the same in all"));
            Ok(())
        }
    }
}
