//! The level of a field: its kind, as ecCodes' `typeOfLevel` names it, and its value.
//!
//! In: the two fixed surfaces of a product. Out: a name and a number. Never a level for another: what is not named is called `level`.
//! Source: ecCodes 2.50, `definitions/grib2/typeOfLevelConcept.def` and `G2Level`.

use super::product::Surface;

/// First surface, second surface (255: none), name.
const KINDS: &[(u8, u8, &str)] = &[
    (1, 255, "surface"),
    (1, 7, "troposphere"),
    (1, 8, "entireAtmosphere"),
    (1, 9, "entireOcean"),
    (1, 162, "entireLake"),
    (2, 255, "cloudBase"),
    (3, 255, "cloudTop"),
    (4, 255, "isothermZero"),
    (5, 255, "adiabaticCondensation"),
    (6, 255, "maxWind"),
    (7, 255, "tropopause"),
    (7, 36, "stratosphere"),
    (8, 255, "nominalTop"),
    (9, 255, "seaBottom"),
    (10, 255, "atmosphere"),
    (11, 255, "cumulonimbusBase"),
    (12, 255, "cumulonimbusTop"),
    (14, 255, "freeConvection"),
    (15, 255, "convectiveCondensation"),
    (16, 255, "neutralBuoyancy"),
    (17, 255, "mostUnstableParcel"),
    (18, 255, "mixedLayerParcel"),
    (19, 255, "lowestLevelOfCloudCoverExceedance"),
    (20, 255, "isothermal"),
    (100, 100, "isobaricLayer"),
    (101, 255, "meanSea"),
    (102, 255, "heightAboveSea"),
    (102, 102, "heightAboveSeaLayer"),
    (103, 255, "heightAboveGround"),
    (103, 103, "heightAboveGroundLayer"),
    (104, 255, "sigma"),
    (104, 104, "sigmaLayer"),
    (105, 255, "hybrid"),
    (105, 105, "hybridLayer"),
    (106, 255, "depthBelowLand"),
    (106, 106, "depthBelowLandLayer"),
    (107, 255, "theta"),
    (107, 107, "thetaLayer"),
    (108, 255, "pressureFromGround"),
    (108, 108, "pressureFromGroundLayer"),
    (109, 255, "potentialVorticity"),
    (111, 255, "eta"),
    (114, 255, "snow"),
    (114, 114, "snowLayer"),
    (117, 255, "mixedLayerDepthGeneric"),
    (118, 255, "hybridHeight"),
    (119, 255, "hybridPressure"),
    (151, 255, "soil"),
    (151, 151, "soilLayer"),
    (152, 255, "seaIce"),
    (152, 152, "seaIceLayer"),
    (160, 255, "depthBelowSea"),
    (160, 160, "depthBelowSeaLayer"),
    (160, 9, "oceanSurfaceToBottom"),
    (162, 255, "lakeBottom"),
    (166, 255, "mixingLayer"),
    (168, 255, "oceanModel"),
    (168, 168, "oceanModelLayer"),
    (169, 255, "mixedLayerDepthByDensity"),
    (170, 255, "mixedLayerDepthByTemperature"),
    (171, 255, "mixedLayerDepthByDiffusivity"),
    (173, 255, "snowTopOverIceOnWater"),
    (173, 175, "snowLayerOverIceOnWater"),
    (174, 255, "iceTopOnWater"),
    (174, 176, "iceLayerOnWater"),
    (175, 255, "iceTopUnderSnowOnWater"),
    (175, 176, "iceLayerUnderSnowOnWater"),
    (176, 255, "iceBottomOnWater"),
    (177, 255, "indefiniteSoilDepth"),
    (188, 255, "meltPondTop"),
    (189, 255, "meltPondBottom"),
    (188, 189, "entireMeltPond"),
    (1, 151, "totalSoilLayer"),
    (1, 167, "rootZone"),
    (185, 255, "roof"),
    (185, 185, "roofLayer"),
    (186, 255, "wall"),
    (186, 186, "wallLayer"),
    (187, 255, "road"),
    (187, 187, "roadLayer"),
    (187, 185, "urbanCanyon"),
    (193, 255, "flightLevel"),
];

