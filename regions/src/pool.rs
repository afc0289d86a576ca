//! A region of several engines: identical nodes without state, any of which may come, go or die.
//!
//! A fragment arrives at any node, which heads it: [`ranges`] cuts its work units, [`schedule`] says which node does which of them and what
//! is asked again, `head` asks the nodes and merges what they answer along the fixed tree, and [`roster`] knows who they are. The nodes
//! are asked by the same verb that the head is asked by.

mod candidates;
mod clock;
mod gather;
pub mod head;
mod heading;
pub mod membership;
mod plan;
mod pump;
pub mod ranges;
pub mod rendezvous;
pub mod roster;
pub mod schedule;
#[cfg(test)]
#[path = "tests/simulation.rs"]
mod simulation;

pub use head::Pool;
pub use heading::Patience;
pub use membership::{Membership, Places};
pub use roster::{Member, Roster};
