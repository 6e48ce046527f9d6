//! Taking back a check-in: somebody else's row was taken for his.
//!
//! Not a step that leads on, so it is not among those a refusal names as allowed: what was said is put right. The visit is as it
//! was before, and its history keeps both. Who had been marked as missed is missed again: what was reserved anew for him is free,
//! and whoever takes the check-in back says so.

use clinical::encounters::EncounterStatus;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Permission};
use platform::http::Answer;
use serde_json::json;

use super::model::Appointment;
use super::service::commit;
use super::status::AppointmentStatus;
use super::{planned, store, store_occupancy};

/// # Errors
/// `illegal_transition` unless he is checked in; `not_found`.
pub(super) async fn undo_check_in(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let present = store::lock(&mut tx, id).await?;
    if present.status != AppointmentStatus::CheckedIn {
        let allowed = json!(present.status.allowed());
        return Err(Error::new(Code::IllegalTransition).with("allowed", allowed));
    }
    let now = ctx.now();
    let before = store::undo_check_in(&mut tx, id, ctx.user(), now).await?;
    if before == AppointmentStatus::NoShow {
        store_occupancy::release(&mut tx, &[id], now).await?;
        planned::ends(&mut tx, &present, EncounterStatus::NoShow, None, now).await?;
    }
    commit(ctx, tx, id).await
}
