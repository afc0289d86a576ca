//! Where nodes of the region may be: what a list, a name or the nodes themselves say.
//!
//! In: addresses, and for how long they hold. Out: those that hold now. Never believes them: whoever is there is asked who it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use xeng_proto::RegionError;

/// Addresses at most: what says that there are more is not believed.
const MOST: usize = 1024;
/// The longest lease that is given.
const LONGEST_LEASE: Duration = Duration::from_secs(300);

/// Addresses of nodes.
#[derive(Default)]
pub(super) struct Candidates {
    listed: BTreeSet<String>,
    named: Mutex<BTreeSet<String>>,
    leased: Mutex<BTreeMap<String, Instant>>,
}

impl Candidates {
    /// Those of a list, which hold for ever.
    pub(super) fn listed(all: impl IntoIterator<Item = String>) -> Candidates {
        Candidates { listed: all.into_iter().collect(), ..Candidates::default() }
    }

    /// Replaces those that a name resolves to.
    pub(super) fn resolved(&self, all: BTreeSet<String>) {
        *self.named.lock().unwrap_or_else(PoisonError::into_inner) = all.into_iter().take(MOST).collect();
    }

    /// One that says itself where it is.
    ///
    /// # Errors
    /// `Budget` when there are too many.
    pub(super) fn leased(&self, now: Instant, address: &str, lease: Duration) -> Result<(), RegionError> {
        let mut all = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, until| *until > now);
        if all.len() >= MOST && !all.contains_key(address) {
            return Err(RegionError::budget(format!("the region has {MOST} nodes already")));
        }
        all.insert(address.to_owned(), now + lease.min(LONGEST_LEASE));
        Ok(())
    }

    /// Those that hold now.
    pub(super) fn all(&self, now: Instant) -> BTreeSet<String> {
        let leased = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
        let leased = leased.iter().filter(|(_, until)| **until > now).map(|(address, _)| address.clone());
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.listed.iter().cloned().chain(named).chain(leased).take(3 * MOST).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn leases_end_names_change_and_lists_stay() {
        let (began, lease) = (Instant::now(), Duration::from_secs(10));
        let after = |seconds| began + Duration::from_secs(seconds);
        let candidates = Candidates::listed(["http://a:1".to_owned()]);
        candidates.resolved(["http://b:1".to_owned()].into());
        candidates.leased(began, "http://c:1", lease).unwrap();
        assert_eq!(candidates.all(began).len(), 3);
        candidates.resolved(["http://d:1".to_owned()].into());
        candidates.leased(after(6), "http://c:1", lease).unwrap();
        assert_eq!(candidates.all(after(12)).into_iter().collect::<Vec<_>>(), ["http://a:1", "http://c:1", "http://d:1"]);
        assert_eq!(candidates.all(after(17)).into_iter().collect::<Vec<_>>(), ["http://a:1", "http://d:1"]);
        (0..MOST).for_each(|n| candidates.leased(after(20), &format!("http://x:{n}"), lease).unwrap());
        assert!(candidates.leased(after(20), "http://y:1", lease).is_err());
        candidates.leased(after(40), "http://y:1", lease).unwrap();
    }
}
