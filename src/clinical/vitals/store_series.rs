//! Readings along time: the latest of each kind, the ones before, a whole series.

use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{PartialDate, Result};
use platform::db::TenantTx;

use super::kinds::{VitalCode, VitalKind};
use super::records::VitalRecord;
use super::store::Row;
use super::store_past;
use super::units::Amount;

/// The latest reading of each kind that stands, measured in `since..=now`.
pub(super) async fn latest(
    tx: &mut TenantTx,
    patient: PatientId,
    since: Instant,
    now: Instant,
) -> Result<Vec<VitalRecord>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id as "id: _", v.set_id as "set_id: _", v.patient_id as "patient_id: _", v.encounter_id as "encounter_id: _",
                  v.measured_at, v.measured_on as "measured_on: _", v.kind as "kind: _", v.value::float8, v.diastolic::float8, v.code as "code: _",
                  v.given_value::float8, v.given_second::float8, v.given_unit as "given_unit: _", v.position as "position: _",
                  v.body_site as "body_site: _", v.spo2_scale, v.device_id, v.note, v.confirmed, v.source as "source: _",
                  v.status as "status: _", v.error_reason, v.replaced_by as "replaced_by: _", v.replaces as "replaces: _",
                  v.recorded_by as "recorded_by: _", v.recorded_at, v.version
             from unnest($5::text[]) with ordinality as k (kind, place)
            cross join lateral (select * from app.vitals v
                                 where v.tenant_id = $1 and v.patient_id = $2 and v.kind = k.kind
                                   and v.measured_at >= $3 and v.measured_at <= $4 and v.status = 'final'
                                 order by v.measured_at desc limit 1) v
            order by k.place"#,
        tenant as _,
        patient as _,
        since,
        now,
        &VitalKind::ALL.map(VitalKind::as_str) as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(VitalRecord::from).collect())
}

/// The last few readings of each kind measured in `first..=last`, the latest first: those that stand, or that stood `then`.
pub(super) async fn recent(
    tx: &mut TenantTx,
    patient: PatientId,
    (first, last): (Instant, Instant),
    then: Option<Instant>,
    each: i64,
) -> Result<Vec<VitalRecord>> {
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        return Ok(past.recent((first, last), each));
    }
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id as "id: _", v.set_id as "set_id: _", v.patient_id as "patient_id: _", v.encounter_id as "encounter_id: _",
                  v.measured_at, v.measured_on as "measured_on: _", v.kind as "kind: _", v.value::float8, v.diastolic::float8, v.code as "code: _",
                  v.given_value::float8, v.given_second::float8, v.given_unit as "given_unit: _", v.position as "position: _",
                  v.body_site as "body_site: _", v.spo2_scale, v.device_id, v.note, v.confirmed, v.source as "source: _",
                  v.status as "status: _", v.error_reason, v.replaced_by as "replaced_by: _", v.replaces as "replaces: _",
                  v.recorded_by as "recorded_by: _", v.recorded_at, v.version
             from unnest($5::text[]) as k (kind)
            cross join lateral (select * from app.vitals v
                                 where v.tenant_id = $1 and v.patient_id = $2 and v.kind = k.kind
                                   and v.measured_at >= $3 and v.measured_at <= $4
                                   and case when $6::timestamptz is null then v.status = 'final'
                                            else v.recorded_at <= $6 and (v.status = 'final' or v.updated_at > $6) end
                                 order by v.measured_at desc limit $7) v
            order by v.measured_at desc, v.id desc"#,
        tenant as _,
        patient as _,
        first,
        last,
        &VitalKind::ALL.map(VitalKind::as_str) as _,
        then,
        each,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(VitalRecord::from).collect())
}

/// When something was measured last in `first..=last`, of what stands, or stood `then`.
pub(super) async fn last_measured(
    tx: &mut TenantTx,
    patient: PatientId,
    (first, last): (Instant, Instant),
    then: Option<Instant>,
) -> Result<Option<Instant>> {
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        let found = past.standing((first, last)).next();
        return Ok(found.map(|row| row.measured_at));
    }
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select measured_at from app.vitals
          where tenant_id = $1 and patient_id = $2 and measured_at >= $3 and measured_at <= $4
            and case when $5::timestamptz is null then status = 'final'
                     else recorded_at <= $5 and (status = 'final' or updated_at > $5) end
          order by measured_at desc limit 1",
        tenant as _,
        patient as _,
        first,
        last,
        then,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// A value of a series.
