//! Fields to variables: those of one parameter are put in order along their members, times, steps and levels.
//!
//! In: the fields of a file. Out: its variables, each with its coordinates; and those that are left out, with the reason. Never one field for
//! another: what does not fit together is left out, with what would open it.
//! Source: cfgrib 0.9.15, `dataset.py` (`build_variable_components`, `build_dataset_components`).

use super::attributes;
use super::axis::{Axis, Order};
use super::coordinate::{Coordinate, Labels, Squeeze, text};
use super::field::{Field, Fields};
use super::level;
use super::parameter;
use super::product::Product;
use super::source::FieldSource;
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use crate::store::Object;
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_proto::RegionError;

/// The name of the variable of a product.
pub(super) fn variable_name(product: &Product) -> String {
    match parameter::find(product) {
        Some(known) => known.variable.to_owned(),
        None => parameter_name(product),
    }
}

/// The name of a parameter by its numbers.
fn parameter_name(product: &Product) -> String {
    format!("param_{}_{}_{}", product.discipline, product.category, product.number)
}

/// The variables of a file.
pub(super) fn dataset(file: &Arc<dyn Object>, is_remote: bool, fields: &Fields) -> RawDataset {
    let mut out = RawDataset { attrs: attributes::of_dataset(&fields.known), ..RawDataset::default() };
    let mut by_name: IndexMap<String, Vec<&Field>> = IndexMap::new();
    for field in &fields.known {
        by_name.entry(variable_name(&field.product)).or_default().push(field);
    }
    let mut coordinates: IndexMap<String, (Coordinate, String)> = IndexMap::new();
    for (name, fields) in by_name {
        let made = Cube::of(&name, &fields).and_then(|cube| {
            let fresh = cube.unlike(&name, &coordinates)?;
            let variable = cube.variable(&name, file, is_remote, &fields).map_err(|e| e.message)?;
            Ok((fresh, variable))
        });
        match made {
            Ok((fresh, variable)) => {
                for (coordinate, of) in fresh {
                    match of.variable(format!("{}: {coordinate}", file.name())) {
                        Ok(raw) => drop(out.variables.insert(coordinate.clone(), raw)),
                        Err(e) => drop(out.unreadable.insert(coordinate.clone(), e.message)),
                    }
                    coordinates.insert(coordinate, (of, name.clone()));
                }
                out.variables.insert(name, variable);
            }
            Err(reason) => drop(out.unreadable.insert(name, reason)),
        }
    }
    for unknown in &fields.unknown {
        if unknown.product.is_none() {
            // What is of the same parameter may lack this field: its level or its time is not known.
            let of_it = |f: &&Field| parameter_name(&f.product) == unknown.name;
            for name in fields.known.iter().filter(of_it).map(|f| variable_name(&f.product)) {
                if out.variables.shift_remove(&name).is_some() {
                    out.unreadable.insert(name, format!("a field of its parameter cannot be read: {}", unknown.reason));
                }
            }
        }
        // A variable that can be read in part would lack fields in silence.
        if out.variables.shift_remove(&unknown.name).is_some() || !out.unreadable.contains_key(&unknown.name) {
            out.unreadable.insert(unknown.name.clone(), unknown.reason.clone());
        }
    }
    out
}

/// The fields of one variable, in order.
struct Cube {
    /// Dimensions before `latitude` and `longitude`, with their lengths.
    dims: Vec<(String, usize)>,
    coordinates: IndexMap<String, Coordinate>,
    /// The number of each field in C order of `dims`.
    numbers: Vec<u64>,
}

impl Cube {
    fn of(name: &str, fields: &[&Field]) -> Result<Cube, String> {
        let Some(first) = fields.first() else { return Err("it has no fields".to_owned()) };
        check_alike(fields)?;
        let kind = level::kind(&first.product.surfaces);
        let member = |f: &Field| f.product.member.map(|(number, _)| i64::from(number));
        let has_members = fields.iter().any(|f| member(f).is_some());
        if has_members && !fields.iter().all(|f| member(f).is_some()) {
            return Err("some of its fields are members of an ensemble, and some are not".to_owned());
        }
        let mut axes = vec![];
        if has_members {
            axes.push(Axis::whole("number", fields.iter().map(|f| member(f).unwrap_or(0))));
        }
        axes.push(Axis::whole("time", fields.iter().map(|f| f.product.time)));
        axes.push(Axis::real("step", fields.iter().map(|f| f.product.step as f64 / 3600.0), Order::Ascending));
        let order = if kind.starts_with("isobaricIn") { Order::Descending } else { Order::Ascending };
        axes.push(Axis::real(kind, fields.iter().map(|f| level::value(&f.product.surfaces)), order));
        let mut numbers = vec![0u64; fields.len()];
        for axis in &axes {
            for (number, &at) in numbers.iter_mut().zip(&axis.places) {
                *number = number
                    .checked_mul(axis.coordinate.labels.count() as u64)
                    .and_then(|n| n.checked_add(at))
                    .ok_or("its fields are spread over too many members, times, steps and levels")?;
            }
        }
        check_distinct(name, fields, &numbers)?;
        let dims = axes.iter().filter_map(|a| Some((a.coordinate.dims.first()?.clone(), a.coordinate.labels.count()))).collect();
        let mut coordinates: IndexMap<String, Coordinate> = axes.into_iter().map(|a| (a.name, a.coordinate)).collect();
        if let (Some(time), Some(step)) = (coordinates.get("time"), coordinates.get("step")) {
            let valid = valid_time(time, step)?;
            coordinates.insert("valid_time".into(), valid);
        }
        let latitudes = first.grid.latitude_labels();
        let is_decreasing = latitudes.first() > latitudes.last();
        let mut latitude = Coordinate::along("latitude", Labels::Real(latitudes), Squeeze::Never);
        if is_decreasing {
            latitude.attrs.insert("stored_direction".into(), text("decreasing"));
        }
        coordinates.insert("latitude".into(), latitude);
        coordinates.insert("longitude".into(), Coordinate::along("longitude", Labels::Real(first.grid.longitude_labels()), Squeeze::Never));
        Ok(Cube { dims, coordinates, numbers })
    }

