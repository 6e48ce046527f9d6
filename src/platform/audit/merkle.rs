//! A Merkle tree hash as RFC 6962 defines it, made leaf by leaf.
//!
//! Leaves and nodes are hashed with different first bytes, so that no node can be passed off as a leaf. Only the peaks
//! of the finished subtrees are kept: memory grows with the logarithm of the number of leaves.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The hash of one leaf: `SHA-256(0x00 | data)`, the data given in parts.
pub fn leaf(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// A tree that grows to the right.
#[derive(Debug, Default)]
pub struct Tree {
    /// Complete subtrees from left to right, with their heights, which only ever fall.
    peaks: Vec<(u32, Hash)>,
}

impl Tree {
    pub fn push(&mut self, leaf: Hash) {
        let (mut height, mut hash) = (0, leaf);
        while let Some((_, left)) = self.peaks.pop_if(|(beside, _)| *beside == height) {
            hash = node(&left, &hash);
            height += 1;
        }
        self.peaks.push((height, hash));
    }

    /// The hash of the whole tree; of no leaves, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().map(|(_, hash)| *hash);
        match peaks.next() {
            Some(last) => peaks.fold(last, |right, left| node(&left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];

    /// The roots of the first n inputs, as the reference implementation of RFC 6962 publishes them.
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// The definition in the RFC, word for word: split at the largest power of two below n.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [only] => *only,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(
                    &by_definition(&leaves[..split]),
                    &by_definition(&leaves[split..]),
                )
            }
        }
    }

    #[test]
    fn roots_agree_with_the_reference() {
        let mut tree = Tree::default();
        assert_eq!(hex::encode(tree.root()), ROOTS[0]);
        for (input, root) in INPUTS.iter().zip(&ROOTS[1..]) {
            tree.push(leaf(&[input]));
            assert_eq!(hex::encode(tree.root()), *root);
        }
    }

    #[test]
    fn growing_gives_what_the_definition_gives() {
        let leaves: Vec<Hash> = (0..200_u32).map(|n| leaf(&[&n.to_be_bytes()])).collect();
        let mut tree = Tree::default();
        for (n, one) in leaves.iter().enumerate() {
            tree.push(*one);
            assert_eq!(
                tree.root(),
                by_definition(&leaves[..=n]),
                "{} leaves",
                n + 1
            );
        }
    }

    #[test]
    fn another_order_is_another_root() {
        let root = |leaves: [&[u8]; 3]| {
            let mut tree = Tree::default();
            for data in leaves {
                tree.push(leaf(&[data]));
            }
            tree.root()
        };
        assert_ne!(root([b"a", b"b", b"c"]), root([b"b", b"a", b"c"]));
        assert_ne!(root([b"a", b"b", b"c"]), root([b"a", b"b", b"b"]));
    }
}
