//! The gateway over a real session and engine, asked over a socket.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_ipc::reader::StreamReader;
use std::fs;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use xeng_proto::grpc::Meter;
use xeng_proto::grpc::server::{router, serve_router};
use xeng_proto::grpc::status::from_status;
use xeng_proto::wire::pb;
use xeng_proto::wire::pb::evaluate_reply::Kind;
use xeng_proto::wire::pb::gateway_client::GatewayClient;
use xeng_regions::{EngineConfig, LocalRegion};

/// A Zarr array of float32, without compression and without any chunk yet.
fn array(folder: &Path, name: &str, shape: &[usize], chunks: &[usize], dims: &[&str]) {
    let at = folder.join(name);
    fs::create_dir_all(&at).unwrap();
    fs::write(folder.join(".zgroup"), r#"{"zarr_format":2}"#).unwrap();
    let array = serde_json::json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<f4", "order": "C", "compressor": null, "filters": null, "fill_value": -1.0});
    fs::write(at.join(".zarray"), array.to_string()).unwrap();
    fs::write(at.join(".zattrs"), serde_json::json!({"_ARRAY_DIMENSIONS": dims}).to_string()).unwrap();
}

/// `t` of (4, 3), one row a chunk: 0, 1, 2 and so on; `endless` takes minutes to fold.
fn store(folder: &Path) {
    array(folder, "t", &[4, 3], &[1, 3], &["time", "x"]);
    for row in 0..4u8 {
        let cells: Vec<u8> = (0..3).flat_map(|x| f32::from(3 * row + x).to_le_bytes()).collect();
        fs::write(folder.join(format!("t/{row}.0")), cells).unwrap();
    }
    array(folder, "endless", &[4_000_000, 512, 512], &[1, 512, 512], &["time", "y", "x"]);
}

async fn gateway(engine: Arc<dyn Region>) -> GatewayClient<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let services = router().unwrap().add_service(service(None, "here", engine).unwrap());
    tokio::spawn(serve_router(services, listener, Meter::default(), std::future::pending()));
    GatewayClient::connect(format!("http://{address}")).await.unwrap()
}

fn engine() -> Arc<dyn Region> {
    Arc::new(LocalRegion::start(EngineConfig::new("here")).unwrap())
}

