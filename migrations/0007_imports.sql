-- What came from elsewhere: which of their resources became which of our rows, and every resource that has no table of its own,
-- kept as it came, linked to its patient and encounter. Beside it stands what became of it: the entry of the chart that was made
-- of it, or why none was. The resource itself stays as it came, because an entry says less than it.

create table app.import_links (
    tenant_id      uuid  not null,
    resource_type  text  not null,
    source_id      text  not null,               -- FHIR id, or system|value of an identifier
    target_id      uuid  not null,
    content_hash   bytea not null,               -- of the source resource: an unchanged one is skipped
    imported_at    timestamptz not null,
    constraint import_links_pkey primary key (tenant_id, resource_type, source_id)
);
create index import_links_target_idx on app.import_links (tenant_id, target_id);
select app.tenant_table('app.import_links', read => '{system}', write => '{system}', history => false);

-- A note, a result of the laboratory, and whatever can't be told from them, are a patient's to read when a provider has
-- released them to him: that they were written elsewhere releases nothing. Named are the kinds that need no release, because
-- they are no note and no result; of observations those that say they are vital signs, social history or a survey.
create function app.imported_needs_release(resource_type text, category jsonb) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case
        when resource_type = 'Observation' then
            coalesce(not category @? '$[*].coding[*].code ? (@ == "vital-signs" || @ == "social-history" || @ == "survey" || @ == "sdoh")'
                     or category @? '$[*].coding[*].code ? (@ == "laboratory" || @ == "imaging" || @ == "procedure" || @ == "exam")', true)
        else resource_type <> all ('{AllergyIntolerance,Appointment,CarePlan,CareTeam,Claim,ClaimResponse,Condition,Consent,Coverage,Device,
DeviceUseStatement,ExplanationOfBenefit,FamilyMemberHistory,Goal,Immunization,Medication,MedicationAdministration,MedicationDispense,
MedicationRequest,MedicationStatement,NutritionOrder,Procedure,ServiceRequest}'::text[])
    end
$$;
revoke all on function app.imported_needs_release(text, jsonb) from public;
grant execute on function app.imported_needs_release(text, jsonb) to chartwell_runtime, chartwell_definer;

create table app.imported_resources (
    tenant_id      uuid        not null,
    id             uuid        not null,
    resource_type  text        not null,
    source_id      text        not null,
    patient_id     uuid,
    encounter_id   uuid,
    effective_at   timestamptz,                  -- the resource's own date, where it has one
    content        jsonb       not null,
    content_hash   bytea       not null,
    content_destroyed_at timestamptz,            -- since when it is kept without what a document that was destroyed was made of
    content_since  timestamptz,                  -- since when the present content is here; null: since the row was made
    entry_kind     text,                         -- what it was entered as
    entry_id       uuid,                         -- of vitals the set, of a care team a membership
    reason         text,                         -- why there is no entry, or what the entry lacks; never a value
    reading        smallint,                     -- which edition of the rules looked at it; null: none yet
    joined         uuid[]      not null default '{}',    -- of a care team: the memberships it opened; they end when it says so, no others do
    needs_release  boolean     not null generated always as (app.imported_needs_release(resource_type, content -> 'category')) stored,
    released_at    timestamptz,
    released_by    uuid,
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint imported_resources_pkey primary key (tenant_id, id),
    constraint imported_resources_source_key unique (tenant_id, resource_type, source_id),
    constraint imported_resources_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint imported_resources_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint imported_resources_entry_check check ((entry_kind is null) = (entry_id is null)),
    constraint imported_resources_kind_check check (entry_kind in ('problem', 'diagnosis', 'allergy', 'allergy_statement',
        'procedure', 'immunization', 'vitals', 'social_history', 'care_plan', 'care_team', 'goal', 'document'))
);
create index imported_resources_patient_idx on app.imported_resources (tenant_id, patient_id, resource_type, id);
-- What has not been entered, for a later run to look at again.
create index imported_resources_kept_idx on app.imported_resources (tenant_id, id) where entry_id is null;
select app.tenant_table('app.imported_resources', of_patient => true, history => false,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}', adds => '{system}');
select app.narrow_policies('app.imported_resources', $$app.actor_role() <> 'patient' or not needs_release or released_at is not null$$, 'r');

