-- A visit that is over before its time occupies nobody any longer. Its reservations end with it (appointments/store_occupancy.rs), and
-- who was booked over the rest, or waits for such a time, has it, as when an appointment is called off.

-- What became free with the end of these appointments, or with a hold that was given back: all of it, or, of a visit that is over,
-- what comes after it. How long that was to be cleaned up for is not asked: eight hours are the most, and who is let in has to fit
-- into what is free in any case.
create function app.given_back(tenant uuid, ended uuid[], hold uuid)
    returns table (resource_id uuid, lane smallint, starts_at timestamptz, ends_at timestamptz)
    language sql stable rows 10 set search_path = pg_catalog, pg_temp
as $$
    select f.resource_id, f.lane, f.starts_at, f.ends_at
      from app.reservations f
     where f.tenant_id = tenant and f.state = 'released' and (f.appointment_id = any(ended) or f.hold_id = hold)
    union all
    select f.resource_id, f.lane, f.ends_at, a.ends_at + interval '8 hours'
      from app.appointments a
      join app.reservations f on f.tenant_id = tenant and f.appointment_id = a.id
     where a.tenant_id = tenant and a.id = any(ended) and a.status = 'completed' and f.ends_at < a.ends_at + interval '8 hours'
$$;
revoke all on function app.given_back(uuid, uuid[], uuid) from public;
grant execute on function app.given_back(uuid, uuid[], uuid) to chartwell_definer;

-- As in 0012, of what was given back of a visit that is over, too.
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

-- As in 0019, and those who wait are asked for the rest of a visit that is over early, too.
create or replace function app.follow_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    moved  boolean := tg_op = 'INSERT' or new.starts_at is distinct from old.starts_at;
    step   boolean := tg_op = 'INSERT' or new.status is distinct from old.status;
    roomed boolean := tg_op = 'UPDATE' and new.roomed_in is distinct from old.roomed_in;
begin
    if (moved or step) and new.status in ('scheduled', 'confirmed', 'cancelled', 'rescheduled', 'no_show') and new.starts_at > now()
       and exists (select from app.reminder_templates t where t.tenant_id = new.tenant_id and t.status = 'active' and t.purpose = 'reminder') then
        insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
        values (new.tenant_id, gen_random_uuid(), 'reminders.plan', jsonb_build_object('appointment_id', new.id), new.id::text,
                now() + interval '1 second')               -- not at once, so that a booking wakes nobody
        on conflict do nothing;
    end if;
    if tg_op = 'UPDATE' and step
       and (new.status in ('cancelled', 'rescheduled') and new.starts_at > now() or new.status = 'no_show' and new.ends_at > now()
            or new.status = 'completed' and new.ends_at > new.completed_at)
       and exists (select from app.waitlist_entries w where w.tenant_id = new.tenant_id and w.status = 'waiting') then
        insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
        values (new.tenant_id, gen_random_uuid(), 'waitlist.match', jsonb_build_object('appointment_id', new.id), new.id::text, now())
        on conflict do nothing;
    end if;
    if (moved or step or roomed) and new.starts_at between now() - interval '36 hours' and now() + interval '36 hours' then
        perform pg_notify('chartwell_board', concat_ws(' ', new.tenant_id, new.facility_id, new.id));
    end if;
    return null;
end
$$;
