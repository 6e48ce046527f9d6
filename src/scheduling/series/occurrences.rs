//! Booking many at once: each is looked at first, and only then is any of them booked.

use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, FieldError, Kind, Result};
use platform::db::TenantTx;
use serde_json::json;

use super::expand::Time;
use super::model::{Occurrence, OccurrenceConflict};
use crate::appointments::{self, Booker, Details, Placement, Ready};
use crate::availability::OwnTime;

/// An occurrence, wished for.
pub(super) struct Wish {
    pub time: Time,
    pub placement: Placement,
    /// Whether it has to be this room, and these devices, or others of their kinds will do.
    pub keeps: (bool, bool),
    /// Of one that is moved: what it held.
    pub own: Option<OwnTime>,
    pub details: Details,
}

/// An occurrence, looked at: what stands in its way, or that nothing does.
pub(super) struct Looked {
    pub time: Time,
    pub details: Details,
    pub found: Result<Ready, OccurrenceConflict>,
}

impl Looked {
    pub fn told(&self) -> Occurrence {
        Occurrence {
            local_start: self.time.local.format("%Y-%m-%dT%H:%M:%S").to_string(),
            starts_at: self.time.at,
            appointment_id: None,
            status: None,
            conflict: self.found.as_ref().err().cloned(),
        }
    }
}

/// Looks at each. What is wrong with all of them is an error, what is wrong with one time its conflict.
pub(super) async fn look(
    tx: &mut TenantTx,
    wishes: Vec<Wish>,
    by: Booker,
    now: Instant,
) -> Result<Vec<Looked>> {
    let mut all = Vec::with_capacity(wishes.len());
    let mut promised = Vec::new();
    for wish in wishes {
        let (place, keeps) = (wish.placement, (wish.own.as_ref(), wish.keeps));
        let looked = appointments::look_among_in_tx(tx, place, keeps, &promised, by, now);
        let found = match looked.await {
            Ok(ready) => {
                promised.extend(ready.promised());
                Ok(ready)
            }
            // With a cause, the database has ended the transaction: nothing more can be looked at in it.
            Err(error) if is_conflict(&error) && error.cause().is_none() => Err(conflict(&error)),
            Err(error) => return Err(error),
        };
        all.push(Looked {
            time: wish.time,
            details: wish.details,
            found,
        });
    }
    Ok(all)
}

/// Books those nothing stands in the way of.
///
/// # Errors
/// `series_conflicts`, naming them, if there are any that may not be left out, or if there is nothing else.
pub(super) async fn book(
    tx: &mut TenantTx,
    all: Vec<Looked>,
    skip_conflicts: bool,
    by: Booker,
    now: Instant,
) -> Result<Vec<Occurrence>> {
    let conflicts: Vec<Occurrence> = all
        .iter()
        .filter(|one| one.found.is_err())
        .map(Looked::told)
        .collect();
    if !conflicts.is_empty() && (!skip_conflicts || conflicts.len() == all.len()) {
        return Err(Error::new(Code::SeriesConflicts).with("conflicts", json!(conflicts)));
    }
    let mut told = Vec::with_capacity(all.len());
    for one in all {
        let mut occurrence = one.told();
        if let Ok(ready) = one.found {
            let id: AppointmentId =
                appointments::book_ready_in_tx(tx, &ready, &one.details, by, now).await?;
            occurrence.appointment_id = Some(id);
            occurrence.status = Some(appointments::AppointmentStatus::Scheduled);
        }
        told.push(occurrence);
    }
    Ok(told)
}

/// A conflict is about the time: that somebody is occupied or does not work, or that the time itself will not do.
fn is_conflict(error: &Error) -> bool {
    let of_time = |field: &FieldError| field.pointer == "/starts_at";
    error.kind() == Kind::Conflict || error.fields().iter().any(of_time)
}

fn conflict(error: &Error) -> OccurrenceConflict {
    let field = error.fields().first();
    let pointer = field.map(|field| field.pointer.clone());
    match field {
        // Who or what is taken is said in a sentence.
        Some(field) if error.code() != Code::SlotTaken => OccurrenceConflict {
            code: field.code.to_string(),
            pointer,
            detail: field.message.to_string(),
        },
        _ => OccurrenceConflict {
            code: error.code().as_str().to_owned(),
            pointer,
            detail: error.explanation().to_owned(),
        },
    }
}