pub(super) struct Sample {
    pub kind: VitalKind,
    pub at: Instant,
    /// Where no more than the day, the month or the year is known: that.
    pub on: Option<PartialDate>,
    pub value: Amount,
    pub diastolic: Option<Amount>,
}

impl Sample {
    fn of(row: &VitalRecord) -> Option<Self> {
        Some(Self {
            kind: row.kind(),
            at: row.measured_at,
            on: row.measured_on.clone(),
            value: row.measured.value?,
            diastolic: row.measured.diastolic,
        })
    }
}

/// The values of these kinds in `from..to` that stand, or that stood `then`, oldest first, at most so many.
pub(super) async fn series(
    tx: &mut TenantTx,
    patient: PatientId,
    kinds: &[VitalKind],
    (from, to, then): (Instant, Instant, Option<Instant>),
    at_most: i64,
) -> Result<Vec<Sample>> {
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        let rows = past.standing((from, to)).rev();
        let samples = rows.filter(|row| row.measured_at < to && kinds.contains(&row.kind()));
        let samples = samples.filter_map(Sample::of);
        return Ok(samples
            .take(usize::try_from(at_most).unwrap_or_default())
            .collect());
    }
    let tenant = tx.tenant();
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let rows = sqlx::query!(
        r#"select kind as "kind: VitalKind", measured_at, measured_on as "measured_on: PartialDate", value::float8 as "value!", diastolic::float8
             from app.vitals
            where tenant_id = $1 and patient_id = $2 and kind = any($3::text[]) and measured_at >= $4 and measured_at < $5
              and case when $7::timestamptz is null then status = 'final'
                       else recorded_at <= $7 and (status = 'final' or updated_at > $7) end
              and value is not null
            order by measured_at, id
            limit $6"#,
        tenant as _,
        patient as _,
        &kinds as _,
        from,
        to,
        at_most,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Sample {
                kind: row.kind,
                at: row.measured_at,
                on: row.measured_on,
                value: Amount::new(row.value)?,
                diastolic: row.diastolic.and_then(Amount::new),
            })
        })
        .collect())
}

/// What a value is to be compared with.
pub(super) struct Asked {
    pub patient: PatientId,
    pub kind: VitalKind,
    pub at: Instant,
}

/// Of each question the last value before, not older than so many days; in the order of the questions.
pub(super) async fn before(
    tx: &mut TenantTx,
    questions: &[Asked],
    days: i32,
) -> Result<Vec<Option<(Amount, Instant)>>> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    let patients: Vec<PatientId> = questions.iter().map(|asked| asked.patient).collect();
    let kinds: Vec<&str> = questions.iter().map(|asked| asked.kind.as_str()).collect();
    let times: Vec<Instant> = questions.iter().map(|asked| asked.at).collect();
    let rows = sqlx::query!(
        r#"select q.place as "place!", v.value::float8 as "value!", v.measured_at as "measured_at!"
             from unnest($2::uuid[], $3::text[], $4::timestamptz[]) with ordinality as q (patient_id, kind, at, place)
            cross join lateral (select v.value, v.measured_at from app.vitals v
                                 where v.tenant_id = $1 and v.patient_id = q.patient_id and v.kind = q.kind
                                   and v.measured_at >= q.at - make_interval(days => $5) and v.measured_at < q.at
                                   and v.status = 'final'
                                 order by v.measured_at desc limit 1) v"#,
        tenant as _,
        &patients as _,
        &kinds as _,
        &times,
        days,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found = vec![None; questions.len()];
    for row in rows {
        let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
        if let (Some(slot), Some(value)) = (found.get_mut(place), Amount::new(row.value)) {
            *slot = Some((value, row.measured_at));
        }
    }
    Ok(found)
}

