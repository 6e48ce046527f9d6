-- What was done whole, however much there was of it: a provider's patients going with him to another account, every list that ever
-- showed a patient, the days of all documents in another time zone. Now the first is written in sets, the second read from the
-- newest on, and the third is a job.

-- The history of a table that is written in large statements, told once a statement: row by row it cost more than the rows.
-- For a table of patients with an id and a version. The two tables of an update are joined by hashing, whatever a plan
-- made for one row would do, and whatever the caller has forbidden.
create function app.record_changes() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    set enable_nestloop = off set enable_mergejoin = off set enable_hashjoin = on
as $$
declare
    author  uuid;
    acting  text;
    request uuid;
    number  bigint;
begin
    if not exists (select from added) then
        return null;
    end if;
    author := app.user_id();
    acting := app.actor_role();
    request := app.request_id();
    number := app.transaction_number();
    if tg_op = 'INSERT' then
        insert into app.audit_log (tenant_id, at, table_name, row_id, patient_id, action, user_id, role, request_id, xid, version, after)
        select a.tenant_id, clock_timestamp(), tg_table_name, a.id, a.patient_id, 'insert', author, acting, request, number, a.version,
               to_jsonb(a)
          from added a;
    else
        insert into app.audit_log (tenant_id, at, table_name, row_id, patient_id, action, user_id, role, request_id, xid, version, before,
                                   after)
        select c.tenant_id, clock_timestamp(), tg_table_name, c.id, c.patient_id, 'update', author, acting, request, number, c.version,
               c.replaced, c.image
          from (select i.*, (select jsonb_object_agg(p.key, p.value) from jsonb_each(i.previous) p
                              where p.value is distinct from i.image -> p.key) as replaced
                  from (select a.tenant_id, a.id, a.patient_id, a.version, to_jsonb(r) as previous, to_jsonb(a) as image
                          from removed r join added a on a.tenant_id = r.tenant_id and a.id = r.id offset 0) i offset 0) c
         where c.replaced is not null;
    end if;
    return null;
end
$$;
alter function app.record_changes() owner to chartwell_definer;
revoke all on function app.record_changes() from public;

-- Teams change by the thousand when a provider is linked to another account.
drop trigger care_team_members_history on app.care_team_members;
create trigger care_team_members_history after insert on app.care_team_members referencing new table as added
    for each statement execute function app.record_changes();
create trigger care_team_members_history_update after update on app.care_team_members
    referencing old table as removed new table as added for each statement execute function app.record_changes();
create trigger care_team_members_history_delete after delete on app.care_team_members
    for each row execute function app.record_change('patient_id', '{}', 'care_team_members', 'plain');
drop trigger care_team_members_open on app.care_team_members;
create trigger care_team_members_open after insert on app.care_team_members referencing new table as added
    for each statement execute function app.refuse_merged_of_many();

-- As in 0005, but each patient by his key: on a database that is new a plan for all of them looked through the tenant for each. The
-- fence: all are locked before they are asked for, not only those that were merged already.
create or replace function app.refuse_merged_of_many() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from (select distinct a.tenant_id, a.patient_id from added a order by 1, 2) a
                cross join lateral (select p.status from app.patients p
                                     where p.tenant_id = a.tenant_id and p.id = a.patient_id offset 0 for key share) p
                where p.status = 'merged') then
        raise exception 'merged' using errcode = 'check_violation', constraint = 'patients_merged_check';
    end if;
    return null;
end
$$;

-- As follow_team, of many patients in four statements. Each walks over the patients and looks the rest up of one at a time, which
-- `lateral` and `offset 0` make sure of: on a database that is new guesses made it twenty times as slow.
create function app.follow_teams_at_once(tenant uuid, origin text, patients uuid[], members uuid[]) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set jit = off
as $$
declare
    whose  uuid[];                                      -- patient, member and what is reckoned of them, place by place
    who    uuid[];
    posts  text[];
    sinces timestamptz[];
    untils timestamptz[];
    runs   boolean[];                                   -- whether he is on the team for it now
    author uuid := app.user_id();
