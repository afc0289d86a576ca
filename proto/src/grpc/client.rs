//! A socket as a region: asks an engine elsewhere over gRPC.
//!
//! In: an endpoint. Out: a [`Region`]. Never retries: a call that fails says so at once, and a peer that falls silent counts as failed.

use super::meter::{Meter, Metered};
use super::status::from_status;
use super::{CONNECTION_WINDOW_BYTES, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, STREAM_WINDOW_BYTES};
use crate::answer::Answer;
use crate::dataset::{Dataset, DatasetSpec};
use crate::error::RegionError;
use crate::fragment::{Fragment, Part};
use crate::region::{AnswerStream, Join, Region, Status, Traffic};
use crate::store::{StoreStep, StoreTarget};
use crate::wire::{Budget, Wire, check_speaker, known_endpoints, pb, speaker};
use async_trait::async_trait;
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use pb::region_engine_client::RegionEngineClient;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tonic::codegen::{Service, http::Uri};
use tonic::transport::{Channel, Endpoint};

/// When a connection counts as failed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// A peer that sent nothing for so long is pinged.
    pub ping_interval: Duration,
    /// A ping that is not answered for so long ends the connection.
    pub ping_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { connect_timeout: Duration::from_secs(5), ping_interval: Duration::from_secs(5), ping_timeout: Duration::from_secs(10) }
    }
}

/// A region engine behind gRPC.
#[derive(Clone, Debug)]
pub struct GrpcRegion {
    label: String,
    client: RegionEngineClient<Channel>,
    meter: Meter,
}

impl GrpcRegion {
    /// The engine at `endpoint`, such as `http://10.0.1.10:7070`. Connects when first asked, and again after a failure.
    ///
    /// # Errors
    /// `Request` when `endpoint` is no `http://host:port`.
    pub fn connect(endpoint: &str, label: impl Into<String>) -> Result<GrpcRegion, RegionError> {
        GrpcRegion::connect_with(endpoint, label, Settings::default())
    }

    /// As [`GrpcRegion::connect`], with other patience.
    ///
    /// # Errors
    /// As [`GrpcRegion::connect`].
    pub fn connect_with(endpoint: &str, label: impl Into<String>, settings: Settings) -> Result<GrpcRegion, RegionError> {
        let bad = |why: String| RegionError::request(format!("endpoint '{endpoint}' is not of the form http://host:port: {why}"));
        let uri = endpoint.parse::<Uri>().map_err(|e| bad(e.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(bad("the scheme must be http".into()));
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(bad("there is no host".into()));
        }
        let meter = Meter::default();
        let channel = Endpoint::from(uri)
            .connect_timeout(settings.connect_timeout)
            .http2_keep_alive_interval(settings.ping_interval)
            .keep_alive_timeout(settings.ping_timeout)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .connect_with_connector_lazy(Connector { meter: meter.clone() });
        let client =
            RegionEngineClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES).max_encoding_message_size(MAX_REQUEST_BYTES);
        Ok(GrpcRegion { label: label.into(), client, meter })
    }

    fn refused(&self, status: &tonic::Status) -> RegionError {
        from_status(status, &self.label)
    }

    /// A reply that cannot be read is the peer's defect, whatever it calls itself.
    fn unreadable(&self, e: &RegionError) -> RegionError {
        RegionError::internal(format!("{} sent what cannot be read: {e}", self.label))
    }
}

#[async_trait]
impl Region for GrpcRegion {
    fn label(&self) -> String {
        self.label.clone()
    }

    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError> {
        let request = pb::DescribeRequest { speaker: Some(speaker()), spec: Some(spec.to_wire()) };
        let reply = self.client.clone().describe(request).await.map_err(|s| self.refused(&s))?.into_inner();
        check_speaker(reply.speaker)?;
        let dataset = reply.dataset.ok_or_else(|| RegionError::internal(format!("{} described nothing", self.label)))?;
        Dataset::from_wire(dataset, &mut Budget::default()).map_err(|e| self.unreadable(&e))
    }

    async fn execute(&self, fragment: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        let request = pb::ExecuteRequest { speaker: Some(speaker()), fragment: Some(fragment.to_wire()), part: Some(part.to_wire()) };
        let messages = self.client.clone().execute(request).await.map_err(|s| self.refused(&s))?.into_inner();
        Ok(answers(self.clone(), messages))
    }

    async fn store(&self, target: &StoreTarget, step: StoreStep) -> Result<(), RegionError> {
        let request = pb::StoreRequest { speaker: Some(speaker()), target: Some(target.to_wire()), step: step.to_wire() };
        let reply = self.client.clone().store(request).await.map_err(|s| self.refused(&s))?.into_inner();
        check_speaker(reply.speaker)
    }

    async fn join(&self, node: &Join) -> Result<Vec<String>, RegionError> {
        let reply = self.client.clone().join(node.to_wire()).await.map_err(|s| self.refused(&s))?.into_inner();
        known_endpoints(reply).map_err(|e| self.unreadable(&e))
    }

    async fn status(&self) -> Result<Status, RegionError> {
        let request = pb::GetStatusRequest { speaker: Some(speaker()) };
        let reply = self.client.clone().get_status(request).await.map_err(|s| self.refused(&s))?.into_inner();
        check_speaker(reply.speaker.clone())?;
        Status::from_wire(reply, &mut Budget::default()).map_err(|e| self.unreadable(&e))
    }

    fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }
}

/// Answers as they arrive. A stream that ends before `Done` was cut off, which looks like an orderly end to HTTP/2.
fn answers(region: GrpcRegion, messages: tonic::Streaming<pb::Answer>) -> AnswerStream {
    let step = |state: Option<(GrpcRegion, tonic::Streaming<pb::Answer>)>| async move {
        let (region, mut messages) = state?;
        let answer = match messages.message().await {
            Ok(Some(message)) => Answer::from_wire(message, &mut Budget::default()).map_err(|e| region.unreadable(&e)),
            Ok(None) => Err(RegionError::unavailable(format!("{}: the answer was cut off", region.label))),
            Err(status) => Err(region.refused(&status)),
        };
        let more = !matches!(answer, Err(_) | Ok(Answer::Done(_)));
        Some((answer, more.then_some((region, messages))))
    };
    futures::stream::unfold(Some((region, messages)), step).boxed()
}

/// Opens counted sockets.
#[derive(Clone, Debug)]
struct Connector {
    meter: Meter,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Metered>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Metered>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let meter = self.meter.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            let socket = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
            socket.set_nodelay(true)?;
            Ok(TokioIo::new(Metered::new(socket, meter)))
        })
    }
}
