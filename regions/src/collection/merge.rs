//! Files that hold different variables, side by side.
//!
//! In: groups of files, each joined. Out: one description with all variables, over the labels of all groups; where a group has none, cells are
//! missing. Never compares data: where two groups hold a variable at the same place, it is left out.
//! Source: xarray 2026.9, `structure/merge.py`, with `join='outer'`, `compat='no_conflicts'`.

use super::arranged::arranged;
use super::joined::{JoinedSource, Stretch};
use super::span::span;
use super::union::Union;
use super::{Member, labels, same};
use crate::cf::describe::Described;
use crate::source::ChunkSource;
use indexmap::IndexSet;
use std::sync::Arc;
use xeng_kernels::AxisChunks;
use xeng_proto::{Kind, RegionError, Values, Variable};

/// Merges members whose shared variables are equal, or lie at different labels.
///
/// # Errors
/// `Request` when a shared variable differs, or labels cannot be put in order.
pub fn merge(members: Vec<Member>) -> Result<Member, RegionError> {
    let [first, _, ..] = members.as_slice() else {
        return members.into_iter().next().ok_or_else(|| RegionError::internal("nothing to merge"));
    };
    let indexes: IndexSet<&String> = members
        .iter()
        .flat_map(|m| m.described.variables.iter().filter(|(name, v)| v.dims == [name.as_str()]).map(|(name, _)| name))
        .collect();
    let unions = indexes.iter().filter_map(|dim| Union::of(&members, dim).transpose()).collect::<Result<Vec<_>, _>>()?;
    let mut out = Described { attrs: first.described.attrs.clone(), ..Described::default() };
    for (name, reason) in members.iter().flat_map(|m| &m.described.unreadable) {
        out.unreadable.entry(name.clone()).or_insert_with(|| reason.clone());
    }
    let names: IndexSet<&String> = members.iter().flat_map(|m| m.described.variables.keys()).collect();
    for name in names {
        if out.unreadable.contains_key(name) {
            continue;
        }
        match one(&members, &unions, name)? {
            Ok(Held { variable, source, .. }) => {
                out.variables.insert(name.clone(), variable);
                if let Some(source) = source {
                    out.sources.insert(name.clone(), source);
                }
            }
            Err(reason) => {
                out.unreadable.insert(name.clone(), reason);
            }
        }
    }
    let merged = Member { name: first.name.clone(), described: out };
    check_lengths(&merged)?;
    Ok(merged)
}

/// A variable of one member, or of several put together.
#[derive(Clone)]
struct Held {
    variable: Variable,
    source: Option<Arc<dyn ChunkSource>>,
    /// The member whose labels it has.
    member: usize,
}

/// One variable over all labels, or why it is left out.
fn one(members: &[Member], unions: &[Union], name: &str) -> Result<Result<Held, String>, RegionError> {
    let held = |(member, m): (usize, &Member)| {
        let variable = m.described.variables.get(name)?.clone();
        Some(Held { variable, source: m.described.sources.get(name).cloned(), member })
    };
    let holders: Vec<Held> = members.iter().enumerate().filter_map(held).collect();
    let Some(first) = holders.first() else { return Ok(Err("no file has it".into())) };
    if let Some(union) = unions.iter().find(|union| union.dim == name) {
        let holders: Vec<Held> = holders.into_iter().filter(|h| h.variable.dims == [name]).collect();
        return Ok(spread(&holders, union, Overlap::Same, members).map(|mut index| {
            index.variable.values = Some(union.values.clone());
            index
        }));
    }
    if holders.iter().any(|h| h.variable.is_coordinate != first.variable.is_coordinate) {
        return Ok(Err("it is a coordinate in some files and not in others".into()));
    }
    let own: Vec<&Union> = unions.iter().filter(|u| holders.iter().any(|h| h.variable.dims.contains(&u.dim))).collect();
    let apart: Vec<&&Union> =
        own.iter().filter(|u| holders.iter().any(|h| u.positions.get(h.member) != u.positions.get(first.member))).collect();
    let mut whole = match apart.as_slice() {
        [] => {
            if let Some(other) =
                holders[1..].iter().find(|h| !same::variables(name, &members[first.member].described, &members[h.member].described))
            {
                return Err(RegionError::request(format!(
                    "{} and {} cannot be merged: variable {name} differs",
                    members[first.member].name, members[other.member].name
                )));
            }
            first.clone()
        }
        [union] => match spread(&holders, union, Overlap::Refused, members) {
            Ok(whole) => whole,
            Err(reason) => return Ok(Err(reason)),
        },
        _ => {
            let dims: Vec<&str> = apart.iter().map(|u| u.dim.as_str()).collect();
            return Ok(Err(format!("it lies at different labels of {} in different files", dims.join(" and "))));
        }
    };
    for union in own.iter().filter(|u| !apart.iter().any(|a| a.dim == u.dim)) {
        whole = match spread(&[whole], union, Overlap::Refused, members) {
            Ok(whole) => whole,
            Err(reason) => return Ok(Err(reason)),
        };
    }
    Ok(Ok(whole))
}

