//! A region that misbehaves on purpose, in front of one that does not.

use async_trait::async_trait;
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use xeng_kernels::{Block, DType};
use xeng_proto::{
    Answer, AnswerStream, Dataset, DatasetSpec, Fragment, Part, Region, RegionError, Status, StoreStep, StoreTarget, Traffic,
};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The stream ends after this many pieces, as if all were well.
    Ends(usize),
    /// The connection breaks after this many pieces.
    Breaks(usize),
    /// `Done` comes after this many pieces.
    DoneEarly(usize),
    /// A piece comes twice.
    Twice,
    /// A piece claims another place in the merge tree.
    WrongUnits,
    /// A piece claims other cells.
    WrongCells,
    /// A piece claims a task that does not exist.
    WrongTask,
    /// A piece holds an array too few.
    WrongFields,
    /// A piece has another shape.
    WrongShape,
    /// A piece has another element type.
    WrongType,
    /// The call is never answered.
    NeverBegins,
    /// Nothing more comes after this many pieces.
    FallsSilent(usize),
    /// A chunk that was to be written is sent empty.
    NotWritten,
    /// A chunk that was written is claimed to be larger.
    WrongSize,
    /// Each answer comes so much later.
    Slow(Duration),
}

/// Misbehaves in its first `times` executions.
pub(crate) struct Faulty {
    inner: Arc<dyn Region>,
    fault: Fault,
    times: u32,
    asked: AtomicU32,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Region>, fault: Fault, times: u32) -> Faulty {
        Faulty { inner, fault, times, asked: AtomicU32::new(0) }
    }
}

#[async_trait]
impl Region for Faulty {
    fn label(&self) -> String {
        format!("faulty {}", self.inner.label())
    }

    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError> {
        self.inner.describe(spec).await
    }

    async fn execute(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        let answers = self.inner.execute(fragment, part).await?;
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.times {
            return Ok(answers);
        }
        if self.fault == Fault::NeverBegins {
            return std::future::pending().await;
        }
        Ok(spoiled(answers, self.fault))
    }

    async fn store(&self, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
        self.inner.store(target, step).await
    }

    async fn status(&self) -> Result<Status, RegionError> {
        self.inner.status().await
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

fn spoiled(answers: AnswerStream, fault: Fault) -> AnswerStream {
    // Progress would only blur what is counted here.
    let answers = answers.filter(|a| std::future::ready(!matches!(a, Ok(Answer::Progress(_)))));
    let done = |_| Ok(Answer::Done(xeng_proto::Account::default()));
    let broken = |_| Err(RegionError::unavailable("the connection broke"));
    match fault {
        Fault::NeverBegins => futures::stream::pending().boxed(),
        Fault::Ends(n) => answers.take(n).boxed(),
        Fault::Breaks(n) => answers.take(n).chain(futures::stream::once(std::future::ready(())).map(broken)).boxed(),
        Fault::DoneEarly(n) => answers.take(n).chain(futures::stream::once(std::future::ready(())).map(done)).boxed(),
        Fault::FallsSilent(n) => answers.take(n).chain(futures::stream::pending()).boxed(),
        Fault::Twice => answers
            .flat_map(|a| futures::stream::iter(if matches!(a, Ok(Answer::Piece(_))) { vec![a.clone(), a] } else { vec![a] }))
            .boxed(),
        Fault::Slow(by) => answers
            .then(move |a| async move {
                tokio::time::sleep(by).await;
                a
            })
            .boxed(),
        Fault::WrongUnits
        | Fault::WrongCells
        | Fault::WrongTask
        | Fault::WrongFields
        | Fault::WrongShape
        | Fault::WrongType
        | Fault::NotWritten
        | Fault::WrongSize => answers.map(move |a| a.map(|a| forged(a, fault))).boxed(),
    }
}

fn forged(answer: Answer, fault: Fault) -> Answer {
    let Answer::Piece(mut piece) = answer else { return answer };
    let c = &mut piece.coverage;
    match fault {
        Fault::WrongUnits => (c.level, c.index) = (c.level + 1, c.index + 1),
        Fault::WrongCells => c.bounds.iter_mut().for_each(|r| *r = r.start..r.end + 1),
        Fault::WrongTask => c.task += 7,
        Fault::WrongFields => piece.partials.iter_mut().for_each(|p| p.states.clear()),
        Fault::NotWritten => piece.written.clear(),
        Fault::WrongSize => piece.written.iter_mut().for_each(|w| w.bytes += 1),
        Fault::WrongShape => each_state(&mut piece.partials, |b| Block::filled(b.dtype(), &[b.len() + 1], 1.0)),
        _ => each_state(&mut piece.partials, |b| b.cast(if b.dtype() == DType::F32 { DType::F64 } else { DType::F32 })),
    }
    Answer::Piece(piece)
}

fn each_state(partials: &mut [xeng_kernels::Partial], to: impl Fn(&Block) -> Block) {
    partials.iter_mut().flat_map(|p| p.states.iter_mut()).for_each(|b| *b = to(b));
}
