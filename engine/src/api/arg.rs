//! One argument: a number, a text, a range, a list, an array, or a call that makes a small one.

use super::args::Args;
use super::kind::Kind;
use super::lazy::Lazy;
use super::step::{Step, bare};
use crate::expr::{BinaryOp, Call, Expr, ExprKind, Name, Number, Span, UnaryOp};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};
use std::sync::Arc;

/// An argument of a method, or the other side of an operator.
///
/// | Rust | the language |
/// | --- | --- |
/// | `1`, `0.5`, `"time"`, `true`, `None::<f64>`, `()` | `1`, `0.5`, `'time'`, `True`, `None`, `None` |
/// | `["lat", "lon"]`, `vec![1, 2]`, `&[0.5][..]` | lists |
/// | `"2001".."2003"`, `"2001"..="2003"`, `60.0..=30.0`, `2..5`, `3..`, `..` | `slice(...)` |
/// | `&array`, `array` | the array's own expression |
///
/// A range is the language's `slice`: by positions (`isel`) its end is not part of it, by labels (`sel`) both ends are. Ranges with `..=` exist
/// where only labels can be meant, of texts and floats.
#[derive(Clone, Debug)]
pub struct Arg {
    pub(super) expr: Expr,
    pub(super) of: Vec<Arc<Step>>,
}

impl Arg {
    pub(super) fn bare(kind: ExprKind) -> Arg {
        Arg { expr: bare(kind), of: vec![] }
    }

    /// `...`: all other dims.
    pub fn rest() -> Arg {
        Arg::bare(ExprKind::Ellipsis)
    }

    /// `slice(start, stop, step)`; a part that is missing is `()`.
    pub fn slice(start: impl Into<Arg>, stop: impl Into<Arg>, step: impl Into<Arg>) -> Arg {
        Arg::call("slice", Args::new().with(start).with(stop).with(step))
    }

    /// `[a, b, ...]`
    pub fn list<T: Into<Arg>>(items: impl IntoIterator<Item = T>) -> Arg {
        let (exprs, of) = parts(items);
        Arg { expr: bare(ExprKind::List(exprs)), of }
    }

    /// `(a, b, ...)`
    pub fn tuple<T: Into<Arg>>(items: impl IntoIterator<Item = T>) -> Arg {
        let (exprs, of) = parts(items);
        Arg { expr: bare(ExprKind::Tuple(exprs)), of }
    }

    /// `{'name': value, ...}`
    pub fn dict<'a, T: Into<Arg>>(entries: impl IntoIterator<Item = (&'a str, T)>) -> Arg {
        let (keys, values): (Vec<Arg>, Vec<T>) = entries.into_iter().map(|(key, value)| (Arg::from(key), value)).unzip();
        let (exprs, of) = parts(values);
        Arg { expr: bare(ExprKind::Dict(keys.into_iter().map(|key| key.expr).zip(exprs).collect())), of }
    }

    /// A function's value: `Arg::call("np.linspace", args![-90, 90, 5])`. What is no function is told where the argument is used.
    pub fn call(function: &str, args: impl Into<Args>) -> Arg {
        let mut names = function.split('.');
        let first = bare(ExprKind::Name(plain(names.next().unwrap_or_default())));
        let callee = names.fold(first, attribute);
        args.into().call(callee, vec![])
    }

    /// A value of a module, without a call: `Arg::constant("np.pi")`.
    pub fn constant(name: &str) -> Arg {
        let mut names = name.split('.');
        let first = bare(ExprKind::Name(plain(names.next().unwrap_or_default())));
        Arg { expr: names.fold(first, attribute), of: vec![] }
    }

    pub(super) fn binary(op: BinaryOp, a: Arg, b: Arg) -> Arg {
        let mut of = a.of;
        of.extend(b.of);
        Arg { expr: bare(ExprKind::Binary(op, Box::new(a.expr), Box::new(b.expr))), of }
    }
}

/// `of.name`
pub(super) fn attribute(of: Expr, name: &str) -> Expr {
    bare(ExprKind::Attribute(Box::new(of), Name { text: plain(name), span: Span::default() }))
}

/// What cannot be a name becomes one that nothing has: it is refused where it is resolved, and the text holds nothing else.
fn plain(name: &str) -> String {
    if crate::open_spec::is_identifier(name) {
        return name.to_owned();
    }
    let kept: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    format!("_{kept}")
}

