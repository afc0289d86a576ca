//! The main property: any expression over any files, wherever they lie and however they are reached, is what the oracle says.
//!
//! `XENG_CASES` sets how many cases are tried, `XENG_SEED` repeats one.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, open};
use crate::kit::compare::{bits, difference};
use crate::kit::data::{self, Size};
use crate::kit::expr::{Expr, World};
use crate::kit::generate;
use crate::kit::rng::Rng;
use std::time::Duration;
use xeng::session::Job;

/// Longer than anything takes: what is not done by then hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A random world, and an expression over it.
struct Case {
    seed: u64,
    world: World,
    expr: Expr,
    _folder: tempfile::TempDir,
}

fn case(seed: u64, size: Size) -> Case {
    let rng = &mut Rng::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let a = data::make(rng, folder.path(), "a", size, None);
    let like = if rng.chance(60) { Some(a.layout.clone()) } else { None };
    let b = data::make(rng, folder.path(), "b", Size::Small, like.filter(|_| size == Size::Small).as_ref());
    let world: World = [("a".to_owned(), a), ("b".to_owned(), b)].into();
    let steps = if size == Size::Small { rng.between(1, 6) } else { rng.between(1, 3) };
    let expr = generate::expression(rng, &world, steps);
    Case { seed, world, expr, _folder: folder }
}

/// The bits of an expression's result, once it has been compared with the oracle.
async fn run(expr: &Expr, world: &World, setting: Setting) -> Result<Vec<u8>, String> {
    let cluster = Cluster::start(setting).await;
    let opens = world.values().map(|m| open(&m.name, &m.uri, setting.region(&m.name))).collect();
    let job = Job::expression(&expr.text(), opens);
    let run = tokio::time::timeout(DEADLINE, cluster.session.evaluate(&job, &|_, _| {})).await.map_err(|_| "it hangs".to_owned())?;
    let outcome = &run.map_err(|e| e.to_string())?.outcomes[0].1;
    if setting.transport == Transport::InProcess {
        // An engine that has decoded a chunk before may still have it.
        for _ in 0..2 {
            let again = cluster.session.evaluate(&job, &|_, _| {}).await.map_err(|e| e.to_string())?;
            if bits(&again.outcomes[0].1) != bits(outcome) {
                return Err("asked again, the engine gives other bits".to_owned());
            }
        }
    }
    difference(outcome, &expr.value(world)).map_or_else(|| Ok(bits(outcome)), Err)
}

/// The first of the expression's parts that fails: small ones come first.
async fn smallest_failure(case: &Case, setting: Setting, whole: String) -> String {
    let mut found = (case.expr.text(), whole);
    for part in case.expr.parts() {
        if let Err(why) = run(part, &case.world, setting).await {
            found = (part.text(), why);
            break;
        }
    }
    let files: Vec<String> = case.world.values().map(|m| format!("  {} = {}\n    {}", m.name, m.uri, m.layout.told())).collect();
    format!("seed {}, {setting:?}\n{}\n  whole: {}\n  {}\n  {}", case.seed, files.join("\n"), case.expr.text(), found.0, found.1)
}

const BASE: Setting = Setting { placement: Placement::Home, transport: Transport::InProcess, threads: 1, engines: 1 };

fn other_setting(rng: &mut Rng) -> Setting {
    Setting {
        placement: *rng.pick(&[Placement::OneRegion, Placement::TwoRegions]),
        transport: *rng.pick(&[Transport::InProcess, Transport::Grpc, Transport::Wan]),
        threads: rng.between(1, 2),
        engines: rng.between(1, 2),
    }
}

/// What is wrong with a case, if anything is.
async fn failure(case: &Case) -> Option<String> {
    let expected = match run(&case.expr, &case.world, BASE).await {
        Ok(bits) => bits,
        // Times of two calendars share no label: refused, and rightly so.
        Err(why) if why.contains("of different kinds or calendars") => return None,
        Err(why) => return Some(smallest_failure(case, BASE, why).await),
    };
    let rng = &mut Rng::new(case.seed ^ 0xabcd);
    for _ in 0..3 {
        let setting = other_setting(rng);
        match run(&case.expr, &case.world, setting).await {
            Ok(bits) if bits == expected => {}
            Ok(_) => return Some(smallest_failure(case, setting, "other bits than on one engine at home".to_owned()).await),
            Err(why) => return Some(smallest_failure(case, setting, why).await),
        }
    }
    None
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

async fn hold_for(seeds: impl Iterator<Item = u64>, size: Size) {
    let mut failures = vec![];
    for seed in seeds {
        failures.extend(failure(&case(seed, size)).await);
        if failures.len() >= number("XENG_FAILURES").unwrap_or(5) as usize {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn seeds(default_cases: u64, share: u64) -> std::ops::Range<u64> {
    match number("XENG_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("XENG_CASES").map_or(default_cases, |n| n / share),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_is_what_the_oracle_says() {
    hold_for(seeds(120, 1), Size::Small).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_in_several_units_is_what_the_oracle_says() {
    hold_for(seeds(6, 20), Size::Large).await;
}
