//! Whether a session lives: the question behind every access token.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{SessionId, TenantId, UserId};
use platform::db::{Db, SystemTx};

use super::store::{self, Live};

/// The last use is not moved forward more often than this.
const TOUCH_EVERY: TimeDelta = TimeDelta::seconds(30);

/// Looks the session up, and notes that it is used. `None` when it, its account or its tenant is not live.
pub(crate) async fn check(
    db: &Db,
    tenant: TenantId,
    session: SessionId,
    user: UserId,
    now: Instant,
) -> Result<Option<Live>> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let Some(live) = store::live(&mut tx, session, user, now).await? else {
        return Ok(None);
    };
    let due = now - TOUCH_EVERY;
    if live.last_used_at < due {
        store::touch(&mut tx, session, now, due).await?;
        tx.commit().await?;
    }
    Ok(Some(live))
}
