//! Putting a patient who is here into a room, where he waits for whom he comes to see.
//!
//! Not a status: he is checked in until the visit starts. Where he sits is a fact beside what was reserved, so nothing is
//! refused because the calendar says otherwise; another room may be named later. Refused is what the eye would refuse: a room
//! in which another patient sits, until that visit is ended, unless they share it.
//!
//! Trap: who sits there may be somebody the caller must not know of, so he is asked for past the policies, and never named.

use kernel::ids::AppointmentId;
use kernel::{Code, Error, OnConstraint as _, Result};
use platform::access::{Ctx, Permission};
use platform::http::Answer;
use serde_json::json;

use super::model::{Appointment, Rooming};
use super::service::commit;
use super::status::AppointmentStatus;
use super::store;

/// # Errors
/// `illegal_transition` unless he is checked in; a field error if there is no such room at the facility; `room_occupied` if
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
    let Some(room) = place.room_id.or(present.room_id) else {
        let rule = "must be given: no room is reserved";
        return Err(Error::field("/room_id", "required", rule));
    };
    if !place.shared && store::sits_in_room(&mut tx, room, id).await? {
        return Err(Error::new(Code::RoomOccupied));
    }
    let put = store::put_into_room(&mut tx, id, (room, place.shared), ctx.user(), ctx.now())
        .await
        // Two at once.
        .on_constraint("appointments_room_key", || Error::new(Code::RoomOccupied))?;
    if !put {
        let rule = "must name an active room of the facility";
        return Err(Error::field("/room_id", "no_such_room", rule));
    }
    commit(ctx, tx, id).await
}
