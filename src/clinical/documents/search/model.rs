//! The search on the wire.

use kernel::ids::PatientId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::documents::model::{Category, Document, DocumentKind};

/// What to look for.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentSearch {
    /// Words, "phrases", -excluded, begin*.
    #[param(example = "pneumonia")]
    pub q: String,
    pub patient_id: Option<PatientId>,
    pub category: Option<Category>,
    pub kind: Option<DocumentKind>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A document that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DocumentHit {
    pub document: Document,
    /// Where the words stand, marked with `<mark>`; everything else in it is escaped for HTML.
    #[schema(example = "signs of <mark>pneumonia</mark> in the left lung")]
    pub snippet: String,
    /// The higher the better.
    pub rank: f32,
}
