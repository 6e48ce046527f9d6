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
    team_until       timestamptz,                -- how long it keeps its people on the team; null as well for what was over when written
    constraint encounter_register_pkey primary key (tenant_id, id),
    constraint encounter_register_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint encounter_register_patient_key unique (tenant_id, patient_id, id)
);
-- A patient's encounters are read newest first and paged by (start, id). With the id in the index a page ends where it ends;
-- without it every encounter of the patient is read and sorted, each asking its policy (measured with 2,000 of them under
-- care-team scope: 25 ms for the eight that a chart shows, 1.5 with it).
create index encounter_register_order_idx on app.encounter_register (tenant_id, patient_id, scheduled_start, id);
-- Patients among those who may change it: see encounters_update below.
select app.tenant_table('app.encounter_register', of_patient => true, history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}',
                        write => '{admin,provider,nurse,staff,system,patient}', adds => '{admin,provider,nurse,staff,system}');
-- Until when an encounter keeps its people on the team decides who sees a patient. It follows the encounter, by the triggers
-- below, which run with the definer's rights: the server names it in no statement of its own, and may not.
revoke insert, update on app.encounter_register from chartwell_runtime;
grant insert (tenant_id, id, patient_id, scheduled_start) on app.encounter_register to chartwell_runtime;
grant update (scheduled_start) on app.encounter_register to chartwell_runtime;

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
                        read => '{admin,provider,nurse,staff,billing,patient,system}',
                        write => '{admin,provider,nurse,staff,system,patient}', adds => '{admin,provider,nurse,staff,system}',
                        may_delete => '{admin,provider,nurse,staff,system}');
-- A planned encounter follows the visit that is booked for it, also when the patient moves or cancels that himself. He changes no
-- other encounter, and makes nothing else of it.
do $$
declare
    changes text := (select pg_get_expr(p.polqual, p.polrelid) from pg_policy p
                      where p.polrelid = 'app.encounters'::regclass and p.polname = 'encounters_update');
begin
    execute 'alter policy encounters_update on app.encounters'
         || ' using (' || changes || $own$ and (app.actor_role() <> 'patient' or status = 'scheduled')) $own$
         || ' with check (' || changes || $own$ and (app.actor_role() <> 'patient' or status in ('scheduled', 'cancelled'))) $own$;
end
$$;

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
grant execute on function app.encounter_by_id(uuid, uuid) to chartwell_runtime, chartwell_glance, chartwell_definer;

-- One encounter by its id, for several callers in one statement (platform/db/glance.rs; the model is
-- app.patients_at_a_glance). Besides the messages it saves the locks: a plan over all months takes one on each of them
-- whenever it runs, and here it runs once for the readers of a batch.
create function app.encounters_at_a_glance(contexts text[], tenants uuid[], ids uuid[])
    returns table (place integer, id uuid, patient_id uuid, class text, status text, scheduled_start timestamptz,
                   scheduled_end timestamptz, actual_start timestamptz, actual_end timestamptz, time_zone text, facility_id uuid,
                   department_id uuid, attending_provider_id uuid, chief_complaint text, reason_codes jsonb, disposition text,
                   cancel_reason text, version bigint, created_at timestamptz, updated_at timestamptz,
                   given_name text, family_name text, credential text)
    language plpgsql volatile
as $$
begin
    for i in 1 .. cardinality(ids) loop
        perform pg_catalog.set_config('app.context', contexts[i], true);
        return query
            select i, e.id, e.patient_id, e.class, e.status, e.scheduled_start, e.scheduled_end, e.actual_start, e.actual_end,
                   e.time_zone, e.facility_id, e.department_id, e.attending_provider_id, e.chief_complaint, e.reason_codes,
                   e.disposition, e.cancel_reason, e.version, e.created_at, e.updated_at,
                   p.given_name, p.family_name, p.credential
              from app.encounter_by_id(tenants[i], ids[i]) e
              left join app.providers p on p.tenant_id = tenants[i] and p.id = e.attending_provider_id;
    end loop;
end
$$;
revoke all on function app.encounters_at_a_glance(text[], uuid[], uuid[]) from public;
grant execute on function app.encounters_at_a_glance(text[], uuid[], uuid[]) to chartwell_glance;
grant select on app.encounter_register, app.encounters, app.providers to chartwell_glance;

