//! What a user wrote, as a tree: names, calls and operators, each with its place in the text.
//!
//! In: nothing; plain data, made by [`crate::parse`]. Out: nothing. Never knows what a name means.

use std::sync::Arc;

/// A range of bytes of a text, on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A text of assignments and a last expression, as in a notebook cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What was written; all spans are of this text.
    pub text: Arc<str>,
    /// `name = expression`, in order.
    pub assignments: Vec<Assignment>,
    /// The last expression: what the text is worth.
    pub result: Expr,
}

impl Program {
    /// The text of a span; empty if the span is not of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// One `a = x`, or `a, b = x, y`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The names on the left.
    pub targets: Vec<Name>,
    /// Whether the left side unpacks a sequence: `a, b = ...`, and also `a, = ...`.
    pub unpack: Unpack,
    /// The right side.
    pub value: Expr,
}

/// Whether an assignment takes its value apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpack {
    /// `a = x`: one target that takes the value whole.
    Whole,
    /// `a, b = x`: the value must be a sequence of as many as there are targets.
    Each,
}

/// A name where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, without parentheses around it.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `era5`
    Name(String),
    /// `3`, `1e-3`
    Number(Number),
    /// `'2011'`
    Text(String),
    /// `True`
    Bool(bool),
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `[a, b]`
    List(Vec<Expr>),
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `{a: b}`
    Dict(Vec<(Expr, Expr)>),
    /// `value.name`
    Attribute(Box<Expr>, Name),
    /// `callee(args, kwargs)`
    Call(Box<Call>),
    /// `value[items]`; `value[()]` has no items.
    Subscript(Box<Expr>, Vec<SubscriptItem>),
    /// `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a < b`
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `item in container`
    Contains(Box<Expr>, Box<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `a and b and c`, or with `or`
    Logic(Logic, Vec<Expr>),
    /// `yes if condition else no`
    Choice(Box<Choice>),
}

/// What joins truths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// `and`
    And,
    /// `or`
    Or,
}

/// `yes if condition else no`
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What decides.
    pub condition: Expr,
    /// The value where it is true.
    pub yes: Expr,
    /// The value where it is false.
    pub no: Expr,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub callee: Expr,
    /// By position.
    pub args: Vec<Expr>,
    /// By name, in the order written.
    pub kwargs: Vec<Keyword>,
}

/// `name=value`, or `**value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// The name; `None` for `**value`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// One of the comma-separated items between square brackets.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptItem {
    /// A value.
    Index(Expr),
    /// `start:stop:step`.
    Slice {
        /// Before the first colon.
        start: Option<Expr>,
        /// After the first colon.
        stop: Option<Expr>,
        /// After the second colon.
        step: Option<Expr>,
        /// All of it.
        span: Span,
    },
}

/// A number as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without point or exponent.
    Int(i64),
    /// With either.
    Float(f64),
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `~`
    Invert,
}

impl UnaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Plus => "+",
            UnaryOp::Minus => "-",
            UnaryOp::Invert => "~",
        }
    }
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `@`
    MatMul,
    /// `/`
    Divide,
    /// `//`
    FloorDivide,
    /// `%`
    Remainder,
    /// `**`
    Power,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::MatMul => "@",
            BinaryOp::Divide => "/",
            BinaryOp::FloorDivide => "//",
            BinaryOp::Remainder => "%",
            BinaryOp::Power => "**",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl CompareOp {
    /// The operator of the same comparison from the other side: `a < b` is `b > a`.
    pub fn mirrored(self) -> CompareOp {
        match self {
            CompareOp::Equal | CompareOp::NotEqual => self,
            CompareOp::Less => CompareOp::Greater,
            CompareOp::LessEqual => CompareOp::GreaterEqual,
            CompareOp::Greater => CompareOp::Less,
            CompareOp::GreaterEqual => CompareOp::LessEqual,
        }
    }

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Equal => "==",
            CompareOp::NotEqual => "!=",
            CompareOp::Less => "<",
            CompareOp::LessEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterEqual => ">=",
        }
    }
}

impl Expr {
    /// Appends the expressions directly below this one.
    pub fn children<'a>(&'a self, out: &mut Vec<&'a Expr>) {
        match &self.kind {
            ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Ellipsis => {}
            ExprKind::List(items) | ExprKind::Tuple(items) | ExprKind::Logic(_, items) => out.extend(items),
            ExprKind::Dict(pairs) => out.extend(pairs.iter().flat_map(|(k, v)| [k, v])),
            ExprKind::Attribute(of, _) | ExprKind::Unary(_, of) | ExprKind::Not(of) => out.push(of),
            ExprKind::Call(call) => {
                out.push(&call.callee);
                out.extend(call.args.iter().chain(call.kwargs.iter().map(|k| &k.value)));
            }
            ExprKind::Subscript(of, items) => {
                out.push(of);
                for item in items {
                    match item {
                        SubscriptItem::Index(at) => out.push(at),
                        SubscriptItem::Slice { start, stop, step, .. } => out.extend([start, stop, step].into_iter().flatten()),
                    }
                }
            }
            ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) | ExprKind::Contains(a, b) => out.extend([&**a, &**b]),
            ExprKind::Choice(choice) => out.extend([&choice.yes, &choice.condition, &choice.no]),
        }
    }

    /// Gives each expression directly below this one to `change`.
    pub fn children_mut(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Ellipsis => {}
            ExprKind::List(items) | ExprKind::Tuple(items) | ExprKind::Logic(_, items) => items.iter_mut().for_each(change),
            ExprKind::Dict(pairs) => pairs.iter_mut().flat_map(|(k, v)| [k, v]).for_each(change),
            ExprKind::Attribute(of, _) | ExprKind::Unary(_, of) | ExprKind::Not(of) => change(of),
            ExprKind::Call(call) => {
                change(&mut call.callee);
                call.args.iter_mut().chain(call.kwargs.iter_mut().map(|k| &mut k.value)).for_each(change);
            }
            ExprKind::Subscript(of, items) => {
                change(of);
                for item in items {
                    match item {
                        SubscriptItem::Index(at) => change(at),
                        SubscriptItem::Slice { start, stop, step, .. } => [start, stop, step].into_iter().flatten().for_each(&mut *change),
                    }
                }
            }
            ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) | ExprKind::Contains(a, b) => [a, b].into_iter().for_each(|e| change(e)),
            ExprKind::Choice(choice) => [&mut choice.yes, &mut choice.condition, &mut choice.no].into_iter().for_each(change),
        }
    }
}
