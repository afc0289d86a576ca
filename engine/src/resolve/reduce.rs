//! Reductions: `sum`, `mean` and the like over dims.
//!
//! In: an array, a reduction's name, its arguments. Out: an array without those dims. Never groups; see `group`.

use super::args::{self, Arg, Args, Bound, Names};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::operators::numbers_only;
use super::reduce_times;
use crate::expr::Span;
use crate::lazy::plan::{Folding, Order};
use crate::lazy::{Cells, LazyArray, Plan, Value};
use xeng_kernels::{DType, NodeId, Reduction};
use xeng_proto::Attrs;

/// A reduction as a user asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is computed.
    pub kind: ReductionKind,
    /// Over which dims.
    pub dims: Names,
    /// Where they are named.
    pub span: Option<Span>,
    /// `skipna`: by default only floats are checked for missing cells, with the same result.
    pub skipna: Option<bool>,
    /// Whether attributes stay; they do by default.
    pub keep_attrs: bool,
    /// `ddof`
    pub ddof: u32,
    /// `min_count`
    pub min_count: Option<u64>,
}

/// The reductions by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReductionKind {
    Sum,
    Mean,
    Min,
    Max,
    Std,
    Var,
    Prod,
    Count,
    Any,
    All,
    ArgMin,
    ArgMax,
    Median,
    First,
    Last,
}

/// The reductions that arrays, datasets and groups have.
pub const NAMES: &[(&str, ReductionKind)] = &[
    ("sum", ReductionKind::Sum),
    ("mean", ReductionKind::Mean),
    ("min", ReductionKind::Min),
    ("max", ReductionKind::Max),
    ("std", ReductionKind::Std),
    ("var", ReductionKind::Var),
    ("prod", ReductionKind::Prod),
    ("count", ReductionKind::Count),
    ("any", ReductionKind::Any),
    ("all", ReductionKind::All),
    ("argmin", ReductionKind::ArgMin),
    ("argmax", ReductionKind::ArgMax),
    ("median", ReductionKind::Median),
];

/// The reduction called `name`.
pub fn named(name: &str) -> Option<ReductionKind> {
    NAMES.iter().find(|(n, _)| *n == name).map(|(_, k)| *k)
}

impl ReductionKind {
    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            ReductionKind::First => "first",
            ReductionKind::Last => "last",
            _ => NAMES.iter().find(|(_, k)| *k == self).map_or("", |(n, _)| n),
        }
    }

    /// Whether it has no answer for no cells.
    fn needs_cells(self) -> bool {
        matches!(self, ReductionKind::Min | ReductionKind::Max | ReductionKind::ArgMin | ReductionKind::ArgMax)
    }

    /// Whether a dataset leaves out variables that are texts (`numeric_only`).
    pub fn numeric_only(self) -> bool {
        matches!(
            self,
            ReductionKind::Sum
                | ReductionKind::Mean
                | ReductionKind::Std
                | ReductionKind::Var
                | ReductionKind::Prod
                | ReductionKind::Median
        )
    }

    /// Whether a dataset's variables that have none of the dims stay as they are; others are folded over no dim at all.
    pub fn spares_others(self) -> bool {
        matches!(
            self,
            ReductionKind::Sum
                | ReductionKind::Mean
                | ReductionKind::Prod
                | ReductionKind::Median
                | ReductionKind::Min
                | ReductionKind::Max
        )
    }

    /// Whether it can tell missing cells from present ones.
    fn has_skipna(self) -> bool {
        !matches!(self, ReductionKind::Count | ReductionKind::Any | ReductionKind::All)
    }
}

impl Request {
    /// Reads a reduction's arguments.
    ///
    /// # Errors
    /// At an argument that does not fit.
    pub fn parse(kind: ReductionKind, args: Args) -> Outcome<Request> {
        let mut bound = args.bind(&["dim", "axis", "skipna", "ddof", "min_count", "keep_attrs"])?;
        bound.unsupported(&["axis"])?;
        let request = Request::read(kind, &mut bound)?;
        Ok(request)
    }