/// What is made of two members that have a cell at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    /// They are the same: labels.
    Same,
    /// Whether they are the same is not known.
    Refused,
}

/// Puts a variable of one or several members where their labels lie in the union.
fn spread(holders: &[Held], union: &Union, overlap: Overlap, members: &[Member]) -> Result<Held, String> {
    let first = holders.first().ok_or("no file has it")?;
    let axis = first.variable.dims.iter().position(|d| *d == union.dim).ok_or("its dimensions differ between the files")?;
    let mut places: Vec<Option<(usize, usize)>> = vec![None; union.values.len()];
    for (number, holder) in holders.iter().enumerate() {
        let positions = union.positions.get(holder.member).and_then(Option::as_ref);
        let positions = positions.ok_or_else(|| format!("{} has no labels along {}", members[holder.member].name, union.dim))?;
        for (i, &position) in positions.iter().enumerate() {
            match places.get_mut(position) {
                Some(place @ None) => *place = Some((number, i)),
                Some(Some(_)) if overlap == Overlap::Same => {}
                _ => {
                    return Err(format!(
                        "{} and {} both hold it at the same labels of {}, and whether they agree is not compared; open them one by one",
                        members[first.member].name, members[holder.member].name, union.dim
                    ));
                }
            }
        }
    }
    let mut whole = match first.variable.kind {
        Kind::Text => texts(holders)?,
        Kind::Number(_) | Kind::Time(_) => {
            let lacks = |h: &Held| union.positions.get(h.member).and_then(Option::as_ref).is_some_and(|own| own.len() < union.values.len());
            // As xarray, which fills each group before it puts them together: the type is one that can be missing, whatever is left to fill.
            let fills = if overlap == Overlap::Refused && holders.iter().any(lacks) { vec![Stretch::Nothing(0)] } else { vec![] };
            cells(holders, axis, &places, fills)?
        }
    };
    if first.variable.values.is_some() {
        let lists: Vec<&Values> = holders.iter().filter_map(|h| h.variable.values.as_ref()).collect();
        if first.variable.dims.len() != 1 || lists.len() != holders.len() {
            return Err("its texts lie at different labels in different files".into());
        }
        whole.variable.values = Some(match (labels::pick(&lists, &places)?, &whole.variable.kind) {
            (Values::Numbers(block), &Kind::Number(dtype)) => Values::Numbers(block.cast(dtype)),
            (values, _) => values,
        });
        if whole.source.is_none() {
            whole.variable.chunks = vec![AxisChunks::uniform(places.len(), places.len())];
        }
    }
    Ok(whole)
}

/// Texts have no chunks; their values are picked by the caller.
fn texts(holders: &[Held]) -> Result<Held, String> {
    let all = holders.iter().all(|h| h.variable.kind == Kind::Text);
    holders.first().filter(|_| all).cloned().ok_or_else(|| "it holds texts in some files only".into())
}

fn cells(holders: &[Held], axis: usize, places: &[Option<(usize, usize)>], mut stretches: Vec<Stretch>) -> Result<Held, String> {
    let first = &holders[0];
    let sizes: Vec<(String, usize)> = first.variable.dims.iter().cloned().zip(first.variable.shape()).collect();
    let mut sources = vec![];
    for holder in holders {
        let own = &holder.variable;
        if own.dims.len() != sizes.len() || !sizes.iter().all(|(dim, _)| own.dims.contains(dim)) {
            return Err("its dimensions differ between the files".into());
        }
        let source = holder.source.clone().ok_or("it holds texts in some files only")?;
        sources.push(arranged(source, &own.dims, &sizes));
    }
    let follows = |a: &Option<(usize, usize)>, b: &Option<(usize, usize)>| match (a, b) {
        (None, None) => true,
        (Some((x, i)), Some((y, j))) => x == y && i + 1 == *j,
        _ => false,
    };
    for run in places.chunk_by(follows) {
        stretches.push(match run.first().copied().flatten() {
            None => Stretch::Nothing(run.len()),
            Some((number, from)) => {
                let variable = Variable { values: None, ..holders[number].variable.clone() };
                Stretch::Cells(Box::new(variable), span(sources[number].clone(), axis, &(from..from + run.len())))
            }
        });
    }
    let source = JoinedSource::new(stretches, axis)?;
    let variable = source.describe(&first.variable, first.variable.dims.clone());
    Ok(Held { variable, source: Some(Arc::new(source)), member: first.member })
}

/// That every dimension has one length.
fn check_lengths(member: &Member) -> Result<(), RegionError> {
    let mut lengths = std::collections::HashMap::new();
    for (name, variable) in &member.described.variables {
        for (dim, length) in variable.dims.iter().zip(variable.shape()) {
            if *lengths.entry(dim.clone()).or_insert(length) != length {
                return Err(RegionError::request(format!(
                    "{}: variable {name} has another length along {dim} than the others",
                    member.name
                )));
            }
        }
    }
    Ok(())
}
