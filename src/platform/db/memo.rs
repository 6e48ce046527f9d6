//! What a transaction has looked up already and need not ask the database again.
//!
//! A feature keeps a type of its own here, private to it, and what it holds ends with the transaction: so nobody has to be told
//! when the facts change, and what one caller may see is never shown to another.
//!
//! Trap: other transactions go on. Only what may be some statements old belongs here, and nothing this one writes itself.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

#[derive(Default)]
pub(super) struct Memo(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Memo {
    /// The one of this type, made empty when it is first wanted.
    pub(super) fn of<T: Default + Any + Send + Sync>(&mut self) -> &mut T {
        let slot = self
            .0
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::<T>::default());
        slot.downcast_mut()
            .expect("each slot holds the type it is named after")
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo({} kinds)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_slot_of_its_own() {
        let mut memo = Memo::default();
        memo.of::<Vec<u8>>().push(1);
        memo.of::<Vec<char>>().push('a');
        assert_eq!(memo.of::<Vec<u8>>(), &[1]);
        assert_eq!(memo.of::<Vec<char>>(), &['a']);
    }
}
