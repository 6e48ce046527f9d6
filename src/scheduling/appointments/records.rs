//! Appointments that others hand over with what became of them: a demonstration.

use kernel::clock::Instant;
use kernel::{Kind, Result};
use platform::db::TenantTx;

use super::booking::{self, Booker, Details};
use super::model::CancelledBy;
use super::placement::Placement;
use super::status::AppointmentStatus;
use super::store::{self, Ending};
use super::{steps, store_occupancy};

/// What became of an appointment.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is still to come, and perhaps confirmed.
    ToCome {
        confirmed: bool,
    },
    /// It took place, from when to when; the details name its encounter.
    TookPlace {
        from: Instant,
        until: Instant,
    },
    Cancelled {
        reason: String,
    },
    Missed,
}

/// Books an appointment as somebody did at `booked_at`, and takes the steps that led to its outcome. Returns whether it could be
/// booked then: where somebody was occupied or did not work, nothing is written.
///
/// The patient must exist; the encounter, too.
pub async fn record_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    details: &Details,
    outcome: &Outcome,
    booked_at: Instant,
) -> Result<bool> {
    let by = Booker::SYSTEM;
    let starts_at = placement.starts_at;
    let ready = match booking::look_in_tx(tx, placement, by, booked_at).await {
        Ok(ready) => ready,
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::Invalid) => return Ok(false),
        Err(error) => return Err(error),
    };
    let id = booking::book_ready_in_tx(tx, &ready, details, by, booked_at).await?;
    match outcome {
        Outcome::ToCome { confirmed: false } => {}
        Outcome::ToCome { confirmed: true } => {
            store::step(tx, id, AppointmentStatus::Confirmed, None, booked_at).await?;
        }
        Outcome::TookPlace { from, until } => {
            store::step(tx, id, AppointmentStatus::CheckedIn, None, *from).await?;
            store::step(tx, id, AppointmentStatus::InProgress, None, *from).await?;
            store::step(tx, id, AppointmentStatus::Completed, None, *until).await?;
            store_occupancy::release_rest(tx, id, *until).await?;
        }
        Outcome::Cancelled { reason } => {
            let whose = CancelledBy::Patient;
            steps::cancel_in_tx(tx, id, whose, reason, None, booked_at).await?;
        }
        Outcome::Missed => {
            let how = Ending {
                status: AppointmentStatus::NoShow,
                by: None,
                reason: None,
                closed_by: None,
            };
            store::end(tx, &[id], &how, starts_at).await?;
            store_occupancy::release(tx, &[id], starts_at).await?;
        }
    }
    Ok(true)
}
