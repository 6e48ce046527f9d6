//! Transactions one after another, until every resource has its fate.
//!
//! A transaction that the database refuses is tried again as two halves, and those as halves, until the resource at fault
//! stands alone and fails alone. A database that is away, or a deadlock, is no resource's fault: the same is tried again,
//! and if it stays away the run ends; what has been committed stays, and the next run skips it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Datelike;
use chrono_tz::Tz;
use clinical::{encounters, vitals};
use kernel::ids::{RequestId, TenantId};
use kernel::{Error, Kind, Result};
use platform::App;

use super::batch::{Batch, Outcome, Verdict};
use super::dates;
use super::elements::text;
use super::entries::{self, measured_at};
use super::report::Fault;
use super::resource::{Resource, Stage};

/// How often the same is tried while the database is away, and how long apart.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Imports into one tenant. Shared by the lanes.
pub(super) struct Importer {
    pub app: App,
    pub tenant: TenantId,
    /// The tenant's: where the source names none.
    pub zone: Tz,
    /// One for the run, so that its access records and changes are found together.
    pub run: RequestId,
    /// Months of encounters that are there, as year and month.
    months: Mutex<BTreeSet<(i32, u32)>>,
    /// Those of vital signs.
    vital_months: Mutex<BTreeSet<(i32, u32)>>,
}

impl Importer {
    pub(super) fn new(app: App, tenant: TenantId, zone: Tz) -> Self {
        Self {
            app,
            tenant,
            zone,
            run: RequestId::new(),
            months: Mutex::default(),
            vital_months: Mutex::default(),
        }
    }

    /// Imports a chunk. `last`: nothing more will come that one of them may wait for.
    ///
    /// # Errors
    /// `unavailable` when the database is away.
    pub(super) async fn take(&self, resources: &[Resource], last: bool) -> Result<Outcome> {
        self.ensure_months(resources).await?;
        self.ensure_vital_months(resources.iter()).await?;
        // Registering patients locks the counter of record numbers: in a short transaction of their own.
        let patients = resources.partition_point(|resource| resource.stage() <= Stage::Patient);
        let (first, rest) = resources.split_at(patients);
        let mut outcome = Outcome::default();
        let mut parts = vec![rest, first];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.transaction(part, last, None).await {
                Ok(done) => outcome.add(done),
                Err(error) if error.kind() == Kind::Unavailable => return Err(error),
                Err(error) if part.len() == 1 && is_entered(&part[0]) => {
                    log(&part[0], &error);
                    let why = Some(reason(&error));
                    match self.transaction(part, last, why).await {
                        Ok(done) => outcome.add(done),
                        Err(error) if error.kind() == Kind::Unavailable => return Err(error),
                        Err(error) => outcome.faults.push(fault(&part[0], reason(&error))),
                    }
                }
                Err(error) if part.len() == 1 => {
                    log(&part[0], &error);
                    outcome.faults.push(fault(&part[0], reason(&error)));
                }
                Err(_) => {
                    let (one, other) = part.split_at(part.len() / 2);
                    parts.extend([other, one]);
                }
            }
        }
        Ok(outcome)
    }

    /// One transaction, again while the database is away.
    async fn transaction(
        &self,
        resources: &[Resource],
        last: bool,
        only_keep: Option<String>,
    ) -> Result<Outcome> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.once(resources, last, only_keep.clone()).await {
                Err(error) if error.kind() == Kind::Unavailable && tried < TRIES => {
                    tracing::warn!(
                        cause = error.cause_for_log(),
                        "import transaction is tried again"
                    );
                    tokio::time::sleep(PAUSE * tried).await;
                }
                done => return done,
            }
        }
    }

    async fn once(
        &self,
        resources: &[Resource],
        last: bool,
        only_keep: Option<String>,
    ) -> Result<Outcome> {
        let mut batch = Batch::begin(self, resources, last).await?;
        batch.only_keep = only_keep;
        let mut outcome = Outcome::default();
        for resource in resources {
            match batch.take(resource).await? {
                Verdict::Done(fate) => outcome
                    .fates
                    .push((resource.name.resource_type.clone(), fate)),
                Verdict::Wait => outcome.waiting.push(resource.place),
                Verdict::Fault(reason) => outcome.faults.push(fault(resource, reason)),
            }
        }
        outcome.add(batch.commit().await?);
        Ok(outcome)
    }

    /// Months of vital signs, as those of encounters.
    pub(super) async fn ensure_vital_months(
        &self,
        resources: impl Iterator<Item = &Resource>,
    ) -> Result<()> {
        let now = self.app.clock.now();
        let times: Vec<_> = resources
            .filter(|resource| resource.name.resource_type == "Observation")
            .filter_map(|resource| measured_at(&resource.value, self.zone))
            .filter(|at| at.year() >= 2010 && *at <= now + chrono::TimeDelta::days(1))
            .filter(|at| {
                let months = self
                    .vital_months
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                !months.contains(&(at.year(), at.month()))
            })
            .collect();
        if !times.is_empty() {
            vitals::ensure_months(&self.app.db, times.iter().copied()).await?;
            let mut months = self
                .vital_months
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            months.extend(times.iter().map(|at| (at.year(), at.month())));
        }
        Ok(())
    }

    /// Months are made before the transaction that writes into them.
    async fn ensure_months(&self, resources: &[Resource]) -> Result<()> {
        let encounters = resources
            .iter()
            .filter(|resource| resource.stage() == Stage::Encounter);
        let starts = encounters.filter_map(|resource| {
            dates::instant(text(&resource.value, "/period/start")?, self.zone)
        });
        let mut new = Vec::new();
        {
            let months = self.months.lock().unwrap_or_else(PoisonError::into_inner);
            // A start that no encounter may have gets no month either.
            let latest = self.app.clock.now().year() + 6;
            for start in starts.filter(|start| (2010..=latest).contains(&start.year())) {
                if !months.contains(&(start.year(), start.month())) {
                    new.push(start);
                }
            }
        }
        if !new.is_empty() {
            encounters::ensure_months(&self.app.db, new.iter().copied()).await?;
            let mut months = self.months.lock().unwrap_or_else(PoisonError::into_inner);
            months.extend(new.iter().map(|start| (start.year(), start.month())));
        }
        Ok(())
    }
}

fn is_entered(resource: &Resource) -> bool {
    entries::is_entered(&resource.name.resource_type)
}

fn log(resource: &Resource, error: &Error) {
    if error.kind() == Kind::Internal {
        tracing::error!(
            cause = error.cause_for_log(),
            resource_type = resource.name.resource_type,
            "not imported"
        );
    }
}

fn fault(resource: &Resource, reason: String) -> Fault {
    Fault {
        place: resource.place,
        name: Some(resource.name.clone()),
        reason: reason.into(),
    }
}

/// The rule that was broken and the field that breaks it; never a value.
pub(super) fn reason(error: &Error) -> String {
    let mut reason = match error.fields() {
        [] => error.explanation().trim_end_matches('.').to_owned(),
        fields => {
            let rules = fields
                .iter()
                .map(|field| format!("{} {}", field.pointer, field.message));
            rules.collect::<Vec<_>>().join("; ")
        }
    };
    if let Some(constraint) = error.constraint() {
        let _ = write!(reason, " ({constraint})");
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_rule_and_field() {
        let error = Error::field("/birth_date", "in_the_future", "must not lie in the future");
        let text = reason(&error);
        assert!(
            text.contains("/birth_date must not lie in the future"),
            "{text}"
        );
    }
}