/// The kind of a level.
pub(super) fn kind(surfaces: &[Surface; 2]) -> &'static str {
    let [first, second] = surfaces;
    let zero = |s: &Surface| s.scale == Some(0) && s.value == Some(0);
    match (first.kind, second.kind) {
        (100, 255) => return if is_in_hectopascals(first) { "isobaricInhPa" } else { "isobaricInPa" },
        (1, 100) if at(second, 80_000) => return "lowCloudLayer",
        (100, 100) if at(first, 80_000) && at(second, 45_000) => return "mediumCloudLayer",
        (100, 8) if at(first, 45_000) => return "highCloudLayer",
        (160, 255) if zero(first) => return "oceanSurface",
        (174, 160) if zero(second) => return "iceLayerAboveWaterSurface",
        (160, 20) if zero(first) => return "waterSurfaceToIsothermalOceanLayer",
        _ => {}
    }
    KINDS.iter().find(|(a, b, _)| (*a, *b) == (first.kind, second.kind)).map_or("level", |(_, _, name)| name)
}

fn at(surface: &Surface, value: i64) -> bool {
    (surface.scale, surface.value) == (Some(0), Some(value))
}

/// ecCodes counts pressures in hectopascals from one of them on, and those that are missing.
fn is_in_hectopascals(surface: &Surface) -> bool {
    surface.scale != Some(0) || surface.value.is_none_or(|pascals| pascals >= 100)
}

/// The value of a level: hectopascals on `isobaricInhPa`, else the unit of code table 4.5; of layers of soil, snow, ice and ocean models the
/// second surface, which numbers them, of others the first one.
pub(super) fn value(surfaces: &[Surface; 2]) -> f64 {
    let [first, second] = surfaces;
    let surface = match (first.kind, second.kind) {
        (114, 114) | (151, 151) | (152, 152) | (168, 168) => second,
        _ => first,
    };
    let Some(value) = surface.value else { return 0.0 };
    // Potential vorticity is counted in units of 1e-9.
    let mut scale = surface.scale.map_or(0, |scale| if surface.kind == 109 { scale - 9 } else { scale });
    let mut number = value as f64;
    // Step by step: this rounds as ecCodes does.
    while scale < 0 {
        number *= 10.0;
        scale += 1;
    }
    while scale > 0 {
        number /= 10.0;
        scale -= 1;
    }
    if kind(surfaces) == "isobaricInhPa" { number / 100.0 } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Surface = Surface { kind: 255, scale: None, value: None };

    fn surface(kind: u8, scale: i32, value: i64) -> Surface {
        Surface { kind, scale: Some(scale), value: Some(value) }
    }

    #[test]
    fn levels_are_named_and_counted_as_eccodes_does() {
        let one = |s: Surface| (kind(&[s, NONE]), value(&[s, NONE]));
        assert_eq!(one(surface(100, 0, 85_000)), ("isobaricInhPa", 850.0));
        assert_eq!(one(surface(100, 0, 50)), ("isobaricInPa", 50.0));
        assert_eq!(one(surface(103, -1, 2)), ("heightAboveGround", 20.0));
        assert_eq!(one(surface(104, 4, 9950)), ("sigma", 0.9949999999999999));
        assert_eq!(one(surface(109, 9, 2)), ("potentialVorticity", 2.0));
        assert_eq!(one(Surface { kind: 1, scale: None, value: None }), ("surface", 0.0));
        assert_eq!(one(surface(220, 0, 1)), ("level", 1.0));
        let layer = [surface(151, 0, 1), surface(151, 0, 2)];
        assert_eq!((kind(&layer), value(&layer)), ("soilLayer", 2.0));
        let layer = [surface(106, 2, 10), surface(106, 2, 40)];
        assert_eq!((kind(&layer), value(&layer)), ("depthBelowLandLayer", 0.1));
    }
}
