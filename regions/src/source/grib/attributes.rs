//! The attributes that cfgrib gives variables and datasets.
//!
//! In: fields. Out: attributes. Never those that only ecCodes has a use for, nor the time of the day.
//! Source: cfgrib 0.9.15, `dataset.py`; WMO common code table C-11 for centres.

use super::coordinate::{real, text, whole};
use super::field::Field;
use super::level;
use super::parameter;
use xeng_proto::Attrs;

/// Attributes that cfgrib gives a variable, but for those of no use to who has its coordinates.
pub(super) fn of_variable(field: &Field) -> Attrs {
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
pub(super) fn of_dataset(fields: &[Field]) -> Attrs {
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
