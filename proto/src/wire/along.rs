//! Operators over lanes, to and from the wire.
//!
//! In: either form. Out: the other, checked. Never takes more than the budget allows.

use super::block::{floats_from_wire, floats_to_wire};
use super::budget::{Budget, length};
use super::{integers, known, malformed, need, newer, pb};
use crate::error::RegionError;
use pb::along::Kind;
use xeng_kernels::along::{self, Along, QuantileMethod, Statistic};

type Groups = Option<along::Groups>;

pub(super) fn to_wire(along: &Along) -> Kind {
    match along {
        Along::Rolling { window, before, min_periods, statistic } => {
            let (statistic, ddof) = statistic_to_wire(*statistic);
            Kind::Rolling(pb::Rolling {
                window: *window as u64,
                before: *before as u64,
                min_periods: *min_periods as u64,
                statistic: statistic.into(),
                ddof,
            })
        }
        Along::Cumulate { multiplies, skips_missing, groups } => {
            Kind::Cumulate(pb::Cumulate { multiplies: *multiplies, skips_missing: *skips_missing, groups: groups_to_wire(groups) })
        }
        Along::Fill { forward, limit } => Kind::Fill(pb::Fill { forward: *forward, limit: limit.map(|n| n as u64) }),
        Along::Rank { percent } => Kind::Rank(pb::Rank { percent: *percent }),
        Along::Bridge { x, limit, max_gap, nearest, beyond } if *nearest || *beyond => Kind::Reach(pb::Reach {
            x: Some(floats_to_wire(x)),
            limit: limit.map(|n| n as u64),
            nearest: *nearest,
            beyond: *beyond,
            max_gap: *max_gap,
        }),
        Along::Bridge { x, limit, max_gap, .. } => {
            Kind::Bridge(pb::Bridge { x: Some(floats_to_wire(x)), limit: limit.map(|n| n as u64), max_gap: *max_gap })
        }
        Along::Gradient { x, edge_order } => {
            Kind::Gradient(pb::Gradient { x: Some(floats_to_wire(x)), edge_order: u32::from(*edge_order) })
        }
        Along::Fit { x, degree, skips_missing } => {
            Kind::Fit(pb::Fit { x: Some(floats_to_wire(x)), degree: *degree as u32, skips_missing: *skips_missing })
        }
        Along::Quantile { q, method, skips_missing, groups } => Kind::Quantile(pb::Quantile {
            q: *q,
            method: method_to_wire(*method).into(),
            skips_missing: *skips_missing,
            groups: groups_to_wire(groups),
        }),
        Along::Median { skips_missing, groups } => {
            Kind::Median(pb::Median { skips_missing: *skips_missing, groups: groups_to_wire(groups) })
        }
    }
}

pub(super) fn from_wire(message: Kind, budget: &mut Budget) -> Result<Along, RegionError> {
    let limit = |limit: Option<u64>| limit.map(|n| length(n, "a limit")).transpose();
    Ok(match message {
        Kind::Rolling(m) => Along::Rolling {
            window: length(m.window, "a window")?,
            before: length(m.before, "a window")?,
            min_periods: length(m.min_periods, "a window")?,
            statistic: statistic_from_wire(m.statistic, m.ddof)?,
        },
        Kind::Cumulate(m) => {
            Along::Cumulate { multiplies: m.multiplies, skips_missing: m.skips_missing, groups: groups_from_wire(m.groups, budget)? }
        }
        Kind::Fill(m) => Along::Fill { forward: m.forward, limit: limit(m.limit)? },
        Kind::Rank(m) => Along::Rank { percent: m.percent },
        Kind::Bridge(m) => Along::Bridge {
            x: floats_from_wire(need(m.x, "a coordinate")?, budget)?.into(),
            limit: limit(m.limit)?,
            max_gap: m.max_gap,
            nearest: false,
            beyond: false,
        },
        Kind::Reach(m) => Along::Bridge {
            x: floats_from_wire(need(m.x, "a coordinate")?, budget)?.into(),
            limit: limit(m.limit)?,
            max_gap: m.max_gap,
            nearest: m.nearest,
            beyond: m.beyond,
        },
        Kind::Gradient(m) => Along::Gradient {
            x: floats_from_wire(need(m.x, "a coordinate")?, budget)?.into(),
            edge_order: u8::try_from(m.edge_order).map_err(malformed)?,
        },
        Kind::Fit(m) => Along::Fit {
            x: floats_from_wire(need(m.x, "a coordinate")?, budget)?.into(),
            degree: m.degree as usize,
            skips_missing: m.skips_missing,
        },
        Kind::Quantile(m) => Along::Quantile {
            q: m.q,
            method: method_from_wire(m.method)?,
            skips_missing: m.skips_missing,
            groups: groups_from_wire(m.groups, budget)?,
        },
        Kind::Median(m) => Along::Median { skips_missing: m.skips_missing, groups: groups_from_wire(m.groups, budget)? },
    })
}

