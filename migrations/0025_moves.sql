-- What gives a place back hands it on, holds that have run out too; who of those agreed on for an appointment has left; why a
-- plan's request could not be booked, in words.

-- As before; and whoever was booked over what the hold kept has its place, as when it is given back. Those two call each other:
-- each call takes something that was held, so it ends.
create or replace function app.release_stale_holds(resources uuid[], wanted_from timestamptz, wanted_until timestamptz, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    one    uuid;
    freed  uuid[];
begin
    with gone as (
        update app.reservations set state = 'released'
         where tenant_id = tenant and id in (
               select r.id from app.reservations r
                where r.tenant_id = tenant and r.resource_id = any(resources) and r.state = 'held' and r.expires_at <= at
                  and r.starts_at > wanted_from - interval '40 hours' and r.starts_at < wanted_until and r.ends_at > wanted_from
                order by r.resource_id, r.id
                  for update)
        returning hold_id)
    select array_agg(distinct g.hold_id) into freed from gone g;
    foreach one in array coalesce(freed, '{}') loop
        perform app.keep_overbooked('{}', one, at);
    end loop;
end
$$;

-- Whoever moves an appointment takes along who is there for it, and need not be allowed to look at the staff: who of them has
-- left since. The one who leads is not asked for: without him it is another appointment.
create function app.left_since_agreed(appointment uuid) returns setof uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return query
        select r.resource_id
          from app.appointments a
          join app.reservations r on r.tenant_id = tenant and r.appointment_id = a.id and r.state <> 'released'
         where a.tenant_id = tenant and a.id = appointment and app.may_see(a.patient_id)
           and (exists (select from app.staff_members m where m.tenant_id = tenant and m.id = r.staff_id and m.status <> 'active')
                or r.provider_id <> a.provider_id
                   and exists (select from app.providers p where p.tenant_id = tenant and p.id = r.provider_id and p.status <> 'active'));
end
$$;
alter function app.left_since_agreed(uuid) owner to chartwell_definer;
revoke all on function app.left_since_agreed(uuid) from public;
grant execute on function app.left_since_agreed(uuid) to chartwell_runtime;
grant select (tenant_id, id, status) on app.staff_members to chartwell_definer;

-- As before, for those only who plan: others have no use for it.
create or replace function app.facility_of_reservation(reservation uuid) returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    if app.actor_role() is null or app.actor_role() not in ('admin', 'provider', 'staff') then
        raise exception 'for who plans' using errcode = 'insufficient_privilege';
    end if;
    return (select coalesce(a.facility_id, h.facility_id)
              from app.reservations r
              left join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
              left join app.appointment_holds h on h.tenant_id = tenant and h.id = r.hold_id
             where r.tenant_id = tenant and r.id = reservation);
end
$$;

-- {detail, errors}: what booking it alone would have answered. Of a refusal noted before, nothing is known but its code.
alter table app.schedule_plan_requests add column problem jsonb;

-- A provider who accepts no patients keeps those he has: the one who leads a patient's care, and whoever he has or had an
-- appointment with. Of the patient who asks.
create function app.is_own_provider(provider uuid) returns boolean language sql stable set search_path = pg_catalog, pg_temp
as $$
    select exists (select from app.patients p
                    where p.tenant_id = app.tenant_id() and p.id = app.own_patient_id() and p.primary_provider_id = provider)
        or exists (select from app.appointments a
                    where a.tenant_id = app.tenant_id() and a.patient_id = app.own_patient_id() and a.provider_id = provider
                      and a.status <> 'cancelled')
$$;
revoke all on function app.is_own_provider(uuid) from public;
grant execute on function app.is_own_provider(uuid) to chartwell_runtime;
