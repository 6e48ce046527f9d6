//! The context of a request: who asks, when, why, and the machinery at hand.
//!
//! `ctx.begin(permission)` is the only way to the database for a request. It refuses, or opens a transaction bound to the
//! caller's tenant; ending that transaction writes the access records. The tenant comes from the verified token alone.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::clock::{Instant, Tz};
use kernel::ids::{RequestId, TenantId, UserId, mint};
use kernel::{Code, Error, Result};
use uuid::Uuid;

use super::{Disclosure, Effect, Permission, Principal, Purpose};
use crate::app::App;
use crate::audit::{AccessRecord, Action, Outcome, Subject, Subjects};
use crate::db::{CallerTx, Context, Glance, TenantTx};
use crate::http::{Answer, IdempotencyKey, RequestInfo};

/// Identity, transaction and clock of one request. Cheap to clone.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    OneSnapshot,
    ByKeys,
}

struct Inner {
    app: App,
    principal: Arc<Principal>,
    request: Arc<RequestInfo>,
    idempotency: Option<IdempotencyKey>,
    purpose: Purpose,
    now: Instant,
}

impl Ctx {
    pub(crate) fn new(
        app: App,
        principal: Arc<Principal>,
        request: Arc<RequestInfo>,
        idempotency: Option<IdempotencyKey>,
    ) -> Self {
        // One that is not his to claim is refused, and does not stand in the record of that either.
        let claimed = request.purpose;
        let claimed = claimed.filter(|one| Purpose::of(principal.role).contains(one));
        let purpose = claimed.unwrap_or(principal.default_purpose());
        let now = app.clock.now();
        Self(Arc::new(Inner {
            app,
            principal,
            request,
            idempotency,
            purpose,
            now,
        }))
    }

    /// Checks the permission and opens a transaction in the caller's tenant: read-only where the permission only reads.
    ///
    /// A repeated `Idempotency-Key` ends here, with the answer given before.
    pub async fn begin(&self, permission: Permission) -> Result<CallerTx> {
        self.begin_as(permission, Manner::Plain).await
    }

    /// As [`begin`](Self::begin) for work of many statements that all look things up by their keys: planning them anew each
    /// time costs more than doing them.
    pub async fn begin_by_keys(&self, permission: Permission) -> Result<CallerTx> {
        self.begin_as(permission, Manner::ByKeys).await
    }

    async fn begin_as(&self, permission: Permission, manner: Manner) -> Result<CallerTx> {
        let principal = &self.0.principal;
        let mut tx = self.open(permission, permission.effect(), manner).await?;
        if permission.effect() == Effect::Writes
            && let Some(key) = &self.0.idempotency
            && let Some((answer, patients)) = key.claim(&mut tx, principal.user, self.0.now).await?
        {
            drop(tx);
            let resource = permission.as_str().split('.').next().unwrap_or_default();
            let subjects = patients.into_iter().map(|patient| Subject {
                patient: Some(patient),
                resource: None,
            });
            let records = self.showing(Action::Read, subjects.map(|subject| (resource, subject)));
            self.0.app.access_log.write(records).await?;
            self.note_receipt();
            return Err(Error::replay(answer));
        }
        Ok(CallerTx::new(tx, self.clone(), permission))
    }

    /// As [`begin`](Self::begin) for work that reads a long body before it writes: the same check, and a look, before the
    /// body is read. Read-only, takes no `Idempotency-Key`, and ends by being dropped; the work itself begins afterwards.
    pub async fn look(&self, permission: Permission) -> Result<CallerTx> {
        let tx = self.open(permission, Effect::Reads, Manner::Plain).await?;
        Ok(CallerTx::new(tx, self.clone(), permission))
    }

    /// As [`begin`](Self::begin) for a read of several statements that must tell of one moment.
    pub async fn begin_snapshot(&self, permission: Permission) -> Result<CallerTx> {
        let tx = self
            .open(permission, Effect::Reads, Manner::OneSnapshot)
            .await?;
        Ok(CallerTx::new(tx, self.clone(), permission))
    }

