//! What a seal holds of each of its records: the id and the first bytes of the leaf, in the order of the ids.
//!
//! The root tells that something differs; the manifest tells which record. Eight bytes of a leaf are enough to name a
//! difference, because the root beside them is whole.

use std::cmp::Ordering;

use uuid::Uuid;

use super::merkle::Hash;

const ID: usize = 16;
const ENTRY: usize = ID + 8;

/// Adds a record. Records are added in the order of their ids.
pub fn add(manifest: &mut Vec<u8>, id: Uuid, leaf: &Hash) {
    manifest.extend_from_slice(id.as_bytes());
    manifest.extend_from_slice(&leaf[..ENTRY - ID]);
}

/// How many records it holds.
pub fn len(manifest: &[u8]) -> usize {
    manifest.len() / ENTRY
}

/// The id of the first record.
pub fn first(manifest: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(manifest.get(..ID)?).ok()
}

/// The id of the last record.
pub fn last(manifest: &[u8]) -> Option<Uuid> {
    manifest.chunks_exact(ENTRY).next_back().and_then(first)
}

/// One record that is not as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    Changed(Uuid),
    Removed(Uuid),
    Inserted(Uuid),
}

/// What differs between what was sealed and what is there now. Both in the order of the ids.
pub fn differences(manifest: &[u8], found: &[(Uuid, Hash)]) -> Vec<Difference> {
    let mut sealed = manifest
        .chunks_exact(ENTRY)
        .map(|entry| entry.split_at(ID))
        .peekable();
    let mut found = found.iter().peekable();
    let mut differences = Vec::new();
    loop {
        let order = match (sealed.peek(), found.peek()) {
            (None, None) => return differences,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((id, _)), Some((other, _))) => (*id).cmp(other.as_bytes().as_slice()),
        };
        let before = if order.is_le() { sealed.next() } else { None };
        let now = if order.is_ge() { found.next() } else { None };
        match (before, now) {
            (Some((_, prefix)), Some((id, leaf))) if !leaf.starts_with(prefix) => {
                differences.push(Difference::Changed(*id));
            }
            (Some((id, _)), None) => {
                differences.push(Difference::Removed(
                    Uuid::from_slice(id).unwrap_or_default(),
                ));
            }
            (None, Some((id, _))) => differences.push(Difference::Inserted(*id)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::leaf;

    fn records(of: &[(u128, &str)]) -> Vec<(Uuid, Hash)> {
        of.iter()
            .map(|(id, text)| (Uuid::from_u128(*id), leaf(&[text.as_bytes()])))
            .collect()
    }

    fn manifest(of: &[(u128, &str)]) -> Vec<u8> {
        let mut manifest = Vec::new();
        for (id, leaf) in records(of) {
            add(&mut manifest, id, &leaf);
        }
        manifest
    }

    #[test]
    fn what_is_as_it_was_sealed_differs_in_nothing() {
        let all = [(1, "a"), (2, "b"), (3, "c")];
        assert_eq!(differences(&manifest(&all), &records(&all)), []);
        assert_eq!(differences(&[], &[]), []);
        assert_eq!(len(&manifest(&all)), 3);
    }

    #[test]
    fn each_difference_is_named() {
        let sealed = manifest(&[(2, "b"), (3, "c"), (5, "e"), (9, "i")]);
        let found = records(&[(1, "a"), (2, "b"), (3, "C"), (6, "f"), (9, "i"), (10, "j")]);
        let id = Uuid::from_u128;
        assert_eq!(
            differences(&sealed, &found),
            [
                Difference::Inserted(id(1)),
                Difference::Changed(id(3)),
                Difference::Removed(id(5)),
                Difference::Inserted(id(6)),
                Difference::Inserted(id(10)),
            ]
        );
    }

    #[test]
    fn a_second_record_with_a_sealed_id_is_inserted() {
        let sealed = manifest(&[(1, "a"), (2, "b")]);
        let found = records(&[(1, "a"), (1, "x"), (2, "b")]);
        assert_eq!(
            differences(&sealed, &found),
            [Difference::Inserted(Uuid::from_u128(1))]
        );
    }

    #[test]
    fn everything_can_be_gone() {
        let sealed = manifest(&[(1, "a"), (2, "b")]);
        let gone = [1, 2].map(|id| Difference::Removed(Uuid::from_u128(id)));
        assert_eq!(differences(&sealed, &[]), gone);
    }
}
