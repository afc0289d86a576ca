//! The gateway over a real socket, an invented evaluator behind it.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::result::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_ipc::reader::StreamReader;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Channel;
use xeng_kernels::Block;
use xeng_proto::grpc::Meter;
use xeng_proto::grpc::server::{router, serve_router};
use xeng_proto::grpc::status::KIND_KEY;
use xeng_proto::wire::pb::gateway_client::GatewayClient;
use xeng_proto::{Attrs, ErrorKind, Values};

/// Answers by the text of the expression.
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

fn array(cells: Vec<f64>) -> Array {
    let shape = vec![cells.len()];
    let values = Values::Numbers(Block::from_vec(&shape, cells).unwrap());
    Array { name: None, dims: vec!["x".into()], shape, values, attrs: Attrs::new(), coords: vec![] }
}

fn cells() -> Vec<f64> {
    (0..400_000).map(|i| if i % 1000 == 0 { f64::NAN } else { f64::from(i).sqrt() }).collect()
}

#[async_trait]
impl Evaluator for Scripted {
    async fn explain(&self, job: Job) -> Result<Explained, RegionError> {
        Ok(Explained { text: format!("{job:?}"), json: "{}".into() })
    }

    async fn evaluate(&self, job: Job, progress: ProgressSink) -> Result<(Outcome, String), RegionError> {
        let Job::Expression { text, .. } = job else { return Err(RegionError::internal("not an expression")) };
        let told = |units_done| Progress { read_bytes: 10 * units_done, total_bytes: 30, units_done, units_total: 3 };
        progress.tell(told(1));
        match text.as_str() {
            "for ever" => {
                let _set = SetOnDrop(self.dropped.clone());
                std::future::pending().await
            }
            "flood" => {
                (0..10_000).for_each(|i| progress.tell(told(i)));
                Ok((Outcome::Array(array(vec![1.0])), "{}".into()))
            }
            "dataset" => Ok((Outcome::Dataset { arrays: vec![array(vec![1.0]), array(vec![2.0, 3.0])], attrs: Attrs::new() }, "{}".into())),
            "empty" => Ok((Outcome::Dataset { arrays: vec![], attrs: Attrs::new() }, "{}".into())),
            "big" => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                progress.tell(told(3));
                Ok((Outcome::Array(array(cells())), "the receipt".into()))
            }
            "data" => Err(RegionError::data("chunk 3 of t2m.nc is corrupt")),
            "unavailable" => Err(RegionError::unavailable("us-east-1 is away")),
            "budget" => Err(RegionError::budget("too much")),
            other => Err(RegionError::request(format!("'{other}' is no expression — really\n      ^"))),
        }
    }

    async fn datasets(&self) -> Result<Vec<Known>, RegionError> {
        Ok(vec![Known { name: "era5".into(), uri: "era5/*.nc".into(), region: "us-east-1".into() }])
    }
}

async fn gateway(evaluator: Scripted) -> GatewayClient<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let services = router().unwrap().add_service(GatewayService::server(Arc::new(evaluator)));
    tokio::spawn(serve_router(services, listener, Meter::default(), std::future::pending()));
    GatewayClient::connect(format!("http://{address}")).await.unwrap()
}

fn expression(text: &str) -> Option<pb::Job> {
    let opens = vec![pb::Open { name: "a".into(), uri: "a.nc@r".into() }];
    Some(pb::Job { kind: Some(pb::job::Kind::Expression(pb::Expression { text: text.into(), opens })) })
}

/// Every message of an evaluation, or the status that ended it.
async fn replies(client: &mut GatewayClient<Channel>, text: &str) -> Result<Vec<Kind>, tonic::Status> {
    let mut stream = client.evaluate(pb::EvaluateRequest { job: expression(text) }).await?.into_inner();
    let mut all = vec![];
    while let Some(message) = stream.message().await? {
        all.push(message.kind.unwrap());
    }
    Ok(all)
}

