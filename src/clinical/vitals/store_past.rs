//! Readings as they stood, of whom they were then: a merge, or its end, may have given them to another registration since.
//!
//! Of whom nothing was moved since, which is nearly everybody, the statements that read the present tell the past, too. Of whoever else,
//! all that was on record then is read, and picked from here as those statements do.

use std::collections::HashMap;

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalSetId};
use platform::db::TenantTx;

use super::kinds::VitalKind;
use super::records::VitalRecord;
use super::store::{Place, Row};
use super::view::ListVitals;

/// All that was on record of a registration, the latest first.
pub(super) struct Past(Vec<VitalRecord>);

/// Of now, and of whom no reading has moved since: none.
pub(super) async fn moved(
    tx: &mut TenantTx,
    patient: PatientId,
    then: Option<Instant>,
) -> Result<Option<Past>> {
    let Some(then) = then else {
        return Ok(None);
    };
    let moved = sqlx::query_scalar!(
        r#"select exists (select from app.moves_of($1) m where m.table_name = 'vitals' and m.at > $2) as "moved!""#,
        patient as _,
        then,
    )
    .fetch_one(tx.conn())
    .await?;
    if !moved {
        return Ok(None);
    }
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"with moves as materialized (select m.row_id, m.at, m.was, (m.item ->> 'patient_id')::uuid as went
                                         from app.moves_of($2) m where m.table_name = 'vitals' and m.at > $3)
           select v.id as "id: _", v.set_id as "set_id: _", $2::uuid as "patient_id!: _", v.encounter_id as "encounter_id: _",
                  v.measured_at, v.measured_on as "measured_on: _", v.kind as "kind: _", v.value::float8, v.diastolic::float8, v.code as "code: _",
                  v.given_value::float8, v.given_second::float8, v.given_unit as "given_unit: _", v.position as "position: _",
                  v.body_site as "body_site: _", v.spo2_scale, v.device_id, v.note, v.confirmed, v.source as "source: _",
                  case when v.updated_at > $3 then 'final' else v.status end as "status!: _",
                  case when v.updated_at > $3 then null else v.error_reason end as error_reason,
                  case when v.updated_at > $3 then null else v.replaced_by end as "replaced_by: _", v.replaces as "replaces: _",
                  v.recorded_by as "recorded_by: _", v.recorded_at, case when v.updated_at > $3 then 1 else v.version end as "version!"
             from app.vitals v
            where v.tenant_id = $1 and v.recorded_at <= $3
              and v.patient_id = any(array(select $2::uuid union select m.was from moves m union select m.went from moves m))
              and coalesce((select m.was from moves m where m.row_id = v.id order by m.at limit 1), v.patient_id) = $2
            order by v.measured_at desc, v.set_id desc, v.id"#,
        tenant as _,
        patient as _,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Some(Past(
        rows.into_iter().map(VitalRecord::from).collect(),
    )))
}

impl Past {
    /// What stood, measured in `first..=last`, the latest first.
    pub fn standing(
        &self,
        (first, last): (Instant, Instant),
    ) -> impl DoubleEndedIterator<Item = &VitalRecord> {
        let rows = self.0.iter().filter(|row| row.stands());
        rows.filter(move |row| (first..=last).contains(&row.measured_at))
    }

    /// As [`super::store::page`].
    pub fn page(&self, query: &ListVitals, after: Option<Place>, fetch: i64) -> Vec<Place> {
        let wanted = |row: &&VitalRecord| {
            query.from.is_none_or(|from| row.measured_at >= from)
                && query.to.is_none_or(|to| row.measured_at < to)
                && query.kind.is_none_or(|kind| row.kind() == kind)
                && (query.encounter_id.is_none() || row.encounter_id == query.encounter_id)
                && (query.include_errors || row.stands())
        };
        let rows = self.0.iter().filter(wanted);
        let mut places: Vec<Place> = rows.map(|row| (row.measured_at, row.set_id)).collect();
        places.dedup();
        places.retain(|place| after.is_none_or(|after| *place < after));
        places.truncate(usize::try_from(fetch).unwrap_or_default());
        places
    }

    /// As [`super::store::of_sets`].
    pub fn of_sets(self, sets: &[Place], errors_too: bool) -> Vec<VitalRecord> {
        let wanted = |set: VitalSetId| sets.iter().any(|(_, id)| *id == set);
        let rows = self.0.into_iter();
        rows.filter(|row| (errors_too || row.stands()) && wanted(row.set_id))
            .collect()
    }

    /// As [`super::store_series::recent`].
    pub fn recent(&self, span: (Instant, Instant), each: i64) -> Vec<VitalRecord> {
        let mut seen: HashMap<VitalKind, i64> = HashMap::new();
        let rows = self.standing(span);
        rows.filter(|row| {
            let seen = seen.entry(row.kind()).or_default();
            *seen += 1;
            *seen <= each
        })
        .cloned()
        .collect()
    }
}
