//! The frame in which a schedule's appointments stand: when somebody works, and what takes time away or adds some.
//!
//! Hours are those that are left when all is counted, as free time is computed from them; beside them stands why.

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clinical::encounters::wall_time;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ProviderId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{BlockKind, OfDays, ScheduleBlock};
use super::store_blocks::{self as store, Exception, Holiday};
use crate::availability::{self, Calendar};
use crate::exceptions::Effect;
use crate::ranges::{Ranges, Span, instant};

/// Whose hours are shown, where.
struct Whose {
    providers: Vec<ProviderId>,
    assets: Vec<AssetId>,
    facilities: Vec<FacilityId>,
    /// What is said of another facility is left out.
    only_at: Option<FacilityId>,
}

impl Whose {
    async fn of(tx: &mut TenantTx, query: &OfDays, days: (NaiveDate, NaiveDate)) -> Result<Self> {
        let (mut providers, mut assets) = (Vec::new(), Vec::new());
        let facilities = match (query.provider_id, query.asset_id, query.facility_id) {
            (Some(provider), _, facility) => {
                providers.push(provider);
                match facility {
                    Some(facility) => vec![facility],
                    None => store::workplaces(tx, provider, days).await?,
                }
            }
            (None, Some(asset), _) => {
                assets.push(asset);
                store::facility_of(tx, asset).await?
            }
            (None, None, Some(facility)) => {
                providers = store::providers_of(tx, facility, days).await?;
                assets = store::assets_of(tx, facility).await?;
                vec![facility]
            }
            (None, None, None) => Vec::new(),
        };
        Ok(Self {
            providers,
            assets,
            facilities,
            only_at: query.facility_id,
        })
    }

    fn ids(&self) -> Vec<Uuid> {
        let providers = self.providers.iter().map(|id| id.0);
        providers.chain(self.assets.iter().map(|id| id.0)).collect()
    }
}

/// What stands around the appointments of some days, in its order of time.
pub(super) async fn of(
    tx: &mut TenantTx,
    query: &OfDays,
    days: (NaiveDate, NaiveDate),
    span: (Instant, Instant),
    wall: Tz,
) -> Result<Vec<ScheduleBlock>> {
    // What begins the day before may go on into the first.
    let around = (days.0 - Days::new(1), days.1);
    let whose = Whose::of(tx, query, around).await?;
    let ids = whose.ids();
    let mut blocks = Vec::new();
    for facility in &whose.facilities {
        let window = Span::new(span.0, span.1);
        let calendar =
            availability::load_calendar(tx, (*facility, wall), &ids, window, None).await?;
        blocks.extend(hours(&calendar, &whose, *facility, query, window));
    }
    let exceptions = store::exceptions(tx, &ids, whose.only_at, span).await?;
    blocks.extend(exceptions.into_iter().map(|one| exception(one, wall)));
    let holidays = store::holidays(tx, &whose.facilities, around).await?;
    blocks.extend(holidays.into_iter().map(|one| holiday(one, wall)));
    blocks.retain(|block| block.from < span.1 && block.until > span.0);
    blocks.sort_by_key(|block| (block.from, block.until));
    Ok(blocks)
}

/// When they work, or are open, all told. In a facility's days the hours of its rooms and devices are left out: they are as many as
/// there are of them, and mostly the same.
fn hours(
    calendar: &Calendar,
    whose: &Whose,
    facility: FacilityId,
    query: &OfDays,
    window: Span,
) -> Vec<ScheduleBlock> {
    let providers = whose.providers.iter().map(|id| {
        let block = ScheduleBlock {
            provider_id: Some(*id),
            ..ScheduleBlock::of(BlockKind::Working)
        };
        (block, calendar.works(id.0))
    });
    let assets = whose.assets.iter().filter(|_| query.asset_id.is_some());
    let assets = assets.map(|id| {
        let block = ScheduleBlock {
            asset_id: Some(*id),
            ..ScheduleBlock::of(BlockKind::Open)
        };
        (block, calendar.is_open(id.0, false, false))
    });
    let within = Ranges::one(window);
    let spans = providers.chain(assets).flat_map(|(block, hours)| {
        let hours = hours.intersect(&within);
        let spans: Vec<Span> = hours.spans().to_vec();
        spans.into_iter().map(move |span| (block.clone(), span))
    });
    let at = |(block, span): (ScheduleBlock, Span)| ScheduleBlock {
        facility_id: Some(facility),
        ..block.lasting(instant(span.from), instant(span.until), calendar.zone)
    };
    spans.map(at).collect()
}

fn exception(said: Exception, wall: Tz) -> ScheduleBlock {
    let kind = match said.effect {
        Effect::Off => BlockKind::TimeOff,
        Effect::Extra => BlockKind::ExtraTime,
    };
    ScheduleBlock {
        facility_id: said.facility_id,
        provider_id: said.provider_id,
        asset_id: said.asset_id,
        why: said.kind,
        title: said.reason,
        ..ScheduleBlock::of(kind).lasting(said.starts_at, said.ends_at, wall)
    }
}

fn holiday(said: Holiday, wall: Tz) -> ScheduleBlock {
    let midnight = NaiveTime::MIN;
    let whole = (midnight, midnight);
    let (from, until) = said.local_from.zip(said.local_until).unwrap_or(whole);
    let span = availability::hours(wall, said.day, from, until);
    ScheduleBlock {
        facility_id: said.facility_id,
        title: Some(said.name),
        ..ScheduleBlock::of(BlockKind::Holiday).lasting(
            instant(span.from),
            instant(span.until),
            wall,
        )
    }
}

impl ScheduleBlock {
    fn of(kind: BlockKind) -> Self {
        Self {
            kind,
            from: Instant::UNIX_EPOCH,
            until: Instant::UNIX_EPOCH,
            local_from: String::new(),
            facility_id: None,
            provider_id: None,
            asset_id: None,
            why: None,
            title: None,
        }
    }

    fn lasting(self, from: Instant, until: Instant, wall: Tz) -> Self {
        Self {
            from,
            until,
            local_from: wall_time(from, wall.name()),
            ..self
        }
    }
}
