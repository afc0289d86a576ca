#![allow(clippy::unwrap_used, clippy::panic)]

use super::status::{KIND_KEY, from_status, to_status};
use super::*;
use crate::answer::{Account, Answer, Piece, Progress};
use crate::coverage::Coverage;
use crate::dataset::{Attrs, Dataset, DatasetSpec};
use crate::error::{ErrorKind, RegionError};
use crate::fragment::{Fragment, Part};
use crate::region::{AnswerStream, Region, Status, Traffic};
use crate::wire::pb;
use async_trait::async_trait;
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use xeng_kernels::{Block, Graph, Partial};

/// Answers by the fragment's part: 0 = an answer, 1 = an error in the stream, 2 = no end.
#[derive(Default)]
struct Scripted {
    dropped: Arc<AtomicBool>,
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

fn piece(cells: usize) -> Answer {
    // Mixed well (splitmix64): multiples alone repeat themselves nearly enough to be compressed.
    let mixed = |i: u64| {
        let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let noise = (0..cells as u64).map(|i| f64::from_bits(0x3ff0_0000_0000_0000 | (mixed(i) >> 12))).collect();
    let block = Block::from_vec(&[cells], noise).unwrap();
    Answer::Piece(Piece {
        coverage: Coverage { task: 0, bounds: vec![0..cells], level: 0, index: 0, units: 1 },
        partials: vec![Partial { states: vec![block] }],
        written: vec![],
    })
}

#[async_trait]
impl Region for Scripted {
    fn label(&self) -> String {
        "scripted".into()
    }

    async fn describe(&self, spec: &DatasetSpec) -> Result<Dataset, RegionError> {
        match spec.uri.as_str() {
            "none" => Err(RegionError::request("there is no 'none' — really")),
            "long" => Err(RegionError::data("é".repeat(100_000))),
            _ => Ok(Dataset {
                spec: spec.clone(),
                snapshot: "s".into(),
                files: 1,
                stored_bytes: 2,
                variables: Default::default(),
                attrs: Attrs::new(),
                unreadable: Default::default(),
            }),
        }
    }

    async fn execute(&self, _: Arc<Fragment>, part: Part) -> Result<AnswerStream, RegionError> {
        let first = Ok(Answer::Progress(Progress::default()));
        let Part::Share { index, .. } = part else { panic!("named runs") };
        Ok(match index {
            0 => futures::stream::iter(vec![first, Ok(piece(1 << 20)), Ok(Answer::Done(Account::default()))]).boxed(),
            1 => futures::stream::iter(vec![first, Err(RegionError::budget("too large"))]).boxed(),
            2 => {
                let guard = SetOnDrop(self.dropped.clone());
                futures::stream::once(async { first })
                    .chain(futures::stream::pending().map(move |x| {
                        let _ = &guard;
                        x
                    }))
                    .boxed()
            }
            3 => futures::stream::iter(vec![first]).boxed(),
            _ => return Err(RegionError::unavailable("busy")),
        })
    }

    async fn status(&self) -> Result<Status, RegionError> {
        Ok(Status { region: "r".into(), version: "v".into(), threads: 2, memory_bytes: 3, used_bytes: 4, active: 5, ..Status::default() })
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

struct Served {
    region: GrpcRegion,
    endpoint: String,
    meter: Meter,
    dropped: Arc<AtomicBool>,
    _stop: oneshot::Sender<()>,
}

async fn served() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let scripted = Scripted::default();
    let (dropped, meter) = (scripted.dropped.clone(), Meter::default());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve_metered(Arc::new(scripted), listener, meter.clone(), async {
        let _ = stopped.await;
    }));
    Served { region: GrpcRegion::connect(&endpoint, "far").unwrap(), endpoint, meter, dropped, _stop: stop }
}

async fn execute(region: &GrpcRegion, index: u32) -> Result<AnswerStream, RegionError> {
    let fragment = Fragment {
        datasets: vec![],
        sources: vec![],
        given: vec![],
        graph: Graph::new(),
        held: vec![],
        answers: vec![],
        writes: vec![],
        gathered_bytes: 0,
    };
    region.execute(Arc::new(fragment), Part::Share { index, count: 9 }).await
}

#[tokio::test]
async fn answers_descriptions_and_bytes_cross_a_real_socket() {
    let served = served().await;
    assert_eq!(served.region.traffic(), Traffic::default());
    assert_eq!(served.region.status().await.unwrap().active, 5);
    assert_eq!(served.region.describe(&DatasetSpec { uri: "u".into(), ..DatasetSpec::default() }).await.unwrap().spec.uri, "u");
    let answers: Vec<_> = execute(&served.region, 0).await.unwrap().collect().await;
    assert_eq!(answers.len(), 3);
    assert!(answers[1] == Ok(piece(1 << 20)) && matches!(answers[2], Ok(Answer::Done(_))));
    let (home, far) = (served.region.traffic(), served.meter.traffic());
    assert!(home.received_bytes > 6 << 20 && home.received_bytes < 10 << 20, "{home:?}");
    assert!(home.received_bytes <= far.sent_bytes && home.received_bytes + 1000 > far.sent_bytes, "{home:?} {far:?}");
}

#[tokio::test]
async fn errors_keep_their_kind_and_words() {
    let served = served().await;
    let none = served.region.describe(&DatasetSpec { uri: "none".into(), ..DatasetSpec::default() }).await.unwrap_err();
    assert_eq!(none, RegionError::request("there is no 'none' — really"));
    let long = served.region.describe(&DatasetSpec { uri: "long".into(), ..DatasetSpec::default() }).await.unwrap_err();
    assert!(long.kind == ErrorKind::Data && long.message.len() > 4000);
    let answers: Vec<_> = execute(&served.region, 1).await.unwrap().collect().await;
    assert_eq!(answers[1], Err(RegionError::budget("too large")));
    let Err(busy) = execute(&served.region, 8).await else { panic!("an answer") };
    assert_eq!(busy, RegionError::unavailable("busy"));
    let cut: Vec<_> = execute(&served.region, 3).await.unwrap().collect().await;
    assert!(matches!(&cut[1], Err(e) if e.kind == ErrorKind::Unavailable), "{cut:?}");
    for kind in [ErrorKind::Request, ErrorKind::Data, ErrorKind::Unavailable, ErrorKind::Budget, ErrorKind::Cancelled, ErrorKind::Internal]
    {
        let error = RegionError::new(kind, "m");
        assert_eq!(from_status(&to_status(&error), "p"), error);
    }
    assert_eq!(from_status(&tonic::Status::unknown("transport error"), "p").kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn dropping_the_answer_cancels_the_work() {
    let served = served().await;
    let mut answers = execute(&served.region, 2).await.unwrap();
    assert!(answers.next().await.unwrap().is_ok() && !served.dropped.load(SeqCst));
    drop(answers);
    for _ in 0..200 {
        if served.dropped.load(SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the region still works for nobody");
}

#[tokio::test]
async fn another_protocol_is_refused_with_both_versions() {
    let served = served().await;
    let mut client = pb::region_engine_client::RegionEngineClient::connect(served.endpoint.clone()).await.unwrap();
    let speaker = Some(pb::Speaker { protocol: 7, version: "9.9.9".into() });
    let status = client.get_status(pb::GetStatusRequest { speaker }).await.unwrap_err();
    assert_eq!(status.metadata().get(KIND_KEY).unwrap(), "request");
    assert!(status.message().contains("9.9.9") && status.message().contains(crate::version::VERSION), "{}", status.message());
    assert_eq!(client.get_status(pb::GetStatusRequest { speaker: None }).await.unwrap_err().code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn dead_and_absent_peers_are_unavailable_soon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let settings = Settings {
        connect_timeout: Duration::from_millis(500),
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_millis(200),
    };
    let region = GrpcRegion::connect_with(&format!("http://{addr}"), "far", settings).unwrap();
    // The socket opens, but nobody ever answers.
    let silent = tokio::time::timeout(Duration::from_secs(5), region.status()).await.unwrap().unwrap_err();
    assert_eq!(silent.kind, ErrorKind::Unavailable);
    drop(listener);
    let absent = GrpcRegion::connect(&format!("http://{addr}"), "far").unwrap().status().await.unwrap_err();
    assert!(absent.kind == ErrorKind::Unavailable && absent.message.contains("far"), "{absent:?}");
    for bad in ["", "10.0.0.1", "https://x:1", "http://"] {
        assert_eq!(GrpcRegion::connect(bad, "far").unwrap_err().kind, ErrorKind::Request, "{bad}");
    }
}

#[tokio::test]
async fn health_says_serving() {
    let served = served().await;
    let channel = tonic::transport::Endpoint::new(served.endpoint.clone()).unwrap().connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let reply = health.check(tonic_health::pb::HealthCheckRequest { service: "xeng.v1.RegionEngine".into() }).await.unwrap();
    assert_eq!(reply.into_inner().status, tonic_health::pb::health_check_response::ServingStatus::Serving as i32);
}
