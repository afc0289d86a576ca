//! Where a program's handles come from: engines here and in regions, and the datasets opened there.
//!
//! In: addresses, URIs, calls of functions. Out: handles. Never reads more than metadata.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Array, Dataset, Kind};
use super::lazy::Lazy;
use super::open::Open;
use super::runtime::Threads;
use super::step::{Form, Source, Step};
use crate::error::{Error, Result};
use crate::expr::ExprKind;
use crate::session::{Session as Engines, Setup};
use crate::topology::{RegionPlace, Topology};
use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use xeng_proto::Region;
use xeng_proto::grpc::GrpcRegion;

/// How long an engine may take to say which region it serves.
const GREETING: Duration = Duration::from_secs(10);

/// Engines, and what was opened by them. Cloning is cheap: clones are one session, and it lasts as long as its handles.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

pub(super) struct Inner {
    pub(super) session: Engines,
    names: Mutex<HashSet<String>>,
    threads: Threads,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.session.home())
    }
}

impl Inner {
    pub(super) fn block<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.threads.block(work)
    }

    pub(super) async fn within<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.threads.within(work).await
    }
}

impl Session {
    /// An engine in this process, with the usual memory budget of 2 GiB.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no threads.
    pub fn local() -> Result<Session> {
        Session::start(Setup::default())
    }

    /// The engines at these addresses, such as `http://10.0.1.10:7070`, beside the one in this process. Each tells which region it serves:
    /// [`Open::region`] names it, [`Session::regions`] lists them. Several engines of one region share its work.
    ///
    /// # Errors
    /// `Request` for an unfit address or an engine that serves no named region, `Unavailable` when one does not answer.
    pub fn connect<T: AsRef<str>>(endpoints: impl IntoIterator<Item = T>) -> Result<Session> {
        let endpoints: Vec<String> = endpoints.into_iter().map(|e| e.as_ref().to_owned()).collect();
        let threads = Threads::start()?;
        let topology = threads.block(async move {
            let mut topology = Topology::default();
            for endpoint in endpoints {
                let place: &mut RegionPlace = topology.regions.entry(region_of(&endpoint).await?).or_default();
                place.endpoints.push(endpoint);
            }
            Ok(topology)
        })?;
        Session::on(threads, Setup { topology, ..Setup::default() })
    }

    /// Whatever else a session can be started from: a topology with links and prices, budgets, caches, patience.
    ///
    /// # Errors
    /// As [`crate::session::Session::start`].
    pub fn start(setup: Setup) -> Result<Session> {
        Session::on(Threads::start()?, setup)
    }

    fn on(threads: Threads, setup: Setup) -> Result<Session> {
        // Connections belong to the runtime that they are begun in.
        let session = threads.block(async move { Engines::start(setup) })?;
        Ok(Session(Arc::new(Inner { session, names: Mutex::default(), threads })))
    }

    /// The regions that datasets may lie in.
    pub fn regions(&self) -> Vec<&str> {
        self.0.session.engines().keys().map(String::as_str).collect()
    }

    /// Opens a dataset: its metadata and coordinates are read where it lies, and no other data.
    ///
    /// # Errors
    /// `Request` for an unknown region or file, `Data` for unreadable metadata, `Unavailable` when no engine of the region answers.
    pub fn open(&self, what: impl Into<Open>) -> Result<Lazy<Dataset>> {
        let spec = self.named(what.into())?;
        let inner = self.0.clone();
        let described = self.0.block(async move { describe(inner, spec).await });
        self.handle(described)
    }

