//! Draws a finished result as a picture: a map, a heat map, lines, or a page of panels, by its dimensions.
//!
//! In: an outcome. Out: PNG bytes. Never reads or writes a file, never changes a number.

mod axis;
mod canvas;
mod coast;
pub mod colors;
mod figure;
mod lines;
mod panel;
mod shades;
mod ticks;
mod words;

pub(crate) use coast::coastline;
pub use figure::png;

/// How a picture is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Width in pixels, 400 to 8000.
    pub width_px: u32,
    /// Height in pixels, 300 to 8000.
    pub height_px: u32,
    /// The title; by default the array's long name or name.
    pub title: Option<String>,
    /// Numbers at the ends of the colour bar; by default the 2nd and 98th percentile, rounded. Equally far below and above zero, they
    /// ask for colours that tell the signs apart.
    pub limits: Option<(f64, f64)>,
    /// Whether zero is the middle of the colours.
    pub middle: Middle,
}

/// Whether zero is the middle of the colours of a map: blue below it, red above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Middle {
    /// Where the numbers, units and names speak for a difference or a signed quantity, such as wind.
    #[default]
    Guessed,
    /// In any case: a difference.
    Zero,
}

impl Default for Style {
    fn default() -> Style {
        Style { width_px: 1600, height_px: 900, title: None, limits: None, middle: Middle::Guessed }
    }
}

/// No picture can be drawn of a result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlotError {
    /// A single number.
    #[error("a single number makes no picture; leave the output file out to print it")]
    Scalar,
    /// No cells.
    #[error("nothing to draw: '{dim}' has no cells")]
    Empty {
        /// The empty dimension.
        dim: String,
    },
    /// Several arrays.
    #[error("a picture shows one array; choose one of {names}")]
    Several {
        /// Their names.
        names: String,
    },
    /// Too many dimensions or panels.
    #[error("{panels} panels do not fit on a picture (at most {most}); reduce or select along {dims}")]
    Panels {
        /// How many it would take.
        panels: usize,
        /// How many fit.
        most: usize,
        /// The dimensions that make panels.
        dims: String,
    },
    /// The cells are not numbers.
    #[error("only numbers can be drawn, not {what}")]
    Cells {
        /// What they are.
        what: &'static str,
    },
    /// A coordinate that is not strictly ascending or descending.
    #[error("cannot draw along '{dim}': its coordinate is not strictly ascending or descending; sort it first")]
    Order {
        /// The dimension.
        dim: String,
    },
    /// The picture itself could not be made.
    #[error("cannot draw: {0}")]
    Canvas(String),
}
