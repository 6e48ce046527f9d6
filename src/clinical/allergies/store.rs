//! SQL of allergies.

use kernel::clock::Instant;
use kernel::ids::{AllergyId, EncounterId, PatientId, UserId};
use kernel::{Error, PartialDate, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{
    Allergy, AllergyKind, AllergySeverity, AllergyStatus, AllergyVerification, Criticality,
    NewAllergy, Reaction, Substance, SubstanceKind,
};
use crate::entries::Remembered;

/// Which rows of a patient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub id: Option<AllergyId>,
    pub status: Option<AllergyStatus>,
    /// Active and not refuted.
    pub live_only: bool,
    pub include_errors: bool,
}

#[derive(Deserialize)]
struct Row {
    id: AllergyId,
    patient_id: PatientId,
    kind: AllergyKind,
    substance_kind: SubstanceKind,
    substance_code: Option<String>,
    substance_text: String,
    severity: Option<AllergySeverity>,
    criticality: Criticality,
    status: AllergyStatus,
    verification: AllergyVerification,
    onset: Option<PartialDate>,
    reactions: Json<Vec<Reaction>>,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    recorded_at: Option<Instant>,
    error_reason: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Allergy {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            data: NewAllergy {
                kind: row.kind,
                substance: Substance {
                    kind: row.substance_kind,
                    code: row.substance_code,
                    text: Some(row.substance_text),
                },
                severity: row.severity,
                criticality: row.criticality,
                status: row.status,
                verification: row.verification,
                onset: row.onset,
                reactions: row.reactions.0,
                note: row.note,
                encounter_id: row.encounter_id,
                recorded_at: row.recorded_at,
            },
            error_reason: row.error_reason,
            version: row.version,
            recorded_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Allergy {
    const TABLE: &'static str = "allergies";
    const RESOURCE: &'static str = "allergy";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: Filter,
    after: Option<(Instant, AllergyId)>,
    limit: i64,
) -> Result<Vec<Allergy>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", kind as "kind: _", substance_kind as "substance_kind: _",
                  substance_code, substance_text, severity as "severity: _", criticality as "criticality: _", status as "status: _",
                  verification as "verification: _", onset as "onset: _", reactions as "reactions: _", note,
                  encounter_id as "encounter_id: _", recorded_at, error_reason, version, created_by as "created_by: _", created_at, updated_at
             from app.allergies
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null or status = $4)
              and (not $5 or (status = 'active' and verification in ('unconfirmed', 'confirmed')))
              and ($6 or verification <> 'entered_in_error')
              and ($7::timestamptz is null or (created_at, id) < ($7, $8))
            order by created_at desc, id desc
            limit $9"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        filter.live_only,
        filter.include_errors,
        at,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(tx: &mut TenantTx, patient: PatientId, id: AllergyId) -> Result<Allergy> {
    let filter = Filter {
        id: Some(id),
        include_errors: true,
        ..Filter::default()
    };
    page(tx, patient, filter, None, 1)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Of what kinds the patient's active allergies are.
pub(super) async fn live_kinds(
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<Vec<SubstanceKind>> {
    let tenant = tx.tenant();
    let kinds = sqlx::query_scalar!(
        r#"select distinct substance_kind as "kind: SubstanceKind" from app.allergies
            where tenant_id = $1 and patient_id = $2
              and status = 'active' and verification in ('unconfirmed', 'confirmed')"#,
        tenant as _,
        patient as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(kinds)
}

/// An active allergy to the same substance, other than `except`.
pub(super) async fn live_to(
    tx: &mut TenantTx,
    patient: PatientId,
    kind: SubstanceKind,
    key: &str,
    except: Option<AllergyId>,
) -> Result<Option<AllergyId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select id as "id: AllergyId" from app.allergies
            where tenant_id = $1 and patient_id = $2 and substance_kind = $3 and substance_key = $4
              and status = 'active' and verification in ('unconfirmed', 'confirmed')
              and ($5::uuid is null or id <> $5)"#,
        tenant as _,
        patient as _,
        kind as _,
        key,
        except as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// `key`: the substance as it is compared.
pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    id: AllergyId,
    data: &NewAllergy,
    key: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.allergies (tenant_id, id, patient_id, kind, substance_kind, substance_code, substance_text, substance_key,
                severity, criticality, status, verification, onset, reactions, note, encounter_id, recorded_at, created_by, created_at,
                updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $18, app.user_id(), $17, $17)",
        tenant as _,
        id as _,
        patient as _,
        data.kind as _,
        data.substance.kind as _,
        data.substance.code,
        data.substance.text,
        key,
        data.severity as _,
        data.criticality as _,
        data.status as _,
        data.verification as _,
        data.onset.as_ref() as _,
        Json(&data.reactions) as _,
        data.note,
        data.encounter_id as _,
        now,
        data.recorded_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes over an allergy of a patient who is held. `mistake`: why it should never have been entered.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: AllergyId,
    data: &NewAllergy,
    key: &str,
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.allergies
            set kind = $3, substance_kind = $4, substance_code = $5, substance_text = $6, substance_key = $7, severity = $8,
                criticality = $9, status = $10, verification = $11, onset = $12, reactions = $13, note = $14, encounter_id = $15,
                error_reason = $16, recorded_at = $18, version = version + 1, updated_at = $17
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.kind as _,
        data.substance.kind as _,
        data.substance.code,
        data.substance.text,
        key,
        data.severity as _,
        data.criticality as _,
        data.status as _,
        data.verification as _,
        data.onset.as_ref() as _,
        Json(&data.reactions) as _,
        data.note,
        data.encounter_id as _,
        mistake,
        now,
        data.recorded_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
