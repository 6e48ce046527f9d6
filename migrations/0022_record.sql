-- The clinical record, second half: a chart that is opened once, a search that stops early, a consult note that exists.

-- Opening a chart -------------------------------------------------------------------------------------------------------
-- A chart reads hundreds of rows of one patient, and the policies ask of each whether he may be seen: under care-team scope
-- 22 µs a row, most of what a chart cost. So whoever opens one asks once, and the answer is kept in a setting of the
-- transaction, beside the words of the context that it was given to: `app.opened` = context, blank, patient. may_see looks
-- there first (5 µs); an answer to another context, or about somebody else, is none.
-- It is kept only where it can't become untrue before the transaction ends: in a read-only one of one snapshot, whose now()
-- stands still. Policies, roles and the tenant are asked as before.
create or replace function app.may_see(patient uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('app.opened', true) = current_setting('app.context') || ' ' || patient then
        return true;
    end if;
    if app.scope() = 'care_team' then
        return exists (select from app.care_team_members m
                        where m.tenant_id = app.tenant_id() and m.user_id = app.user_id() and m.patient_id = patient
                          and m.valid_from <= now() and (m.valid_until is null or m.valid_until > now()));
    elsif app.scope() = 'organization' then
        return true;
    elsif app.scope() = 'facility' then
        return exists (select from app.patient_facilities f
                         join app.department_assignments d
                           on d.tenant_id = f.tenant_id and d.facility_id = f.facility_id
                        where f.tenant_id = app.tenant_id() and f.patient_id = patient and d.user_id = app.user_id()
                          and d.valid_from <= now() and (d.valid_until is null or d.valid_until > now()));
    elsif app.scope() = 'self' then
        return patient = app.own_patient_id();
    end if;
    return false;
end
$$;

-- Whether the caller may see the patient. In a transaction of one snapshot that writes nothing, it is not asked again of his
-- rows. Forgetting to call it costs time; calling it can't show more than may_see did.
create function app.open_chart(patient uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if app.may_see(patient) is not true then
        return false;
    end if;
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') and current_setting('transaction_read_only') = 'on' then
        execute format('set local app.opened = %L', current_setting('app.context') || ' ' || patient);
    end if;
    return true;
end
$$;
alter function app.open_chart(uuid) owner to chartwell_definer;
revoke all on function app.open_chart(uuid) from public;
grant execute on function app.open_chart(uuid) to chartwell_runtime;

-- Searching notes -------------------------------------------------------------------------------------------------------
-- As in 0009, but whoever has charts of his own also reads the newest texts in their order first, and a page that is full is
-- the end of it.
create or replace function app.matching_texts(wanted_kind text, query text, of_patient uuid, of_author uuid, of_type text,
                                              since timestamptz, until timestamptz, after_at timestamptz, after_id uuid, at_most bigint)
    returns table (source_id uuid, happened_at timestamptz)
    language plpgsql stable rows 50 security definer
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    tenant   uuid := app.tenant_id();
    everyone boolean := app.scope() = 'organization';
    wanted   tsquery;
    charts   uuid[];
    given    bigint  := 0;
    met      record;
    last_at  timestamptz := after_at;
    last_id  uuid := after_id;
begin
    at_most := least(at_most, 201);
    if query is not null then
        wanted := to_tsquery('pg_catalog.english', query);
        if numnode(wanted) = 0 then
            return;
        end if;
        wanted := format('''t=%s''', tenant)::tsquery && wanted;
    end if;
    if not everyone and of_patient is null then
        charts := array(select o.patient_id from app.own_charts() o);
    elsif not everyone and not app.may_see(of_patient) then
        return;
    end if;
    if wanted is not null and of_patient is null then
        for met in
            select s.source_id as id, s.happened_at as at,
                   s.words @@ wanted and (of_author is null or s.author_id = of_author) and (of_type is null or s.type = of_type)
                   and (charts is null or s.patient_id = any(charts)) as fits
              from app.search_texts s
             where s.tenant_id = tenant and s.kind = wanted_kind
               and (since is null or s.happened_at >= since)
               and (until is null or s.happened_at < until)
               and (after_at is null or (s.happened_at, s.source_id) < (after_at, after_id))
             order by s.happened_at desc, s.source_id desc
             limit 300
        loop
            last_at := met.at;
            last_id := met.id;
            if met.fits then
                source_id := met.id;
                happened_at := met.at;
                return next;
                given := given + 1;
                exit when given = at_most;
            end if;
        end loop;
        if given = at_most then
            return;
        end if;
    end if;
    return query
        select s.source_id, s.happened_at from app.search_texts s
         where s.tenant_id = tenant and s.kind = wanted_kind
           and (wanted is null or s.words @@ wanted)
           and (of_patient is null or s.patient_id = of_patient)
           and (charts is null or s.patient_id = any(charts))
           and (of_author is null or s.author_id = of_author)
           and (of_type is null or s.type = of_type)
           and (since is null or s.happened_at >= since)
           and (until is null or s.happened_at < until)
           and (last_at is null or (s.happened_at, s.source_id) < (last_at, last_id))
         order by s.happened_at desc, s.source_id desc
         limit at_most - given;
end
$$;

-- Referrals -------------------------------------------------------------------------------------------------------------
-- The note that closes a loop is a note of this patient. Not asked of the loops that were closed before, which could name
-- anything.
alter table app.referrals add constraint referrals_consult_note_fkey
    foreign key (tenant_id, patient_id, consult_note_id) references app.notes (tenant_id, patient_id, id) not valid;

-- Many rows at once -----------------------------------------------------------------------------------------------------
-- Vital signs come ten thousand at a time, of a few patients: whether one of them was merged is asked once a statement.
create function app.refuse_merged_of_many() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    met record;
begin
    for met in
        select p.status from app.patients p
         where (p.tenant_id, p.id) in (select distinct a.tenant_id, a.patient_id from added a)
         order by p.tenant_id, p.id
           for key share
    loop
        if met.status = 'merged' then
            raise exception 'merged' using errcode = 'check_violation', constraint = 'patients_merged_check';
        end if;
    end loop;
    return null;
end
$$;
alter function app.refuse_merged_of_many() owner to chartwell_definer;
revoke all on function app.refuse_merged_of_many() from public;
drop trigger vitals_open on app.vitals;
create trigger vitals_open after insert on app.vitals referencing new table as added
    for each statement execute function app.refuse_merged_of_many();
drop trigger device_readings_open on app.device_readings;
create trigger device_readings_open after insert on app.device_readings referencing new table as added
    for each statement execute function app.refuse_merged_of_many();
