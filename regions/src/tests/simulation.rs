//! The real scheduling code over modelled engines: 3 regions of many nodes, a million units, and what goes wrong in an archive.
//!
//! Time is counted, never waited for; all that is random comes from a seed. An engine does one range after another, each in the time that its
//! units take, within a fifth; what it says arrives after the network's delay and, over a slow link, after its bytes have passed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::pool::ranges::{Shape, cut, whole};
use crate::pool::rendezvous::{hash, hash_with};
use crate::pool::schedule::{Command, NodeNumber, Schedule, Settings, Standing};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::{Duration, Instant};

const MILLION: u64 = 1_000_000;
/// Seconds that one unit takes one engine.
const UNIT_SECONDS: f64 = 0.02;
/// One way between two nodes of a region.
const DELAY: f64 = 0.0005;
/// How long a node may say nothing before its batch has failed.
const SILENCE: f64 = 5.0;
/// Bytes of a range's partial.
const PARTIAL_BYTES: f64 = 64e3;

/// What goes wrong with a node.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Its process is killed; another starts in its place after so many seconds, if ever.
    Killed { at: f64, back_after: Option<f64> },
    /// It is so many times slower than the others.
    Slow(f64),
    /// Nothing passes between it and the head for a while.
    CutOff { at: f64, lasts: f64 },
    /// Bytes per second of its link.
    SlowLink(f64),
    /// It comes while the work is under way.
    Late(f64),
}

/// The trouble of the nodes of one region, as shares of the time that it would take without.
type Plan<'a> = &'a dyn Fn(usize, f64) -> Option<Trouble>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Happens {
    Done(u64, u32),
    Ended(u64),
    Failed(u64),
    Probed(NodeNumber),
    Joins(usize),
    Looks,
}

/// An engine as modelled.
struct Engine {
    trouble: Option<Trouble>,
    free_at: f64,
    link_free_at: f64,
}

impl Engine {
    fn slowness(&self) -> f64 {
        if let Some(Trouble::Slow(times)) = self.trouble { times } else { 1.0 }
    }

    /// Whether its process runs, and whether it can be reached.
    fn is_there(&self, at: f64) -> (bool, bool) {
        match self.trouble {
            Some(Trouble::Killed { at: from, back_after }) => {
                let runs = at < from || back_after.is_some_and(|after| at >= from + after);
                (runs, runs)
            }
            Some(Trouble::CutOff { at: from, lasts }) => (true, at < from || at >= from + lasts),
            _ => (true, true),
        }
    }
}

/// What came of a simulated region.
#[derive(Debug)]
struct Told {
    seconds: f64,
    efficiency: f64,
    retries: u64,
    hedges: u64,
    /// From when half of the nodes had nothing more to do to the end.
    tail: f64,
    scheduling: Duration,
    commands: Vec<Command>,
}

struct World {
    schedule: Schedule,
    engines: Vec<Engine>,
    units: Vec<u64>,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Happens>,
    /// Numbers of events given out.
    told: u64,
    gone: BTreeSet<u64>,
    seed: u64,
    log: Vec<Command>,
    busy_until: Vec<f64>,
}

impl World {
    fn at(&mut self, seconds: f64, what: Happens) {
        let number = self.told;
        self.told += 1;
        self.events.insert(number, what);
        self.queue.push(Reverse(((seconds * 1e9) as u64, number)));
    }

    fn obey(&mut self, now: f64, command: Command) {
        self.log.push(command.clone());
        match command {
            Command::Cancel(batch) => {
                self.gone.insert(batch);
            }
            Command::Probe(node) => {
                let answered = self.engines[node].is_there(now).1;
                self.at(now + if answered { 2.0 * DELAY } else { 1.0 }, Happens::Probed(node));
            }
            Command::Send { batch, node, ranges } => self.work(now, batch, node, &ranges),
        }
    }

