//! The threads of a session: asynchronous work runs there, whoever waits for it.
//!
//! In: futures. Out: their results, to threads and to futures of any executor. Never panics inside somebody else's runtime.

use crate::error::{Error, Result};
use std::future::Future;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// A runtime that may be left and dropped anywhere.
#[derive(Debug)]
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> Result<Threads> {
        let started = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("xeng").enable_all().build();
        started.map(|runtime| Threads(Some(runtime))).map_err(|e| Error::unavailable("the system gives no threads").caused_by(e))
    }

    /// Runs it, and waits in this thread. Tokio's own way panics where a thread already runs futures; a channel does not.
    pub(super) fn block<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        // Nobody waits for the answer where this thread has ended.
        self.spawn(async move { send.send(work.await).unwrap_or_default() })?;
        receive.recv().map_err(|_| gone())?
    }

    /// Runs it; it ends when the future that is given back is dropped.
    pub(super) async fn within<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let mut task = EndsWhenDropped(self.spawn(work)?);
        (&mut task.0).await.map_err(|_| gone())?
    }

    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<JoinHandle<T>> {
        Ok(self.0.as_ref().ok_or_else(gone)?.spawn(work))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct EndsWhenDropped<T>(JoinHandle<T>);

impl<T> Drop for EndsWhenDropped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn gone() -> Error {
    Error::internal("the run ended without an answer")
}
