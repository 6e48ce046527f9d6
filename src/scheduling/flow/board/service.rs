//! Reading the board.

use chrono::TimeDelta;
use clinical::encounters::day;
use clinical::patients::PatientName;
use kernel::ids::FacilityId;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{Board, BoardCounts, BoardEntry, BoardState, ListNotEnded, WhichBoard};
use super::store::{self, Period, Row};
use crate::appointments;
use crate::flow::wall;

/// Visits a board shows.
const AT_MOST: usize = 2_000;
/// Who is in the house is on the board so long before and after his time, whatever the day: he came before midnight and sits
/// there still, or came early for tomorrow. Whoever nobody has ended by then was forgotten, and stands in
/// the list of visits never ended. As far as the stream tells of
/// changes (0019).
const HERE: TimeDelta = TimeDelta::hours(36);

pub(super) async fn read(ctx: &Ctx, which: &WhichBoard) -> Result<Answer<Board>> {
    let mut tx = ctx.begin(Permission::BoardRead).await?;
    let now = ctx.now();
    let periods: Vec<Period> = require(&mut tx, which.facility_id)
        .await?
        .into_iter()
        .map(|(facility, time_zone)| {
            let zone = wall::zone(&time_zone);
            let (from, to) = day(now.with_timezone(&zone).date_naive(), zone);
            Period { facility, from, to }
        })
        .collect();
    let mut rows = store::visits(&mut tx, &periods, (now - HERE, now + HERE), AT_MOST + 1).await?;
    let truncated = rows.len() > AT_MOST;
    rows.truncate(AT_MOST);
    let subjects: Vec<Subject> = rows
        .iter()
        .map(|row| Subject {
            patient: Some(row.patient_id),
            resource: Some(row.id.into()),
        })
        .collect();
    let entries = rows
        .into_iter()
        .map(|row| shown(row, now))
        .collect::<Result<Vec<_>>>()?;
    let board = Board {
        as_of: now,
        counts: BoardCounts::of(&entries),
        entries,
        truncated,
    };
    tx.finish(Disclosure::list("board", subjects, board)).await
}

/// The facilities with their zones; `not_found` if the one asked for is none.
pub(super) async fn require(
    tx: &mut TenantTx,
    facility: Option<FacilityId>,
) -> Result<Vec<(FacilityId, String)>> {
    let found = store::facilities(tx, facility).await?;
    if facility.is_some() && found.is_empty() {
        return Err(Error::not_found());
    }
    Ok(found)
}

/// Visits that nobody has ended in the time a room is kept for one ([`appointments::KEPT`]).
pub(super) async fn not_ended(ctx: &Ctx, query: ListNotEnded) -> Result<Answer<Page<BoardEntry>>> {
    let paging = Paging::new(ctx, &query.facility_id, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::BoardRead).await?;
    if query.facility_id.is_some() {
        require(&mut tx, query.facility_id).await?;
    }
    let (now, facility) = (ctx.now(), query.facility_id);
    let by = now - appointments::KEPT;
    let rows = store::not_ended(&mut tx, facility, by, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.starts_at, row.id))?;
    let items = page.items.into_iter().map(|row| shown(row, now));
    let page = Page {
        items: items.collect::<Result<Vec<_>>>()?,
        next_cursor: page.next_cursor,
    };
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|entry| Subject {
            patient: Some(entry.patient_id),
            resource: Some(entry.appointment_id.into()),
        })
        .collect();
    tx.finish(Disclosure::list("board", subjects, page)).await
}

fn shown(row: Row, now: kernel::clock::Instant) -> Result<BoardEntry> {
    let state = BoardState::of(&row.status, row.roomed_at.is_some(), row.starts_at, now);
    let here = matches!(
        state,
        BoardState::Arrived | BoardState::Roomed | BoardState::InRoom
    );
    let names: Vec<PatientName> = serde_json::from_value(row.names).map_err(Error::internal)?;
    let seen = row.started_at.unwrap_or(now);
    let minutes = |since: kernel::clock::Instant| (seen - since).num_minutes().max(0);
    Ok(BoardEntry {
        appointment_id: row.id,
        patient_id: row.patient_id,
        patient: PatientName::legal(&names)
            .map(PatientName::spoken)
            .unwrap_or_default(),
        encounter_id: row.encounter_id,
        facility_id: row.facility_id,
        service: row.service,
        provider_id: row.provider_id,
        provider: row.provider,
        room: row.room,
        state,
        priority: row.priority,
        starts_at: row.starts_at,
        local_start: wall::told(row.local_start),
        checked_in_at: row.checked_in_at,
        roomed_at: row.roomed_at,
        started_at: row.started_at,
        completed_at: row.completed_at,
        waiting_minutes: row.checked_in_at.map(minutes),
        roomed_minutes: row.roomed_at.map(minutes),
        late_minutes: (state == BoardState::Late)
            .then(|| (now - row.starts_at).num_minutes().max(0)),
        overdue_minutes: (here && row.ends_at < now).then(|| (now - row.ends_at).num_minutes()),
    })
}
