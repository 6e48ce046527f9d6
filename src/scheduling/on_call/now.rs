//! Who is on call at a time.

use chrono::{DateTime, Utc};
use identity::facilities;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, OnCallId, ProviderId, ServiceId};
use kernel::{Code, Error, FieldError, Result};
use platform::access::{Ctx, Disclosure, NoPhi, Permission};
use platform::db::TenantTx;
use platform::http::Answer;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store_now;

/// Where, for what, and when.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AskOnCall {
    /// The facility.
    #[param(example = "01990000-0000-7000-8000-000000000001")]
    pub facility_id: FacilityId,
    /// Those of this department, and those of none.
    pub department_id: Option<DepartmentId>,
    /// Those for this service, and those for every emergency.
    pub service_id: Option<ServiceId>,
    /// When; now unless said.
    pub at: Option<DateTime<Utc>>,
}

/// Somebody who is on call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OnCall {
    pub shift_id: OnCallId,
    pub provider_id: ProviderId,
    /// Who is called first has the lowest.
    pub level: i16,
    pub department_id: Option<DepartmentId>,
    pub service_id: Option<ServiceId>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// Who is on call at a time, in the order in which to call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OnCallNow {
    pub facility_id: FacilityId,
    pub at: DateTime<Utc>,
    pub items: Vec<OnCall>,
}

impl NoPhi for OnCallNow {}

pub(super) async fn ask(ctx: &Ctx, query: AskOnCall) -> Result<Answer<OnCallNow>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    if facilities::require_active_facility(&mut tx, query.facility_id, "?facility_id")
        .await
        .is_err_and(|error| error.code() == Code::ValidationFailed)
    {
        let field = FieldError::new(
            "?facility_id",
            "no_such_facility",
            "must name an active facility",
        );
        return Err(Error::new(Code::InvalidParameter).with_fields(vec![field]));
    }
    let at = query.at.unwrap_or(ctx.now());
    let found = who_is_on_call(
        &mut tx,
        query.facility_id,
        query.department_id,
        query.service_id,
        at,
    )
    .await?;
    tx.finish(Disclosure::plain(found)).await
}

/// Who is on call at a time, in the order in which to call; without who has time off.
pub async fn who_is_on_call(
    tx: &mut TenantTx,
    facility: FacilityId,
    department: Option<DepartmentId>,
    service: Option<ServiceId>,
    at: Instant,
) -> Result<OnCallNow> {
    Ok(OnCallNow {
        facility_id: facility,
        at,
        items: store_now::on_call_at(tx, facility, department, service, at).await?,
    })
}