/// The readings that stand of these patients' minutes.
pub(super) async fn of_minutes(
    tx: &mut TenantTx,
    minutes: &[(PatientId, Instant)],
) -> Result<Vec<VitalRecord>> {
    let tenant = tx.tenant();
    let (patients, times): (Vec<PatientId>, Vec<Instant>) = minutes.iter().copied().unzip();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
        return Ok(Vec::new());
    };
    let last = *last + chrono::TimeDelta::minutes(1);
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id as "id: _", v.set_id as "set_id: _", v.patient_id as "patient_id: _", v.encounter_id as "encounter_id: _",
                  v.measured_at, v.measured_on as "measured_on: _", v.kind as "kind: _", v.value::float8, v.diastolic::float8, v.code as "code: _",
                  v.given_value::float8, v.given_second::float8, v.given_unit as "given_unit: _", v.position as "position: _",
                  v.body_site as "body_site: _", v.spo2_scale, v.device_id, v.note, v.confirmed, v.source as "source: _",
                  v.status as "status: _", v.error_reason, v.replaced_by as "replaced_by: _", v.replaces as "replaces: _",
                  v.recorded_by as "recorded_by: _", v.recorded_at, v.version
             from unnest($2::uuid[], $3::timestamptz[]) as k (patient_id, minute)
            cross join lateral (select * from app.vitals v
                                 where v.tenant_id = $1 and v.patient_id = k.patient_id
                                   and v.measured_at >= k.minute and v.measured_at < k.minute + interval '1 minute'
                                   -- the months that are looked into
                                   and v.measured_at >= $4 and v.measured_at < $5 and v.status = 'final') v"#,
        tenant as _,
        &patients as _,
        &times,
        *first,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(VitalRecord::from).collect())
}

/// Statements about a pregnancy of these patients in `from..=to`, latest first: those that stand, or that stood `then`.
pub(super) async fn pregnancies(
    tx: &mut TenantTx,
    patients: &[PatientId],
    (from, to): (Instant, Instant),
    then: Option<Instant>,
) -> Result<Vec<(PatientId, Instant, VitalCode)>> {
    if let [patient] = *patients
        && let Some(past) = store_past::moved(tx, patient, then).await?
    {
        let rows = past.standing((from, to));
        let said = rows.filter(|row| row.kind() == VitalKind::PregnancyStatus);
        return Ok(said
            .filter_map(|row| Some((patient, row.measured_at, row.measured.reading.code?)))
            .collect());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select patient_id as "patient_id: PatientId", measured_at, code as "code!: VitalCode"
             from app.vitals
            where tenant_id = $1 and patient_id = any($2) and kind = 'pregnancy_status' and measured_at >= $3 and measured_at <= $4
              and recorded_at <= coalesce($5::timestamptz, 'infinity') and (status = 'final' or updated_at > $5)
            order by measured_at desc"#,
        tenant as _,
        patients as _,
        from,
        to,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.patient_id, row.measured_at, row.code))
        .collect())
}

/// How tall a patient was in `from..=to`, and the last time since `since` before: latest first. What stands, or stood `then`.
pub(super) async fn heights(
    tx: &mut TenantTx,
    patient: PatientId,
    (since, from, to): (Instant, Instant, Instant),
    then: Option<Instant>,
) -> Result<Vec<(Instant, Amount)>> {
    if let Some(past) = store_past::moved(tx, patient, then).await? {
        let rows = past.standing((since, to));
        let tall = rows.filter(|row| row.kind() == VitalKind::Height);
        return Ok(tall
            .filter_map(|row| Some((row.measured_at, row.measured.value?)))
            .collect());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select h.measured_at as "at!", h.value::float8 as "value!"
             from (select v.measured_at, v.value from app.vitals v
                    where v.tenant_id = $1 and v.patient_id = $2 and v.kind = 'height' and v.measured_at >= $4 and v.measured_at <= $5
                      and v.recorded_at <= coalesce($6::timestamptz, 'infinity') and (v.status = 'final' or v.updated_at > $6)
                   union all
                   (select v.measured_at, v.value from app.vitals v
                     where v.tenant_id = $1 and v.patient_id = $2 and v.kind = 'height' and v.measured_at >= $3 and v.measured_at < $4
                       and v.recorded_at <= coalesce($6::timestamptz, 'infinity') and (v.status = 'final' or v.updated_at > $6)
                     order by v.measured_at desc limit 1)) h
            order by h.measured_at desc"#,
        tenant as _,
        patient as _,
        since,
        from,
        to,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    let heights = rows.into_iter();
    Ok(heights
        .filter_map(|row| Some((row.at, Amount::new(row.value)?)))
        .collect())
}
