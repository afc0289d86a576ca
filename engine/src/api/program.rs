//! Turns the steps behind a handle into a program: those that are used more than once, or would nest too deeply, get a line and a name.
//!
//! In: a step. Out: the program with its text, and the datasets that it names. Never recurses over steps.

use super::step::{Form, Source, Step};
use super::write::{Filling, Writer};
use crate::error::{Error, Result};
use crate::expr::{Assignment, Expr, ExprKind, Program, Unpack};
use crate::parse::MAX_NODES;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Trees nested deeper than this are cut into lines.
const MAX_NESTED: usize = 60;

/// A program over opened datasets.
pub(super) struct Built {
    pub(super) program: Program,
    pub(super) sources: Vec<Arc<Source>>,
}

/// The program whose result is this step's value.
///
/// # Errors
/// `Request` when it has too many parts.
pub(super) fn program(root: &Arc<Step>) -> Result<Built> {
    let order = ordered(root)?;
    let mut uses: HashMap<u64, usize> = HashMap::new();
    for of in order.iter().flat_map(|step| &step.of) {
        *uses.entry(of.id).or_default() += 1;
    }
    let sources = sources(&order);
    let taken: HashSet<&str> = sources.iter().map(|s| s.spec.name.as_str()).collect();
    let mut names = (1..).map(|n| format!("part{n}")).filter(|name| !taken.contains(name.as_str()));
    let (mut fillings, mut depths, mut lines) = (HashMap::new(), HashMap::new(), vec![]);
    for step in &order {
        let filling = match &step.form {
            Form::Dataset(source) => Filling::Name(source.spec.name.clone()),
            Form::Expr(expr) => {
                let depth = depth(expr) + step.of.iter().filter_map(|of| depths.get(&of.id)).max().unwrap_or(&0);
                let is_shared = uses.get(&step.id).is_some_and(|&n| n > 1) && !is_variable(step);
                if step.id != root.id && (is_shared || depth > MAX_NESTED) {
                    let name = names.next().unwrap_or_default();
                    lines.push((step.clone(), name.clone()));
                    Filling::Name(name)
                } else {
                    depths.insert(step.id, depth);
                    Filling::Inline(step.clone())
                }
            }
        };
        fillings.insert(step.id, filling);
    }
    let mut writer = Writer::new(&fillings);
    let mut assignments = Vec::with_capacity(lines.len());
    for (step, name) in &lines {
        let Form::Expr(expr) = &step.form else { continue };
        let target = writer.name(name);
        writer.text.push_str(" = ");
        assignments.push(Assignment { targets: vec![target], unpack: Unpack::Whole, value: writer.expr(expr, 0)? });
        writer.text.push('\n');
    }
    let result = writer.expr(&root.hole(), 0)?;
    Ok(Built { program: Program { text: Arc::from(writer.text), assignments, result }, sources })
}

/// Every step behind one, each after those that it takes.
fn ordered(root: &Arc<Step>) -> Result<Vec<Arc<Step>>> {
    let (mut order, mut seen, mut waiting) = (vec![], HashSet::from([root.id]), vec![(root, 0)]);
    while let Some((step, next)) = waiting.pop() {
        match step.of.get(next) {
            Some(of) => {
                waiting.push((step, next + 1));
                if seen.insert(of.id) {
                    waiting.push((of, 0));
                }
            }
            None => order.push(step.clone()),
        }
        if seen.len() > MAX_NODES {
            return Err(Error::request(format!("the expression has more than {MAX_NODES} parts"))
                .hint("compute a part and write it to a file first"));
        }
    }
    Ok(order)
}

fn sources(order: &[Arc<Step>]) -> Vec<Arc<Source>> {
    let source = |step: &Arc<Step>| match &step.form {
        Form::Dataset(source) => Some(source.clone()),
        Form::Expr(_) => None,
    };
    order.iter().filter_map(source).collect()
}

/// Whether a step is a variable of a dataset: as short as any name for it, and told better.
fn is_variable(step: &Step) -> bool {
    let of_dataset = matches!(step.of.as_slice(), [one] if matches!(one.form, Form::Dataset(_)));
    of_dataset && matches!(&step.form, Form::Expr(Expr { kind: ExprKind::Subscript(..), .. }))
}

/// How deep a tree nests. Deeper than what is ever written, it is cut off.
fn depth(expr: &Expr) -> usize {
    let (mut deepest, mut waiting, mut children) = (0, vec![(expr, 1)], vec![]);
    while let Some((expr, depth)) = waiting.pop() {
        deepest = deepest.max(depth);
        expr.children(&mut children);
        waiting.extend(children.drain(..).map(|child| (child, depth + 1)));
    }
    deepest
}
