//! Rows of readings. Each statement says between which times it looks, so that only those months are visited.
//!
//! Numbers travel as floats: up to fifteen digits, which is more than any of them has, a float and a numeric are the same.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, UserId, VitalId, VitalSetId, instant_of};
use kernel::{Error, PartialDate, Result};
use platform::db::TenantTx;
use serde::Serialize;

use super::kinds::{BodySite, Position, VitalCode, VitalKind};
use super::model::{Measured, NewReading};
use super::records::VitalRecord;
use super::store_past;
use super::units::{Amount, Unit};
use super::view::{ListVitals, Source, VitalStatus};

pub(super) struct Row {
    pub id: VitalId,
    pub set_id: VitalSetId,
    pub patient_id: PatientId,
    pub encounter_id: Option<EncounterId>,
    pub measured_at: Instant,
    pub measured_on: Option<PartialDate>,
    pub kind: VitalKind,
    pub value: Option<f64>,
    pub diastolic: Option<f64>,
    pub code: Option<VitalCode>,
    pub given_value: Option<f64>,
    pub given_second: Option<f64>,
    pub given_unit: Option<Unit>,
    pub position: Option<Position>,
    pub body_site: Option<BodySite>,
    pub spo2_scale: Option<i16>,
    pub device_id: Option<String>,
    pub note: Option<String>,
    pub confirmed: bool,
    pub source: Source,
    pub status: VitalStatus,
    pub error_reason: Option<String>,
    pub replaced_by: Option<VitalSetId>,
    pub replaces: Option<VitalSetId>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: Instant,
    pub version: i64,
}

impl From<Row> for VitalRecord {
    fn from(row: Row) -> Self {
        let amount = |number: Option<f64>| number.and_then(Amount::new);
        let (given, second) = (amount(row.given_value), amount(row.given_second));
        let pressure = row.kind == VitalKind::BloodPressure;
        let only = |wanted: bool, amount: Option<Amount>| amount.filter(|_| wanted);
        let reading = NewReading {
            kind: row.kind,
            value: only(!pressure, given),
            plus: only(!pressure, second),
            systolic: only(pressure, given),
            diastolic: only(pressure, second),
            code: row.code,
            unit: row.given_unit,
            position: row.position,
            body_site: row.body_site,
            spo2_scale: row.spo2_scale,
            device_id: row.device_id,
            note: row.note,
        };
        Self {
            id: row.id,
            set_id: row.set_id,
            patient_id: row.patient_id,
            encounter_id: row.encounter_id,
            measured_at: row.measured_at,
            measured_on: row.measured_on,
            measured: Measured {
                reading,
                value: amount(row.value),
                diastolic: amount(row.diastolic),
            },
            confirmed: row.confirmed,
            source: row.source,
            status: row.status,
            error_reason: row.error_reason,
            replaced_by: row.replaced_by,
            replaces: row.replaces,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at,
            version: row.version,
        }
    }
}

/// A row on its way in; its members have the names of the columns.
#[derive(Serialize)]
struct Inserted<'a> {
    id: VitalId,
    set_id: VitalSetId,
    patient_id: PatientId,
    encounter_id: Option<EncounterId>,
    measured_at: Instant,
    measured_on: Option<&'a PartialDate>,
    kind: VitalKind,
    value: Option<Amount>,
    diastolic: Option<Amount>,
    code: Option<VitalCode>,
    given_value: Option<Amount>,
    given_second: Option<Amount>,
    given_unit: Option<Unit>,
    position: Option<Position>,
    body_site: Option<BodySite>,
    spo2_scale: Option<i16>,
    device_id: Option<&'a str>,
    note: Option<&'a str>,
    confirmed: bool,
    source: Source,
    replaces: Option<VitalSetId>,
    recorded_by: Option<UserId>,
    recorded_at: Instant,
}

