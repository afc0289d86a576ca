//! Which process a temporary file or folder belongs to, and whether it still runs.
//!
//! In: nothing, or a tag that a process has left. Out: a tag, yes or no. Never takes a process of another machine or container for one of its
//! own, or one that got the number of another for that one.

use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long nothing must have been written to a folder whose owner is gone.
pub const QUIET: Duration = Duration::from_secs(300);
/// Bytes of a tag, at most.
const MOST_TAG_BYTES: u64 = 200;

/// A process: where it runs, its number, and when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    host: String,
    process: u32,
    began: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Owner {
        Owner::of(std::process::id())
    }

    /// A process of this machine.
    pub(super) fn of(process: u32) -> Owner {
        Owner { host: host().to_owned(), process, began: began(process).unwrap_or(0) }
    }

    /// The owner that a tag names: `HOST-PROCESS-BEGAN`.
    pub fn parse(tag: &str) -> Option<Owner> {
        let mut parts = tag.split('-');
        let owner = Owner { host: parts.next()?.to_owned(), process: parts.next()?.parse().ok()?, began: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(owner)
    }

    /// The owner that a file names.
    pub(super) fn read(file: &Path) -> Option<Owner> {
        let is_small = file.symlink_metadata().is_ok_and(|m| m.is_file() && m.len() <= MOST_TAG_BYTES);
        Owner::parse(std::fs::read_to_string(file).ok().filter(|_| is_small)?.trim())
    }

    /// Whether it has certainly ended: of other machines, and on systems that do not tell, that is never certain.
    pub fn is_gone(&self) -> bool {
        // Where the processes of others are hidden (`hidepid`), one that cannot be seen may live.
        let sees_others = || began(1).is_some();
        !self.host.is_empty() && self.host == host() && began(self.process) != Some(self.began) && sees_others()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.host, self.process, self.began)
    }
}

/// A number that no other call in this process gets.
pub fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// What tells this machine, since it was started, and its space of process numbers from others; empty where the system does not say.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let space = std::fs::read_link("/proc/self/ns/pid").ok();
        let told = boot.zip(space).map(|(boot, space)| Sha256::digest(format!("{boot} {}", space.display())));
        told.map_or(String::new(), |digest| digest.iter().take(4).map(|b| format!("{b:02x}")).collect())
    })
}

/// When a process began, in ticks since the machine was started; `None` where there is none.
fn began(process: u32) -> Option<u64> {
    // The second field is a name in parentheses, which may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tag_tells_the_living_from_the_dead() {
        let this = Owner::this();
        assert_eq!(Owner::parse(&this.to_string()).unwrap(), this);
        assert!(!this.is_gone() && this.began > 0);
        assert!(Owner { began: this.began + 1, ..this.clone() }.is_gone(), "its number was given to another");
        assert!(!Owner { host: "elsewhere".into(), process: 1, began: 0 }.is_gone());
        for wrong in ["", "a", "a-b-c", "a-1-2-3"] {
            assert!(Owner::parse(wrong).is_none(), "{wrong}");
        }
    }
}
