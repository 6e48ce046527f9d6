-- Who works when. Hours are kept as they were agreed: by the wall clock of a facility. Instants are made of them when free time
-- is computed, so that no change of the clocks, and no change of a zone's rules, moves anybody's hours.

-- Working time: of a provider, of another member of staff, of a room or device; of none of them, the opening hours of the
-- facility. On the weekdays named, or on the days of an RRULE that begins on valid_from. Hours that end at or before they begin
-- end the day after. A provider without a rule does not work; a room or device without one follows the opening hours of its
-- facility, and where there are none either, it can be used at any time.
create table app.working_times (
    tenant_id    uuid        not null,
    id           uuid        not null,
    facility_id  uuid        not null,
    provider_id  uuid,
    staff_id     uuid,
    asset_id     uuid,
    weekdays     smallint[]  not null default '{}',     -- 1 Monday to 7 Sunday
    rrule        text,
    local_from   time        not null,
    local_until  time        not null,
    valid_from   date        not null,
    valid_until  date,
    status       text        not null default 'active',
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint working_times_pkey primary key (tenant_id, id),
    constraint working_times_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint working_times_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint working_times_staff_fkey foreign key (tenant_id, staff_id) references app.staff_members (tenant_id, id),
    constraint working_times_asset_fkey foreign key (tenant_id, asset_id) references app.scheduling_assets (tenant_id, id),
    constraint working_times_whose_check check (num_nonnulls(provider_id, staff_id, asset_id) <= 1),
    constraint working_times_days_check check ((rrule is null) = (cardinality(weekdays) > 0) and weekdays <@ '{1,2,3,4,5,6,7}'),
    constraint working_times_period_check check (valid_from <= valid_until),
    constraint working_times_status_check check (status in ('active', 'withdrawn'))
);
create index working_times_facility_idx on app.working_times (tenant_id, facility_id) where status = 'active';
create index working_times_provider_idx on app.working_times (tenant_id, provider_id) where provider_id is not null;
select app.tenant_table('app.working_times', read => '{admin,provider,nurse,staff,patient,system}', write => '{admin,staff,system}');

-- What differs from it: time off, and extra time. Time off counts at every facility unless one is named; extra time is at one,
-- and counts on a holiday, too. Why stands in a table of its own: patients look for free time, and somebody's illness is not theirs.
create table app.working_time_exceptions (
    tenant_id    uuid        not null,
    id           uuid        not null,
    effect       text        not null,
    facility_id  uuid,
    provider_id  uuid,
    staff_id     uuid,
    asset_id     uuid,
    starts_at    timestamptz not null,
    ends_at      timestamptz not null,
    status       text        not null default 'active',
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint working_time_exceptions_pkey primary key (tenant_id, id),
    constraint working_time_exceptions_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint working_time_exceptions_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint working_time_exceptions_staff_fkey foreign key (tenant_id, staff_id) references app.staff_members (tenant_id, id),
    constraint working_time_exceptions_asset_fkey foreign key (tenant_id, asset_id) references app.scheduling_assets (tenant_id, id),
    constraint working_time_exceptions_whose_check check (num_nonnulls(provider_id, staff_id, asset_id) = 1),
    constraint working_time_exceptions_effect_check check (effect in ('off', 'extra') and (effect = 'off' or facility_id is not null)),
    constraint working_time_exceptions_times_check check (starts_at < ends_at),
    constraint working_time_exceptions_status_check check (status in ('active', 'withdrawn'))
);
create index working_time_exceptions_time_idx on app.working_time_exceptions (tenant_id, ends_at) where status = 'active';
create index working_time_exceptions_provider_idx on app.working_time_exceptions (tenant_id, provider_id) where provider_id is not null;
select app.tenant_table('app.working_time_exceptions', read => '{admin,provider,nurse,staff,patient,system}',
                        write => '{admin,provider,staff,system}');

create table app.working_time_exception_reasons (
    tenant_id  uuid not null,
    id         uuid not null,                     -- the exception's
    kind       text not null default 'other',
    reason     text,
    constraint working_time_exception_reasons_pkey primary key (tenant_id, id),
    constraint working_time_exception_reasons_exception_fkey foreign key (tenant_id, id) references app.working_time_exceptions (tenant_id, id),
    constraint working_time_exception_reasons_kind_check check (kind in ('vacation', 'sick', 'training', 'meeting', 'maintenance', 'other'))
);
select app.tenant_table('app.working_time_exception_reasons', read => '{admin,provider,nurse,staff,system}',
                        write => '{admin,provider,staff,system}');

