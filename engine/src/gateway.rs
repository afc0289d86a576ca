//! The gateway's gRPC skin: evaluate and explain for clients in any language.
//!
//! In: jobs as text. Out: progress, Arrow tables in chunks, a receipt. Never evaluates: that is its [`Evaluator`]'s.
//! A client that goes away drops the answer, and with it the evaluator's future.

use crate::output::arrow::to_ipc;
use crate::result::Outcome;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Response, Status};
use xeng_proto::grpc::MAX_REQUEST_BYTES;
use xeng_proto::grpc::status::to_status;
use xeng_proto::wire::pb;
use xeng_proto::wire::pb::evaluate_reply::Kind;
use xeng_proto::wire::pb::gateway_server::{Gateway, GatewayServer};
use xeng_proto::{Progress, RegionError};

/// The most bytes of one chunk.
const CHUNK_BYTES: usize = 1 << 20;
/// Progress that a slow client has not read yet; more is dropped, since newer progress replaces it.
const PROGRESS_QUEUE: usize = 16;

/// What a client asks to have computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// An expression over datasets, each `(name, uri)` opened beside those the server knows.
    Expression {
        /// The text.
        text: String,
        /// What it opens.
        opens: Vec<(String, String)>,
    },
    /// The text of a plan file.
    Plan(String),
}

/// A plan in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: String,
}

/// A dataset that expressions may name.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The name in expressions.
    pub name: String,
    /// Where it lies.
    pub uri: String,
    /// The region that holds it; empty for the server's own.
    pub region: String,
}

/// What stands behind the gateway: a session.
#[async_trait]
pub trait Evaluator: Send + Sync + 'static {
    /// Plans a job without computing it.
    ///
    /// # Errors
    /// As the command line's `xeng explain`.
    async fn explain(&self, job: Job) -> Result<Explained, RegionError>;

    /// Computes a job; gives the result and the receipt as JSON. Dropping the future cancels the work.
    ///
    /// # Errors
    /// As the command line's `xeng eval`.
    async fn evaluate(&self, job: Job, progress: ProgressSink) -> Result<(Outcome, String), RegionError>;

    /// The datasets known by name.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be reached.
    async fn datasets(&self) -> Result<Vec<Known>, RegionError>;
}

/// Takes progress on its way to a client.
#[derive(Clone, Debug)]
pub struct ProgressSink(mpsc::Sender<Progress>);

impl ProgressSink {
    /// Tells how far the work is. Never waits: what the client is too slow for is left out.
    pub fn tell(&self, progress: Progress) {
        let _ = self.0.try_send(progress);
    }
}

/// An evaluator as a gRPC service.
#[derive(Clone)]
pub struct GatewayService {
    evaluator: Arc<dyn Evaluator>,
}

impl GatewayService {
    /// The service of this evaluator; add it to `xeng_proto::grpc::server::router()`.
    pub fn server(evaluator: Arc<dyn Evaluator>) -> GatewayServer<GatewayService> {
        GatewayServer::new(GatewayService { evaluator }).max_decoding_message_size(MAX_REQUEST_BYTES)
    }
}

#[tonic::async_trait]
impl Gateway for GatewayService {
    type EvaluateStream = BoxStream<'static, Result<pb::EvaluateReply, Status>>;

    async fn explain(&self, request: Request<pb::ExplainRequest>) -> Result<Response<pb::ExplainReply>, Status> {
        let job = job(request.into_inner().job).map_err(|e| to_status(&e))?;
        let Explained { text, json } = self.evaluator.explain(job).await.map_err(|e| to_status(&e))?;
        Ok(Response::new(pb::ExplainReply { text, json }))
    }

    async fn evaluate(&self, request: Request<pb::EvaluateRequest>) -> Result<Response<Self::EvaluateStream>, Status> {
        let job = job(request.into_inner().job).map_err(|e| to_status(&e))?;
        Ok(Response::new(replies(self.evaluator.clone(), job)))
    }

    async fn list_datasets(&self, _: Request<pb::ListDatasetsRequest>) -> Result<Response<pb::ListDatasetsReply>, Status> {
        let known = self.evaluator.datasets().await.map_err(|e| to_status(&e))?;
        let datasets = known.into_iter().map(|Known { name, uri, region }| pb::DatasetEntry { name, uri, region }).collect();
        Ok(Response::new(pb::ListDatasetsReply { datasets }))
    }
}

