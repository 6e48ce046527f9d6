//! SQL of the timeline: each kind from its own index, no further than the page is long.
//!
//! What is known by its day alone lies where that day begins on the organisation's clocks. What has begun lies where it began,
//! not where it was planned; a diagnosis with its encounter, but never later than it was written down.

use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{PartialDate, Result};
use platform::db::TenantTx;
use uuid::Uuid;

/// Where an event lies, and whether it is a problem's onset: the problem has the same id, and may have the same time.
pub(super) type Place = (Instant, Uuid, bool);

/// Which part of it.
pub(super) struct Span {
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    pub after: Option<Place>,
}

impl Span {
    pub fn place(&self) -> (Option<Instant>, Option<Uuid>, bool) {
        match self.after {
            Some((at, id, onset)) => (Some(at), Some(id), onset),
            None => (None, None, false),
        }
    }
}

pub(super) struct Event {
    pub kind: String,
    pub id: Uuid,
    pub at: Instant,
    pub title: Option<String>,
    pub status: Option<String>,
    /// Of what is known by its day, month or year alone: that, as it was said.
    pub date: Option<PartialDate>,
}

impl Event {
    pub fn place(&self) -> Place {
        (self.at, self.id, self.kind == "problem_onset")
    }
}

/// The latest first. What is known of an encounter is looked up for those on the page alone.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    (kinds, released_only): (&[&str], bool),
    span: Span,
    limit: i64,
) -> Result<Vec<Event>> {
    let tenant = tx.tenant();
    let (at, id, onset) = span.place();
    let rows = sqlx::query_as!(
        Event,
        r#"with zone (name) as materialized (select t.time_zone from app.tenants t where t.tenant_id = $1),
           events as (
             select * from (select 'encounter'::text as kind, r.id, case when r.began_at is null then r.scheduled_start else r.began_at end as at, null::text as title, null::text as status, null::text as date
                from app.encounter_register r
               where r.tenant_id = $1 and r.patient_id = $2 and 'encounter' = any($3) and true
                 and ($4::timestamptz is null or case when r.began_at is null then r.scheduled_start else r.began_at end >= $4)
                 and ($5::timestamptz is null or case when r.began_at is null then r.scheduled_start else r.began_at end < $5)
                 and ($6::timestamptz is null or (case when r.began_at is null then r.scheduled_start else r.began_at end, r.id) < ($6, $7::uuid))
               order by case when r.began_at is null then r.scheduled_start else r.began_at end desc, r.id desc limit $8) s
             union all
             select * from (select 'note'::text as kind, r.id, r.signed_at as at, coalesce(r.title, replace(r.type, '_', ' ')) as title, r.status as status, null::text as date
                from app.notes r
               where r.tenant_id = $1 and r.patient_id = $2 and 'note' = any($3) and r.status in ('signed', 'amended')
                 and ($4::timestamptz is null or r.signed_at >= $4)
                 and ($5::timestamptz is null or r.signed_at < $5)
                 and ($6::timestamptz is null or (r.signed_at, r.id) < ($6, $7::uuid))
               order by r.signed_at desc, r.id desc limit $8) s
             union all
             select * from (select 'released_note'::text as kind, r.id, r.noted_at as at, coalesce(r.document ->> 'title', replace(r.document ->> 'type', '_', ' ')) as title, null::text as status, null::text as date
                from app.released_notes r
               where r.tenant_id = $1 and r.patient_id = $2 and 'released_note' = any($3) and true
                 and ($4::timestamptz is null or r.noted_at >= $4)
                 and ($5::timestamptz is null or r.noted_at < $5)
                 and ($6::timestamptz is null or (r.noted_at, r.id) < ($6, $7::uuid))
               order by r.noted_at desc, r.id desc limit $8) s
             union all
             select * from (select 'problem'::text as kind, r.id, coalesce(r.recorded_at, r.created_at) as at, r.name as title, case r.verification when 'refuted' then 'refuted' else r.status end as status, null::text as date
                from app.problems r
               where r.tenant_id = $1 and r.patient_id = $2 and 'problem' = any($3) and r.verification <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.recorded_at, r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.recorded_at, r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.recorded_at, r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.recorded_at, r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'problem_onset'::text as kind, r.id, (r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z) as at, r.name as title, case r.verification when 'refuted' then 'refuted' else r.status end as status, r.onset as date
                from app.problems r
               where r.tenant_id = $1 and r.patient_id = $2 and 'problem_onset' = any($3) and r.verification <> 'entered_in_error' and r.onset is not null
                 and ($4::timestamptz is null or (r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z) >= $4)
                 and ($5::timestamptz is null or (r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z) < $5)
                 and ($6::timestamptz is null or ((r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z), r.id) < ($6, $7::uuid)
                      or not $10 and ((r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z), r.id) = ($6, $7::uuid))
               order by (r.onset || substr('-01-01', length(r.onset) - 3))::timestamp at time zone (select z.name from zone z) desc, r.id desc limit $8) s
             union all
             select * from (select 'allergy'::text as kind, r.id, coalesce(r.recorded_at, r.created_at) as at, r.substance_text as title, case r.verification when 'refuted' then 'refuted' else r.status end as status, null::text as date
                from app.allergies r
               where r.tenant_id = $1 and r.patient_id = $2 and 'allergy' = any($3) and r.verification <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.recorded_at, r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.recorded_at, r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.recorded_at, r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.recorded_at, r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'allergy_statement'::text as kind, r.id, r.stated_at as at, replace(r.statement, '_', ' ') as title, null::text as status, null::text as date
                from app.allergy_statements r
               where r.tenant_id = $1 and r.patient_id = $2 and 'allergy_statement' = any($3) and r.withdrawn_at is null
                 and ($4::timestamptz is null or r.stated_at >= $4)
                 and ($5::timestamptz is null or r.stated_at < $5)
                 and ($6::timestamptz is null or (r.stated_at, r.id) < ($6, $7::uuid))
               order by r.stated_at desc, r.id desc limit $8) s
             union all
             select * from (select 'procedure'::text as kind, r.id, coalesce(r.performed_start, (r.performed_on || substr('-01-01', length(r.performed_on) - 3))::timestamp at time zone (select z.name from zone z), r.created_at) as at, r.name as title, r.status as status, case when r.performed_start is null then r.performed_on end as date
                from app.procedures r
               where r.tenant_id = $1 and r.patient_id = $2 and 'procedure' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.performed_start, (r.performed_on || substr('-01-01', length(r.performed_on) - 3))::timestamp at time zone (select z.name from zone z), r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.performed_start, (r.performed_on || substr('-01-01', length(r.performed_on) - 3))::timestamp at time zone (select z.name from zone z), r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.performed_start, (r.performed_on || substr('-01-01', length(r.performed_on) - 3))::timestamp at time zone (select z.name from zone z), r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.performed_start, (r.performed_on || substr('-01-01', length(r.performed_on) - 3))::timestamp at time zone (select z.name from zone z), r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'immunization'::text as kind, r.id, coalesce(r.given_at, (r.occurred_on || substr('-01-01', length(r.occurred_on) - 3))::timestamp at time zone (select z.name from zone z)) as at, r.name as title, r.status as status, case when r.given_at is null then r.occurred_on end as date
                from app.immunizations r
               where r.tenant_id = $1 and r.patient_id = $2 and 'immunization' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.given_at, (r.occurred_on || substr('-01-01', length(r.occurred_on) - 3))::timestamp at time zone (select z.name from zone z)) >= $4)
                 and ($5::timestamptz is null or coalesce(r.given_at, (r.occurred_on || substr('-01-01', length(r.occurred_on) - 3))::timestamp at time zone (select z.name from zone z)) < $5)
                 and ($6::timestamptz is null or (coalesce(r.given_at, (r.occurred_on || substr('-01-01', length(r.occurred_on) - 3))::timestamp at time zone (select z.name from zone z)), r.id) < ($6, $7::uuid))
               order by coalesce(r.given_at, (r.occurred_on || substr('-01-01', length(r.occurred_on) - 3))::timestamp at time zone (select z.name from zone z)) desc, r.id desc limit $8) s
             union all
             select * from (select 'document'::text as kind, r.id, r.document_date::timestamp at time zone (select z.name from zone z) as at, r.title as title, replace(r.kind, '_', ' ') as status, r.document_date::text as date
                from app.documents r
               where r.tenant_id = $1 and r.patient_id = $2 and 'document' = any($3) and r.status = 'current'
                 and ($4::timestamptz is null or r.document_date::timestamp at time zone (select z.name from zone z) >= $4)
                 and ($5::timestamptz is null or r.document_date::timestamp at time zone (select z.name from zone z) < $5)
                 and ($6::timestamptz is null or (r.document_date::timestamp at time zone (select z.name from zone z), r.id) < ($6, $7::uuid))
               order by r.document_date::timestamp at time zone (select z.name from zone z) desc, r.id desc limit $8) s
             union all
             select * from (select 'referral'::text as kind, r.id, r.created_at as at, coalesce(r.specialty, r.reason) as title, r.status as status, null::text as date
                from app.referrals r
               where r.tenant_id = $1 and r.patient_id = $2 and 'referral' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or r.created_at >= $4)
                 and ($5::timestamptz is null or r.created_at < $5)
                 and ($6::timestamptz is null or (r.created_at, r.id) < ($6, $7::uuid))
               order by r.created_at desc, r.id desc limit $8) s
             union all
             select * from (select 'alert'::text as kind, r.id, r.raised_at as at, r.kind || ' ' || r.score as title, r.status as status, null::text as date
                from app.clinical_alerts r
               where r.tenant_id = $1 and r.patient_id = $2 and 'alert' = any($3) and r.status <> 'withdrawn'
                 and ($4::timestamptz is null or r.raised_at >= $4)
                 and ($5::timestamptz is null or r.raised_at < $5)
                 and ($6::timestamptz is null or (r.raised_at, r.id) < ($6, $7::uuid))
               order by r.raised_at desc, r.id desc limit $8) s
             union all
             select * from (select 'care_plan'::text as kind, r.id, coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) as at, r.title as title, r.status as status, r.starts_on::text as date
                from app.care_plans r
               where r.tenant_id = $1 and r.patient_id = $2 and 'care_plan' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'goal'::text as kind, r.id, coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) as at, r.description as title, r.status as status, r.starts_on::text as date
                from app.goals r
               where r.tenant_id = $1 and r.patient_id = $2 and 'goal' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.starts_on::timestamp at time zone (select z.name from zone z), r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'family_history'::text as kind, r.id, r.created_at as at, replace(r.relationship, '_', ' ') as title, r.status as status, null::text as date
                from app.family_history r
               where r.tenant_id = $1 and r.patient_id = $2 and 'family_history' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or r.created_at >= $4)
                 and ($5::timestamptz is null or r.created_at < $5)
                 and ($6::timestamptz is null or (r.created_at, r.id) < ($6, $7::uuid))
               order by r.created_at desc, r.id desc limit $8) s
             union all
             select * from (select 'social_history'::text as kind, r.id, r.effective_at as at, replace(r.category, '_', ' ') as title, r.status as status, r.effective_on as date
                from app.social_history r
               where r.tenant_id = $1 and r.patient_id = $2 and 'social_history' = any($3) and r.status <> 'entered_in_error'
                 and ($4::timestamptz is null or r.effective_at >= $4)
                 and ($5::timestamptz is null or r.effective_at < $5)
                 and ($6::timestamptz is null or (r.effective_at, r.id) < ($6, $7::uuid))
               order by r.effective_at desc, r.id desc limit $8) s
             union all
             select * from (select 'result'::text as kind, r.id, coalesce(r.effective_at, r.created_at) as at, coalesce(r.content #>> '{code,text}', r.content #>> '{code,coding,0,display}') as title, r.content ->> 'status' as status, substring(coalesce(r.content ->> 'effectiveDateTime', r.content #>> '{effectivePeriod,start}') from '^\d{4}(?:-\d\d(?:-\d\d)?)?$') as date
                from app.imported_resources r
               where r.tenant_id = $1 and r.patient_id = $2 and 'result' = any($3) and r.resource_type = 'DiagnosticReport' and app.section_of_imported(r.resource_type, r.content) = 'results' and (not $9::boolean or not r.needs_release or r.released_at is not null)
                 and ($4::timestamptz is null or coalesce(r.effective_at, r.created_at) >= $4)
                 and ($5::timestamptz is null or coalesce(r.effective_at, r.created_at) < $5)
                 and ($6::timestamptz is null or (coalesce(r.effective_at, r.created_at), r.id) < ($6, $7::uuid))
               order by coalesce(r.effective_at, r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'appointment'::text as kind, r.id, r.starts_at as at, replace(r.type, '_', ' ') as title, r.status as status, null::text as date
                from app.appointments r
               where r.tenant_id = $1 and r.patient_id = $2 and 'appointment' = any($3) and true
                 and ($4::timestamptz is null or r.starts_at >= $4)
                 and ($5::timestamptz is null or r.starts_at < $5)
                 and ($6::timestamptz is null or (r.starts_at, r.id) < ($6, $7::uuid))
               order by r.starts_at desc, r.id desc limit $8) s
             union all
             select * from (select 'amendment_request'::text as kind, r.id, r.created_at as at, null::text as title, r.status as status, null::text as date
                from app.note_amendment_requests r
               where r.tenant_id = $1 and r.patient_id = $2 and 'amendment_request' = any($3) and true
                 and ($4::timestamptz is null or r.created_at >= $4)
                 and ($5::timestamptz is null or r.created_at < $5)
                 and ($6::timestamptz is null or (r.created_at, r.id) < ($6, $7::uuid))
               order by r.created_at desc, r.id desc limit $8) s
             union all
             select * from (select 'diagnosis'::text as kind, r.id, least(case when e.began_at is null then e.scheduled_start else e.began_at end, r.created_at) as at, r.name as title, r.encounter_id::text as status, null::text as date
                from app.encounter_diagnoses r
                join app.encounter_register e on e.tenant_id = $1 and e.patient_id = r.patient_id and e.id = r.encounter_id
               where r.tenant_id = $1 and r.patient_id = $2 and 'diagnosis' = any($3) and r.status = 'active'
                 and ($4::timestamptz is null or least(case when e.began_at is null then e.scheduled_start else e.began_at end, r.created_at) >= $4)
                 and ($5::timestamptz is null or least(case when e.began_at is null then e.scheduled_start else e.began_at end, r.created_at) < $5)
                 and ($6::timestamptz is null or (least(case when e.began_at is null then e.scheduled_start else e.began_at end, r.created_at), r.id) < ($6, $7::uuid))
               order by least(case when e.began_at is null then e.scheduled_start else e.began_at end, r.created_at) desc, r.id desc limit $8) s
             union all
             select * from (select 'vitals'::text, r.set_id, r.measured_at, string_agg(replace(r.kind, '_', ' '), ', ' order by r.kind), 'final', min(r.measured_on)
                from app.vitals r
               where r.tenant_id = $1 and r.patient_id = $2 and 'vitals' = any($3) and r.status = 'final'
                 and ($4::timestamptz is null or r.measured_at >= $4)
                 and ($5::timestamptz is null or r.measured_at < $5)
                 and ($6::timestamptz is null or (r.measured_at, r.set_id) < ($6, $7::uuid))
               group by r.measured_at, r.set_id
               order by r.measured_at desc, r.set_id desc limit $8) s),
           page as (select * from events e order by e.at desc, e.id desc, e.kind = 'problem_onset' limit $8)
           select p.kind as "kind!", p.id as "id!", p.at as "at!",
                  case p.kind when 'encounter' then coalesce(v.chief_complaint, replace(v.class, '_', ' '))
                              when 'result' then app.told_with_care(p.title, (select o.content from app.imported_resources o
                                                                              where o.tenant_id = $1 and o.id = p.id))
                              else p.title end as title,
                  case when p.kind = 'encounter' then v.status else p.status end as status,
                  coalesce(p.date, v.starts_on) as "date: _"
             from page p
             left join lateral (select x.chief_complaint, x.class, x.status, x.starts_on
                                  from app.encounter_by_id($1, case p.kind when 'encounter' then p.id
                                                                           when 'diagnosis' then p.status::uuid end) x
                                 where x.tenant_id = $1) v on true
            order by p.at desc, p.id desc, p.kind = 'problem_onset'"#,
        tenant as _,
        patient as _,
        kinds as _,
        span.from,
        span.to,
        at,
        id,
        limit,
        released_only,
        onset,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
