//! The links in reminders: to confirm or to cancel ([`crate::flow::links`]).

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, Result};
use platform::audit::Subject;
use platform::db::TenantTx;

use super::model::{LinkAction, LinkedAppointment, Reminder};
pub(super) use super::store_links::Linked;
use super::store_links::{self as store, Moved};
use crate::appointments::{self, AppointmentStatus};
use crate::booking_rules;
use crate::flow::links::{self, Acted, Link, LinkedPlace};

/// Makes the link of a reminder, good until the appointment begins. Returns its secret.
pub(super) async fn open(
    tx: &mut TenantTx,
    reminder: &Reminder,
    appointment: AppointmentId,
    until: Instant,
    now: Instant,
) -> Result<String> {
    let (secret, digest) = links::new::<Linked>(tx.tenant());
    let patient = reminder.patient_id;
    store::put(tx, reminder.id, patient, appointment, &digest, until, now).await?;
    Ok(secret)
}

impl Link for Linked {
    const KIND: &'static str = "apt";
    const RESOURCE: &'static str = "appointment";
    type Answer = LinkAction;
    type Shown = LinkedAppointment;

    async fn lock(tx: &mut TenantTx, digest: &[u8], now: Instant) -> Result<Option<Self>> {
        let rules = booking_rules::in_force(tx).await?;
        let notice = TimeDelta::minutes(rules.cancel_notice_minutes.into());
        store::lock(tx, digest, notice, now).await
    }

    /// Confirms or cancels.
    ///
    /// # Errors
    /// `illegal_transition` when the appointment has gone on; `too_late_to_cancel`.
    async fn act(&self, tx: &mut TenantTx, answer: LinkAction, now: Instant) -> Result<Acted> {
        let appointment = self.appointment_id;
        match answer {
            LinkAction::Confirm => appointments::confirm_in_tx(tx, appointment, now).await?,
            LinkAction::Cancel => {
                if self.status.is_open() && !self.may_cancel {
                    return Err(Error::new(Code::TooLateToCancel));
                }
                let reason = "By the link in a message";
                appointments::cancel_himself_in_tx(tx, appointment, reason, now).await?;
            }
        }
        Ok(Acted::Done)
    }

    /// Who has confirmed may look again when it is, and call it off.
    async fn use_up(&self, tx: &mut TenantTx, answer: LinkAction, now: Instant) -> Result<()> {
        match answer {
            LinkAction::Confirm => Ok(()),
            LinkAction::Cancel => store::use_up(tx, self.id, answer.as_str(), now).await,
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            patient: Some(self.patient_id),
            resource: Some(self.appointment_id.into()),
        }
    }

    fn shown(self) -> LinkedAppointment {
        let mut actions = match self.status {
            AppointmentStatus::Scheduled => vec![LinkAction::Confirm, LinkAction::Cancel],
            AppointmentStatus::Confirmed => vec![LinkAction::Cancel],
            _ => Vec::new(),
        };
        actions.retain(|action| *action != LinkAction::Cancel || self.may_cancel);
        // What was moved, and then called off or not kept, is that.
        let moved = self.moved.map(|moved| moved.0);
        let (status, moved) = match moved {
            Some(moved) if moved.status.is_void() => (moved.status, None),
            moved => (self.status, moved),
        };
        let when = (self.starts_at, self.ends_at);
        let place = (self.time_zone, self.facility);
        let is_gone = moved.is_none() && status.is_void();
        LinkedAppointment {
            place: LinkedPlace::new(when, place, self.phone, self.address.as_ref()),
            status,
            moved_to: moved.map(place_of),
            another: is_gone && self.another,
            actions,
            link_expires_at: self.expires_at,
        }
    }
}

fn place_of(moved: Moved) -> LinkedPlace {
    let when = (moved.starts_at, moved.ends_at);
    let place = (moved.time_zone, moved.facility);
    LinkedPlace::new(when, place, moved.phone, moved.address.as_ref())
}
