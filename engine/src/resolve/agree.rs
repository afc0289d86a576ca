//! Whether coordinates or variables of one name agree, and what becomes of those that do or complete each other.
//!
//! In: variables of one name. Out: a verdict, or one variable. What only cells tell is asked where they lie: a truth per comparison.

use super::fault::{Fault, Outcome, refuse};
use crate::lazy::{Cells, CoordData, LazyCoord, Plan, fold, labels};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{DType, Dim, NodeId, Reduction};

/// What is known of two variables while planning.
pub enum Compared {
    /// They hold the same cells.
    Equal,
    /// They do not.
    Different,
    /// A node of one cell tells whether they differ.
    Unknown(NodeId),
}

/// The node of a variable, made of its cells where they are known.
///
/// # Errors
/// When the cells are too many for a constant.
pub fn node(plan: &mut Plan, c: &LazyCoord) -> Outcome<(NodeId, Cells)> {
    Ok(match &c.data {
        CoordData::Lazy(node, cells) => (*node, cells.clone()),
        CoordData::Known(v, shape) => {
            let (block, cells) = labels::to_block(v, shape)?;
            (plan.constant(&c.dims, block)?, cells)
        }
    })
}

/// The shape of a variable.
///
/// # Errors
/// When its node does not exist, which is a defect.
pub fn shape(plan: &Plan, v: &LazyCoord) -> Outcome<Vec<usize>> {
    Ok(match &v.data {
        CoordData::Known(_, shape) => shape.clone(),
        CoordData::Lazy(node, _) => plan.node(*node)?.shape(),
    })
}

/// Whether two variables have the same dims and cells, missing ones being equal.
///
/// # Errors
/// For times and texts that have to be read and cannot be compared.
pub fn compared(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord) -> Outcome<Compared> {
    let (a, b) = (fold::settle(plan, a.clone()), fold::settle(plan, b.clone()));
    if a.dims != b.dims || shape(plan, &a)? != shape(plan, &b)? {
        return Ok(Compared::Different);
    }
    by_cells(plan, &a, &b)
}

/// As [`compared`], after both are repeated along the dims that one of them lacks.
///
/// # Errors
/// As [`compared`], and when dims of one name have different lengths.
pub fn compared_broadcast(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord) -> Outcome<Compared> {
    let (a, b) = (fold::settle(plan, a.clone()), fold::settle(plan, b.clone()));
    by_cells(plan, &a, &b)
}

fn by_cells(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord) -> Outcome<Compared> {
    match (&a.data, &b.data) {
        (CoordData::Known(x, s), CoordData::Known(y, t)) if a.dims == b.dims => {
            Ok(if s == t && labels::equal(x, y) { Compared::Equal } else { Compared::Different })
        }
        (CoordData::Lazy(x, p), CoordData::Lazy(y, q)) if x == y && p == q => Ok(Compared::Equal),
        (CoordData::Known(x, _), CoordData::Known(y, _)) => {
            let wide = labels::labels(if x.len() > y.len() { x } else { y });
            let few = labels::labels(if x.len() > y.len() { y } else { x });
            match few.as_slice() {
                [one] => Ok(if wide.iter().all(|l| l == one) { Compared::Equal } else { Compared::Different }),
                _ => by_nodes(plan, a, b),
            }
        }
        _ => by_nodes(plan, a, b),
    }
}

fn by_nodes(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord) -> Outcome<Compared> {
    let ((x, p), (y, q)) = (node(plan, a)?, node(plan, b)?);
    let comparable = match (&p, &q) {
        (Cells::Numbers, Cells::Numbers) => true,
        (Cells::Times(s), Cells::Times(t)) => labels::same_calendar(s, t),
        (Cells::Texts(s), Cells::Texts(t)) if s == t => true,
        (Cells::Texts(_), Cells::Texts(_)) => return Err(Fault::unsupported("comparing texts that have to be read")),
        _ => false,
    };
    if !comparable {
        return Ok(Compared::Different);
    }
    let differ = unequal(plan, x, y)?;
    Ok(match fold::known(plan, differ).map(|told| told.to_i64_vec().iter().any(|&t| t != 0)) {
        Some(true) => Compared::Different,
        Some(false) => Compared::Equal,
        None => Compared::Unknown(differ),
    })
}

/// Whether any cells differ, missing ones being equal.
fn unequal(plan: &mut Plan, x: NodeId, y: NodeId) -> Outcome<NodeId> {
    let within = plan.dtype(x)?.promote(plan.dtype(y)?);
    let mut differ = plan.binary(Binary::Ne, x.into(), y.into(), within)?;
    if within.is_float() {
        let (a, b) = (is_missing(plan, x, within)?, is_missing(plan, y, within)?);
        let both = plan.binary(Binary::And, a.into(), b.into(), DType::Bool)?;
        let not_both = plan.unary(Unary::Not, both, DType::Bool)?;
        differ = plan.binary(Binary::And, differ.into(), not_both.into(), DType::Bool)?;
    }
    anywhere(plan, differ)
}

