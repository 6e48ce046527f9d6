//! Reading a timeline.

use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::audit::Action;
use platform::http::{Answer, Paging, require_order};

use super::model::{ReadTimeline, TimelineEvent, TimelineKind};
use super::store::{self, Event, Span};
use super::store_past;
use crate::{entries, imported, patients};

/// What the store calls the notes of somebody who may read only what was released.
const RELEASED: &str = "released_note";

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    query: ReadTimeline,
) -> Result<Answer<Page<TimelineEvent>>> {
    require_order(query.from, query.to)?;
    let wanted = kinds(query.types.as_deref())?;
    let then = query.as_of.map(|then| then.instant(ctx));
    let filters = (patient, query.from, query.to, &query.types, then);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = match then {
        None => {
            let mut tx = ctx.begin_snapshot(Permission::ChartRead).await?;
            patients::require(&mut tx, patient).await?;
            tx
        }
        Some(then) => entries::require_then(ctx, patient, then).await?,
    };
    let kinds = names(&wanted, ctx.principal().role);
    let span = Span {
        from: query.from,
        to: query.to,
        after: paging.after()?,
    };
    let fetch = paging.fetch();
    let events = match then {
        None => {
            let of = (kinds.as_slice(), imported::released_only(ctx));
            store::page(&mut tx, patient, of, span, fetch).await?
        }
        // Who reads the past reads notes as they are, and what was not released.
        Some(then) => store_past::page(&mut tx, patient, (&kinds, then), span, fetch).await?,
    };
    let page = paging.page(events, Event::place)?;
    let items = page
        .items
        .into_iter()
        .filter_map(|event| shown(patient, then, event))
        .collect();
    let page = Page {
        items,
        next_cursor: page.next_cursor,
    };
    tx.finish(Disclosure::of(
        "chart",
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

fn kinds(types: Option<&str>) -> Result<Vec<TimelineKind>> {
    let Some(types) = types else {
        return Ok(TimelineKind::ALL.to_vec());
    };
    types
        .split(',')
        .map(|text| TimelineKind::from_text(text.trim()))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| {
            let known = TimelineKind::ALL.map(TimelineKind::as_str);
            Error::new(Code::InvalidParameter)
                .with_fields(vec![FieldError::new(
                    "?types",
                    "unknown_value",
                    "must name kinds of events, separated by commas",
                )])
                .with("allowed", serde_json::json!(known))
        })
}

/// Of the kinds wanted those the role may see, by the names the store knows.
fn names(wanted: &[TimelineKind], role: Role) -> Vec<&'static str> {
    wanted
        .iter()
        .filter(|kind| kind.permission().allows(role))
        .map(|kind| match kind {
            TimelineKind::Note if !Permission::NoteRead.allows(role) => RELEASED,
            kind => kind.as_str(),
        })
        .collect()
}

fn shown(patient: PatientId, then: Option<Instant>, mut event: Event) -> Option<TimelineEvent> {
    let id = event.id;
    let released = event.kind == RELEASED;
    let kind = if released {
        TimelineKind::Note
    } else {
        TimelineKind::from_text(&event.kind)?
    };
    let place = match kind {
        TimelineKind::Note if !released => format!("/api/v1/notes/{id}"),
        TimelineKind::Document => format!("/api/v1/documents/{id}"),
        TimelineKind::Alert => format!("/api/v1/patients/{patient}/clinical-alerts"),
        TimelineKind::Appointment => format!("/api/v1/appointments/{id}"),
        TimelineKind::AmendmentRequest => format!("/api/v1/amendment-requests/{id}"),
        TimelineKind::Diagnosis => {
            // The store says on which encounter.
            let encounter = event.status.take().unwrap_or_default();
            format!("/api/v1/patients/{patient}/encounters/{encounter}/diagnoses/{id}")
        }
        kind => format!("/api/v1/patients/{patient}/{}/{id}", list_of(kind)),
    };
    let href = match then {
        // Appointments are read as they are.
        Some(then) if kind != TimelineKind::Appointment => entries::as_it_stood(&place, then),
        _ => place,
    };
    Some(TimelineEvent {
        at: event.at,
        date_only: event.date.is_some(),
        date: event.date,
        r#type: kind,
        id,
        title: event.title,
        status: event.status,
        href,
    })
}

const fn list_of(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Encounter => "encounters",
        TimelineKind::Note => "released-notes",
        TimelineKind::Vitals => "vitals",
        TimelineKind::Problem | TimelineKind::ProblemOnset => "problems",
        TimelineKind::Allergy => "allergies",
        TimelineKind::AllergyStatement => "allergy-statements",
        TimelineKind::Procedure => "procedures",
        TimelineKind::Immunization => "immunizations",
        TimelineKind::Document => "documents",
        TimelineKind::Referral => "referrals",
        TimelineKind::Alert => "clinical-alerts",
        TimelineKind::CarePlan => "care-plans",
        TimelineKind::Goal => "goals",
        TimelineKind::FamilyHistory => "family-history",
        TimelineKind::SocialHistory => "social-history",
        TimelineKind::Diagnosis => "diagnoses",
        TimelineKind::Result => "imported-resources",
        TimelineKind::Appointment => "appointments",
        TimelineKind::AmendmentRequest => "amendment-requests",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_told_of_released_notes_and_of_no_alerts() {
        let own = names(&TimelineKind::ALL, Role::Patient);
        assert!(own.contains(&RELEASED) && !own.contains(&"note"));
        assert!(!own.contains(&"alert"));
        assert!(names(&TimelineKind::ALL, Role::Nurse).contains(&"note"));
    }

    #[test]
    fn a_kind_that_is_none_is_refused() {
        assert_eq!(
            kinds(Some("note, vitals")).expect("two kinds"),
            [TimelineKind::Note, TimelineKind::Vitals]
        );
        assert!(kinds(Some("note,letters")).is_err());
        assert!(kinds(Some("")).is_err());
    }
}
