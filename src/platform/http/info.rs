//! What is known of a request besides its body, and what became of it on the way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::Method;
use kernel::ids::{PatientId, RequestId};
use kernel::{Code, Error, Result};

use super::limits::{Left, Taken};
use super::peer::Peer;
use crate::access::{Permission, Principal, Purpose};
use crate::audit::Subject;

/// One request, as logs and records name it.
#[derive(Debug)]
pub struct RequestInfo {
    pub id: RequestId,
    pub method: Method,
    /// The route's template, never the path: a path holds ids.
    pub route: Arc<str>,
    /// What the path names.
    pub(crate) named: Subject,
    pub address: Box<str>,
    /// What limits count the address as.
    pub network: Box<str>,
    pub user_agent: Box<str>,
    /// From `X-Purpose-Of-Use`.
    pub purpose: Option<Purpose>,
    pub(crate) caller: OnceLock<Arc<Principal>>,
    /// What the document says the operation needs.
    pub(crate) declared: OnceLock<Permission>,
    permission: OnceLock<Permission>,
    concerned: OnceLock<Subject>,
    /// The patients whom its body or its parameters name.
    asked_about: Mutex<BTreeSet<PatientId>>,
    left: Mutex<Option<Left>>,
    receipt: AtomicBool,
    /// Seconds the work may take where that is more than others get.
    patience: AtomicU64,
}

impl RequestInfo {
    pub(crate) fn new(
        id: RequestId,
        method: Method,
        route: Arc<str>,
        named: Subject,
        peer: Peer,
        user_agent: &str,
        purpose: Option<Purpose>,
    ) -> Self {
        Self {
            id,
            method,
            route,
            named,
            address: peer.address().into(),
            network: peer.network().into(),
            user_agent: clean(user_agent, 120),
            purpose,
            caller: OnceLock::new(),
            declared: OnceLock::new(),
            permission: OnceLock::new(),
            concerned: OnceLock::new(),
            asked_about: Mutex::default(),
            left: Mutex::default(),
            receipt: AtomicBool::new(false),
            patience: AtomicU64::new(0),
        }
    }

    /// Counts the request against a limit; its answer tells of the tightest that it was counted against.
    ///
    /// # Errors
    /// `rate_limited` when the limit is used up.
    pub fn count(&self, taken: Taken) -> Result<()> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = Some(left.map_or(taken.left, |before| before.tighter(taken.left)));
        match taken.wait {
            None => Ok(()),
            Some(wait) => Err(Error::new(Code::RateLimited).retry_after(wait.as_secs().max(1))),
        }
    }

    /// The tightest limit the request was counted against.
    pub(crate) fn left(&self) -> Option<Left> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The method by a name from a short list: anybody can make up another, and labels of metrics must not.
    pub fn method_name(&self) -> &'static str {
        match self.method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        }
    }

    /// Gives the request longer than others have: its body is streamed.
    pub(crate) fn allow(&self, patience: Duration) {
        self.patience.store(patience.as_secs(), Ordering::Relaxed);
    }

    /// How long the request may take, where that was said.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience.load(Ordering::Relaxed))
    }

    /// The first permission asked for names the operation.
    pub(crate) fn note_permission(&self, permission: Permission) {
        let _ = self.permission.set(permission);
    }

    /// What was asked for, or would have been: a request may fail before its work begins.
    pub(crate) fn permission(&self) -> Option<Permission> {
        self.permission.get().or(self.declared.get()).copied()
    }

    /// Whether the operation's work has begun: a transaction was opened, so a refusal may tell of what it saw.
    pub(crate) fn has_begun(&self) -> bool {
        self.permission.get().is_some()
    }

    /// The first thing that the work found itself to be about.
    pub(crate) fn note_concerned(&self, subject: Subject) {
        let _ = self.concerned.set(subject);
    }

    /// Whom the request is about: what the work found, else what the path names.
    pub(crate) fn concerned(&self) -> Subject {
        self.concerned.get().copied().unwrap_or(self.named)
    }

    /// Patients whom the body or the parameters name.
    pub(crate) fn note_asked_about(&self, patients: impl IntoIterator<Item = PatientId>) {
        let asked = self.asked_about.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        asked.extend(patients);
    }

    /// The patients whom the body or the parameters name.
    pub(crate) fn asked_about(&self) -> Vec<Subject> {
        let asked = self.asked_about.lock();
        let asked = asked.unwrap_or_else(PoisonError::into_inner);
        asked
            .iter()
            .map(|patient| Subject {
                patient: Some(*patient),
                resource: None,
            })
            .collect()
    }

    pub(crate) fn note_receipt(&self) {
        self.receipt.store(true, Ordering::Relaxed);
    }

    /// Whether the access records of this request are durable.
    pub(crate) fn has_receipt(&self) -> bool {
        self.receipt.load(Ordering::Relaxed)
    }
}

/// Printable and short: it goes into every access record.
fn clean(text: &str, most: usize) -> Box<str> {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}
