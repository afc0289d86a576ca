//! Many files as one dataset: `xarray.open_mfdataset` with `combine='by_coords'`, or `'nested'` where a dimension is named.
//!
//! In: paths, in order of their names. Out: one description whose sources reach into every file. What some files lack is missing there, as
//! in xarray; files that do not fit together end to end are an error that names both.
//! Source: xarray 2026.9, `structure/combine.py` and `structure/concat.py`, with `data_vars='all'`, `coords='different'`, but
//! `join='exact'` for the dimensions that files are not joined along.

mod arranged;
pub mod concat;
mod joined;
mod labels;
pub mod merge;
mod order;
mod regridded;
pub mod same;
mod span;
mod union;

use crate::abreast;
use crate::cf::describe::Described;
use crate::open::{Found, abreast_of, open_one};
use crate::store::Stores;
use concat::{Axis, join_variables};
use order::order;
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
    let joined = match &spec.concat {
        Some(dim) => {
            let is_new = !members.iter().any(|m| m.described.variables.values().any(|v| v.dims.contains(dim)));
            join_variables(&members, &if is_new { Axis::New(dim.clone()) } else { Axis::Along(dim.clone()) })?
        }
        None => by_coords(members, &spec.shown())?,
    };
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

/// Joins along the first dimension within groups that agree on the others, then along the one after it, and so on, as xarray does.
fn along_dims(members: Vec<Member>, dims: &[String]) -> Result<Member, RegionError> {
    let Some((dim, inner)) = dims.split_last() else {
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
    labels::check_calendars(&slabs, dim)?;
    let mut slabs = order(slabs, dim)?;
    inner.iter().try_for_each(|other| labels::check_full(&slabs, dim, other))?;
    if slabs.len() == 1 {
        return slabs.pop().ok_or_else(|| RegionError::internal("nothing to join"));
    }
    join_variables(&slabs, &Axis::Along(dim.clone()))
}

/// The labels along a dimension.
fn values<'a>(member: &'a Member, dim: &str) -> Option<&'a Values> {
    member.described.variables.get(dim).and_then(|v| v.values.as_ref())
}