-- The states of an imported resource that another has taken the place of. Few are ever changed, so none is kept twice.
create table app.imported_resource_states (
    tenant_id      uuid        not null,
    id             uuid        not null,
    resource_id    uuid        not null,
    patient_id     uuid        not null,
    encounter_id   uuid,
    resource_type  text        not null,
    source_id      text        not null,
    effective_at   timestamptz,
    content        jsonb       not null,
    entry_kind     text,
    entry_id       uuid,
    reason         text,
    needs_release  boolean     not null,
    version        bigint      not null,
    since          timestamptz not null,
    until          timestamptz not null,
    constraint imported_resource_states_pkey primary key (tenant_id, id),
    constraint imported_resource_states_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint imported_resource_states_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint imported_resource_states_resource_fkey foreign key (tenant_id, resource_id) references app.imported_resources (tenant_id, id),
    constraint imported_resource_states_span_check check (since <= until)
);
create index imported_resource_states_patient_idx on app.imported_resource_states (tenant_id, patient_id, resource_type, resource_id);
create index imported_resource_states_resource_idx on app.imported_resource_states (tenant_id, resource_id, since);
select app.tenant_table('app.imported_resource_states', of_patient => true, history => false,
                        read => '{admin,provider,nurse,system}', write => '{system}');

-- A resource without what documents are made of: attached contents, a conclusion, and the narrative, which may repeat both.
create function app.without_papers(content jsonb) returns jsonb
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select content - '{conclusion,text}'::text[]
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
revoke all on function app.without_papers(jsonb) from public;
grant execute on function app.without_papers(jsonb) to chartwell_runtime, chartwell_definer;

-- A provider releases and withholds, and changes nothing else. What comes anew from its source was released to nobody, and what
-- it said before is kept. (The generated column is compared nowhere: before the row is written it is not computed yet.)
create function app.guard_imported_resource() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'provider'
       and to_jsonb(new) - '{released_at,released_by,version,updated_at,needs_release}'::text[]
           is distinct from to_jsonb(old) - '{released_at,released_by,version,updated_at,needs_release}'::text[] then
        raise exception 'an imported resource is changed by its source' using errcode = 'insufficient_privilege';
    end if;
    -- What was destroyed does not come back with its source. Its destruction is nothing the source says: no state is kept of it.
    if new.content_destroyed_at is not null then
        new.content := app.without_papers(new.content);
    end if;
    if old.content_destroyed_at is distinct from new.content_destroyed_at then
        return new;
    end if;
    if new.content is distinct from old.content then
        new.released_at := null;
        new.released_by := null;
        new.content_since := new.updated_at;
        if old.patient_id is not null then
            insert into app.imported_resource_states (tenant_id, id, resource_id, patient_id, encounter_id, resource_type, source_id,
                    effective_at, content, entry_kind, entry_id, reason, needs_release, version, since, until)
            values (old.tenant_id, gen_random_uuid(), old.id, old.patient_id, old.encounter_id, old.resource_type, old.source_id,
                    old.effective_at, old.content, old.entry_kind, old.entry_id, old.reason, old.needs_release, old.version,
                    coalesce(old.content_since, old.created_at), new.updated_at);
        end if;
    end if;
    return new;
end
$$;
create trigger imported_resources_guard before update on app.imported_resources
    for each row execute function app.guard_imported_resource();

-- Which section of a chart shows a resource, if any does. Reports that were cancelled or an error are none; what must not be
-- done is no order, and what was only proposed is not taken.
create function app.section_of_imported(resource_type text, content jsonb) returns text
    language sql immutable parallel safe