impl<'a> From<&'a VitalRecord> for Inserted<'a> {
    fn from(row: &'a VitalRecord) -> Self {
        let given = &row.measured.reading;
        Self {
            id: row.id,
            set_id: row.set_id,
            patient_id: row.patient_id,
            encounter_id: row.encounter_id,
            measured_at: row.measured_at,
            measured_on: row.measured_on.as_ref(),
            kind: given.kind,
            value: row.measured.value,
            diastolic: row.measured.diastolic,
            code: given.code,
            given_value: given.number(),
            given_second: given.diastolic.or(given.plus),
            given_unit: given.unit,
            position: given.position,
            body_site: given.body_site,
            spo2_scale: given.spo2_scale,
            device_id: given.device_id.as_deref(),
            note: given.note.as_deref(),
            confirmed: row.confirmed,
            source: row.source,
            replaces: row.replaces,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at,
        }
    }
}

/// Inserts rows in one statement. Their months must be there.
pub(super) async fn insert(tx: &mut TenantTx, rows: &[VitalRecord]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    let rows: Vec<Inserted> = rows.iter().map(Inserted::from).collect();
    let rows = serde_json::to_value(rows).map_err(Error::internal)?;
    sqlx::query!(
        "insert into app.vitals (tenant_id, id, set_id, patient_id, encounter_id, measured_at, measured_on, kind, value, diastolic, code,
                given_value, given_second, given_unit, position, body_site, spo2_scale, device_id, note, confirmed, source,
                replaces, recorded_by, recorded_at, updated_at)
         select $1, r.id, r.set_id, r.patient_id, r.encounter_id, r.measured_at, r.measured_on, r.kind, r.value, r.diastolic, r.code,
                r.given_value, r.given_second, r.given_unit, r.position, r.body_site, r.spo2_scale, r.device_id, r.note,
                r.confirmed, r.source, r.replaces, r.recorded_by, r.recorded_at, r.recorded_at
           from jsonb_to_recordset($2) r (id uuid, set_id uuid, patient_id uuid, encounter_id uuid, measured_at timestamptz,
                measured_on text, kind text, value numeric, diastolic numeric, code text, given_value numeric, given_second numeric,
                given_unit text, position text, body_site text, spo2_scale smallint, device_id text, note text,
                confirmed boolean, source text, replaces uuid, recorded_by uuid, recorded_at timestamptz)",
        tenant as _,
        rows,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// In seconds from 1970.
const BEGINNING_OF_1900: i64 = -2_208_988_800;

/// Between which times the set of an id lies: the millisecond it carries. `None` of an id that is no set's.
fn span(set: VitalSetId) -> Option<(Instant, Instant)> {
    let at = instant_of(set.0)?;
    // What was measured before 1970 is carried as 1970; nothing is measured before 1900.
    let from = if at.timestamp_millis() == 0 {
        chrono::DateTime::from_timestamp(BEGINNING_OF_1900, 0)?
    } else {
        at
    };
    Some((from, at + chrono::TimeDelta::milliseconds(1)))
}

/// The rows of a set, in the order they were given; none of another patient's. `then`: as they stood, which is on record, and
/// good unless withdrawn before; a reading is changed by nothing else, and once. Whose it was then, it is, whoever was merged since.
pub(super) async fn set(
    tx: &mut TenantTx,
    patient: PatientId,
    set: VitalSetId,
    then: Option<Instant>,
) -> Result<Vec<VitalRecord>> {
    let Some((from, until)) = span(set) else {
        return Ok(Vec::new());
    };
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", set_id as "set_id: _", $2::uuid as "patient_id!: _", encounter_id as "encounter_id: _",
                  measured_at, measured_on as "measured_on: _", kind as "kind: _", value::float8, diastolic::float8, code as "code: _",
                  given_value::float8, given_second::float8, given_unit as "given_unit: _", position as "position: _",
                  body_site as "body_site: _", spo2_scale, device_id, note, confirmed, source as "source: _",
                  case when updated_at > $6 then 'final' else status end as "status!: _",
                  case when updated_at > $6 then null else error_reason end as error_reason,
                  case when updated_at > $6 then null else replaced_by end as "replaced_by: _", replaces as "replaces: _",
                  recorded_by as "recorded_by: _", recorded_at, case when updated_at > $6 then 1 else version end as "version!"
             from app.vitals v
            where tenant_id = $1 and set_id = $3 and measured_at >= $4 and measured_at < $5
              and coalesce((select m.was from app.moves_of($2) m where m.table_name = 'vitals' and m.row_id = v.id and m.at > $6
                             order by m.at limit 1), patient_id) = $2
              and recorded_at <= coalesce($6::timestamptz, 'infinity')
            order by id"#,
        tenant as _,
        patient as _,
        set as _,
        from,
        until,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(VitalRecord::from).collect())
}

