//! HTTP manners: what a request is made of, how an answer and a problem look, pages, versions, repeats, limits.

mod answer;
mod cursor;
mod download;
mod envelope;
mod extract;
mod idempotency;
mod info;
mod limits;
mod needed;
pub mod openapi;
mod origins;
mod page;
mod peer;
mod problem;
mod refusal;

pub use answer::Answer;
pub use cursor::Paging;
pub use download::{Download, FileContent, MadeContent, RangeHeader};
pub use envelope::{envelope, method_not_allowed, not_found};
pub use extract::{
    FileForm, FilePart, IfMatch, Json, MergePatch, NoBody, NoQuery, Path, Query, Streamed, is_day,
    is_in_range, is_instant, part, require_order,
};
pub use idempotency::IdempotencyKey;
pub use info::RequestInfo;
pub use limits::{LARGE_BODY, Limits, Rates};
pub use needed::Needed;
pub use origins::{Origins, cross_origin, origin};
pub use page::Page;
pub use problem::{Problem, ProblemDocument, problem_document};

/// What a handler returns.
pub type Reply<T> = Result<Answer<T>, Problem>;
