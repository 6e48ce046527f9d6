//! SQL of clinical alerts.

use kernel::clock::Instant;
use kernel::ids::{ClinicalAlertId, PatientId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde::Serialize;
use serde_json::value::RawValue;

use super::model::{AlertLevel, AlertStatus, ClinicalAlert, NewAlert, Raised};
use crate::entries::Remembered;

impl Remembered for ClinicalAlert {
    const TABLE: &'static str = "clinical_alerts";
    const RESOURCE: &'static str = "clinical_alert";
    const ORDER: &'static str = "raised_at";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// A row on its way in.
#[derive(Serialize)]
struct Inserted<'a> {
    id: ClinicalAlertId,
    #[serde(flatten)]
    alert: &'a NewAlert,
}

pub(super) async fn insert(tx: &mut TenantTx, alerts: &[NewAlert], now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    let rows: Vec<Inserted> = alerts
        .iter()
        .map(|alert| Inserted {
            id: ClinicalAlertId::new(),
            alert,
        })
        .collect();
    let rows = serde_json::to_value(rows).map_err(Error::internal)?;
    sqlx::query!(
        "insert into app.clinical_alerts (tenant_id, id, patient_id, encounter_id, kind, level, score, at_least, parts, set_id, measured_at,
                raised_at, updated_at)
         select $1, r.id, r.patient_id, r.encounter_id, r.kind, r.level, r.score, r.at_least, r.parts, r.set_id, r.measured_at, $3, $3
           from jsonb_to_recordset($2) r (id uuid, patient_id uuid, encounter_id uuid, kind text, level text, score smallint,
                at_least boolean, parts jsonb, set_id uuid, measured_at timestamptz)",
        tenant as _,
        rows,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn withdraw(
    tx: &mut TenantTx,
    ids: &[ClinicalAlertId],
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.clinical_alerts set status = 'withdrawn', version = version + 1, updated_at = $3
          where tenant_id = $1 and id = any($2) and status = 'open'",
        tenant as _,
        ids as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those that stand, by what was measured when; a bedside clock may be ahead of the one that raised them.
pub(super) async fn raised(
    tx: &mut TenantTx,
    patients: &[PatientId],
    (from, to): (Instant, Instant),
) -> Result<Vec<Raised>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Raised,
        r#"select id as "id: _", patient_id as "patient_id: _", kind as "kind: _", level as "level: _", score, at_least,
                  set_id as "set_id: _", measured_at, status = 'open' as "is_open!"
             from app.clinical_alerts
            where tenant_id = $1 and patient_id = any($2) and measured_at between $3 and $4
              and raised_at >= $3::timestamptz - interval '1 hour' and status <> 'withdrawn'"#,
        tenant as _,
        patients as _,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The place of an alert in a list: when it was raised, whether it is an emergency, and its id.
pub(super) type Place = (Instant, bool, ClinicalAlertId);

fn apart(after: Option<Place>) -> (Option<Instant>, Option<bool>, Option<ClinicalAlertId>) {
    after.map_or((None, None, None), |(at, emergency, id)| {
        (Some(at), Some(emergency), Some(id))
    })
}

/// Open ones, newest first; of those raised at once the emergencies.
pub(super) async fn open(
    tx: &mut TenantTx,
    level: Option<AlertLevel>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<ClinicalAlert>> {
    let tenant = tx.tenant();
    let (at, emergency, id) = apart(after);
    let rows = sqlx::query_as!(
        ClinicalAlert,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _", kind as "kind: _",
                  level as "level: _", score, at_least, parts, set_id as "vitals_id: _", measured_at, status as "status: _", raised_at,
                  acknowledged_by as "acknowledged_by: _", acknowledged_at, note, version
             from app.clinical_alerts
            where tenant_id = $1 and status = 'open'
              and ($2::text is null or level = $2)
              and ($3::timestamptz is null or (raised_at, level = 'emergency', id) < ($3, $6::boolean, $4::uuid))
            order by raised_at desc, level = 'emergency' desc, id desc
            limit $5"#,
        tenant as _,
        level as _,
        at,
        id as _,
        fetch,
        emergency,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A patient's, in the order of [`open`].
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    status: Option<AlertStatus>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<ClinicalAlert>> {
    let tenant = tx.tenant();
    let (at, emergency, id) = apart(after);
    let rows = sqlx::query_as!(
        ClinicalAlert,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _", kind as "kind: _",
                  level as "level: _", score, at_least, parts, set_id as "vitals_id: _", measured_at, status as "status: _", raised_at,
                  acknowledged_by as "acknowledged_by: _", acknowledged_at, note, version
             from app.clinical_alerts
            where tenant_id = $1 and patient_id = $2
              and ($3::text is null or status = $3)
              and ($4::timestamptz is null or (raised_at, level = 'emergency', id) < ($4, $7::boolean, $5::uuid))
            order by raised_at desc, level = 'emergency' desc, id desc
            limit $6"#,
        tenant as _,
        patient as _,
        status as _,
        at,
        id as _,
        fetch,
        emergency,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn get(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ClinicalAlertId,
) -> Result<ClinicalAlert> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        ClinicalAlert,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _", kind as "kind: _",
                  level as "level: _", score, at_least, parts, set_id as "vitals_id: _", measured_at, status as "status: _", raised_at,
                  acknowledged_by as "acknowledged_by: _", acknowledged_at, note, version
             from app.clinical_alerts
            where tenant_id = $1 and patient_id = $2 and id = $3"#,
        tenant as _,
        patient as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)
}

/// Its status; others who want to change it wait.
pub(super) async fn lock(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ClinicalAlertId,
) -> Result<Option<AlertStatus>> {
    let tenant = tx.tenant();
    let status = sqlx::query_scalar!(
        r#"select status as "status: AlertStatus" from app.clinical_alerts
            where tenant_id = $1 and patient_id = $2 and id = $3
              for update"#,
        tenant as _,
        patient as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(status)
}

pub(super) async fn acknowledge(
    tx: &mut TenantTx,
    id: ClinicalAlertId,
    by: UserId,
    note: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.clinical_alerts
            set status = 'acknowledged', acknowledged_by = $3, acknowledged_at = $4, note = $5, version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        by as _,
        now,
        note,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
