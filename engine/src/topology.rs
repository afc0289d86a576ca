//! Where engines are and what lies between them: `[home]`, `[regions]` and `[links]` of a plan or of `xeng.toml`.
//!
//! In: nothing; plain data, filled by [`crate::planfile`]. Out: nothing. Never connects to anything.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The regions, and the links between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// The region that results are wanted in.
    pub home: Option<String>,
    /// By name.
    pub regions: BTreeMap<String, RegionPlace>,
    /// By the names of their ends, in alphabetical order: a link is the same in both directions.
    pub links: BTreeMap<(String, String), Link>,
}

impl Topology {
    /// The link between two regions, in whichever order it was written.
    pub fn link(&self, a: &str, b: &str) -> Option<&Link> {
        self.links.get(&ends(a, b))
    }
}

/// The ends of a link in alphabetical order.
pub(crate) fn ends(a: &str, b: &str) -> (String, String) {
    if a <= b { (a.into(), b.into()) } else { (b.into(), a.into()) }
}

/// Where the engines of a region are. Exactly one of the three is given.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegionPlace {
    /// Addresses such as `http://10.0.1.10:7070`.
    pub endpoints: Vec<String>,
    /// A `name:port` that resolves to all of them.
    pub dns: Option<String>,
    /// An engine in this process.
    pub local: bool,
}

/// What lies between two regions; used for placement, prices and estimates.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Megabits a second.
    pub bandwidth_mbit: Option<f64>,
    /// Milliseconds there and back.
    pub rtt_ms: Option<f64>,
    /// US dollars for 10^9 bytes.
    pub usd_per_gb: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_same_in_both_directions() {
        let link = Link { rtt_ms: Some(75.0), ..Link::default() };
        let topology = Topology { links: [(ends("us", "eu"), link.clone())].into_iter().collect(), ..Topology::default() };
        assert_eq!((topology.link("us", "eu"), topology.link("eu", "us")), (Some(&link), Some(&link)));
        assert_eq!(topology.link("us", "us"), None);
    }
}
