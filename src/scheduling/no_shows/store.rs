//! SQL of no-shows. Of a patient it reads what became of his visits, and nothing else.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use forecast::no_show::{FEATURES, Judgement, Model, Visit};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, NoShowModelId, PatientId};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{
    CalibrationBin, ListNoShowScores, NoShowFeature, NoShowJudgement, NoShowModel, NoShowScore,
};
use super::overbooking::Booked;

/// Visits that are learned from, at most: the latest.
const MOST_VISITS: i64 = 50_000;

/// An appointment with what is known of it.
pub(super) struct Past {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    kind: String,
    local_start: NaiveDateTime,
    lead_days: f64,
    missed_before: i64,
    kept_before: i64,
    pub missed: bool,
}

impl Past {
    pub fn visit(&self) -> Visit {
        let hour = f64::from(self.local_start.hour()) + f64::from(self.local_start.minute()) / 60.0;
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Visit {
            lead_days: self.lead_days,
            weekday: chrono::Datelike::weekday(&self.local_start).num_days_from_monday(),
            hour,
            missed_before: count(self.missed_before),
            kept_before: count(self.kept_before),
            new_patient: self.missed_before + self.kept_before == 0,
            kind: self.kind.clone(),
        }
    }
}

/// Visits of the last three years that were kept or missed, in the order of their time; each with what was known of its patient
/// at one moment between its booking, or `ahead` of it, and the visit: at some of the nights at which it was scored, or would have
/// been. Which moment it is hangs on the id alone, so that each night draws the same.
pub(super) async fn past(tx: &mut TenantTx, now: Instant, ahead: TimeDelta) -> Result<Vec<Past>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Past,
        r#"select v.id as "id!: _", v.patient_id as "patient_id!: _", v.type as "kind!", v.local_start as "local_start!",
                  extract(epoch from v.starts_at - v.created_at)::float8 / 86400 as "lead_days!",
                  p.missed as "missed_before!", p.kept as "kept_before!", v.status = 'no_show' as "missed!"
             from (select a.id, a.patient_id, a.type, a.local_start, a.starts_at, a.created_at, a.status,
                          a.starts_at - ('x' || right(a.id::text, 7))::bit(28)::integer / 268435456.0::float8
                                        * least(greatest(a.starts_at - a.created_at, interval '0'), $4::interval) as known_at
                     from app.appointments a
                    where a.tenant_id = $1 and a.starts_at < $2 and a.starts_at > $2 - interval '3 years'
                      and a.status in ('completed', 'no_show')
                    order by a.starts_at desc, a.id desc
                    limit $3) v
            cross join lateral (select count(*) filter (where e.status = 'no_show') as missed,
                                       count(*) filter (where e.status = 'completed') as kept
                                  from app.appointments e
                                 where e.tenant_id = $1 and e.patient_id = v.patient_id
                                   and e.starts_at < v.known_at - interval '1 day'
                                   and e.starts_at > v.known_at - interval '2 years') p
            order by v.starts_at, v.id"#,
        tenant as _,
        now,
        MOST_VISITS,
        ahead as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Appointments that are to come, with what is known of their patients by now, reckoned as in [`past`]: what became of the visits
/// of the last two years. Of what was yesterday it may not be written down yet who came, so a day is left out.
pub(super) async fn coming(tx: &mut TenantTx, now: Instant, until: Instant) -> Result<Vec<Past>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Past,
        r#"select a.id as "id: _", a.patient_id as "patient_id: _", a.type as kind, a.local_start,
                  extract(epoch from a.starts_at - a.created_at)::float8 / 86400 as "lead_days!",
                  coalesce(p.missed, 0) as "missed_before!",
                  coalesce(p.kept, 0) as "kept_before!", false as "missed!"
             from app.appointments a
             left join lateral (select count(*) filter (where e.status = 'no_show') as missed,
                                       count(*) filter (where e.status = 'completed') as kept
                                  from app.appointments e
                                 where e.tenant_id = $1 and e.patient_id = a.patient_id
                                   and e.starts_at < $2::timestamptz - interval '1 day'
                                   and e.starts_at > $2 - interval '2 years') p on true
            where a.tenant_id = $1 and a.starts_at >= $2 and a.starts_at < $3 and a.status in ('scheduled', 'confirmed')"#,
        tenant as _,
        now,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Whether the day has had its turn.