-- A day, or some hours of one, on which a facility is closed; without a facility, every one of them, each by its own clock.
create table app.scheduling_holidays (
    tenant_id    uuid        not null,
    id           uuid        not null,
    facility_id  uuid,
    day          date        not null,
    local_from   time,
    local_until  time,
    name         text        not null,
    status       text        not null default 'active',
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint scheduling_holidays_pkey primary key (tenant_id, id),
    constraint scheduling_holidays_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint scheduling_holidays_hours_check check (num_nonnulls(local_from, local_until) in (0, 2)),
    constraint scheduling_holidays_status_check check (status in ('active', 'withdrawn'))
);
create index scheduling_holidays_day_idx on app.scheduling_holidays (tenant_id, day) where status = 'active';
select app.tenant_table('app.scheduling_holidays', read => '{admin,provider,nurse,staff,patient,system}', write => '{admin,staff,system}');

-- Who is on call. Emergencies may be booked with him outside his working time, on holidays too.
create table app.on_call_shifts (
    tenant_id      uuid        not null,
    id             uuid        not null,
    facility_id    uuid        not null,
    department_id  uuid,
    service_id     uuid,                          -- null: for every emergency
    provider_id    uuid        not null,
    level          smallint    not null default 1,  -- who is called first
    starts_at      timestamptz not null,
    ends_at        timestamptz not null,
    status         text        not null default 'active',
    version        bigint      not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint on_call_shifts_pkey primary key (tenant_id, id),
    constraint on_call_shifts_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint on_call_shifts_department_fkey foreign key (tenant_id, facility_id, department_id)
        references app.departments (tenant_id, facility_id, id),
    constraint on_call_shifts_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint on_call_shifts_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint on_call_shifts_level_check check (level between 1 and 9),
    constraint on_call_shifts_times_check check (starts_at < ends_at),
    constraint on_call_shifts_status_check check (status in ('active', 'withdrawn'))
);
create index on_call_shifts_time_idx on app.on_call_shifts (tenant_id, facility_id, ends_at) where status = 'active';
create index on_call_shifts_provider_idx on app.on_call_shifts (tenant_id, provider_id);
select app.tenant_table('app.on_call_shifts', read => '{admin,provider,nurse,staff,patient,system}', write => '{admin,staff,system}');

-- How much a provider may be booked: minutes of a local day and week, and how long he rests between shifts. Without a provider:
-- everybody who has no limits of his own.
create table app.work_limits (
    tenant_id         uuid        not null,
    id                uuid        not null,
    provider_id       uuid,
    minutes_per_day   integer,
    minutes_per_week  integer,
    rest_minutes      integer,
    status            text        not null default 'active',
    version           bigint      not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint work_limits_pkey primary key (tenant_id, id),
    constraint work_limits_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint work_limits_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint work_limits_minutes_check check (minutes_per_day between 0 and 1440 and minutes_per_week between 0 and 10080
        and rest_minutes between 0 and 2880),
    constraint work_limits_status_check check (status in ('active', 'withdrawn'))
);
create unique index work_limits_provider_key on app.work_limits (tenant_id, provider_id) where status = 'active' and provider_id is not null;
create unique index work_limits_everybody_key on app.work_limits (tenant_id, status) where status = 'active' and provider_id is null;
select app.tenant_table('app.work_limits', read => '{admin,provider,nurse,staff,patient,system}', write => '{admin,staff,system}');

-- What became of the appointments of a facility, counted: how many stand, were kept, missed and cancelled, for how many minutes,
-- and how many days lay between booking and appointment. Counted past the policies, because who may see only some charts would
-- count only those; it gives away no patient, and no row. The patients of a session take its time together, and who was moved has
-- waited since he first booked.
create function app.appointment_counts(at_facility uuid, since timestamptz, until timestamptz)
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
revoke all on function app.appointment_counts(uuid, timestamptz, timestamptz) from public;
grant execute on function app.appointment_counts(uuid, timestamptz, timestamptz) to chartwell_runtime;
alter function app.appointment_counts(uuid, timestamptz, timestamptz) owner to chartwell_definer;
grant select on app.appointments, app.scheduling_services to chartwell_definer;

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
alter function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) owner to chartwell_definer;
revoke all on function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) from public;
grant execute on function app.standing_appointments(uuid, uuid, timestamptz, timestamptz, timestamptz, integer) to chartwell_runtime;
grant select (tenant_id, id) on app.facilities to chartwell_definer;
