-- A team follows a provider's account: who is linked to another, or to none, leaves the teams he was on for that provider's visits,
-- referrals, appointments and own patients, and the other account joins them. What comes of visits, referrals and appointments is
-- reckoned by one function, whatever changes it.

-- Makes what one person is on the team of a patient for, by one source, what his visits, referrals or appointments say: as what, since
-- when and until when. Called by the triggers below, as their owner.
-- Its plans are kept, perhaps since the tables were empty: so everything is asked of one patient, whom each table has an index by.
-- Asked of many at once, a thousand patients took half as long, and on a database that was new, twenty times as long (28 s for 3,000).
create function app.follow_team(tenant uuid, origin text, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
    running  uuid[];
    provider uuid;
    post     text;
    since    timestamptz;
    until    timestamptz;                               -- infinity: as long as it lasts
begin
    -- Whoever changes something else of theirs at the same time waits here, and then counts this too. More than one membership is
    -- running where two registrations were merged.
    running := array(select m.id from app.care_team_members m
                      where m.tenant_id = tenant and m.patient_id = patient and m.user_id = member and m.source = origin
                        and (m.valid_until is null or m.valid_until > now())
                      order by m.valid_until desc nulls first, m.id
                        for no key update);
    select p.id into provider from app.providers p where p.tenant_id = tenant and p.user_id = member;
    case origin
    when 'encounter' then
        select case when bool_or(e.attending_provider_id = provider) then 'attending' else 'consulting' end,
               min(r.scheduled_start) - interval '7 days', max(r.team_until)
          into post, since, until
          from app.encounter_register r
         cross join lateral app.encounter_by_id(tenant, r.id) e
         where r.tenant_id = tenant and r.patient_id = patient and r.team_until > now() and e.tenant_id = tenant
           and (e.attending_provider_id = provider
                or exists (select from app.encounter_participants t
                            where t.tenant_id = tenant and t.encounter_id = r.id and (t.user_id = member or t.provider_id = provider)));
    when 'referral' then
        select 'consulting', min(r.sent_at), max(app.referral_until(r.status, r.closed_at)) into post, since, until
          from app.referrals r
         where r.tenant_id = tenant and r.patient_id = patient and (r.to_provider_id = provider) is true
           and app.referral_until(r.status, r.closed_at) > now();
    when 'appointment' then                             -- which occupies him for 40 hours at most
        select 'attending', min(a.starts_at) - interval '7 days', max(a.ends_at) + interval '7 days' into post, since, until
          from app.appointments a
         where a.tenant_id = tenant and a.patient_id = patient
           and a.starts_at > now() - interval '7 days 40 hours' and a.ends_at > now() - interval '7 days'
           and (select bool_or(r.provider_id = provider) from app.reservations r
                 where r.tenant_id = tenant and r.appointment_id = a.id and r.state in ('booked', 'overbooked'));
    end case;
    if cardinality(running) > 0 then
        update app.care_team_members m
           set valid_until = case when until is null then greatest(m.valid_from, now())
                                  when until < 'infinity' then greatest(m.valid_from, until) end,
               updated_at = now(), version = m.version + 1
         where m.tenant_id = tenant and m.id = any(running)
           and (until is null or m.id = running[1] and coalesce(m.valid_until, 'infinity') <> until
                or coalesce(m.valid_until, 'infinity') > until);
    elsif until is not null then
        -- What stayed with a registration that was merged away puts nobody on its team.
        insert into app.care_team_members
               (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        select tenant, gen_random_uuid(), p.id, member, post, origin, least(since, now()), nullif(until, 'infinity'),
               app.user_id(), now(), now()
          from app.patients p where p.tenant_id = tenant and p.id = patient and p.status <> 'merged';
    end if;
end
$$;
revoke all on function app.follow_team(uuid, text, uuid, uuid) from public;
grant execute on function app.follow_team(uuid, text, uuid, uuid) to chartwell_definer;

-- The same of several patients and people, in one order, so that two of them do not wait for each other.
create function app.follow_teams(tenant uuid, origin text, patients uuid[], members uuid[]) returns void
    language plpgsql
as $$
begin
    perform app.follow_team(tenant, origin, w.patient, w.member)
       from (select distinct p.patient, m.member from unnest(patients) p (patient) cross join unnest(members) m (member)
              order by 1, 2) w;
end
$$;
revoke all on function app.follow_teams(uuid, text, uuid[], uuid[]) from public;
grant execute on function app.follow_teams(uuid, text, uuid[], uuid[]) to chartwell_definer;

create or replace function app.follow_encounters(tenant uuid, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin perform app.follow_team(tenant, 'encounter', patient, member); end $$;

create or replace function app.follow_referrals(tenant uuid, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin perform app.follow_team(tenant, 'referral', patient, member); end $$;

-- The accounts of these providers. Whoever links one to another account waits until this transaction ends, and then finds what it
-- has written; or is waited for.
create function app.accounts_of(tenant uuid, providers uuid[]) returns uuid[]
    language plpgsql
as $$
begin
    return array(select p.user_id from app.providers p
                  where p.tenant_id = tenant and p.id = any(providers) and p.user_id is not null
                  order by p.id for key share);
end
$$;
revoke all on function app.accounts_of(uuid, uuid[]) from public;
grant execute on function app.accounts_of(uuid, uuid[]) to chartwell_definer;

-- As in 0006, but for its end: all whom the encounter concerns in one go.
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
    perform app.follow_teams(tenant, 'encounter', array[patient],
        app.accounts_of(tenant, attending || array(select t.provider_id from app.encounter_participants t
                                                    where t.tenant_id = tenant and t.encounter_id = visit))
        || array(select t.user_id from app.encounter_participants t
                  where t.tenant_id = tenant and t.encounter_id = visit and t.user_id is not null));
    return null;
end
$$;

create or replace function app.join_team_of_participant() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := new.tenant_id;
begin
    if exists (select from app.encounter_register r
                where r.tenant_id = tenant and r.id = new.encounter_id and r.team_until > now()) then
        perform app.follow_teams(tenant, 'encounter', array[new.patient_id],
                                app.accounts_of(tenant, array[new.provider_id]) || array_remove(array[new.user_id], null));
    end if;
    return null;
end
$$;

create or replace function app.join_team_of_referral() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := new.tenant_id;
    before uuid := case when tg_op = 'UPDATE' then old.to_provider_id end;
begin
    -- One without an account has no chart to open.
    perform app.follow_teams(tenant, 'referral', array[new.patient_id], app.accounts_of(tenant, array[before, new.to_provider_id]));
    return null;
end
$$;

create or replace function app.join_team_of_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant  uuid := new.tenant_id;
    patient uuid;
begin
    select a.patient_id into patient from app.appointments a
     where a.tenant_id = tenant and a.id = new.appointment_id and a.ends_at > now() - interval '7 days';
    if found then                                       -- else it is history: it opens no chart today, and has opened none
        perform app.follow_teams(tenant, 'appointment', array[patient], app.accounts_of(tenant, array[new.provider_id]));
    end if;
    return null;
end
$$;

-- Whose visits, referrals, appointments and patients these are is somebody else now, or nobody.
create function app.follow_account() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant  uuid   := new.tenant_id;
    members uuid[] := array_remove(array[old.user_id, new.user_id], null);
begin
    perform app.follow_teams(tenant, 'encounter', array(
        select e.patient_id from app.encounters e
         where e.tenant_id = tenant and e.attending_provider_id = new.id
           and app.team_until(e.status, e.scheduled_start, e.scheduled_end, e.actual_end) > now()
        union
        select t.patient_id from app.encounter_participants t
          join app.encounter_register r on r.tenant_id = tenant and r.id = t.encounter_id and r.team_until > now()
         where t.tenant_id = tenant and t.provider_id = new.id), members);
    perform app.follow_teams(tenant, 'referral', array(
        select distinct r.patient_id from app.referrals r
         where r.tenant_id = tenant and r.to_provider_id = new.id and app.referral_until(r.status, r.closed_at) > now()), members);
    perform app.follow_teams(tenant, 'appointment', array(
        select distinct a.patient_id from app.reservations r
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where r.tenant_id = tenant and r.resource_id = new.id and r.state in ('booked', 'overbooked')
           and r.starts_at > now() - interval '7 days 40 hours'), members);
    -- As care_teams::follow_primary_provider does it, when a patient has another.
    insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, valid_from, created_by, created_at, updated_at)
    select tenant, gen_random_uuid(), p.id, new.user_id, 'primary_care', now(), app.user_id(), now(), now()
      from app.patients p
     where p.tenant_id = tenant and p.primary_provider_id = new.id and p.status <> 'merged' and p.deleted_at is null
       and new.user_id is not null
       and not exists (select from app.care_team_members m
                        where m.tenant_id = tenant and m.patient_id = p.id and m.user_id = new.user_id and m.role = 'primary_care'
                          and m.valid_until is null and m.source not in ('encounter', 'referral'));
    update app.care_team_members m
       set valid_until = greatest(m.valid_from, now()), updated_at = now(), version = m.version + 1
      from app.patients p
     where p.tenant_id = tenant and p.primary_provider_id = new.id
       and m.tenant_id = tenant and m.patient_id = p.id and m.user_id = old.user_id and m.role = 'primary_care' and m.valid_until is null;
    return null;
end
$$;
alter function app.follow_account() owner to chartwell_definer;
revoke all on function app.follow_account() from public;
create trigger providers_account after update of user_id on app.providers
    for each row when (old.user_id is distinct from new.user_id) execute function app.follow_account();
-- Nobody else asks at which encounters a provider takes part.
create index encounter_participants_provider_idx on app.encounter_participants (tenant_id, provider_id) where provider_id is not null;

-- A merge that is taken back leaves each registration its own appointments, whatever was booked or called off while they were one.
create function app.follow_unmerge() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant   uuid   := new.tenant_id;
    patients uuid[] := array[new.survivor_id, new.merged_id];
begin
    perform app.follow_teams(tenant, 'appointment', patients, array(
        select distinct m.user_id from app.care_team_members m
         where m.tenant_id = tenant and m.patient_id = any(patients) and m.source = 'appointment' and m.valid_until > now()));
    return null;
end
$$;
alter function app.follow_unmerge() owner to chartwell_definer;
revoke all on function app.follow_unmerge() from public;
create trigger patient_merges_undone after update of status on app.patient_merges
    for each row when (new.status = 'undone' and old.status <> 'undone') execute function app.follow_unmerge();

-- What a transaction changes is followed row by row when it ends, within the time that a statement may take, so each must be quick.
-- Planning to read a patient's visits of every month took 11 ms, reading them takes a third of one: the plan is kept.
create or replace function app.facilities_of(tenant uuid, patient uuid) returns setof uuid
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
begin
    return query
        with recursive same (id, facility_id) as (
            select p.id, p.facility_id from app.patients p where p.tenant_id = tenant and p.id = patient
            union
            select p.id, p.facility_id from same s join app.patients p on p.tenant_id = tenant and p.replaced_by = s.id
        )
        select s.facility_id from same s where s.facility_id is not null
        union
        select e.facility_id from app.encounters e
         where e.tenant_id = tenant and e.patient_id = patient and e.facility_id is not null and e.status <> 'cancelled'
        union
        select a.facility_id from app.appointments a
         where a.tenant_id = tenant and a.patient_id = patient and a.status not in ('cancelled', 'rescheduled');
end
$$;

-- What earlier changes of accounts left behind: whoever is on a team for what is no longer his leaves it. The definer sees every
-- organisation's rows; the owner none.
set local role chartwell_definer;
do $$
declare
    organization uuid;
begin
    for organization in select t.tenant_id from app.tenants t loop
        execute format('set local app.context = %L', organization || ' system organization   ');
        perform app.follow_team(m.tenant_id, m.source, m.patient_id, m.user_id)
           from app.care_team_members m
          where m.tenant_id = organization and m.source in ('encounter', 'referral', 'appointment')
            and (m.valid_until is null or m.valid_until > now());
    end loop;
end
$$;
set local role chartwell_owner;
