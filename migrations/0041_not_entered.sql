-- What an import could not enter is said where somebody looks for it: in the chart. A problem that was never coded is a problem all the
-- same. And what its source changes in a way that is not known here is not told as if it were not.

-- A code is asked of whoever writes a problem here. Elsewhere it was written in words, or in a code that no longer means anything.
alter table app.problems drop constraint problems_code_check;

-- Whether it should stand in the chart as its source says it now, and can't: told from what has no place there, or needs none. Rows of
-- before learn it when the next import reads them anew.
alter table app.imported_resources add column refused boolean not null default false;
create index imported_resources_refused_idx on app.imported_resources (tenant_id, patient_id, resource_type)
    where refused and entry_id is null;

-- FHIR lets an extension change what a resource means, up to its opposite. What is contained speaks for itself.
create function app.is_modified(content jsonb) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select content - 'contained' @? '$.**.modifierExtension[*] ? (@ != null)'
$$;
create function app.told_with_care(title text, content jsonb) returns text
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case when app.is_modified(content) then concat_ws(': ', 'Changed at its source in a way not known here', title) else title end
$$;
revoke all on function app.is_modified(jsonb), app.told_with_care(text, jsonb) from public;
grant execute on function app.is_modified(jsonb), app.told_with_care(text, jsonb) to chartwell_runtime;

-- As in 0024, with care.
create or replace function app.told_of_imported(resource_type text, source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'resource_type', resource_type,
        'status', content ->> 'status',
        'title', app.told_with_care(
                 coalesce(content #>> '{code,text}', content #>> '{code,coding,0,display}',
                          m.medication ->> 'text', m.medication #>> '{coding,0,display}',
                          content #>> '{medicationReference,display}', content #>> '{oralDiet,type,0,text}',
                          content #>> '{oralDiet,type,0,coding,0,display}', content ->> 'description'), content),
        'rxnorm', jsonb_path_query_first(m.medication,
            '$.coding[*] ? (@.system == "http://www.nlm.nih.gov/research/umls/rxnorm").code'),
        'dosage', app.dosage_told(case resource_type when 'MedicationRequest' then content -> 'dosageInstruction'
                                                     when 'MedicationStatement' then content -> 'dosage' end),
        'conclusion', case resource_type when 'DiagnosticReport' then
            (select string_agg(app.concept_told(c), '; ') from jsonb_path_query(content, '$.conclusionCode[*]') c) end))
      from (select case when resource_type in ('MedicationRequest', 'MedicationStatement')
                        then app.medication_of(source_id, content) end as medication) m
$$;

create or replace function app.results_of_imported(patient uuid, source_id text, content jsonb, told_at timestamptz) returns jsonb
    language plpgsql stable
as $$
begin
    return (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'title', app.told_with_care(coalesce(app.concept_told(f.found -> 'code'), r.reference ->> 'display'), f.found),
               'value', case when coalesce(f.found ->> 'status', '') <> 'entered-in-error' then app.value_told(f.found) end,
               'status', f.found ->> 'status',
               'interpretation', (select string_agg(app.concept_told(i), ', ') from jsonb_path_query(f.found, '$.interpretation[*]') i),
               'reference_range', (select string_agg(coalesce(i ->> 'text', app.range_told(i)), '; ')
                                     from jsonb_path_query(f.found, '$.referenceRange[*]') i))) order by r.place), '[]')
      from (select p.reference, p.place from jsonb_path_query(content, '$.result[*]') with ordinality as p (reference, place)
             where p.place <= 50) r
     cross join lateral (select case when starts_with(r.reference ->> 'reference', '#') then null
                                     else app.import_named('Observation', app.name_in_reference(source_id, r.reference)) end) as n (id)
      left join lateral (
            select jsonb_path_query_first(content, '$.contained[*] ? (@.id == $id)',
                                          jsonb_build_object('id', substr(r.reference ->> 'reference', 2)))
             where starts_with(r.reference ->> 'reference', '#')
            union all
            select o.content from app.imported_resources o
             where o.tenant_id = app.tenant_id() and o.id = n.id and o.patient_id = patient
               and (told_at is null or coalesce(o.content_since, o.created_at) <= told_at)
            union all
            select b.content from app.imported_resource_states b
             where b.tenant_id = app.tenant_id() and b.resource_id = n.id and b.patient_id = patient
               and b.since <= told_at and b.until > told_at
            limit 1) as f (found) on true);
end
$$;

-- A content that came beside the letter that names it is gone with the document that was made of it, as one within the letter is.
create or replace function app.without_papers(content jsonb) returns jsonb
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select content - '{conclusion,text,data}'::text[]
           || case jsonb_typeof(content -> 'content')
                  when 'array' then jsonb_build_object('content',
                      (select coalesce(jsonb_agg(case when jsonb_typeof(part -> 'attachment') = 'object' then part #- '{attachment,data}' else part end
                                                 order by place), '[]')
                         from jsonb_array_elements(content -> 'content') with ordinality as parts (part, place)))
                  when 'object' then jsonb_build_object('content', (content -> 'content') #- '{attachment,data}')
                  else '{}' end
           || case jsonb_typeof(content -> 'presentedForm')
                  when 'array' then jsonb_build_object('presentedForm',
                      (select coalesce(jsonb_agg(case when jsonb_typeof(part) = 'object' then part - 'data' else part end order by place), '[]')
                         from jsonb_array_elements(content -> 'presentedForm') with ordinality as parts (part, place)))
                  when 'object' then jsonb_build_object('presentedForm', (content -> 'presentedForm') - 'data')
                  else '{}' end
$$;

grant execute on function app.name_in_reference(text, jsonb) to chartwell_definer;
create or replace function app.forget_papers(document uuid, at timestamptz) returns setof uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant constant uuid := app.tenant_id();
    owner  uuid;
    led    uuid[];
begin
    select d.patient_id into owner from app.documents d where d.tenant_id = tenant and d.id = document and d.status = 'destroyed';
    if not found then
        raise exception 'only what was destroyed is forgotten' using errcode = 'insufficient_privilege';
    end if;
    led := array(select r.id from app.imported_resources r
                  where r.tenant_id = tenant and r.patient_id = owner and r.resource_type in ('DocumentReference', 'DiagnosticReport')
                    and (r.entry_id = document or document = any(r.joined)));
    update app.imported_resources b
       set content = app.without_papers(b.content), content_destroyed_at = at, version = b.version + 1, updated_at = at
     where b.tenant_id = tenant and b.resource_type = 'Binary' and (b.patient_id is null or b.patient_id = owner)
       and b.id in (select app.import_named('Binary', app.name_in_reference(r.source_id, jsonb_build_object('reference', u)))
                      from app.imported_resources r
                     cross join lateral (select jsonb_path_query(r.content, '$.content[*].attachment.url')
                                         union select jsonb_path_query(r.content, '$.presentedForm[*].url')) p (u)
                     where r.tenant_id = tenant and r.id = any(led));
    update app.imported_resource_states s set content = app.without_papers(s.content)
     where s.tenant_id = tenant and s.patient_id = owner and s.resource_type in ('DocumentReference', 'DiagnosticReport')
       and (s.entry_id = document or s.resource_id = any(led));
    return query
        update app.imported_resources r
           set content = app.without_papers(r.content), content_destroyed_at = at, version = r.version + 1, updated_at = at
         where r.tenant_id = tenant and r.id = any(led)
        returning r.id;
end
$$;
