//! Access records of an import: one for each patient whose chart a transaction fills or changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kernel::clock::Instant;
use kernel::ids::{PatientId, RequestId, TenantId, mint};
use platform::App;
use platform::access::Purpose;
use platform::audit::{AccessRecord, Action, Outcome};

/// The patients a transaction touches. Who is created in it is not noted as changed too.
#[derive(Debug, Default)]
pub(super) struct Touched(BTreeMap<PatientId, Action>);

impl Touched {
    pub(super) fn create(&mut self, patient: PatientId) {
        self.0.insert(patient, Action::Create);
    }

    pub(super) fn update(&mut self, patient: PatientId) {
        self.0.entry(patient).or_insert(Action::Update);
    }

    /// The records, keyed.
    pub(super) fn records(
        &self,
        app: &App,
        tenant: TenantId,
        run: RequestId,
        now: Instant,
    ) -> Vec<AccessRecord> {
        self.0
            .iter()
            .map(|(patient, action)| record(app, tenant, run, *patient, *action, now))
            .collect()
    }
}

fn record(
    app: &App,
    tenant: TenantId,
    run: RequestId,
    patient: PatientId,
    action: Action,
    now: Instant,
) -> AccessRecord {
    let mut record = AccessRecord {
        tenant_id: tenant.0,
        at: now,
        id: mint(),
        user_id: None,
        session_id: None,
        patient_id: Some(patient.0),
        resource_id: None,
        request_id: run.0,
        break_glass: false,
        role: Cow::Borrowed("system"),
        resource: Cow::Borrowed("import"),
        action: Cow::Borrowed(action.as_str()),
        outcome: Cow::Borrowed(Outcome::Success.as_str()),
        purpose: Cow::Borrowed(Purpose::Operations.as_str()),
        method: Cow::Borrowed("CLI"),
        route: Cow::Borrowed("import fhir"),
        address: Cow::Borrowed("local"),
        user_agent: Cow::Borrowed(""),
        shown: None,
        shown_resources: None,
        mac: Vec::new(),
    };
    record.mac = app.keys.record_mac(&record.fingerprint()).to_vec();
    record
}
