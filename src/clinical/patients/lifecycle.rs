//! What becomes of a registration: its status, and its end where it should never have been made.

use chrono::NaiveDate;
use kernel::ids::PatientId;
use kernel::{Checks, Error, Result, Validate};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Patient;
use super::status::PatientStatus;
use super::{records, service, store, store_keys};

/// The next status, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "inactive", "reason": "Moved abroad" }))]
pub struct StatusChange {
    pub status: PatientStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `deceased` only, if the day is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deceased_on: Option<NaiveDate>,
}

impl Validate for StatusChange {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("reason", self.reason.as_deref(), 500);
        if let Some(day) = self.deceased_on {
            checks.past_date("deceased_on", day);
            let deceased = self.status == PatientStatus::Deceased;
            checks.require(
                deceased,
                "deceased_on",
                "not_deceased",
                "goes with the status deceased only",
            );
        }
    }
}

pub(super) async fn change_status(
    ctx: &Ctx,
    id: PatientId,
    change: StatusChange,
) -> Result<Answer<Patient>> {
    let mut tx = ctx.begin(Permission::PatientUpdate).await?;
    store::lock(&mut tx, id).await?;
    let present = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let status = present.status.step(change.status)?;
    if change
        .deceased_on
        .is_some_and(|day| day < present.data.birth_date)
    {
        return Err(Error::field(
            "/deceased_on",
            "before_birth",
            "must not lie before birth_date",
        ));
    }
    store::set_status(
        &mut tx,
        id,
        status,
        change.reason.as_deref(),
        change.deceased_on,
        ctx.now(),
    )
    .await?;
    let mut patient = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if status != PatientStatus::Active {
        patient.affected_appointments = Some(store::still_to_come(&mut tx, id, ctx.now()).await?);
    }
    let version = patient.version;
    let shown = patient.shown_to(ctx.principal().role);
    tx.commit(Disclosure::of("patient", Action::Update, id, id, shown).version(version))
        .await
}

/// Nothing finds or opens the registration any more; its history stays, and its number is never given again.
pub(super) async fn retire(ctx: &Ctx, id: PatientId) -> Result<Answer<()>> {
    let mut tx = ctx.begin(Permission::PatientRetire).await?;
    store::lock(&mut tx, id).await?;
    let present = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    store_keys::clear(&mut tx, id).await?;
    store::retire(&mut tx, id, ctx.now()).await?;
    records::announce_link(&mut tx, present.data.portal_user_id, None).await?;
    let answer = tx
        .commit(Disclosure::of("patient", Action::Delete, id, id, ()).without_body())
        .await?;
    service::forget_link(ctx, [present.data.portal_user_id, None]);
    Ok(answer)
}
