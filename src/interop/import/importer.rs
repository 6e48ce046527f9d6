//! Transactions one after another, until every resource has its fate.
//!
//! A transaction that the database refuses is tried again as two halves, and those as halves, until the resource at fault
//! stands alone and fails alone. A database that is away, or a deadlock, is no resource's fault: the same is tried again,
//! and if it stays away the run ends; what has been committed stays, and the next run skips it.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::Datelike;
use chrono_tz::Tz;
use clinical::{encounters, vitals};
use kernel::clock::Instant;
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
}

impl Importer {
    pub(super) fn new(app: App, tenant: TenantId, zone: Tz) -> Self {
        Self {
            app,
            tenant,
            zone,
            run: RequestId::new(),
        }
    }

    /// Imports a chunk. `last`: nothing more will come that one of them may wait for.
    ///
    /// # Errors
    /// `unavailable` when the database is away.
    pub(super) async fn take(&self, resources: &[Resource], last: bool) -> Result<Outcome> {
        self.ensure_months_of(resources).await?;
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
            match self.once(resources, last, only_keep.clone()).await {
                Err(error) if may_try_again(&error, &mut tried) => pause(tried).await,
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

    /// Makes the months of encounters, where missing. Most are made before anything is written; what is in a file that has changed
    /// since it was first read finds its month here.
    pub(super) async fn ensure_months(&self, starts: impl Iterator<Item = Instant>) -> Result<()> {
        // A start that no encounter may have gets no month either.
        let latest = self.app.clock.now().year() + 6;
        let starts = starts.filter(|start| (2010..=latest).contains(&start.year()));
        let starts: Vec<Instant> = starts.collect();
        let mut tried = 0;
        loop {
            match encounters::ensure_months(&self.app.db, starts.iter().copied()).await {
                Err(error) if may_try_again(&error, &mut tried) => pause(tried).await,
                done => return done.map(drop),
            }
        }
    }

    /// Those of vital signs.
    pub(super) async fn ensure_vital_months(
        &self,
        times: impl Iterator<Item = Instant>,
    ) -> Result<()> {
        let latest = self.app.clock.now() + chrono::TimeDelta::days(1);
        let times = times.filter(|at| at.year() >= 2010 && *at <= latest);
        let times: Vec<Instant> = times.collect();
        let mut tried = 0;
        loop {
            match vitals::ensure_months(&self.app.db, times.iter().copied()).await {
                Err(error) if may_try_again(&error, &mut tried) => pause(tried).await,
                done => return done,
            }
        }
    }

    /// The months of what is about to be written.
    async fn ensure_months_of(&self, resources: &[Resource]) -> Result<()> {
        let encounters = resources
            .iter()
            .filter(|resource| resource.stage() == Stage::Encounter);
        let starts = encounters.filter_map(|resource| {
            dates::instant(text(&resource.value, "/period/start")?, self.zone)
        });
        self.ensure_months(starts).await?;
        self.ensure_vital_months(self.measured(resources.iter()))
            .await
    }

    /// When vital signs among these were measured.
    pub(super) fn measured<'r>(
        &self,
        resources: impl Iterator<Item = &'r Resource>,
    ) -> impl Iterator<Item = Instant> {
        let zone = self.zone;
        resources
            .filter(|resource| {
                resource.name.resource_type == "Observation" && entries::is_vital(&resource.value)
            })
            .filter_map(move |resource| measured_at(&resource.value, zone))
    }
}

/// Whether the database is away, or has chosen this transaction to end a deadlock, and it was not tried too often.
fn may_try_again(error: &Error, tried: &mut u32) -> bool {
    *tried += 1;
    let again = error.kind() == Kind::Unavailable && *tried < TRIES;
    if again {
        tracing::warn!(cause = error.cause_for_log(), "import tries again");
    }
    again
}

async fn pause(tried: u32) {
    tokio::time::sleep(PAUSE * tried).await;
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
