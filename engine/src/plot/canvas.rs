//! Lines, areas and text on an anti-aliased picture.
//!
//! In: shapes in points. Out: PNG bytes. Never knows what they mean.

use super::PlotError;
use ab_glyph::{Font, FontRef, OutlineCurve};
use tiny_skia::{Color, FillRule, Mask, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, Transform};

static REGULAR: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/DejaVuSans-Bold.ttf");

/// Pixels of a point.
pub(super) const SCALE: f32 = 2.0;

/// A colour, red green blue.
pub(super) type Rgb = [u8; 3];
pub(super) const INK: Rgb = [34, 34, 38];
pub(super) const GREY: Rgb = [110, 110, 116];
pub(super) const MISSING: Rgb = [214, 214, 216];

/// A box in points; y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Frame {
    pub(super) fn right(&self) -> f32 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f32 {
        self.top + self.height
    }
}

/// Which part of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Font2 {
    pub(super) size: f32,
    pub(super) color: Rgb,
    pub(super) bold: bool,
}

/// A picture being drawn.
pub(super) struct Canvas {
    pixels: Pixmap,
    fonts: [FontRef<'static>; 2],
    clip: Option<Mask>,
}

impl Canvas {
    /// A white picture.
    pub(super) fn new(width_px: u32, height_px: u32) -> Result<Canvas, PlotError> {
        let broken = |what: &str| PlotError::Canvas(what.to_owned());
        let mut pixels = Pixmap::new(width_px, height_px).ok_or_else(|| broken("the picture's size"))?;
        pixels.fill(Color::WHITE);
        let font = |bytes| FontRef::try_from_slice(bytes).map_err(|_| broken("the built-in font"));
        Ok(Canvas { pixels, fonts: [font(REGULAR)?, font(BOLD)?], clip: None })
    }

    pub(super) fn width(&self) -> f32 {
        self.pixels.width() as f32 / SCALE
    }

    pub(super) fn height(&self) -> f32 {
        self.pixels.height() as f32 / SCALE
    }

    /// Restricts what follows to a box, or nothing.
    pub(super) fn clip(&mut self, frame: Option<Frame>) {
        self.clip = frame.and_then(|f| {
            let mut mask = Mask::new(self.pixels.width(), self.pixels.height())?;
            let path = PathBuilder::from_rect(tiny_skia::Rect::from_xywh(f.left, f.top, f.width, f.height)?);
            mask.fill_path(&path, FillRule::Winding, true, Transform::from_scale(SCALE, SCALE));
            Some(mask)
        });
    }

    /// A line through points; those not finite interrupt it.
    pub(super) fn line(&mut self, points: &[(f32, f32)], width: f32, color: Rgb, alpha: f32) {
        let Some(path) = open_path(points) else { return };
        let stroke = Stroke { width, line_cap: tiny_skia::LineCap::Butt, line_join: tiny_skia::LineJoin::Round, ..Stroke::default() };
        self.pixels.stroke_path(&path, &paint(color, alpha), &stroke, Transform::from_scale(SCALE, SCALE), self.clip.as_ref());
    }

    /// A filled polygon.
    pub(super) fn polygon(&mut self, points: &[(f32, f32)], color: Rgb) {
        let mut builder = PathBuilder::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
        }
        builder.close();
        self.fill(builder.finish(), color, Transform::from_scale(SCALE, SCALE));
    }

    /// A filled disc.
    pub(super) fn disc(&mut self, x: f32, y: f32, radius: f32, color: Rgb) {
        self.fill(PathBuilder::from_circle(x, y, radius), color, Transform::from_scale(SCALE, SCALE));
    }

    /// A filled box.
    pub(super) fn area(&mut self, f: Frame, color: Rgb) {
        self.polygon(&[(f.left, f.top), (f.right(), f.top), (f.right(), f.bottom()), (f.left, f.bottom())], color);
    }

    /// The outline of a box.
    pub(super) fn outline(&mut self, f: Frame, width: f32, color: Rgb) {
        let half = (f.left, f.top - width / 2.0);
        let points = [half, (f.left, f.bottom()), (f.right(), f.bottom()), (f.right(), f.top), (f.left - width / 2.0, f.top)];
        self.line(&points, width, color, 1.0);
    }

