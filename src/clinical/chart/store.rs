//! SQL of the chart: all its sections in one statement, as images of rows.

use std::collections::BTreeMap;

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use platform::db::TenantTx;
use serde_json::value::RawValue;
use sqlx::types::Json;

/// Which sections of whom.
pub(super) struct Asked {
    pub patient: PatientId,
    pub sections: Vec<&'static str>,
    /// Whose unsigned work.
    pub caller: UserId,
    pub at: Instant,
    /// Rows of a section.
    pub limit: i64,
    /// Whether imported notes and results are shown only where they were released.
    pub released_only: bool,
}

/// A section: how many there are, and the first of them.
pub(super) struct Found {
    pub total: i64,
    pub items: Vec<Box<RawValue>>,
}

struct Row {
    section: String,
    total: i64,
    items: Json<Vec<Box<RawValue>>>,
}

/// By name. A section that was asked for is there, empty if it is.
fn sections(asked: &Asked, rows: Vec<Row>) -> BTreeMap<String, Found> {
    let mut found: BTreeMap<String, Found> = asked
        .sections
        .iter()
        .map(|name| {
            let empty = Found {
                total: 0,
                items: Vec::new(),
            };
            ((*name).to_owned(), empty)
        })
        .collect();
    for row in rows {
        let (total, items) = (row.total, row.items.0);
        if total > 0 {
            found.insert(row.section, Found { total, items });
        }
    }
    found
}

