//! A region behind a socket: answers gRPC calls from any [`Region`].
//!
//! In: a region and a listener. Out: the service `xeng.v1.RegionEngine`, with health and reflection beside it.
//! Never computes; a client that goes away drops the region's answer stream, which cancels the work.

use super::meter::{Meter, Metered};
use super::status::to_status;
use super::{CONNECTION_WINDOW_BYTES, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, STREAM_WINDOW_BYTES};
use crate::dataset::DatasetSpec;
use crate::error::RegionError;
use crate::fragment::{Fragment, Part};
use crate::region::{Join, Region};
use crate::store::{StoreStep, StoreTarget};
use crate::wire::{Budget, DESCRIPTORS, Wire, check_speaker, pb, speaker};
use futures::StreamExt;
use futures::stream::BoxStream;
use pb::region_engine_server::{RegionEngine, RegionEngineServer};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

/// Asked of an idle client, so that the work of one that vanished is cancelled.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Generous: an answer may fill a slow link for a while before the ping gets through.
const PING_TIMEOUT: Duration = Duration::from_secs(30);

/// A region as a gRPC service.
#[derive(Clone)]
pub struct RegionService {
    region: Arc<dyn Region>,
}

impl RegionService {
    /// The service of this region, with its message limits, to be served alone or beside others.
    pub fn server(region: Arc<dyn Region>) -> RegionEngineServer<RegionService> {
        RegionEngineServer::new(RegionService { region })
            .max_decoding_message_size(MAX_REQUEST_BYTES)
            .max_encoding_message_size(MAX_ANSWER_BYTES)
    }
}

#[tonic::async_trait]
impl RegionEngine for RegionService {
    type ExecuteStream = BoxStream<'static, Result<pb::Answer, Status>>;

    async fn describe(&self, request: Request<pb::DescribeRequest>) -> Result<Response<pb::DescribeReply>, Status> {
        let dataset = describe(&*self.region, request.into_inner()).await.map_err(|e| to_status(&e))?;
        Ok(Response::new(dataset))
    }

    async fn execute(&self, request: Request<pb::ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        let (fragment, part) = asked(request.into_inner()).map_err(|e| to_status(&e))?;
        let answers = self.region.execute(Arc::new(fragment), part).await.map_err(|e| to_status(&e))?;
        let messages = answers.map(|answer| answer.map(|a| a.to_wire()).map_err(|e| to_status(&e)));
        Ok(Response::new(messages.boxed()))
    }

    async fn store(&self, request: Request<pb::StoreRequest>) -> Result<Response<pb::StoreReply>, Status> {
        let (target, step) = wanted(request.into_inner()).map_err(|e| to_status(&e))?;
        self.region.store(&target, step).await.map_err(|e| to_status(&e))?;
        Ok(Response::new(pb::StoreReply { speaker: Some(speaker()) }))
    }

    async fn join(&self, request: Request<pb::JoinRequest>) -> Result<Response<pb::JoinReply>, Status> {
        let node = Join::from_wire(request.into_inner(), &mut Budget::default()).map_err(|e| to_status(&e))?;
        let endpoints = self.region.join(&node).await.map_err(|e| to_status(&e))?;
        Ok(Response::new(pb::JoinReply { speaker: Some(speaker()), endpoints }))
    }

    async fn get_status(&self, request: Request<pb::GetStatusRequest>) -> Result<Response<pb::GetStatusReply>, Status> {
        check_speaker(request.into_inner().speaker).map_err(|e| to_status(&e))?;
        let status = self.region.status().await.map_err(|e| to_status(&e))?;
        Ok(Response::new(status.to_wire()))
    }
}

async fn describe(region: &dyn Region, request: pb::DescribeRequest) -> Result<pb::DescribeReply, RegionError> {
    check_speaker(request.speaker)?;
    let spec = request.spec.ok_or_else(|| RegionError::request("malformed message: a dataset's spec is missing"))?;
    let dataset = region.describe(&DatasetSpec::from_wire(spec, &mut Budget::default())?).await?;
    Ok(pb::DescribeReply { speaker: Some(speaker()), dataset: Some(dataset.to_wire()) })
}

fn asked(request: pb::ExecuteRequest) -> Result<(Fragment, Part), RegionError> {
    check_speaker(request.speaker)?;
    let budget = &mut Budget::default();
    let fragment = request.fragment.ok_or_else(|| RegionError::request("malformed message: the fragment is missing"))?;
    let part = request.part.map_or(Ok(Part::WHOLE), |p| Part::from_wire(p, budget))?;
    Ok((Fragment::from_wire(fragment, budget)?, part))
}

fn wanted(request: pb::StoreRequest) -> Result<(StoreTarget, StoreStep), RegionError> {
    check_speaker(request.speaker)?;
    let budget = &mut Budget::default();
    let target = request.target.ok_or_else(|| RegionError::request("malformed message: the store is missing"))?;
    Ok((StoreTarget::from_wire(target, budget)?, StoreStep::from_wire(request.step, budget)?))
}

/// Serves a region until `shutdown` is ready; calls under way are then answered to their end.
///
/// # Errors
/// `Internal` when reflection cannot be set up, `Unavailable` when the listener fails.
pub async fn serve(region: Arc<dyn Region>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), RegionError> {
    serve_metered(region, listener, Meter::default(), shutdown).await
}

/// As [`serve`], counting the bytes of all connections.
///
/// # Errors
/// As [`serve`].
pub async fn serve_metered(
    region: Arc<dyn Region>,
    listener: TcpListener,
    meter: Meter,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RegionError> {
    serve_router(region_router(region).await?, listener, meter, shutdown).await
}

/// A gRPC server of a region, with the standard health and reflection services beside it: add further services, then [`serve_router`].
///
/// # Errors
/// `Internal` when reflection cannot be set up.
pub async fn region_router(region: Arc<dyn Region>) -> Result<Router, RegionError> {
    Ok(region_router_and_health(region).await?.0)
}

/// As [`region_router`], and what tells whether it is ready.
///
/// # Errors
/// As [`region_router`].
pub async fn region_router_and_health(region: Arc<dyn Region>) -> Result<(Router, Health), RegionError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<RegionEngineServer<RegionService>>().await;
    Ok((router()?.add_service(health_service).add_service(RegionService::server(region)), Health(health)))
}

/// Tells by the standard health service whether a region is ready.
#[derive(Clone)]
pub struct Health(tonic_health::server::HealthReporter);

impl Health {
    /// It takes nothing more.
    pub async fn not_ready(&self) {
        self.0.set_not_serving::<RegionEngineServer<RegionService>>().await;
    }
}

/// A gRPC server with xeng's connection settings and the reflection service: add services, then [`serve_router`].
///
/// # Errors
/// `Internal` when reflection cannot be set up.
pub fn router() -> Result<Router, RegionError> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|e| RegionError::internal(format!("reflection cannot be set up: {e}")))?;
    Ok(tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(PING_INTERVAL))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .add_service(reflection))
}

/// Serves services until `shutdown` is ready.
///
/// # Errors
/// `Unavailable` when the listener fails.
pub async fn serve_router(
    router: Router,
    listener: TcpListener,
    meter: Meter,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RegionError> {
    let sockets = TcpListenerStream::new(listener).map(move |socket| {
        socket.map(|socket| {
            // Without it small answers wait for acknowledgements; failing to set it costs only time.
            let _ = socket.set_nodelay(true);
            Metered::new(socket, meter.clone())
        })
    });
    router.serve_with_incoming_shutdown(sockets, shutdown).await.map_err(|e| RegionError::unavailable(format!("cannot serve: {e}")))
}
