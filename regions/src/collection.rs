//! Many files as one dataset: `xarray.open_mfdataset` with `combine='by_coords'`, or `'nested'` where a dimension is named.
//!
//! In: paths, in order of their names. Out: one description whose sources reach into every file. Never fills gaps:
//! files that do not fit together end to end are an error that names both.
//! Source: xarray 2026.9, `structure/combine.py` and `structure/concat.py`, with `data_vars='all'`, `coords='different'`.

pub mod joined;
pub mod merge;
mod regridded;
pub mod same;

use crate::abreast;
use crate::cf::describe::Described;
use crate::open::{Found, abreast_of, open_one};
use crate::store::Stores;
use joined::{Axis, join_variables};
use std::cmp::Ordering;
use xeng_kernels::DType;
use xeng_proto::{DatasetSpec, RegionError, Values};

/// One file, or several that are joined already, with a name for errors.
#[derive(Clone)]
pub struct Member {
    /// The file, or the first of them.
    pub name: String,
    /// What it holds.
    pub described: Described,
}

/// Describes every file and joins them.
///
/// # Errors
/// `Request` when they do not fit together, else as for one file.
pub(crate) fn join(stores: &Stores, files: &[Found], spec: &DatasetSpec) -> Result<Described, RegionError> {
    let most = abreast_of(files.iter().map(|file| &file.at));
    let members = abreast::each(files, most, |file| Ok(Member { name: file.at.name(), described: open_one(stores, file, spec)? }))?;
    let attrs = members.first().map(|m| m.described.attrs.clone()).unwrap_or_default();
    let mut joined = match &spec.concat {
        Some(dim) => {
            let is_new = !members.iter().any(|m| m.described.variables.values().any(|v| v.dims.contains(dim)));
            join_variables(&members, &if is_new { Axis::New(dim.clone()) } else { Axis::Along(dim.clone()) })?
        }
        None => by_coords(members, &spec.shown())?,
    };
    joined.described.attrs = attrs;
    Ok(joined.described)
}

/// Joins files that hold the same variables along every dimension whose coordinate differs, then merges the groups.
fn by_coords(members: Vec<Member>, uri: &str) -> Result<Member, RegionError> {
    let mut groups: indexmap::IndexMap<Vec<String>, Vec<Member>> = indexmap::IndexMap::new();
    for member in members {
        let variables = member.described.variables.iter().filter(|(_, v)| !v.is_coordinate).map(|(n, _)| n);
        let mut names: Vec<String> = variables.chain(member.described.unreadable.keys()).cloned().collect();
        names.sort();
        groups.entry(names).or_default().push(member);
    }
    let joined = groups
        .into_values()
        .map(|group| {
            let dims = differing_dims(&group);
            if dims.is_empty() && group.len() > 1 {
                return Err(RegionError::request(format!(
                    "{uri}: no coordinate tells {} and {} apart; name the dimension to join them along: concat=DIM",
                    group[0].name, group[1].name
                )));
            }
            along_dims(group, &dims)
        })
        .collect::<Result<Vec<_>, _>>()?;
    merge::merge(joined)
}

/// Dimensions whose coordinates are not the same in every file.
fn differing_dims(members: &[Member]) -> Vec<String> {
    let Some(first) = members.first() else { return vec![] };
    let mut dims = vec![];
    for (name, variable) in &first.described.variables {
        if variable.dims.len() != 1 || variable.dims[0] != *name {
            continue;
        }
        let differs = members.iter().any(|m| match m.described.variables.get(name) {
            Some(other) => !same::values(variable.values.as_ref(), other.values.as_ref()),
            None => false,
        });
        if differs {
            dims.push(name.clone());
        }
    }
    dims
}

/// Joins along the last dimension within groups that agree on the others, then along the one before it, and so on.
fn along_dims(members: Vec<Member>, dims: &[String]) -> Result<Member, RegionError> {
    let Some((dim, inner)) = dims.split_first() else {
        let mut members = members.into_iter();
        return match (members.next(), members.next()) {
            (Some(only), None) => Ok(only),
            (Some(a), Some(b)) => Err(RegionError::request(format!("{} and {} cover the same coordinates", a.name, b.name))),
            (None, _) => Err(RegionError::internal("nothing to join")),
        };
    };
    let mut slabs: Vec<Vec<Member>> = vec![];
    for member in members {
        let value = values(&member, dim);
        match slabs.iter_mut().find(|slab| same::values(values(&slab[0], dim), value)) {
            Some(slab) => slab.push(member),
            None => slabs.push(vec![member]),
        }
    }
    let slabs = slabs.into_iter().map(|slab| along_dims(slab, inner)).collect::<Result<Vec<_>, _>>()?;
    let mut slabs = order(slabs, dim)?;
    if slabs.len() == 1 {
        return slabs.pop().ok_or_else(|| RegionError::internal("nothing to join"));
    }
    join_variables(&slabs, &Axis::Along(dim.clone()))
}

