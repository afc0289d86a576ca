//! From a parsed expression to a lazy value: every name resolved, every call a closed operator.
//!
//! In: a program, opened datasets and earlier values. Out: a value whose nodes stand in the plan's graph. Never reads data.

pub mod accessor;
pub mod agree;
pub mod align;
pub mod args;
pub mod bins;
pub mod calculus;
pub mod calls;
pub mod coarsen;
pub mod concat;
pub mod convert_calendar;
pub mod cumulate;
pub mod dataset;
pub mod dates;
pub mod dropna;
pub mod elementwise;
pub mod extremes;
pub mod fault;
pub mod frequency;
pub mod gaps;
pub mod grid;
pub mod group;
pub mod group_arithmetic;
pub mod indexing;
pub mod interp;
pub mod keys;
pub mod late_bins;
pub mod literals;
pub mod lookup;
pub mod merge;
pub mod numbers;
pub mod numpy;
pub mod open;
pub mod operators;
pub mod own_names;
pub mod pad;
pub mod pointwise;
pub mod polynomial;
pub mod promote;
pub mod quantile;
pub mod rank;
pub mod reduce;
pub mod reduce_times;
pub mod regrid;
pub mod reindex;
pub mod resample;
pub mod rolling;
pub mod selection;
pub mod shape;
pub mod stack;
pub mod subscript;
pub mod time_bins;
pub mod truth;
pub mod weighted;
pub mod windows;
pub mod xr;

#[cfg(test)]
mod tests;

pub use fault::{Fault, Outcome};

use crate::error::Error;
use crate::expr::{Call, Expr, ExprKind, Logic, Name, Program, SubscriptItem, Unpack};
use crate::lazy::value::Module;
use crate::lazy::{OpenedDataset, Plan, Value};
use crate::suggest;
use args::{Arg, Args};
use indexmap::{IndexMap, IndexSet};
use operators::Infix;
use std::sync::Arc;

/// Expressions nested deeper than this are refused.
const MAX_DEPTH: usize = 200;

/// The names that an expression may use.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Opened datasets, by alias.
    pub datasets: IndexMap<String, Arc<OpenedDataset>>,
    /// Earlier results, by name.
    pub values: IndexMap<String, Value>,
    /// Names that exist but that nothing refers to: they serve as suggestions for those that do not.
    pub others: Vec<String>,
}

/// Resolves a program: its assignments in order, then its last expression.
///
/// # Errors
/// When a name is unknown, or an operation cannot be done exactly as xarray does it; the error shows where.
pub fn resolve(program: &Program, scope: &Scope, plan: &mut Plan) -> Result<Value, Error> {
    program_value(program, scope, plan).map_err(|fault| fault.in_text(&program.text))
}

fn program_value(program: &Program, scope: &Scope, plan: &mut Plan) -> Outcome<Value> {
    let mut resolver = Resolver { scope, plan, locals: IndexMap::new(), depth: 0 };
    for assignment in &program.assignments {
        let value = resolver.expr(&assignment.value)?;
        resolver.assign(&assignment.targets, assignment.unpack, value).map_err(|f| f.at(assignment.value.span))?;
    }
    resolver.expr(&program.result)
}

struct Resolver<'a> {
    scope: &'a Scope,
    plan: &'a mut Plan,
    locals: IndexMap<String, Value>,
    depth: usize,
}

