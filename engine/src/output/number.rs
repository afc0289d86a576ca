//! Numbers and times as text, as short as they can be read back exactly.

use super::calendar;
use std::fmt::Write;
use xeng_kernels::{Block, dispatch};
use xeng_proto::{Times, Values};

/// The cells of `values` as texts, by index in C order.
pub(super) enum Texts<'a> {
    /// Numbers.
    Numbers(&'a Block),
    /// Times.
    Times(&'a Times),
    /// As they are.
    Plain(&'a [String]),
}

impl<'a> Texts<'a> {
    /// The cells of `values`.
    pub(super) fn of(values: &'a Values) -> Texts<'a> {
        match values {
            Values::Numbers(block) => Texts::Numbers(block),
            Values::Times(times) => Texts::Times(times),
            Values::Texts(texts) => Texts::Plain(texts),
        }
    }

    /// Cell `index`, or nothing where it is missing.
    pub(super) fn cell(&self, index: usize) -> Option<String> {
        match self {
            Texts::Numbers(block) => number(block, index),
            Texts::Times(times) => times.micros.get(index).and_then(|&m| calendar::iso(m, times.encoding.calendar)),
            Texts::Plain(texts) => texts.get(index).cloned(),
        }
    }
}

/// Element `index` of a block as the shortest text that reads back as itself; nothing where it is missing.
pub(super) fn number(block: &Block, index: usize) -> Option<String> {
    if let Some(flags) = block.as_slice::<bool>() {
        return flags.get(index).map(|&f| if f { "True" } else { "False" }.to_owned());
    }
    dispatch!(block.dtype(), T => {
        let value = *block.as_slice::<T>()?.get(index)?;
        if xeng_kernels::Element::is_missing(value) {
            return None;
        }
        let mut text = String::new();
        write!(text, "{value:?}").ok()?;
        Some(text)
    })
}