    fn read(kind: ReductionKind, bound: &mut Bound) -> Outcome<Request> {
        let span = bound.span("dim");
        let dims = bound.names("dim")?;
        let place = ["skipna", "ddof", "min_count"].map(|name| bound.span(name));
        let only = |is_there: bool, at: Option<Span>, name: &str| match at {
            Some(span) if !is_there => Err(Fault::new(format!("{}() has no argument '{name}'", kind.name())).at(span)),
            _ => Ok(()),
        };
        let skipna = bound.flag("skipna", None)?;
        let ddof = bound.int("ddof")?;
        let min_count = bound.int("min_count")?;
        only(skipna.is_none() || kind.has_skipna(), place[0], "skipna")?;
        only(ddof.is_none() || matches!(kind, ReductionKind::Std | ReductionKind::Var), place[1], "ddof")?;
        only(min_count.is_none() || matches!(kind, ReductionKind::Sum | ReductionKind::Prod), place[2], "min_count")?;
        Ok(Request {
            kind,
            dims,
            span,
            skipna,
            keep_attrs: bound.flag("keep_attrs", Some(true))?.unwrap_or(true),
            ddof: u32::try_from(ddof.unwrap_or(0)).map_err(|_| Fault::new("'ddof' must not be negative"))?,
            min_count: min_count.map(|v| u64::try_from(v).map_err(|_| Fault::new("'min_count' must not be negative"))).transpose()?,
        })
    }

    /// A plain reduction over `dims` with every default.
    pub fn plain(kind: ReductionKind, dims: Vec<String>) -> Request {
        Request { kind, dims: Names::These(dims), span: None, skipna: None, keep_attrs: true, ddof: 0, min_count: None }
    }

    /// How cells of this type are folded.
    pub fn folding(&self, dtype: DType) -> Folding {
        let skipna = self.skipna.unwrap_or(true) && dtype.is_float();
        // Integers are never missing: a minimal count changes nothing for them, as in xarray.
        let min_count = if dtype.is_float() && skipna { self.min_count.unwrap_or(0) } else { 0 };
        Folding::Streamed(match self.kind {
            ReductionKind::Median => return Folding::Ordered(Order::Median { skipna }),
            ReductionKind::Sum => Reduction::Sum { skipna, min_count },
            ReductionKind::Prod => Reduction::Prod { skipna, min_count },
            ReductionKind::Mean => Reduction::Mean { skipna },
            ReductionKind::Min => Reduction::Min { skipna },
            ReductionKind::Max => Reduction::Max { skipna },
            ReductionKind::Std => Reduction::Std { skipna, ddof: self.ddof },
            ReductionKind::Var => Reduction::Var { skipna, ddof: self.ddof },
            ReductionKind::Count => Reduction::Count,
            ReductionKind::Any => Reduction::Any,
            ReductionKind::All => Reduction::All,
            ReductionKind::ArgMin => Reduction::ArgMin { skipna, or_none: false },
            ReductionKind::ArgMax => Reduction::ArgMax { skipna, or_none: false },
            ReductionKind::First => Reduction::First { skipna },
            ReductionKind::Last => Reduction::Last { skipna },
        })
    }

    /// The dims of `array` that are meant.
    ///
    /// # Errors
    /// When one does not exist.
    pub fn dims_of(&self, plan: &Plan, array: &LazyArray, receiver: &Receiver) -> Outcome<Vec<String>> {
        let own = plan.names(array.node)?;
        match &self.dims {
            Names::Absent | Names::All => Ok(own),
            Names::These(dims) => existing(dims, &own, receiver).map_err(|f| self.span.map_or(f.clone(), |span| f.at(span))),
        }
    }
}

