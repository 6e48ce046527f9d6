//! SQL of questions that are asked before an entry is made, because the database would refuse it with its whole transaction.

use std::collections::{HashMap, HashSet};

use clinical::documents::{DocumentStatus, NewDocument};
use kernel::ids::{
    DiagnosisId, DocumentId, DocumentVersionId, EncounterId, PatientId, ProviderId, UserId,
};
use kernel::{Code, Error, Result};
use platform::db::TenantTx;
use serde_json::Value;
use uuid::Uuid;

use super::reference::Name;
use super::store::Waiting;

/// Whether the encounter has a diagnosis with one of these codes.
pub(super) async fn is_coded(
    tx: &mut TenantTx,
    encounter: EncounterId,
    icd10cm: Option<&str>,
    snomed: Option<&str>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.encounter_diagnoses where tenant_id = $1 and encounter_id = $2 and status = 'active'
                             and (icd10cm = $3 or snomed = $4)) as "found!""#,
        tenant as _,
        encounter as _,
        icd10cm,
        snomed,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// The diagnosis of the encounter that has one of these codes.
pub(super) async fn coded_as(
    tx: &mut TenantTx,
    encounter: EncounterId,
    (icd10cm, snomed): (Option<&str>, Option<&str>),
) -> Result<Option<DiagnosisId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select id as "id: DiagnosisId" from app.encounter_diagnoses
            where tenant_id = $1 and encounter_id = $2 and status = 'active' and (icd10cm = $3 or snomed = $4)
            order by rank limit 1"#,
        tenant as _,
        encounter as _,
        icd10cm,
        snomed,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// The other resources of the patient that led to the entry and were not taken back at their source, and their encounters.
pub(super) async fn also_lead_to(
    tx: &mut TenantTx,
    patient: PatientId,
    entry: Uuid,
    own: &Name,
) -> Result<Vec<(Name, Option<EncounterId>)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select resource_type, source_id, encounter_id as "encounter_id: EncounterId" from app.imported_resources
            where tenant_id = $1 and patient_id = $2 and (entry_id = $3 or $3 = any(joined))
              and (resource_type, source_id) <> ($4, $5)
              and not coalesce(content @? '$.status ? (@ == "entered-in-error")', false)
              and not coalesce(content @? '$.docStatus ? (@ == "entered-in-error")', false)
              and not coalesce(content @? '$.lifecycleStatus ? (@ == "entered-in-error")', false)
              and not coalesce(content @? '$.verificationStatus.coding[*].code ? (@ == "entered-in-error")', false)"#,
        tenant as _,
        patient as _,
        entry,
        own.resource_type,
        own.id,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                Name::new(row.resource_type, row.source_id),
                row.encounter_id,
            )
        })
        .collect())
}

/// The patient's other observations of the same moment and visit.
pub(super) async fn of_the_moment(tx: &mut TenantTx, of: &Waiting) -> Result<Vec<Waiting>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select k.id, k.resource_type, k.source_id, k.patient_id as "patient_id!: PatientId",
                  k.encounter_id as "encounter_id: EncounterId", k.content::text as "content!", k.entry_kind, k.entry_id, k.joined,
                  k.reason, k.reading
             from app.imported_resources k
            where k.tenant_id = $1 and k.patient_id = $2 and k.resource_type = 'Observation' and k.id <> $3
              and k.encounter_id is not distinct from $4
              and k.effective_at = (select m.effective_at from app.imported_resources m where m.tenant_id = $1 and m.id = $3)"#,
        tenant as _,
        of.patient as _,
        of.id,
        of.encounter as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            id: row.id,
            name: Name::new(row.resource_type, row.source_id),
            patient: row.patient_id,
            encounter: row.encounter_id,
            content: row.content,
            kind: row.entry_kind,
            entry: row.entry_id,
            joined: row.joined,
            reason: row.reason,
            reading: row.reading,
            is_shared: false,
        })
        .collect())
}

/// Lets the patient's resources of a kind that have no entry be looked at again.
pub(super) async fn reconsider(tx: &mut TenantTx, patient: PatientId, kind: &str) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.imported_resources set reading = null
          where tenant_id = $1 and patient_id = $2 and resource_type = $3 and entry_id is null and reading is not null",
        tenant as _,
        patient as _,
        kind,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a dose of the vaccine on that day stands in the chart.
pub(super) async fn has_dose(
    tx: &mut TenantTx,
    patient: PatientId,
    cvx: &str,
    occurred_on: &str,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.immunizations where tenant_id = $1 and patient_id = $2 and cvx = $3 and occurred_on = $4
                             and status = 'completed') as "found!""#,
        tenant as _,
        patient as _,
        cvx,
        occurred_on,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// The account of a provider.