begin
    if cardinality(patients) = 0 or cardinality(members) = 0 then
        return;
    end if;
    -- Whoever changes something else of theirs at the same time waits here, and then counts this too.
    perform m.id
       from (select p.patient, u.member from unnest(patients) p (patient) cross join unnest(members) u (member) order by 1, 2 offset 0) w
      cross join lateral (select m.id from app.care_team_members m
                           where m.tenant_id = tenant and m.patient_id = w.patient and m.user_id = w.member and m.source = origin
                             and (m.valid_until is null or m.valid_until > now())
                           order by m.valid_until desc nulls first, m.id
                             for no key update) m;
    select array_agg(w.patient), array_agg(w.member), array_agg(k.post), array_agg(k.since), array_agg(k.until), array_agg(w.runs)
      into whose, who, posts, sinces, untils, runs
      from (select p.patient, u.member, u.provider,
                   exists (select from app.care_team_members m
                            where m.tenant_id = tenant and m.patient_id = p.patient and m.user_id = u.member and m.source = origin
                              and (m.valid_until is null or m.valid_until > now()) offset 0) as runs
              from unnest(patients) p (patient)
             cross join (select m.member, (select d.id from app.providers d where d.tenant_id = tenant and d.user_id = m.member) as provider
                           from unnest(members) m (member) offset 0) u
            offset 0) w
     cross join lateral (
           select case when bool_or(e.attending_provider_id = w.provider) then 'attending' else 'consulting' end as post,
                  min(r.scheduled_start) - interval '7 days' as since, max(r.team_until) as until
             from app.encounter_register r
            cross join lateral (select e.attending_provider_id from app.encounters e
                                 where e.tenant_id = tenant and e.scheduled_start = r.scheduled_start and e.id = r.id offset 0) e
            where origin = 'encounter' and r.tenant_id = tenant and r.patient_id = w.patient and r.team_until > now()
              and (e.attending_provider_id = w.provider
                   or exists (select from app.encounter_participants t
                               where t.tenant_id = tenant and t.encounter_id = r.id
                                 and (t.user_id = w.member or t.provider_id = w.provider) offset 0))
           having origin = 'encounter'
            union all
           select 'consulting', min(r.sent_at), max(app.referral_until(r.status, r.closed_at))
             from app.referrals r
            where origin = 'referral' and r.tenant_id = tenant and r.patient_id = w.patient and (r.to_provider_id = w.provider) is true
              and app.referral_until(r.status, r.closed_at) > now()
           having origin = 'referral'
            union all
           select 'attending', min(a.starts_at) - interval '7 days', max(a.ends_at) + interval '7 days'
             from app.appointments a
            where origin = 'appointment' and a.tenant_id = tenant and a.patient_id = w.patient
              and a.starts_at > now() - interval '7 days 40 hours' and a.ends_at > now() - interval '7 days'
              and (select bool_or(r.provider_id = w.provider) from app.reservations r
                    where r.tenant_id = tenant and r.appointment_id = a.id and r.state in ('booked', 'overbooked'))
           having origin = 'appointment') k;
    update app.care_team_members m
       set valid_until = case when c.until is null then greatest(m.valid_from, now())
                              when c.until < 'infinity' then greatest(m.valid_from, c.until) end,
           updated_at = now(), version = m.version + 1
      from (select o.id, o.place, k.until
              from unnest(whose, who, untils, runs) k (patient, member, until, runs)
             cross join lateral (select m.id, row_number() over (order by m.valid_until desc nulls first, m.id) as place
                                   from app.care_team_members m
                                  where m.tenant_id = tenant and m.patient_id = k.patient and m.user_id = k.member and m.source = origin
                                    and (m.valid_until is null or m.valid_until > now())) o
             where k.runs
            offset 0) c
     where m.tenant_id = tenant and m.id = c.id
       and (c.until is null or c.place = 1 and coalesce(m.valid_until, 'infinity') <> c.until
            or coalesce(m.valid_until, 'infinity') > c.until);
    -- What stayed with a registration that was merged away puts nobody on its team.
    insert into app.care_team_members
           (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
    select tenant, gen_random_uuid(), k.patient, k.member, k.post, origin, least(k.since, now()), nullif(k.until, 'infinity'),
           author, now(), now()
      from unnest(whose, who, posts, sinces, untils, runs) k (patient, member, post, since, until, runs)
     where not k.runs and k.until is not null
       and (select p.status from app.patients p where p.tenant_id = tenant and p.id = k.patient) <> 'merged';
end
$$;
revoke all on function app.follow_teams_at_once(uuid, text, uuid[], uuid[]) from public;
grant execute on function app.follow_teams_at_once(uuid, text, uuid[], uuid[]) to chartwell_definer;

-- As in 0022, in sets.
create or replace function app.follow_account() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    tenant  uuid   := new.tenant_id;
    members uuid[] := array_remove(array[old.user_id, new.user_id], null);
    author  uuid   := app.user_id();
begin
    perform app.follow_teams_at_once(tenant, 'encounter', array(
        select e.patient_id from app.encounters e
         where e.tenant_id = tenant and e.attending_provider_id = new.id
           and app.team_until(e.status, e.scheduled_start, e.scheduled_end, e.actual_end) > now()
        union
        select t.patient_id from app.encounter_participants t
          join app.encounter_register r on r.tenant_id = tenant and r.id = t.encounter_id and r.team_until > now()
         where t.tenant_id = tenant and t.provider_id = new.id
         order by 1), members);
    perform app.follow_teams_at_once(tenant, 'referral', array(
        select distinct r.patient_id from app.referrals r
         where r.tenant_id = tenant and r.to_provider_id = new.id and app.referral_until(r.status, r.closed_at) > now()
         order by 1), members);
    perform app.follow_teams_at_once(tenant, 'appointment', array(
        select distinct a.patient_id from app.reservations r
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where r.tenant_id = tenant and r.resource_id = new.id and r.state in ('booked', 'overbooked')
           and r.starts_at > now() - interval '7 days 40 hours'
         order by 1), members);
    -- As care_teams::follow_primary_provider does it, when a patient has another.
    insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, valid_from, created_by, created_at, updated_at)
    select tenant, gen_random_uuid(), p.id, new.user_id, 'primary_care', now(), author, now(), now()
      from app.patients p
     where p.tenant_id = tenant and p.primary_provider_id = new.id and p.status <> 'merged' and p.deleted_at is null
       and new.user_id is not null
       and not exists (select from app.care_team_members m
                        where m.tenant_id = tenant and m.patient_id = p.id and m.user_id = new.user_id and m.role = 'primary_care'
                          and m.valid_until is null and m.source not in ('encounter', 'referral') offset 0);
    update app.care_team_members m
       set valid_until = greatest(m.valid_from, now()), updated_at = now(), version = m.version + 1
     where m.tenant_id = tenant and m.user_id = old.user_id and m.role = 'primary_care' and m.valid_until is null
       and (select p.primary_provider_id from app.patients p where p.tenant_id = tenant and p.id = m.patient_id) = new.id;
    return null;
