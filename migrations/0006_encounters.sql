-- Encounters: visits and stays, partitioned by the month they are scheduled for.
-- A partitioned table can't have a key without its partition column, so each encounter also stands in the register, which
-- is not partitioned: others refer to (tenant, patient, encounter) there, and an encounter looked up by id is first found
-- there, so that one month is visited and not all of them. Moving an encounter to another month changes nothing that refers
-- to it.

create table app.encounter_register (
    tenant_id        uuid        not null,
    id               uuid        not null,
    patient_id       uuid        not null,
    scheduled_start  timestamptz not null,
    constraint encounter_register_pkey primary key (tenant_id, id),
    constraint encounter_register_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint encounter_register_patient_key unique (tenant_id, patient_id, id)
);
create index encounter_register_patient_idx on app.encounter_register (tenant_id, patient_id, scheduled_start);
select app.tenant_table('app.encounter_register', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');

create table app.encounters (
    tenant_id              uuid        not null,
    id                     uuid        not null,
    patient_id             uuid        not null,
    class                  text        not null,
    status                 text        not null default 'scheduled',
    scheduled_start        timestamptz not null,
    scheduled_end          timestamptz,
    actual_start           timestamptz,
    actual_end             timestamptz,
    time_zone              text        not null,      -- IANA; the clinic's wall clock
    facility_id            uuid,
    department_id          uuid,
    attending_provider_id  uuid,
    chief_complaint        text,
    reason_codes           jsonb       not null default '[]',
    disposition            text,
    cancel_reason          text,
    version                bigint      not null default 1,
    created_by             uuid,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    constraint encounters_pkey primary key (tenant_id, scheduled_start, id),
    constraint encounters_register_fkey foreign key (tenant_id, patient_id, id) references app.encounter_register (tenant_id, patient_id, id),
    constraint encounters_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint encounters_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint encounters_provider_fkey foreign key (tenant_id, attending_provider_id) references app.providers (tenant_id, id),
    constraint encounters_class_check check (class in ('office_visit', 'inpatient', 'emergency', 'telemedicine', 'procedure', 'consultation')),
    constraint encounters_status_check check (status in ('scheduled', 'in_progress', 'completed', 'cancelled', 'no_show')),
    constraint encounters_schedule_check check (scheduled_end is null or scheduled_start <= scheduled_end),
    constraint encounters_actual_check check (actual_end is null or actual_start <= actual_end)
) partition by range (scheduled_start);
create index encounters_patient_idx on app.encounters (tenant_id, patient_id, scheduled_start);
create index encounters_provider_idx on app.encounters (tenant_id, attending_provider_id, scheduled_start);
create index encounters_facility_idx on app.encounters (tenant_id, facility_id, scheduled_start);
select app.tenant_table('app.encounters', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}',
                        may_delete => '{admin,provider,nurse,staff,system}');

-- Old records lie in one partition; months begin in 2010 and are made when first needed.
create table app.encounters_before_2010 (like app.encounters including defaults including constraints);
alter table app.encounters_before_2010 enable row level security;
alter table app.encounters_before_2010 force row level security;
-- Attaching checks the (empty) partition's foreign keys through the policies, which want a context: nobody's.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.encounters attach partition app.encounters_before_2010 for values from (minvalue) to ('2010-01-01 00:00:00+00');

-- One encounter by its id: the register names the month, and that month alone is read, as the caller (not a definer).
-- A function, for two reasons. Both reads see the same snapshot, so an encounter that is being moved is never missed. And
-- its plan is kept: over many months the planner would rather make a new one each time, which costs more than the read
-- (measured with 124 partitions: 100 µs against 40).
create function app.encounter_by_id(tenant uuid, encounter uuid) returns setof app.encounters
    language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
    start timestamptz;
begin
    select r.scheduled_start into start from app.encounter_register r where r.tenant_id = tenant and r.id = encounter;
    return query select e.* from app.encounters e
                  where e.tenant_id = tenant and e.scheduled_start = start and e.id = encounter;
end
$$;
revoke all on function app.encounter_by_id(uuid, uuid) from public;
grant execute on function app.encounter_by_id(uuid, uuid) to chartwell_runtime;

