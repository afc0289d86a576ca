//! The chunks of an array that a region writes: regular, of a size that readers like, and along the chunks that it is made from.
//!
//! In: an array's grid as its sources are cut. Out: the length of a chunk along each axis. Never reads anything.

use xeng_kernels::{AxisChunks, Dim, Graph, NodeId, Op, Result, Tiling};

/// Chunks grow to this size, decoded, where those of the sources are smaller.
const GOOD_BYTES: usize = 4 << 20;
/// Chunks are cut down to this size where those of the sources are larger.
const MOST_BYTES: usize = 16 << 20;
/// As [`MOST_BYTES`], of the states that fold into the cells of a reduction: cutting those makes chunks be read again.
const MOST_STATE_BYTES: usize = 32 << 20;

/// The shape of a chunk of `nodes`, which have the same dims; at least 1 along each axis.
///
/// # Errors
/// [`xeng_kernels::KernelError::Malformed`] for a graph that refers to missing nodes.
pub(super) fn chunk_of(graph: &Graph, tiling: &Tiling, nodes: &[NodeId]) -> Result<Vec<usize>> {
    let Some(&first) = nodes.first() else { return Ok(vec![]) };
    let node = graph.node(first)?;
    let (mut cell_bytes, mut most, mut grouped) = (0, MOST_BYTES, None);
    for &id in nodes {
        let node = graph.node(id)?;
        cell_bytes += match &node.op {
            Op::Reduce { input, reduction, groups, .. } => {
                (most, grouped) = (MOST_STATE_BYTES, groups.as_ref().map(|g| g.dim.name.clone()));
                reduction.fields(graph.node(*input)?.dtype).iter().map(|f| f.dtype.size()).sum::<usize>()
            }
            _ => node.dtype.size(),
        };
    }
    // Groups that do not follow one another are made in one piece.
    let is_fixed = |(axis, d): (&AxisChunks, &Dim)| grouped.as_ref() == Some(&d.name) && axis.count() <= 1;
    let fixed: Vec<bool> = tiling.grid(first).iter().zip(&node.dims).map(is_fixed).collect();
    let mut chunk: Vec<usize> = tiling.grid(first).iter().zip(&node.dims).map(|(axis, d)| usual(axis).clamp(1, d.len.max(1))).collect();
    for (length, dim) in chunk.iter_mut().zip(&node.dims).zip(&fixed).filter(|(_, fixed)| **fixed).map(|(of, _)| of) {
        *length = dim.len.max(1);
    }
    let bytes = |chunk: &[usize]| chunk.iter().fold(cell_bytes.max(1), |bytes, &n| bytes.saturating_mul(n));
    for i in (0..chunk.len()).rev().filter(|&i| !fixed[i]) {
        let factor = (GOOD_BYTES / bytes(&chunk).max(1)).max(1);
        chunk[i] = chunk[i].saturating_mul(factor).min(node.dims[i].len.max(1));
    }
    for i in (0..chunk.len()).filter(|&i| !fixed[i]) {
        let over = bytes(&chunk).div_ceil(most);
        chunk[i] = (chunk[i] / over.max(1)).max(1);
    }
    Ok(chunk)
}

/// The length that most indices of an axis are cut by.
fn usual(axis: &AxisChunks) -> usize {
    axis.runs().max_by_key(|&(count, length)| (count.saturating_mul(length), length)).map_or(1, |(_, length)| length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_kernels::graph::Groups;
    use xeng_kernels::{DType, Reduction};

    fn scan(shape: [usize; 3], grid: [AxisChunks; 3]) -> (Graph, Tiling, NodeId) {
        let mut graph = Graph::new();
        let dims = ["t", "y", "x"].iter().zip(shape).map(|(name, len)| Dim::new(name, len)).collect();
        let scan = graph.scan(0, dims, DType::F32);
        let tiling = Tiling::of(&graph, &[&grid]).unwrap();
        (graph, tiling, scan)
    }

    #[test]
    fn chunks_follow_the_sources() {
        let uniform = |shape: [usize; 3], chunk: [usize; 3]| {
            let (graph, tiling, scan) = scan(shape, std::array::from_fn(|i| AxisChunks::uniform(shape[i], chunk[i])));
            chunk_of(&graph, &tiling, &[scan]).unwrap()
        };
        assert_eq!(uniform([1440, 361, 720], [24, 181, 360]), [24, 181, 360], "as they are, at 6 MiB");
        assert_eq!(uniform([1440, 361, 720], [1, 361, 720]), [4, 361, 720], "four of 1 MiB");
        assert_eq!(uniform([8760, 721, 1440], [8760, 721, 1440]), [4, 721, 1440], "one huge chunk is cut along its first axis");
        assert_eq!(uniform([3, 2, 2], [3, 2, 2]), [3, 2, 2]);
        assert_eq!(uniform([0, 2, 2], [1, 2, 2]), [1, 2, 2]);
    }

    #[test]
    fn months_of_days_are_cut_by_days() {
        let months = [31usize, 28, 31].iter().fold(AxisChunks::default(), |all, days| all.concat(&AxisChunks::uniform(days * 24, 24)));
        let (graph, tiling, scan) = scan([90 * 24, 181, 360], [months, AxisChunks::uniform(181, 181), AxisChunks::uniform(360, 360)]);
        assert_eq!(chunk_of(&graph, &tiling, &[scan]).unwrap(), [24, 181, 360]);
    }

    #[test]
    fn groups_are_whole() {
        let (mut graph, _, scan) = scan([1000, 400, 800], std::array::from_fn(|_| AxisChunks::default()));
        let codes = (0..1000).map(|t| t % 12).collect::<Vec<_>>();
        let groups = Groups { axis: 0, codes: codes.into(), dim: Dim::new("month", 12) };
        let op = Op::Reduce { input: scan, reduction: Reduction::Mean { skipna: true }, axes: vec![], groups: Some(groups) };
        let mean = graph.push(op).unwrap();
        let grid = [AxisChunks::uniform(1000, 10), AxisChunks::uniform(400, 400), AxisChunks::uniform(800, 800)];
        let tiling = Tiling::of(&graph, &[&grid]).unwrap();
        let chunk = chunk_of(&graph, &tiling, &[mean]).unwrap();
        assert_eq!((chunk[0], chunk[2]), (12, 800));
        assert!(12 * 16 * chunk[1] * 800 <= MOST_STATE_BYTES && chunk[1] > 100, "{chunk:?}");
    }
}
