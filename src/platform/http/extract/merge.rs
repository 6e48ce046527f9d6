//! Merge patches (RFC 7396) on JSON text: what a patch does not name keeps the letters it was written with, `7.50` its zero.
//!
//! Trap: [`serde_json::Value`] has doubles, so nothing goes through it here. How deep a text goes is looked at before it comes here.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON text, taken apart as far as a patch can reach: objects by their members, anything else whole.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Object(BTreeMap<String, Node>),
    Whole(Box<RawValue>),
}

impl Node {
    /// Of a JSON text.
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        if !text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map(Self::Whole);
        }
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)?;
        members
            .into_iter()
            .map(|(name, member)| Ok((name, Self::read(member.get())?)))
            .collect::<serde_json::Result<_>>()
            .map(Self::Object)
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Whole(text) if text.get() == "null")
    }

    /// Lays a patch over it: `null` takes a member away.
    pub(super) fn merge(&mut self, patch: &Self) {
        let Self::Object(changes) = patch else {
            self.clone_from(patch);
            return;
        };
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(BTreeMap::new());
        }
        if let Self::Object(members) = self {
            for (name, change) in changes {
                if change.is_null() {
                    members.remove(name);
                } else {
                    let member = members.entry(name.clone());
                    member
                        .or_insert_with(|| Self::Object(BTreeMap::new()))
                        .merge(change);
                }
            }
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(members) => members.serialize(serializer),
            Self::Whole(text) => text.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_as_the_standard_has_it() {
        // The examples of RFC 7396, and numbers as they were written.
        for (before, patch, after) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b",null]}"#, r#"{"a":["b",null]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (
                r#"{"v":7.50,"w":[1.0]}"#,
                r#"{"x": 98.60}"#,
                r#"{"v":7.50,"w":[1.0],"x":98.60}"#,
            ),
        ] {
            let mut state = Node::read(before).expect("JSON");
            state.merge(&Node::read(patch).expect("JSON"));
            let text = serde_json::to_string(&state).expect("JSON");
            assert_eq!(text, after, "{before} with {patch}");
        }
    }
}
