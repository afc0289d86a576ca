//! The arguments of a call: some by position, some by name.
//!
//! In: what a method is given. Out: a call in the tree. Never lets a name into the text that is not one: such go into a dict.

use super::arg::{Arg, called};
use super::step::{Step, bare};
use crate::expr::{Expr, ExprKind, Keyword, Name, Span};
use crate::open_spec::is_identifier;
use std::sync::Arc;

/// The arguments of a call; [`args!`](crate::args) makes any, and the usual ones come of themselves:
///
/// | Rust | the language |
/// | --- | --- |
/// | `()` | no arguments |
/// | `"time"` | `'time'` |
/// | `["lat", "lon"]` | `['lat', 'lon']` |
/// | `("time", 3)` | `time=3` |
/// | `(("lat", 50), ("lon", 8))`, `[("lat", 2), ("lon", 2)]` | `lat=50, lon=8` |
#[derive(Clone, Debug, Default)]
pub struct Args {
    positional: Vec<Arg>,
    named: Vec<(String, Arg)>,
}

/// Words of Python that cannot name an argument.
const WORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
    "while", "with", "yield",
];

/// Whether a text of the language can hold this as a name.
pub(super) fn is_name(text: &str) -> bool {
    is_identifier(text) && !WORDS.contains(&text)
}

impl Args {
    /// None.
    pub fn new() -> Args {
        Args::default()
    }

    /// And this one, by position.
    #[must_use]
    pub fn with(mut self, value: impl Into<Arg>) -> Args {
        self.positional.push(value.into());
        self
    }

    /// And this one, by name. Any text may be the name of a dim.
    #[must_use]
    pub fn named(mut self, name: &str, value: impl Into<Arg>) -> Args {
        self.named.push((name.to_owned(), value.into()));
        self
    }

    /// With these before those.
    pub(super) fn after(mut self, first: impl Into<Arg>) -> Args {
        self.positional.insert(0, first.into());
        self
    }

    /// `callee(...)`, and the steps in it.
    pub(super) fn call(self, callee: Expr, mut of: Vec<Arc<Step>>) -> Arg {
        let mut positional = Vec::with_capacity(self.positional.len());
        for arg in self.positional {
            positional.push(arg.expr);
            of.extend(arg.of);
        }
        let mut kwargs = Vec::with_capacity(self.named.len());
        for (name, arg) in self.named {
            of.extend(arg.of);
            kwargs.push(keyword(name, arg.expr));
        }
        Arg { expr: called(callee, positional, kwargs), of }
    }
}

fn keyword(name: String, value: Expr) -> Keyword {
    if is_name(&name) {
        return Keyword { name: Some(Name { text: name, span: Span::default() }), value, span: Span::default() };
    }
    let dict = ExprKind::Dict(vec![(bare(ExprKind::Text(name)), value)]);
    Keyword { name: None, value: bare(dict), span: Span::default() }
}

impl From<()> for Args {
    fn from((): ()) -> Args {
        Args::new()
    }
}

impl From<Arg> for Args {
    fn from(arg: Arg) -> Args {
        Args::new().with(arg)
    }
}

impl From<&str> for Args {
    fn from(dim: &str) -> Args {
        Args::new().with(dim)
    }
}

impl From<&String> for Args {
    fn from(dim: &String) -> Args {
        Args::new().with(dim)
    }
}

impl<const N: usize> From<[&str; N]> for Args {
    fn from(dims: [&str; N]) -> Args {
        Args::new().with(dims)
    }
}

impl From<&[&str]> for Args {
    fn from(dims: &[&str]) -> Args {
        Args::new().with(dims)
    }
}

impl<V: Into<Arg>> From<(&str, V)> for Args {
    fn from((name, value): (&str, V)) -> Args {
        Args::new().named(name, value)
    }
}

impl<V: Into<Arg>, const N: usize> From<[(&str, V); N]> for Args {
    fn from(all: [(&str, V); N]) -> Args {
        all.into_iter().fold(Args::new(), |args, (name, value)| args.named(name, value))
    }
}

impl<V: Into<Arg>> From<Vec<(&str, V)>> for Args {
    fn from(all: Vec<(&str, V)>) -> Args {
        all.into_iter().fold(Args::new(), |args, (name, value)| args.named(name, value))
    }
}

impl<A: Into<Arg>, B: Into<Arg>> From<((&str, A), (&str, B))> for Args {
    fn from((a, b): ((&str, A), (&str, B))) -> Args {
        Args::from(a).named(b.0, b.1)
    }
}

impl<A: Into<Arg>, B: Into<Arg>, C: Into<Arg>> From<((&str, A), (&str, B), (&str, C))> for Args {
    fn from((a, b, c): ((&str, A), (&str, B), (&str, C))) -> Args {
        Args::from((a, b)).named(c.0, c.1)
    }
}

/// The arguments of a call, as in Python: `args![0.9, dim = "time"]`, with whatever an [`Arg`](crate::api::Arg) is made of.
///
/// ```
/// # fn main() -> xeng::error::Result<()> {
/// use xeng::api::{Arg, Session, args};
/// let session = Session::local()?;
/// let line = session.call("xr.DataArray", args![[1.0, 2.0, 4.0], dims = ["x"]])?;
/// let half = line.call("quantile", args![0.5, dim = "x", skipna = false])?;
/// assert_eq!(half.compute()?.values::<f64>()?.first(), Some(&2.0));
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! args {
    (@more $args:ident) => {};
    (@more $args:ident $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        $args = $args.named(stringify!($name), $value);
        $($crate::args!(@more $args $($rest)*);)?
    };
    (@more $args:ident $value:expr $(, $($rest:tt)*)?) => {
        $args = $args.with($value);
        $($crate::args!(@more $args $($rest)*);)?
    };
    () => { $crate::api::Args::new() };
    ($($all:tt)+) => {{
        let mut all = $crate::api::Args::new();
        $crate::args!(@more all $($all)+);
        all
    }};
}