/// The sections as they are. Encounters are found in the register, which knows their months and when they began: what has begun
/// is no longer to come, whenever it was planned. Where somebody may have very
/// many, no more than a hundred are counted: each row asks its policy, which takes longer than reading it.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn present(tx: &mut TenantTx, asked: &Asked) -> Result<BTreeMap<String, Found>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"with found (section, place, item, total) as (
             select * from (select 'problems', row_number() over (order by r.created_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.problems r
               where r.tenant_id = $1 and r.patient_id = $2 and 'problems' = any($3)
                 and r.status <> 'resolved' and r.verification not in ('refuted', 'entered_in_error')
               order by r.created_at desc, r.id desc limit $4) s
             union all
             select * from (select 'allergies', row_number() over (order by r.created_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.allergies r
               where r.tenant_id = $1 and r.patient_id = $2 and 'allergies' = any($3)
                 and r.status = 'active' and r.verification in ('unconfirmed', 'confirmed')
               order by r.created_at desc, r.id desc limit 200) s
             union all
             select * from (select 'allergy_statements', row_number() over (order by r.stated_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.allergy_statements r
               where r.tenant_id = $1 and r.patient_id = $2 and 'allergy_statements' = any($3) and r.withdrawn_at is null
               order by r.stated_at desc, r.id desc limit 200) s
             union all
             select 'encounters', w.place,
                    to_jsonb(e) || jsonb_build_object('attending_provider',
                        p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '')), w.total
               from (select r.id, row_number() over (order by r.at desc, r.id desc) as place, count(*) over () as total
                       from (select g.id, case when g.began_at is null then g.scheduled_start else g.began_at end as at from app.encounter_register g
                              where g.tenant_id = $1 and g.patient_id = $2 and 'encounters' = any($3)
                                and case when g.began_at is null then g.scheduled_start else g.began_at end <= $5
                              order by case when g.began_at is null then g.scheduled_start else g.began_at end desc, g.id desc limit 100) r
                      order by r.at desc, r.id desc limit $4) w
               cross join lateral app.encounter_by_id($1, w.id) e
               left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
              where e.tenant_id = $1
             union all
             select * from (select 'upcoming', row_number() over (order by e.scheduled_start, e.id),
                    to_jsonb(e) || jsonb_build_object('attending_provider',
                        p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '')), count(*) over ()
                from app.encounters e
                left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
               where e.tenant_id = $1 and e.patient_id = $2 and 'upcoming' = any($3) and e.scheduled_start > $5
                 and e.status = 'scheduled'
               order by e.scheduled_start, e.id limit $4) s
             union all
             select * from (select 'referrals', row_number() over (order by r.created_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.referrals r
               where r.tenant_id = $1 and r.patient_id = $2 and 'referrals' = any($3)
                 and r.status in ('draft', 'sent', 'accepted', 'scheduled')
               order by r.created_at desc, r.id desc limit $4) s
             union all
             select * from (select 'clinical_alerts', row_number() over (order by r.raised_at desc, r.level = 'emergency' desc, r.id desc), to_jsonb(r),
                    count(*) over ()
                from app.clinical_alerts r
               where r.tenant_id = $1 and r.patient_id = $2 and 'clinical_alerts' = any($3) and r.status = 'open'
               order by r.raised_at desc, r.level = 'emergency' desc, r.id desc limit $4) s
             union all
             select * from (select 'note_amendment_requests', row_number() over (order by r.due_on, r.id), to_jsonb(r), count(*) over ()
                from app.note_amendment_requests r
               where r.tenant_id = $1 and r.patient_id = $2 and 'note_amendment_requests' = any($3) and r.status = 'requested'
               order by r.due_on, r.id limit $4) s
             union all
             select * from (select 'immunizations', row_number() over (order by r.occurred_on desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.immunizations r
               where r.tenant_id = $1 and r.patient_id = $2 and 'immunizations' = any($3) and r.status <> 'entered_in_error'
               order by r.occurred_on desc, r.id desc limit 1000) s
             union all
             select * from (select 'care_team_members', row_number() over (order by r.valid_from, r.id),
                    to_jsonb(r) || jsonb_build_object('name',
                        n.given_name || ' ' || n.family_name || coalesce(', ' || p.credential, '')), count(*) over ()
                from app.care_team_members r
                left join app.names_of_team($2) n on n.user_id = r.user_id
                left join app.providers p on p.tenant_id = $1 and p.user_id = r.user_id
               where r.tenant_id = $1 and r.patient_id = $2 and 'care_team_members' = any($3)
                 and r.valid_from <= $5 and (r.valid_until is null or r.valid_until > $5)
               order by r.valid_from, r.id limit $4) s
             union all
             select * from (select 'care_plans', row_number() over (order by r.created_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.care_plans r
               where r.tenant_id = $1 and r.patient_id = $2 and 'care_plans' = any($3) and r.status in ('active', 'on_hold')
               order by r.created_at desc, r.id desc limit $4) s
             union all
             select * from (select 'goals', row_number() over (order by r.created_at desc, r.id desc), to_jsonb(r), count(*) over ()
                from app.goals r
               where r.tenant_id = $1 and r.patient_id = $2 and 'goals' = any($3) and r.status in ('proposed', 'active', 'on_hold')
               order by r.created_at desc, r.id desc limit $4) s
             union all
             select 'notes', w.place,
                    to_jsonb(r) || jsonb_build_object('author',
                        u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, '')), w.total
               from (select n.id, row_number() over (order by n.noted_at desc, n.id desc) as place, count(*) over () as total
                       from (select g.id, g.noted_at from app.notes g
                              where g.tenant_id = $1 and g.patient_id = $2 and 'notes' = any($3) and g.status in ('signed', 'amended')
                              order by g.noted_at desc, g.id desc limit 100) n
                      order by n.noted_at desc, n.id desc limit $4) w
               join app.notes r on r.tenant_id = $1 and r.id = w.id
               left join app.users u on u.tenant_id = $1 and u.id = r.author_id
               left join app.providers p on p.tenant_id = $1 and p.user_id = r.author_id
             union all
             select * from (select 'released_notes', row_number() over (order by r.noted_at desc, r.id desc),
                    jsonb_build_object('id', r.id, 'type', r.document -> 'type', 'title', r.document -> 'title',
                                       'author', r.document -> 'author', 'noted_at', r.noted_at, 'released_at', r.released_at),
                    count(*) over ()
                from app.released_notes r
               where r.tenant_id = $1 and r.patient_id = $2 and 'released_notes' = any($3)
               order by r.noted_at desc, r.id desc limit $4) s
             union all
             select * from (select 'documents', row_number() over (order by r.document_date desc, r.id desc), to_jsonb(r), count(*) over ()
                from (select * from app.documents g
                       where g.tenant_id = $1 and g.patient_id = $2 and 'documents' = any($3) and g.status = 'current'
                       order by g.document_date desc, g.id desc limit 100) r
               order by r.document_date desc, r.id desc limit $4) s
             union all
             select * from (select 'unsigned', row_number() over (order by r.since, r.note_id), to_jsonb(r), count(*) over ()
                from (select n.id as note_id, 'draft' as work, n.type, n.title, n.created_at as since from app.notes n
                       where n.tenant_id = $1 and n.patient_id = $2 and n.status = 'draft' and n.author_id = $6
                      union all
                      select n.id, 'cosignature', n.type, n.title, c.requested_at from app.note_cosignatures c
                        join app.notes n on n.tenant_id = $1 and n.id = c.note_id and n.status <> 'entered_in_error'
                       where c.tenant_id = $1 and c.patient_id = $2 and c.status = 'pending' and c.supervisor_id = $6
                         and c.open_since is null) r
               where 'unsigned' = any($3)
               order by r.since, r.note_id limit $4) s
             union all
             select * from (select r.section, r.place,
                    app.told_of_imported(r.resource_type, r.source_id, r.content)
                        || jsonb_build_object('id', r.id, 'effective_at', r.effective_at)
                        || case r.section when 'results'
                               then jsonb_build_object('results', app.results_of_imported($2, r.source_id, r.content, null)) else '{}' end,
                    r.total
                from (select k.section, g.id, g.resource_type, g.source_id, g.content, g.effective_at,
                             count(*) over (partition by k.section) as total,
                             row_number() over (partition by k.section order by g.effective_at desc nulls last, g.id desc) as place
                        from app.imported_resources g
                       cross join lateral (select app.section_of_imported(g.resource_type, g.content, $5) as section offset 0) k    -- once a row
                       where g.tenant_id = $1 and g.patient_id = $2
                         and g.resource_type in ('DiagnosticReport', 'MedicationRequest', 'MedicationStatement', 'ServiceRequest',
                                                 'NutritionOrder', 'Task')
                         and k.section = any($3)
                         and (not $7::boolean or not g.needs_release or g.released_at is not null)) r
               where r.place <= $4) s
             union all
             select 'not_entered', row_number() over (order by s.resource_type), to_jsonb(s), count(*) over ()
                from (select g.resource_type, count(*) as total from app.imported_resources g
                       where g.tenant_id = $1 and g.patient_id = $2 and 'not_entered' = any($3) and g.refused and g.entry_id is null
                         and (not $7::boolean or not g.needs_release or g.released_at is not null)
                       group by g.resource_type) s)
           select section as "section!", max(total) as "total!", jsonb_agg(item order by place) as "items!: _"
             from found group by section"#,
        tenant as _,
        asked.patient as _,
        &asked.sections as _,
        asked.limit,
        asked.at,
        asked.caller as _,
        asked.released_only,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(sections(asked, rows))
}

/// The sections as they were: the last image of each row, if it was the patient's then.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn past(tx: &mut TenantTx, asked: &Asked) -> Result<BTreeMap<String, Found>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"with last as (
             select distinct on (a.table_name, a.row_id) a.table_name, a.row_id, a.at, a.after as item
               from app.audit_log a
              where a.tenant_id = $1 and a.patient_id = $2 and a.at <= $5
                and a.table_name in ('problems', 'allergies', 'allergy_statements', 'encounters', 'referrals', 'clinical_alerts',
                                     'note_amendment_requests', 'immunizations', 'care_team_members', 'care_plans', 'goals', 'notes',
                                     'documents')
              order by a.table_name, a.row_id, a.at desc, a.version desc),
           moves as materialized (select m.table_name, m.row_id, m.at from app.moves_of($2) m),
           states as (
             select case when l.table_name = 'encounters'
                              and coalesce(l.item ->> 'actual_start', l.item ->> 'scheduled_start')::timestamptz > $5 then 'upcoming'
                         when l.table_name = 'notes' and l.item ->> 'status' = 'draft' then 'unsigned'
                         else l.table_name end as section,
                    l.item, l.item ->> 'status' as status, l.item ->> 'verification' as verification,
                    coalesce(l.item ->> 'actual_start', l.item ->> 'scheduled_start', l.item ->> 'noted_at', l.item ->> 'document_date', l.item ->> 'raised_at',
                             l.item ->> 'stated_at', l.item ->> 'valid_from', l.item ->> 'created_at')::timestamptz as happened
               from last l
              where not exists (select from moves m
                                 where m.table_name = l.table_name and m.row_id = l.row_id and m.at > l.at and m.at <= $5)),
           shown as (
             select s.section, s.total, s.place,
                    case when s.section = 'unsigned'
                         then jsonb_build_object('note_id', s.item -> 'id', 'work', 'draft', 'type', s.item -> 'type',
                                                 'title', s.item -> 'title', 'since', s.item -> 'created_at')
                         else s.item end as item
               from (select t.section, t.item, count(*) over (partition by t.section) as total,
                            row_number() over (partition by t.section
                                                   order by case when t.section = 'note_amendment_requests' then t.item ->> 'due_on' end,
                                                            case when t.section = 'upcoming' then t.happened end, t.happened desc,
                                                            case when t.section = 'clinical_alerts' then t.item ->> 'level' end) as place
                       from states t
                      where t.section = any($3)
                        and case t.section
                                 when 'problems' then t.status <> 'resolved' and t.verification not in ('refuted', 'entered_in_error')
                                 when 'allergies' then t.status = 'active' and t.verification in ('unconfirmed', 'confirmed')
                                 when 'allergy_statements' then t.item ->> 'withdrawn_at' is null
                                 when 'upcoming' then t.status = 'scheduled'
                                 when 'referrals' then t.status in ('draft', 'sent', 'accepted', 'scheduled')
                                 when 'clinical_alerts' then t.status = 'open'
                                 when 'note_amendment_requests' then t.status = 'requested'
                                 when 'immunizations' then t.status <> 'entered_in_error'
                                 when 'care_team_members' then (t.item ->> 'valid_from')::timestamptz <= $5
                                      and coalesce((t.item ->> 'valid_until')::timestamptz > $5, true)
                                 when 'care_plans' then t.status in ('active', 'on_hold')
                                 when 'goals' then t.status in ('proposed', 'active', 'on_hold')
                                 when 'notes' then t.status in ('signed', 'amended')
                                 when 'documents' then t.status = 'current'
                                 when 'unsigned' then t.item ->> 'author_id' = $6::uuid::text
                                 else true end) s
              where s.place <= case when s.section in ('immunizations', 'allergies') then 1000 else $4::bigint end)
           select s.section as "section!", max(s.total) as "total!", jsonb_agg(s.item order by s.place) as "items!: _"
             from shown s group by s.section
           union all
           select i.section, max(i.total),
                  jsonb_agg(app.told_of_imported(i.resource_type, i.source_id, i.content)
                                || jsonb_build_object('id', i.id, 'effective_at', i.effective_at)
                                || case i.section when 'results'
                                       then jsonb_build_object('results', app.results_of_imported($2, i.source_id, i.content, $5)) else '{}' end
                            order by i.place)
             from (select k.section, r.id, r.resource_type, r.source_id, r.content, r.effective_at,
                          count(*) over (partition by k.section) as total,
                          row_number() over (partition by k.section order by r.effective_at desc nulls last, r.id desc) as place
                     from (select c.id, c.resource_type, c.source_id, c.content, c.effective_at from app.imported_resources c
                            where c.tenant_id = $1 and c.patient_id = $2 and coalesce(c.content_since, c.created_at) <= $5
                              and c.resource_type in ('DiagnosticReport', 'MedicationRequest', 'MedicationStatement', 'ServiceRequest',
                                                      'NutritionOrder', 'Task')
                            union all
                           select b.resource_id, b.resource_type, b.source_id, b.content, b.effective_at
                             from app.imported_resource_states b
                            where b.tenant_id = $1 and b.patient_id = $2 and b.since <= $5 and b.until > $5) r
                    cross join lateral (select app.section_of_imported(r.resource_type, r.content, $5) as section offset 0) k    -- once a row
                    where k.section = any($3)) i
            where i.place <= $4
            group by i.section"#,
        tenant as _,
        asked.patient as _,
        &asked.sections as _,
        asked.limit,
        asked.at,
        asked.caller as _,
    )
    .fetch_all(tx.conn())
    .await?;
    // Released copies are read by patients only, who do not read the past.
    Ok(sections(asked, rows))
}
