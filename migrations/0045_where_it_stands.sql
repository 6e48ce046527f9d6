-- A group session has one place, and who is alone is not booked over anybody.

-- Where the sessions of a service stand that somebody leads, or that are in a room without anybody, at one start: whoever joins one
-- joins it there, and with its party. The party of a session is hashed from its facility and room, too, from now on; those that were
-- begun before keep theirs, because a row can't change its party while others of its session have the old one. Whoever books may not
-- see who else is there, so it is asked with the owner's rights; no patient is told.
create function app.sessions_of(lead uuid, service uuid, begins timestamptz, at timestamptz)
    returns table (party uuid, facility_id uuid, room_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return query
        select distinct r.party, coalesce(a.facility_id, h.facility_id),
               (select o.asset_id
                  from app.reservations o
                  join app.scheduling_assets x on x.tenant_id = tenant and x.id = o.asset_id and x.kind = 'room'
                 where o.tenant_id = tenant and o.state in ('held', 'booked')
                   and case when r.appointment_id is null then o.hold_id = r.hold_id else o.appointment_id = r.appointment_id end
                 limit 1)
          from app.reservations r
          left join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
          left join app.appointment_holds h on h.tenant_id = tenant and h.id = r.hold_id
         where r.tenant_id = tenant and r.resource_id = lead and r.state in ('held', 'booked')
           and (r.state <> 'held' or r.expires_at > sessions_of.at)
           and r.starts_at > begins - interval '40 hours' and r.starts_at <= begins and r.ends_at > begins
           and coalesce(a.service_id, h.service_id) = service and coalesce(a.starts_at, h.starts_at) = begins
           and coalesce(a.provider_id, h.provider_id, lead) = lead;
end
$$;
alter function app.sessions_of(uuid, uuid, timestamptz, timestamptz) owner to chartwell_definer;
revoke all on function app.sessions_of(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.sessions_of(uuid, uuid, timestamptz, timestamptz) to chartwell_runtime;
grant select (tenant_id, id, service_id, facility_id, provider_id, starts_at) on app.appointment_holds to chartwell_definer;
grant select (tenant_id, id, kind) on app.scheduling_assets to chartwell_definer;

-- As in 0033, but who can't have the place yet is not locked for it. When the one below and the first above him went at the same
-- moment, the second above was locked by who could not give him the place, and passed over by who could.
create or replace function app.keep_overbooked(ended uuid[], given_back uuid, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    one    record;
    kept   uuid[] := '{}';
begin
    -- A hold that has run out is in nobody's way.
    perform app.release_stale_holds(array_agg(f.resource_id), min(f.starts_at), max(f.ends_at), at)
       from app.given_back(tenant, ended, given_back) f
     having count(*) > 0;
    for one in
        select r.id, r.appointment_id, f.lane
          from app.given_back(tenant, ended, given_back) f
          join app.reservations r on r.tenant_id = tenant and r.resource_id = f.resource_id and r.state = 'overbooked'
                                 and r.starts_at > f.starts_at - interval '40 hours' and r.starts_at < f.ends_at and r.ends_at > f.starts_at
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where not exists (select from app.reservations o
                            where o.tenant_id = tenant and o.resource_id = r.resource_id and o.state in ('held', 'booked')
                              and o.starts_at > r.starts_at - interval '40 hours' and o.starts_at < r.ends_at
                              and o.ends_at > r.starts_at and (o.party <> r.party or o.lane = f.lane))
         order by r.created_at, r.appointment_id, r.resource_id
           for no key update of a, r skip locked
    loop
        begin
            update app.reservations r set state = 'booked', lane = one.lane
             where r.tenant_id = tenant and r.id = one.id and r.state = 'overbooked'
               and not exists (select from app.reservations o
                                where o.tenant_id = tenant and o.resource_id = r.resource_id and o.state in ('held', 'booked')
                                  and o.starts_at > r.starts_at - interval '40 hours' and o.starts_at < r.ends_at
                                  and o.ends_at > r.starts_at and (o.party <> r.party or o.lane = one.lane));
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
