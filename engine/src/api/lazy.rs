//! A lazy handle: what it will be is known, its cells are not computed.
//!
//! In: calls. Out: further handles, and once asked for, the finished array. Never reads data before [`Lazy::compute`].

use super::arg::{Arg, attribute};
use super::args::Args;
use super::computed::Computed;
use super::kind::{Array, Kind, Whole};
use super::program::{Built, program};
use super::session::Inner;
use super::step::{Form, Step};
use crate::error::{Error, Result};
use crate::lazy::{LazyArray, Plan, Value};
use crate::resolve::{Scope, resolve};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use xeng_kernels::DType;

/// An array, a dataset or groups of one, not computed yet. Cloning is cheap; [`fmt::Display`] is the expression's text.
pub struct Lazy<K> {
    pub(super) step: Arc<Step>,
    pub(super) session: Arc<Inner>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Lazy<K> {
    fn clone(&self) -> Lazy<K> {
        Lazy { step: self.step.clone(), session: self.session.clone(), kind: PhantomData }
    }
}

impl<K: Kind> Lazy<K> {
    /// A method of the language by its name, such as `quantile` or `xeng.wrap_lon`, with any arguments: `t.call("quantile", args![0.9, dim =
    /// "time"])`. Of groups, it gives what a reduction gives.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when there is no such method or it refuses its arguments; and when it gives another kind:
    /// then [`Lazy::call_as`] is meant.
    pub fn call(&self, method: &str, args: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call_as(method, args)
    }

    /// A method that gives another kind: `ds.call_as::<Array>("to_array", ())`.
    ///
    /// # Errors
    /// As [`Lazy::call`].
    pub fn call_as<L: Kind>(&self, method: &str, args: impl Into<Args>) -> Result<Lazy<L>> {
        let callee = method.split('.').fold(self.step.hole(), attribute);
        Lazy::checked(args.into().call(callee, vec![self.step.clone()]), self.session.clone())
    }

    /// A property by its name: `t.property("T")`, `time.property("dt.hour")`.
    ///
    /// # Errors
    /// As [`Lazy::call`].
    pub fn property(&self, name: &str) -> Result<Lazy<K::Whole>> {
        let expr = name.split('.').fold(self.step.hole(), attribute);
        Lazy::checked(Arg { expr, of: vec![self.step.clone()] }, self.session.clone())
    }

    /// A handle that is not looked at.
    pub(super) fn unchecked(arg: Arg, session: Arc<Inner>) -> Lazy<K> {
        Lazy { step: Step::new(Form::Expr(arg.expr), arg.of), session, kind: PhantomData }
    }

    /// A handle, refused where it is known not to work.
    pub(super) fn checked(arg: Arg, session: Arc<Inner>) -> Result<Lazy<K>> {
        Lazy::of_step(Step::new(Form::Expr(arg.expr), arg.of), session)
    }

    pub(super) fn of_step(step: Arc<Step>, session: Arc<Inner>) -> Result<Lazy<K>> {
        let handle = Lazy { step, session, kind: PhantomData };
        handle.resolved()?;
        Ok(handle)
    }

    /// The expression that this handle stands for.
    pub(super) fn built(&self) -> Result<Built> {
        let built = program(&self.step)?;
        match built.sources.iter().find(|source| !Arc::ptr_eq(&source.session, &self.session)) {
            Some(other) => Err(Error::request(format!("dataset '{}' was opened by another session", other.spec.name))
                .hint("open all datasets of one expression by one session")),
            None => Ok(built),
        }
    }

