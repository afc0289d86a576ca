//! The words on a picture: titles, units, labels of single positions.
//!
//! In: names and attributes. Out: texts without control characters, of bounded length.

use super::axis::{Kind, kind_of, text};
use super::ticks::{MONTHS, degree, superscript};
use crate::output::calendar;
use crate::result::{Array, Coordinate};
use xeng_proto::Values;

/// The title of a difference of two fields: the long name of one of them does not tell.
pub(super) fn difference_title(array: &Array) -> String {
    let title = title(array);
    if SAYS_SO.iter().any(|word| title.to_lowercase().contains(word)) {
        return title;
    }
    short(&format!("Difference: {title}"), 90)
}

/// Words of a title that already tell a difference.
const SAYS_SO: [&str; 5] = ["differ", "anomal", "change", "trend", "minus"];

/// The title of an array: its long name, or name.
pub(super) fn title(array: &Array) -> String {
    let name = text(&array.attrs, "long_name").map(str::to_owned);
    let standard = || text(&array.attrs, "standard_name").map(|s| s.replace('_', " "));
    let title = name.or_else(standard).or_else(|| array.name.clone()).unwrap_or_else(|| "Result".into());
    let mut letters = title.chars();
    let first = letters.next().map(|c| if title.len() > 3 { c.to_uppercase().collect() } else { c.to_string() });
    short(&(first.unwrap_or_default() + letters.as_str()), 90)
}

/// A text on one line, cut after so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= most { clean } else { clean.chars().take(most - 1).chain(['…']).collect() }
}

/// Units as they are printed: `m s-1` becomes `m s⁻¹`, `degC` becomes `°C`.
pub(super) fn units(units: &str) -> String {
    let one = |word: &str| match word {
        "degC" | "deg_C" | "celsius" | "Celsius" | "degrees_C" | "degreesC" | "degree_Celsius" => "°C".to_owned(),
        "degK" | "kelvin" | "Kelvin" => "K".to_owned(),
        "percent" => "%".to_owned(),
        "1" => String::new(),
        _ => powers(word),
    };
    let words: Vec<String> = units.split_whitespace().map(one).collect();
    short(words.join(" ").trim(), 40)
}

fn powers(word: &str) -> String {
    let split = word.find(['^', '*']).or_else(|| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let letters = digits.strip_suffix('-').unwrap_or(digits);
        (digits.len() < word.len() && !letters.is_empty() && letters.chars().all(char::is_alphabetic)).then_some(letters.len())
    });
    let Some(at) = split else { return word.to_owned() };
    let (base, power) = word.split_at(at);
    let power = power.trim_start_matches(['^', '*']);
    if base.is_empty() || power.parse::<i32>().is_err() { word.to_owned() } else { base.to_owned() + &superscript(power) }
}

/// A name with its units.
pub(super) fn with_units(name: &str, own: Option<&str>) -> String {
    let name = short(name, 60);
    match own.map(units).filter(|u| !u.is_empty()) {
        Some(units) => format!("{name} [{units}]"),
        None => name,
    }
}

/// Where a single position stands, such as `height = 2 m`.
pub(super) fn position(coord: &Coordinate, index: usize) -> String {
    let of = text(&coord.attrs, "units").map(units).unwrap_or_default();
    match &coord.values {
        Values::Times(times) => match times.micros.get(index).and_then(|&m| calendar::iso(m, times.encoding.calendar)) {
            Some(iso) => date_of(coord, &iso.strip_suffix("T00:00:00").map(str::to_owned).unwrap_or_else(|| iso.replace('T', " "))),
            None => date_of(coord, "no date"),
        },
        Values::Texts(texts) => short(texts.get(index).map_or("", |t| t.as_str()), 40),
        Values::Numbers(block) => {
            let value = block.to_f64_vec().get(index).copied().unwrap_or(f64::NAN);
            let month = (coord.name == "month" && value.fract() == 0.0).then(|| MONTHS.get((value as usize).wrapping_sub(1))).flatten();
            match month {
                Some(month) => (*month).to_owned(),
                None if value.is_finite() && kind_of(coord) == Kind::Latitude => degree(value, step(value), true),
                None if value.is_finite() && kind_of(coord) == Kind::Longitude => degree(value, step(value), false),
                None => format!("{} = {} {of}", short(&coord.name, 30), plain(value)).trim_end().to_owned(),
            }
        }
    }
}

/// A date is that of the field where it is its time; any other is told with its name.
fn date_of(coord: &Coordinate, date: &str) -> String {
    let is_the_time = coord.name == "time" || text(&coord.attrs, "standard_name") == Some("time");
    if is_the_time { date.to_owned() } else { format!("{} = {date}", short(&coord.name.replace('_', " "), 30)) }
}

/// A step that shows a position in degrees to the hundredth.
fn step(value: f64) -> f64 {
    [1.0, 0.1].into_iter().find(|s| ((value / s).round() - value / s).abs() < 1e-6).unwrap_or(0.01)
}

/// A number of about four digits.
pub(super) fn plain(value: f64) -> String {
    if !value.is_finite() {
        return "no value".into();
    }
    let size = value.abs();
    let text = if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return super::ticks::number(value, size / 1000.0, size);
    } else if size >= 1000.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        let digits = (3 - size.max(1e-4).log10().floor() as i32).clamp(0, 7) as usize;
        format!("{value:.digits$}").trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::{plain, position, units};
    use crate::result::Coordinate;
    use xeng_kernels::Calendar;
    use xeng_proto::{TimeEncoding, Times, Values};

    #[test]
    fn units_are_set_as_in_print() {
        assert_eq!(units("kg m-2 s-1"), "kg m⁻² s⁻¹");
        assert_eq!(units("m**2 s**-2"), "m² s⁻²");
        assert_eq!(units("degC"), "°C");
        assert_eq!(units("days since 1970-01-01"), "days since 1970-01-01");
    }

    #[test]
    fn a_date_that_is_not_the_time_is_told_by_name() {
        let times =
            Times { micros: vec![0], encoding: TimeEncoding { units: "days since 1970-01-01".into(), calendar: Calendar::Standard } };
        let at = |name: &str| Coordinate {
            name: name.into(),
            dims: vec![],
            shape: vec![],
            values: Values::Times(times.clone()),
            attrs: Default::default(),
        };
        assert_eq!(position(&at("time"), 0), "1970-01-01");
        assert_eq!(position(&at("forecast_reference_time"), 0), "forecast reference time = 1970-01-01");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(plain(-63.1987), "−63.2");
        assert_eq!(plain(0.25), "0.25");
        assert_eq!(plain(101325.4), "101325");
    }
}
