//! Which dimensions an HDF5 dataset spans: netCDF-4's dimension scales.
//!
//! In: the datasets of a group and its parents. Out: dimension names and lengths. Never fails: axes without a scale get
//! made-up names (`phony_dim_0`), as netCDF-C gives them.

use hdf5_reader::{Attribute, Dataset, Datatype};
use std::collections::HashMap;

/// What is known of dimension scales.
#[derive(Default)]
pub struct Scales {
    /// Names by the address of the scale's object header.
    by_address: HashMap<u64, String>,
    /// Names by netCDF-4's dimension number.
    by_id: HashMap<i64, String>,
    /// Lengths of dimensions that can grow, by name.
    lengths: HashMap<String, u64>,
    /// Dimensions whose number is given twice in the file, by number.
    clashes: HashMap<i64, Clash>,
    phony: Vec<u64>,
    offset_size: u8,
}

/// The last dimension of a file that has a certain number: netCDF-C knows dimensions by number alone, so it stands for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: u64,
}

/// The dimension numbers that more than one of these datasets claims, given in netCDF-C's order: a group before its inner groups.
pub fn clashes<'a>(members: impl Iterator<Item = &'a Dataset>) -> HashMap<i64, Clash> {
    let mut last: HashMap<i64, (u64, Clash)> = HashMap::new();
    let mut found = HashMap::new();
    for member in members.filter(|m| is_scale(m)) {
        let (Some(id), Some(&length)) = (number_of(member), member.shape().first()) else { continue };
        let clash = Clash { name: member.name().to_string(), length };
        if last.get(&id).is_some_and(|(address, _)| *address != member.address()) {
            found.insert(id, clash.clone());
        }
        last.insert(id, (member.address(), clash));
    }
    found
}

fn number_of(scale: &Dataset) -> Option<i64> {
    scale.attribute("_Netcdf4Dimid").ok().and_then(|a| integers(&a).first().copied())
}

impl Scales {
    /// Scales of a file in which these numbers are given twice.
    pub fn with_clashes(clashes: HashMap<i64, Clash>) -> Scales {
        Scales { clashes, ..Scales::default() }
    }

    /// Learns the scales among the datasets of a group; those of inner groups hide those of outer ones.
    pub fn learn(&mut self, members: &[Dataset], offset_size: u8) {
        self.offset_size = offset_size;
        self.phony.clear();
        for member in members.iter().filter(|m| is_scale(m)) {
            let id = number_of(member);
            if let Some(clash) = id.and_then(|id| self.clashes.get(&id)) {
                self.by_address.insert(member.address(), clash.name.clone());
                self.by_id.extend(id.map(|id| (id, clash.name.clone())));
                continue;
            }
            self.by_address.insert(member.address(), member.name().to_string());
            self.by_id.extend(id.map(|id| (id, member.name().to_string())));
            for (name, length) in scale_name(member).into_iter().zip(member.shape()) {
                self.lengths.insert(name, *length);
            }
        }
    }

    /// Makes a dimension as long as the longest variable along it: unlimited ones may end at different lengths.
    pub fn extend_lengths(&mut self, members: &[Dataset]) {
        let (addresses, phony) = (self.by_address.clone(), self.phony.clone());
        for member in members {
            for (dim, &length) in self.dims_of(member).iter().zip(member.shape()) {
                let known = self.lengths.entry(dim.clone()).or_insert(length);
                *known = (*known).max(length);
            }
        }
        (self.by_address, self.phony) = (addresses, phony);
    }

    /// Whether a dataset is only there to carry a dimension.
    pub fn is_bare_dimension(member: &Dataset) -> bool {
        is_scale(member)
            && member
                .attribute("NAME")
                .ok()
                .and_then(|a| a.read_string().ok())
                .is_some_and(|name| name.starts_with("This is a netCDF dimension but not a netCDF variable"))
    }

    /// The dimension names of a dataset.
    pub fn dims_of(&mut self, member: &Dataset) -> Vec<String> {
        let rank = member.ndim();
        let listed = self.by_coordinates(member).or_else(|| self.by_list(member));
        match listed {
            Some(dims) if dims.len() == rank => dims,
            _ if is_scale(member) && rank == 1 => {
                vec![self.by_address.get(&member.address()).cloned().unwrap_or_else(|| member.name().to_string())]
            }
            _ => self.phony_dims(member.shape()),
        }
    }

    /// The shape of a dataset, with axes that can grow as long as their dimension.
    pub fn shape_of(&self, member: &Dataset, dims: &[String]) -> Vec<u64> {
        let unlimited = |axis: usize| member.max_dims().and_then(|m| m.get(axis)) == Some(&u64::MAX);
        let chunked = member.chunks().is_some();
        member
            .shape()
            .iter()
            .zip(dims)
            .enumerate()
            .map(|(axis, (&n, dim))| match self.clashes.values().find(|c| c.name == *dim) {
                Some(clash) => clash.length,
                None => {
                    if chunked && unlimited(axis) {
                        self.lengths.get(dim).copied().unwrap_or(n).max(n)
                    } else {
                        n
                    }
                }
            })
            .collect()
    }

    /// netCDF-4 lists the dimensions of coordinate variables of higher rank by number.
    fn by_coordinates(&self, member: &Dataset) -> Option<Vec<String>> {
        let ids = integers(&member.attribute("_Netcdf4Coordinates").ok()?);
        ids.iter().map(|id| self.by_id.get(id).cloned()).collect()
    }

    /// Any other dataset refers to its scales, axis by axis.
    fn by_list(&self, member: &Dataset) -> Option<Vec<String>> {
        let list = member.attribute("DIMENSION_LIST").ok()?;
        if !matches!(&list.datatype, Datatype::VarLen { .. }) {
            return None;
        }
        let size = member.vlen_reference_size();
        list.raw_data
            .chunks_exact(size.max(1))
            .take(member.ndim())
            .map(|reference| {
                let bytes = member.resolve_vlen_reference_bytes(reference, usize::from(self.offset_size)).ok()?;
                let address =
                    hdf5_reader::reference::resolve_object_reference(bytes.get(..usize::from(self.offset_size))?, self.offset_size).ok()?;
                self.by_address.get(&address).cloned()
            })
            .collect()
    }

    /// Made-up dimensions, shared by axes of equal length of different datasets.
    fn phony_dims(&mut self, shape: &[u64]) -> Vec<String> {
        let mut used = vec![];
        for &length in shape {
            let found = (0..self.phony.len()).find(|i| self.phony[*i] == length && !used.contains(i));
            used.push(found.unwrap_or_else(|| {
                self.phony.push(length);
                self.phony.len() - 1
            }));
        }
        used.into_iter().map(|i| format!("phony_dim_{i}")).collect()
    }
}

fn is_scale(member: &Dataset) -> bool {
    member.attribute("CLASS").ok().and_then(|a| a.read_string().ok()).is_some_and(|class| class.trim_end_matches('\0') == "DIMENSION_SCALE")
}

/// A scale of rank 1 carries the length of the dimension that it names.
fn scale_name(member: &Dataset) -> Option<String> {
    (member.ndim() == 1).then(|| member.name().to_string())
}

fn integers(attribute: &Attribute) -> Vec<i64> {
    attribute.read_1d::<i32>().map_or_else(
        |_| attribute.read_scalar::<i32>().map(|v| vec![i64::from(v)]).unwrap_or_default(),
        |v| v.into_iter().map(i64::from).collect(),
    )
}
