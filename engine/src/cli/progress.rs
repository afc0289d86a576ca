//! Progress on stderr, in bytes of a known total, a line per region.

use super::args::ProgressMode;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use xeng_proto::Progress as Told;

/// Progress bars, one per region, made when the region is first heard of.
pub(super) struct Progress {
    bars: Option<MultiProgress>,
    regions: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// Bars on stderr, when `mode` says so.
    pub(super) fn new(mode: ProgressMode) -> Progress {
        let shown = match mode {
            ProgressMode::Auto => std::io::stderr().is_terminal(),
            ProgressMode::Always => true,
            ProgressMode::Never => false,
        };
        let target = || {
            if std::io::stderr().is_terminal() {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::term_like_with_hz(Box::new(Lines), 1)
            }
        };
        Progress { bars: shown.then(|| MultiProgress::with_draw_target(target())), regions: Mutex::default() }
    }

    /// How far a region is.
    pub(super) fn set(&self, region: &str, told: Told) {
        let Some(bars) = &self.bars else { return };
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !regions.contains_key(region);
        let bar = regions.entry(region.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new(told.total_bytes.max(1)));
            let style =
                ProgressStyle::with_template("{prefix:>16} {bar:30} {bytes:>10} of {total_bytes:>10}  {bytes_per_sec:>12}  {eta:>4} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(region.to_owned());
            bar
        });
        bar.set_length(told.total_bytes.max(told.read_bytes));
        bar.set_position(told.read_bytes);
        if is_new {
            // What was done before the first word says nothing about the rate.
            bar.reset_eta();
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&self) {
        for bar in self.regions.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
    }
}

/// A stderr that is no terminal: every state on a line of its own.
#[derive(Debug)]
struct Lines;

impl indicatif::TermLike for Lines {
    fn width(&self) -> u16 {
        100
    }
    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn write_line(&self, line: &str) -> std::io::Result<()> {
        self.write_str(line)
    }
    fn write_str(&self, text: &str) -> std::io::Result<()> {
        // The padding that would clear a terminal's line.
        match text.trim() {
            "" => Ok(()),
            text => std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()),
        }
    }
    fn clear_line(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> std::io::Result<()> {
        Ok(())
    }
}
