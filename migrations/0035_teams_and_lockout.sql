-- The team follows the encounter; guessing locks nobody out for good.

-- Who treats is on the team ----------------------------------------------------------------------------------------------
-- Whoever attends an encounter, or takes part in it, is on the patient's team as long as it is planned or lasts, and thirty
-- days beyond. What he is on the team for is reckoned from all his encounters with the patient at once, whichever of them
-- changes and how: so that what takes one away (cancelled, put off, somebody else attends) leaves what another gives.

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

-- The register keeps it, so that nobody visits a patient's months to find what is still open. Null as well for what was over
-- when it was written: history, such as an import.
alter table app.encounter_register add column team_until timestamptz;
grant update (team_until) on app.encounter_register to chartwell_definer;
grant select on app.encounter_participants to chartwell_definer;
grant execute on function app.encounter_by_id(uuid, uuid) to chartwell_definer;

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
create or replace function app.join_team_of_encounter() returns trigger
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
        if new.facility_id is not null then
            insert into app.patient_facilities (tenant_id, patient_id, facility_id)
            values (tenant, patient, new.facility_id) on conflict do nothing;
        end if;
        if tg_op = 'INSERT' and new.version > 1 then
            select r.team_until into was from app.encounter_register r where r.tenant_id = tenant and r.id = visit;
        end if;
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
drop trigger encounters_team on app.encounters;
create trigger encounters_team
    after insert or delete or update of attending_provider_id, facility_id, scheduled_start, scheduled_end, actual_end, status
    on app.encounters for each row execute function app.join_team_of_encounter();

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
drop trigger encounter_participants_team on app.encounter_participants;
create trigger encounter_participants_team after insert on app.encounter_participants
    for each row execute function app.join_team_of_participant();

-- Once for what is there: whoever treats somebody now, or is on a team for an encounter. As the role that row-level security
-- does not bind, in nobody's context: the history says that no caller did it.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
set local role chartwell_definer;
do $$
declare
    of record;
begin
    update app.encounter_register r
       set team_until = app.team_until(e.status, e.scheduled_start, e.scheduled_end, e.actual_end)
      from app.encounters e
     where e.tenant_id = r.tenant_id and e.id = r.id
       and app.team_until(e.status, e.scheduled_start, e.scheduled_end, e.actual_end) > now();
    for of in
        select m.tenant_id, m.patient_id, m.user_id from app.care_team_members m
         where m.source = 'encounter' and m.valid_until > now()
        union
        select r.tenant_id, r.patient_id, p.user_id from app.encounter_register r
          join app.encounters e on e.tenant_id = r.tenant_id and e.scheduled_start = r.scheduled_start and e.id = r.id
          join app.providers p on p.tenant_id = r.tenant_id and p.user_id is not null
           and (p.id = e.attending_provider_id
                or p.id in (select t.provider_id from app.encounter_participants t
                             where t.tenant_id = r.tenant_id and t.encounter_id = r.id))
         where r.team_until is not null
        union
        select r.tenant_id, r.patient_id, t.user_id from app.encounter_register r
          join app.encounter_participants t on t.tenant_id = r.tenant_id and t.encounter_id = r.id and t.user_id is not null
         where r.team_until is not null
         order by 1, 2, 3
    loop
        perform app.follow_encounters(of.tenant_id, of.patient_id, of.user_id);
    end loop;
end
$$;
set local role chartwell_owner;