-- The front desk plans encounters. What is clinical in them is not for it to change: only why somebody wants to come, until he
-- has come.
create function app.guard_encounter() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() in ('staff', 'billing')
       and (new.reason_codes is distinct from old.reason_codes or new.disposition is distinct from old.disposition
            or old.status <> 'scheduled') then
        raise exception 'what is clinical in an encounter is not for this role' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger encounters_guard before update on app.encounters for each row
    when (new.chief_complaint is distinct from old.chief_complaint or new.reason_codes is distinct from old.reason_codes
          or new.disposition is distinct from old.disposition)
    execute function app.guard_encounter();

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

-- Who treats is on the team ----------------------------------------------------------------------------------------------
-- Whoever attends an encounter, or takes part in it, is on the patient's team as long as it is planned or lasts, and thirty
-- days beyond. What he is on the team for is reckoned from all his encounters with the patient at once, whichever of them
-- changes and how: so that what takes one away (cancelled, put off, somebody else attends) leaves what another gives.
-- The register keeps until when (team_until), so that nobody visits a patient's months to find what is still open.

-- Until when an encounter keeps its people on the team: infinity while it lasts, however long that is; null if it never takes
-- place.
create function app.team_until(status text, scheduled_start timestamptz, scheduled_end timestamptz, actual_end timestamptz)
    returns timestamptz language sql stable parallel safe
as $$
    select case when status in ('cancelled', 'no_show') then null
                when status = 'in_progress' then 'infinity'::timestamptz
                else coalesce(actual_end, greatest(scheduled_start, scheduled_end)) + interval '30 days'
           end
$$;
revoke all on function app.team_until(text, timestamptz, timestamptz, timestamptz) from public;
grant execute on function app.team_until(text, timestamptz, timestamptz, timestamptz) to chartwell_definer;