    /// As [`Session::open`], without holding up the thread.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn open_async(&self, what: impl Into<Open>) -> Result<Lazy<Dataset>> {
        let spec = self.named(what.into())?;
        let inner = self.0.clone();
        let described = self.0.within(async move { describe(inner, spec).await }).await;
        self.handle(described)
    }

    fn named(&self, what: Open) -> Result<crate::open_spec::OpenSpec> {
        let mut names = self.0.names.lock().unwrap_or_else(PoisonError::into_inner);
        let spec = what.spec(|name| names.contains(name))?;
        names.insert(spec.name.clone());
        Ok(spec)
    }

    fn handle(&self, described: Result<Source>) -> Result<Lazy<Dataset>> {
        let source = described.map_err(|e| self.elsewhere(e))?;
        Lazy::of_step(Step::new(Form::Dataset(Arc::new(source)), vec![]), self.0.clone())
    }

    /// Where a file is missed at home, it may lie in a region.
    fn elsewhere(&self, error: Error) -> Error {
        let regions: Vec<&str> = self.regions().into_iter().filter(|name| *name != self.0.session.home()).collect();
        if error.hint.is_some() || regions.is_empty() || error.kind != crate::error::ErrorKind::Request {
            return error;
        }
        error.hint(format!("if it lies in a region, say so: Open::at(...).region(...); there are: {}", regions.join(", ")))
    }

    /// A function of the language: `session.call("xr.corr", args![&a, &b, "time"])`, `session.call("np.sqrt", args![&a])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when there is no such function or it refuses its arguments.
    pub fn call(&self, function: &str, args: impl Into<Args>) -> Result<Lazy<Array>> {
        self.call_as(function, args)
    }

    /// A function that gives a dataset: `session.call_as::<Dataset>("xr.merge", args![[&a, &b]])`.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub fn call_as<K: Kind>(&self, function: &str, args: impl Into<Args>) -> Result<Lazy<K>> {
        Lazy::checked(Arg::call(function, args), self.0.clone())
    }

    /// An array as a text of the language, in which names stand for handles: `session.array("a - b.mean('time')", [("a", &a), ("b", &b)])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, for what the language refuses.
    pub fn array<'a>(&self, text: &str, names: impl IntoIterator<Item = (&'a str, &'a Lazy<Array>)>) -> Result<Lazy<Array>> {
        self.written(text, names)
    }

    /// A dataset as a text of the language, in which names stand for datasets.
    ///
    /// # Errors
    /// As [`Session::array`].
    pub fn dataset<'a>(&self, text: &str, names: impl IntoIterator<Item = (&'a str, &'a Lazy<Dataset>)>) -> Result<Lazy<Dataset>> {
        self.written(text, names)
    }

    fn written<'a, K: Kind>(&self, text: &str, names: impl IntoIterator<Item = (&'a str, &'a Lazy<K>)>) -> Result<Lazy<K>> {
        let program = crate::parse::parse(text)?;
        if let Some(line) = program.assignments.first() {
            let place = line.targets.first().map(|target| target.span).unwrap_or_default();
            return Err(Error::request("a text is one expression here").at(&program.text, place).hint("name its parts in Rust"));
        }
        let (mut expr, mut of) = (program.result, vec![]);
        for (name, handle) in names {
            fill(&mut expr, name, &handle.step);
            of.push(handle.step.clone());
        }
        Lazy::checked(Arg { expr, of }, self.0.clone())
    }
}

/// Puts a step's hole wherever a name stands.
fn fill(expr: &mut crate::expr::Expr, name: &str, step: &Step) {
    if matches!(&expr.kind, ExprKind::Name(found) if found == name) {
        expr.kind = step.hole().kind;
    }
    expr.children_mut(&mut |child| fill(child, name, step));
}

async fn region_of(endpoint: &str) -> Result<String> {
    let engine = GrpcRegion::connect(endpoint, endpoint)?;
    let late = |_| Error::unavailable(format!("the engine at {endpoint} does not answer"));
    let status = tokio::time::timeout(GREETING, engine.status()).await.map_err(late)?.map_err(Error::from)?;
    if status.region.is_empty() {
        return Err(Error::request(format!("the engine at {endpoint} names no region")).hint("start it with --region NAME"));
    }
    Ok(status.region)
}

async fn describe(session: Arc<Inner>, spec: crate::open_spec::OpenSpec) -> Result<Source> {
    let opened = Arc::new(session.session.open(&spec).await?);
    Ok(Source { spec, opened, session })
}
