//! Which fields of a file are meant: cfgrib's `filter_by_keys`, written as the path of a group.
//!
//! In: a path such as `heightAboveGround/2` or `surface/accum`. Out: the fields that have all parts of it: a kind of level (`typeOfLevel`), a
//! level, a step type (`instant`, `accum`, `avg`, `max`, ...), a data type (`an`, `fc`, `cf`, `pf`, ...), or the name of a variable.
//! Never an empty dataset: where no field has a part, that is an error that names those there are.

use super::cube::variable_name;
use super::field::Fields;
use super::level;
use super::product::Product;
use std::collections::BTreeSet;

/// Names that an error lists, at most.
const MAX_LISTED: usize = 20;

/// The parts of a group's path.
pub(super) struct Filter(Vec<String>);

impl Filter {
    /// The parts of a path; none where it is empty.
    pub(super) fn parse(group: &str) -> Filter {
        Filter(group.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// Keeps the fields that have every part.
    ///
    /// # Errors
    /// The part that none of the fields has which are left by those before it.
    pub(super) fn apply(&self, fields: &mut Fields) -> Result<(), String> {
        for part in &self.0 {
            let mut there = BTreeSet::new();
            let mut kept = vec![];
            for field in std::mem::take(&mut fields.known) {
                if has(&field.product, part) {
                    kept.push(field);
                } else {
                    there.extend(names(&field.product));
                }
            }
            if kept.is_empty() {
                let more = if there.len() > MAX_LISTED { ", ..." } else { "" };
                let listed: Vec<String> = there.into_iter().take(MAX_LISTED).collect();
                return Err(format!("no field is of group '{part}'; there are {}{more}", listed.join(", ")));
            }
            fields.known = kept;
            fields.unknown.retain(|unknown| unknown.product.as_ref().is_some_and(|product| has(product, part)));
        }
        Ok(())
    }
}

fn has(product: &Product, part: &str) -> bool {
    names(product).iter().any(|name| name == part) || part.parse() == Ok(level::value(&product.surfaces))
}

/// What may name the groups that a field is in, but its level.
fn names(product: &Product) -> [String; 4] {
    [level::kind(&product.surfaces).to_owned(), product.step_type(), product.data_type(), variable_name(product)]
}
