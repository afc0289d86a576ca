//! Rendezvous hashing: which of the live nodes a key belongs to.
//!
//! In: a key, the nodes' names. Out: the node of the highest weight. Never moves a key between two nodes that both stay: a node that comes or
//! goes moves its own keys only, so that the same chunks meet the same cache.
//!
//! Source: Thaler and Ravishankar, Using name-based mappings to increase hit rates, doi:10.1109/90.663936.

/// A hash of bytes that is the same on every machine and in every version: FNV-1a, mixed.
pub fn hash(bytes: &[u8]) -> u64 {
    mixed(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
}

/// A hash of one more number.
pub fn hash_with(seed: u64, number: u64) -> u64 {
    mixed(seed.rotate_left(23) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// How much a node wants a key.
pub fn weight(key: u64, node: u64) -> u64 {
    mixed(key ^ node.rotate_left(32))
}

/// The final step of splitmix64: each bit of the input changes half of the output's.
pub(super) fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn best(key: u64, nodes: &[u64]) -> u64 {
        *nodes.iter().max_by_key(|&&n| (weight(key, n), n)).unwrap()
    }

    #[test]
    fn only_the_keys_of_a_node_that_goes_move_and_shares_are_even() {
        let nodes: Vec<u64> = (0..12u64).map(|n| hash(format!("http://10.0.0.{n}:7070").as_bytes())).collect();
        let keys: Vec<u64> = (0..12_000).map(|k| hash_with(7, k)).collect();
        let before: Vec<u64> = keys.iter().map(|&k| best(k, &nodes)).collect();
        for (key, owner) in keys.iter().zip(&before) {
            if *owner != nodes[3] {
                let left: Vec<u64> = nodes.iter().copied().filter(|n| *n != nodes[3]).collect();
                assert_eq!(best(*key, &left), *owner);
            }
        }
        for node in &nodes {
            let count = before.iter().filter(|o| *o == node).count();
            assert!((850..1150).contains(&count), "{count} of 12000 keys for one of 12 nodes");
        }
    }

    #[test]
    fn hashes_are_the_same_everywhere() {
        assert_eq!((hash(b""), hash(b"a")), (mixed(0xcbf2_9ce4_8422_2325), mixed(0xaf63_dc4c_8601_ec8c)));
        assert_ne!(hash_with(1, 2), hash_with(2, 1));
    }
}
