-- What flows around appointments: work that is done later, messages, calendars, the waitlist, the board.

-- Jobs ------------------------------------------------------------------------------------------------------------------
-- Work promised by a transaction and done after it: the row is written with what it follows from, or not at all. The payload
-- holds ids, never what they stand for. A job is the tenant's like every other row, so it is bound by the same policies and
-- moves with him. What was done is deleted; what was given up stays as `dead` for somebody to look at.
create table app.jobs (
    tenant_id    uuid        not null,
    id           uuid        not null,
    kind         text        not null,
    payload      jsonb       not null default '{}',
    unique_key   text,                               -- at most one that waits has it
    state        text        not null default 'waiting',
    run_at       timestamptz not null,               -- of a running one: when its worker has lost it
    attempts     integer     not null default 0,
    last_error   text,                               -- a code of ours, never a message
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint jobs_pkey primary key (tenant_id, id),
    constraint jobs_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint jobs_kind_check check (kind ~ '^[a-z_]{1,30}\.[a-z_]{1,30}$'),
    constraint jobs_state_check check (state in ('waiting', 'running', 'dead'))
);
create unique index jobs_unique_key on app.jobs (tenant_id, kind, unique_key) where state = 'waiting' and unique_key is not null;
create index jobs_due_idx on app.jobs (run_at, tenant_id) where state in ('waiting', 'running');
create index jobs_state_idx on app.jobs (tenant_id, state, kind);
-- The worker asks whose work is due before it visits a tenant; that question alone crosses tenants. The work of a suspended
-- tenant waits: nobody writes to his patients on his behalf.
select app.tenant_table('app.jobs', history => false, read => '{system}', write => '{system}', may_delete => '{system}',
                        adds => '{admin,provider,nurse,staff,billing,patient,system}', trusted_readers => '{chartwell_definer}');
grant select, insert on app.jobs to chartwell_definer;

