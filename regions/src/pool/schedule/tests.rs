#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::pool::rendezvous::hash;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn schedule(count: usize, settings: Settings) -> Schedule {
    Schedule::new((0..count as u64).map(|k| hash_with(3, k)).collect(), vec![true; count], settings)
}

fn name(node: usize) -> u64 {
    hash(&[node as u8])
}

fn joined(schedule: &mut Schedule, nodes: usize) {
    for node in 0..nodes {
        assert_eq!(schedule.joins(name(node)), node);
    }
}

/// What the nodes have, as a test that plays them sees it.
#[derive(Default)]
struct Played {
    open: BTreeMap<BatchNumber, (NodeNumber, Vec<u32>)>,
    probes: Vec<NodeNumber>,
}

impl Played {
    fn take(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send { batch, node, ranges } => {
                    assert!(!ranges.is_empty() && ranges.is_sorted());
                    assert!(self.open.insert(batch, (node, ranges)).is_none());
                }
                Command::Cancel(batch) => assert!(self.open.remove(&batch).is_some(), "what is not there is cancelled"),
                Command::Probe(node) => self.probes.push(node),
            }
        }
    }
}

/// An event: what, and a number that picks whom.
fn events() -> impl Strategy<Value = Vec<(u8, u16)>> {
    proptest::collection::vec((0..10u8, any::<u16>()), 0..400)
}

proptest! {
    #[test]
    fn every_range_is_done_once_whatever_happens(count in 1..300usize, nodes in 1..7usize, window in 1..80usize, events in events()) {
        let mut schedule = schedule(count, Settings { window, ..Settings::default() });
        let (mut played, mut now, mut first) = (Played::default(), Duration::ZERO, BTreeSet::new());
        joined(&mut schedule, nodes);
        for (what, pick) in events {
            now += Duration::from_millis(u64::from(pick % 500));
            let batch = played.open.keys().nth(usize::from(pick) % played.open.len().max(1)).copied();
            match (what, batch) {
                (0, Some(batch)) => { played.open.remove(&batch); schedule.failed(now, batch); }
                (1, _) => schedule.leaves(usize::from(pick) % (nodes + 2)),
                (2, _) => {
                    schedule.joins(name(usize::from(pick) % (nodes + 2)));
                }
                (3, _) => { if let Some(node) = played.probes.pop() { schedule.probed(now, node, pick % 2 == 0) } }
                (_, Some(batch)) => finish_one(&mut schedule, &mut played, &mut first, now, batch),
                (_, None) => {}
            }
            played.take(schedule.commands(now));
            let low = (0..count as u32).find(|r| !first.contains(r)).unwrap_or(count as u32);
            for (_, ranges) in played.open.values() {
                prop_assert!(ranges.iter().all(|r| (*r as usize) < low as usize + window), "beyond the window");
            }
        }
        // From here on all goes well.
        schedule.joins(name(0));
        for _ in 0..20_000 {
            now += Duration::from_millis(50);
            while let Some(node) = played.probes.pop() { schedule.probed(now, node, true) }
            played.take(schedule.commands(now));
            let Some(&batch) = played.open.keys().next() else { continue };
            finish_one(&mut schedule, &mut played, &mut first, now, batch);
            if schedule.standing(now) == Standing::Complete { break }
        }
        prop_assert_eq!(schedule.standing(now), Standing::Complete);
        prop_assert_eq!(first.len(), count);
        prop_assert_eq!(schedule.missing().count(), 0);
    }
}

/// A node does the next range of a batch, and ends the batch with its last one.
fn finish_one(schedule: &mut Schedule, played: &mut Played, first: &mut BTreeSet<u32>, now: Duration, batch: BatchNumber) {
    let (_, ranges) = played.open.get_mut(&batch).unwrap();
    let range = ranges.remove(0);
    let ends = ranges.is_empty();
    assert_eq!(schedule.done(now, batch, range), first.insert(range), "range {range} counted twice");
    if ends {
        played.open.remove(&batch);
        schedule.ended(batch);
    }
}

#[test]
fn equal_events_give_equal_commands() {
    let play = || {
        let mut schedule = schedule(200, Settings::default());
        joined(&mut schedule, 5);
        let mut all = schedule.commands(Duration::ZERO);
        schedule.failed(Duration::from_millis(3), 2);
        all.extend(schedule.commands(Duration::from_secs(1)));
        all
    };
    assert_eq!(play(), play());
    assert!(play().contains(&Command::Probe(2)));
}

#[test]
fn what_is_quiet_is_doubled_once_and_the_loser_is_cancelled() {
    let mut schedule = schedule(2, Settings { depth: 1, ..Settings::default() });
    let (a, b) = (schedule.joins(name(0)), schedule.joins(name(1)));
    let first = schedule.commands(Duration::ZERO);
    assert_eq!(first.len(), 2, "{first:?}");
    let of = |node| {
        first.iter().find_map(|c| match c {
            Command::Send { batch, node: n, ranges } if *n == node => Some((*batch, ranges[0])),
            _ => None,
        })
    };
    let ((slow, late), (fast, done)) = (of(a).unwrap(), of(b).unwrap());
    schedule.done(Duration::from_millis(10), fast, done);
    schedule.ended(fast);
    assert_eq!(schedule.commands(Duration::from_millis(20)), []);
    let doubled = schedule.commands(Duration::from_secs(1));
    assert_eq!(doubled, [Command::Send { batch: 2, node: b, ranges: vec![late] }]);
    assert_eq!(schedule.commands(Duration::from_secs(9)), [], "three at a time");
    assert!(schedule.done(Duration::from_secs(9), 2, late));
    assert_eq!(schedule.commands(Duration::from_secs(9)), [Command::Cancel(slow)]);
    assert!(!schedule.done(Duration::from_secs(9), slow, late), "counted twice");
    assert_eq!((schedule.counts().retries, schedule.counts().hedges), (0, 1));
}

#[test]
fn what_may_not_be_doubled_is_not() {
    let mut schedule = Schedule::new(vec![1], vec![false], Settings::default());
    joined(&mut schedule, 2);
    assert_eq!(schedule.commands(Duration::ZERO).len(), 1);
    assert_eq!(schedule.commands(Duration::from_secs(1000)), []);
}

#[test]
fn a_node_that_fails_is_asked_again_later_and_later() {
    let settings = Settings { retry_for: Duration::from_secs(10), ..Settings::default() };
    let mut schedule = schedule(1, settings);
    let node = schedule.joins(name(0));
    let mut now = Duration::ZERO;
    assert_eq!(schedule.commands(now).len(), 1);
    schedule.failed(now, 0);
    let mut pauses = vec![];
    while schedule.standing(now) == Standing::Running {
        let before = now;
        while schedule.commands(now) != [Command::Probe(node)] {
            now += Duration::from_millis(10);
        }
        schedule.probed(now, node, false);
        pauses.push(now - before);
    }
    assert!(now > settings.retry_for && now < settings.retry_for + 2 * settings.backoff.1 + settings.backoff.1);
    assert!(pauses.len() > 4 && pauses.len() < 20 && pauses[0] < pauses[4], "{pauses:?}");
}