#[tokio::test]
async fn progress_comes_first_then_chunks_of_at_most_a_mebibyte_then_the_receipt() {
    let mut client = gateway(Scripted::default()).await;
    let all = replies(&mut client, "big").await.unwrap();
    let (mut progress, mut chunks, mut bytes) = (vec![], 0, vec![]);
    for (i, kind) in all.iter().enumerate() {
        match kind {
            Kind::Progress(p) => {
                assert!(chunks == 0, "progress after the result began");
                progress.push((p.read_bytes, p.total_bytes, p.units_done, p.units_total));
            }
            Kind::Chunk(c) => {
                assert!(c.table == 0 && c.data.len() <= CHUNK_BYTES && !c.data.is_empty());
                chunks += 1;
                bytes.extend_from_slice(&c.data);
            }
            Kind::ReceiptJson(receipt) => assert_eq!((i, receipt.as_str()), (all.len() - 1, "the receipt")),
        }
    }
    assert_eq!(progress, [(10, 30, 1, 3), (30, 30, 3, 3)]);
    assert_eq!(chunks, 4);
    let batch = StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap();
    let got: Vec<u64> = batch.column(0).as_primitive::<Float64Type>().values().iter().map(|x| x.to_bits()).collect();
    assert_eq!(got, cells().iter().map(|x| x.to_bits()).collect::<Vec<_>>());
}

#[tokio::test]
async fn tables_are_numbered_in_order() {
    let mut client = gateway(Scripted::default()).await;
    let tables = |all: Vec<Kind>| all.iter().filter_map(|k| if let Kind::Chunk(c) = k { Some(c.table) } else { None }).collect::<Vec<_>>();
    assert_eq!(tables(replies(&mut client, "dataset").await.unwrap()), [0, 1]);
    let empty = replies(&mut client, "empty").await.unwrap();
    assert!(matches!(empty.last(), Some(Kind::ReceiptJson(_))), "{empty:?}");
    assert!(tables(empty).is_empty());
}

#[tokio::test]
async fn a_flood_of_progress_never_holds_up_the_result() {
    let mut client = gateway(Scripted::default()).await;
    let all = replies(&mut client, "flood").await.unwrap();
    assert!(all.len() < 100, "{} messages", all.len());
    assert!(matches!(all.last(), Some(Kind::ReceiptJson(_))));
}

#[tokio::test]
async fn errors_keep_their_kind_and_text() {
    let mut client = gateway(Scripted::default()).await;
    let rows = [
        ("nonsense", Code::InvalidArgument, "request", "'nonsense' is no expression — really\n      ^"),
        ("data", Code::DataLoss, "data", "chunk 3 of t2m.nc is corrupt"),
        ("unavailable", Code::Unavailable, "unavailable", "us-east-1 is away"),
        ("budget", Code::ResourceExhausted, "budget", "too much"),
    ];
    for (text, code, kind, message) in rows {
        let status = replies(&mut client, text).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
        assert_eq!(status.metadata().get(KIND_KEY).unwrap(), kind);
    }
    let status = client.evaluate(pb::EvaluateRequest { job: None }).await.unwrap_err();
    assert_eq!(xeng_proto::grpc::status::from_status(&status, "gateway").kind, ErrorKind::Request);
}

#[tokio::test]
async fn jobs_arrive_as_they_were_sent() {
    let mut client = gateway(Scripted::default()).await;
    let reply = client.explain(pb::ExplainRequest { job: expression("a.t2m") }).await.unwrap().into_inner();
    let sent = Job::Expression { text: "a.t2m".into(), opens: vec![("a".into(), "a.nc@r".into())] };
    assert_eq!((reply.text, reply.json), (format!("{sent:?}"), "{}".to_owned()));
    let plan = pb::Job { kind: Some(pb::job::Kind::PlanToml("[compute]".into())) };
    let reply = client.explain(pb::ExplainRequest { job: Some(plan) }).await.unwrap().into_inner();
    assert_eq!(reply.text, format!("{:?}", Job::Plan("[compute]".into())));
    let known = client.list_datasets(pb::ListDatasetsRequest {}).await.unwrap().into_inner().datasets;
    assert_eq!(known, [pb::DatasetEntry { name: "era5".into(), uri: "era5/*.nc".into(), region: "us-east-1".into() }]);
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_evaluation() {
    let evaluator = Scripted::default();
    let dropped = evaluator.dropped.clone();
    let mut client = gateway(evaluator).await;
    let mut stream = client.evaluate(pb::EvaluateRequest { job: expression("for ever") }).await.unwrap().into_inner();
    assert!(matches!(stream.message().await.unwrap().unwrap().kind, Some(Kind::Progress(_))));
    assert!(!dropped.load(SeqCst));
    drop(stream);
    let seen = async {
        while !dropped.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), seen).await.unwrap();
}
