//! What a piece of work is about to tell its caller, and about whom.
//!
//! A disclosure is not an answer: only committing or finishing the transaction turns it into one, and that writes the
//! access records. A body without health information says so by its type ([`NoPhi`]); every other body must name its
//! subjects.

use kernel::Page;
use kernel::ids::PatientId;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{Action, Subject};

/// Bodies that hold no health information. A type that holds any must never implement it.
pub trait NoPhi: Serialize {}

impl NoPhi for () {}
impl<T: NoPhi> NoPhi for Page<T> {}
impl<T: NoPhi> NoPhi for Vec<T> {}

/// Which success it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Ok,
    Created { location: String },
    NoContent,
}

/// What its `ETag` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The version, for `If-Match`.
    Version(i64),
    /// What tells the body from another.
    Content,
}

/// A body, and whose information it is.
#[derive(Debug)]
pub struct Disclosure<T> {
    pub(crate) body: T,
    pub(crate) resource: &'static str,
    pub(crate) action: Action,
    pub(crate) subjects: Vec<Subject>,
    /// Subjects of other kinds.
    pub(crate) also: Vec<(&'static str, Subject)>,
    /// Whom nothing was done for: refused, while others were not.
    pub(crate) refused: Vec<Subject>,
    pub(crate) form: Form,
    pub(crate) tag: Option<Tag>,
}

impl<T: Serialize> Disclosure<T> {
    /// One resource of one patient.
    ///
    /// `resource` is its kind in the access log (`patient`, `encounter`, …).
    pub fn of(
        resource: &'static str,
        action: Action,
        patient: PatientId,
        id: impl Into<Uuid>,
        body: T,
    ) -> Self {
        let subject = Subject {
            patient: Some(patient),
            resource: Some(id.into()),
        };
        Self {
            body,
            resource,
            action,
            subjects: vec![subject],
            also: Vec::new(),
            refused: Vec::new(),
            form: Form::Ok,
            tag: None,
        }
    }

    /// A list: every patient in it, each with the row shown. An empty list still records that somebody looked.
    pub fn list(
        resource: &'static str,
        subjects: impl IntoIterator<Item = Subject>,
        body: T,
    ) -> Self {
        Self::shown(resource, Action::Search, subjects, body)
    }

    /// A list of several kinds, each row with its own; an empty one records that somebody looked for `usually`.
    pub fn mixed_list(
        usually: &'static str,
        subjects: impl IntoIterator<Item = (&'static str, Subject)>,
        body: T,
    ) -> Self {
        let mut also: Vec<(&'static str, Subject)> = subjects.into_iter().collect();
        if also.is_empty() {
            return Self::list(usually, [], body);
        }
        let (resource, first) = also.remove(0);
        let mut disclosure = Self::list(resource, [first], body);
        disclosure.also = also;
        disclosure
    }

    /// Several resources, touched in one way.
    pub fn shown(
        resource: &'static str,
        action: Action,
        subjects: impl IntoIterator<Item = Subject>,
        body: T,
    ) -> Self {
        let mut subjects: Vec<Subject> = subjects.into_iter().collect();
        if subjects.is_empty() {
            subjects.push(Subject {
                patient: None,
                resource: None,
            });
        }
        Self {
            body,
            resource,
            action,
            subjects,
            also: Vec::new(),
            refused: Vec::new(),
            form: Form::Ok,
            tag: None,
        }
    }

    /// Answers `201` with the place of the new resource.
    #[must_use]
    pub fn created_at(mut self, location: String) -> Self {
        self.form = Form::Created { location };
        self
    }

    /// Says who was reached for and refused, where the others were not: on record as refusals are.
    #[must_use]
    pub fn refusing(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.refused = subjects.into_iter().collect();
        self
    }

    /// Answers with the version as `ETag`.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.tag = Some(Tag::Version(version));
        self
    }

    /// Answers with an `ETag` that tells the body from another: for what is put together from several resources, whose versions
    /// change apart. It is none for `If-Match`.
    #[must_use]
    pub fn tagged_by_content(mut self) -> Self {
        self.tag = Some(Tag::Content);
        self
    }

    /// Answers `204`.
    #[must_use]
    pub fn without_body(mut self) -> Self {
        self.form = Form::NoContent;
        self
    }
}

impl<T: NoPhi> Disclosure<T> {
    /// A body with no health information: leaves no access record.
    pub fn plain(body: T) -> Self {
        Self {
            body,
            resource: "",
            action: Action::Read,
            subjects: Vec::new(),
            also: Vec::new(),
            refused: Vec::new(),
            form: Form::Ok,
            tag: None,
        }
    }
}

impl Disclosure<()> {
    /// Done; nothing to show, nobody concerned.
    pub fn done() -> Self {
        Self::plain(()).without_body()
    }
}