fn job(folder: &Path, text: &str) -> Option<pb::Job> {
    let opens = vec![pb::Open { name: "d".into(), uri: folder.to_str().unwrap().into() }];
    Some(pb::Job { kind: Some(pb::job::Kind::Expression(pb::Expression { text: text.into(), opens })) })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_is_explained_evaluated_and_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let mut client = gateway(engine()).await;
    let explained = client.explain(pb::ExplainRequest { job: job(folder.path(), "d.t.mean('time')") }).await.unwrap().into_inner();
    assert!(explained.text.contains("d.t") && explained.text.contains("here"), "{}", explained.text);
    assert!(serde_json::from_str::<serde_json::Value>(&explained.json).is_ok());
    let mut stream = client.evaluate(pb::EvaluateRequest { job: job(folder.path(), "d.t.mean('time')") }).await.unwrap().into_inner();
    let (mut bytes, mut receipt) = (vec![], None);
    while let Some(message) = stream.message().await.unwrap() {
        match message.kind.unwrap() {
            Kind::Progress(_) => {}
            Kind::Chunk(c) => bytes.extend_from_slice(&c.data),
            Kind::ReceiptJson(json) => receipt = Some(serde_json::from_str::<serde_json::Value>(&json).unwrap()),
        }
    }
    let batch = StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_primitive::<Float32Type>().values().to_vec(), [4.5, 5.5, 6.5]);
    let receipt = receipt.unwrap();
    assert_eq!(
        (&receipt["regions"]["here"]["chunks"], &receipt["coverage"]),
        (&serde_json::json!(4), &serde_json::json!(1.0)),
        "{receipt}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_gives_its_outputs_as_one_dataset() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let mut client = gateway(engine()).await;
    let plan = format!(
        "[open.d]\nuri = {:?}\n[compute]\nlow = \"d.t.min()\"\nhigh = \"d.t.max()\"\n[output.low]\nnetcdf = \"a.nc\"\n[output.high]\nnetcdf = \"b.nc\"\n",
        folder.path()
    );
    let job = pb::Job { kind: Some(pb::job::Kind::PlanToml(plan)) };
    let mut stream = client.evaluate(pb::EvaluateRequest { job: Some(job) }).await.unwrap().into_inner();
    let mut found = std::collections::BTreeMap::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Kind::Chunk(c)) = message.kind {
            let mut reader = StreamReader::try_new(c.data.as_ref(), None).unwrap();
            let name = reader.schema().metadata()["xeng.name"].clone();
            found.insert(name, reader.next().unwrap().unwrap().column(0).as_primitive::<Float32Type>().value(0));
        }
    }
    assert_eq!(found, [("low".to_owned(), 0.0), ("high".to_owned(), 11.0)].into());
    assert!(!Path::new("a.nc").exists(), "nothing is written at the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_point_at_the_text() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let mut client = gateway(engine()).await;
    for (text, kind, part) in
        [("d.t.maen('time')", ErrorKind::Request, "mean"), ("d.t.mean(", ErrorKind::Request, "^"), ("d.u", ErrorKind::Request, "u")]
    {
        let mut stream = client.evaluate(pb::EvaluateRequest { job: job(folder.path(), text) }).await.unwrap().into_inner();
        let error = from_status(&stream.message().await.unwrap_err(), "gateway");
        assert!(error.kind == kind && error.message.contains(part), "{text}: {error:?}");
    }
    let mut stream = client.evaluate(pb::EvaluateRequest { job: job(Path::new("/nowhere/at/all"), "d.t") }).await.unwrap().into_inner();
    assert_eq!(from_status(&stream.message().await.unwrap_err(), "gateway").kind, ErrorKind::Request);
    fs::write(folder.path().join("t/2.0"), [0; 5]).unwrap();
    let mut stream = client.evaluate(pb::EvaluateRequest { job: job(folder.path(), "d.t.mean()") }).await.unwrap().into_inner();
    let error = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a result from a chunk of five bytes"),
            Err(status) => break from_status(&status, "gateway"),
        }
    };
    assert_eq!(error.kind, ErrorKind::Data, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_leaves_the_engine_idle() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let engine = engine();
    let mut client = gateway(engine.clone()).await;
    let mut stream = client.evaluate(pb::EvaluateRequest { job: job(folder.path(), "d.endless.mean()") }).await.unwrap().into_inner();
    let first = tokio::time::timeout(Duration::from_secs(20), stream.message()).await.unwrap().unwrap().unwrap();
    assert!(matches!(first.kind, Some(Kind::Progress(p)) if p.units_total > 0), "{first:?}");
    assert_eq!(engine.status().await.unwrap().active, 1);
    drop(stream);
    let idle = async {
        loop {
            let status = engine.status().await.unwrap();
            if status.active == 0 && status.used_bytes == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), idle).await.unwrap();
}

#[tokio::test]
async fn no_region_of_this_process_reads_outside_the_roots() {
    let (offered, secret) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(offered.path());
    store(secret.path());
    let topology = offered.path().join("xeng.toml");
    fs::write(&topology, "[home]\nregion = \"eu\"\n[regions.us]\nlocal = true\n").unwrap();
    let roots = xeng_regions::Roots::only(&[offered.path().to_path_buf()]).unwrap();
    let engine = Arc::new(LocalRegion::start(EngineConfig { roots, ..EngineConfig::new("east") }).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let services = router().unwrap().add_service(service(Some(&topology), "east", engine).unwrap());
    tokio::spawn(serve_router(services, listener, Meter::default(), std::future::pending()));
    let mut client = GatewayClient::connect(format!("http://{address}")).await.unwrap();
    for region in ["", "@eu", "@us", "@east"] {
        let explain = |folder: &Path| {
            let opens = vec![pb::Open { name: "d".into(), uri: format!("{}{region}", folder.to_str().unwrap()) }];
            let text = "d.t.mean()".into();
            pb::ExplainRequest { job: Some(pb::Job { kind: Some(pb::job::Kind::Expression(pb::Expression { text, opens })) }) }
        };
        client.explain(explain(offered.path())).await.unwrap();
        let refused = from_status(&client.explain(explain(secret.path())).await.unwrap_err(), "gateway");
        assert!(refused.message.contains("not among the data"), "{region}: {}", refused.message);
    }
}

#[tokio::test]
async fn a_result_that_home_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let mut client = gateway(engine()).await;
    for text in ["xr.DataArray(0.0).expand_dims(x=1099511627776)", "d.endless", "d.endless * 2"] {
        let mut stream = client.evaluate(pb::EvaluateRequest { job: job(folder.path(), text) }).await.unwrap().into_inner();
        let refused = loop {
            match stream.message().await {
                Ok(message) => assert!(message.is_some(), "{text}: it was evaluated"),
                Err(status) => break from_status(&status, "gateway"),
            }
        };
        assert_eq!(refused.kind, ErrorKind::Budget, "{text}: {}", refused.message);
    }
}
