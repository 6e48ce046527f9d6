-- Scheduling: what can be booked, what it needs, and one table that decides who is occupied when.
-- There are no rows of free slots. Free time is working time (0011) less the reservations below, computed when it is asked for.

-- Rooms and devices. Providers and other staff are booked too; they have tables of their own (0004).
create table app.scheduling_assets (
    tenant_id      uuid        not null,
    id             uuid        not null,
    facility_id    uuid        not null,
    department_id  uuid,
    kind           text        not null,
    asset_kind     text        not null,              -- what a service asks for: exam, procedure, mri, ecg …
    code           text        not null,
    name           text        not null,
    status         text        not null default 'active',
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint scheduling_assets_pkey primary key (tenant_id, id),
    constraint scheduling_assets_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint scheduling_assets_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint scheduling_assets_code_key unique (tenant_id, facility_id, code),
    constraint scheduling_assets_kind_check check (kind in ('room', 'equipment')),
    constraint scheduling_assets_asset_kind_check check (asset_kind ~ '^[a-z0-9_]{1,40}$'),
    constraint scheduling_assets_status_check check (status in ('active', 'inactive'))
);
create index scheduling_assets_kind_idx on app.scheduling_assets (tenant_id, kind, asset_kind, facility_id);
select app.tenant_table('app.scheduling_assets', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}');

-- What a patient can be booked for. Preparation and clean-up occupy the provider, the room and the devices, not the patient.
create table app.scheduling_services (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    code               text        not null,
    name               text        not null,
    appointment_type   text        not null,
    duration_minutes   integer     not null,
    prep_minutes       integer     not null default 0,
    cleanup_minutes    integer     not null default 0,
    align_minutes      integer     not null default 5,    -- starts at multiples of so many minutes past local midnight
    lead_minutes       integer     not null default 0,    -- not sooner than so long from now
    ahead_days         integer     not null default 365,  -- nor further away
    capacity           integer     not null default 1,    -- patients in one session; more than one is a group
    overbook_per_day   integer     not null default 0,    -- deliberate overbookings of a provider's local day
    needs_provider     boolean     not null default true,
    skills             text[]      not null default '{}', -- each held by the provider as a specialty, in its normal form
    room_kind          text,
    equipment_kinds    text[]      not null default '{}',
    self_booking       boolean     not null default false,
    status             text        not null default 'active',
    version            bigint      not null default 1,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint scheduling_services_pkey primary key (tenant_id, id),
    constraint scheduling_services_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint scheduling_services_code_key unique (tenant_id, code),
    constraint scheduling_services_type_check check (appointment_type in
        ('consultation', 'follow_up', 'emergency', 'surgery', 'diagnostic', 'telemedicine', 'procedure', 'immunization', 'therapy', 'group', 'other')),
    constraint scheduling_services_minutes_check check (duration_minutes between 1 and 1440 and prep_minutes between 0 and 480
        and cleanup_minutes between 0 and 480 and align_minutes between 1 and 1440 and lead_minutes between 0 and 525600),
    constraint scheduling_services_limits_check check (ahead_days between 1 and 1100 and capacity between 1 and 200 and overbook_per_day between 0 and 50),
    constraint scheduling_services_status_check check (status in ('active', 'inactive'))
);
select app.tenant_table('app.scheduling_services', read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,system}');

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