pub(super) async fn made_on(tx: &mut TenantTx, day: NaiveDate) -> Result<bool> {
    let tenant = tx.tenant();
    let made = sqlx::query_scalar!(
        r#"select exists (select from app.no_show_models where tenant_id = $1 and made_on = $2) as "made!""#,
        tenant as _,
        day
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(made)
}

/// Answers whether the day had none yet.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: NoShowModelId,
    day: NaiveDate,
    (visits, missed): (usize, usize),
    fitted: Option<&(Model, Judgement)>,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let (model, judgement) = fitted
        .map(|(model, judgement)| (Json(model), Json(judgement)))
        .unzip();
    let done = sqlx::query!(
        r#"insert into app.no_show_models (tenant_id, id, made_on, visits, missed, coefficients, judgement, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
           on conflict on constraint no_show_models_day_key do nothing"#,
        tenant as _,
        id as _,
        day,
        count(visits),
        count(missed),
        model as _,
        judgement as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn put_scores(
    tx: &mut TenantTx,
    model: NoShowModelId,
    scored: &[(AppointmentId, PatientId, f64)],
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let appointments: Vec<Uuid> = scored.iter().map(|it| it.0.0).collect();
    let patients: Vec<Uuid> = scored.iter().map(|it| it.1.0).collect();
    let probabilities: Vec<f64> = scored.iter().map(|it| it.2).collect();
    sqlx::query!(
        r#"insert into app.no_show_scores (tenant_id, appointment_id, patient_id, model_id, probability, scored_at)
           select $1, u.appointment_id, u.patient_id, $2, u.probability, $6
             from unnest($3::uuid[], $4::uuid[], $5::float8[]) as u (appointment_id, patient_id, probability)
           on conflict on constraint no_show_scores_pkey
           do update set model_id = excluded.model_id, probability = excluded.probability, scored_at = excluded.scored_at"#,
        tenant as _,
        model as _,
        &appointments,
        &patients,
        &probabilities,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A model as it is kept.
pub(super) struct Kept {
    id: NoShowModelId,
    made_on: NaiveDate,
    visits: i32,
    missed: i32,
    coefficients: Json<Model>,
    judgement: Json<Judgement>,
}

impl Kept {
    pub fn told(self) -> NoShowModel {
        let judged = self.judgement.0;
        let bins = judged.calibration.into_iter();
        NoShowModel {
            id: self.id,
            made_on: self.made_on,
            visits: self.visits,
            missed: self.missed,
            features: FEATURES
                .iter()
                .zip(self.coefficients.0.coefficients)
                .map(|(name, coefficient)| NoShowFeature {
                    name: (*name).to_owned(),
                    coefficient,
                })
                .collect(),
            judgement: NoShowJudgement {
                fitted_on: judged.fitted_on,
                judged_on: judged.judged_on,
                missed: judged.missed,
                brier: judged.brier,
                brier_of_the_share: judged.brier_of_the_share,
                auc: judged.auc,
                calibration: bins
                    .map(|bin| CalibrationBin {
                        from: bin.from,
                        to: bin.to,
                        visits: bin.visits,
                        predicted: bin.predicted,
                        missed: bin.missed,
                    })
                    .collect(),
            },
        }
    }
}

/// The newest that could be made, of those that look at what is looked at now.
pub(super) async fn newest(tx: &mut TenantTx) -> Result<Option<Kept>> {
    let tenant = tx.tenant();
    let features = i32::try_from(FEATURES.len()).unwrap_or(i32::MAX);
    let row = sqlx::query_as!(
        Kept,
        r#"select id as "id: _", made_on, visits, missed, coefficients as "coefficients!: _", judgement as "judgement!: _"
             from app.no_show_models
            where tenant_id = $1 and jsonb_array_length(coefficients -> 'coefficients') = $2
            order by made_on desc
            limit 1"#,
        tenant as _,
        features
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn find(tx: &mut TenantTx, id: AppointmentId) -> Result<Option<NoShowScore>> {
    let tenant = tx.tenant();
    let score = sqlx::query_as!(
        NoShowScore,
        r#"select s.appointment_id as "appointment_id: _", s.patient_id as "patient_id: _", a.provider_id as "provider_id: _",
                  a.starts_at, s.probability, s.scored_at
             from app.no_show_scores s
             join app.appointments a on a.tenant_id = s.tenant_id and a.id = s.appointment_id
            where s.tenant_id = $1 and a.tenant_id = $1 and s.appointment_id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(score)
}

/// The likeliest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListNoShowScores,
    after: Option<(f64, AppointmentId)>,
    limit: i64,
) -> Result<Vec<NoShowScore>> {
    let tenant = tx.tenant();
    let (probability, id) = after.unzip();
    let scores = sqlx::query_as!(
        NoShowScore,
        r#"select s.appointment_id as "appointment_id: _", s.patient_id as "patient_id: _", a.provider_id as "provider_id: _",
                  a.starts_at, s.probability, s.scored_at
             from app.appointments a
             join app.no_show_scores s on s.tenant_id = a.tenant_id and s.appointment_id = a.id
            where a.tenant_id = $1 and s.tenant_id = $1
              and a.starts_at >= $2::date - interval '1 day' and a.starts_at < $2::date + interval '2 days'
              and a.local_start >= $2::date and a.local_start < $2::date + 1
              and a.status in ('scheduled', 'confirmed')
              and ($3::uuid is null or a.facility_id = $3) and ($4::uuid is null or a.provider_id = $4)
              and ($5::float8 is null or (s.probability, s.appointment_id) < ($5, $6))
            order by s.probability desc, s.appointment_id desc
            limit $7"#,
        tenant as _,
        query.date,
        query.facility_id as _,
        query.provider_id as _,
        probability,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(scores)
}

/// The appointments of a local day that stand, with their scores. Of a group one who stays away makes room for nobody
/// else; nor does one whose provider has that time off.
pub(super) async fn of_day(
    tx: &mut TenantTx,
    day: NaiveDate,
    facility: Option<FacilityId>,
) -> Result<Vec<Booked>> {
    let tenant = tx.tenant();
    let booked = sqlx::query_as!(
        Booked,
        r#"select a.facility_id as "facility_id: _", a.provider_id as "provider_id!: _",
                  extract(hour from a.local_start)::int as "hour!", s.probability as "probability?",
                  v.overbook_per_day as allowed, a.overbooked
             from app.appointments a
             join app.scheduling_services v on v.tenant_id = a.tenant_id and v.id = a.service_id
             left join app.no_show_scores s on s.tenant_id = a.tenant_id and s.appointment_id = a.id
            where a.tenant_id = $1 and v.tenant_id = $1
              and a.starts_at >= $2::date - interval '1 day' and a.starts_at < $2::date + interval '2 days'
              and a.local_start >= $2::date and a.local_start < $2::date + 1
              and a.status in ('scheduled', 'confirmed') and a.provider_id is not null and v.capacity = 1
              and ($3::uuid is null or a.facility_id = $3)
              and not exists (
                  select from app.working_time_exceptions x
                   where x.tenant_id = $1 and x.tenant_id = a.tenant_id and x.provider_id = a.provider_id and x.effect = 'off'
                     and x.status = 'active' and x.starts_at <= a.starts_at and x.ends_at >= a.ends_at)
            order by a.starts_at, a.id"#,
        tenant as _,
        day,
        facility as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(booked)
}
