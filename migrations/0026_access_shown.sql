-- A list tells of many patients at once. One record for each of them said everything but the patient again: a search of twenty
-- cost twenty rows with three index entries each, more than the search itself. Now a record says of whom all it was; who reads
-- the log still reads one entry for each patient (app.phi_accesses), and records of before stay as they are.

alter table app.phi_access_log
    add column shown           uuid[],            -- of a look at several patients: whose; patient_id is null then
    add column shown_resources uuid[];            -- of a look at several: which piece of each, in the same order, or null
-- Fifty of each make a row that needs no compressing and no second table.
alter table app.phi_access_log drop constraint phi_access_log_closed_sets_check;
alter table app.phi_access_log add constraint phi_access_log_closed_sets_check check (
    action in ('read', 'search', 'create', 'update', 'delete', 'export', 'print')
    and outcome in ('success', 'refused')
    and purpose in ('TREAT', 'HPAYMT', 'HOPERAT', 'PATRQT', 'ETREAT', 'HRESCH', 'PUBHLTH')
    and (shown is null and shown_resources is null
         or resource_id is null and shown_resources is not null and cardinality(shown_resources) between 2 and 50
            and array_ndims(shown_resources) = 1 and array_lower(shown_resources, 1) = 1
            and (shown is null and patient_id is not null
                 or shown is not null and patient_id is null and cardinality(shown) = cardinality(shown_resources)
                    and array_ndims(shown) = 1 and array_lower(shown, 1) = 1)));
-- New entries wait in a list of half a megabyte and are sorted in together: some 3 µs for each patient shown, where a row took 13.
create index phi_access_log_shown_idx on app.phi_access_log using gin (shown) with (gin_pending_list_limit = 512) where shown is not null;

-- The log, an entry for each patient. `place` tells those of one record apart; `sole_patient_id` is the patient of a record of
-- one patient, by which an index finds it.
create view app.phi_accesses with (security_invoker = true) as
    select l.tenant_id, l.at, l.id, s.place, l.user_id, l.session_id, s.patient_id, s.resource_id, l.request_id, l.break_glass,
           l.role, l.resource, l.action, l.outcome, l.purpose, l.method, l.route, l.address, l.user_agent, l.patient_id as sole_patient_id
      from app.phi_access_log l
     cross join lateral unnest(coalesce(l.shown, array_fill(l.patient_id, array[coalesce(cardinality(l.shown_resources), 1)])),
                               coalesce(l.shown_resources, array[l.resource_id]))
           with ordinality as s (patient_id, resource_id, place);
grant select on app.phi_accesses to chartwell_runtime;

create or replace view app.access_monitor with (security_invoker = true) as
    select l.tenant_id, l.user_id, count(*) filter (where l.outcome = 'success') as accesses,
           count(*) filter (where l.outcome = 'refused') as refusals,
           count(distinct l.patient_id) as patients, max(l.at) as last_access
      from app.phi_accesses l
     where l.tenant_id = app.tenant_id() and l.at > now() - interval '24 hours'
     group by l.tenant_id, l.user_id;

-- Looks at several patients that showed one of these: each as if he alone had been shown, because a patient must not learn
-- who else was on the list. Policies can't cut a row, and no index serves an array behind them, so this is how both read it:
-- an admin of any chart, a patient of his own and of the registrations merged into it. Planned for the charts asked about: an
-- unknown array would seem to be in every hundredth row.
create function app.looks_that_showed(wanted uuid[], since timestamptz, until timestamptz) returns setof app.phi_accesses
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
declare
    tenant uuid   := app.tenant_id();
    own    uuid   := case app.scope() when 'self' then app.own_patient_id() end;
    charts uuid[] := wanted;
begin
    if app.actor_role() not in ('admin', 'system') or not app.sees_every_patient() then
        charts := array(select w from unnest(wanted) w where w = own or w in (select app.merged_into(own)));
    end if;
    return query
        select l.tenant_id, l.at, l.id, s.place, l.user_id, l.session_id, s.patient_id, s.resource_id, l.request_id, l.break_glass,
               l.role, l.resource, l.action, l.outcome, l.purpose, l.method, l.route, l.address, l.user_agent, l.patient_id
          from app.phi_access_log l
         cross join lateral unnest(l.shown, l.shown_resources) with ordinality as s (patient_id, resource_id, place)
         where l.tenant_id = tenant and l.shown && charts and s.patient_id = any(charts)
           and l.at >= coalesce(since, '-infinity') and l.at < coalesce(until, 'infinity');
end
$$;
alter function app.looks_that_showed(uuid[], timestamptz, timestamptz) owner to chartwell_definer;
revoke all on function app.looks_that_showed(uuid[], timestamptz, timestamptz) from public;
grant execute on function app.looks_that_showed(uuid[], timestamptz, timestamptz) to chartwell_runtime;

-- A patient may know who opened his chart, in a list too.
create or replace function app.names_of_accessors(wanted uuid[]) returns table (user_id uuid, given_name text, family_name text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
declare
    tenant uuid   := app.tenant_id();
    own    uuid   := case app.scope() when 'self' then app.own_patient_id() end;
    charts uuid[] := array(select own where own is not null union select app.merged_into(own));
begin
    return query
        select u.id, u.given_name, u.family_name from app.users u
         where u.tenant_id = tenant and u.id = any(wanted[1:500])
           and u.id in (select l.user_id from app.phi_access_log l
                         where l.tenant_id = tenant and l.user_id = any(wanted[1:500]) and l.outcome = 'success'
                           and l.patient_id = any(charts)
                        union all
                        select l.user_id from app.phi_access_log l
                         where l.tenant_id = tenant and l.user_id = any(wanted[1:500]) and l.outcome = 'success'
                           and l.shown && charts);
end
$$;
grant select (at, id, session_id, resource_id, request_id, break_glass, role, resource, action, purpose, method, route, address,
              user_agent, shown, shown_resources) on app.phi_access_log to chartwell_definer;
