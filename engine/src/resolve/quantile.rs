//! `.quantile(q, dim, method=...)` of arrays, datasets and groups.
//!
//! In: an array, shares, dims. Out: an array with a coordinate `quantile`. Never estimates: every cell of a lane is looked at.

use super::args::{Arg, Args};
use super::calls::Receiver;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::group;
use super::literals;
use super::operators::numbers_only;
use super::reduce::{self, ReductionKind, Request};
use crate::lazy::plan::Order;
use crate::lazy::value::Grouped;
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::along::QuantileMethod;
use xeng_kernels::{Block, DType, Dim, NodeId, Op};
use xeng_proto::{Attrs, Values};

const NAME: &str = "quantile";

const METHODS: &[(&str, QuantileMethod)] = &[
    ("linear", QuantileMethod::Linear),
    ("lower", QuantileMethod::Lower),
    ("higher", QuantileMethod::Higher),
    ("midpoint", QuantileMethod::Midpoint),
    ("nearest", QuantileMethod::Nearest),
    ("inverted_cdf", QuantileMethod::Inverted),
    ("averaged_inverted_cdf", QuantileMethod::InvertedMean),
    ("closest_observation", QuantileMethod::Closest),
    ("interpolated_inverted_cdf", QuantileMethod::InvertedLine),
    ("hazen", QuantileMethod::Hazen),
    ("weibull", QuantileMethod::Weibull),
    ("median_unbiased", QuantileMethod::MedianUnbiased),
    ("normal_unbiased", QuantileMethod::NormalUnbiased),
];

/// What a call asks for.
struct Asked {
    shares: Vec<f64>,
    /// Whether `q` is one number, so that no dim is made.
    single: bool,
    method: QuantileMethod,
    request: Request,
}

impl Asked {
    fn read(args: Args) -> Outcome<Asked> {
        let mut bound = args.bind(&["q", "dim", "method", "keep_attrs", "skipna", "interpolation"])?;
        bound.unsupported(&["interpolation"])?;
        let q = bound.need("q")?;
        let method = bound.choice("method", METHODS, QuantileMethod::Linear)?;
        let (shares, single) = shares(&q).map_err(|f| f.at(q.span))?;
        let span = bound.span("dim");
        let request = Request {
            dims: bound.names("dim")?,
            span,
            skipna: bound.flag("skipna", None)?,
            keep_attrs: bound.flag("keep_attrs", Some(true))? != Some(false),
            ..Request::plain(ReductionKind::Median, vec![])
        };
        Ok(Asked { shares, single, method, request })
    }

    /// One node per share, each made by `fold`.
    fn nodes(
        &self,
        plan: &mut Plan,
        a: &LazyArray,
        mut fold: impl FnMut(&mut Plan, NodeId, Order) -> Outcome<NodeId>,
    ) -> Outcome<Vec<NodeId>> {
        numbers_only(a, NAME)?;
        let dtype = plan.dtype(a.node)?;
        if dtype == DType::Bool {
            return refuse("quantile() does not take truths");
        }
        let is_cell = matches!(
            self.method,
            QuantileMethod::Lower | QuantileMethod::Higher | QuantileMethod::Nearest | QuantileMethod::Inverted | QuantileMethod::Closest
        );
        if is_cell && matches!(dtype, DType::I64 | DType::U64) {
            return Err(Fault::unsupported(format!("quantile() of {dtype} by that method; use .astype(float)")));
        }
        let skipna = dtype.is_float() && self.request.skipna.unwrap_or(true);
        let mut nodes = vec![];
        for &q in &self.shares {
            let node = fold(plan, a.node, Order::Quantile { q, method: self.method, skipna })?;
            nodes.push(if is_cell { plan.cast(node, dtype)? } else { node });
        }
        Ok(nodes)
    }

    /// The nodes side by side along a new dim at `axis`, or the only one.
    fn joined(&self, plan: &mut Plan, nodes: &[NodeId], axis: usize) -> Outcome<NodeId> {
        match (self.single, nodes) {
            (true, [node, ..]) => Ok(*node),
            _ => {
                let inputs = nodes.iter().map(|&n| plan.expand(n, axis, Dim::new(NAME, 1))).collect::<Outcome<Vec<_>>>()?;
                if let [only] = inputs.as_slice() { Ok(*only) } else { plan.push(Op::Concat { inputs, axis }) }
            }
        }
    }

