//! SQL that entries share.

use kernel::Result;
use kernel::ids::ProviderId;
use platform::db::TenantTx;

pub(super) async fn is_active_provider(tx: &mut TenantTx, id: ProviderId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.providers where tenant_id = $1 and id = $2 and status = 'active') as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}
