-- What is taken back is as it was, and what was agreed on holds: three gaps at the front desk.

-- Who was marked as missed and came late was checked in. Taken back, because somebody else had come, he is missed again: nothing
-- else of the row tells that he was. Those who were checked in late before this migration are taken to have come in time, as until now.
alter table app.appointments add column came_late boolean not null default false;

-- An appointment bears the clock of its place. Whoever changes that clock holds the facility's row and looks for what was agreed on
-- by the old one; who books at that moment waits for him (the foreign key asks for the row) with the old clock in his hand. So he
-- looks again, after that wait: triggers of foreign keys come first, by their names.
create function app.keep_clock() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from app.facilities f
                    where f.tenant_id = new.tenant_id and f.id = new.facility_id and f.time_zone = new.time_zone) then
        raise exception 'the clock of the facility was changed at this moment'
            using errcode = 'check_violation', constraint = 'appointments_clock_check', schema = 'app', table = 'appointments';
    end if;
    return null;
end
$$;
revoke all on function app.keep_clock() from public;
create trigger appointments_clock after insert on app.appointments for each row execute function app.keep_clock();

-- Who has died or left waits for nothing: his requests end, and what he was offered goes to the next, in a job that follows from the
-- change of his registration, whoever changes it.
create function app.follow_patient() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from app.waitlist_entries w
                where w.tenant_id = new.tenant_id and w.patient_id = new.id and w.status in ('waiting', 'offered')) then
        insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
        values (new.tenant_id, gen_random_uuid(), 'waitlist.patient_left', jsonb_build_object('patient_id', new.id), new.id::text, now())
        on conflict do nothing;
    end if;
    return null;
end
$$;
alter function app.follow_patient() owner to chartwell_definer;
revoke all on function app.follow_patient() from public;
create trigger patients_follow after update of status, deleted_at on app.patients
    for each row when ((new.status <> 'active' or new.deleted_at is not null) and old.status = 'active' and old.deleted_at is null)
    execute function app.follow_patient();

-- Those who had left before. The definer sees every organisation's rows; the owner none.
set local role chartwell_definer;
insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at)
select w.tenant_id, gen_random_uuid(), 'waitlist.patient_left', jsonb_build_object('patient_id', w.patient_id), w.patient_id::text, now()
  from app.waitlist_entries w
  join app.patients p on p.tenant_id = w.tenant_id and p.id = w.patient_id and (p.status <> 'active' or p.deleted_at is not null)
 where w.status in ('waiting', 'offered')
 group by w.tenant_id, w.patient_id;
set local role chartwell_owner;
