//! Which variables `concat` joins, and which are the same in all and stay as they are.
//!
//! In: the objects. Out: names, or a variable. What only data can tell is asked where it lies, a truth per coordinate; what `compat` takes for
//! granted is asserted, and the request refused where it fails.

use super::{Asked, Over, Part};
use crate::lazy::{LazyCoord, Plan};
use crate::resolve::agree::{self, Compared};
use crate::resolve::fault::{Fault, Outcome, refuse};
use indexmap::IndexSet;
use xeng_kernels::DType;
use xeng_kernels::formula::Binary;

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
        match agree::compared(plan, all[0], other)? {
            Compared::Equal => {}
            Compared::Different => return Ok(true),
            Compared::Unknown(differs) => unsure.push(differs),
        }
    }
    let Some(&first) = unsure.first() else { return Ok(false) };
    let any = unsure[1..].iter().try_fold(first, |a, &b| plan.binary(Binary::Or, a.into(), b.into(), DType::Bool))?;
    Ok(agree::told(plan, &[any])?.contains(&true))
}

fn agrees(name: &str, how: &str) -> Fault {
    Fault::new(format!("concat(): the coordinate '{name}', which had to be read, is {how}; leave it out with .drop_vars('{name}')"))
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
    let differs = format!("concat(): '{name}' differs and is not joined; leave it out with .drop_vars('{name}')");
    agree::same(plan, a, b, &differs, agrees(name, "not the same in all"))
}
