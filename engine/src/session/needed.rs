//! Which expressions and datasets the wanted results need: nothing else is opened or computed.

use super::{Job, program};
use crate::error::Result;
use crate::expr::{Expr, ExprKind, Program};
use crate::open_spec::OpenSpec;
use std::collections::HashSet;

/// The programs behind the wanted entries, in the order written.
pub(super) fn programs(job: &Job) -> Result<Vec<(String, Program)>> {
    let several = job.compute.len() > 1;
    let mut needed: HashSet<String> = job.wanted.iter().cloned().collect();
    let mut out = vec![];
    for (name, text) in job.compute.iter().rev() {
        if needed.contains(name) {
            let program = program(name, text, several)?;
            needed.extend(names(&program));
            out.push((name.clone(), program));
        }
    }
    out.reverse();
    Ok(out)
}

/// The datasets that the programs name.
pub(super) fn datasets<'a>(programs: &[(String, Program)], opens: &'a [OpenSpec]) -> Vec<&'a OpenSpec> {
    let named: HashSet<String> = programs.iter().flat_map(|(_, p)| names(p)).collect();
    opens.iter().filter(|o| named.contains(&o.name)).collect()
}

/// Every name that a program reads.
fn names(program: &Program) -> HashSet<String> {
    let mut out = HashSet::new();
    let mut waiting: Vec<&Expr> = program.assignments.iter().map(|a| &a.value).chain([&program.result]).collect();
    while let Some(expr) = waiting.pop() {
        if let ExprKind::Name(name) = &expr.kind {
            out.insert(name.clone());
        }
        expr.children(&mut waiting);
    }
    out
}
