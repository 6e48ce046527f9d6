//! When there is a free place instead.

use chrono::TimeDelta;
use chrono_tz::Tz;
use clinical::encounters::zone;
use identity::facilities;
use kernel::Result;
use kernel::clock::Instant;
use platform::db::TenantTx;

use super::placement::Placement;
use super::store_places as store;
use crate::availability::{self, Ask};
use crate::services;

/// How many times are offered, how many are looked at for them, and how far ahead.
const OFFERED: usize = 3;
const LOOKED_AT: usize = 12;
const AHEAD: TimeDelta = TimeDelta::days(14);

/// The next starts after the one wished for: of the same service, with the same providers, when the patient is free.
pub(super) async fn after(
    tx: &mut TenantTx,
    wish: &Placement,
    now: Instant,
) -> Result<Vec<Instant>> {
    let Some(service) = services::get_active(tx, wish.service).await? else {
        return Ok(Vec::new());
    };
    let facility = facilities::require_active_facility(tx, wish.facility, "/facility_id").await?;
    let (from, to) = (
        wish.starts_at + TimeDelta::minutes(1),
        wish.starts_at + AHEAD,
    );
    let ask = Ask {
        service: &service,
        facility: wish.facility,
        zone: zone(&facility.data.time_zone).unwrap_or(Tz::UTC),
        any_of: &[],
        all_of: &wish.providers,
        from,
        to,
        preferred: None,
        except: None,
    };
    let slots = availability::next_free(tx, &ask, LOOKED_AT, now).await?;
    let busy = store::busy_times(tx, wish.patient, (from, to + service.duration()), now).await?;
    let mut starts: Vec<Instant> = slots
        .iter()
        .filter(|slot| {
            busy.iter()
                .all(|(begin, end)| slot.ends_at <= *begin || slot.starts_at >= *end)
        })
        .map(|slot| slot.starts_at)
        .collect();
    starts.dedup();
    starts.truncate(OFFERED);
    Ok(starts)
}
