//! Files that hold different variables, side by side.
//!
//! In: groups of files, each joined. Out: one description with all variables. Never mends coordinates: shared ones must be the same.

use super::{Member, same};
use xeng_proto::RegionError;

/// Merges members whose shared variables are equal.
///
/// # Errors
/// `Request` when a shared variable differs.
pub fn merge(members: Vec<Member>) -> Result<Member, RegionError> {
    let mut members = members.into_iter();
    let mut merged = members.next().ok_or_else(|| RegionError::internal("nothing to merge"))?;
    for member in members {
        for (name, variable) in &member.described.variables {
            if merged.described.variables.contains_key(name) {
                if !same::variables(name, &merged.described, &member.described) {
                    return Err(RegionError::request(format!(
                        "{} and {} cannot be merged: variable {name} differs",
                        merged.name, member.name
                    )));
                }
                continue;
            }
            merged.described.variables.insert(name.clone(), variable.clone());
            if let Some(source) = member.described.sources.get(name) {
                merged.described.sources.insert(name.clone(), source.clone());
            }
        }
        for (name, reason) in member.described.unreadable {
            merged.described.unreadable.entry(name).or_insert(reason);
        }
        check_lengths(&merged)?;
    }
    Ok(merged)
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
