//! SQL of the timeline as it stood: the last image of each row at an instant, if it was the patient's then.
//!
//! Readings have no image until they are changed, and imported reports keep their earlier states beside them: both are asked
//! where they lie. A reading that changed hands since is told by its image from then, to whom it belonged; a report to whom it belongs.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use platform::db::TenantTx;

use super::store::{Event, Span};

/// The tables whose images tell of these kinds.
fn tables(kinds: &[&str]) -> Vec<&'static str> {
    let of = |kind: &str| -> &'static [&'static str] {
        match kind {
            "encounter" => &["encounters"],
            "note" => &["notes"],
            "problem" | "problem_onset" => &["problems"],
            "allergy" => &["allergies"],
            "allergy_statement" => &["allergy_statements"],
            "procedure" => &["procedures"],
            "immunization" => &["immunizations"],
            "document" => &["documents"],
            "referral" => &["referrals"],
            "alert" => &["clinical_alerts"],
            "care_plan" => &["care_plans"],
            "goal" => &["goals"],
            "family_history" => &["family_history"],
            "social_history" => &["social_history"],
            "diagnosis" => &["encounter_diagnoses", "encounters"],
            "appointment" => &["appointments"],
            "amendment_request" => &["note_amendment_requests"],
            _ => &[],
        }
    };
    kinds
        .iter()
        .flat_map(|kind| of(kind).iter().copied())
        .collect()
}

