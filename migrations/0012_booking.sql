-- Booking: the rules for patients who book themselves, places for deliberate overbookings, who books in turn, who is on a patient's
-- team because he is to see him, and where a patient is known.

-- What patients may do themselves. Where there is no row, the defaults hold.
create table app.booking_rules (
    tenant_id              uuid        not null,
    max_open_appointments  integer     not null default 5,       -- and holds, of one patient, that he may add to
    cancel_notice_minutes  integer     not null default 1440,    -- to cancel or move one himself
    version                bigint      not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    constraint booking_rules_pkey primary key (tenant_id),
    constraint booking_rules_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint booking_rules_range_check check (max_open_appointments between 0 and 100 and cancel_notice_minutes between 0 and 43200)
);
select app.tenant_table('app.booking_rules', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}',
                        history => false);

-- One place for each overbooking of a resource's local day. The key is what limits them, whoever books at the same time.
create table app.overbooking_places (
    tenant_id       uuid     not null,
    resource_id     uuid     not null,
    day             date     not null,
    place           smallint not null,
    appointment_id  uuid     not null,
    constraint overbooking_places_pkey primary key (tenant_id, resource_id, day, place),
    constraint overbooking_places_appointment_fkey foreign key (tenant_id, appointment_id) references app.appointments (tenant_id, id)
);
create index overbooking_places_appointment_idx on app.overbooking_places (tenant_id, appointment_id);
select app.tenant_table('app.overbooking_places', history => false, read => '{admin,provider,nurse,staff,patient,system}',
                        write => '{admin,provider,nurse,staff,system}', may_delete => '{admin,provider,nurse,staff,patient,system}');

-- A sum is kept only if nobody adds to it meanwhile: how much a provider is booked in a week, how many appointments a patient has
-- to come. Whoever is about to add holds whom the sum is of. Neither may change those rows otherwise, so the owner's rights lock
-- them, and nothing else.
create function app.hold_providers(wanted uuid[]) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    -- In everybody's order, so that nobody waits in a circle.
    perform from app.providers p where p.tenant_id = tenant and p.id = any(wanted) order by p.id for no key update;
end
$$;
alter function app.hold_providers(uuid[]) owner to chartwell_definer;
revoke all on function app.hold_providers(uuid[]) from public;
grant execute on function app.hold_providers(uuid[]) to chartwell_runtime;
-- Locking a row takes the right to change some column of it.
grant update (version) on app.providers to chartwell_definer;

create function app.hold_own_chart() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    perform from app.patients p where p.tenant_id = tenant and p.id = app.own_patient_id() for no key update;
end
$$;
alter function app.hold_own_chart() owner to chartwell_definer;
revoke all on function app.hold_own_chart() from public;
grant execute on function app.hold_own_chart() to chartwell_runtime;

-- A hold that has run out stands in the way until somebody who wants its place releases it, and that may be anybody.
create function app.release_stale_holds(resources uuid[], wanted_from timestamptz, wanted_until timestamptz, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
begin
    update app.reservations set state = 'released'
     where tenant_id = tenant and id in (
           select r.id from app.reservations r
            where r.tenant_id = tenant and r.resource_id = any(resources) and r.state = 'held' and r.expires_at <= at
              and r.starts_at > wanted_from - interval '40 hours' and r.starts_at < wanted_until and r.ends_at > wanted_from
            order by r.resource_id, r.id
              for update);
end
$$;
alter function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) owner to chartwell_definer;
revoke all on function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) from public;
grant execute on function app.release_stale_holds(uuid[], timestamptz, timestamptz, timestamptz) to chartwell_runtime;
grant update (state, lane) on app.reservations to chartwell_definer;

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
    -- A hold that has run out is in nobody's way.
    perform app.release_stale_holds(array_agg(f.resource_id), min(f.starts_at), max(f.ends_at), at)
       from app.reservations f
      where f.tenant_id = tenant and f.state = 'released' and (f.appointment_id = any(ended) or f.hold_id = given_back)
     having count(*) > 0;
    for one in
        select r.id, r.appointment_id, f.lane
          from app.reservations f
          join app.reservations r on r.tenant_id = tenant and r.resource_id = f.resource_id and r.state = 'overbooked'
                                 and r.starts_at > f.starts_at - interval '40 hours' and r.starts_at < f.ends_at and r.ends_at > f.starts_at
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where f.tenant_id = tenant and f.state = 'released' and (f.appointment_id = any(ended) or f.hold_id = given_back)
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
alter function app.keep_overbooked(uuid[], uuid, timestamptz) owner to chartwell_definer;
revoke all on function app.keep_overbooked(uuid[], uuid, timestamptz) from public;
grant execute on function app.keep_overbooked(uuid[], uuid, timestamptz) to chartwell_runtime;
grant update (overbooked, version, updated_at) on app.appointments to chartwell_definer;
grant select, delete on app.overbooking_places to chartwell_definer;

-- Whoever is to see a patient may open his chart: from the booking to a week after the appointment, as long as it stands.
-- Every provider it occupies, which the reservations know.
create function app.join_team_of_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant  uuid := new.tenant_id;
    visit   app.appointments;
    member  uuid;
    until   timestamptz;
