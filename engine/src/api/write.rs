//! Writes an expression tree as the text that parses to it, and gives the tree with its places in that text.
//!
//! In: a tree, whose holes are filled by others. Out: text, spans. Never leaves a text or name unescaped; bounds depth and size.

use super::step::{Form, Step, bare, hole_of};
use crate::error::{Error, Result};
use crate::expr::{BinaryOp, Call, Choice, Expr, ExprKind, Keyword, Logic, Name, Number, Span, SubscriptItem, UnaryOp};
use crate::parse::{MAX_DEPTH, MAX_NODES};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What stands in a hole.
pub(super) enum Filling {
    /// A name of the program.
    Name(String),
    /// The step's own tree.
    Inline(Arc<Step>),
}

/// Binds tighter than any operator.
const ATOM: u8 = 15;
/// `a.b`, `a(b)`, `a[b]`
const POSTFIX: u8 = 14;
/// A number cannot be called or have attributes without parentheses.
const NUMBER: u8 = 13;
const POWER: u8 = 12;
const UNARY: u8 = 11;
const COMPARE: u8 = 4;

/// A text in the making.
pub(super) struct Writer<'a> {
    pub(super) text: String,
    fillings: &'a HashMap<u64, Filling>,
    nodes: usize,
    depth: usize,
}

impl Writer<'_> {
    pub(super) fn new(fillings: &HashMap<u64, Filling>) -> Writer<'_> {
        Writer { text: String::new(), fillings, nodes: 0, depth: 0 }
    }

    /// Writes a name where it stands.
    pub(super) fn name(&mut self, text: &str) -> Name {
        let span = self.put(text);
        Name { text: text.to_owned(), span }
    }

    /// Writes a tree, in parentheses where it binds less than `least`.
    ///
    /// # Errors
    /// `Request` for a tree that is too deep or too large.
    pub(super) fn expr(&mut self, e: &Expr, least: u8) -> Result<Expr> {
        let fillings = self.fillings;
        if let ExprKind::Name(name) = &e.kind
            && let Some(filling) = hole_of(name).and_then(|id| fillings.get(&id))
        {
            return match filling {
                Filling::Name(name) => Ok(Expr { span: self.put(name), kind: ExprKind::Name(name.clone()) }),
                Filling::Inline(step) => match &step.form {
                    Form::Expr(inner) => self.expr(inner, least),
                    Form::Dataset(source) => self.expr(&bare(ExprKind::Name(source.spec.name.clone())), least),
                },
            };
        }
        self.nodes += 1;
        self.depth += 1;
        if self.nodes > MAX_NODES || self.depth > MAX_DEPTH {
            return Err(Error::request(format!("the expression has more than {MAX_NODES} parts or is nested deeper than {MAX_DEPTH}"))
                .hint("put long lists of numbers into a file and open it; compute a part and write it first"));
        }
        let parenthesised = level(&e.kind) < least;
        if parenthesised {
            self.text.push('(');
        }
        let start = self.text.len();
        let kind = self.kind(&e.kind)?;
        let span = Span::new(start, self.text.len());
        if parenthesised {
            self.text.push(')');
        }
        self.depth -= 1;
        Ok(Expr { kind, span })
    }

    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span::new(start, self.text.len())
    }

    fn boxed(&mut self, e: &Expr, least: u8) -> Result<Box<Expr>> {
        self.expr(e, least).map(Box::new)
    }

    fn joined(&mut self, items: &[Expr], between: &str, least: u8) -> Result<Vec<Expr>> {
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(between);
            }
            out.push(self.expr(item, least)?);
        }
        Ok(out)
    }

    fn kind(&mut self, kind: &ExprKind) -> Result<ExprKind> {
        Ok(match kind {
            ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Ellipsis => {
                self.literal(kind);
                kind.clone()
            }
            ExprKind::List(items) => {
                self.put("[");
                let items = self.joined(items, ", ", 0)?;
                self.put("]");
                ExprKind::List(items)
            }
            ExprKind::Tuple(items) => {
                self.put("(");
                let items = self.joined(items, ", ", 0)?;
                self.put(if items.len() == 1 { ",)" } else { ")" });
                ExprKind::Tuple(items)
            }
            ExprKind::Dict(pairs) => self.dict(pairs)?,
            ExprKind::Attribute(of, name) => {
                let of = self.boxed(of, POSTFIX)?;
                self.put(".");
                ExprKind::Attribute(of, self.name(&name.text))
            }
            ExprKind::Call(call) => self.call(call)?,
            ExprKind::Subscript(of, items) => {
                let of = self.boxed(of, POSTFIX)?;
                ExprKind::Subscript(of, self.items(items)?)
            }
            ExprKind::Unary(op, of) => {
                self.put(op.symbol());
                ExprKind::Unary(*op, self.boxed(of, UNARY)?)
            }
            ExprKind::Binary(op, a, b) => {
                let own = binary_level(*op);
                let (left, right) = if *op == BinaryOp::Power { (NUMBER, UNARY) } else { (own, own + 1) };
                let (a, b) = self.pair(a, left, op.symbol(), b, right)?;
                ExprKind::Binary(*op, a, b)
            }
            ExprKind::Compare(op, a, b) => {
                let (a, b) = self.pair(a, COMPARE + 1, op.symbol(), b, COMPARE + 1)?;
                ExprKind::Compare(*op, a, b)
            }
            ExprKind::Contains(a, b) => {
                let (a, b) = self.pair(a, COMPARE + 1, "in", b, COMPARE + 1)?;
                ExprKind::Contains(a, b)
            }
            ExprKind::Not(of) => {
                self.put("not ");
                ExprKind::Not(self.boxed(of, level(kind))?)
            }
            ExprKind::Logic(op, parts) => {
                let word = if *op == Logic::And { " and " } else { " or " };
                ExprKind::Logic(*op, self.joined(parts, word, level(kind) + 1)?)
            }
            ExprKind::Choice(choice) => self.choice(choice)?,
        })
    }

    fn literal(&mut self, kind: &ExprKind) {
        // Writing to a text cannot fail.
        let _ = match kind {
            ExprKind::Name(name) => self.text.write_str(name),
            ExprKind::Number(Number::Int(value)) => write!(self.text, "{value}"),
            ExprKind::Number(Number::Float(value)) => write!(self.text, "{value:?}"),
            ExprKind::Text(text) => self.text.write_str(&quoted(text)),
            ExprKind::Bool(true) => self.text.write_str("True"),
            ExprKind::Bool(false) => self.text.write_str("False"),
            ExprKind::None => self.text.write_str("None"),
            _ => self.text.write_str("..."),
        };
    }

    fn pair(&mut self, a: &Expr, left: u8, symbol: &str, b: &Expr, right: u8) -> Result<(Box<Expr>, Box<Expr>)> {
        let a = self.boxed(a, left)?;
        self.put(&format!(" {symbol} "));
        Ok((a, self.boxed(b, right)?))
    }

    fn dict(&mut self, pairs: &[(Expr, Expr)]) -> Result<ExprKind> {
        self.put("{");
        let mut out = Vec::with_capacity(pairs.len());
        for (i, (key, value)) in pairs.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            let key = self.expr(key, 0)?;
            self.put(": ");
            out.push((key, self.expr(value, 0)?));
        }
        self.put("}");
        Ok(ExprKind::Dict(out))
    }

    fn call(&mut self, call: &Call) -> Result<ExprKind> {
        let callee = self.expr(&call.callee, POSTFIX)?;
        self.put("(");
        let args = self.joined(&call.args, ", ", 0)?;
        let mut kwargs = Vec::with_capacity(call.kwargs.len());
        for keyword in &call.kwargs {
            if !args.is_empty() || !kwargs.is_empty() {
                self.put(", ");
            }
            let start = self.text.len();
            let name = keyword.name.as_ref().map(|name| self.name(&name.text));
            self.put(if name.is_some() { "=" } else { "**" });
            let value = self.expr(&keyword.value, u8::from(name.is_none()) * UNARY)?;
            kwargs.push(Keyword { name, value, span: Span::new(start, self.text.len()) });
        }
        self.put(")");
        Ok(ExprKind::Call(Box::new(Call { callee, args, kwargs })))
    }

    fn items(&mut self, items: &[SubscriptItem]) -> Result<Vec<SubscriptItem>> {
        self.put(if items.is_empty() { "[()" } else { "[" });
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            out.push(match item {
                SubscriptItem::Index(at) => SubscriptItem::Index(self.expr(at, 0)?),
                SubscriptItem::Slice { start, stop, step, .. } => self.slice([start, stop, step])?,
            });
        }
        self.put("]");
        Ok(out)
    }

    fn slice(&mut self, [start, stop, step]: [&Option<Expr>; 3]) -> Result<SubscriptItem> {
        let from = self.text.len();
        let part = |writer: &mut Self, e: &Option<Expr>| e.as_ref().map(|e| writer.expr(e, 0)).transpose();
        let start = part(self, start)?;
        self.put(":");
        let stop = part(self, stop)?;
        if step.is_some() {
            self.put(":");
        }
        let step = part(self, step)?;
        Ok(SubscriptItem::Slice { start, stop, step, span: Span::new(from, self.text.len()) })
    }

    fn choice(&mut self, choice: &Choice) -> Result<ExprKind> {
        let yes = self.expr(&choice.yes, 1)?;
        self.put(" if ");
        let condition = self.expr(&choice.condition, 1)?;
        self.put(" else ");
        let no = self.expr(&choice.no, 0)?;
        Ok(ExprKind::Choice(Box::new(Choice { condition, yes, no })))
    }
}

