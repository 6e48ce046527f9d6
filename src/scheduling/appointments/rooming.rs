//! Putting a patient who is here into a room, where he waits for whom he comes to see.
//!
//! Not a status: he is checked in until the visit starts. Where he sits is a fact beside what was reserved, so nothing is
//! refused because the calendar says otherwise; another room may be named later. Refused is what the eye would refuse: a room
//! in which another patient sits, until that visit is ended, unless they share it.
//!
//! A visit that nobody ends would keep its room for ever: whoever is in a room is taken to sit there until [`KEPT`] after the
//! planned end of his visit, or after he was put there or the visit was started if that is later. From then on the room is
//! free for the next one, though nothing is said of where he is; the visit stands in the list of those never ended (board).
//!
//! Trap: who sits there may be somebody the caller must not know of, so he is asked for past the policies, and never named.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, OnConstraint as _, Result};
use platform::access::{Ctx, Permission};
use platform::http::Answer;
use serde_json::json;

use super::model::{Appointment, Rooming};
use super::service::commit;
use super::status::AppointmentStatus;
use super::store;

/// How long a room is kept for a visit beyond the end it was planned for: longer than visits last that are merely late.
pub(crate) const KEPT: TimeDelta = TimeDelta::hours(4);

/// From when until when he is taken to sit there, if nobody ends the visit.
fn taken(present: &Appointment, now: Instant) -> (Instant, Instant) {
    (now, present.ends_at.max(now) + KEPT)
}

/// # Errors
/// `illegal_transition` unless he is checked in; `patient_not_active`; a field error if there is no such room at the facility; `room_occupied` if
/// somebody else sits there and it is not shared.
pub(super) async fn room(
    ctx: &Ctx,
    id: AppointmentId,
    place: Rooming,
) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let present = store::lock(&mut tx, id).await?;
    if present.status != AppointmentStatus::CheckedIn {
        let allowed = json!(present.status.allowed());
        return Err(Error::new(Code::IllegalTransition).with("allowed", allowed));
    }
    clinical::patients::require_active(&mut tx, present.patient_id).await?;
    let Some(room) = place.room_id.or(present.room_id) else {
        let rule = "must be given: no room is reserved";
        return Err(Error::field("/room_id", "required", rule));
    };
    if !place.shared && store::sits_in_room(&mut tx, room, id, ctx.now()).await? {
        return Err(Error::new(Code::RoomOccupied));
    }
    let taken = taken(&present, ctx.now());
    let put = store::put_into_room(&mut tx, id, (room, place.shared), taken, ctx.user())
        .await
        // Two at once.
        .on_constraint("appointments_room_excl", || Error::new(Code::RoomOccupied))?;
    if !put {
        let rule = "must name an active room of the facility";
        return Err(Error::field("/room_id", "no_such_room", rule));
    }
    commit(ctx, tx, id).await
}
