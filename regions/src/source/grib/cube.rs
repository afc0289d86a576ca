//! Fields to variables: those of one parameter are put in order along their members, times, steps and levels.
//!
//! In: the fields of a file. Out: its variables, each with its coordinates; and those that are left out, with the reason. Never one field for
//! another: what does not fit together is left out, with what would open it.
//! Source: cfgrib 0.9.15, `dataset.py` (`build_variable_components`, `build_dataset_components`).

use super::coordinate::{Coordinate, Labels, Squeeze, real, text, whole};
use super::field::{Field, Fields};
use super::level;
use super::parameter;
use super::product::Product;
use super::source::FieldSource;
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use crate::store::Object;
use indexmap::IndexMap;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use xeng_proto::{Attrs, RegionError};

/// The name of the variable of a product.
pub(super) fn variable_name(product: &Product) -> String {
    match parameter::find(product) {
        Some(known) => known.variable.to_owned(),
        None => format!("param_{}_{}_{}", product.discipline, product.category, product.number),
    }
}

/// The variables of a file.
pub(super) fn dataset(file: &Arc<dyn Object>, is_remote: bool, fields: &Fields) -> RawDataset {
    let mut out = RawDataset { attrs: attrs(&fields.known), ..RawDataset::default() };
    let mut by_name: IndexMap<String, Vec<&Field>> = IndexMap::new();
    for field in &fields.known {
        by_name.entry(variable_name(&field.product)).or_default().push(field);
    }
    let mut coordinates: IndexMap<String, (Coordinate, String)> = IndexMap::new();
    for (name, fields) in by_name {
        let made = Cube::of(&name, &fields).and_then(|cube| {
            let fresh = cube.unlike(&coordinates)?;
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
    fn unlike(&self, known: &IndexMap<String, (Coordinate, String)>) -> Result<Vec<(String, Coordinate)>, String> {
        let mut fresh = vec![];
        for (name, coordinate) in &self.coordinates {
            match known.get(name) {
                None => fresh.push((name.clone(), coordinate.clone())),
                Some((same, _)) if same == coordinate => {}
                Some((other, of)) => {
                    let (own, others) = (coordinate.shown(), other.shown());
                    return Err(format!(
                        "its {name} is {own}, and that of {of} is {others}: group=NAME opens one variable, group=KIND those of one kind of level \
                         (such as heightAboveGround), group=KIND/LEVEL those of one level"
                    ));
                }
            }
        }
        Ok(fresh)
    }

    fn variable(&self, name: &str, file: &Arc<dyn Object>, is_remote: bool, fields: &[&Field]) -> Result<RawVariable, RegionError> {
        let Some(first) = fields.first() else { return Err(RegionError::internal("no fields")) };
        let places = self.numbers.iter().zip(fields).map(|(&number, field)| (number, field.place)).collect();
        let lengths: Vec<usize> = self.dims.iter().map(|(_, len)| *len).collect();
        let source = FieldSource::new(format!("{}: {name}", file.name()), (file.clone(), is_remote), &lengths, first.grid.clone(), places);
        let mut packings: Vec<&str> = vec![];
        for field in fields {
            if !packings.contains(&field.packing) {
                packings.push(field.packing);
            }
        }
        let dims = self.dims.iter().map(|(name, _)| name.clone()).chain(["latitude".to_owned(), "longitude".to_owned()]).collect();
        let file_chunks = lengths.iter().map(|_| 1).chain([first.grid.rows, first.grid.columns]).collect();
        let mut attrs = variable_attrs(first);
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
    let keys: [(&str, fn(&Field) -> String); 3] = [
        ("typeOfLevel", |f| level::kind(&f.product.surfaces).to_owned()),
        ("stepType", |f| f.product.step_type()),
        ("dataType", |f| f.product.data_type()),
    ];
    for (key, of) in keys {
        let mut values: Vec<String> = vec![];
        for value in fields.iter().map(|f| of(f)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// A dimension before those of the grid, and where each field lies along it.
struct Axis {
    name: String,
    coordinate: Coordinate,
    places: Vec<u64>,
}

impl Axis {
    fn whole(name: &str, of: impl Iterator<Item = i64>) -> Axis {
        let keys: Vec<i64> = of.collect();
        let (labels, places) = sorted(&keys, Order::Ascending);
        Axis { name: name.into(), coordinate: Coordinate::along(name, Labels::Whole(labels), Squeeze::One), places }
    }

    fn real(name: &str, of: impl Iterator<Item = f64>, order: Order) -> Axis {
        // Zero is one level, whatever its sign.
        let keys: Vec<Real> = of.map(|n| Real(n + 0.0)).collect();
        let (labels, places) = sorted(&keys, order);
        let labels = labels.into_iter().map(|n| n.0).collect();
        Axis { name: name.into(), coordinate: Coordinate::along(name, Labels::Real(labels), Squeeze::One), places }
    }
}

/// A number that has a place in an order.
#[derive(Clone, Copy)]
struct Real(f64);

impl Ord for Real {
    fn cmp(&self, other: &Real) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Real) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Real) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

/// Distinct keys in order, and the place of each key among them.
fn sorted<K: Ord + Copy>(keys: &[K], order: Order) -> (Vec<K>, Vec<u64>) {
    let mut places: BTreeMap<K, u64> = keys.iter().map(|&key| (key, 0)).collect();
    let count = places.len() as u64;
    for (at, place) in (0..).zip(places.values_mut()) {
        *place = if order == Order::Ascending { at } else { count - 1 - at };
    }
    let mut distinct: Vec<K> = places.keys().copied().collect();
    if order == Order::Descending {
        distinct.reverse();
    }
    (distinct, keys.iter().map(|key| places.get(key).copied().unwrap_or(0)).collect())
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

/// Attributes that cfgrib gives a variable, but for those of no use to who has its coordinates.
fn variable_attrs(field: &Field) -> Attrs {
    let (product, grid) = (&field.product, &field.grid);
    let mut attrs = Attrs::new();
    let mut set = |name: &str, value| drop(attrs.insert(name.to_owned(), value));
    let known = parameter::find(product);
    if let Some(known) = known {
        set("GRIB_paramId", whole(known.id));
    }
    set("GRIB_dataType", text(product.data_type()));
    set("GRIB_numberOfPoints", whole(grid.points() as i64));
    let kind = level::kind(&product.surfaces);
    if kind != "level" {
        set("GRIB_typeOfLevel", text(kind));
    }
    set("GRIB_stepUnits", whole(1));
    set("GRIB_stepType", text(product.step_type()));
    set("GRIB_gridType", text("regular_ll"));
    set("GRIB_uvRelativeToGrid", whole(i64::from(grid.flags >> 3 & 1)));
    set("GRIB_Nx", whole(grid.columns as i64));
    set("GRIB_Ny", whole(grid.rows as i64));
    set("GRIB_iScansNegatively", whole(i64::from(grid.scan >> 7 & 1)));
    set("GRIB_jScansPositively", whole(i64::from(grid.scan >> 6 & 1)));
    set("GRIB_jPointsAreConsecutive", whole(i64::from(grid.scan >> 5 & 1)));
    set("GRIB_latitudeOfFirstGridPointInDegrees", real(grid.latitudes.0));
    set("GRIB_latitudeOfLastGridPointInDegrees", real(grid.latitudes.1));
    set("GRIB_longitudeOfFirstGridPointInDegrees", real(grid.longitudes.0));
    set("GRIB_longitudeOfLastGridPointInDegrees", real(grid.longitudes.1));
    if let Some((_, members)) = product.member {
        set("GRIB_totalNumber", whole(i64::from(members)));
    }
    match known {
        Some(known) => {
            set("GRIB_cfName", text(known.standard_name));
            set("GRIB_cfVarName", text(known.variable));
            set("GRIB_name", text(known.name));
            set("GRIB_shortName", text(known.short_name));
            set("GRIB_units", text(known.units));
            set("long_name", text(known.name));
            set("units", text(known.units));
            set("standard_name", text(known.standard_name));
        }
        None => {
            set("GRIB_discipline", whole(i64::from(product.discipline)));
            set("GRIB_parameterCategory", whole(i64::from(product.category)));
            set("GRIB_parameterNumber", whole(i64::from(product.number)));
        }
    }
    attrs
}

/// Attributes of the dataset: those of its centre, where there is one.
fn attrs(fields: &[Field]) -> Attrs {
    let mut attrs = Attrs::new();
    attrs.insert("GRIB_edition".into(), whole(2));
    let Some(first) = fields.first() else { return attrs };
    if fields.iter().all(|f| f.product.centre == first.product.centre) {
        let (name, description) = centre(first.product.centre);
        attrs.insert("GRIB_centre".into(), text(name.clone()));
        attrs.insert("GRIB_centreDescription".into(), text(description.clone()));
        if fields.iter().all(|f| f.product.sub_centre == first.product.sub_centre) {
            attrs.insert("GRIB_subCentre".into(), whole(i64::from(first.product.sub_centre)));
        }
        attrs.insert("Conventions".into(), text("CF-1.7"));
        attrs.insert("institution".into(), text(description));
    }
    attrs
}

/// The name and description of a centre (WMO common code table C-11, as ecCodes abbreviates it); its number where it is not listed.
fn centre(number: u16) -> (String, String) {
    let (name, description) = match number {
        7 => ("kwbc", "US National Weather Service - NCEP"),
        34 => ("rjtd", "Japanese Meteorological Agency - Tokyo"),
        38 => ("babj", "Beijing"),
        40 => ("rksl", "Seoul"),
        54 => ("cwao", "Canadian Meteorological Service - Montreal"),
        74 => ("egrr", "U.K. Met Office - Exeter"),
        78 => ("edzw", "Offenbach"),
        80 => ("cnmc", "Rome"),
        82 => ("eswi", "Norrkoping"),
        84 | 85 => ("lfpw", "French Weather Service - Toulouse"),
        86 => ("efkl", "Helsinki"),
        88 => ("enmi", "Oslo"),
        94 => ("ekmi", "Copenhagen"),
        98 => ("ecmf", "European Centre for Medium-Range Weather Forecasts"),
        99 => ("knmi", "DeBilt, Netherlands"),
        173 => ("nasa", "US National Aeronautics and Space Administration"),
        215 => ("lssw", "Zurich"),
        250 => ("cosmo", "COnsortium for Small scale MOdelling"),
        254 => ("eums", "EUMETSAT Operation Centre"),
        other => return (other.to_string(), other.to_string()),
    };
    (name.to_owned(), description.to_owned())
}
