//! `.dropna('time', how='any', thresh=None)`: the indices of a dim where enough cells are there.
//!
//! In: an array or a dataset, a dim. Out: the same with fewer indices. Reads one count per index while planning, never the cells.

use super::args::{Args, Names};
use super::elementwise;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use crate::expr::Span;
use crate::lazy::{LazyArray, LazyDataset, Plan, Value};
use crate::resolve::dataset;
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::graph::Index;
use xeng_kernels::{DType, NodeId, Reduction};

/// When an index is kept.
#[derive(Clone, Copy)]
enum Kept {
    /// No cell is missing.
    Whole,
    /// Some cell is there.
    Some,
    /// So many cells are there.
    AtLeast(i64),
}

struct Asked {
    dim: String,
    span: Span,
    kept: Kept,
    subset: Option<Vec<String>>,
}

impl Asked {
    fn read(args: Args, names: &[&str]) -> Outcome<Asked> {
        if args.positional.len() > 1 {
            return refuse("dropna() takes one argument without a name: the dimension");
        }
        let mut bound = args.bind(names)?;
        let arg = bound.need("dim")?;
        let Value::Text(dim) = &arg.value else { return Err(bound.wrong("dim", &arg, "a name")) };
        let how = bound.choice("how", &[("any", Kept::Whole), ("all", Kept::Some)], Kept::Whole)?;
        let kept = bound.int("thresh")?.map_or(how, Kept::AtLeast);
        let subset = if names.contains(&"subset") { bound.names("subset")? } else { Names::All };
        let subset = if let Names::These(names) = subset { Some(names) } else { None };
        Ok(Asked { dim: dim.clone(), span: arg.span, kept, subset })
    }

    /// The indices that are kept, of an array's or a dataset's variables with the dim.
    fn indices(&self, plan: &mut Plan, variables: &[&LazyArray]) -> Outcome<Index> {
        let (mut count, mut all): (Option<NodeId>, i64) = (None, 0);
        for v in variables {
            let dims = plan.dims(v.node)?;
            if !dims.iter().any(|d| *d.name == *self.dim) {
                continue;
            }
            let others: Vec<String> = dims.iter().filter(|d| *d.name != *self.dim).map(|d| d.name.to_string()).collect();
            let cells = dims.iter().filter(|d| *d.name != *self.dim).fold(1i64, |n, d| n.saturating_mul(d.len as i64));
            all = all.saturating_add(cells);
            let own = there(plan, v, &others)?;
            count = Some(count.map_or(Ok(own), |c| plan.binary(Binary::Add, c.into(), own.into(), DType::I64))?);
        }
        let Some(count) = count else { return Err(Fault::unsupported("dropna() of variables that all lack the dimension")) };
        let counts = plan.cells_of(&[count])?;
        let counts = counts.first().map(xeng_kernels::Block::to_i64_vec).unwrap_or_default();
        let is_kept = |n: i64| match self.kept {
            Kept::Whole => n == all,
            Kept::Some => n > 0,
            Kept::AtLeast(least) => n >= least,
        };
        let at: Vec<i64> = counts.iter().enumerate().filter(|(_, n)| is_kept(**n)).map(|(i, _)| i as i64).collect();
        Ok(Index::compact(&at))
    }
}

/// Cells that are not missing, over some dims.
fn there(plan: &mut Plan, v: &LazyArray, dims: &[String]) -> Outcome<NodeId> {
    let missing = elementwise::missing(plan, v)?;
    let there = plan.unary(Unary::Not, missing, DType::Bool)?;
    let ones = plan.cast(there, DType::I64)?;
    if dims.is_empty() { Ok(ones) } else { plan.reduce(ones, Reduction::Sum { skipna: true, min_count: 0 }, dims) }
}

/// `da.dropna('time')`
///
/// # Errors
/// When the dim does not exist.
pub fn of_array(plan: &mut Plan, a: &LazyArray, args: Args) -> Outcome<Value> {
    let asked = Asked::read(args, &["dim", "how", "thresh"])?;
    plan.axis(a.node, &asked.dim).map_err(|f| f.at(asked.span))?;
    let index = asked.indices(plan, &[a])?;
    indexing::pick(plan, a, &asked.dim, &Picked::Many(index), Scalars::Keep).map(Value::Array)
}

/// `ds.dropna('time', subset=None)`
///
/// # Errors
/// When the dim or a variable does not exist.
pub fn of_dataset(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let asked = Asked::read(args, &["dim", "how", "thresh", "subset"])?;
    if !dataset::dims(plan, d)?.contains(&asked.dim) {
        return Err(Fault::new(format!("there is no dimension '{}'", asked.dim)).at(asked.span));
    }
    let chosen = match &asked.subset {
        None => d.variables.values().cloned().collect(),
        Some(names) => names.iter().map(|n| dataset::variable(plan, d, n)).collect::<Outcome<Vec<_>>>()?,
    };
    let index = asked.indices(plan, &chosen.iter().collect::<Vec<_>>())?;
    dataset::each(plan, d, |plan, v| {
        if plan.names(v.node)?.contains(&asked.dim) {
            indexing::pick(plan, v, &asked.dim, &Picked::Many(index.clone()), Scalars::Keep)
        } else {
            Ok(v.clone())
        }
    })
}