pub(super) async fn account_of(tx: &mut TenantTx, provider: ProviderId) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select user_id as "user_id: UserId" from app.providers where tenant_id = $1 and id = $2"#,
        tenant as _,
        provider as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

/// The open membership of an account in a care team; one that ends with an encounter is none.
pub(super) async fn member(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
) -> Result<Option<Uuid>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select id from app.care_team_members where tenant_id = $1 and patient_id = $2 and user_id = $3 and valid_until is null
            and source <> 'encounter'
          order by id limit 1",
        tenant as _,
        patient as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// The patient's imported document that stands, has these bytes, and is of the same day, kind and encounter.
pub(super) async fn document_with(
    tx: &mut TenantTx,
    patient: PatientId,
    label: &NewDocument,
    sha256: &[u8; 32],
) -> Result<Option<DocumentId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select d.id as "id: DocumentId" from app.document_versions v
             join app.documents d on d.tenant_id = $1 and d.id = v.document_id
            where v.tenant_id = $1 and v.patient_id = $2 and v.sha256 = $3 and v.number = d.current_number
              and d.status = 'current' and d.source = 'import' and d.document_date = $4
              and d.loinc_code is not distinct from $5 and d.encounter_id is not distinct from $6
            order by d.id limit 1"#,
        tenant as _,
        patient as _,
        sha256.as_slice(),
        label.document_date,
        label.loinc_code,
        label.encounter_id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// What the newest versions of documents hold, by its hash.
pub(super) async fn hashes_of(
    tx: &mut TenantTx,
    documents: &[DocumentId],
) -> Result<HashMap<DocumentId, Vec<u8>>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select d.id as "id: DocumentId", v.sha256 from app.documents d
             join app.document_versions v on v.tenant_id = $1 and v.document_id = d.id and v.number = d.current_number
            where d.tenant_id = $1 and d.id = any($2)"#,
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.sha256)).collect())
}

/// The other resources of the patient that lead to a document, and their encounters.
pub(super) async fn others_of_document(
    tx: &mut TenantTx,
    waiting: &Waiting,
    document: DocumentId,
) -> Result<Vec<(Value, Option<EncounterId>)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select content, encounter_id as "encounter_id: EncounterId" from app.imported_resources
            where tenant_id = $1 and patient_id = $2 and resource_type in ('DocumentReference', 'DiagnosticReport')
              and id <> $3 and (entry_id = $4 or $4 = any(joined))"#,
        tenant as _,
        waiting.patient as _,
        waiting.id,
        document as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.content, row.encounter_id))
        .collect())
}

/// How a document is called and described.
pub(super) async fn document_words(
    tx: &mut TenantTx,
    id: DocumentId,
) -> Result<(String, Option<String>)> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select title, description from app.documents where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.title, row.description))
}

pub(super) async fn document_status(
    tx: &mut TenantTx,
    id: DocumentId,
) -> Result<Option<DocumentStatus>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select status as "status: DocumentStatus" from app.documents where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// Which of these letters the patient's other letters say that they replace.
pub(super) async fn replaced(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query_scalar!(
        r#"select k.id from app.imported_resources k
            where k.tenant_id = $1 and k.id = any($2)
              and exists (select from app.imported_resources r
                           cross join lateral jsonb_path_query(r.content, '$.relatesTo[*] ? (@.code == "replaces").target') t (target)
                           where r.tenant_id = $1 and r.patient_id = k.patient_id and r.resource_type = 'DocumentReference'
                             and r.content ? 'relatesTo' and not r.content @> '{"status": "entered-in-error"}'
                             and k.id = app.import_named('DocumentReference', app.name_in_reference(r.source_id, t.target)))"#,
        tenant as _,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// Lets filed letters be looked at again that are replaced by those that nothing has looked at yet.
pub(super) async fn reconsider_replaced(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.imported_resources k set reading = null
            where k.tenant_id = $1 and k.resource_type = 'DocumentReference' and k.entry_kind = 'document' and k.reading is not null
              and (k.id, k.patient_id) in (
                  select app.import_named('DocumentReference', app.name_in_reference(r.source_id, t.target)), r.patient_id
                    from (select s.source_id, s.patient_id, s.content from app.imported_resources s
                           where s.tenant_id = $1 and s.resource_type = 'DocumentReference' and s.reading is null offset 0) r
                   cross join lateral jsonb_path_query(r.content, '$.relatesTo[*] ? (@.code == "replaces").target') t (target))"#,
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A content that came beside the letter that names it, and what it is: nobody's, or the same patient's.
pub(super) async fn binary(
    tx: &mut TenantTx,
    patient: PatientId,
    name: &Name,
) -> Result<Option<(String, Option<String>)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select k.content ->> 'data' as data, k.content ->> 'contentType' as content_type from app.imported_resources k
            where k.tenant_id = $1 and k.id = app.import_named('Binary', $2) and k.resource_type = 'Binary'
              and (k.patient_id is null or k.patient_id = $3)"#,
        tenant as _,
        name.id,
        patient as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| Some((row.data?, row.content_type))))
}