-- Makes one person's membership what his encounters with the patient say. Called by the triggers below, as their owner.
create function app.follow_encounters(tenant uuid, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
    provider uuid;
    running  uuid[];
    until    timestamptz;
    since    timestamptz;
    attends  boolean;
begin
    -- Whoever changes another encounter of theirs at the same time waits here, and then counts this one too. More than one
    -- membership is running where two registrations were merged.
    running := array(select m.id from app.care_team_members m
                      where m.tenant_id = tenant and m.patient_id = patient and m.user_id = member and m.source = 'encounter'
                        and (m.valid_until is null or m.valid_until > now())
                      order by m.valid_until desc nulls first, m.id
                        for no key update);
    select p.id into provider from app.providers p where p.tenant_id = tenant and p.user_id = member;
    select max(r.team_until), min(r.scheduled_start), coalesce(bool_or(e.attending_provider_id = provider), false)
      into until, since, attends
      from app.encounter_register r
     cross join lateral app.encounter_by_id(tenant, r.id) e
     where r.tenant_id = tenant and r.patient_id = patient and r.team_until > now() and e.tenant_id = tenant
       and (e.attending_provider_id = provider
            or exists (select from app.encounter_participants t
                        where t.tenant_id = tenant and t.encounter_id = r.id and (t.user_id = member or t.provider_id = provider)));
    if until is null then
        update app.care_team_members m
           set valid_until = greatest(m.valid_from, now()), updated_at = now(), version = m.version + 1
         where m.tenant_id = tenant and m.id = any(running);
        return;
    end if;
    until := nullif(until, 'infinity');
    if cardinality(running) = 0 then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        values (tenant, gen_random_uuid(), patient, member, case when attends then 'attending' else 'consulting' end, 'encounter',
                least(since - interval '7 days', now()), until, app.user_id(), now(), now());
        return;
    end if;
    update app.care_team_members m
       set valid_until = case when until is not null then greatest(m.valid_from, until) end, updated_at = now(), version = m.version + 1
     where m.tenant_id = tenant and m.id = any(running)
       and case when m.id = running[1] then m.valid_until is distinct from until
                else coalesce(m.valid_until, 'infinity') > coalesce(until, 'infinity') end;
end
$$;
revoke all on function app.follow_encounters(uuid, uuid, uuid) from public;
grant execute on function app.follow_encounters(uuid, uuid, uuid) to chartwell_definer;

-- An encounter that moves to another month is deleted there and inserted here: who attended it is told of there, the rest here.
-- It is followed when the transaction ends: whoever calls off a visit has its answer as his last look.
create function app.join_team_of_encounter() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant    uuid;
    patient   uuid;
    visit     uuid;
    attending uuid[] := '{}';
    was       timestamptz;
    becomes   timestamptz;
    member    uuid;
begin
    if tg_op <> 'INSERT' then
        tenant := old.tenant_id;
        patient := old.patient_id;
        attending := attending || old.attending_provider_id;
        was := app.team_until(old.status, old.scheduled_start, old.scheduled_end, old.actual_end);
    end if;
    if tg_op <> 'DELETE' then
        tenant := new.tenant_id;
        patient := new.patient_id;
        visit := new.id;
        attending := attending || new.attending_provider_id;
        becomes := app.team_until(new.status, new.scheduled_start, new.scheduled_end, new.actual_end);
        if tg_op = 'INSERT' and new.version > 1 then
            select r.team_until into was from app.encounter_register r where r.tenant_id = tenant and r.id = visit;
        end if;
    end if;
    -- It was to be there, and is not any more. First of all: it locks more.
    if tg_op <> 'INSERT' and old.facility_id is not null and old.status <> 'cancelled'
       and (tg_op = 'DELETE' or new.status = 'cancelled' or new.facility_id is distinct from old.facility_id) then
        perform app.leave_facility(tenant, patient, old.facility_id);
    end if;
    if tg_op <> 'DELETE' and new.facility_id is not null and new.status <> 'cancelled' then
        perform app.know_at(tenant, patient, new.facility_id);
    end if;
    -- History, such as an import: it opens no chart today, and has opened none. Or nothing that matters here has changed.
    if coalesce(greatest(was, becomes) <= now(), true)
       or (tg_op = 'UPDATE' and was is not distinct from becomes and attending[1] is not distinct from attending[2]) then
        return null;
    end if;
    if tg_op <> 'DELETE' then
        update app.encounter_register r set team_until = becomes where r.tenant_id = tenant and r.id = visit;
    end if;
    -- In one order, so that two encounters that change at once do not wait for each other.
    for member in
        select p.user_id from app.providers p
         where p.tenant_id = tenant and p.user_id is not null
           and p.id = any(attending || array(select t.provider_id from app.encounter_participants t
                                              where t.tenant_id = tenant and t.encounter_id = visit))
        union
        select t.user_id from app.encounter_participants t
         where t.tenant_id = tenant and t.encounter_id = visit and t.user_id is not null
         order by 1
    loop
        perform app.follow_encounters(tenant, patient, member);
    end loop;
    return null;
end
$$;
alter function app.join_team_of_encounter() owner to chartwell_definer;
revoke all on function app.join_team_of_encounter() from public;
create constraint trigger encounters_team
    after insert or delete or update of attending_provider_id, facility_id, scheduled_start, scheduled_end, actual_end, status
    on app.encounters deferrable initially deferred for each row execute function app.join_team_of_encounter();

create function app.join_team_of_participant() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := new.tenant_id;
    member uuid := new.user_id;
begin
    if not exists (select from app.encounter_register r
                    where r.tenant_id = tenant and r.id = new.encounter_id and r.team_until > now()) then
        return null;
    end if;
    if member is null then
        select p.user_id into member from app.providers p where p.tenant_id = tenant and p.id = new.provider_id;
    end if;
    if member is not null then
        perform app.follow_encounters(tenant, new.patient_id, member);
    end if;
    return null;
end
$$;
alter function app.join_team_of_participant() owner to chartwell_definer;
revoke all on function app.join_team_of_participant() from public;
create trigger encounter_participants_team after insert on app.encounter_participants
    for each row execute function app.join_team_of_participant();

grant select on app.providers, app.encounter_register, app.encounters, app.encounter_participants to chartwell_definer;
grant update (team_until) on app.encounter_register to chartwell_definer;
grant update on app.care_team_members to chartwell_definer;