    /// Refuses unless the caller has a further permission, one that depends on what he sent.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if permission.allows(self.0.principal.role) {
            Ok(())
        } else {
            Err(Error::new(Code::Forbidden))
        }
    }

    /// Says whom the work is about, where the path does not name the patient: a refusal from here on is recorded with him.
    pub fn concerning(&self, subject: Subject) {
        self.0.request.note_concerned(subject);
    }

    /// Checks the permission, which only reads, and looks at one row by its id: cheaper than a transaction, because rows that
    /// several ask for at once are asked for together. Ends with [`Glimpse::finish`].
    ///
    /// # Errors
    /// `not_found` if there is no such row, for this caller.
    pub async fn glance<G: Glance>(
        &self,
        permission: Permission,
        id: impl Into<Uuid>,
    ) -> Result<(G, Glimpse)> {
        let context = self.checked(permission)?;
        if permission.effect() == Effect::Writes {
            return Err(Error::internal("a glance only reads"));
        }
        let row = self.0.app.db.glance(&context, id.into()).await?;
        let glimpse = Glimpse {
            ctx: self.clone(),
            permission,
        };
        Ok((row.ok_or_else(Error::not_found)?, glimpse))
    }

    async fn open(
        &self,
        permission: Permission,
        effect: Effect,
        manner: Manner,
    ) -> Result<TenantTx> {
        let context = Context {
            one_snapshot: manner == Manner::OneSnapshot,
            kept_plans: manner == Manner::ByKeys,
            ..self.checked(permission)?
        };
        TenantTx::begin(&self.0.app.db, &context, effect).await
    }

    fn checked(&self, permission: Permission) -> Result<Context> {
        let principal = &self.0.principal;
        self.0.request.note_permission(permission);
        if !permission.allows(principal.role) {
            return Err(Error::new(Code::Forbidden));
        }
        Ok(Context {
            tenant: principal.tenant,
            user: Some(principal.user),
            role: principal.role.as_str(),
            scope: principal.scope,
            patient: principal.patient,
            request: Some(self.0.request.id),
            one_snapshot: false,
            kept_plans: false,
        })
    }

    pub fn app(&self) -> &App {
        &self.0.app
    }
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }
    pub fn tenant(&self) -> TenantId {
        self.0.principal.tenant
    }
    pub fn user(&self) -> UserId {
        self.0.principal.user
    }
    /// The organisation's time zone.
    pub fn zone(&self) -> Tz {
        self.0.principal.zone
    }
    /// The day it is there.
    pub fn today(&self) -> NaiveDate {
        self.0.now.with_timezone(&self.zone()).date_naive()
    }
    /// Whether the caller is a patient, who acts for himself and in nobody's office.
    pub fn acts_for_himself(&self) -> bool {
        self.0.principal.role == super::Role::Patient
    }
    pub fn request(&self) -> &RequestInfo {
        &self.0.request
    }
    pub fn request_id(&self) -> RequestId {
        self.0.request.id
    }

    /// The instant of the request: one for all it writes.
    pub fn now(&self) -> Instant {
        self.0.now
    }

    /// The same caller, whose idempotency key is bound to what was received since: a file is not held until its key is read.
    #[must_use]
    pub fn having_received(&self, content: &[&[u8]]) -> Self {
        let Some(key) = &self.0.idempotency else {
            return self.clone();
        };
        Self(Arc::new(Inner {
            app: self.0.app.clone(),
            principal: self.0.principal.clone(),
            request: self.0.request.clone(),
            idempotency: Some(key.bound_to(content)),
            purpose: self.0.purpose,
            now: self.0.now,
        }))
    }

    pub(crate) fn idempotency(&self) -> Option<&IdempotencyKey> {
        self.0.idempotency.as_ref()
    }

    pub(crate) fn note_receipt(&self) {
        self.0.request.note_receipt();
    }

    /// Waits until the access log holds who is shown what; only then is there an answer.
    pub(crate) async fn disclose<T: serde::Serialize>(
        &self,
        permission: Permission,
        disclosure: Disclosure<T>,
    ) -> Result<Answer<T>> {
        let (answer, subjects) = Answer::prepare(&disclosure)?;
        let records = self.records(permission, &disclosure, &subjects);
        self.0.app.access_log.write(records).await?;
        self.note_receipt();
        Ok(answer)
    }

    /// The access records of a disclosure.
    pub(crate) fn records<T>(
        &self,
        permission: Permission,
        disclosure: &Disclosure<T>,
        subjects: &[Subject],
    ) -> Vec<AccessRecord> {
        debug_assert!(
            subjects.is_empty() || permission.touches_phi(),
            "{} shows PHI",
            permission.as_str()
        );
        // An empty list tells of whom it was asked about that there is nothing.
        let asked = if *subjects == [Subject::default()] && disclosure.refused.is_empty() {
            self.0.request.asked_about()
        } else {
            Vec::new()
        };
        let subjects = if asked.is_empty() { subjects } else { &asked };
        let first = subjects
            .iter()
            .map(|subject| (disclosure.resource, *subject));
        let mut records = self.showing(
            disclosure.action,
            first.chain(disclosure.also.iter().copied()),
        );
        records.extend(self.refusing(permission, disclosure.action, &disclosure.refused));
        records
    }

    /// The access records of what is shown, each subject with its kind.
    pub(crate) fn showing(
        &self,
        action: Action,
        subjects: impl IntoIterator<Item = (&'static str, Subject)>,
    ) -> Vec<AccessRecord> {
        Subjects::gather(subjects)
            .iter()
            .map(|(resource, subjects)| self.record(resource, action, Outcome::Success, subjects))
            .collect()
    }

    /// The access records of a refusal, of whomever it tells.
    pub(crate) fn refusing(
        &self,
        permission: Permission,
        action: Action,
        subjects: &[Subject],
    ) -> Vec<AccessRecord> {
        let subjects = subjects
            .iter()
            .map(|subject| (permission.as_str(), *subject));
        Subjects::gather(subjects)
            .iter()
            .map(|(resource, subjects)| self.record(resource, action, Outcome::Refused, subjects))
            .collect()
    }

    /// One access record of this request.
    fn record(
        &self,
        resource: &'static str,
        action: Action,
        outcome: Outcome,
        subjects: &Subjects,
    ) -> AccessRecord {
        let Inner {
            app,
            principal,
            request,
            purpose,
            now,
            ..
        } = &*self.0;
        let record = AccessRecord {
            tenant_id: principal.tenant.0,
            at: *now,
            id: mint(),
            user_id: Some(principal.user.0),
            session_id: Some(principal.session.0),
            patient_id: None,
            resource_id: None,
            request_id: request.id.0,
            break_glass: false,
            role: Cow::Borrowed(principal.role.as_str()),
            resource: Cow::Borrowed(resource),
            action: Cow::Borrowed(action.as_str()),
            outcome: Cow::Borrowed(outcome.as_str()),
            purpose: Cow::Borrowed(purpose.as_str()),
            method: Cow::Borrowed(request.method_name()),
            route: Cow::Owned(request.route.to_string()),
            address: Cow::Owned(request.address.to_string()),
            user_agent: Cow::Owned(request.user_agent.to_string()),
            shown: None,
            shown_resources: None,
            mac: Vec::new(),
        };
        let mut record = subjects.noted_in(record);
        record.mac = app.keys.record_mac(&record.fingerprint()).to_vec();
        record
    }
}

/// A row was looked at and nothing shown yet.
#[must_use]
pub struct Glimpse {
    ctx: Ctx,
    permission: Permission,
}

impl Glimpse {
    /// Ends the read: waits until the access log holds who was shown what.
    pub async fn finish<T: serde::Serialize>(self, disclosure: Disclosure<T>) -> Result<Answer<T>> {
        self.ctx.disclose(self.permission, disclosure).await
    }
}