create table app.encounter_participants (
    tenant_id     uuid        not null,
    id            uuid        not null,
    patient_id    uuid        not null,
    encounter_id  uuid        not null,
    provider_id   uuid,
    user_id       uuid,                                -- a nurse or assistant; exactly one of the two
    role          text        not null,
    valid_from    timestamptz,
    valid_until   timestamptz,
    version       bigint      not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint encounter_participants_pkey primary key (tenant_id, id),
    constraint encounter_participants_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint encounter_participants_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint encounter_participants_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint encounter_participants_who_check check (num_nonnulls(provider_id, user_id) = 1),
    constraint encounter_participants_role_check check (role in ('attending', 'consulting', 'referring', 'assisting', 'nurse', 'other'))
);
create index encounter_participants_encounter_idx on app.encounter_participants (tenant_id, encounter_id);
select app.tenant_table('app.encounter_participants', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');

-- Where an inpatient lay, and from when until when.
create table app.bed_stays (
    tenant_id      uuid        not null,
    id             uuid        not null,
    patient_id     uuid        not null,
    encounter_id   uuid        not null,
    facility_id    uuid        not null,
    department_id  uuid        not null,
    bed            text        not null,
    starts_at      timestamptz not null,
    ends_at        timestamptz,
    version        bigint      not null default 1,
    created_by     uuid,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint bed_stays_pkey primary key (tenant_id, id),
    constraint bed_stays_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint bed_stays_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint bed_stays_period_check check (ends_at is null or starts_at <= ends_at),
    -- One patient a bed, one bed a patient, by construction.
    constraint bed_stays_bed_excl exclude using gist (tenant_id with =, department_id with =, bed with =,
        tstzrange(starts_at, ends_at) with &&),
    constraint bed_stays_patient_excl exclude using gist (tenant_id with =, encounter_id with =, tstzrange(starts_at, ends_at) with &&)
);
create index bed_stays_encounter_idx on app.bed_stays (tenant_id, encounter_id, starts_at);
select app.tenant_table('app.bed_stays', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');

-- Who treats a patient in an encounter is on his team until thirty days after it.
create function app.join_team_of_encounter() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    visit    jsonb := to_jsonb(new);
    provider uuid := coalesce((visit ->> 'attending_provider_id')::uuid, (visit ->> 'provider_id')::uuid);
    member   uuid := (visit ->> 'user_id')::uuid;
    start    timestamptz;
    until    timestamptz;
begin
    if member is null and provider is not null then
        select p.user_id into member from app.providers p where p.tenant_id = new.tenant_id and p.id = provider;
    end if;
    if tg_table_name = 'encounter_participants' then
        select r.scheduled_start into start from app.encounter_register r where r.tenant_id = new.tenant_id and r.id = new.encounter_id;
    else
        start := new.scheduled_start;
        if new.facility_id is not null then
            insert into app.patient_facilities (tenant_id, patient_id, facility_id)
            values (new.tenant_id, new.patient_id, new.facility_id) on conflict do nothing;
        end if;
    end if;
    if member is null then
        return null;
    end if;
    -- A visit that does not take place opens no chart: the membership lasts as long as the others the provider attends.
    if visit ->> 'status' in ('cancelled', 'no_show') then
        select max(e.scheduled_start) + interval '30 days' into until
          from app.encounters e
          join app.providers p on p.tenant_id = e.tenant_id and p.id = e.attending_provider_id
         where e.tenant_id = new.tenant_id and e.patient_id = new.patient_id and p.user_id = member
           and e.status not in ('cancelled', 'no_show');
        update app.care_team_members m
           set valid_until = greatest(m.valid_from, coalesce(until, now()), least(now(), m.valid_until)), updated_at = now(), version = m.version + 1
         where m.tenant_id = new.tenant_id and m.patient_id = new.patient_id and m.user_id = member and m.source = 'encounter'
           and m.valid_until > greatest(now(), coalesce(until, now()));
        return null;
    end if;
    until := start + interval '30 days';
    if until <= now() then
        return null;                                    -- history, such as an import: it opens no chart today
    end if;
    update app.care_team_members m set valid_until = greatest(m.valid_until, until), updated_at = now(), version = m.version + 1
     where m.tenant_id = new.tenant_id and m.patient_id = new.patient_id and m.user_id = member and m.source = 'encounter'
       and m.valid_until > now();
    if not found then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        values (new.tenant_id, gen_random_uuid(), new.patient_id, member,
                case when tg_table_name = 'encounter_participants' then 'consulting' else 'attending' end, 'encounter',
                least(start - interval '7 days', now()), until, app.user_id(), now(), now());
    end if;
    return null;
end
$$;
alter function app.join_team_of_encounter() owner to chartwell_definer;
revoke all on function app.join_team_of_encounter() from public;
grant select on app.providers, app.encounter_register, app.encounters to chartwell_definer;
grant update on app.care_team_members to chartwell_definer;
create trigger encounters_team after insert or update of attending_provider_id, facility_id, scheduled_start, status on app.encounters
    for each row execute function app.join_team_of_encounter();
create trigger encounter_participants_team after insert on app.encounter_participants
    for each row execute function app.join_team_of_encounter();
