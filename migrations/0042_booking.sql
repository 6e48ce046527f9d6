-- Who is booked over somebody has his place when that one is gone, and what is counted of appointments counts a session once.

-- A reason is kept as it was given. Overbooked is who is booked over somebody: not who was given a reason for a time that was
-- free, and no longer who has the place to himself.
alter table app.appointments drop constraint appointments_overbooked_check;
alter table app.appointments add constraint appointments_overbooked_check check (not overbooked or overbook_reason is not null);

-- The constraints leave out whoever is overbooked, so his time was anybody's once the one he was booked over was gone. Whoever
-- goes hands his place to the first who was booked over him, if that one fits into what is free now; it may be another patient's,
-- so with the owner's rights. Who is being changed at this moment, or is just then in the way of another, stays overbooked: his
-- time is no less taken for that, it is only not kept by the constraint.
create function app.keep_overbooked(ended uuid[], given_back uuid, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    one    record;
    kept   uuid[] := '{}';
begin
    for one in
        select r.id, r.appointment_id
          from app.reservations f
          join app.reservations r on r.tenant_id = tenant and r.resource_id = f.resource_id and r.state = 'overbooked'
                                 and r.starts_at > f.starts_at - interval '40 hours' and r.starts_at < f.ends_at and r.ends_at > f.starts_at
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where f.tenant_id = tenant and f.state = 'released' and (f.appointment_id = any(ended) or f.hold_id = given_back)
         order by r.created_at, r.appointment_id, r.resource_id
           for no key update of a, r skip locked
    loop
        begin
            update app.reservations r set state = 'booked'
             where r.tenant_id = tenant and r.id = one.id and r.state = 'overbooked'
               and not exists (select from app.reservations o
                                where o.tenant_id = tenant and o.resource_id = r.resource_id and o.state in ('held', 'booked')
                                  and o.starts_at > r.starts_at - interval '40 hours' and o.starts_at < r.ends_at
                                  and o.ends_at > r.starts_at and (o.party <> r.party or o.lane = r.lane));
            if found then
                kept := kept || one.appointment_id;
            end if;
        exception when exclusion_violation or deadlock_detected then
            null;
        end;
    end loop;
    if cardinality(kept) = 0 then
        return;
    end if;
    update app.appointments a set overbooked = false, version = a.version + 1, updated_at = at
     where a.tenant_id = tenant and a.id = any(kept) and a.overbooked
       and not exists (select from app.reservations r where r.tenant_id = tenant and r.appointment_id = a.id and r.state = 'overbooked');
    delete from app.overbooking_places p
     using app.appointments a
     where p.tenant_id = tenant and p.appointment_id = any(kept) and a.tenant_id = tenant and a.id = p.appointment_id and not a.overbooked;
end
$$;
alter function app.keep_overbooked(uuid[], uuid, timestamptz) owner to chartwell_definer;
revoke all on function app.keep_overbooked(uuid[], uuid, timestamptz) from public;
grant execute on function app.keep_overbooked(uuid[], uuid, timestamptz) to chartwell_runtime;
grant update (overbooked, version, updated_at) on app.appointments to chartwell_definer;
grant select, delete on app.overbooking_places to chartwell_definer;

-- As before (0018), but the patients of a session take its time together, and who was moved has waited since he first booked.
create or replace function app.appointment_counts(at_facility uuid, since timestamptz, until timestamptz)
    returns table (service_id uuid, standing bigint, kept bigint, missed bigint, cancelled bigint, minutes bigint,
                   median_days double precision, p90_days double precision)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    if app.actor_role() is null or app.actor_role() not in ('admin', 'provider', 'nurse', 'staff', 'system') then
        return;
    end if;
    return query
    with recursive counted as (
        select a.id, a.service_id as service, a.provider_id, a.status, a.starts_at, a.ends_at, a.rescheduled_from, a.created_at,
               s.capacity > 1 as in_group,
               a.status in ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed') as stands
          from app.appointments a
          join app.scheduling_services s on s.tenant_id = tenant and s.id = a.service_id
         where a.tenant_id = tenant and a.facility_id = at_facility and a.starts_at >= since and a.starts_at < until
           and a.status <> 'rescheduled'),
    chains (id, before, booked_at) as (
        select c.id, c.rescheduled_from, c.created_at from counted c
        union all
        select c.id, a.rescheduled_from, a.created_at
          from chains c
          join app.appointments a on a.tenant_id = tenant and a.id = c.before),
    waits as (
        select c.id, c.service, greatest(extract(epoch from c.starts_at - h.booked_at), 0) / 86400.0::double precision as days
          from counted c
          join chains h on h.id = c.id and h.before is null),
    sessions as (
        select c.service, max(extract(epoch from c.ends_at - c.starts_at) / 60) as taken
          from counted c
         where c.stands
         group by c.service, case when c.in_group then c.provider_id else c.id end, c.starts_at)
    select c.service,
           count(*) filter (where c.stands),
           count(*) filter (where c.status in ('checked_in', 'in_progress', 'completed')),
           count(*) filter (where c.status = 'no_show'),
           count(*) filter (where c.status = 'cancelled'),
           coalesce((select sum(s.taken) from sessions s where s.service = c.service), 0)::bigint,
           (select percentile_cont(0.5) within group (order by w.days) from waits w where w.service = c.service),
           (select percentile_cont(0.9) within group (order by w.days) from waits w where w.service = c.service)
      from counted c
     group by c.service;
end
$$;
grant select on app.scheduling_services to chartwell_definer;
