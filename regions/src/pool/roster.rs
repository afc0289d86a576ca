//! The nodes of a region, as one of them knows them.
//!
//! In: who comes and goes. Out: who there is now, told to whoever watches. Never asks anybody.

use super::rendezvous::hash;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use xeng_proto::Region;

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

/// The nodes of a region.
pub struct Roster {
    members: watch::Sender<BTreeMap<String, Member>>,
}

impl Default for Roster {
    fn default() -> Roster {
        Roster { members: watch::Sender::new(BTreeMap::new()) }
    }
}

impl Roster {
    /// Takes a member in; one of the same name stays as it is.
    pub fn put(&self, member: Member) {
        self.members.send_if_modified(|all| {
            let is_new = !all.contains_key(&member.name);
            if is_new {
                all.insert(member.name.clone(), member);
            }
            is_new
        });
    }

    /// Takes a member out.
    pub fn remove(&self, name: &str) {
        self.members.send_if_modified(|all| all.remove(name).is_some());
    }

    /// Those that are there, by name.
    pub fn members(&self) -> Vec<Member> {
        self.members.borrow().values().cloned().collect()
    }

    /// Whether a member of this name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.members.borrow().contains_key(name)
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
    changes: watch::Receiver<BTreeMap<String, Member>>,
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
        self.changes.borrow_and_update().values().cloned().collect()
    }
}