fn is_missing(plan: &mut Plan, x: NodeId, within: DType) -> Outcome<NodeId> {
    let wide = plan.cast(x, within)?;
    plan.unary(Unary::IsNan, wide, within)
}

fn anywhere(plan: &mut Plan, truths: NodeId) -> Outcome<NodeId> {
    let dims = plan.names(truths)?;
    if dims.is_empty() { Ok(truths) } else { plan.reduce(truths, Reduction::Any, &dims) }
}

/// Of those pairs that only cells tell apart, which differ: all are read at once.
///
/// # Errors
/// When they cannot be read yet: then the plan is made once more.
pub fn told(plan: &mut Plan, differs: &[NodeId]) -> Outcome<Vec<bool>> {
    if differs.is_empty() {
        return Ok(vec![]);
    }
    Ok(plan.cells_of(differs)?.iter().map(|cell| cell.to_i64_vec().iter().any(|&differs| differs != 0)).collect())
}

/// A variable repeated along the dims of others that agree with it: its own dims first, as xarray's `set_dims` orders them.
///
/// # Errors
/// When the result is too large.
pub fn widened(plan: &mut Plan, first: &LazyCoord, others: &[&LazyCoord]) -> Outcome<LazyCoord> {
    let mut dims = first.dims.clone();
    let mut lengths = vec![];
    for other in others {
        for (dim, length) in other.dims.iter().zip(shape(plan, other)?) {
            if !dims.contains(dim) {
                dims.push(dim.clone());
                lengths.push((dim.clone(), length));
            }
        }
    }
    if lengths.is_empty() {
        return Ok(first.clone());
    }
    let (mut node, cells) = node(plan, first)?;
    for (dim, length) in lengths {
        node = plan.expand(node, 0, Dim::new(&dim, length))?;
    }
    let node = plan.transpose(node, &dims)?;
    Ok(fold::settle(plan, LazyCoord { dims, data: CoordData::Lazy(node, cells), attrs: first.attrs.clone() }))
}

/// Two variables of one name as one, each filling what the other misses (`compat='no_conflicts'`).
///
/// # Errors
/// When they are known to contradict each other; where only cells tell, the request is refused as soon as they do.
pub fn filled(plan: &mut Plan, name: &str, a: &LazyCoord, b: &LazyCoord) -> Outcome<LazyCoord> {
    let conflict = || {
        Fault::new(format!(
            "'{name}' has different values in two of what is merged; rename one, or leave one out with .drop_vars('{name}')"
        ))
    };
    if matches!(compared(plan, a, b)?, Compared::Equal) {
        return Ok(a.clone());
    }
    let ((x, p), (y, q)) = (node(plan, a)?, node(plan, b)?);
    if (p, q) != (Cells::Numbers, Cells::Numbers) {
        return Err(Fault::unsupported(format!("merging two variables '{name}' of times or texts that are not the same")));
    }
    let (names, others) = (plan.names(x)?, plan.names(y)?);
    if names.len() != others.len() || names.iter().any(|d| !others.contains(d)) {
        return Err(Fault::unsupported(format!("merging two variables '{name}' of different dimensions")));
    }
    let within = plan.dtype(x)?.promote(plan.dtype(y)?);
    let (no_x, no_y) = (is_missing_or_never(plan, x, within)?, is_missing_or_never(plan, y, within)?);
    let gap = plan.binary(Binary::Or, no_x.into(), no_y.into(), DType::Bool)?;
    let both = plan.unary(Unary::Not, gap, DType::Bool)?;
    let differ = plan.binary(Binary::Ne, x.into(), y.into(), within)?;
    let wrong = plan.binary(Binary::And, differ.into(), both.into(), DType::Bool)?;
    let wrong = anywhere(plan, wrong)?;
    match fold::known(plan, wrong) {
        Some(cell) if cell.to_i64_vec().iter().any(|&t| t != 0) => return Err(conflict()),
        Some(_) => {}
        None => plan.refuse_if(wrong, conflict()),
    }
    let node = plan.select_like(x.into(), no_x, y.into(), x.into(), within)?;
    Ok(fold::settle(plan, LazyCoord { dims: names, data: CoordData::Lazy(node, Cells::Numbers), attrs: a.attrs.clone() }))
}

/// Whether each cell is missing; those of whole numbers and truths never are.
fn is_missing_or_never(plan: &mut Plan, x: NodeId, within: DType) -> Outcome<NodeId> {
    if within.is_float() { is_missing(plan, x, within) } else { plan.binary(Binary::Ne, x.into(), x.into(), within) }
}

/// Refuses where a variable is not the same in all.
///
/// # Errors
/// When it is known to differ.
pub fn same(plan: &mut Plan, a: &LazyCoord, b: &LazyCoord, differs: &str, read: Fault) -> Outcome<()> {
    match compared(plan, a, b)? {
        Compared::Equal => Ok(()),
        Compared::Different => refuse(differs),
        Compared::Unknown(node) => {
            plan.refuse_if(node, read);
            Ok(())
        }
    }
}