/// How tightly a tree binds, as in Python's table of precedence.
fn level(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Choice(_) => 0,
        ExprKind::Logic(Logic::Or, _) => 1,
        ExprKind::Logic(Logic::And, _) => 2,
        ExprKind::Not(_) => 3,
        ExprKind::Compare(..) | ExprKind::Contains(..) => COMPARE,
        ExprKind::Binary(op, ..) => binary_level(*op),
        ExprKind::Unary(UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Invert, _) => UNARY,
        ExprKind::Number(_) => NUMBER,
        ExprKind::Attribute(..) | ExprKind::Call(_) | ExprKind::Subscript(..) => POSTFIX,
        ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Ellipsis => ATOM,
        ExprKind::List(_) | ExprKind::Tuple(_) | ExprKind::Dict(_) => ATOM,
    }
}

fn binary_level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 5,
        BinaryOp::Xor => 6,
        BinaryOp::And => 7,
        BinaryOp::Add | BinaryOp::Subtract => 9,
        BinaryOp::Multiply | BinaryOp::MatMul | BinaryOp::Divide | BinaryOp::FloorDivide | BinaryOp::Remainder => 10,
        BinaryOp::Power => POWER,
    }
}

/// A text as Python writes it: nothing in it ends it, and nothing in it is invisible.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        let _ = match c {
            '\\' | '\'' => write!(out, "\\{c}"),
            '\n' => out.write_str("\\n"),
            ' '..='~' => out.write_char(c),
            c if c.is_alphanumeric() => out.write_char(c),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('\'');
    out
}
