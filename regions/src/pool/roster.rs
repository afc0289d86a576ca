//! The nodes of a region, as one of them knows them.
//!
//! In: members from a list, a name or a lease. Out: who there is now, told to whoever watches. Never asks whether they live: that is found out
//! by what is asked of them.

use super::rendezvous::hash;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use xeng_proto::{Region, RegionError};

/// Nodes of a region at most: what says that there are more is not believed.
const MOST_MEMBERS: usize = 1024;

/// A node of the region.
#[derive(Clone)]
pub struct Member {
    /// What all nodes call it: its address.
    pub name: String,
    /// How it is asked.
    pub region: Arc<dyn Region>,
}

impl Member {
    /// The hash of its name, by which ranges are shared out.
    pub fn key(&self) -> u64 {
        hash(self.name.as_bytes())
    }
}

/// A member, and until when it is one unless it says so again.
#[derive(Clone)]
struct Entry {
    member: Member,
    until: Option<Instant>,
}

/// The nodes of a region.
pub struct Roster {
    members: watch::Sender<BTreeMap<String, Entry>>,
}

impl Default for Roster {
    fn default() -> Roster {
        Roster { members: watch::Sender::new(BTreeMap::new()) }
    }
}

impl Roster {
    /// Takes a member in, for a while or until it is taken out; one of the same name stays as it is, for longer.
    ///
    /// # Errors
    /// `Budget` when there are too many.
    pub fn put(&self, member: Member, lease: Option<Duration>) -> Result<(), RegionError> {
        let until = lease.map(|lease| Instant::now() + lease);
        let mut is_full = false;
        self.members.send_if_modified(|all| {
            if let Some(known) = all.get_mut(&member.name) {
                known.until = until.and_then(|until| known.until.map(|before| before.max(until)));
                return false;
            }
            is_full = all.len() >= MOST_MEMBERS;
            if !is_full {
                all.insert(member.name.clone(), Entry { member, until });
            }
            !is_full
        });
        if is_full { Err(RegionError::budget(format!("the region has {MOST_MEMBERS} nodes already"))) } else { Ok(()) }
    }

    /// Takes a member out.
    pub fn remove(&self, name: &str) {
        self.members.send_if_modified(|all| all.remove(name).is_some());
    }

    /// Takes out whose lease has ended.
    pub fn expire(&self) {
        let now = Instant::now();
        self.members.send_if_modified(|all| {
            let before = all.len();
            all.retain(|_, entry| entry.until.is_none_or(|until| until > now));
            all.len() < before
        });
    }

    /// Those that are there, by name.
    pub fn members(&self) -> Vec<Member> {
        self.members.borrow().values().map(|entry| entry.member.clone()).collect()
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is told of every change.
    pub(super) fn watch(&self) -> Watch {
        Watch { changes: self.members.subscribe() }
    }
}

/// Waits for changes of a roster.
pub(super) struct Watch {
    changes: watch::Receiver<BTreeMap<String, Entry>>,
}

impl Watch {
    /// Waits for the next change; never comes back once the roster is gone.
    pub(super) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Those that are there now.
    pub(super) fn members(&mut self) -> Vec<Member> {
        self.changes.borrow_and_update().values().map(|entry| entry.member.clone()).collect()
    }
}