fn job(message: Option<pb::Job>) -> Result<Job, RegionError> {
    match message.and_then(|j| j.kind) {
        Some(pb::job::Kind::Expression(e)) => {
            Ok(Job::Expression { text: e.text, opens: e.opens.into_iter().map(|o| (o.name, o.uri)).collect() })
        }
        Some(pb::job::Kind::PlanToml(plan)) => Ok(Job::Plan(plan)),
        None => Err(RegionError::request("the request holds neither an expression nor a plan that this version knows")),
    }
}

/// Progress while the work runs, then the result. The work is part of the stream: dropping one drops the other.
fn replies(evaluator: Arc<dyn Evaluator>, job: Job) -> BoxStream<'static, Result<pb::EvaluateReply, Status>> {
    let (sink, progress) = mpsc::channel(PROGRESS_QUEUE);
    let (done, result) = oneshot::channel();
    let work = futures::stream::once(async move {
        // The reader lives in the same stream, so it is there.
        let _ = done.send(evaluator.evaluate(job, ProgressSink(sink)).await);
        None
    });
    let told = futures::stream::unfold(progress, |mut p| async move { p.recv().await.map(|told| (Some(told), p)) });
    // The sink goes with the work, which ends the progress: none comes after the result.
    let during =
        futures::stream::select(told, work).filter_map(|told| async move { told.map(|p| Ok(reply(Kind::Progress(progress_to_wire(p))))) });
    let after = futures::stream::once(async move { finished(result.await) }).flat_map(futures::stream::iter);
    during.chain(after).boxed()
}

fn finished(done: Result<Result<(Outcome, String), RegionError>, oneshot::error::RecvError>) -> Replies {
    let done = done.unwrap_or_else(|_| Err(RegionError::internal("the evaluation vanished")));
    match done.and_then(|(outcome, receipt)| result(&outcome, receipt)) {
        Ok(messages) => Replies::Done(messages),
        Err(e) => Replies::Failed(Some(e)),
    }
}

/// What follows the work: an error, or the result's messages.
enum Replies {
    Failed(Option<RegionError>),
    Done(ResultMessages),
}

impl Iterator for Replies {
    type Item = Result<pb::EvaluateReply, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Replies::Failed(e) => e.take().map(|e| Err(to_status(&e))),
            Replies::Done(messages) => messages.next().map(Ok),
        }
    }
}

/// The chunks of every table in order, then the receipt.
struct ResultMessages {
    tables: std::vec::IntoIter<Bytes>,
    table: u32,
    rest: Bytes,
    receipt: Option<String>,
}

fn result(outcome: &Outcome, receipt: String) -> Result<ResultMessages, RegionError> {
    let mut tables = to_ipc(outcome).map_err(|e| RegionError::internal(format!("the result cannot be written as Arrow: {e}")))?.into_iter();
    let rest = tables.next().unwrap_or_default();
    Ok(ResultMessages { tables, table: 0, rest, receipt: Some(receipt) })
}

impl Iterator for ResultMessages {
    type Item = pb::EvaluateReply;

    fn next(&mut self) -> Option<pb::EvaluateReply> {
        if self.rest.is_empty() {
            match self.tables.next() {
                Some(next) => (self.table, self.rest) = (self.table + 1, next),
                None => return self.receipt.take().map(|r| reply(Kind::ReceiptJson(r))),
            }
        }
        let data = self.rest.split_to(self.rest.len().min(CHUNK_BYTES));
        Some(reply(Kind::Chunk(pb::ResultChunk { table: self.table, data })))
    }
}

fn reply(kind: Kind) -> pb::EvaluateReply {
    pb::EvaluateReply { kind: Some(kind) }
}

fn progress_to_wire(p: Progress) -> pb::EvaluateProgress {
    pb::EvaluateProgress { read_bytes: p.read_bytes, total_bytes: p.total_bytes, units_done: p.units_done, units_total: p.units_total }
}

#[cfg(test)]
mod tests;
