-- The waitlist is matched with all free time, not with cancelled places alone; its offers are answered by links; who is likely
-- not to come is reminded once more; a patient may be in a room before anybody sees him.

-- Offers of free time ---------------------------------------------------------------------------------------------------
-- An offer need not come from an appointment somebody gave up: the time may simply be free.
alter table app.waitlist_offers alter column freed_by drop not null;
-- Whether anybody waits at all is asked whenever an appointment is called off or a time is held.
create index waitlist_entries_waiting_idx on app.waitlist_entries (tenant_id, waiting_since) where status = 'waiting';

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

-- As in 0020; but whoever waits, for whatever service, may have use for time that becomes free, the rest of a missed
-- appointment too; and a board is told that a patient was put into a room.
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

-- One reminder more -----------------------------------------------------------------------------------------------------
-- Of an appointment that its patient is likely to miss: from which probability on, and how long before. Both or neither.
alter table app.flow_settings add column extra_above_percent integer default 30;
alter table app.flow_settings add column extra_minutes_before integer default 4320;
alter table app.flow_settings add constraint flow_settings_extra_check
    check ((extra_above_percent is null) = (extra_minutes_before is null) and extra_above_percent between 1 and 99
        and extra_minutes_before between 60 and 86400);
alter table app.reminders add column additional boolean not null default false;
-- It is said in the words of another reminder, so a template may be used for both.
drop index app.reminders_plan_key;
create unique index reminders_plan_key on app.reminders (tenant_id, appointment_id, template_id, for_start, additional)
    where appointment_id is not null and status in ('scheduled', 'sending', 'sent');

-- In a room, and waiting ------------------------------------------------------------------------------------------------
-- Not a status: the patient is checked in until somebody sees him. Where he was put is a fact beside what was reserved.
alter table app.appointments add column roomed_at timestamptz;
alter table app.appointments add column roomed_in uuid;
alter table app.appointments add column roomed_by uuid;
-- The column is new and empty: there are no rows to check, and checking wants a context.
alter table app.appointments add constraint appointments_roomed_fkey
    foreign key (tenant_id, roomed_in) references app.scheduling_assets (tenant_id, id) not valid;
alter table app.appointments add constraint appointments_roomed_check
    check ((roomed_at is null) = (roomed_in is null) and (roomed_at is null or checked_in_at is not null));

-- Jobs ------------------------------------------------------------------------------------------------------------------
-- The work of a suspended tenant waits: nobody writes to his patients on his behalf.
create or replace function app.tenants_with_work(by timestamptz) returns table (tenant_id uuid)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query select distinct j.tenant_id from app.jobs j
                   join app.tenants t on t.tenant_id = j.tenant_id and t.status = 'active'
                  where j.run_at <= by and j.state in ('waiting', 'running');
end
$$;
