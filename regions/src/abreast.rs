//! Many waits at once: what is done for each of many files runs on threads that may all be waiting for a disk or a network.
//!
//! In: items and what to do with each. Out: the results in the items' order. Never starts another item after one has failed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use xeng_proto::RegionError;

/// Files of this machine that are looked into at once: more than there are processors, for a cold disk keeps most of them waiting.
pub const LOCAL: usize = 16;
/// Objects that are looked into at once where a request takes long.
pub const REMOTE: usize = 32;

/// Does `act` for every item, at most `most` at a time.
///
/// # Errors
/// That of the first item, in order, which failed.
pub fn each<T: Sync, R: Send>(items: &[T], most: usize, act: impl Fn(&T) -> Result<R, RegionError> + Sync) -> Result<Vec<R>, RegionError> {
    if items.len() <= 1 {
        return items.iter().map(act).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let done: Mutex<Vec<(usize, Result<R, RegionError>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        let mut own = vec![];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            // Items are handed out in order, so that all before the one that failed are finished: which error is told depends on no race.
            let Some(item) = items.get(at).filter(|_| at < failed.load(Ordering::Relaxed)) else { break };
            let result = act(item);
            if result.is_err() {
                failed.fetch_min(at, Ordering::Relaxed);
            }
            own.push((at, result));
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    };
    std::thread::scope(|threads| {
        // A thread that cannot be started is missed by nobody: this one works too.
        for _ in 1..most.min(items.len()) {
            let _ = std::thread::Builder::new().name("xeng-open".into()).spawn_scoped(threads, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    let results = done.into_iter().map(|(_, result)| result).collect::<Result<Vec<R>, _>>()?;
    if results.len() == items.len() { Ok(results) } else { Err(RegionError::internal("a reader of files ended early")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_keep_their_order_and_the_first_error_is_told() {
        let items: Vec<u64> = (0..200).collect();
        for most in [1, 3, 16] {
            assert_eq!(each(&items, most, |n| Ok(n * 2)).unwrap(), items.iter().map(|n| n * 2).collect::<Vec<_>>());
            for _ in 0..20 {
                let odd = |n: &u64| if n % 50 == 17 { Err(RegionError::data(format!("{n}"))) } else { Ok(*n) };
                assert_eq!(each(&items, most, odd).unwrap_err().message, "17");
            }
        }
        assert_eq!(each(&[] as &[u64], 4, |n| Ok(*n)).unwrap(), Vec::<u64>::new());
    }
}