end
$$;

-- The lists that showed one of these charts, from a place on, newest first, as many as are asked for: as in 0026, each as if he
-- alone had been on it. No index finds a patient in the order of time. Whoever is on many lists fills a page from the newest
-- records; for who is on few, the index brings all of a stretch of time, and of a longer one until the page is full.
drop function app.looks_that_showed(uuid[], timestamptz, timestamptz);
create function app.looks_that_showed(wanted uuid[], since timestamptz, until timestamptz, of_user uuid default null,
                                      of_action text default null, of_outcome text default null, of_role text default null,
                                      after_at timestamptz default null, after_id uuid default null, after_place bigint default null,
                                      at_most bigint default null)
    returns setof app.phi_accesses
    language plpgsql stable rows 50 security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
declare
    tenant  uuid   := app.tenant_id();
    own     uuid   := case app.scope() when 'self' then app.own_patient_id() end;
    charts  uuid[] := wanted;
    oldest  timestamptz := since;
    lower   timestamptz;
    span    interval := interval '1 day';
    walked  integer := 0;
    last_at timestamptz;
    last_id uuid;
    given   bigint := 0;
    more    bigint;
    met     record;
begin
    if app.actor_role() not in ('admin', 'system') or not app.sees_every_patient() then
        charts := array(select w from unnest(wanted) w where w = own or w in (select app.merged_into(own)));
    end if;
    if coalesce(cardinality(charts), 0) = 0 then
        return;
    end if;
    at_most := coalesce(at_most, 9223372036854775807);
    for met in
        select l.at, l.id, l.user_id, l.session_id, l.request_id, l.break_glass, l.role, l.resource, l.action, l.outcome, l.purpose,
               l.method, l.route, l.address, l.user_agent, l.shown, l.shown_resources,
               l.shown && charts and (of_action is null or l.action = of_action) and (of_outcome is null or l.outcome = of_outcome)
               and (of_role is null or l.role = of_role) as fits
          from app.phi_access_log l
         where l.tenant_id = tenant and (of_user is null or l.user_id = of_user)
           and l.at >= coalesce(since, '-infinity') and l.at < coalesce(until, 'infinity')
           and (after_at is null or l.at <= after_at and (l.at, l.id) <= (after_at, after_id))
         order by l.at desc, l.id desc
         limit 2000
    loop
        walked := walked + 1;
        last_at := met.at;
        last_id := met.id;
        continue when met.fits is not true;
        return query
            select tenant, met.at, met.id, s.place, met.user_id, met.session_id, s.patient_id, s.resource_id, met.request_id,
                   met.break_glass, met.role, met.resource, met.action, met.outcome, met.purpose, met.method, met.route, met.address,
                   met.user_agent, null::uuid
              from unnest(met.shown, met.shown_resources) with ordinality as s (patient_id, resource_id, place)
             where s.patient_id = any(charts)
               and (after_at is null or (met.at, met.id, s.place) < (after_at, after_id, after_place))
             order by s.place desc;
        get diagnostics more = row_count;
        given := given + more;
        if given >= at_most then
            return;
        end if;
    end loop;
    if walked < 2000 then
        return;
    end if;
    if oldest is null then
        select l.at into oldest from app.phi_access_log l where l.tenant_id = tenant order by l.at limit 1;
    end if;
    while given < at_most and last_at >= oldest loop
        -- Not reckoned before the oldest: a range may begin before all calendars.
        lower := case when last_at - oldest > span then last_at - span else oldest end;
        -- The fence: with the limit in sight the records would be walked to the end of time.
        for met in
            select f.*
              from (select l.at, l.id, l.user_id, l.session_id, l.request_id, l.break_glass, l.role, l.resource, l.action, l.outcome,
                           l.purpose, l.method, l.route, l.address, l.user_agent, l.shown, l.shown_resources
                      from app.phi_access_log l
                     where l.tenant_id = tenant and l.shown && charts
                       and l.at >= lower and l.at <= last_at and (l.at, l.id) < (last_at, last_id)
                       and (of_user is null or l.user_id = of_user) and (of_action is null or l.action = of_action)
                       and (of_outcome is null or l.outcome = of_outcome) and (of_role is null or l.role = of_role)
                    offset 0) f
             order by f.at desc, f.id desc
             limit at_most - given
        loop
            return query
                select tenant, met.at, met.id, s.place, met.user_id, met.session_id, s.patient_id, s.resource_id, met.request_id,
                       met.break_glass, met.role, met.resource, met.action, met.outcome, met.purpose, met.method, met.route,
                       met.address, met.user_agent, null::uuid
                  from unnest(met.shown, met.shown_resources) with ordinality as s (patient_id, resource_id, place)
                 where s.patient_id = any(charts)
                 order by s.place desc;
            get diagnostics more = row_count;
            given := given + more;
            if given >= at_most then
                return;
            end if;
        end loop;
        -- What lies at `lower` itself has been looked at: the next stretch ends before it.
        last_at := lower;
        last_id := '00000000-0000-0000-0000-000000000000';
        exit when lower = oldest;
        span := span * 4;
    end loop;
