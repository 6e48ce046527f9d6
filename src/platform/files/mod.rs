//! Files: bytes too many for a row, sealed before they leave the process and kept in an object store.
//!
//! Knows no feature. An object has a name (tenant and id), a key of its own that its owner keeps (sealed with the tenant's
//! key), and is written once. Writing and reading hold a few segments in memory, however large the object is.
//!
//! Invariants: what lies in the store is unreadable without the row that holds the key; an object that was cut, reordered,
//! swapped or altered does not open; a child process that handles hostile content has no secrets and hard limits.
//!
//! Traps: an object is written before the transaction that names it commits, so whoever writes notes its name first, where a
//! sweeper finds it if the commit never comes. A multipart upload to S3 that dies with the process leaves its parts to the
//! bucket's lifecycle rule.

mod clamd;
mod isolated;
mod objects;
mod sealed;
mod sniff;
mod spool;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use kernel::Result;
use tokio::sync::Notify;

pub use clamd::{Clamd, ClamdAddress};
pub use isolated::{Isolated, Outcome};
pub use objects::{Content, ObjectName, Objects, S3, Written};
pub use sealed::{CHUNK, ObjectKey};
pub use sniff::{Mismatch, check_type, is_text, shown_inline};
pub use spool::{Spool, Spooled};

/// Content as it is read: pieces, in order.
pub type Pieces<'a> = BoxStream<'a, Result<Bytes>>;

/// Says whether content is harmful.
pub trait Scanner: Send + Sync + std::fmt::Debug {
    /// Reads the content to its end, or as far as it needs to know. An error means it is not known, and may be tried again.
    fn scan<'a>(&'a self, content: Pieces<'a>) -> BoxFuture<'a, Result<Finding>>;
}

/// What a scanner found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Clean,
    /// The name of what it found.
    Infected(String),
}

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// The largest file, in bytes.
    pub largest: u64,
    /// What an account may send in a day (UTC), in bytes: one of the organisation's, and a patient's.
    pub daily: u64,
    pub daily_of_patient: u64,
    /// The longest an upload may take.
    pub upload_deadline: Duration,
    /// Whether content that no scanner has found clean stays in quarantine.
    pub require_scan: bool,
    /// The program that extracts text, called with `extract-text TYPE`; this program, unless said.
    pub extractor: Option<PathBuf>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            largest: 100 << 20,
            daily: 10_000 << 20,
            daily_of_patient: 300 << 20,
            upload_deadline: Duration::from_mins(15),
            require_scan: false,
            extractor: None,
        }
    }
}

/// The files of a server.
#[derive(Debug)]
pub struct Files {
    pub objects: Objects,
    pub scanner: Option<Arc<dyn Scanner>>,
    pub options: FileOptions,
    /// Wakes who scans.
    pub to_scan: Notify,
    /// Wakes who extracts texts.
    pub to_read: Notify,
}

impl Files {
    pub fn new(objects: Objects, scanner: Option<Arc<dyn Scanner>>, options: FileOptions) -> Self {
        Self {
            objects,
            scanner,
            options,
            to_scan: Notify::new(),
            to_read: Notify::new(),
        }
    }

    /// Wakes the work that follows an upload.
    pub fn note_arrival(&self) {
        self.to_scan.notify_one();
        self.to_read.notify_one();
    }

    /// Files that are gone with the process. For tests.
    pub fn in_memory() -> Self {
        Self::new(Objects::in_memory(), None, FileOptions::default())
    }
}