    fn coordinate(&self) -> Outcome<LazyCoord> {
        let block = Block::from_vec(&[self.shares.len()], self.shares.clone())?;
        Ok(if self.single {
            LazyCoord::scalar(Values::Numbers(block.reshape(&[])?), Attrs::new())
        } else {
            LazyCoord::along(NAME, Values::Numbers(block), Attrs::new())
        })
    }
}

fn shares(q: &Arg) -> Outcome<(Vec<f64>, bool)> {
    let (values, shape) = literals::cells(&Plan::default(), &q.value)?;
    let Values::Numbers(block) = values else { return refuse("quantiles must be numbers") };
    let shares = block.to_f64_vec();
    if shape.len() > 1 || shares.is_empty() {
        return refuse("quantiles must be one number or a list of them");
    }
    if shares.iter().any(|q| !(0.0..=1.0).contains(q)) {
        return refuse("quantiles must be in the range [0, 1]");
    }
    Ok((shares, shape.is_empty()))
}

/// `.quantile(q, dim=None, method='linear')`: scalar coordinates go, as in xarray.
///
/// # Errors
/// When a share lies outside 0 to 1, or a dim does not exist.
pub fn quantile(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let asked = Asked::read(args)?;
    let dims = asked.request.dims_of(plan, a, receiver)?;
    let own = plan.names(a.node)?;
    let mut out = a.clone();
    out.coords.retain(|_, c| !c.dims.is_empty() && !c.dims.iter().any(|d| dims.contains(d)));
    let untouched = receiver.is_dataset() && dims.is_empty() && !own.is_empty();
    if !untouched {
        let nodes = asked.nodes(plan, a, |plan, node, order| plan.reduce(node, order, &dims))?;
        out.node = asked.joined(plan, &nodes, 0)?;
        out.cells = Cells::Numbers;
        // Its attributes are kept in xarray whatever is asked.
    }
    if !untouched || asked.single {
        out.coords.insert(NAME.to_owned(), asked.coordinate()?);
    }
    Ok(Value::Array(out))
}

/// `.groupby(...).quantile(q)`: the dim `quantile`, if there is one, comes last.
///
/// # Errors
/// As [`quantile`].
pub fn of_groups(plan: &mut Plan, g: &Grouped, args: Args) -> Outcome<Value> {
    let asked = Asked::read(args)?;
    match &g.object {
        Value::Array(a) => Ok(Value::Array(of_group(plan, a, g, &asked)?)),
        Value::Dataset(d) => {
            let mut variables = IndexMap::new();
            for (name, v) in &d.variables {
                if !plan.names(v.node)?.contains(&g.by.along) {
                    return Err(Fault::unsupported(format!(
                        "quantile() of groups of a dataset whose variable '{name}' lacks '{}'; name the variables: ds[['tas']],",
                        g.by.along
                    )));
                }
                let mut out = of_group(plan, v, g, &asked)?;
                let mut order: Vec<String> = plan.names(out.node)?;
                let group = g.by.dim.name.to_string();
                order.retain(|d| *d != group);
                order.insert(0, group);
                out.node = plan.transpose(out.node, &order)?;
                variables.insert(name.clone(), out);
            }
            Ok(Value::Dataset(dataset::gather(plan, variables, d)?))
        }
        other => refuse(format!("{} cannot be grouped", other.type_name())),
    }
}

fn of_group(plan: &mut Plan, a: &LazyArray, g: &Grouped, asked: &Asked) -> Outcome<LazyArray> {
    let by = &g.by;
    let dims = group::dims_of(plan, a, by, &asked.request, &Receiver::array())?;
    if !dims.contains(&by.along) {
        return refuse(format!("quantile() of groups needs the dimension '{}' among its dims", by.along));
    }
    let others: Vec<String> = dims.iter().filter(|d| **d != by.along).cloned().collect();
    reduce::has_cells(plan, a, &asked.request, &others)?;
    let nodes = asked.nodes(plan, a, |plan, node, order| {
        let node = plan.reduce_groups(node, order, &dims, &by.along, by.codes.clone(), by.dim.clone())?;
        match &by.bins {
            Some(fill) => group::with_gaps(plan, node, &Cells::Numbers, &by.dim.name, fill),
            None => Ok(node),
        }
    })?;
    let axis = nodes.first().map_or(Ok(0), |&n| plan.dims(n).map(|d| d.len()))?;
    let node = asked.joined(plan, &nodes, axis)?;
    let mut out = group::labelled(a, by, &dims, asked.request.keep_attrs, node, Cells::Numbers);
    out.coords.retain(|_, c| !c.dims.is_empty());
    out.coords.insert(NAME.to_owned(), asked.coordinate()?);
    Ok(out)
}