    /// What will come of a batch.
    fn work(&mut self, now: f64, batch: u64, node: NodeNumber, ranges: &[u32]) {
        let (runs, reached) = self.engines[node].is_there(now + DELAY);
        if !runs || !reached {
            let after = if runs { SILENCE } else { 2.0 * DELAY };
            return self.at(now + after, Happens::Failed(batch));
        }
        let mut free = self.engines[node].free_at.max(now + DELAY);
        let mut last = now;
        for &range in ranges {
            let roll = (hash_with(self.seed, batch << 20 | u64::from(range)) >> 11) as f64 / (1u64 << 53) as f64;
            free += self.units[range as usize] as f64 * UNIT_SECONDS * self.engines[node].slowness() * (0.8 + 0.4 * roll);
            let mut told = free + DELAY;
            if let Some(Trouble::SlowLink(rate)) = self.engines[node].trouble {
                told = told.max(self.engines[node].link_free_at) + PARTIAL_BYTES / rate;
                self.engines[node].link_free_at = told;
            }
            // What was under way when a process died or a link was cut never comes.
            match self.engines[node].trouble {
                Some(Trouble::Killed { at, .. }) if now < at && told >= at => return self.at(at + 2.0 * DELAY, Happens::Failed(batch)),
                Some(Trouble::CutOff { at, .. }) if now < at && told >= at => {
                    return self.at(at.max(last) + SILENCE, Happens::Failed(batch));
                }
                _ => {}
            }
            last = told;
            self.at(told, Happens::Done(batch, range));
        }
        self.engines[node].free_at = free;
        self.busy_until[node] = free;
        self.at(last, Happens::Ended(batch));
    }
}

fn simulated(nodes: usize, units: u64, seed: u64, plan: Plan<'_>) -> Told {
    let shapes = [Shape { boxes: units / 1000, units_per_box: 1000, is_whole: false, state_bytes: 64_000, unit_bytes: 8 << 20 }];
    let ranges = cut(&shapes, &whole(&shapes), nodes as u64);
    let keys = ranges.iter().map(|r| hash_with(seed, r.units.start)).collect();
    let ideal = units as f64 * UNIT_SECONDS / nodes as f64;
    let mut world = World {
        schedule: Schedule::new(keys, vec![true; ranges.len()], Settings { seed, ..Settings::default() }),
        engines: (0..nodes).map(|n| Engine { trouble: plan(n, ideal), free_at: 0.0, link_free_at: 0.0 }).collect(),
        units: ranges.iter().map(|r| r.units.end - r.units.start).collect(),
        queue: BinaryHeap::new(),
        events: BTreeMap::new(),
        told: 0,
        gone: BTreeSet::new(),
        seed,
        log: vec![],
        busy_until: vec![0.0; nodes],
    };
    for node in 0..nodes {
        let from = if let Some(Trouble::Late(at)) = world.engines[node].trouble { at } else { 0.0 };
        world.at(from, Happens::Joins(node));
    }
    world.at(0.1, Happens::Looks);
    let (mut scheduling, mut end) = (Duration::ZERO, 0.0);
    while let Some(Reverse((nanos, number))) = world.queue.pop() {
        let (now, what) = (Duration::from_nanos(nanos), world.events.remove(&number).unwrap());
        let began = Instant::now();
        let s = &mut world.schedule;
        match what {
            Happens::Done(batch, _) | Happens::Ended(batch) | Happens::Failed(batch) if world.gone.contains(&batch) => continue,
            Happens::Done(batch, range) => {
                s.done(now, batch, range);
            }
            Happens::Ended(batch) => s.ended(batch),
            Happens::Failed(batch) => {
                s.failed(now, batch);
                world.gone.insert(batch);
            }
            Happens::Probed(node) => s.probed(now, node, world.engines[node].is_there(now.as_secs_f64()).1),
            Happens::Joins(node) => assert_eq!(s.joins(hash(&node.to_le_bytes())), node),
            Happens::Looks => {}
        }
        let commands = s.commands(now);
        let standing = s.standing(now);
        scheduling += began.elapsed();
        end = now.as_secs_f64();
        if standing != Standing::Running {
            assert_eq!(standing, Standing::Complete, "given up at {end} s");
            break;
        }
        commands.into_iter().for_each(|c| world.obey(end, c));
        if what == Happens::Looks {
            world.at(end + 0.1, Happens::Looks);
        }
    }
    assert_eq!(world.schedule.missing().count(), 0);
    let mut idle = world.busy_until.clone();
    idle.sort_by(f64::total_cmp);
    let counts = world.schedule.counts();
    let tail = (end - idle[nodes / 2]).max(0.0);
    Told { seconds: end, efficiency: ideal / end, retries: counts.retries, hedges: counts.hedges, tail, scheduling, commands: world.log }
}

