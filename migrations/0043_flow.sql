-- What the waitlist offers is kept by a hold; whether a hold is an offer's is asked whenever one is booked or given back.
create index waitlist_offers_hold_idx on app.waitlist_offers (tenant_id, hold_id) where status = 'open';

-- The appointments that are still to come, stand, and occupy somebody within a time: in one facility or any, of one provider,
-- member of staff, room or device or anybody. Read past the policies of patients, because whoever takes time off, or closes a
-- room, is told how many it concerns, and of whom he may see which; it gives away where and when, for what service, and no patient.
create function app.standing_appointments(at_facility uuid, of_resource uuid, since timestamptz, until timestamptz,
                                          not_before timestamptz, most integer)
    returns table (appointment_id uuid, facility_id uuid, service_id uuid, starts_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    if app.actor_role() is null or app.actor_role() not in ('admin', 'provider', 'nurse', 'staff', 'system') then
        return;
    end if;
    -- Nothing occupies anybody for more than 40 hours.
    if of_resource is not null then
        return query
        select a.id, a.facility_id, a.service_id, a.starts_at
          from (select distinct r.appointment_id as id
                  from app.reservations r
                 where r.tenant_id = tenant and r.resource_id = of_resource and r.state in ('booked', 'overbooked')
                   and r.starts_at > since - interval '40 hours' and r.starts_at < until and r.ends_at > since) o
          join app.appointments a on a.tenant_id = tenant and a.id = o.id
         where a.status in ('scheduled', 'confirmed') and a.starts_at >= not_before
           and (at_facility is null or a.facility_id = at_facility)
         order by a.starts_at, a.id limit most;
    else
        return query
        select a.id, a.facility_id, a.service_id, a.starts_at
          from app.facilities f
          join app.appointments a on a.tenant_id = tenant and a.facility_id = f.id
         where f.tenant_id = tenant and (at_facility is null or f.id = at_facility)
           and a.status in ('scheduled', 'confirmed') and a.starts_at >= not_before
           and a.starts_at > since - interval '40 hours' and a.starts_at < until + interval '40 hours'
           and exists (select from app.reservations r
                        where r.tenant_id = tenant and r.appointment_id = a.id and r.state in ('booked', 'overbooked')
                          and r.starts_at < until and r.ends_at > since)
         order by a.starts_at, a.id limit most;
    end if;
end
$$;
grant select (tenant_id, id) on app.facilities to chartwell_definer;
revoke all on function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) from public;
grant execute on function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) to chartwell_runtime;
alter function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) owner to chartwell_definer;
