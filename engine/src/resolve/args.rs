//! The arguments of a call: bound to a signature, then read by type.
//!
//! In: resolved arguments with their places. Out: typed options, or an error at the argument. Never resolves expressions.

use super::fault::{Fault, Outcome};
use crate::expr::Span;
use crate::lazy::{Number, Value};
use crate::suggest;
use indexmap::IndexMap;

/// A resolved argument, and where it stands.
#[derive(Clone, Debug)]
pub struct Arg {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// The arguments of one call.
#[derive(Clone, Debug)]
pub struct Args {
    /// What is called, for messages.
    pub callee: String,
    /// By position.
    pub positional: Vec<Arg>,
    /// By name.
    pub keyword: IndexMap<String, Arg>,
}

/// Arguments under the names of a signature.
#[derive(Clone, Debug)]
pub struct Bound {
    callee: String,
    given: IndexMap<String, Arg>,
}

impl Args {
    /// Binds to a signature: names in positional order. Anything else is refused.
    ///
    /// # Errors
    /// At the argument that does not fit.
    pub fn bind(self, signature: &[&str]) -> Outcome<Bound> {
        let (bound, rest) = self.bind_some(signature)?;
        match rest.first() {
            None => Ok(bound),
            Some((name, arg)) => {
                let hint = suggest::did_you_mean_or_list(name, signature.iter().copied()).map(|h| format!("; {h}")).unwrap_or_default();
                Err(Fault::new(format!("{}() has no argument '{name}'{hint}", bound.callee)).at(arg.span))
            }
        }
    }

    /// Binds to a signature; keywords outside it are handed back in order (`sel(lat=...)`).
    ///
    /// # Errors
    /// At a positional argument too many, or an argument given twice.
    pub fn bind_some(self, signature: &[&str]) -> Outcome<(Bound, IndexMap<String, Arg>)> {
        let mut given = IndexMap::new();
        let mut rest = IndexMap::new();
        for (i, arg) in self.positional.into_iter().enumerate() {
            match signature.get(i) {
                Some(name) => given.insert((*name).to_owned(), arg),
                None => {
                    return Err(
                        Fault::new(format!("{}() takes at most {} positional arguments", self.callee, signature.len())).at(arg.span)
                    );
                }
            };
        }
        for (name, arg) in self.keyword {
            if !signature.contains(&name.as_str()) {
                rest.insert(name, arg);
            } else if given.contains_key(&name) {
                return Err(Fault::new(format!("{}() got the argument '{name}' twice", self.callee)).at(arg.span));
            } else {
                given.insert(name, arg);
            }
        }
        Ok((Bound { callee: self.callee, given }, rest))
    }

    /// Binds one dict-like argument called `first`, further options, and keywords as entries of the dict: `isel({'x': 1}, y=2)`.
    ///
    /// # Errors
    /// When the first argument is no dict.
    pub fn bind_dict(self, first: &str, options: &[&str]) -> Outcome<(Bound, IndexMap<String, Arg>)> {
        let signature: Vec<&str> = std::iter::once(first).chain(options.iter().copied()).collect();
        let (mut bound, rest) = self.bind_some(&signature)?;
        let mut entries = IndexMap::new();
        match bound.take(first) {
            None | Some(Arg { value: Value::None, .. }) => {}
            Some(Arg { value: Value::Dict(dict), span }) => entries.extend(dict.into_iter().map(|(k, value)| (k, Arg { value, span }))),
            Some(arg) => return Err(bound.wrong(first, &arg, "a dict")),
        }
        entries.extend(rest);
        Ok((bound, entries))
    }
}

impl Bound {
    /// The argument `name`, if it was given.
    pub fn take(&mut self, name: &str) -> Option<Arg> {
        self.given.shift_remove(name)
    }

    /// Where the argument `name` stands, if it was given.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.given.get(name).map(|a| a.span)
    }

