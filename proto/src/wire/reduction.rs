//! What a reduction computes, with its options.

use super::budget::Budget;
use super::{Wire, known, newer, pb};
use crate::error::RegionError;
use pb::reduction::Kind;
use xeng_kernels::Reduction;

impl Wire for Reduction {
    type Message = pb::Reduction;

    fn to_wire(&self) -> pb::Reduction {
        let message = |kind: Kind, skipna, min_count, ddof| pb::Reduction { kind: kind.into(), skipna, min_count, ddof };
        match *self {
            Reduction::Count => message(Kind::Count, false, 0, 0),
            Reduction::Sum { skipna, min_count } => message(Kind::Sum, skipna, min_count, 0),
            Reduction::Prod { skipna, min_count } => message(Kind::Prod, skipna, min_count, 0),
            Reduction::Mean { skipna } => message(Kind::Mean, skipna, 0, 0),
            Reduction::Min { skipna } => message(Kind::Min, skipna, 0, 0),
            Reduction::Max { skipna } => message(Kind::Max, skipna, 0, 0),
            Reduction::Var { skipna, ddof } => message(Kind::Var, skipna, 0, ddof),
            Reduction::Std { skipna, ddof } => message(Kind::Std, skipna, 0, ddof),
            Reduction::Any => message(Kind::Any, false, 0, 0),
            Reduction::All => message(Kind::All, false, 0, 0),
            Reduction::First { skipna } => message(Kind::First, skipna, 0, 0),
            Reduction::Last { skipna } => message(Kind::Last, skipna, 0, 0),
            Reduction::ArgMin { skipna, or_none: false } => message(Kind::ArgMin, skipna, 0, 0),
            Reduction::ArgMax { skipna, or_none: false } => message(Kind::ArgMax, skipna, 0, 0),
            Reduction::ArgMin { skipna, or_none: true } => message(Kind::ArgMinOrNone, skipna, 0, 0),
            Reduction::ArgMax { skipna, or_none: true } => message(Kind::ArgMaxOrNone, skipna, 0, 0),
        }
    }

    fn from_wire(message: pb::Reduction, _: &mut Budget) -> Result<Reduction, RegionError> {
        let pb::Reduction { skipna, min_count, ddof, .. } = message;
        Ok(match known(Kind::try_from(message.kind), "reduction")? {
            Kind::Unspecified => return Err(newer("reduction")),
            Kind::Count => Reduction::Count,
            Kind::Sum => Reduction::Sum { skipna, min_count },
            Kind::Prod => Reduction::Prod { skipna, min_count },
            Kind::Mean => Reduction::Mean { skipna },
            Kind::Min => Reduction::Min { skipna },
            Kind::Max => Reduction::Max { skipna },
            Kind::Var => Reduction::Var { skipna, ddof },
            Kind::Std => Reduction::Std { skipna, ddof },
            Kind::Any => Reduction::Any,
            Kind::All => Reduction::All,
            Kind::First => Reduction::First { skipna },
            Kind::Last => Reduction::Last { skipna },
            Kind::ArgMin => Reduction::ArgMin { skipna, or_none: false },
            Kind::ArgMax => Reduction::ArgMax { skipna, or_none: false },
            Kind::ArgMinOrNone => Reduction::ArgMin { skipna, or_none: true },
            Kind::ArgMaxOrNone => Reduction::ArgMax { skipna, or_none: true },
        })
    }
}
