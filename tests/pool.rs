//! A region is a pool: whichever nodes do the work, fail or lie, the bits are those of one engine, or it is an error.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, engine, open};
use crate::kit::compare::{bits, difference};
use crate::kit::data::{self, Size};
use crate::kit::expr::{Expr, World};
use crate::kit::faulty::{Fault, Faulty};
use crate::kit::oracle::{Op, Stat};
use crate::kit::rng::Rng;
use std::sync::Arc;
use std::time::Duration;
use xeng::error::{Error, ErrorKind};
use xeng::planfile::Budget;
use xeng::session::Job;
use xeng_proto::Region;
use xeng_regions::pool::{Member, Patience, Pool, Roster};

const DEADLINE: Duration = Duration::from_secs(30);
const HEADS: Patience =
    Patience { silence: Duration::from_millis(600), probe: Duration::from_millis(300), retry_for: Duration::from_secs(3) };

fn world(folder: &std::path::Path) -> World {
    [("a".to_owned(), data::make(&mut Rng::new(11), folder, "a", Size::Large, None))].into()
}

/// One whose answer comes in many pieces, and one whose pieces are merged from several units.
fn expressions() -> [Expr; 2] {
    let variable = || Box::new(Expr::Variable { dataset: "a".to_owned(), name: "t".to_owned() });
    [Expr::Number(Op::Mul, variable(), 2.0, false), Expr::Reduce(variable(), Stat::Mean, vec!["time".to_owned()], true)]
}

/// A node with an engine of its own, and these beside it.
fn pool(others: Vec<Arc<dyn Region>>) -> (Arc<dyn Region>, Arc<Roster>) {
    let (own, roster) = (engine("east", 1), Arc::new(Roster::default()));
    roster.put(Member { name: "http://10.0.0.1:7070".to_owned(), region: own.clone() });
    for (number, region) in others.into_iter().enumerate() {
        roster.put(Member { name: format!("http://10.0.0.{}:7070", number + 2), region });
    }
    (Arc::new(Pool::new(own, roster.clone(), HEADS, 64 << 20)), roster)
}

async fn evaluated(text: &str, world: &World, engines: Vec<Arc<dyn Region>>) -> Result<(xeng::result::Outcome, Vec<u8>), Error> {
    let setting = Setting { placement: Placement::OneRegion, transport: Transport::InProcess, threads: 1, engines: 1 };
    let patience = xeng::execute::Patience { retry_for: Duration::from_secs(5), ..Default::default() };
    let mut cluster = Cluster::start_with(setting, patience, Budget::default()).await;
    cluster.session.answer_with("east", engines);
    let job = Job::expression(text, vec![open("a", &world["a"].uri, setting.region("a"))]);
    let run = tokio::time::timeout(DEADLINE, cluster.session.evaluate(&job, &|_, _| {})).await.expect("it hangs")?;
    let outcome = run.outcomes.into_iter().next().unwrap().1;
    let bits = bits(&outcome);
    Ok((outcome, bits))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_of_any_size_gives_the_bits_of_one_engine() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    // The last has a step that is held while its batches are done.
    let mut texts: Vec<String> = expressions().iter().map(Expr::text).collect();
    texts.push("(a.t - a.t.mean('time')).std('time')".to_owned());
    texts.push("a.t.sum()".to_owned());
    for (number, text) in texts.iter().enumerate() {
        let (alone, sound) = evaluated(text, &world, vec![engine("east", 2)]).await.unwrap();
        if let Some(expr) = expressions().get(number) {
            assert_eq!(difference(&alone, &expr.value(&world)), None);
        }
        for others in [0, 1, 4] {
            let (head, _) = pool((0..others).map(|_| engine("east", 1) as Arc<dyn Region>).collect());
            let (_, got) = evaluated(text, &world, vec![head]).await.unwrap();
            assert_eq!(got, sound, "{text} on {} nodes", others + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_fail_are_helped_and_those_that_lie_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let table = [
        (Fault::Ends(0), true),
        (Fault::Breaks(1), true),
        (Fault::NeverBegins, true),
        (Fault::FallsSilent(0), true),
        (Fault::Slow(Duration::from_millis(50)), true),
        (Fault::DoneEarly(0), false),
        (Fault::Twice, false),
        (Fault::WrongUnits, false),
        (Fault::WrongTask, false),
        (Fault::WrongFields, false),
        (Fault::WrongShape, false),
        (Fault::WrongType, false),
    ];
    for expr in expressions() {
        let (_, sound) = evaluated(&expr.text(), &world, vec![engine("east", 2)]).await.unwrap();
        for (fault, mends) in table {
            // Every node but the head's own misbehaves, so that none of the work passes by unspoilt where it is shared out.
            let faulty = (0..3).map(|_| Arc::new(Faulty::new(engine("east", 1), fault, u32::MAX)) as Arc<dyn Region>);
            let (head, _) = pool(faulty.collect());
            let told = format!("{} with {fault:?}", expr.text());
            match evaluated(&expr.text(), &world, vec![head]).await {
                Ok((_, bits)) => assert!(mends && bits == sound, "{told}: passed, or other bits"),
                Err(e) => assert!(!mends && e.kind == ErrorKind::Data, "{told}: {e}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_dies_costs_only_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    for expr in expressions() {
        let (_, sound) = evaluated(&expr.text(), &world, vec![engine("east", 2)]).await.unwrap();
        for fault in [Fault::Breaks(0), Fault::Breaks(1), Fault::Ends(2)] {
            let (heads, rosters): (Vec<_>, Vec<_>) = (0..2).map(|_| pool(vec![engine("east", 1)])).unzip();
            let heads = heads.into_iter().map(|head| Arc::new(Faulty::new(head, fault, 1)) as Arc<dyn Region>).collect();
            let (_, got) = evaluated(&expr.text(), &world, heads).await.unwrap();
            assert_eq!(got, sound, "{} with {fault:?}", expr.text());
            drop(rosters);
        }
    }
}