as $$
    select case
        when resource_type = 'DiagnosticReport' then
            case when coalesce(content ->> 'status', '') not in ('entered-in-error', 'cancelled') then 'results' end
        when content @> '{"doNotPerform": true}' then null
        when resource_type in ('MedicationRequest', 'MedicationStatement') then
            case when content ->> 'status' in ('active', 'on-hold')
                  and coalesce(content ->> 'intent', '') not in ('proposal', 'option') then 'medications' end
        when resource_type in ('ServiceRequest', 'NutritionOrder') then
            case when content ->> 'status' in ('draft', 'active', 'on-hold') then 'open_orders' end
        when resource_type = 'Task' then
            case when content ->> 'status' in ('draft', 'requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold')
                 then 'tasks' end
    end
$$;
revoke all on function app.section_of_imported(text, jsonb) from public;
grant execute on function app.section_of_imported(text, jsonb) to chartwell_runtime;

-- What a Medication that was kept says it is: a code of the world, and nobody's, as a Medication has no patient. For which no
-- policy can tell who may read it.
create function app.medication_named(source_id text) returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select m.content -> 'code' from app.imported_resources m
     where m.tenant_id = app.tenant_id() and m.resource_type = 'Medication' and m.source_id = medication_named.source_id
       and m.patient_id is null and app.actor_role() in ('admin', 'provider', 'nurse', 'patient', 'system')
$$;
alter function app.medication_named(text) owner to chartwell_definer;
revoke all on function app.medication_named(text) from public;
grant execute on function app.medication_named(text) to chartwell_runtime;
grant select on app.imported_resources to chartwell_definer;

-- What a prescription is for: its own code, that of a Medication it contains, or of one that was imported. Sources that number
-- alike are told apart by what stands before a #, the same for all of a source.
create function app.medication_of(source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select case
        when content ? 'medicationCodeableConcept' then content -> 'medicationCodeableConcept'
        when starts_with(content #>> '{medicationReference,reference}', '#') then
            jsonb_path_query_first(content, '$.contained[*] ? (@.id == $id).code',
                                   jsonb_build_object('id', substr(content #>> '{medicationReference,reference}', 2)))
        when content #>> '{medicationReference,reference}' is not null then
            app.medication_named(coalesce(substring(source_id from '^[^#]*#'), '')
                || regexp_replace(regexp_replace(content #>> '{medicationReference,reference}', '/_history/.*$', ''), '^(.*/|urn:uuid:)', ''))
    end
$$;
revoke all on function app.medication_of(text, jsonb) from public;
grant execute on function app.medication_of(text, jsonb) to chartwell_runtime;

-- What a chart says of a resource.
create function app.told_of_imported(resource_type text, source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'resource_type', resource_type,
        'status', content ->> 'status',
        'title', coalesce(content #>> '{code,text}', content #>> '{code,coding,0,display}',
                          m.medication ->> 'text', m.medication #>> '{coding,0,display}',
                          content #>> '{medicationReference,display}', content #>> '{oralDiet,type,0,text}',
                          content #>> '{oralDiet,type,0,coding,0,display}', content ->> 'description'),
        'rxnorm', jsonb_path_query_first(m.medication,
            '$.coding[*] ? (@.system == "http://www.nlm.nih.gov/research/umls/rxnorm").code'),
        'dosage', (select string_agg(t #>> '{}', '; ')
                     from jsonb_path_query(case resource_type when 'MedicationRequest' then content -> 'dosageInstruction'
                                                              when 'MedicationStatement' then content -> 'dosage' end,
                                           '$[*].text') t)))
      from (select case when resource_type in ('MedicationRequest', 'MedicationStatement')
                        then app.medication_of(source_id, content) end as medication) m
$$;
revoke all on function app.told_of_imported(text, text, jsonb) from public;
grant execute on function app.told_of_imported(text, text, jsonb) to chartwell_runtime;
