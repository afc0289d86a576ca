//! One step of a lazy handle: a piece of an expression tree, and the steps whose values it takes.
//!
//! In: a tree with holes. Out: the same, shared. Never knows what a name means; never recurses, so that chains may be long.

use super::session::Inner;
use crate::expr::{Expr, ExprKind, Span};
use crate::lazy::OpenedDataset;
use crate::open_spec::OpenSpec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A step. Handles share them: what is used twice is resolved once.
#[derive(Debug)]
pub(super) struct Step {
    /// Its number, which no other step of this process has.
    pub(super) id: u64,
    /// What it stands for.
    pub(super) form: Form,
    /// The steps that its holes stand for.
    pub(super) of: Vec<Arc<Step>>,
}

/// What a step stands for.
#[derive(Debug)]
pub(super) enum Form {
    /// An opened dataset.
    Dataset(Arc<Source>),
    /// A tree with holes.
    Expr(Expr),
}

/// An opened dataset, and the session that it belongs to.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) spec: OpenSpec,
    pub(super) opened: Arc<OpenedDataset>,
    pub(super) session: Arc<Inner>,
}

impl Step {
    pub(super) fn new(form: Form, of: Vec<Arc<Step>>) -> Arc<Step> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Step { id: NEXT.fetch_add(1, Ordering::Relaxed), form, of })
    }

    /// The hole that this step fills: a name that no text can hold.
    pub(super) fn hole(&self) -> Expr {
        bare(ExprKind::Name(format!("#{}", self.id)))
    }
}

/// The step that a name is the hole of.
pub(super) fn hole_of(name: &str) -> Option<u64> {
    name.strip_prefix('#')?.parse().ok()
}

/// A part of a tree that stands in no text yet.
pub(super) fn bare(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

impl Drop for Step {
    fn drop(&mut self) {
        let mut waiting = std::mem::take(&mut self.of);
        while let Some(step) = waiting.pop() {
            if let Some(mut last) = Arc::into_inner(step) {
                waiting.append(&mut last.of);
            }
        }
    }
}