/// A row of the table: what goes wrong, and the share of the fleet's work that must at least go into the result.
struct Row<'a> {
    what: &'a str,
    nodes: usize,
    plan: Plan<'a>,
    /// What the nodes could do at best, against no trouble.
    possible: f64,
    least: f64,
}

/// Every node of three regions, under each kind of trouble.
#[test]
fn three_regions_of_many_nodes_do_a_million_units() {
    let killed = |node: usize, ideal: f64| (node % 10 == 3).then_some(Trouble::Killed { at: ideal * 0.5, back_after: None });
    let restarted = |node: usize, ideal: f64| (node % 5 == 1).then_some(Trouble::Killed { at: ideal * 0.3, back_after: Some(10.0) });
    let slow = |node: usize, _: f64| (node % 10 == 7).then_some(Trouble::Slow(10.0));
    let cut_off = |node: usize, ideal: f64| (node % 5 == 2).then_some(Trouble::CutOff { at: ideal * 0.4, lasts: 20.0 });
    let cut_at_end = |node: usize, ideal: f64| (node % 10 == 2).then_some(Trouble::CutOff { at: ideal * 0.97, lasts: 500.0 });
    let slow_link = |node: usize, _: f64| (node % 10 == 4).then_some(Trouble::SlowLink(20e3));
    let late = |node: usize, ideal: f64| (node >= 40).then_some(Trouble::Late(ideal * 0.25));
    let row = |what, nodes, plan, possible, least| Row { what, nodes, plan, possible, least };
    let rows = [
        row("nothing", 12, &|_, _| None, 1.0, 0.95),
        row("nothing", 50, &|_, _| None, 1.0, 0.90),
        row("a tenth killed half-way", 50, &killed, 0.95, 0.90),
        row("a fifth restarted", 50, &restarted, 1.0, 0.90),
        row("a tenth ten times slower", 50, &slow, 0.91, 0.90),
        row("a fifth cut off for 20 s", 50, &cut_off, 0.99, 0.90),
        row("a tenth cut off at the end", 50, &cut_at_end, 1.0, 0.90),
        row("a tenth behind 20 kB/s", 50, &slow_link, 1.0, 0.80),
        row("a fifth comes later", 50, &late, 0.95, 0.90),
    ];
    println!("3 regions, 10^6 units of {UNIT_SECONDS} s in each; efficiency is the work done over what nodes that are there could do");
    println!(
        "{:<28} {:>5} {:>9} {:>10} {:>7} {:>7} {:>8} {:>12}",
        "trouble", "nodes", "seconds", "efficiency", "tail s", "retries", "hedges", "us per unit"
    );
    for Row { what, nodes, plan, possible, least } in rows {
        let regions: Vec<Told> = (0..3).map(|region| simulated(nodes, MILLION, 17 + region, plan)).collect();
        let worst = regions.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap();
        let sum = |of: fn(&Told) -> u64| regions.iter().map(of).sum::<u64>();
        let micros = regions.iter().map(|r| r.scheduling.as_secs_f64()).sum::<f64>() * 1e6 / (3 * MILLION) as f64;
        let efficiency = worst.efficiency / possible;
        println!(
            "{what:<28} {nodes:>5} {:>9.1} {:>9.1}% {:>7.1} {:>7} {:>8} {micros:>12.3}",
            worst.seconds,
            efficiency * 100.0,
            worst.tail,
            sum(|r| r.retries),
            sum(|r| r.hedges)
        );
        assert!(efficiency >= least, "{what}: {efficiency}");
        assert!(micros < 2.0, "{what}: {micros} us per unit");
    }
}

#[test]
fn a_simulation_is_the_same_each_time() {
    let killed = |node: usize, ideal: f64| (node == 3).then_some(Trouble::Killed { at: ideal * 0.5, back_after: Some(1.0) });
    let (one, two) = (simulated(8, 40_000, 5, &killed), simulated(8, 40_000, 5, &killed));
    assert_eq!((one.commands, one.seconds), (two.commands, two.seconds));
    assert!(one.retries > 0);
}
