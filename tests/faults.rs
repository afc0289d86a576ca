//! Whatever a region does, home gives the right answer or says what is wrong, in time: never a wrong number, never a hang.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, at, engine, open};
use crate::kit::compare::{bits, difference};
use crate::kit::data::{self, Size};
use crate::kit::expr::{Expr, World};
use crate::kit::faulty::{Fault, Faulty};
use crate::kit::oracle::{Op, Stat};
use crate::kit::rng::Rng;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use xeng::error::ErrorKind;
use xeng::execute::Patience;
use xeng::planfile::Budget;
use xeng::session::Job;
use xeng_proto::Region;

const DEADLINE: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_millis(600);
const PATIENCE: Patience = Patience { retry_for: Duration::from_millis(1500), silence: SILENCE, deadline: None };

/// What must come of a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Right,
    Refused(ErrorKind),
}

use Outcome::{Refused, Right};

/// Each fault, how often it strikes, and what must come of it.
const TABLE: [(Fault, u32, Outcome); 20] = [
    (Fault::Ends(0), 1, Right),
    (Fault::Ends(1), 2, Right),
    (Fault::Ends(1), u32::MAX, Refused(ErrorKind::Unavailable)),
    (Fault::Breaks(0), 1, Right),
    (Fault::Breaks(1), 2, Right),
    (Fault::Breaks(1), u32::MAX, Refused(ErrorKind::Unavailable)),
    (Fault::DoneEarly(0), 1, Refused(ErrorKind::Data)),
    (Fault::DoneEarly(1), 1, Refused(ErrorKind::Data)),
    (Fault::Twice, 1, Refused(ErrorKind::Data)),
    (Fault::WrongUnits, 1, Refused(ErrorKind::Data)),
    (Fault::WrongCells, 1, Refused(ErrorKind::Data)),
    (Fault::WrongTask, 1, Refused(ErrorKind::Data)),
    (Fault::WrongFields, 1, Refused(ErrorKind::Data)),
    (Fault::WrongShape, 1, Refused(ErrorKind::Data)),
    (Fault::WrongType, 1, Refused(ErrorKind::Data)),
    (Fault::NeverBegins, 1, Right),
    (Fault::NeverBegins, u32::MAX, Refused(ErrorKind::Unavailable)),
    (Fault::FallsSilent(1), 1, Right),
    (Fault::FallsSilent(0), u32::MAX, Refused(ErrorKind::Unavailable)),
    (Fault::Slow(Duration::from_millis(50)), u32::MAX, Right),
];

/// A world of one large dataset.
fn world(folder: &std::path::Path) -> World {
    let rng = &mut Rng::new(11);
    [("a".to_owned(), data::make(rng, folder, "a", Size::Large, None))].into()
}

fn variable() -> Box<Expr> {
    Box::new(Expr::Variable { dataset: "a".to_owned(), name: "t".to_owned() })
}

/// One whose answer comes in many pieces, and one whose pieces are merged from several units.
fn expressions() -> [Expr; 2] {
    [Expr::Number(Op::Mul, variable(), 2.0, false), Expr::Reduce(variable(), Stat::Mean, vec!["time".to_owned()], true)]
}

async fn with_engines(expr: &Expr, world: &World, engines: Vec<Arc<dyn Region>>) -> Result<Vec<u8>, xeng::error::Error> {
    let setting = Setting { placement: Placement::OneRegion, transport: Transport::InProcess, threads: 1, engines: 1 };
    let mut cluster = Cluster::start_with(setting, PATIENCE, Budget::default()).await;
    cluster.session.answer_with("east", engines);
    let job = Job::expression(&expr.text(), vec![open("a", &world["a"].uri, setting.region("a"))]);
    let run = tokio::time::timeout(DEADLINE, cluster.session.evaluate(&job, &|_, _| {})).await.expect("it hangs")?;
    let outcome = &run.outcomes[0].1;
    assert_eq!(difference(outcome, &expr.value(world)), None, "a wrong number");
    Ok(bits(outcome))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_mended_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let [many_pieces, merged] = expressions();
    for (expr, healthy) in [(many_pieces, 0), (merged, 1)] {
        let sound = with_engines(&expr, &world, vec![engine("east", 2)]).await.unwrap();
        for (fault, times, wanted) in TABLE {
            // With a sound engine beside it, what can be tried again is mended.
            let mended = healthy > 0 && wanted == Refused(ErrorKind::Unavailable);
            let wanted = if mended { Right } else { wanted };
            let mut engines: Vec<Arc<dyn Region>> = vec![Arc::new(Faulty::new(engine("east", 1), fault, times))];
            engines.extend((0..healthy).map(|_| engine("east", 1) as Arc<dyn Region>));
            let told = format!("{} with {fault:?}, {times} times", expr.text());
            match (with_engines(&expr, &world, engines).await, wanted) {
                (Ok(bits), Right) => assert_eq!(bits, sound, "{told}: other bits"),
                (Err(e), Refused(kind)) => assert_eq!(e.kind, kind, "{told}: {e}"),
                (Ok(_), Refused(_)) => panic!("{told}: passed unnoticed"),
                (Err(e), Right) => panic!("{told}: {e}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_the_socket_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    for greeting in [&b"HTTP/1.1 200 OK\r\n\r\nhello"[..], b"\0\0\0\x04\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", b""] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut heard = [0; 64];
                let _ = socket.read(&mut heard).await;
                let _ = socket.write_all(greeting).await;
            }
        });
        let error = with_engines(&expressions()[1], &world, vec![at(address)]).await.expect_err("garbage is no answer");
        assert!(matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal), "{error}");
        server.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_changes_after_planning_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rng = &mut Rng::new(3);
    let made = data::make(rng, folder.path(), "a", Size::Small, None);
    let setting = Setting { placement: Placement::OneRegion, transport: Transport::Grpc, threads: 1, engines: 1 };
    let cluster = Cluster::start(setting).await;
    let job = Job::expression("a.t.mean()", vec![open("a", &made.uri, setting.region("a"))]);
    let planned = cluster.session.plan(&job).await.unwrap();
    for entry in walk(&folder.path().join("a")) {
        let mut bytes = std::fs::read(&entry).unwrap();
        bytes.extend([0; 3]);
        std::fs::write(&entry, bytes).unwrap();
    }
    let error = cluster.session.run(planned, &|_, _| {}).await.expect_err("another state than planned for");
    assert!(matches!(error.kind, ErrorKind::Request | ErrorKind::Data), "{error}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}

/// An asker that stops reading holds back its own work, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_asker_does_not_keep_others_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let setting = Setting { placement: Placement::OneRegion, transport: Transport::InProcess, threads: 1, engines: 1 };
    let cluster = Cluster::start(setting).await;
    // Forty times the dataset: far more than the pieces that may wait for their asker.
    let large = "a.t * xr.DataArray(np.arange(40.0), dims='e')";
    let job = |text: &str| Job::expression(text, vec![open("a", &world["a"].uri, setting.region("a"))]);
    let planned = cluster.session.plan(&job(large)).await.unwrap();
    let fragment = Arc::new(planned.stages.asks[0].fragment.clone());
    let region = cluster.session.engines()["east"][0].clone();
    let unread = region.execute(fragment, xeng_proto::Part::WHOLE).await.unwrap();
    tokio::time::sleep(SILENCE).await;
    let small = job("a.t.isel(time=0).max()");
    let small = cluster.session.evaluate(&small, &|_, _| {});
    tokio::time::timeout(DEADLINE, small).await.expect("it waits for an asker that does not read").unwrap();
    drop(unread);
}
