//! SQL of referrals.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, EncounterId, PatientId, ProviderId, ReferralId, UserId};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{
    NewReferral, Referral, ReferralOrganization, ReferralPriority, ReferralProgress,
};
use super::status::ReferralStatus;
use crate::entries::Remembered;
use crate::terminology::Coding;

#[derive(Deserialize)]
struct Row {
    id: ReferralId,
    patient_id: PatientId,
    status: ReferralStatus,
    error_reason: Option<String>,
    status_reason: Option<String>,
    sent_at: Option<Instant>,
    answered_at: Option<Instant>,
    scheduled_for: Option<Instant>,
    closed_at: Option<Instant>,
    consult_note_id: Option<Uuid>,
    consult_document_id: Option<DocumentId>,
    to_provider_id: Option<ProviderId>,
    to_organization: Option<Json<ReferralOrganization>>,
    priority: ReferralPriority,
    specialty: Option<String>,
    reason: String,
    reason_codes: Json<Vec<Coding>>,
    needed_by: Option<NaiveDate>,
    provider_id: Option<ProviderId>,
    encounter_id: Option<EncounterId>,
    note: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Referral {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            progress: ReferralProgress {
                status: row.status,
                status_reason: row.status_reason,
                error_reason: row.error_reason,
                sent_at: row.sent_at,
                answered_at: row.answered_at,
                scheduled_for: row.scheduled_for,
                closed_at: row.closed_at,
                consult_note_id: row.consult_note_id,
                consult_document_id: row.consult_document_id,
            },
            data: NewReferral {
                to_provider_id: row.to_provider_id,
                to_organization: row.to_organization.map(|json| json.0),
                priority: row.priority,
                specialty: row.specialty,
                reason: row.reason,
                reason_codes: row.reason_codes.0,
                needed_by: row.needed_by,
                provider_id: row.provider_id,
                encounter_id: row.encounter_id,
                note: row.note,
            },
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Referral {
    const TABLE: &'static str = "referrals";
    const RESOURCE: &'static str = "referral";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Which rows of a patient; without anything said, all that stand.
#[derive(Default)]
pub(super) struct Filter {
    pub id: Option<ReferralId>,
    pub status: Option<ReferralStatus>,
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: &Filter,
    after: Option<(Instant, ReferralId)>,
    limit: i64,
) -> Result<Vec<Referral>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", status as "status: _", error_reason, status_reason, sent_at,
                  answered_at, scheduled_for, closed_at, consult_note_id, consult_document_id as "consult_document_id: _",
                  to_provider_id as "to_provider_id: _",
                  to_organization as "to_organization: _", priority as "priority: _", specialty, reason,
                  reason_codes as "reason_codes: _", needed_by, provider_id as "provider_id: _",
                  encounter_id as "encounter_id: _", note, version, created_by as "created_by: _", created_at,
                  updated_at
             from app.referrals
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null and ($3::uuid is not null or status <> 'entered_in_error') or status = $4)
              and ($5::timestamptz is null or (created_at, id) < ($5, $6))
            order by created_at desc, id desc
            limit $7"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Referral::from).collect())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ReferralId,
) -> Result<Option<Referral>> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    Ok(page(tx, patient, &filter, None, 1).await?.pop())
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: ReferralId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.referrals where tenant_id = $1 and id = $2 and patient_id = $3 for no key update",
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    (patient, id): (PatientId, ReferralId),
    data: &NewReferral,
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.referrals (tenant_id, id, patient_id, status, to_provider_id, to_organization, priority, specialty, reason, reason_codes,
            needed_by, provider_id, encounter_id, note, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        tenant as _,
        id as _,
        patient as _,
        ReferralStatus::Draft as _,
        data.to_provider_id as _,
        data.to_organization.as_ref().map(Json) as _,
        data.priority as _,
        data.specialty,
        data.reason,
        Json(&data.reason_codes) as _,
        data.needed_by,
        data.provider_id as _,
        data.encounter_id as _,
        data.note,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what was amended; its row is locked.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: ReferralId,
    data: &NewReferral,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.referrals
            set to_provider_id = $3, to_organization = $4, priority = $5, specialty = $6, reason = $7, reason_codes = $8,
                needed_by = $9, provider_id = $10, encounter_id = $11, note = $12,
                version = version + 1, updated_at = $13
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.to_provider_id as _,
        data.to_organization.as_ref().map(Json) as _,
        data.priority as _,
        data.specialty,
        data.reason,
        Json(&data.reason_codes) as _,
        data.needed_by,
        data.provider_id as _,
        data.encounter_id as _,
        data.note,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes where a referral stands; its row is locked.
pub(super) async fn set_progress(
    tx: &mut TenantTx,
    id: ReferralId,
    progress: &ReferralProgress,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.referrals
            set status = $3, status_reason = $4, error_reason = $5, sent_at = $6, answered_at = $7, scheduled_for = $8,
                closed_at = $9, consult_note_id = $10, consult_document_id = $12, version = version + 1, updated_at = $11
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        progress.status as _,
        progress.status_reason,
        progress.error_reason,
        progress.sent_at,
        progress.answered_at,
        progress.scheduled_for,
        progress.closed_at,
        progress.consult_note_id,
        now,
        progress.consult_document_id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