    /// Colours every pixel of a box: `color` is given the column and row of the pixel within it.
    pub(super) fn raster(&mut self, frame: Frame, mut color: impl FnMut(usize, usize) -> Rgb) {
        let (columns, rows) = raster_size(frame);
        let (left, top) = ((frame.left * SCALE).round() as usize, (frame.top * SCALE).round() as usize);
        let stride = self.pixels.width() as usize;
        let height = self.pixels.height() as usize;
        let pixels = self.pixels.pixels_mut();
        for row in 0..rows.min(height.saturating_sub(top)) {
            for column in 0..columns.min(stride.saturating_sub(left)) {
                let [r, g, b] = color(column, row);
                if let Some(pixel) = PremultipliedColorU8::from_rgba(r, g, b, 255) {
                    pixels[(top + row) * stride + left + column] = pixel;
                }
            }
        }
    }

    /// The width of a text in points.
    pub(super) fn text_width(&self, text: &str, look: Font2) -> f32 {
        let font = &self.fonts[usize::from(look.bold)];
        let em = font.units_per_em().unwrap_or(2048.0);
        text.chars().map(|c| font.h_advance_unscaled(font.glyph_id(c))).sum::<f32>() * look.size / em
    }

    /// A text whose baseline begins, is centred or ends at a point.
    pub(super) fn text(&mut self, x: f32, y: f32, text: &str, anchor: Anchor, look: Font2) {
        self.placed_text(text, anchor, look, Transform::from_scale(SCALE, SCALE).pre_translate(x, y));
    }

    /// A text that reads upwards, its baseline centred on a point.
    pub(super) fn text_upwards(&mut self, x: f32, y: f32, text: &str, look: Font2) {
        self.placed_text(text, Anchor::Middle, look, Transform::from_scale(SCALE, SCALE).pre_translate(x, y).pre_rotate(-90.0));
    }

    fn placed_text(&mut self, text: &str, anchor: Anchor, look: Font2, place: Transform) {
        let width = self.text_width(text, look);
        let start = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let path = text_path(&self.fonts[usize::from(look.bold)], text, look.size, start);
        self.fill(path, look.color, place);
    }

    fn fill(&mut self, path: Option<Path>, color: Rgb, place: Transform) {
        if let Some(path) = path {
            self.pixels.fill_path(&path, &paint(color, 1.0), FillRule::Winding, place, self.clip.as_ref());
        }
    }

    /// The picture as PNG.
    pub(super) fn png(&self) -> Result<Vec<u8>, PlotError> {
        self.pixels.encode_png().map_err(|e| PlotError::Canvas(e.to_string()))
    }
}

/// Columns and rows of pixels that a box covers.
pub(super) fn raster_size(frame: Frame) -> (usize, usize) {
    let span = |from: f32, length: f32| ((from + length) * SCALE).round().max((from * SCALE).round()) - (from * SCALE).round();
    (span(frame.left, frame.width) as usize, span(frame.top, frame.height) as usize)
}

fn paint(color: Rgb, alpha: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color[0], color[1], color[2], (alpha.clamp(0.0, 1.0) * 255.0) as u8);
    paint
}

fn open_path(points: &[(f32, f32)]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let mut drawing = false;
    for &(x, y) in points {
        match (x.is_finite() && y.is_finite(), drawing) {
            (true, true) => builder.line_to(x, y),
            (true, false) => builder.move_to(x, y),
            (false, _) => {}
        }
        drawing = x.is_finite() && y.is_finite();
    }
    builder.finish()
}

fn text_path(font: &FontRef<'_>, text: &str, size: f32, start: f32) -> Option<Path> {
    let scale = size / font.units_per_em().unwrap_or(2048.0);
    let mut builder = PathBuilder::new();
    let mut pen = start;
    for c in text.chars() {
        let id = font.glyph_id(c);
        if let Some(outline) = font.outline(id) {
            let at = |p: ab_glyph::Point| (pen + p.x * scale, -p.y * scale);
            let mut end = None;
            for curve in outline.curves {
                let (from, to) = match &curve {
                    OutlineCurve::Line(a, b) => (*a, *b),
                    OutlineCurve::Quad(a, _, b) => (*a, *b),
                    OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
                };
                if end != Some(from) {
                    let (x, y) = at(from);
                    builder.move_to(x, y);
                }
                let (x, y) = at(to);
                match curve {
                    OutlineCurve::Line(..) => builder.line_to(x, y),
                    OutlineCurve::Quad(_, c, _) => builder.quad_to(at(c).0, at(c).1, x, y),
                    OutlineCurve::Cubic(_, c, d, _) => builder.cubic_to(at(c).0, at(c).1, at(d).0, at(d).1, x, y),
                }
                end = Some(to);
            }
        }
        pen += font.h_advance_unscaled(id) * scale;
    }
    builder.finish()
}
