//! Reductions of times beside the plainest arithmetic on day numbers.

use crate::kit::cluster::open;
use crate::kit::data::{self, Size};
use crate::kit::rng::Rng;
use std::collections::BTreeMap;
use xeng::result::Outcome;
use xeng::session::{Job, Session, Setup};
use xeng_proto::Values;

const DAY: i64 = 86_400_000_000;

async fn times(session: &Session, text: &str, made: &data::Made) -> Vec<i64> {
    let job = Job::expression(text, vec![open("a", &made.uri, None)]);
    let run = session.evaluate(&job, &|_, _| {}).await.unwrap_or_else(|e| panic!("{text}: {e}"));
    match &run.outcomes[0].1 {
        Outcome::Array(array) => match &array.values {
            Values::Times(times) => times.micros.clone(),
            Values::Numbers(block) => block.to_i64_vec(),
            Values::Texts(_) => panic!("{text} gives texts"),
        },
        Outcome::Dataset { .. } => panic!("{text} gives a dataset"),
    }
}

fn floor_mean(days: &[i64]) -> i64 {
    let sum: i128 = days.iter().map(|&d| d as i128 * DAY as i128).sum();
    sum.div_euclid(days.len() as i128) as i64
}

#[tokio::test]
async fn times_have_extremes_and_means() {
    let session = Session::start(Setup { threads: Some(1), ..Setup::default() }).unwrap();
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let made = data::make(&mut Rng::new(seed), folder.path(), "a", Size::Small, None);
        let days: Vec<i64> = made.layout.days.iter().map(|d| d.count).collect();
        let (least, most) = (*days.iter().min().unwrap(), *days.iter().max().unwrap());
        assert_eq!(times(&session, "a.time.min()", &made).await, [least * DAY], "seed {seed}");
        assert_eq!(times(&session, "a.time.max(skipna=True)", &made).await, [most * DAY], "seed {seed}");
        assert_eq!(times(&session, "a.time.count()", &made).await, [days.len() as i64], "seed {seed}");
        assert_eq!(times(&session, "a.time.mean()", &made).await, [floor_mean(&days)], "seed {seed}");
        let mut months: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
        made.layout.days.iter().for_each(|d| months.entry(d.month).or_default().push(d.count));
        let want: Vec<i64> = months.values().map(|days| floor_mean(days)).collect();
        assert_eq!(times(&session, "a.time.groupby('time.month').mean()", &made).await, want, "seed {seed}");
    }
}
