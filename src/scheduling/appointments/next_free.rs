//! When the people and things of a placement are next free together.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use platform::db::TenantTx;

use super::placement::Placement;
use super::store_places as store;
use crate::services;

/// How many times are offered, and how far ahead they are looked for.
const OFFERED: usize = 3;
const AHEAD: TimeDelta = TimeDelta::days(14);

/// The next starts after the one wished for.
pub(super) async fn after(
    tx: &mut TenantTx,
    wish: &Placement,
    now: Instant,
) -> Result<Vec<Instant>> {
    let Some(service) = services::get(tx, wish.service).await? else {
        return Ok(Vec::new());
    };
    let step = TimeDelta::minutes(i64::from(service.data.align_minutes));
    let (from, to) = (wish.starts_at - TimeDelta::days(1), wish.starts_at + AHEAD);
    let busy = store::busy_times(tx, wish, (from, to), now).await?;
    let mut found = Vec::new();
    let mut start = wish.starts_at + step;
    while start < to && found.len() < OFFERED {
        let (from, until) = service.occupied(start);
        match busy
            .iter()
            .filter(|(begin, end)| *begin < until && *end > from)
            .map(|(_, end)| *end)
            .max()
        {
            None => found.push(start),
            Some(_) => {}
        }
        start += step;
    }
    Ok(found)
}
