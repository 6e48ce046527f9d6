-- What came from elsewhere, a second time: what of it a patient is shown, and what a front desk may write.

-- What a patient is shown ------------------------------------------------------------------------------------------------
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

alter table app.imported_resources
    add column needs_release boolean not null generated always as (app.imported_needs_release(resource_type, content -> 'category')) stored;
alter table app.imported_resources add column released_at timestamptz;
alter table app.imported_resources add column released_by uuid;

-- The same policies as before, and a provider may change a row: to release it, as the guard below sees to.
drop policy imported_resources_select on app.imported_resources;
drop policy imported_resources_insert on app.imported_resources;
drop policy imported_resources_update on app.imported_resources;
drop policy imported_resources_delete on app.imported_resources;
select app.tenant_table('app.imported_resources', of_patient => true, history => false,
                        read => '{admin,provider,nurse,patient,system}', write => '{provider,system}', adds => '{system}');
select app.narrow_policies('app.imported_resources', $$app.actor_role() <> 'patient' or not needs_release or released_at is not null$$, 'r');

-- A provider releases and withholds, and changes nothing else. What comes anew from its source was released to nobody. (The
-- generated column is compared nowhere: before the row is written it is not computed yet.)
create function app.guard_imported_resource() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'provider'
       and to_jsonb(new) - '{released_at,released_by,version,updated_at,needs_release}'::text[]
           is distinct from to_jsonb(old) - '{released_at,released_by,version,updated_at,needs_release}'::text[] then
        raise exception 'an imported resource is changed by its source' using errcode = 'insufficient_privilege';
    end if;
    if new.content is distinct from old.content then
        new.released_at := null;
        new.released_by := null;
    end if;
    return new;
end
$$;
create trigger imported_resources_guard before update on app.imported_resources
    for each row execute function app.guard_imported_resource();

-- What a front desk may write ----------------------------------------------------------------------------------------------
-- It plans encounters and keeps the appointments of referrals. What is clinical in them is not for it to change: of an
-- encounter only why somebody wants to come, until he has come; of a referral only when.
create function app.guard_referral() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'staff'
       and (to_jsonb(new) - '{status,scheduled_for,version,updated_at}'::text[]
            is distinct from to_jsonb(old) - '{status,scheduled_for,version,updated_at}'::text[]
            or new.status is distinct from old.status and new.status <> 'scheduled') then
        raise exception 'the front desk keeps the appointment of a referral' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger referrals_guard before update on app.referrals for each row execute function app.guard_referral();

-- What an import brings -----------------------------------------------------------------------------------------------------
-- When it was recorded, where that was not here: an import's problems were not all found on the day of the import.
alter table app.problems add column recorded_at timestamptz;
alter table app.allergies add column recorded_at timestamptz;
-- A dose that was too weak, or not given whole: it was given, and does not count in the schedule.
alter table app.immunizations add column is_subpotent boolean not null default false;

-- What a source said before ---------------------------------------------------------------------------------------------------
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

-- Since when the present content is here; null: since the row was made.
alter table app.imported_resources add column content_since timestamptz;

create or replace function app.guard_imported_resource() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'provider'
       and to_jsonb(new) - '{released_at,released_by,version,updated_at,needs_release}'::text[]
           is distinct from to_jsonb(old) - '{released_at,released_by,version,updated_at,needs_release}'::text[] then
        raise exception 'an imported resource is changed by its source' using errcode = 'insufficient_privilege';
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