    /// What is known of it without data; nothing where labels depend on data.
    fn resolved(&self) -> Result<Option<(Plan, Value)>> {
        let Built { program, sources } = self.built()?;
        let mut scope = Scope::default();
        scope.datasets.extend(sources.iter().map(|s| (s.spec.name.clone(), s.opened.clone())));
        let mut plan = Plan::with_cells(HashMap::new());
        let value = resolve(&program, &scope, &mut plan);
        if !plan.unread().is_empty() {
            return Ok(None);
        }
        let value = value?;
        if K::admits(&value) {
            return Ok(Some((plan, value)));
        }
        let message = format!("this is {}, and {} is wanted", value.type_name(), K::NAME);
        Err(Error::request(message)
            .at(&program.text, program.result.span)
            .hint("name the kind: call_as::<Dataset>(...), cast::<Dataset>()"))
    }
}

impl<K: Whole> Lazy<K> {
    /// The same under another kind: an operator between an array and a dataset gives a dataset, whichever stands first.
    ///
    /// # Errors
    /// `Request` when it is of another kind.
    pub fn cast<L: Whole>(&self) -> Result<Lazy<L>> {
        Lazy::of_step(self.step.clone(), self.session.clone())
    }

    /// Computes it, and waits.
    ///
    /// The datasets are looked at again: the result is of the files as they are now. Works on any thread; within asynchronous code,
    /// [`Lazy::compute_async`] does not hold up others.
    ///
    /// # Errors
    /// `Request` for what the operators since the last method got wrong, `Data` for unreadable files, `Unavailable` when a region does not
    /// answer, `Budget` when it needs more memory or more of the WAN than allowed.
    pub fn compute(&self) -> Result<Computed<K>> {
        let built = self.built()?;
        self.session.block(computing(self.session.clone(), built)).and_then(Computed::of)
    }

    /// Computes it. Dropping the future ends the run. Any executor may poll it: the session has its own threads.
    ///
    /// # Errors
    /// As [`Lazy::compute`].
    pub async fn compute_async(&self) -> Result<Computed<K>> {
        let built = self.built()?;
        self.session.within(computing(self.session.clone(), built)).await.and_then(Computed::of)
    }
}

async fn computing(session: Arc<Inner>, built: Built) -> Result<super::computed::Parts> {
    let opens: Vec<_> = built.sources.iter().map(|s| s.spec.clone()).collect();
    let mut run = session.session.evaluate_program(built.program, opens.clone(), &|_, _| {}).await?;
    let outcome = run.outcomes.pop().ok_or_else(|| Error::internal("the run gave no result"))?.1;
    Ok(super::computed::Parts { outcome, receipt: run.receipt, opens })
}

impl Lazy<Array> {
    /// Its dims, in order.
    ///
    /// # Errors
    /// `Request` when operators got something wrong, or labels depend on data.
    pub fn dims(&self) -> Result<Vec<String>> {
        self.known(|plan, array| plan.names(array.node))
    }

    /// Length along each dim.
    ///
    /// # Errors
    /// As [`Lazy::dims`].
    pub fn shape(&self) -> Result<Vec<usize>> {
        self.known(|plan, array| Ok(plan.dims(array.node)?.iter().map(|dim| dim.len).collect()))
    }

    /// The type of its cells. Times are counted as `I64`.
    ///
    /// # Errors
    /// As [`Lazy::dims`].
    pub fn dtype(&self) -> Result<DType> {
        self.known(|plan, array| plan.dtype(array.node))
    }

    /// Its name, if it has one.
    ///
    /// # Errors
    /// As [`Lazy::dims`].
    pub fn name(&self) -> Result<Option<String>> {
        self.known(|_, array| Ok(array.name.clone()))
    }

    fn known<T>(&self, tell: impl FnOnce(&Plan, &LazyArray) -> crate::resolve::Outcome<T>) -> Result<T> {
        match self.resolved()? {
            Some((plan, Value::Array(array))) => tell(&plan, &array).map_err(|fault| fault.in_text(&Arc::from(self.to_string()))),
            Some(_) => Err(Error::request("a number has no dims; compute it")),
            None => Err(Error::request("this depends on data").hint("compute it, and ask the result")),
        }
    }
}

impl<K: Kind> fmt::Display for Lazy<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match program(&self.step) {
            Ok(built) => f.write_str(&built.program.text),
            Err(e) => write!(f, "<{}>", e.message),
        }
    }
}

impl<K: Kind> fmt::Debug for Lazy<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lazy({self})")
    }
}