begin
    select p.user_id into member from app.providers p where p.tenant_id = tenant and p.id = new.provider_id;
    if member is null then
        return null;
    end if;
    select a.* into visit from app.appointments a where a.tenant_id = tenant and a.id = new.appointment_id;
    if new.state = 'released' then
        select max(r.ends_at) + interval '7 days' into until
          from app.reservations r
          join app.appointments a on a.tenant_id = tenant and a.id = r.appointment_id
         where r.tenant_id = tenant and r.resource_id = new.provider_id and r.state in ('booked', 'overbooked')
           and a.patient_id = visit.patient_id;
        update app.care_team_members m
           set valid_until = greatest(m.valid_from, coalesce(until, now()), least(now(), m.valid_until)), updated_at = now(), version = m.version + 1
         where m.tenant_id = tenant and m.patient_id = visit.patient_id and m.user_id = member and m.source = 'appointment'
           and m.valid_until > greatest(now(), coalesce(until, now()));
        return null;
    end if;
    until := visit.ends_at + interval '7 days';
    if until <= now() then
        return null;                                    -- history, such as a demonstration: it opens no chart today
    end if;
    update app.care_team_members m set valid_until = greatest(m.valid_until, until), valid_from = least(m.valid_from, visit.starts_at - interval '7 days'),
           updated_at = now(), version = m.version + 1
     where m.tenant_id = tenant and m.patient_id = visit.patient_id and m.user_id = member and m.source = 'appointment'
       and m.valid_until > now();
    if not found then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        values (tenant, gen_random_uuid(), visit.patient_id, member, 'attending', 'appointment',
                least(visit.starts_at - interval '7 days', now()), until, app.user_id(), now(), now());
    end if;
    return null;
end
$$;
alter function app.join_team_of_appointment() owner to chartwell_definer;
revoke all on function app.join_team_of_appointment() from public;
grant select on app.reservations to chartwell_definer;
create trigger reservations_team after insert or update of state on app.reservations
    for each row when (new.provider_id is not null and new.appointment_id is not null and new.state <> 'held')
    execute function app.join_team_of_appointment();

-- Where a patient is known: facility scope reads it.
-- Where he was registered, or a registration merged into his; where a visit or an appointment of his is, was or was to be,
-- unless it was cancelled.
create function app.facilities_of(tenant uuid, patient uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
as $$
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
     where a.tenant_id = tenant and a.patient_id = patient and a.status not in ('cancelled', 'rescheduled')
$$;
revoke all on function app.facilities_of(uuid, uuid) from public;
grant execute on function app.facilities_of(uuid, uuid) to chartwell_definer;

-- Makes where a patient is known what his registration, visits and appointments say.
create function app.follow_facilities(tenant uuid, patient uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known uuid[];
begin
    perform from app.patient_facilities f where f.tenant_id = tenant and f.patient_id = patient
      order by f.facility_id for update;
    known := array(select app.facilities_of(tenant, patient));
    delete from app.patient_facilities f
     where f.tenant_id = tenant and f.patient_id = patient and f.facility_id <> all(known);
    insert into app.patient_facilities (tenant_id, patient_id, facility_id)
    select tenant, patient, k from unnest(known) k order by k on conflict do nothing;
end
$$;
revoke all on function app.follow_facilities(uuid, uuid) from public;
grant execute on function app.follow_facilities(uuid, uuid) to chartwell_definer;

-- Where he is not to be any more. Mostly he is registered or expected there all the same; only if not are his visits asked, of every
-- month there is.
create function app.leave_facility(tenant uuid, patient uuid, facility uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform from app.patient_facilities f where f.tenant_id = tenant and f.patient_id = patient
      order by f.facility_id for update;
    if exists (select from app.patients p where p.tenant_id = tenant and p.id = patient and p.facility_id = facility)
       or exists (select from app.appointments a
                   where a.tenant_id = tenant and a.patient_id = patient and a.facility_id = facility
                     and a.status not in ('cancelled', 'rescheduled')) then
        return;
    end if;
    perform app.follow_facilities(tenant, patient);
end
$$;
revoke all on function app.leave_facility(uuid, uuid, uuid) from public;
grant execute on function app.leave_facility(uuid, uuid, uuid) to chartwell_definer;

-- Where he is expected he is known. What closes a chart does so when the transaction ends: whoever calls off a visit has its answer
-- as his last look.
create function app.know_patient_of_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' then
        perform app.leave_facility(old.tenant_id, old.patient_id, old.facility_id);
    end if;
    if new.status not in ('cancelled', 'rescheduled') then
        perform app.know_at(new.tenant_id, new.patient_id, new.facility_id);
    end if;
    return null;
end
$$;
alter function app.know_patient_of_appointment() owner to chartwell_definer;
revoke all on function app.know_patient_of_appointment() from public;
create constraint trigger appointments_place after insert on app.appointments
    deferrable initially deferred for each row execute function app.know_patient_of_appointment();
create constraint trigger appointments_other_place after update of facility_id, status on app.appointments
    deferrable initially deferred for each row
    when (old.facility_id <> new.facility_id
          or (old.status in ('cancelled', 'rescheduled')) <> (new.status in ('cancelled', 'rescheduled')))
    execute function app.know_patient_of_appointment();

-- A registration that moves to another facility.
create function app.know_patient_where_registered() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform app.follow_facilities(new.tenant_id, new.id);
    return null;
end
$$;
alter function app.know_patient_where_registered() owner to chartwell_definer;
revoke all on function app.know_patient_where_registered() from public;
create constraint trigger patients_place after update of facility_id on app.patients
    deferrable initially deferred for each row when (old.facility_id is distinct from new.facility_id)
    execute function app.know_patient_where_registered();
