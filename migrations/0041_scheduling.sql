-- A room that nobody gave back, visits nobody ended, time that becomes free when a place or a person comes back, and the way
-- of a provider from a visit the planner may not see.

-- Who sits in a room ------------------------------------------------------------------------------------------------------
-- From when on a patient sits in the room he was put into, and until when he is taken to sit there if nobody ends the visit
-- (appointments/rooming.rs). The index of 0010 knew no time: a visit that was forgotten kept its room for ever.
alter table app.appointments add column roomed_while tstzrange;
alter table app.appointments add constraint appointments_roomed_while_check
    check (roomed_while is null or roomed_at is not null and not isempty(roomed_while) and not lower_inf(roomed_while) and not upper_inf(roomed_while)) not valid;
drop index app.appointments_room_key;
alter table app.appointments add constraint appointments_room_excl
    exclude using gist (tenant_id with =, roomed_in with =, roomed_while with &&) where (roomed_alone and status in ('checked_in', 'in_progress'));

-- Whether somebody else sits there then, seen by the caller or not. Of visits from before there was a while: so long after
-- their end as in rooming.rs.
drop function app.sits_in_room(uuid, uuid);
create function app.sits_in_room(room uuid, besides uuid, at timestamptz) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return exists (select from app.appointments own
                     join app.appointments a on a.tenant_id = tenant and a.facility_id = own.facility_id
                          and a.status in ('checked_in', 'in_progress') and a.roomed_in = room and a.id <> besides
                          and coalesce(upper(a.roomed_while), a.ends_at + interval '4 hours') > at
                    where own.tenant_id = tenant and own.id = besides);
end
$$;
alter function app.sits_in_room(uuid, uuid, timestamptz) owner to chartwell_definer;
revoke all on function app.sits_in_room(uuid, uuid, timestamptz) from public;
grant execute on function app.sits_in_room(uuid, uuid, timestamptz) to chartwell_runtime;

-- Who and what comes back -------------------------------------------------------------------------------------------------
-- A facility that is open again, a provider who works again or has learnt something: all their time to come is offered to
-- those who wait, as that of a room that is opened again. Whoever writes it; time is offered three years ahead at most.
create function app.follow_return() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    place uuid := case tg_table_name when 'facilities' then new.id end;
begin
    if exists (select from app.waitlist_entries w where w.tenant_id = new.tenant_id and w.status = 'waiting') then
        insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
        values (new.tenant_id, gen_random_uuid(), 'waitlist.time_opened',
                jsonb_build_object('facility_id', place, 'from', now(), 'until', now() + interval '1100 days'),
                'back ' || coalesce(place::text, 'anywhere'), now())
        on conflict do nothing;
    end if;
    return null;
end
$$;
alter function app.follow_return() owner to chartwell_definer;
revoke all on function app.follow_return() from public;
create trigger facilities_return after update of status on app.facilities
    for each row when (new.status = 'active' and old.status <> 'active') execute function app.follow_return();
create trigger providers_return after update of status, specialties, subspecialties on app.providers
    for each row when (new.status = 'active' and (old.status <> 'active' or new.specialties is distinct from old.specialties
                       or new.subspecialties is distinct from old.subspecialties)) execute function app.follow_return();

-- Where somebody is -------------------------------------------------------------------------------------------------------
-- At which facility a reservation takes place, seen by the caller or not: when a provider is taken is known to who plans his
-- week, and he has to get there and back. Of whom and for what is not told.
create function app.facility_of_reservation(reservation uuid) returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    return (select coalesce(a.facility_id, h.facility_id)
              from app.reservations r
              left join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
              left join app.appointment_holds h on h.tenant_id = tenant and h.id = r.hold_id
             where r.tenant_id = tenant and r.id = reservation);
end
$$;
alter function app.facility_of_reservation(uuid) owner to chartwell_definer;
revoke all on function app.facility_of_reservation(uuid) from public;
grant execute on function app.facility_of_reservation(uuid) to chartwell_runtime;