fn groups_to_wire(groups: &Groups) -> Option<pb::LaneGroups> {
    let codes = |codes: &[i32]| Some(integers::to_wire(codes.iter().map(|&c| i64::from(c))));
    groups.as_ref().map(|(list, count)| pb::LaneGroups { codes: codes(list), count: *count as u64 })
}

fn groups_from_wire(message: Option<pb::LaneGroups>, budget: &mut Budget) -> Result<Groups, RegionError> {
    let Some(message) = message else { return Ok(None) };
    let codes = integers::from_wire(need(message.codes, "group codes")?, budget)?;
    let codes = codes.into_iter().map(|c| i32::try_from(c).map_err(malformed)).collect::<Result<Vec<i32>, _>>()?;
    Ok(Some((codes.into(), length(message.count, "groups")?)))
}

fn statistic_to_wire(statistic: Statistic) -> (pb::WindowStatistic, u32) {
    match statistic {
        Statistic::Sum => (pb::WindowStatistic::Sum, 0),
        Statistic::Mean => (pb::WindowStatistic::Mean, 0),
        Statistic::Min => (pb::WindowStatistic::Min, 0),
        Statistic::Max => (pb::WindowStatistic::Max, 0),
        Statistic::Product => (pb::WindowStatistic::Product, 0),
        Statistic::Count => (pb::WindowStatistic::Count, 0),
        Statistic::Variance { ddof } => (pb::WindowStatistic::Variance, ddof),
        Statistic::Deviation { ddof } => (pb::WindowStatistic::Deviation, ddof),
        Statistic::Median => (pb::WindowStatistic::Median, 0),
    }
}

fn statistic_from_wire(message: i32, ddof: u32) -> Result<Statistic, RegionError> {
    Ok(match known(pb::WindowStatistic::try_from(message), "window statistic")? {
        pb::WindowStatistic::Unspecified => return Err(newer("window statistic")),
        pb::WindowStatistic::Sum => Statistic::Sum,
        pb::WindowStatistic::Mean => Statistic::Mean,
        pb::WindowStatistic::Min => Statistic::Min,
        pb::WindowStatistic::Max => Statistic::Max,
        pb::WindowStatistic::Product => Statistic::Product,
        pb::WindowStatistic::Count => Statistic::Count,
        pb::WindowStatistic::Variance => Statistic::Variance { ddof },
        pb::WindowStatistic::Deviation => Statistic::Deviation { ddof },
        pb::WindowStatistic::Median => Statistic::Median,
    })
}

fn method_to_wire(method: QuantileMethod) -> pb::QuantileMethod {
    match method {
        QuantileMethod::Linear => pb::QuantileMethod::Linear,
        QuantileMethod::Lower => pb::QuantileMethod::Lower,
        QuantileMethod::Higher => pb::QuantileMethod::Higher,
        QuantileMethod::Midpoint => pb::QuantileMethod::Midpoint,
        QuantileMethod::Nearest => pb::QuantileMethod::Nearest,
        QuantileMethod::Inverted => pb::QuantileMethod::Inverted,
        QuantileMethod::InvertedMean => pb::QuantileMethod::InvertedMean,
        QuantileMethod::Closest => pb::QuantileMethod::Closest,
        QuantileMethod::InvertedLine => pb::QuantileMethod::InvertedLine,
        QuantileMethod::Hazen => pb::QuantileMethod::Hazen,
        QuantileMethod::Weibull => pb::QuantileMethod::Weibull,
        QuantileMethod::MedianUnbiased => pb::QuantileMethod::MedianUnbiased,
        QuantileMethod::NormalUnbiased => pb::QuantileMethod::NormalUnbiased,
    }
}

fn method_from_wire(message: i32) -> Result<QuantileMethod, RegionError> {
    Ok(match known(pb::QuantileMethod::try_from(message), "quantile method")? {
        pb::QuantileMethod::Unspecified => return Err(newer("quantile method")),
        pb::QuantileMethod::Linear => QuantileMethod::Linear,
        pb::QuantileMethod::Lower => QuantileMethod::Lower,
        pb::QuantileMethod::Higher => QuantileMethod::Higher,
        pb::QuantileMethod::Midpoint => QuantileMethod::Midpoint,
        pb::QuantileMethod::Nearest => QuantileMethod::Nearest,
        pb::QuantileMethod::Inverted => QuantileMethod::Inverted,
        pb::QuantileMethod::InvertedMean => QuantileMethod::InvertedMean,
        pb::QuantileMethod::Closest => QuantileMethod::Closest,
        pb::QuantileMethod::InvertedLine => QuantileMethod::InvertedLine,
        pb::QuantileMethod::Hazen => QuantileMethod::Hazen,
        pb::QuantileMethod::Weibull => QuantileMethod::Weibull,
        pb::QuantileMethod::MedianUnbiased => QuantileMethod::MedianUnbiased,
        pb::QuantileMethod::NormalUnbiased => QuantileMethod::NormalUnbiased,
    })
}
