//! Resources for the unit tests, made the way files make them.

use serde_json::Value;

use super::outline::outlines;
use super::report::Place;
use super::resource::Resource;

/// A resource that stands alone in its file.
pub(super) fn resource(value: &Value) -> Resource {
    bundle(value).remove(0)
}

/// The resources of a bundle, or of a document that is one.
pub(super) fn bundle(value: &Value) -> Vec<Resource> {
    let text = value.to_string();
    outlines(&text, Place::file(0), None)
        .into_iter()
        .map(|outline| outline.expect("an outline").read().expect("a resource"))
        .collect()
}
