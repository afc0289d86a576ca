//! The names of parameters.
//!
//! In: a product. Out: what ecCodes calls it. Never a name for a product that the table has not.
//! Source: ecCodes 2.50, `definitions/grib2` (Apache-2.0): the entries for points in time and statistics of the tables of the WMO, of NCEP and of ECMWF,
//! of which each was read back from a message with its numbers. Chemistry, aerosols, waves and probabilities need templates that are not read.

use super::product::{Product, Surface};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A line each: numbers and conditions, `paramId`, `shortName`, `cfVarName` (empty: as before), `units`, `name`, `cfName`. The first field is
/// `[CENTRE:]discipline.category.number`, then conditions by letter: `a b c` kind, scale factor and scaled value of the first surface, `d e f`
/// of the second, `t` the statistic, `u l` unit and length of its range, `v` the version of the local tables; `m` is missing.
const TABLE: &str = include_str!("parameters.tsv");

/// What a parameter is called.
#[derive(Debug)]
pub(super) struct Parameter {
    centre: Option<u16>,
    conditions: Vec<(u8, Option<i64>)>,
    /// ECMWF's number of it.
    pub(super) id: i64,
    /// Its name in ECMWF's tables.
    pub(super) short_name: &'static str,
    /// Its name as a variable.
    pub(super) variable: &'static str,
    /// Its units.
    pub(super) units: &'static str,
    /// Its name for people.
    pub(super) name: &'static str,
    /// Its CF standard name; `unknown` where there is none.
    pub(super) standard_name: &'static str,
}

type Table = HashMap<(u8, u8, u8), Vec<Parameter>>;

/// What the parameter of a product is called: of the entries that fit, one of its centre, then the one with most conditions, then the last.
pub(super) fn find(product: &Product) -> Option<&'static Parameter> {
    static PARSED: OnceLock<Table> = OnceLock::new();
    let entries = PARSED.get_or_init(parse).get(&(product.discipline, product.category, product.number))?;
    let fits = |p: &&Parameter| p.centre.is_none_or(|c| c == product.centre) && p.conditions.iter().all(|c| holds(*c, product));
    entries.iter().filter(fits).max_by_key(|p| (p.centre.is_some(), p.conditions.len()))
}

fn parse() -> Table {
    let mut table = Table::new();
    for (numbers, parameter) in TABLE.lines().filter_map(entry) {
        table.entry(numbers).or_default().push(parameter);
    }
    table
}

fn entry(line: &'static str) -> Option<((u8, u8, u8), Parameter)> {
    let mut fields = line.split('\t');
    let mut words = fields.next()?.split(' ');
    let (centre, numbers) = words.next().map(|first| first.split_once(':').map_or((None, first), |(c, rest)| (Some(c), rest)))?;
    let mut numbers = numbers.split('.').map(str::parse::<u8>);
    let key = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    let condition = |word: &str| {
        let (letter, value) = word.split_at_checked(1)?;
        let value = if value == "m" { None } else { Some(value.parse().ok()?) };
        Some((*letter.as_bytes().first()?, value))
    };
    let conditions = words.map(condition).collect::<Option<Vec<_>>>()?;
    let centre = match centre {
        Some(number) => Some(number.parse().ok()?),
        None => None,
    };
    let (id, short_name, variable) = (fields.next()?.parse().ok()?, fields.next()?, fields.next()?);
    let (units, name, standard_name) = (fields.next()?, fields.next()?, fields.next()?);
    let or = |text: &'static str, other| if text.is_empty() { other } else { text };
    let (variable, standard_name) = (or(variable, short_name), or(standard_name, "unknown"));
    Some((key, Parameter { centre, conditions, id, short_name, variable, units, name, standard_name }))
}

fn holds((letter, value): (u8, Option<i64>), product: &Product) -> bool {
    let [first, second] = &product.surfaces;
    let surface = |s: &Surface, nth| match nth {
        0 => Some(i64::from(s.kind)),
        1 => s.scale.map(i64::from),
        _ => s.value,
    };
    let statistic = |of: fn(&super::product::Statistic) -> i64| product.statistic.as_ref().map(of);
    match letter {
        b'a'..=b'c' => surface(first, letter - b'a') == value,
        b'd'..=b'f' => surface(second, letter - b'd') == value,
        b't' => statistic(|s| i64::from(s.kind)) == value,
        b'u' => statistic(|s| i64::from(s.unit)) == value,
        b'l' => statistic(|s| i64::from(s.length)) == value,
        b'v' => Some(i64::from(product.local_tables)) == value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(parse().values().map(Vec::len).sum::<usize>(), TABLE.lines().count());
        assert!(TABLE.lines().count() > 1500);
        assert!(parse().values().flatten().flat_map(|p| &p.conditions).all(|c| b"abcdeftulv".contains(&c.0)));
    }
}
