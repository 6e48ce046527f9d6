//! Checking a placement: whether whoever and whatever it names may be booked then, but for being occupied.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, ProviderId};
use platform::db::TenantTx;

use super::load::Situation;
use super::placement::{self, Obstacle, Wanted};
use super::search::Wish;
use super::service::{add_promised, assets_of, is_emergency, moment, of, wish_of};
use super::store;

/// The rule of the service alone that a start breaks, if it breaks one: alignment, lead time, horizon.
pub fn check_start(wanted: &Wanted<'_>, now: Instant) -> Option<Obstacle> {
    placement::of_the_service(wanted, is_emergency(wanted.service), now)
}

/// The rule a placement breaks, if it breaks one: working time, skills, kinds, alignment, lead time, horizon, limits of work.
/// Not whether anybody is occupied then.
pub async fn check(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
    now: Instant,
) -> Result<Option<Obstacle>> {
    let emergency = is_emergency(wanted.service);
    if let Some(found) = placement::of_the_service(wanted, emergency, now) {
        return Ok(Some(found));
    }
    let wish = wish_of(wanted.service, moment(wanted.starts_at));
    let assets = assets_of(wanted);
    let situation =
        Situation::read(tx, &of(wanted, &assets, false), wish.window, emergency).await?;
    let found = placement::of_the_needs(wanted, &situation)
        .or_else(|| placement::of_the_hours(wanted, &situation, &wish));
    if found.is_some() {
        return Ok(found);
    }
    check_limits(tx, wanted, (&situation, &wish), now).await
}

/// As [`check`], of whoever and whatever is named alone, though the service may need more.
pub(crate) async fn check_named(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
    now: Instant,
) -> Result<Option<Obstacle>> {
    let wish = wish_of(wanted.service, moment(wanted.starts_at));
    let assets = assets_of(wanted);
    let of = of(wanted, &assets, false);
    let situation = Situation::read(tx, &of, wish.window, wish.emergency).await?;
    let named = !wanted.providers.is_empty();
    let found = named.then(|| placement::of_the_skills(wanted, &situation));
    let found = found.flatten();
    let found = found.or_else(|| placement::of_the_hours(wanted, &situation, &wish));
    if found.is_some() {
        return Ok(found);
    }
    check_limits(tx, wanted, (&situation, &wish), now).await
}

/// The limit of work a placement breaks, if it breaks one.
async fn check_limits(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
    (situation, wish): (&Situation, &Wish),
    now: Instant,
) -> Result<Option<Obstacle>> {
    if !situation.calendar.has_limits() {
        return Ok(None);
    }
    // Whoever books him at another time of that week waits: a sum is right only as long as nobody adds to it.
    let limited = wanted.providers.iter().copied();
    let limited: Vec<ProviderId> = limited
        .filter(|who| situation.calendar.limits_of(who.0).is_some())
        .collect();
    if limited.is_empty() {
        return Ok(None);
    }
    store::hold_providers(tx, &limited).await?;
    let mut busy = situation.busy(tx, wish, now, wanted.except).await?;
    add_promised(&mut busy, wanted.promised);
    Ok(placement::of_the_limits(wanted, situation, &busy, wish))
}

/// As [`check`], of working time, skills and kinds alone: what may have changed since a placement was checked.
pub(crate) async fn check_hours(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
) -> Result<Option<Obstacle>> {
    let wish = wish_of(wanted.service, moment(wanted.starts_at));
    let assets = assets_of(wanted);
    let of = of(wanted, &assets, false);
    let situation = Situation::read(tx, &of, wish.window, wish.emergency).await?;
    Ok(placement::of_the_needs(wanted, &situation)
        .or_else(|| placement::of_the_hours(wanted, &situation, &wish)))
}

/// The room and the devices of a placement that can't be used then.
pub(crate) async fn closed(tx: &mut TenantTx, wanted: &Wanted<'_>) -> Result<Vec<AssetId>> {
    let wish = wish_of(wanted.service, moment(wanted.starts_at));
    let assets = assets_of(wanted);
    let of = of(wanted, &assets, false);
    let situation = Situation::read(tx, &of, wish.window, wish.emergency).await?;
    let is_open = placement::is_open_for(wanted, &situation, &wish);
    Ok(assets.iter().copied().filter(|id| !is_open(id)).collect())
}
