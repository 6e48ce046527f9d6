//! Access records of the demo's making: nobody's chart comes to be without one.

use std::borrow::Cow;

use kernel::clock::Instant;
use kernel::ids::{PatientId, RequestId, TenantId, mint};
use platform::App;
use platform::access::Purpose;
use platform::audit::{AccessRecord, Action, Outcome};

/// A record of each chart the system has filled, keyed.
pub fn of_created(
    app: &App,
    tenant: TenantId,
    patients: &[PatientId],
    now: Instant,
) -> Vec<AccessRecord> {
    let run = RequestId::new();
    patients
        .iter()
        .map(|patient| record(app, tenant, run, *patient, now))
        .collect()
}

fn record(
    app: &App,
    tenant: TenantId,
    run: RequestId,
    patient: PatientId,
    now: Instant,
) -> AccessRecord {
    let mut record = AccessRecord {
        tenant_id: tenant.0,
        at: now,
        id: mint(),
        user_id: None,
        session_id: None,
        patient_id: Some(patient.0),
        resource_id: Some(patient.0),
        request_id: run.0,
        break_glass: false,
        role: Cow::Borrowed("system"),
        resource: Cow::Borrowed("patient"),
        action: Cow::Borrowed(Action::Create.as_str()),
        outcome: Cow::Borrowed(Outcome::Success.as_str()),
        purpose: Cow::Borrowed(Purpose::Operations.as_str()),
        method: Cow::Borrowed("CLI"),
        route: Cow::Borrowed("dev"),
        address: Cow::Borrowed("local"),
        user_agent: Cow::Borrowed(""),
        shown: None,
        shown_resources: None,
        mac: Vec::new(),
    };
    record.mac = app.keys.record_mac(&record.fingerprint()).to_vec();
    record
}
