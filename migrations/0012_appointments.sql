-- Appointments that repeat, the rules for patients who book themselves, places for deliberate overbookings, and who is on a
-- patient's team because he sees him.

-- A series says what was agreed on: a rule over the wall clock of a place. Each of its occurrences is an appointment with its
-- own instants, worked out when it was booked: when the clocks change under a series, the wall time stays and the instant moves.
-- A series that is changed, or called off, from some day on ends before that day; with the change another one goes on.
create table app.appointment_series (
    tenant_id        uuid        not null,
    id               uuid        not null,
    patient_id       uuid        not null,
    service_id       uuid        not null,
    facility_id      uuid        not null,
    provider_id      uuid,
    room_id          uuid,
    equipment_ids    uuid[]      not null default '{}',
    rule             text        not null,          -- RFC 5545 RRULE, without its name
    until_day        date,
    local_start      timestamp   not null,          -- of the first occurrence
    time_zone        text        not null,          -- IANA
    exceptions       date[]      not null default '{}',
    split_from       uuid,                          -- the series this one goes on with
    priority         text        not null default 'medium',
    chief_complaint  text,
    status           text        not null default 'active',
    created_by       uuid,
    version          bigint      not null default 1,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    constraint appointment_series_pkey primary key (tenant_id, id),
    constraint appointment_series_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint appointment_series_patient_key unique (tenant_id, patient_id, id),
    constraint appointment_series_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint appointment_series_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint appointment_series_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint appointment_series_room_fkey foreign key (tenant_id, room_id) references app.scheduling_assets (tenant_id, id),
    constraint appointment_series_split_fkey foreign key (tenant_id, split_from) references app.appointment_series (tenant_id, id),
    constraint appointment_series_priority_check check (priority in ('low', 'medium', 'high', 'urgent')),
    constraint appointment_series_status_check check (status in ('active', 'cancelled'))
);
create index appointment_series_patient_idx on app.appointment_series (tenant_id, patient_id, id);
create index appointment_series_split_idx on app.appointment_series (tenant_id, split_from) where split_from is not null;
select app.tenant_table('app.appointment_series', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,system}');
-- Adding a foreign key checks the rows through the policies, which want a context: nobody's. There are no rows.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.appointments add constraint appointments_series_fkey foreign key (tenant_id, patient_id, series_id)
    references app.appointment_series (tenant_id, patient_id, id);

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
grant select on app.appointments, app.reservations to chartwell_definer;
create trigger reservations_team after insert or update of state on app.reservations
    for each row when (new.provider_id is not null and new.appointment_id is not null and new.state <> 'held')
    execute function app.join_team_of_appointment();

-- Where a patient is expected he is known: facility scope reads it.
create function app.know_patient_of_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.patient_facilities (tenant_id, patient_id, facility_id)
    values (new.tenant_id, new.patient_id, new.facility_id) on conflict do nothing;
    return null;
end
$$;
alter function app.know_patient_of_appointment() owner to chartwell_definer;
revoke all on function app.know_patient_of_appointment() from public;
create trigger appointments_place after insert on app.appointments
    for each row execute function app.know_patient_of_appointment();