    /// The coordinates that are not there yet.
    ///
    /// # Errors
    /// One that is there, and other.
    fn unlike(&self, variable: &str, known: &IndexMap<String, (Coordinate, String)>) -> Result<Vec<(String, Coordinate)>, String> {
        let mut fresh = vec![];
        for (name, coordinate) in &self.coordinates {
            match known.get(name) {
                None => fresh.push((name.clone(), coordinate.clone())),
                Some((same, _)) if same == coordinate => {}
                Some((other, of)) => {
                    let (own, others) = (coordinate.shown(), other.shown());
                    let level = match (coordinate.dims.is_empty(), &coordinate.labels) {
                        (true, Labels::Real(level)) if name != "step" => {
                            format!(", or with group={name}/{} what else is there", level.first().copied().unwrap_or(0.0))
                        }
                        _ => String::new(),
                    };
                    return Err(format!("its {name} is {own}, and that of {of} is {others}: open it with group={variable}{level}"));
                }
            }
        }
        Ok(fresh)
    }

    fn variable(&self, name: &str, file: &Arc<dyn Object>, is_remote: bool, fields: &[&Field]) -> Result<RawVariable, RegionError> {
        let Some(first) = fields.first() else { return Err(RegionError::internal("no fields")) };
        let places = self.numbers.iter().zip(fields).map(|(&number, field)| (number, field.place)).collect();
        let lengths: Vec<usize> = self.dims.iter().map(|(_, len)| *len).collect();
        let source = FieldSource::new(format!("{}: {name}", file.name()), (file.clone(), is_remote), &lengths, first.grid.layout(), places);
        let mut packings: Vec<&str> = vec![];
        for field in fields {
            if !packings.contains(&field.packing) {
                packings.push(field.packing);
            }
        }
        let dims = self.dims.iter().map(|(name, _)| name.clone()).chain(["latitude".to_owned(), "longitude".to_owned()]).collect();
        let file_chunks = lengths.iter().map(|_| 1).chain([first.grid.rows, first.grid.columns]).collect();
        let mut attrs = attributes::of_variable(first);
        let names: Vec<&str> = self.coordinates.keys().map(String::as_str).collect();
        attrs.insert("coordinates".into(), text(names.join(" ")));
        Ok(RawVariable {
            dims,
            attrs,
            filters: packings.into_iter().map(str::to_owned).collect(),
            type_name: "float32".into(),
            file_chunks: Some(file_chunks),
            cells: RawCells::Numbers(Arc::new(source)),
        })
    }
}

/// That all fields of a variable are of one kind: cfgrib asks for a filter otherwise.
fn check_alike(fields: &[&Field]) -> Result<(), String> {
    let kinds = fields.iter().map(|f| level::kind(&f.product.surfaces).to_owned()).collect::<Vec<_>>();
    let step_types = fields.iter().map(|f| f.product.step_type()).collect();
    let data_types = fields.iter().map(|f| f.product.data_type()).collect();
    for (key, all) in [("typeOfLevel", kinds), ("stepType", step_types), ("dataType", data_types)] {
        let values: IndexSet<String> = all.into_iter().collect();
        if values.len() > 1 {
            let groups: Vec<String> = values.iter().map(|value| format!("group={value}")).collect();
            return Err(format!("its fields have several values of {key}: open it with {}", groups.join(" or ")));
        }
    }
    let Some(first) = fields.first() else { return Ok(()) };
    match fields.iter().find(|f| f.grid != first.grid) {
        Some(other) => Err(format!(
            "its fields lie on several grids ({} by {} and {} by {}, or the same scanned otherwise)",
            first.grid.rows, first.grid.columns, other.grid.rows, other.grid.columns
        )),
        None => Ok(()),
    }
}

/// That no two fields are for the same place.
fn check_distinct(name: &str, fields: &[&Field], numbers: &[u64]) -> Result<(), String> {
    let mut seen: HashMap<u64, &Field> = HashMap::new();
    for (number, field) in numbers.iter().zip(fields) {
        if let Some(other) = seen.insert(*number, field) {
            return Err(format!(
                "two fields, at bytes {} and {}, are {name} of the same member, time, step and level: which of them is meant cannot be told",
                other.place.offset, field.place.offset
            ));
        }
    }
    Ok(())
}

/// The sum of time and step.
fn valid_time(time: &Coordinate, step: &Coordinate) -> Result<Coordinate, String> {
    let (Labels::Whole(times), Labels::Real(steps)) = (&time.labels, &step.labels) else { return Err("its times are no numbers".into()) };
    if times.len().saturating_mul(steps.len()) > super::message::MAX_FIELDS {
        return Err("it has too many times and steps".to_owned());
    }
    let sums = times.iter().flat_map(|t| steps.iter().map(move |s| t + (s * 3600.0).round() as i64)).collect();
    let mut valid = Coordinate::along("valid_time", Labels::Whole(sums), Squeeze::Never);
    valid.dims = time.dims.iter().chain(&step.dims).cloned().collect();
    valid.shape = time.shape.iter().chain(&step.shape).copied().collect();
    Ok(valid)
}