/// Whether a document has this version.
pub(super) async fn is_filed(tx: &mut TenantTx, version: DocumentVersionId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.document_versions where tenant_id = $1 and id = $2) as "found!""#,
        tenant as _,
        version as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether nobody here has written the row or changed it: what an import adds to an entry of somebody here does not make it the
/// import's. That a merge moved it to another registration changes nothing of it, nor what a merge said of it that was taken back.
pub(super) async fn is_untouched(tx: &mut TenantTx, table: &str, id: Uuid) -> Result<bool> {
    let tenant = tx.tenant();
    let touched = sqlx::query_scalar!(
        r#"select exists (select from app.audit_log a
                           where a.tenant_id = $1 and a.table_name = $2 and a.row_id = $3 and a.role <> 'system'
                             and (a.action <> 'update' or a.before - '{patient_id,version,updated_at}'::text[] <> '{}')
                             and not exists (
                                 select from app.patient_merge_rows j
                                   join app.patient_merges g on g.tenant_id = $1 and g.id = j.merge_id and g.status = 'undone'
                                   join app.audit_log m on m.tenant_id = $1 and m.table_name = 'patient_merges' and m.row_id = g.id
                                                       and m.xid = a.xid
                                  where j.tenant_id = $1 and j.table_name = $2 and j.row_key = jsonb_build_object('id', $3::uuid)
                                    and j.fate in ('superseded', 'denied'))) as "touched!""#,
        tenant as _,
        table,
        id,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(!touched)
}

/// Whether a document says what its source said: nobody here has changed its label, its content or its state, or signed it. That it
/// was released to the patient, is kept longer, or was moved by a merge changes nothing of it.
pub(super) async fn is_document_untouched(tx: &mut TenantTx, id: DocumentId) -> Result<bool> {
    let tenant = tx.tenant();
    let changed = sqlx::query_scalar!(
        r#"select exists (select from app.audit_log
                           where tenant_id = $1 and table_name = 'documents' and row_id = $2 and action = 'update' and role <> 'system'
                             and before - '{patient_id,released_at,released_by,keep_until,version,updated_at}'::text[] <> '{}')
               or exists (select from app.document_attestations where tenant_id = $1 and document_id = $2) as "changed!""#,
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(!changed)
}

/// Whether an entry is marked as entered in error.
pub(super) async fn is_taken_back(tx: &mut TenantTx, id: Uuid) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.problems where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.encounter_diagnoses where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.allergies where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.procedures where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.immunizations where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.care_plans where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.goals where tenant_id = $1 and id = $2 and error_reason is not null)
               or exists (select from app.social_history where tenant_id = $1 and id = $2 and error_reason is not null)
                  as "found!""#,
        tenant as _,
        id,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// A resource as it was kept before this run.
pub(super) async fn content_of(tx: &mut TenantTx, name: &Name) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    let content = sqlx::query_scalar!(
        "select content from app.imported_resources where tenant_id = $1 and resource_type = $2 and source_id = $3",
        tenant as _,
        name.resource_type,
        name.id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(content)
}

/// Lets a resource lead to another entry than before, which has taken its place.
///
/// # Errors
/// `unavailable` when another import has meanwhile done so.
pub(super) async fn move_entry(
    tx: &mut TenantTx,
    name: &Name,
    before: Uuid,
    (kind, id): (&str, Uuid),
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.imported_resources set entry_kind = $5, entry_id = $6
          where tenant_id = $1 and resource_type = $2 and source_id = $3 and entry_id = $4",
        tenant as _,
        name.resource_type,
        name.id,
        before,
        kind,
        id,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        let detail = "Another import is at work on the same records.";
        Err(Error::new(Code::Unavailable).detail(detail))
    }
}

/// Lets a resource lead to nothing any more.
pub(super) async fn part_from_entry(tx: &mut TenantTx, name: &Name, entry: Uuid) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.imported_resources set entry_kind = null, entry_id = null, joined = '{}'
          where tenant_id = $1 and resource_type = $2 and source_id = $3 and entry_id = $4",
        tenant as _,
        name.resource_type,
        name.id,
        entry,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
