//! Putting a patient who is here into a room, where he waits for whom he comes to see.
//!
//! Not a status: he is checked in until the visit starts. Where he sits is a fact beside what was reserved, so nothing is
//! refused because the calendar says otherwise; another room may be named later.

use kernel::ids::AppointmentId;
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Permission};
use platform::http::Answer;
use serde_json::json;

use super::model::{Appointment, Rooming};
use super::service::commit;
use super::status::AppointmentStatus;
use super::store;

/// # Errors
/// `illegal_transition` unless he is checked in; a field error if there is no such room at the facility.
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
    if !store::put_into_room(&mut tx, id, room, ctx.user(), ctx.now()).await? {
        let rule = "must name an active room of the facility";
        return Err(Error::field("/room_id", "no_such_room", rule));
    }
    commit(ctx, tx, id).await
}