pub(super) fn parts<T: Into<Arg>>(items: impl IntoIterator<Item = T>) -> (Vec<Expr>, Vec<Arc<Step>>) {
    let (mut exprs, mut of) = (vec![], vec![]);
    for item in items {
        let item = item.into();
        exprs.push(item.expr);
        of.extend(item.of);
    }
    (exprs, of)
}

impl<K: Kind> From<&Lazy<K>> for Arg {
    fn from(handle: &Lazy<K>) -> Arg {
        Arg { expr: handle.step.hole(), of: vec![handle.step.clone()] }
    }
}

impl<K: Kind> From<Lazy<K>> for Arg {
    fn from(handle: Lazy<K>) -> Arg {
        Arg::from(&handle)
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Arg {
        let number = |value| Arg::bare(ExprKind::Number(Number::Int(value)));
        match value.checked_neg() {
            Some(positive) if positive > 0 => minus(number(positive)),
            Some(_) => number(value),
            None => Arg::binary(BinaryOp::Subtract, Arg::from(-i64::MAX), number(1)),
        }
    }
}

impl From<i32> for Arg {
    fn from(value: i32) -> Arg {
        Arg::from(i64::from(value))
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Arg {
        Arg::from(i64::from(value))
    }
}

impl From<usize> for Arg {
    /// More than an `i64` holds becomes a float, as nothing has as many cells.
    fn from(value: usize) -> Arg {
        i64::try_from(value).map_or_else(|_| Arg::from(value as f64), Arg::from)
    }
}

impl From<f64> for Arg {
    fn from(value: f64) -> Arg {
        let size = match value.abs() {
            size if size.is_nan() => return Arg::constant("np.nan"),
            f64::INFINITY => Arg::constant("np.inf"),
            size => Arg::bare(ExprKind::Number(Number::Float(size))),
        };
        if value.is_sign_negative() { minus(size) } else { size }
    }
}

impl From<f32> for Arg {
    fn from(value: f32) -> Arg {
        Arg::from(f64::from(value))
    }
}

fn minus(arg: Arg) -> Arg {
    Arg { expr: bare(ExprKind::Unary(UnaryOp::Minus, Box::new(arg.expr))), of: arg.of }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Arg {
        Arg::bare(ExprKind::Bool(value))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Arg {
        Arg::bare(ExprKind::Text(text.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Arg {
        Arg::from(text.as_str())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Arg {
        Arg::bare(ExprKind::Text(text))
    }
}

impl From<()> for Arg {
    fn from((): ()) -> Arg {
        Arg::bare(ExprKind::None)
    }
}

impl<T: Into<Arg>> From<Option<T>> for Arg {
    fn from(value: Option<T>) -> Arg {
        value.map_or_else(|| Arg::from(()), T::into)
    }
}

impl<T: Into<Arg>> From<Vec<T>> for Arg {
    fn from(items: Vec<T>) -> Arg {
        Arg::list(items)
    }
}

impl<T: Into<Arg>, const N: usize> From<[T; N]> for Arg {
    fn from(items: [T; N]) -> Arg {
        Arg::list(items)
    }
}

impl<T: Into<Arg> + Clone> From<&[T]> for Arg {
    fn from(items: &[T]) -> Arg {
        Arg::list(items.iter().cloned())
    }
}

fn slice(start: impl Into<Arg>, stop: impl Into<Arg>) -> Arg {
    Arg::call("slice", Args::new().with(start).with(stop))
}

impl<T: Into<Arg>> From<Range<T>> for Arg {
    fn from(range: Range<T>) -> Arg {
        slice(range.start, range.end)
    }
}

impl<T: Into<Arg>> From<RangeFrom<T>> for Arg {
    fn from(range: RangeFrom<T>) -> Arg {
        slice(range.start, ())
    }
}

impl<T: Into<Arg>> From<RangeTo<T>> for Arg {
    fn from(range: RangeTo<T>) -> Arg {
        slice((), range.end)
    }
}

impl From<RangeFull> for Arg {
    fn from(_: RangeFull) -> Arg {
        slice((), ())
    }
}

impl From<RangeInclusive<&str>> for Arg {
    fn from(range: RangeInclusive<&str>) -> Arg {
        slice(*range.start(), *range.end())
    }
}

impl From<RangeInclusive<f64>> for Arg {
    fn from(range: RangeInclusive<f64>) -> Arg {
        slice(*range.start(), *range.end())
    }
}

/// `callee(args, kwargs)`
pub(super) fn called(callee: Expr, args: Vec<Expr>, kwargs: Vec<crate::expr::Keyword>) -> Expr {
    bare(ExprKind::Call(Box::new(Call { callee, args, kwargs })))
}
