//! An error as a person sees it: the message, the line with a caret under it, and what to do.
//!
//! In: an error. Out: text without a newline at its end. Never lets control characters through to a terminal.

use super::{Error, Place};

/// The fewest columns that a line is fitted to.
const MIN_COLUMNS: usize = 40;
/// A tab is shown as this many blanks.
const TAB: usize = 4;

/// The whole message, fitted to so many columns.
pub(super) fn render(error: &Error, columns: usize) -> String {
    let mut shown = format!("error: {}", clean(&error.message));
    if let Some(place) = &error.place {
        shown.push_str(&render_place(place, columns.max(MIN_COLUMNS)));
    }
    if let Some(hint) = &error.hint {
        shown.push_str("\nhelp: ");
        shown.push_str(&clean(hint));
    }
    shown
}

/// The line of the place, and the caret below it.
fn render_place(place: &Place, columns: usize) -> String {
    let text = place.text.as_ref();
    let start = floor_boundary(text, place.span.start);
    let end = floor_boundary(text, place.span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let number = text[..line_start].matches('\n').count() + 1;
    let several = text.trim_end().contains('\n') || !place.source_name.is_empty();
    if line.is_empty() && !several {
        return String::new();
    }
    let (margin, under, header) = if several {
        let margin = format!("{number} | ");
        let under = format!("{} | ", " ".repeat(number.to_string().len()));
        let name = if place.source_name.is_empty() { String::new() } else { format!("{}, ", clean(&place.source_name)) };
        let column = text[line_start..start].chars().count() + 1;
        (margin, under, format!("\n --> {name}line {number}, column {column}"))
    } else {
        ("  ".to_string(), "  ".to_string(), String::new())
    };
    let cells = columns.saturating_sub(margin.len());
    let span_end = end.min(line_start + line.len());
    let (shown, caret) = window(line, start - line_start, span_end.saturating_sub(line_start), cells);
    format!("{header}\n{margin}{shown}\n{under}{caret}")
}

/// The line cut to so many cells around bytes `start..end`, and the carets that belong below it.
fn window(line: &str, start: usize, end: usize, cells: usize) -> (String, String) {
    let glyphs: Vec<(usize, String, usize)> = line.char_indices().map(|(i, c)| glyph(i, c)).collect();
    let before: usize = glyphs.iter().filter(|g| g.0 < start).map(|g| g.2).sum();
    let within: usize = glyphs.iter().filter(|g| g.0 >= start && g.0 < end).map(|g| g.2).sum();
    let total: usize = glyphs.iter().map(|g| g.2).sum();
    // Two cells are kept for the ellipses, one for a caret past the end.
    let room = cells.saturating_sub(3);
    let from = if total <= room { 0 } else { before.saturating_sub(room.saturating_sub(within.min(room)) / 2).min(total - room) };
    let (mut shown, mut at, mut caret_at) = (String::new(), 0, None);
    if from > 0 {
        shown.push('…');
    }
    let lead = usize::from(from > 0);
    let mut used = 0;
    for (index, text, width) in &glyphs {
        if at >= from && used + width <= room {
            if *index >= start && caret_at.is_none() {
                caret_at = Some(used);
            }
            shown.push_str(text);
            used += width;
        }
        at += width;
    }
    let caret_at = caret_at.unwrap_or(used);
    if total > from + used {
        shown.push('…');
    }
    let carets = within.max(1).min(room.saturating_sub(caret_at).max(1));
    (shown, format!("{}{}", " ".repeat(lead + caret_at), "^".repeat(carets)))
}

/// A character at a byte offset, as it is shown, and the cells that it takes.
fn glyph(index: usize, c: char) -> (usize, String, usize) {
    match c {
        '\t' => (index, " ".repeat(TAB), TAB),
        c if is_unshowable(c) => (index, '\u{fffd}'.to_string(), 1),
        c => (index, c.to_string(), width(c)),
    }
}

/// Text without what could move the cursor or turn the writing around.
fn clean(text: &str) -> String {
    text.chars().map(|c| if is_unshowable(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn is_unshowable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The cells that a character takes on a terminal: 2 for East Asian wide and full-width forms and pictographs, 0 for combining marks.
fn width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200d}' => 0,
        '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' => 2,
        '\u{1f300}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The last character boundary at or before a byte offset.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
