//! Who is on call at a time.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, ServiceId};
use platform::db::TenantTx;

use super::now::OnCall;

pub(super) async fn on_call_at(
    tx: &mut TenantTx,
    facility: FacilityId,
    department: Option<DepartmentId>,
    service: Option<ServiceId>,
    at: Instant,
) -> Result<Vec<OnCall>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        OnCall,
        r#"select o.id as "shift_id: _", o.provider_id as "provider_id: _", o.level, o.department_id as "department_id: _",
                  o.service_id as "service_id: _", o.starts_at, o.ends_at
             from app.on_call_shifts o
             join app.providers p on p.tenant_id = $1 and p.tenant_id = o.tenant_id and p.id = o.provider_id and p.status = 'active'
            where o.tenant_id = $1 and o.facility_id = $2 and o.status = 'active'
              and o.starts_at <= $5 and o.ends_at > $5
              and ($3::uuid is null or o.department_id is null or o.department_id = $3)
              and ($4::uuid is null or o.service_id is null or o.service_id = $4)
              and not exists (
                  select from app.working_time_exceptions e
                   where e.tenant_id = $1 and e.tenant_id = o.tenant_id and e.provider_id = o.provider_id and e.status = 'active'
                     and e.effect = 'off' and e.starts_at <= $5 and e.ends_at > $5
                     and (e.facility_id is null or e.facility_id = $2))
            order by o.level, o.starts_at, o.id
            limit 200"#,
        tenant as _,
        facility as _,
        department as _,
        service as _,
        at
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