/// Marks readings of a set that stand as an error: the ones named, or all. Returns how many.
pub(super) async fn withdraw(
    tx: &mut TenantTx,
    patient: PatientId,
    set: VitalSetId,
    only: &[VitalId],
    (reason, replaced_by): (&str, Option<VitalSetId>),
    now: Instant,
) -> Result<u64> {
    let Some((from, until)) = span(set) else {
        return Ok(0);
    };
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.vitals
            set status = 'entered_in_error', error_reason = $7, replaced_by = $8, version = version + 1, updated_at = $9
          where tenant_id = $1 and patient_id = $2 and set_id = $3 and measured_at >= $4 and measured_at < $5
            and status = 'final' and (cardinality($6::uuid[]) = 0 or id = any($6))",
        tenant as _,
        patient as _,
        set as _,
        from,
        until,
        only as _,
        reason,
        replaced_by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Where a page ended.
pub(super) type Place = (Instant, VitalSetId);

/// A patient's sets, newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    query: &ListVitals,
    (after, then): (Option<Place>, Option<Instant>),
    fetch: i64,
) -> Result<Vec<Place>> {
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        return Ok(past.page(query, after, fetch));
    }
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query!(
        r#"select distinct measured_at as "measured_at!", set_id as "set_id!: VitalSetId"
             from app.vitals
            where tenant_id = $1 and patient_id = $2
              and measured_at >= coalesce($3::timestamptz, '-infinity') and measured_at < coalesce($4::timestamptz, 'infinity')
              and measured_at <= coalesce($8::timestamptz, 'infinity')      -- leaves out the months of earlier pages
              and ($5::text is null or kind = $5)
              and ($6::uuid is null or encounter_id = $6)
              and recorded_at <= coalesce($11::timestamptz, 'infinity')
              and ($7 or status = 'final' or updated_at > $11)
              and ($8::timestamptz is null or (measured_at, set_id) < ($8, $9::uuid))
            order by measured_at desc, set_id desc
            limit $10"#,
        tenant as _,
        patient as _,
        query.from,
        query.to,
        query.kind as _,
        query.encounter_id as _,
        query.include_errors,
        at,
        id as _,
        fetch,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.measured_at, row.set_id))
        .collect())
}

/// The rows of some sets of a patient, newest set first.
pub(super) async fn of_sets(
    tx: &mut TenantTx,
    patient: PatientId,
    sets: &[Place],
    errors_too: bool,
    then: Option<Instant>,
) -> Result<Vec<VitalRecord>> {
    let (Some((last, _)), Some((first, _))) = (sets.first(), sets.last()) else {
        return Ok(Vec::new());
    };
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        return Ok(past.of_sets(sets, errors_too));
    }
    let tenant = tx.tenant();
    let ids: Vec<VitalSetId> = sets.iter().map(|(_, id)| *id).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", set_id as "set_id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _",
                  measured_at, measured_on as "measured_on: _", kind as "kind: _", value::float8, diastolic::float8, code as "code: _",
                  given_value::float8, given_second::float8, given_unit as "given_unit: _", position as "position: _",
                  body_site as "body_site: _", spo2_scale, device_id, note, confirmed, source as "source: _",
                  case when updated_at > $7 then 'final' else status end as "status!: _",
                  case when updated_at > $7 then null else error_reason end as error_reason,
                  case when updated_at > $7 then null else replaced_by end as "replaced_by: _", replaces as "replaces: _",
                  recorded_by as "recorded_by: _", recorded_at, case when updated_at > $7 then 1 else version end as "version!"
             from app.vitals
            where tenant_id = $1 and patient_id = $2 and measured_at >= $3 and measured_at <= $4 and set_id = any($5)
              and recorded_at <= coalesce($7::timestamptz, 'infinity')
              and ($6 or status = 'final' or updated_at > $7)
            order by measured_at desc, set_id desc, id"#,
        tenant as _,
        patient as _,
        *first,
        *last,
        &ids as _,
        errors_too,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(VitalRecord::from).collect())
}