/// The labels along a dimension.
fn values<'a>(member: &'a Member, dim: &str) -> Option<&'a Values> {
    member.described.variables.get(dim).and_then(|v| v.values.as_ref())
}

/// Sorts by the first coordinate, descending where the coordinates descend, and refuses overlaps.
fn order(members: Vec<Member>, dim: &str) -> Result<Vec<Member>, RegionError> {
    let spans = members.iter().map(|m| span(m, dim)).collect::<Result<Vec<_>, _>>()?;
    let (ascends, descends) = (spans.iter().find(|s| s.runs == Runs::Up), spans.iter().find(|s| s.runs == Runs::Down));
    if let (Some(up), Some(down)) = (ascends, descends) {
        return Err(RegionError::request(format!(
            "{} and {} run in opposite directions along {dim}: they cannot be joined",
            up.name, down.name
        )));
    }
    let mut indexed: Vec<usize> = (0..members.len()).collect();
    indexed.sort_by(|&a, &b| if descends.is_some() { spans[b].first.cmp(&spans[a].first) } else { spans[a].first.cmp(&spans[b].first) });
    for pair in indexed.windows(2) {
        let (one, next) = (&spans[pair[0]], &spans[pair[1]]);
        if if descends.is_some() { one.last <= next.first } else { one.last >= next.first } {
            return Err(RegionError::request(format!("{} and {} overlap along {dim}: they cannot be joined", one.name, next.name)));
        }
    }
    let mut members: Vec<Option<Member>> = members.into_iter().map(Some).collect();
    Ok(indexed.iter().filter_map(|&i| members[i].take()).collect())
}

/// Which way the labels of a file run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    Up,
    Down,
    /// It has one label only.
    Nowhere,
}

/// From where to where the labels of a file run.
struct Span {
    name: String,
    first: Label,
    last: Label,
    runs: Runs,
}

/// A label that can be compared: integers of 64 bits are not exact as floats.
#[derive(Clone, Copy, Debug)]
enum Label {
    Integer(i128),
    Float(f64),
}

impl PartialEq for Label {
    fn eq(&self, other: &Label) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Label {}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Label) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    fn cmp(&self, other: &Label) -> Ordering {
        let float = |label: &Label| match *label {
            Label::Integer(n) => n as f64,
            Label::Float(x) => x,
        };
        match (self, other) {
            (Label::Integer(a), Label::Integer(b)) => a.cmp(b),
            // Zero has two signs and one place.
            (a, b) => float(a).partial_cmp(&float(b)).unwrap_or_else(|| float(a).total_cmp(&float(b))),
        }
    }
}

/// The first and last label of a file, whose labels run one way only: xarray refuses what does not.
fn span(member: &Member, dim: &str) -> Result<Span, RegionError> {
    let labels: Vec<Label> = match values(member, dim) {
        Some(Values::Numbers(block)) if block.dtype() == DType::U64 => {
            block.as_slice::<u64>().unwrap_or_default().iter().map(|&n| Label::Integer(n.into())).collect()
        }
        Some(Values::Numbers(block)) if !block.dtype().is_float() => block.to_i64_vec().iter().map(|&n| Label::Integer(n.into())).collect(),
        Some(Values::Numbers(block)) => block.to_f64_vec().into_iter().map(Label::Float).collect(),
        Some(Values::Times(times)) => times.micros.iter().map(|&t| Label::Integer(t.into())).collect(),
        Some(Values::Texts(_)) | None => vec![],
    };
    let (Some(&first), Some(&last)) = (labels.first(), labels.last()) else {
        return Err(RegionError::request(format!(
            "{}: its coordinate {dim} has no order; name the dimension to join along: concat=DIM",
            member.name
        )));
    };
    let runs = match first.cmp(&last) {
        Ordering::Less => Runs::Up,
        Ordering::Greater => Runs::Down,
        Ordering::Equal => Runs::Nowhere,
    };
    let goes_on = |pair: &[Label]| match runs {
        Runs::Up => pair[0] <= pair[1],
        Runs::Down => pair[0] >= pair[1],
        Runs::Nowhere => pair[0] == pair[1],
    };
    let is_known = |label: &Label| !matches!(*label, Label::Float(x) if x.is_nan()) && *label != Label::Integer(i64::MIN.into());
    if !labels.iter().all(is_known) || !labels.windows(2).all(goes_on) {
        return Err(RegionError::request(format!(
            "{}: its coordinate {dim} runs neither up nor down all the way; name the dimension to join along: concat=DIM",
            member.name
        )));
    }
    Ok(Span { name: member.name.clone(), first, last, runs })
}