impl Resolver<'_> {
    fn assign(&mut self, targets: &[Name], unpack: Unpack, value: Value) -> Outcome<()> {
        match (unpack, value) {
            (Unpack::Whole, value) => {
                for target in targets {
                    self.locals.insert(target.text.clone(), value.clone());
                }
                Ok(())
            }
            (Unpack::Each, Value::Tuple(items) | Value::List(items)) if items.len() == targets.len() => {
                self.locals.extend(targets.iter().map(|t| t.text.clone()).zip(items));
                Ok(())
            }
            (Unpack::Each, other) => fault::refuse(format!("cannot unpack {} into {} names", other.type_name(), targets.len())),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Outcome<Value> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::new("the expression is nested too deeply; name its parts").at(expr.span));
        }
        self.depth += 1;
        let out = self.kind(expr).map_err(|f| f.at(expr.span));
        self.depth -= 1;
        out
    }

    fn kind(&mut self, expr: &Expr) -> Outcome<Value> {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name),
            ExprKind::Number(n) => Ok(Value::Number(literals::number(*n))),
            ExprKind::Text(t) => Ok(Value::Text(t.clone())),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::None => Ok(Value::None),
            ExprKind::Ellipsis => Ok(Value::Ellipsis),
            ExprKind::List(items) => Ok(Value::List(self.exprs(items)?)),
            ExprKind::Tuple(items) => Ok(Value::Tuple(self.exprs(items)?)),
            ExprKind::Dict(entries) => self.dict(entries),
            ExprKind::Attribute(base, name) => {
                if let Some(v) = self.opened_variable(base, &name.text)? {
                    return Ok(v);
                }
                let base = self.expr(base)?;
                calls::attribute(self.plan, &base, &name.text).map_err(|f| f.at(name.span))
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Subscript(base, items) => {
                if let [SubscriptItem::Index(Expr { kind: ExprKind::Text(name), .. })] = items.as_slice()
                    && let Some(v) = self.opened_variable(base, name)?
                {
                    return Ok(v);
                }
                let base = self.expr(base)?;
                let items = items.iter().map(|i| self.item(i)).collect::<Outcome<Vec<_>>>()?;
                subscript::subscript(self.plan, &base, items)
            }
            ExprKind::Unary(op, operand) => {
                let operand = self.expr(operand)?;
                operators::prefix(self.plan, *op, &operand)
            }
            ExprKind::Binary(op, a, b) => self.infix(Infix::Binary(*op), a, b),
            ExprKind::Compare(op, a, b) => self.infix(Infix::Compare(*op), a, b),
            ExprKind::Contains(item, container) => {
                let (item, container) = (self.expr(item)?, self.expr(container)?);
                truth::contains(&item, &container).map(Value::Bool)
            }
            ExprKind::Not(of) => Ok(Value::Bool(!truth::of(&self.expr(of)?, "not").map_err(|f| f.at(of.span))?)),
            ExprKind::Logic(op, parts) => self.logic(*op, parts),
            ExprKind::Choice(choice) => {
                let condition = self.expr(&choice.condition)?;
                let is_true = truth::of(&condition, "if").map_err(|f| f.at(choice.condition.span))?;
                // Python looks only at the side that is taken.
                self.expr(if is_true { &choice.yes } else { &choice.no })
            }
        }
    }

    /// One variable of an opened dataset, without scans of the others.
    fn opened_variable(&mut self, base: &Expr, name: &str) -> Outcome<Option<Value>> {
        let ExprKind::Name(alias) = &base.kind else { return Ok(None) };
        if self.locals.contains_key(alias) || self.scope.values.contains_key(alias) {
            return Ok(None);
        }
        match self.scope.datasets.get(alias) {
            Some(opened) if opened.description.unreadable.contains_key(name) => {
                let reason = opened.description.unreadable.get(name).map_or("", String::as_str);
                Err(Fault::new(format!("variable '{name}' of '{alias}' is left out: {reason}")))
            }
            Some(opened) => Ok(open::variable(self.plan, opened, name)?.map(Value::Array)),
            None => Ok(None),
        }
    }

    fn infix(&mut self, op: Infix, a: &Expr, b: &Expr) -> Outcome<Value> {
        let (a, b) = (self.expr(a)?, self.expr(b)?);
        operators::infix(self.plan, op, &a, &b)
    }

    /// The first part that decides, or the last one; what follows is not looked at.
    fn logic(&mut self, op: Logic, parts: &[Expr]) -> Outcome<Value> {
        let mut last = Value::None;
        for part in parts {
            last = self.expr(part)?;
            let word = if op == Logic::And { "and" } else { "or" };
            if truth::of(&last, word).map_err(|f| f.at(part.span))? == (op == Logic::Or) {
                break;
            }
        }
        Ok(last)
    }

    fn exprs(&mut self, items: &[Expr]) -> Outcome<Vec<Value>> {
        items.iter().map(|i| self.expr(i)).collect()
    }

    fn dict(&mut self, entries: &[(Expr, Expr)]) -> Outcome<Value> {
        let mut out = IndexMap::new();
        for (key, value) in entries {
            match self.expr(key)? {
                Value::Text(k) => out.insert(k, self.expr(value)?),
                other => return Err(Fault::new(format!("a key must be a text, not {}", other.type_name())).at(key.span)),
            };
        }
        Ok(Value::Dict(out))
    }

    fn name(&mut self, name: &str) -> Outcome<Value> {
        if let Some(v) = self.locals.get(name).or_else(|| self.scope.values.get(name)) {
            return Ok(v.clone());
        }
        if let Some(opened) = self.scope.datasets.get(name) {
            return Ok(Value::Dataset(open::dataset(self.plan, opened)?));
        }
        match name {
            "np" | "numpy" => Ok(Value::Module(Module::Numpy)),
            "xr" | "xarray" => Ok(Value::Module(Module::Xarray)),
            "dict" | "slice" | "float" | "int" | "bool" | "abs" | "round" | "len" | "list" | "tuple" => {
                Ok(Value::Function(Module::Builtins, name.to_owned()))
            }
            _ => {
                if self.scope.others.iter().any(|other| other == name) {
                    return fault::refuse(format!(
                        "'{name}' is not known here: an entry can use those that stand before it, and not itself"
                    ));
                }
                let own = self.locals.keys().chain(self.scope.values.keys()).chain(self.scope.datasets.keys());
                let known: IndexSet<&str> = own.chain(&self.scope.others).map(String::as_str).chain(["np", "xr"]).collect();
                let hint = suggest::did_you_mean_or_list(name, known).map(|h| format!("; {h}")).unwrap_or_default();
                fault::refuse(format!("the name '{name}' is not defined{hint}"))
            }
        }
    }

    fn item(&mut self, item: &SubscriptItem) -> Outcome<Arg> {
        match item {
            SubscriptItem::Index(expr) => Ok(Arg { value: self.expr(expr)?, span: expr.span }),
            SubscriptItem::Slice { start, stop, step, span } => {
                let mut part = |e: &Option<Expr>| e.as_ref().map_or(Ok(Value::None), |e| self.expr(e));
                let parts = [part(start)?, part(stop)?, part(step)?];
                Ok(Arg { value: Value::Slice(Box::new(parts)), span: *span })
            }
        }
    }

    fn call(&mut self, call: &Call) -> Outcome<Value> {
        if let ExprKind::Attribute(base, name) = &call.callee.kind {
            let base = self.expr(base)?;
            calls::check(&base, &name.text).map_err(|f| f.at(name.span))?;
            let args = self.args(call, &name.text)?;
            return calls::method(self.plan, &base, &name.text, args);
        }
        match self.expr(&call.callee)? {
            Value::Function(module, name) => {
                let args = self.args(call, &name)?;
                calls::function(self.plan, module, &name, args)
            }
            other => Err(Fault::new(format!("{} cannot be called", other.type_name())).at(call.callee.span)),
        }
    }

    fn args(&mut self, call: &Call, callee: &str) -> Outcome<Args> {
        let positional = call.args.iter().map(|e| Ok(Arg { value: self.expr(e)?, span: e.span })).collect::<Outcome<Vec<_>>>()?;
        let mut keyword: IndexMap<String, Arg> = IndexMap::new();
        for k in &call.kwargs {
            let value = self.expr(&k.value)?;
            let entries = match (&k.name, value) {
                (Some(name), value) => vec![(name.text.clone(), value)],
                (None, Value::Dict(dict)) => dict.into_iter().collect(),
                (None, other) => return Err(Fault::new(format!("** needs a dict, not {}", other.type_name())).at(k.span)),
            };
            for (name, value) in entries {
                if keyword.insert(name.clone(), Arg { value, span: k.span }).is_some() {
                    return Err(Fault::new(format!("{callee}() got the argument '{name}' twice")).at(k.span));
                }
            }
        }
        Ok(Args { callee: callee.to_owned(), positional, keyword })
    }
}
