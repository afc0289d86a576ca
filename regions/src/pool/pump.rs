//! Asks one node for one batch, and passes on what it answers.
//!
//! In: a node, a batch. Out: its answers, or why there are no more. Never retries; a node that says nothing for too long has failed.

use super::schedule::{BatchNumber, NodeNumber};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use xeng_proto::{Answer, ErrorKind, Fragment, Part, Region, RegionError};

/// What a head hears.
pub(super) enum Heard {
    /// An answer to a batch; an error is the last.
    Answer(BatchNumber, Result<Answer, RegionError>),
    /// Whether a node that had failed is there.
    Probed(NodeNumber, bool),
}

/// Passes on what a node answers to a batch, up to its closing account or an error.
pub(super) async fn pump(
    node: Arc<dyn Region>,
    fragment: Arc<Fragment>,
    part: Part,
    batch: BatchNumber,
    silence: Duration,
    events: Sender<Heard>,
) {
    let silent = || RegionError::unavailable(format!("{} was silent for {} s", node.label(), silence.as_secs_f64()));
    let mut answers = match tokio::time::timeout(silence, node.execute(fragment, part)).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(e)) => return drop(events.send(Heard::Answer(batch, Err(said_by(&*node, e)))).await),
        Err(_) => return drop(events.send(Heard::Answer(batch, Err(silent()))).await),
    };
    loop {
        let answer = match tokio::time::timeout(silence, answers.next()).await {
            Ok(Some(answer)) => answer.map_err(|e| said_by(&*node, e)),
            Ok(None) => Err(RegionError::unavailable(format!("{} ended its answer early", node.label()))),
            Err(_) => Err(silent()),
        };
        let is_last = !matches!(answer, Ok(Answer::Progress(_) | Answer::Piece(_)));
        if events.send(Heard::Answer(batch, answer)).await.is_err() || is_last {
            return;
        }
    }
}

/// Asks a node that has failed whether it is there again.
pub(super) async fn probe(node: Arc<dyn Region>, number: NodeNumber, patience: Duration, events: Sender<Heard>) {
    let status = tokio::time::timeout(patience, node.status()).await;
    let is_there = matches!(status, Ok(Ok(status)) if !status.is_draining);
    let _ = events.send(Heard::Probed(number, is_there)).await;
}

/// Whether asking again, or another node, may help.
pub(super) fn may_pass(e: &RegionError) -> bool {
    matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Cancelled)
}

/// An error with the node that it comes from, unless it names it already.
fn said_by(node: &dyn Region, e: RegionError) -> RegionError {
    let label = node.label();
    if e.message.starts_with(&label) { e } else { RegionError::new(e.kind, format!("{label}: {}", e.message)) }
}
