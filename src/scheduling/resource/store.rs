//! Reads whether somebody or something is there, in tables whose features are others'.

use kernel::Result;
use kernel::ids::FacilityId;
use platform::db::TenantTx;

use super::Whose;

pub(super) async fn is_there(
    tx: &mut TenantTx,
    whose: Whose,
    facility: Option<FacilityId>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let there = sqlx::query_scalar!(
        r#"select exists (select from app.providers p where p.tenant_id = $1 and p.id = $2 and p.status = 'active')
               or exists (select from app.staff_members s where s.tenant_id = $1 and s.id = $3 and s.status = 'active')
               or exists (select from app.scheduling_assets a where a.tenant_id = $1 and a.id = $4 and a.status = 'active'
                             and ($5::uuid is null or a.facility_id = $5)) as "there!""#,
        tenant as _,
        whose.provider as _,
        whose.staff as _,
        whose.asset as _,
        facility as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(there)
}
