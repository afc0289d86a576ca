//! Time as a schedule sees it: it stands still while the asker takes nothing more.
//!
//! In: waits for the asker. Out: the time. Never counts a wait, or work that goes well would seem to be late.

use std::time::Duration;
use tokio::time::Instant;

/// A clock that can be held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    held: Duration,
}

impl Clock {
    pub(super) fn start() -> Clock {
        Clock { began: Instant::now(), held: Duration::ZERO }
    }

    pub(super) fn now(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.held)
    }

    /// Waits for something without counting it.
    pub(super) async fn hold<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = wait.await;
        self.held += began.elapsed();
        done
    }
}
