//! Lists of encounters: a patient's, a provider's, a facility's day. Every patient in a list is recorded.

use std::ops::Range;

use chrono::{Datelike, TimeDelta};
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, PatientId, ProviderId};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging, require_order};

use super::model::{Encounter, OfFacility, OfPatient, OfProvider};
use super::store_lists::{self, Then};
use super::{local_time, places, store_places};
use crate::entries;
use crate::patients::{self, AsOf};

/// How far a provider's list looks back and ahead, and how far it may reach.
const AROUND: TimeDelta = TimeDelta::days(30);
const FARTHEST: TimeDelta = TimeDelta::days(366);

/// Years a question may name.
const YEARS: Range<i32> = 1850..2200;

/// What it takes to read of today, or as it stood.
fn permission(then: Option<Instant>) -> Permission {
    match then {
        None => Permission::EncounterRead,
        Some(_) => Permission::EntryHistory,
    }
}

pub async fn of_patient(
    ctx: &Ctx,
    patient: PatientId,
    query: OfPatient,
) -> Result<Answer<Page<Encounter>>> {
    require_order(query.from, query.to)?;
    if let Some(at) = query.as_of {
        return of_patient_as_of(ctx, patient, at, query).await;
    }
    let filters = (patient, query.from, query.to, query.status, query.class);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::EncounterRead).await?;
    patients::require(&mut tx, patient).await?;
    // The register can't tell status and class: with such a filter, a page may reach to the oldest of them.
    let by_register = query.status.is_none() && query.class.is_none();
    let fetch = by_register.then(|| paging.fetch());
    let rows = match store_lists::span_of_patient(&mut tx, patient, &query, after, fetch).await? {
        Some(span) => {
            store_lists::of_patient(&mut tx, patient, &query, span, after, paging.fetch()).await?
        }
        None => Vec::new(),
    };
    let page = paging.page(rows, place)?;
    tx.finish(disclose(ctx, page)).await
}

/// The encounters that were on record then.
async fn of_patient_as_of(
    ctx: &Ctx,
    patient: PatientId,
    at: AsOf,
    query: OfPatient,
) -> Result<Answer<Page<Encounter>>> {
    let filters = (query.from, query.to, query.status, query.class);
    let then = entries::Then {
        patient,
        at,
        limit: query.limit,
        cursor: query.cursor,
    };
    entries::list_as_of(ctx, then, &filters, |row: &Encounter| {
        let record = &row.record;
        query.from.is_none_or(|from| record.scheduled_start >= from)
            && query.to.is_none_or(|to| record.scheduled_start < to)
            && query.status.is_none_or(|status| record.status == status)
            && query.class.is_none_or(|class| record.class == class)
    })
    .await
}

pub async fn of_provider(
    ctx: &Ctx,
    provider: ProviderId,
    query: OfProvider,
) -> Result<Answer<Page<Encounter>>> {
    require_order(query.from, query.to)?;
    let then = query.as_of.map(|then| then.instant(ctx));
    let middle = then.unwrap_or(ctx.now());
    let from = query
        .from
        .or(query.to.map(|to| to - AROUND - AROUND))
        .unwrap_or(middle - AROUND);
    let to = query
        .to
        .or(query.from.map(|from| from + AROUND + AROUND))
        .unwrap_or(middle + AROUND);
    if to - from > FARTHEST {
        return Err(invalid(
            "?to",
            "too_long",
            "must lie at most 366 days after from",
        ));
    }
    let filters = (provider, query.from, query.to, query.status, then);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let (after, fetch) = (paging.after()?, paging.fetch());
    let mut tx = ctx.begin(permission(then)).await?;
    places::require_provider(&mut tx, provider).await?;
    let (span, status) = ((from, to), query.status);
    let rows = match then {
        None => store_lists::of_provider(&mut tx, provider, span, status, after, fetch).await?,
        Some(then) => {
            let which = Then::of_provider(provider, span, then);
            store_lists::then(&mut tx, &which, status, after, fetch).await?
        }
    };
    let page = paging.page(rows, place)?;
    tx.finish(disclose(ctx, page)).await
}

pub async fn of_facility(
    ctx: &Ctx,
    facility: FacilityId,
    query: OfFacility,
) -> Result<Answer<Page<Encounter>>> {
    if query.date.is_some_and(|date| !YEARS.contains(&date.year())) {
        return Err(invalid(
            "?date",
            "out_of_range",
            "must lie between the years 1850 and 2200",
        ));
    }
    let then = query.as_of.map(|then| then.instant(ctx));
    let filters = (facility, query.date, query.status, then);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let (after, fetch) = (paging.after()?, paging.fetch());
    let mut tx = ctx.begin(permission(then)).await?;
    let found = store_places::find_facility(&mut tx, facility)
        .await?
        .ok_or_else(Error::not_found)?;
    let zone = local_time::zone(&found.time_zone).unwrap_or(Tz::UTC);
    let date = query
        .date
        .unwrap_or_else(|| then.unwrap_or(ctx.now()).with_timezone(&zone).date_naive());
    let (span, status) = (local_time::day(date, zone), query.status);
    let rows = match then {
        None => store_lists::of_facility(&mut tx, facility, span, status, after, fetch).await?,
        Some(then) => {
            let which = Then::of_facility(facility, span, then);
            store_lists::then(&mut tx, &which, status, after, fetch).await?
        }
    };
    let page = paging.page(rows, place)?;
    tx.finish(disclose(ctx, page)).await
}

fn place(encounter: &Encounter) -> store_lists::Place {
    (encounter.record.scheduled_start, encounter.record.id)
}

fn disclose(ctx: &Ctx, page: Page<Encounter>) -> Disclosure<Page<Encounter>> {
    let page = page.map(|encounter| encounter.shown_to(ctx.principal().role));
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|encounter| Subject {
            patient: Some(encounter.record.patient_id),
            resource: Some(encounter.record.id.into()),
        })
        .collect();
    Disclosure::list("encounter", subjects, page)
}

fn invalid(parameter: &str, code: &'static str, message: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(parameter, code, message)])
}