end
$$;
alter function app.looks_that_showed(uuid[], timestamptz, timestamptz, uuid, text, text, text, timestamptz, uuid, bigint, bigint)
    owner to chartwell_definer;
revoke all on function app.looks_that_showed(uuid[], timestamptz, timestamptz, uuid, text, text, text, timestamptz, uuid, bigint, bigint)
    from public;
grant execute on function app.looks_that_showed(uuid[], timestamptz, timestamptz, uuid, text, text, text, timestamptz, uuid, bigint, bigint)
    to chartwell_runtime;

-- Who is behind these records of the caller's own chart. The one that takes accounts looked through all of the chart's log; servers
-- of before ask it.
create function app.names_of_accessors(ats timestamptz[], records uuid[]) returns table (user_id uuid, given_name text, family_name text)
    language plpgsql stable rows 50 security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
declare
    tenant uuid   := app.tenant_id();
    own    uuid   := case app.scope() when 'self' then app.own_patient_id() end;
    charts uuid[] := array(select own where own is not null union select app.merged_into(own));
    first  timestamptz := (select min(w) from unnest(ats[1:500]) w);
    last   timestamptz := (select max(w) from unnest(ats[1:500]) w);
begin
    return query
        select distinct u.id, u.given_name, u.family_name
          from unnest(ats[1:500], records[1:500]) w (at, id)
          join app.phi_access_log l on l.tenant_id = tenant and l.at = w.at and l.id = w.id and l.at between first and last
          join app.users u on u.tenant_id = tenant and u.id = l.user_id
         where l.outcome = 'success' and (l.patient_id = any(charts) or l.shown && charts);
end
$$;
alter function app.names_of_accessors(timestamptz[], uuid[]) owner to chartwell_definer;
revoke all on function app.names_of_accessors(timestamptz[], uuid[]) from public;
grant execute on function app.names_of_accessors(timestamptz[], uuid[]) to chartwell_runtime;

-- Another zone has other days: a job moves those of the documents (clinical/documents/days.rs).
create or replace function app.follow_time_zone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
    values (new.tenant_id, gen_random_uuid(), 'documents.days', '{}', 'days', now())
    -- A walk for the zone before may wait in its midst.
    on conflict (tenant_id, kind, unique_key) where state = 'waiting' and unique_key is not null do update set payload = '{}';
    return null;
end
$$;
grant update (payload) on app.jobs to chartwell_definer;