create function app.tenants_with_work(by timestamptz) returns table (tenant_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query select distinct j.tenant_id from app.jobs j
                   join app.tenants t on t.tenant_id = j.tenant_id and t.status = 'active'
                  where j.run_at <= by and j.state in ('waiting', 'running');
end
$$;
alter function app.tenants_with_work(timestamptz) owner to chartwell_definer;
revoke all on function app.tenants_with_work(timestamptz) from public;
grant execute on function app.tenants_with_work(timestamptz) to chartwell_runtime;

-- What is due at once wakes a worker. A hint: he who misses it looks every second.
create function app.announce_job() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.run_at <= now() then
        perform pg_notify('chartwell_jobs', new.tenant_id::text);
    end if;
    return null;
end
$$;
revoke all on function app.announce_job() from public;
create trigger jobs_announce after insert on app.jobs for each row execute function app.announce_job();

-- How a tenant wants it -------------------------------------------------------------------------------------------------
create table app.flow_settings (
    tenant_id            uuid        not null,
    quiet_from           time        not null default '20:00',    -- on the facility's wall clock; equal: never quiet
    quiet_until          time        not null default '08:00',
    calendar_initials    boolean     not null default false,
    offer_minutes        integer     not null default 120,        -- to answer an offer
    offer_notice_minutes integer     not null default 60,         -- a place sooner than this is not offered
    extra_above_percent  integer              default 30,         -- one reminder more for whoever is likely to miss: from which
    extra_minutes_before integer              default 4320,       -- probability on, and how long before; both or neither
    triage               jsonb       not null,
    version              bigint      not null default 1,
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    constraint flow_settings_pkey primary key (tenant_id),
    constraint flow_settings_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint flow_settings_offer_check check (offer_minutes between 5 and 10080 and offer_notice_minutes between 0 and 10080),
    constraint flow_settings_extra_check check ((extra_above_percent is null) = (extra_minutes_before is null)
        and extra_above_percent between 1 and 99 and extra_minutes_before between 60 and 86400)
);
select app.tenant_table('app.flow_settings', history => false, read => '{admin,provider,nurse,staff,system}', write => '{admin,system}');

-- Reminders -------------------------------------------------------------------------------------------------------------
create table app.reminder_templates (
    tenant_id       uuid        not null,
    id              uuid        not null,
    purpose         text        not null,
    channel         text        not null,
    offset_minutes  integer     not null default 0,     -- before the start; of an offer 0
    language        text,                               -- of patients who speak it; null: of all others
    subject         text,                               -- of an e-mail
    body            text        not null,
    status          text        not null default 'active',
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint reminder_templates_pkey primary key (tenant_id, id),
    constraint reminder_templates_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint reminder_templates_purpose_check check (purpose in ('reminder', 'offer')),
    constraint reminder_templates_channel_check check (channel in ('email', 'sms')),
    constraint reminder_templates_offset_check check (offset_minutes between 0 and 86400 and (purpose = 'reminder' or offset_minutes = 0)),
    constraint reminder_templates_subject_check check ((channel = 'email') = (subject is not null)),
    constraint reminder_templates_status_check check (status in ('active', 'inactive'))
);
-- Whether there is any is asked when a patient books, too: by the trigger below, as the definer.
select app.tenant_table('app.reminder_templates', read => '{admin,provider,nurse,staff,system}', write => '{admin,system}',
                        trusted_readers => '{chartwell_definer}');

-- The waitlist ----------------------------------------------------------------------------------------------------------
create table app.waitlist_entries (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    service_id      uuid        not null,
    facility_id     uuid,                               -- null: any
    provider_ids    uuid[]      not null default '{}',  -- any of them; none named: any at all
    windows         jsonb       not null default '[]',  -- [{from, to}], instants; none: any time
    priority        text        not null default 'medium',
    flags           text[]      not null default '{}',
    reason          text,
    status          text        not null default 'waiting',
    appointment_id  uuid,
    closed_reason   text,
    waiting_since   timestamptz not null,
    version         bigint      not null default 1,
    created_by      uuid,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint waitlist_entries_pkey primary key (tenant_id, id),
    constraint waitlist_entries_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint waitlist_entries_patient_key unique (tenant_id, patient_id, id),
    constraint waitlist_entries_service_fkey foreign key (tenant_id, service_id) references app.scheduling_services (tenant_id, id),
    constraint waitlist_entries_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint waitlist_entries_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint waitlist_entries_priority_check check (priority in ('low', 'medium', 'high', 'urgent')),
    constraint waitlist_entries_status_check check (status in ('waiting', 'offered', 'booked', 'withdrawn')),
    constraint waitlist_entries_booked_check check ((status = 'booked') = (appointment_id is not null))
);
-- Somebody waits for a service once.
create unique index waitlist_entries_open_key on app.waitlist_entries (tenant_id, patient_id, service_id)
    where status in ('waiting', 'offered');
create index waitlist_entries_service_idx on app.waitlist_entries (tenant_id, service_id, status, waiting_since);
create index waitlist_entries_list_idx on app.waitlist_entries (tenant_id, waiting_since, id);
-- Whether anybody waits at all is asked whenever an appointment is called off or a time is held.
create index waitlist_entries_waiting_idx on app.waitlist_entries (tenant_id, waiting_since) where status = 'waiting';
-- Whoever cancels need not see those who wait for his place; the trigger below looks, as the definer.
select app.tenant_table('app.waitlist_entries', of_patient => true, read => '{admin,provider,nurse,staff,patient,system}',
                        write => '{admin,provider,nurse,staff,patient,system}', trusted_readers => '{chartwell_definer}');

-- The points of waitlist/triage.rs, for putting those who wait in order before the first so many are looked at one by one.
create function app.waitlist_points(rules jsonb, priority text, flags text[], waiting_since timestamptz, missed bigint, at timestamptz)
    returns bigint language sql stable set search_path = pg_catalog, pg_temp
as $$
    select (rules -> 'priority' ->> priority)::bigint
         + (rules ->> 'per_waiting_day')::bigint
           * least(greatest(extract(epoch from at - waiting_since)::bigint / 86400, 0), (rules ->> 'waiting_days_at_most')::bigint)
         + (rules ->> 'per_missed_visit')::bigint * missed
         + coalesce((select sum(f.points::bigint)::bigint from jsonb_each_text(coalesce(rules -> 'flags', '{}')) f (flag, points)
                      where f.flag = any (flags)), 0)
$$;

-- A time that is free, offered to one who waits. It is held for him until the deadline; who does not want it, or does not answer,
-- makes room for the next.
create table app.waitlist_offers (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    entry_id        uuid        not null,
    freed_by        uuid,                               -- the appointment whose place it was; null: it was free anyhow
    hold_id         uuid        not null,
    facility_id     uuid        not null,
    provider_id     uuid,
    starts_at       timestamptz not null,
    ends_at         timestamptz not null,
    deadline        timestamptz not null,
    status          text        not null default 'open',
    triage          jsonb       not null,               -- the score that won, and its parts
    appointment_id  uuid,
    answered_at     timestamptz,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint waitlist_offers_pkey primary key (tenant_id, id),
    constraint waitlist_offers_patient_key unique (tenant_id, patient_id, id),
    constraint waitlist_offers_entry_fkey foreign key (tenant_id, patient_id, entry_id)
        references app.waitlist_entries (tenant_id, patient_id, id),
    constraint waitlist_offers_freed_fkey foreign key (tenant_id, freed_by) references app.appointments (tenant_id, id),
    constraint waitlist_offers_hold_fkey foreign key (tenant_id, hold_id) references app.appointment_holds (tenant_id, id),
    constraint waitlist_offers_facility_fkey foreign key (tenant_id, facility_id) references app.facilities (tenant_id, id),
    constraint waitlist_offers_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint waitlist_offers_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint waitlist_offers_status_check check (status in ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
    constraint waitlist_offers_accepted_check check ((status = 'accepted') = (appointment_id is not null))
);
create unique index waitlist_offers_place_key on app.waitlist_offers (tenant_id, freed_by) where status = 'open';
create unique index waitlist_offers_entry_key on app.waitlist_offers (tenant_id, entry_id) where status = 'open';
create index waitlist_offers_entry_idx on app.waitlist_offers (tenant_id, entry_id, created_at);
-- What the waitlist offers is kept by a hold; whether a hold is an offer's is asked whenever one is booked or given back.
create index waitlist_offers_hold_idx on app.waitlist_offers (tenant_id, hold_id) where status = 'open';
select app.tenant_table('app.waitlist_offers', of_patient => true, read => '{admin,provider,nurse,staff,patient,system}',
                        write => '{admin,provider,nurse,staff,patient,system}', adds => '{system}');

-- Messages to one patient. Neither the text nor the address is kept: the one is made of the template, the other is the
-- patient's, and both are written once, into the message.
create table app.reminders (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    appointment_id  uuid,
    offer_id        uuid,
    template_id     uuid        not null,
    channel         text        not null,
    for_start       timestamptz not null,               -- when the appointment was to begin as this was planned
    send_at         timestamptz not null,
    status          text        not null default 'scheduled',
    additional      boolean     not null default false, -- one more, as the appointment is likely to be missed
    outcome         text,                               -- why it was not sent: a word of ours
    sent_at         timestamptz,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint reminders_pkey primary key (tenant_id, id),
    constraint reminders_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint reminders_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint reminders_offer_fkey foreign key (tenant_id, patient_id, offer_id)
        references app.waitlist_offers (tenant_id, patient_id, id),
    constraint reminders_template_fkey foreign key (tenant_id, template_id) references app.reminder_templates (tenant_id, id),
    constraint reminders_about_check check (num_nonnulls(appointment_id, offer_id) = 1),
    constraint reminders_status_check check (status in ('scheduled', 'sending', 'sent', 'cancelled', 'undeliverable'))
);
-- An additional one is said in the words of another, so a template may be used for both.
create unique index reminders_plan_key on app.reminders (tenant_id, appointment_id, template_id, for_start, additional)
    where appointment_id is not null and status in ('scheduled', 'sending', 'sent');
create index reminders_appointment_idx on app.reminders (tenant_id, appointment_id, send_at);
create index reminders_offer_idx on app.reminders (tenant_id, offer_id) where offer_id is not null;
select app.tenant_table('app.reminders', of_patient => true, history => false, read => '{admin,provider,nurse,staff,system}',
                        write => '{admin,provider,nurse,staff,system}', adds => '{system}');

-- What stands behind the link in a message: 256 random bits, of which the SHA-256 is kept. It answers once.
create table app.appointment_links (
    tenant_id       uuid        not null,
    id              uuid        not null,
    patient_id      uuid        not null,
    appointment_id  uuid        not null,
    secret_hash     bytea       not null,
    expires_at      timestamptz not null,
    used_at         timestamptz,
    used_for        text,
    created_at      timestamptz not null,
    constraint appointment_links_pkey primary key (tenant_id, id),
    constraint appointment_links_appointment_fkey foreign key (tenant_id, patient_id, appointment_id)
        references app.appointments (tenant_id, patient_id, id),
    constraint appointment_links_secret_key unique (tenant_id, secret_hash),
    constraint appointment_links_used_check check ((used_at is null) = (used_for is null) and used_for in ('confirm', 'cancel'))
);
create index appointment_links_appointment_idx on app.appointment_links (tenant_id, appointment_id);
select app.tenant_table('app.appointment_links', of_patient => true, history => false, read => '{system}', write => '{system}');

-- What stands behind the link in the message of an offer, as appointment_links: a hash, and it answers once.
create table app.waitlist_offer_links (
    tenant_id    uuid        not null,
    id           uuid        not null,                  -- the message's
    patient_id   uuid        not null,
    offer_id     uuid        not null,
    secret_hash  bytea       not null,
    expires_at   timestamptz not null,                  -- the offer's deadline
    used_at      timestamptz,
    used_for     text,
    created_at   timestamptz not null,
    constraint waitlist_offer_links_pkey primary key (tenant_id, id),
    constraint waitlist_offer_links_offer_fkey foreign key (tenant_id, patient_id, offer_id)
        references app.waitlist_offers (tenant_id, patient_id, id),
    constraint waitlist_offer_links_secret_key unique (tenant_id, secret_hash),
    constraint waitlist_offer_links_used_check check ((used_at is null) = (used_for is null) and used_for in ('accept', 'decline'))
);
create index waitlist_offer_links_offer_idx on app.waitlist_offer_links (tenant_id, offer_id);
select app.tenant_table('app.waitlist_offer_links', of_patient => true, history => false, read => '{system}', write => '{system}');

-- Calendars -------------------------------------------------------------------------------------------------------------
create table app.calendar_feeds (
    tenant_id     uuid        not null,
    id            uuid        not null,
    provider_id   uuid        not null,
    name          text        not null,
    secret_hash   bytea       not null,
    revoked_at    timestamptz,
    last_read_at  timestamptz,
    version       bigint      not null default 1,
    created_by    uuid,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint calendar_feeds_pkey primary key (tenant_id, id),
    constraint calendar_feeds_provider_fkey foreign key (tenant_id, provider_id) references app.providers (tenant_id, id),
    constraint calendar_feeds_secret_key unique (tenant_id, secret_hash)
);
create index calendar_feeds_provider_idx on app.calendar_feeds (tenant_id, provider_id);
select app.tenant_table('app.calendar_feeds', history => false, read => '{admin,provider,system}', write => '{admin,provider,system}');

-- A provider whose account is retired has no calendar others read: its links do not come back with a new account of his.
create function app.revoke_feeds_of_retired() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update app.calendar_feeds f set revoked_at = new.deleted_at, version = f.version + 1, updated_at = new.deleted_at
     where f.tenant_id = new.tenant_id and f.revoked_at is null
       and f.provider_id in (select p.id from app.providers p where p.tenant_id = new.tenant_id and p.user_id = new.id);
    return null;
end
$$;
revoke all on function app.revoke_feeds_of_retired() from public;
create trigger users_retire_feeds after update of deleted_at on app.users for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function app.revoke_feeds_of_retired();

-- What follows from a change of an appointment --------------------------------------------------------------------------
-- Whoever writes one, reminders are planned anew, time that becomes free (the rest of a missed appointment, too) is matched with
-- those who wait, for whatever service, and the boards hear of it, also that a patient was put into a room: ids only, because
-- everybody who may connect to the database can listen. Nobody is told of an appointment that is more than a day and a half away,
-- which no board shows: a NOTIFY makes commits stand in line.
create function app.follow_appointment() returns trigger
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
       and (new.status in ('cancelled', 'rescheduled') and new.starts_at > now() or new.status = 'no_show' and new.ends_at > now())
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
alter function app.follow_appointment() owner to chartwell_definer;
revoke all on function app.follow_appointment() from public;
grant select on app.reminder_templates, app.waitlist_entries to chartwell_definer;
create trigger appointments_follow after insert or update on app.appointments
    for each row execute function app.follow_appointment();

-- A hold that is given back, or runs out, leaves free time behind. Holds of the system are those of offers, which see to
-- what follows themselves.
create function app.follow_hold() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    waits boolean;
begin
    if new.created_by is null or new.starts_at <= now() then
        return null;
    end if;
    if tg_op = 'UPDATE' and (new.status = old.status or new.status <> 'released') then
        return null;
    end if;
    select exists (select from app.waitlist_entries w where w.tenant_id = new.tenant_id and w.status = 'waiting') into waits;
    if waits then
        insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
        values (new.tenant_id, gen_random_uuid(), 'waitlist.hold_over', jsonb_build_object('hold_id', new.id),
                new.id::text || case when new.status = 'released' then ' released' else '' end,
                case when new.status = 'released' then now() else new.expires_at end)
        on conflict do nothing;
    end if;
    return null;
end
$$;
alter function app.follow_hold() owner to chartwell_definer;
revoke all on function app.follow_hold() from public;
create trigger appointment_holds_follow after insert or update on app.appointment_holds
    for each row execute function app.follow_hold();

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

-- Who may see the patient of an appointment, for a server that tells many at once: it asks once an event, not once a client.
-- Those of organisation scope see everybody and are not named.
create function app.audience_of_appointment(appointment uuid) returns table (scope text, user_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    whose  uuid;
begin
    if app.actor_role() <> 'system' then
        raise exception 'not for callers' using errcode = 'insufficient_privilege';
    end if;
    select a.patient_id into whose from app.appointments a where a.tenant_id = tenant and a.id = appointment;
    return query
        select 'care_team'::text, m.user_id from app.care_team_members m
         where m.tenant_id = tenant and m.patient_id = whose and m.valid_from <= now() and (m.valid_until is null or m.valid_until > now())
        union
        select 'facility'::text, d.user_id from app.patient_facilities f
          join app.department_assignments d on d.tenant_id = f.tenant_id and d.facility_id = f.facility_id
         where f.tenant_id = tenant and f.patient_id = whose and d.valid_from <= now() and (d.valid_until is null or d.valid_until > now());
end
$$;
alter function app.audience_of_appointment(uuid) owner to chartwell_definer;
revoke all on function app.audience_of_appointment(uuid) from public;
grant execute on function app.audience_of_appointment(uuid) to chartwell_runtime;