    /// One of several texts, each with what it stands for.
    ///
    /// # Errors
    /// When it is another text, or none.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], default: T) -> Outcome<T> {
        let span = self.span(name);
        let Some(text) = self.text(name)? else { return Ok(default) };
        choices.iter().find(|(known, _)| *known == text).map(|(_, v)| *v).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            let fault = Fault::new(format!("{}(): there is no {name} '{text}'; there are: {}", self.callee, known.join(", ")));
            match span {
                Some(span) => fault.at(span),
                None => fault,
            }
        })
    }

    /// The argument `name`, if it was given and is not `None`.
    pub fn some(&mut self, name: &str) -> Option<Arg> {
        self.take(name).filter(|a| !matches!(a.value, Value::None))
    }

    /// The argument `name`.
    ///
    /// # Errors
    /// When it was not given.
    pub fn need(&mut self, name: &str) -> Outcome<Arg> {
        self.take(name).ok_or_else(|| Fault::new(format!("{}() needs the argument '{name}'", self.callee)))
    }

    /// The complaint that `name` is not `wanted`.
    pub fn wrong(&self, name: &str, arg: &Arg, wanted: &str) -> Fault {
        Fault::new(format!("{}(): '{name}' must be {wanted}, not {}", self.callee, arg.value.type_name())).at(arg.span)
    }

    /// A bool option, `default` where absent or `None`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&mut self, name: &str, default: Option<bool>) -> Outcome<Option<bool>> {
        match self.some(name) {
            None => Ok(default),
            Some(Arg { value: Value::Bool(b), .. }) => Ok(Some(b)),
            Some(Arg { value: Value::Number(Number::Int(v @ (0 | 1))), .. }) => Ok(Some(v == 1)),
            Some(arg) => Err(self.wrong(name, &arg, "True or False")),
        }
    }

    /// A text option.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&mut self, name: &str) -> Outcome<Option<String>> {
        match self.some(name) {
            None => Ok(None),
            Some(Arg { value: Value::Text(t), .. }) => Ok(Some(t)),
            Some(arg) => Err(self.wrong(name, &arg, "a text")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is something else.
    pub fn int(&mut self, name: &str) -> Outcome<Option<i64>> {
        match self.some(name) {
            None => Ok(None),
            Some(arg) => integer(&arg.value).map(Some).ok_or_else(|| self.wrong(name, &arg, "a whole number")),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&mut self, name: &str) -> Outcome<Option<f64>> {
        match self.some(name) {
            None => Ok(None),
            Some(arg) => float(&arg.value).map(Some).ok_or_else(|| self.wrong(name, &arg, "a number")),
        }
    }

    /// One name or several: a text, a list or a tuple of texts, or `...`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn names(&mut self, name: &str) -> Outcome<Names> {
        match self.some(name) {
            None => Ok(Names::Absent),
            Some(Arg { value: Value::Ellipsis, .. }) => Ok(Names::All),
            Some(arg) => texts(&arg.value).map(Names::These).ok_or_else(|| self.wrong(name, &arg, "a name or a list of names")),
        }
    }

    /// Refuses an option that is given with anything but its default.
    ///
    /// # Errors
    /// When it is given and not `None`.
    pub fn unsupported(&mut self, names: &[&str]) -> Outcome<()> {
        for name in names {
            if let Some(arg) = self.some(name) {
                return Err(Fault::unsupported(format!("{}(): the argument '{name}'", self.callee)).at(arg.span));
            }
        }
        Ok(())
    }
}

/// Names as an argument states them.
#[derive(Clone, Debug, PartialEq)]
pub enum Names {
    /// Nothing was said, or `None`.
    Absent,
    /// `...`
    All,
    /// These.
    These(Vec<String>),
}

/// The whole number that a value is.
pub fn integer(v: &Value) -> Option<i64> {
    match v {
        Value::Number(Number::Int(v)) => Some(*v),
        Value::Numpy(b) if b.rank() == 0 && b.dtype().is_integer() => b.to_i64_vec().first().copied(),
        _ => None,
    }
}

/// The number that a value is.
pub fn float(v: &Value) -> Option<f64> {
    match v {
        Value::Number(n) => Some(n.as_f64()),
        Value::Numpy(b) if b.rank() == 0 => b.to_f64_vec().first().copied(),
        _ => None,
    }
}

/// The texts that a value is: one, or a list or tuple of them.
pub fn texts(v: &Value) -> Option<Vec<String>> {
    match v {
        Value::Text(t) => Some(vec![t.clone()]),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().map(|i| if let Value::Text(t) = i { Some(t.clone()) } else { None }).collect()
        }
        _ => None,
    }
}
