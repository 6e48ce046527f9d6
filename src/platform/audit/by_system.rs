//! Access records of what the server does by itself, or for somebody who has no account with it.

use std::borrow::Cow;

use kernel::clock::Instant;
use kernel::ids::{RequestId, TenantId, mint};

use super::{AccessRecord, Action, Outcome, Subject};
use crate::access::Purpose;
use crate::app::App;
use crate::http::RequestInfo;

/// On what occasion: a request without a login, or a job.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    Request(&'a RequestInfo),
    /// The job's kind.
    Job(&'a str),
}

/// The record of one access by the system, keyed.
pub fn by_system(
    app: &App,
    tenant: TenantId,
    on: Occasion<'_>,
    resource: &'static str,
    action: Action,
    subject: Subject,
    now: Instant,
) -> AccessRecord {
    let text = |text: &str| Cow::Owned(text.to_owned());
    let (request, method, route, address, user_agent) = match on {
        Occasion::Request(info) => (
            info.id,
            Cow::Borrowed(info.method_name()),
            text(&info.route),
            text(&info.address),
            text(&info.user_agent),
        ),
        Occasion::Job(kind) => (
            RequestId::new(),
            Cow::Borrowed("JOB"),
            text(kind),
            Cow::Borrowed("local"),
            Cow::Borrowed(""),
        ),
    };
    let mut record = AccessRecord {
        tenant_id: tenant.0,
        at: now,
        id: mint(),
        user_id: None,
        session_id: None,
        patient_id: subject.patient.map(Into::into),
        resource_id: subject.resource,
        request_id: request.0,
        break_glass: false,
        role: Cow::Borrowed("system"),
        resource: Cow::Borrowed(resource),
        action: Cow::Borrowed(action.as_str()),
        outcome: Cow::Borrowed(Outcome::Success.as_str()),
        purpose: Cow::Borrowed(Purpose::Operations.as_str()),
        method,
        route,
        address,
        user_agent,
        shown: None,
        shown_resources: None,
        mac: Vec::new(),
    };
    record.mac = app.keys.record_mac(&record.fingerprint()).to_vec();
    record
}