-- An appointment. Its times are instants; beside them stands the wall clock of the place, because that is what was agreed
-- with the patient: when a zone changes its rules, `local_start` says what was meant.
create table app.appointments (
    tenant_id         uuid        not null,
    id                uuid        not null,
    patient_id        uuid        not null,
    service_id        uuid        not null,
    facility_id       uuid        not null,
    provider_id       uuid,                          -- who leads; all who are occupied stand in reservations
    type              text        not null,
    priority          text        not null default 'medium',
    status            text        not null default 'scheduled',
    starts_at         timestamptz not null,
    ends_at           timestamptz not null,
    time_zone         text        not null,          -- IANA
    local_start       timestamp   not null,
    chief_complaint   text,
    notes             text,                          -- for the office, not for the patient
    join_url          text,                          -- telemedicine
    overbooked        boolean     not null default false,    -- booked over somebody, who is there still
    overbook_reason   text,                          -- as it was given, also where the time was free or became free since
    series_id         uuid,
    rescheduled_from  uuid,                          -- the appointment this one took the place of
    encounter_id      uuid,
    cancelled_by      text,                          -- patient, provider, facility
    cancel_reason     text,
    confirmed_at      timestamptz,
    checked_in_at     timestamptz,
    -- In a room, and waiting: not a status, because the patient is checked in until somebody sees him. Where he was put is a fact
    -- beside what was reserved.
    roomed_at         timestamptz,
    roomed_in         uuid,
    roomed_by         uuid,
    roomed_alone      boolean     not null default false,    -- nobody else may be put there
    -- From when on he sits there, and until when he is taken to sit there if nobody ends the visit (appointments/rooming.rs): a visit
    -- that is forgotten does not keep its room for ever.
    roomed_while      tstzrange,
    started_at        timestamptz,
    completed_at      timestamptz,
    cancelled_at      timestamptz,
    booked_by_role    text        not null,
    created_by        uuid,
    closed_by         uuid,                          -- who cancelled it, or marked it as missed
    version           bigint      not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint appointments_pkey primary key (tenant_id, id),
    constraint appointments_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint appointments_patient_key unique (tenant_id, patient_id, id),
    constraint appointments_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint appointments_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint appointments_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint appointments_encounter_fkey foreign key (tenant_id, patient_id, encounter_id)
        references app.encounter_register (tenant_id, patient_id, id),
    constraint appointments_chain_fkey foreign key (tenant_id, patient_id, rescheduled_from)
        references app.appointments (tenant_id, patient_id, id),
    constraint appointments_series_fkey foreign key (tenant_id, patient_id, series_id)
        references app.appointment_series (tenant_id, patient_id, id),
    constraint appointments_roomed_fkey foreign key (tenant_id, roomed_in) references app.scheduling_assets (tenant_id, id),
    constraint appointments_type_check check (type in
        ('consultation', 'follow_up', 'emergency', 'surgery', 'diagnostic', 'telemedicine', 'procedure', 'immunization', 'therapy', 'group', 'other')),
    constraint appointments_priority_check check (priority in ('low', 'medium', 'high', 'urgent')),
    constraint appointments_status_check check (status in
        ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed', 'cancelled', 'no_show', 'rescheduled')),
    constraint appointments_times_check check (starts_at < ends_at),
    constraint appointments_overbooked_check check (not overbooked or overbook_reason is not null),
    constraint appointments_roomed_check check ((roomed_at is null) = (roomed_in is null) and (roomed_at is null or checked_in_at is not null)),
    constraint appointments_roomed_while_check check (roomed_while is null or roomed_at is not null and not isempty(roomed_while)
        and not lower_inf(roomed_while) and not upper_inf(roomed_while)),
    constraint appointments_cancelled_check check ((status = 'cancelled') = (cancelled_at is not null)
        and (cancelled_by is null or cancelled_by in ('patient', 'provider', 'facility'))),
    -- One patient in a room at a time. Whoever puts him there may not be allowed to see who sits there, and two may do it at once:
    -- the constraint says no to both. Where more than one may sit (a family, chairs for infusions) it is said, and the row stands
    -- outside of it.
    constraint appointments_room_excl exclude using gist (tenant_id with =, roomed_in with =, roomed_while with &&)
        where (roomed_alone and status in ('checked_in', 'in_progress'))
);
-- An appointment is replaced once.
create unique index appointments_chain_key on app.appointments (tenant_id, rescheduled_from) where rescheduled_from is not null;
-- A planned encounter is booked once at a time.
create unique index appointments_encounter_key on app.appointments (tenant_id, encounter_id)
    where encounter_id is not null and status not in ('cancelled', 'no_show', 'rescheduled');
create index appointments_patient_idx on app.appointments (tenant_id, patient_id, starts_at);
create index appointments_provider_idx on app.appointments (tenant_id, provider_id, starts_at);
create index appointments_facility_idx on app.appointments (tenant_id, facility_id, starts_at);
-- Who is here: the board shows them whatever the day, after midnight too, and whoever is put into a room is compared with them.
-- Few rows of a table that grows for years.
create index appointments_here_idx on app.appointments (tenant_id, facility_id, starts_at) where status in ('checked_in', 'in_progress');
create index appointments_service_idx on app.appointments (tenant_id, service_id, starts_at);
create index appointments_series_idx on app.appointments (tenant_id, series_id, starts_at) where series_id is not null;
select app.tenant_table('app.appointments', of_patient => true,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,patient,system}');

-- Whether somebody else sits in a room then, seen by the caller or not. Of visits without a while: so long after their end as in
-- rooming.rs.
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

-- A promise to keep a time free for a short while: to look at the calendar together, or to wait for an answer.
create table app.appointment_holds (
    tenant_id    uuid        not null,
    id           uuid        not null,
    patient_id   uuid        not null,
    service_id   uuid        not null,
    facility_id  uuid        not null,
    provider_id  uuid,
    starts_at    timestamptz not null,
    ends_at      timestamptz not null,
    status       text        not null default 'open',
    expires_at   timestamptz not null,
    created_by   uuid,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint appointment_holds_pkey primary key (tenant_id, id),
    constraint appointment_holds_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint appointment_holds_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint appointment_holds_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint appointment_holds_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint appointment_holds_status_check check (status in ('open', 'booked', 'released', 'expired')),
    constraint appointment_holds_times_check check (starts_at < ends_at)
);
create index appointment_holds_patient_idx on app.appointment_holds (tenant_id, patient_id, starts_at);
create index appointment_holds_expiry_idx on app.appointment_holds (tenant_id, expires_at) where status = 'open';
select app.tenant_table('app.appointment_holds', of_patient => true,
                        read => '{admin,provider,nurse,staff,patient,system}', write => '{admin,provider,nurse,staff,patient,system}');

-- Who is occupied when. Every appointment and every hold stands here once for each provider, room, device and other member
-- of staff it needs, and once for its patient. Two constraints make a double booking impossible, whoever writes:
--   * two overlapping rows of a resource have the same `party`: each appointment is a party of its own, and the appointments
--     of one group session share one (the server derives it from service, start and resource);
--   * within a party each row has a lane of its own, and no lane is higher than the group is large.
-- A deliberate overbooking is a state of its own, which the constraints leave out. What no longer occupies anybody is
-- 'released', never deleted; a hold that has run out counts until it is released, which whoever wants its place does first.
create table app.reservations (
    tenant_id       uuid        not null,
    id              uuid        not null,
    appointment_id  uuid,
    hold_id         uuid,
    patient_id      uuid,
    provider_id     uuid,
    staff_id        uuid,
    asset_id        uuid,
    resource_id     uuid        not null generated always as (coalesce(provider_id, asset_id, staff_id, patient_id)) stored,
    party           uuid        not null,
    lane            smallint    not null default 1,
    starts_at       timestamptz not null,
    ends_at         timestamptz not null,
    during          tstzrange   not null generated always as (tstzrange(starts_at, ends_at, '[)')) stored,
    state           text        not null,
    expires_at      timestamptz,                     -- of a hold
    created_at      timestamptz not null,
    constraint reservations_pkey primary key (tenant_id, id),
    constraint reservations_appointment_fkey foreign key (tenant_id, appointment_id) references app.appointments (tenant_id, id),
    constraint reservations_hold_fkey foreign key (tenant_id, hold_id) references app.appointment_holds (tenant_id, id),
    constraint reservations_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint reservations_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint reservations_staff_fkey foreign key (tenant_id, staff_id) references app.staff_members (tenant_id, id),
    constraint reservations_asset_fkey foreign key (tenant_id, asset_id) references app.scheduling_assets (tenant_id, id),
    constraint reservations_one_resource_check check (num_nonnulls(patient_id, provider_id, staff_id, asset_id) = 1),
    constraint reservations_reason_check check (num_nonnulls(appointment_id, hold_id) >= 1),
    constraint reservations_state_check check (state in ('held', 'booked', 'overbooked', 'released')),
    constraint reservations_held_check check ((state = 'held') <= (expires_at is not null)),
    constraint reservations_lane_check check (lane between 1 and 200),
    constraint reservations_times_check check (starts_at < ends_at),
    constraint reservations_party_excl exclude using gist (tenant_id with =, resource_id with =, during with &&, party with <>)
        where (state in ('held', 'booked')),
    constraint reservations_lane_excl exclude using gist (tenant_id with =, resource_id with =, during with &&, lane with =)
        where (state in ('held', 'booked'))
);
-- Nothing that compares ranges is leakproof, so under row-level security the busy times of a resource are read by this one.
create index reservations_busy_idx on app.reservations (tenant_id, resource_id, starts_at, ends_at)
    where state in ('held', 'booked', 'overbooked');
create index reservations_appointment_idx on app.reservations (tenant_id, appointment_id);
create index reservations_hold_idx on app.reservations (tenant_id, hold_id) where hold_id is not null;
-- The appointment itself has a history.
select app.tenant_table('app.reservations', history => false,
                        read => '{admin,provider,nurse,staff,billing,patient,system}', write => '{admin,provider,nurse,staff,patient,system}');
select app.narrow_policies('app.reservations', 'patient_id is null or app.sees_every_patient() or app.may_see(patient_id)');
-- The rows of a provider or a room name no patient. A patient changes those of an appointment or a hold that he may see.
create function app.is_of_own_visit(appointment uuid, hold uuid) returns boolean
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from app.appointments a where a.tenant_id = app.tenant_id() and a.id = appointment and app.may_see(a.patient_id))
        or exists (select from app.appointment_holds h where h.tenant_id = app.tenant_id() and h.id = hold and app.may_see(h.patient_id));
end
$$;
revoke all on function app.is_of_own_visit(uuid, uuid) from public;
grant execute on function app.is_of_own_visit(uuid, uuid) to chartwell_runtime;
select app.narrow_policies('app.reservations', $condition$ app.actor_role() <> 'patient' or app.is_of_own_visit(appointment_id, hold_id) $condition$,
                           'aw');

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