/// The latest first, as [`super::store::page`] shows them today.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    (kinds, then): (&[&str], Instant),
    span: Span,
    limit: i64,
) -> Result<Vec<Event>> {
    let tenant = tx.tenant();
    let (at, id, onset) = span.place();
    let rows = sqlx::query_as!(
        Event,
        r#"with zone (name) as materialized (select t.time_zone from app.tenants t where t.tenant_id = $1),
           last as (
             select distinct on (a.table_name, a.row_id) a.table_name, a.row_id as id, a.at, a.action, a.after as item
               from app.audit_log a
              where a.tenant_id = $1 and a.patient_id = $2 and a.at <= $9 and a.table_name = any($10)
              order by a.table_name, a.row_id, a.at desc, a.version desc),
           moves as materialized (select m.table_name, m.row_id, m.at, m.was, m.item from app.moves_of($2) m),
           states as materialized (
             select l.table_name, l.id, l.item, l.item ->> 'status' as status, l.item ->> 'verification' as verification
               from last l
              where l.action <> 'delete'
                and not exists (select from moves m
                                 where m.table_name = l.table_name and m.row_id = l.id and m.at > l.at and m.at <= $9)),
           -- Readings that changed hands since, the first time they did.
           moved as materialized (
             select distinct on (m.row_id) m.row_id, m.was, m.item from moves m
              where m.table_name = 'vitals' and m.at > $9 order by m.row_id, m.at),
           was_his as (
             select v.* from moved m cross join lateral jsonb_to_record(m.item) v (set_id uuid, kind text, measured_at timestamptz,
                    measured_on text, recorded_at timestamptz, status text, updated_at timestamptz)
              where m.was = $2),
           told (kind, id, instant, date, created, title, status) as (
             select 'encounter', s.id, coalesce(s.item ->> 'actual_start', s.item ->> 'scheduled_start'), s.item ->> 'starts_on', null,
                    coalesce(s.item ->> 'chief_complaint', replace(s.item ->> 'class', '_', ' ')), s.status
               from states s where s.table_name = 'encounters'
             union all
             select 'note', s.id, s.item ->> 'signed_at', null, null,
                    coalesce(s.item ->> 'title', replace(s.item ->> 'type', '_', ' ')), s.status
               from states s where s.table_name = 'notes' and s.status in ('signed', 'amended')
             union all
             select 'problem', s.id, coalesce(s.item ->> 'recorded_at', s.item ->> 'created_at'), null, null, s.item ->> 'name',
                    case s.verification when 'refuted' then 'refuted' else s.status end
               from states s where s.table_name = 'problems' and s.verification <> 'entered_in_error'
             union all
             select 'problem_onset', s.id, null, s.item ->> 'onset', null, s.item ->> 'name',
                    case s.verification when 'refuted' then 'refuted' else s.status end
               from states s
              where s.table_name = 'problems' and s.verification <> 'entered_in_error' and s.item ->> 'onset' is not null
             union all
             select 'allergy', s.id, coalesce(s.item ->> 'recorded_at', s.item ->> 'created_at'), null, null, s.item ->> 'substance_text',
                    case s.verification when 'refuted' then 'refuted' else s.status end
               from states s where s.table_name = 'allergies' and s.verification <> 'entered_in_error'
             union all
             select 'allergy_statement', s.id, s.item ->> 'stated_at', null, null, replace(s.item ->> 'statement', '_', ' '), null
               from states s where s.table_name = 'allergy_statements' and s.item ->> 'withdrawn_at' is null
             union all
             select 'procedure', s.id, s.item ->> 'performed_start', s.item ->> 'performed_on', s.item ->> 'created_at',
                    s.item ->> 'name', s.status
               from states s where s.table_name = 'procedures' and s.status <> 'entered_in_error'
             union all
             select 'immunization', s.id, s.item ->> 'given_at', case when s.item ->> 'given_at' is null then s.item ->> 'occurred_on' end,
                    null, s.item ->> 'name', s.status
               from states s where s.table_name = 'immunizations' and s.status <> 'entered_in_error'
             union all
             select 'document', s.id, null, s.item ->> 'document_date', null, s.item ->> 'title', replace(s.item ->> 'kind', '_', ' ')
               from states s where s.table_name = 'documents' and s.status = 'current'
             union all
             select 'referral', s.id, s.item ->> 'created_at', null, null, coalesce(s.item ->> 'specialty', s.item ->> 'reason'), s.status
               from states s where s.table_name = 'referrals' and s.status <> 'entered_in_error'
             union all
             select 'alert', s.id, s.item ->> 'raised_at', null, null, (s.item ->> 'kind') || ' ' || (s.item ->> 'score'), s.status
               from states s where s.table_name = 'clinical_alerts' and s.status <> 'withdrawn'
             union all
             select 'care_plan', s.id, null, s.item ->> 'starts_on', s.item ->> 'created_at', s.item ->> 'title', s.status
               from states s where s.table_name = 'care_plans' and s.status <> 'entered_in_error'
             union all
             select 'goal', s.id, null, s.item ->> 'starts_on', s.item ->> 'created_at', s.item ->> 'description', s.status
               from states s where s.table_name = 'goals' and s.status <> 'entered_in_error'
             union all
             select 'family_history', s.id, s.item ->> 'created_at', null, null, replace(s.item ->> 'relationship', '_', ' '), s.status
               from states s where s.table_name = 'family_history' and s.status <> 'entered_in_error'
             union all
             select 'social_history', s.id, s.item ->> 'effective_at', s.item ->> 'effective_on', null, replace(s.item ->> 'category', '_', ' '), s.status
               from states s where s.table_name = 'social_history' and s.status <> 'entered_in_error'
             union all
             select 'appointment', s.id, s.item ->> 'starts_at', null, null, replace(s.item ->> 'type', '_', ' '), s.status
               from states s where s.table_name = 'appointments'
             union all
             select 'amendment_request', s.id, s.item ->> 'created_at', null, null, null, s.status
               from states s where s.table_name = 'note_amendment_requests'
             union all
             select 'diagnosis', s.id,
                    least(coalesce(e.item ->> 'actual_start', e.item ->> 'scheduled_start')::timestamptz,
                          (s.item ->> 'created_at')::timestamptz)::text, e.item ->> 'starts_on', null, s.item ->> 'name', s.item ->> 'encounter_id'
               from states s
               join states e on e.table_name = 'encounters' and e.id = (s.item ->> 'encounter_id')::uuid
              where s.table_name = 'encounter_diagnoses' and s.status = 'active'),
           events as (
             select t.kind, t.id, t.title, t.status, t.date,
                    coalesce(t.instant::timestamptz,
                             (t.date || substr('-01-01', length(t.date) - 3))::timestamp at time zone (select z.name from zone z),
                             t.created::timestamptz) as at
               from told t where t.kind = any($3)
             union all
             select * from (
               select 'vitals', v.set_id, string_agg(replace(v.kind, '_', ' '), ', ' order by v.kind), 'final', min(v.measured_on), v.measured_at
                 from app.vitals v
                where v.tenant_id = $1 and v.patient_id = $2 and 'vitals' = any($3)
                  and v.recorded_at <= $9 and (v.status = 'final' or v.updated_at > $9)
                  and v.measured_at >= coalesce($4::timestamptz, '-infinity') and v.measured_at < coalesce($5::timestamptz, 'infinity')
                  and v.measured_at <= coalesce($6::timestamptz, 'infinity')
                  and ($6::timestamptz is null or (v.measured_at, v.set_id) < ($6, $7::uuid))
                  and not exists (select from moved m where m.row_id = v.id)
                group by v.measured_at, v.set_id
                order by v.measured_at desc, v.set_id desc limit $8) s
             union all
             select 'vitals', v.set_id, string_agg(replace(v.kind, '_', ' '), ', ' order by v.kind), 'final', min(v.measured_on), v.measured_at
               from was_his v
              where 'vitals' = any($3) and v.recorded_at <= $9 and (v.status = 'final' or v.updated_at > $9)
              group by v.measured_at, v.set_id
             union all
             select 'result', r.id, app.told_with_care(coalesce(r.content #>> '{code,text}', r.content #>> '{code,coding,0,display}'), r.content),
                    r.content ->> 'status',
                    substring(coalesce(r.content ->> 'effectiveDateTime', r.content #>> '{effectivePeriod,start}')
                              from '^\d{4}(?:-\d\d(?:-\d\d)?)?$'),
                    coalesce(r.effective_at, r.created_at)
               from (select c.id, c.resource_type, c.content, c.effective_at, c.created_at from app.imported_resources c
                      where c.tenant_id = $1 and c.patient_id = $2 and coalesce(c.content_since, c.created_at) <= $9
                     union all
                     select b.resource_id, b.resource_type, b.content, b.effective_at, coalesce(f.created_at, b.since)
                       from app.imported_resource_states b
                       left join app.imported_resources f on f.tenant_id = $1 and f.id = b.resource_id
                      where b.tenant_id = $1 and b.patient_id = $2 and b.since <= $9 and b.until > $9) r
              where 'result' = any($3) and r.resource_type = 'DiagnosticReport'
                and app.section_of_imported(r.resource_type, r.content) = 'results')
           select e.kind as "kind!", e.id as "id!", e.at as "at!", e.title, e.status, e.date as "date: _"
             from events e
            where ($4::timestamptz is null or e.at >= $4)
              and ($5::timestamptz is null or e.at < $5)
              and ($6::timestamptz is null or (e.at, e.id) < ($6, $7::uuid)
                   or e.kind = 'problem_onset' and not $11 and (e.at, e.id) = ($6, $7::uuid))
            order by e.at desc, e.id desc, e.kind = 'problem_onset'
            limit $8"#,
        tenant as _,
        patient as _,
        kinds as _,
        span.from,
        span.to,
        at,
        id,
        limit,
        then,
        &tables(kinds) as _,
        onset,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