/// The names among `dims` that `own` has; others must at least be dims of the dataset.
///
/// # Errors
/// When a name is no dim.
pub fn existing(dims: &[String], own: &[String], receiver: &Receiver) -> Outcome<Vec<String>> {
    let mut out: Vec<String> = vec![];
    for d in dims {
        if own.contains(d) {
            if !out.contains(d) {
                out.push(d.clone());
            }
        } else if !receiver.has_dim(d) {
            let hint =
                crate::suggest::did_you_mean_or_list(d, own.iter().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            return refuse(format!("there is no dimension '{d}'{hint}"));
        }
    }
    Ok(out)
}

/// `array.sum(...)` and the like.
///
/// # Errors
/// At arguments that do not fit, and for cells that the reduction does not take.
pub fn method(plan: &mut Plan, array: &LazyArray, kind: ReductionKind, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let args = by_axis(plan, array, args, receiver)?;
    let request = Request::parse(kind, args)?;
    let dims = request.dims_of(plan, array, receiver)?;
    if receiver.is_dataset() && dims.is_empty() && kind.spares_others() && !plan.dims(array.node)?.is_empty() {
        let attrs = if request.keep_attrs { array.attrs.clone() } else { Attrs::new() };
        return Ok(Value::Array(LazyArray { attrs, ..array.clone() }));
    }
    Ok(Value::Array(over(plan, array, &request, &dims)?))
}

/// `axis=0` as the dim of that place.
fn by_axis(plan: &Plan, array: &LazyArray, mut args: Args, receiver: &Receiver) -> Outcome<Args> {
    let Some(axis) = args.keyword.shift_remove("axis") else { return Ok(args) };
    let names = plan.names(array.node)?;
    let numbers = match &axis.value {
        Value::None => return Ok(args),
        Value::Tuple(items) | Value::List(items) => items.iter().map(args::integer).collect::<Option<Vec<i64>>>(),
        one => args::integer(one).map(|n| vec![n]),
    };
    if !args.positional.is_empty() || args.keyword.contains_key("dim") {
        return Err(Fault::new("a reduction takes either 'dim' or 'axis'").at(axis.span));
    }
    let Some(numbers) = numbers.filter(|_| !receiver.is_dataset()) else {
        return Err(Fault::unsupported("this 'axis'").at(axis.span));
    };
    let at = |n: i64| {
        indexing::python_index(n, names.len(), "axis").map_or_else(
            |_| refuse(format!("axis {n} is out of bounds for an array of {} dimensions", names.len())),
            |i| Ok(Value::Text(names[i].clone())),
        )
    };
    let dims = numbers.into_iter().map(at).collect::<Outcome<Vec<_>>>().map_err(|f| f.at(axis.span))?;
    args.keyword.insert("dim".to_owned(), Arg { value: Value::List(dims), span: axis.span });
    Ok(args)
}

/// A reduction over dims that exist.
///
/// # Errors
/// When the cells or dims do not fit the reduction.
pub fn over(plan: &mut Plan, array: &LazyArray, request: &Request, dims: &[String]) -> Outcome<LazyArray> {
    let (node, cells) = reduced_node(plan, array, request, dims)?;
    let mut coords = array.coords.clone();
    coords.retain(|_, c| !c.dims.iter().any(|d| dims.contains(d)));
    let attrs = if request.keep_attrs { array.attrs.clone() } else { Attrs::new() };
    Ok(LazyArray { name: array.name.clone(), node, coords, attrs, cells })
}

/// How a node is folded: over dims, into groups or into windows.
pub type Fold<'a> = dyn FnMut(&mut Plan, NodeId, Folding) -> Outcome<NodeId> + 'a;

fn reduced_node(plan: &mut Plan, array: &LazyArray, request: &Request, dims: &[String]) -> Outcome<(NodeId, Cells)> {
    if matches!(request.kind, ReductionKind::ArgMin | ReductionKind::ArgMax) {
        single_dim(dims)?;
    }
    has_cells(plan, array, request, dims)?;
    folded(plan, array, request, &mut |plan, input, folding| plan.reduce(input, folding, dims))
}

/// Refuses a reduction that has no answer where one of `dims` is empty.
///
/// # Errors
/// When one is.
pub fn has_cells(plan: &Plan, array: &LazyArray, request: &Request, dims: &[String]) -> Outcome<()> {
    let of_times = matches!((&array.cells, request.kind), (Cells::Times(_), ReductionKind::Mean));
    if !request.kind.needs_cells() && !of_times {
        return Ok(());
    }
    match plan.dims(array.node)?.iter().find(|d| d.len == 0 && dims.iter().any(|x| **x == *d.name)) {
        Some(empty) => refuse(format!("{}() has no answer for no cells: the selection leaves '{}' empty", request.kind.name(), empty.name)),
        None => Ok(()),
    }
}

/// `array` folded by `fold` as `request` wants it, and what the result's cells stand for.
///
/// # Errors
/// When the cells do not fit the reduction.
pub fn folded(plan: &mut Plan, array: &LazyArray, request: &Request, fold: &mut Fold) -> Outcome<(NodeId, Cells)> {
    let keeps_cells = matches!(request.kind, ReductionKind::First | ReductionKind::Last);
    if keeps_cells {
        let folding = request.folding(plan.dtype(array.node)?);
        return Ok((fold(plan, array.node, folding)?, array.cells.clone()));
    }
    if let Cells::Times(encoding) = &array.cells {
        return reduce_times::reduced(plan, array, encoding, request, fold);
    }
    numbers_only(array, request.kind.name())?;
    let dtype = plan.dtype(array.node)?;
    let input = match request.kind {
        // Asked to look for missing cells where there can be none, xarray answers in floats.
        ReductionKind::Sum | ReductionKind::Prod if request.min_count.is_some() && request.skipna == Some(true) && !dtype.is_float() => {
            plan.cast(array.node, DType::F64)?
        }
        ReductionKind::Mean | ReductionKind::Std | ReductionKind::Var | ReductionKind::Median if dtype == DType::Bool => {
            plan.cast(array.node, DType::I64)?
        }
        // NaN is true in Python, and any() and all() see it so.
        _ => array.node,
    };
    let folding = request.folding(plan.dtype(input)?);
    Ok((fold(plan, input, folding)?, Cells::Numbers))
}

fn single_dim(dims: &[String]) -> Outcome<()> {
    match dims {
        [_] => Ok(()),
        _ => refuse("argmin and argmax need exactly one dimension in xeng"),
    }
}
