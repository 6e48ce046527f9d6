-- Who may open a chart, and until when: a referral, a visit that was called off, the flags of two registrations that are one.
--
-- What opens or closes a chart here does so when the transaction ends: whoever declines a referral or calls off a visit has its
-- answer as his last look.

-- Where a patient is known -------------------------------------------------------------------------------------------------
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
grant update, delete on app.patient_facilities to chartwell_definer;

-- Makes a patient known at a facility. That he is already is said by a lock: whoever is about to find that he need not be, in
-- follow_facilities, waits and then counts this visit too.
create function app.know_at(tenant uuid, patient uuid, facility uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    loop
        insert into app.patient_facilities (tenant_id, patient_id, facility_id)
        values (tenant, patient, facility) on conflict do nothing;
        exit when found;
        perform from app.patient_facilities f
          where f.tenant_id = tenant and f.patient_id = patient and f.facility_id = facility for key share;
        exit when found;
    end loop;
end
$$;
revoke all on function app.know_at(uuid, uuid, uuid) from public;
grant execute on function app.know_at(uuid, uuid, uuid) to chartwell_definer;

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

create or replace function app.join_team_of_encounter() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant    uuid;
    patient   uuid;
    visit     uuid;
    attending uuid[] := '{}';
    was       timestamptz;
    becomes   timestamptz;
    member    uuid;
begin
    if tg_op <> 'INSERT' then
        tenant := old.tenant_id;
        patient := old.patient_id;
        attending := attending || old.attending_provider_id;
        was := app.team_until(old.status, old.scheduled_start, old.scheduled_end, old.actual_end);
    end if;
    if tg_op <> 'DELETE' then
        tenant := new.tenant_id;
        patient := new.patient_id;
        visit := new.id;
        attending := attending || new.attending_provider_id;
        becomes := app.team_until(new.status, new.scheduled_start, new.scheduled_end, new.actual_end);
        if new.facility_id is not null and new.status <> 'cancelled' then
            perform app.know_at(tenant, patient, new.facility_id);
        end if;
        if tg_op = 'INSERT' and new.version > 1 then
            select r.team_until into was from app.encounter_register r where r.tenant_id = tenant and r.id = visit;
        end if;
    end if;
    -- It was to be there, and is not any more.
    if tg_op <> 'INSERT' and old.facility_id is not null and old.status <> 'cancelled'
       and (tg_op = 'DELETE' or new.status = 'cancelled' or new.facility_id is distinct from old.facility_id) then
        perform app.follow_facilities(tenant, patient);
    end if;
    -- History, such as an import: it opens no chart today, and has opened none. Or nothing that matters here has changed.
    if coalesce(greatest(was, becomes) <= now(), true)
       or (tg_op = 'UPDATE' and was is not distinct from becomes and attending[1] is not distinct from attending[2]) then
        return null;
    end if;
    if tg_op <> 'DELETE' then
        update app.encounter_register r set team_until = becomes where r.tenant_id = tenant and r.id = visit;
    end if;
    -- In one order, so that two encounters that change at once do not wait for each other.
    for member in
        select p.user_id from app.providers p
         where p.tenant_id = tenant and p.user_id is not null
           and p.id = any(attending || array(select t.provider_id from app.encounter_participants t
                                              where t.tenant_id = tenant and t.encounter_id = visit))
        union
        select t.user_id from app.encounter_participants t
         where t.tenant_id = tenant and t.encounter_id = visit and t.user_id is not null
         order by 1
    loop
        perform app.follow_encounters(tenant, patient, member);
    end loop;
    return null;
end
$$;
drop trigger encounters_team on app.encounters;
create constraint trigger encounters_team
    after insert or delete or update of attending_provider_id, facility_id, scheduled_start, scheduled_end, actual_end, status
    on app.encounters deferrable initially deferred for each row execute function app.join_team_of_encounter();

create or replace function app.know_patient_of_appointment() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' then
        perform app.follow_facilities(new.tenant_id, new.patient_id);
    elsif new.status not in ('cancelled', 'rescheduled') then
        perform app.know_at(new.tenant_id, new.patient_id, new.facility_id);
    end if;
    return null;
end
$$;
drop trigger appointments_place on app.appointments;
create constraint trigger appointments_place after insert on app.appointments
    deferrable initially deferred for each row execute function app.know_patient_of_appointment();
create constraint trigger appointments_other_place after update of facility_id, status on app.appointments
    deferrable initially deferred for each row
    when (old.facility_id <> new.facility_id
          or (old.status in ('cancelled', 'rescheduled')) <> (new.status in ('cancelled', 'rescheduled')))
    execute function app.know_patient_of_appointment();

-- A registration that moves.
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

-- Who is referred to -------------------------------------------------------------------------------------------------------
-- Whoever is sent a referral is on the team until it is answered or ends, and thirty days beyond one that was completed.
alter table app.care_team_members drop constraint care_team_members_source_check;
alter table app.care_team_members add constraint care_team_members_source_check
    check (source in ('assigned', 'registration', 'encounter', 'appointment', 'referral'));
-- As a membership of an encounter, one of a referral has no end while it runs, and one made by hand may have none beside it.
drop index app.care_team_members_open_key;
create unique index care_team_members_open_key on app.care_team_members (tenant_id, patient_id, user_id, role)
    where valid_until is null and source not in ('encounter', 'referral');

-- Until when a referral keeps its receiver on the team: infinity while it runs; null if it does not.
create function app.referral_until(status text, closed_at timestamptz) returns timestamptz
    language sql immutable parallel safe
as $$
    select case when status in ('sent', 'accepted', 'scheduled') then 'infinity'::timestamptz
                when status = 'completed' then closed_at + interval '30 days'
           end
$$;
revoke all on function app.referral_until(text, timestamptz) from public;
grant execute on function app.referral_until(text, timestamptz) to chartwell_definer;
grant select on app.referrals to chartwell_definer;

-- Makes one person's membership what the referrals of this patient to him say.
create function app.follow_referrals(tenant uuid, patient uuid, member uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    running uuid[];
    until   timestamptz;
    since   timestamptz;
begin
    -- Whoever changes another referral to him at the same time waits here, and then counts this one too. More than one
    -- membership is running where two registrations were merged.
    running := array(select m.id from app.care_team_members m
                      where m.tenant_id = tenant and m.patient_id = patient and m.user_id = member and m.source = 'referral'
                        and (m.valid_until is null or m.valid_until > now())
                      order by m.valid_until desc nulls first, m.id
                        for no key update);
    select max(app.referral_until(r.status, r.closed_at)), min(r.sent_at) into until, since
      from app.referrals r join app.providers p on p.tenant_id = tenant and p.id = r.to_provider_id and p.user_id = member
     where r.tenant_id = tenant and r.patient_id = patient and app.referral_until(r.status, r.closed_at) > now();
    if until is null then
        update app.care_team_members m
           set valid_until = greatest(m.valid_from, now()), updated_at = now(), version = m.version + 1
         where m.tenant_id = tenant and m.id = any(running);
        return;
    end if;
    until := nullif(until, 'infinity');
    if cardinality(running) = 0 then
        insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, source, valid_from, valid_until, created_by, created_at, updated_at)
        values (tenant, gen_random_uuid(), patient, member, 'consulting', 'referral', least(since, now()), until, app.user_id(), now(), now());
        return;
    end if;
    update app.care_team_members m
       set valid_until = case when until is not null then greatest(m.valid_from, until) end, updated_at = now(), version = m.version + 1
     where m.tenant_id = tenant and m.id = any(running)
       and case when m.id = running[1] then m.valid_until is distinct from until
                else coalesce(m.valid_until, 'infinity') > coalesce(until, 'infinity') end;
end
$$;
revoke all on function app.follow_referrals(uuid, uuid, uuid) from public;
grant execute on function app.follow_referrals(uuid, uuid, uuid) to chartwell_definer;

create function app.join_team_of_referral() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := new.tenant_id;
    before uuid := case when tg_op = 'UPDATE' then old.to_provider_id end;
    member uuid;
begin
    -- One without an account has no chart to open. In one order, so that two referrals do not wait for each other.
    for member in
        select p.user_id from app.providers p
         where p.tenant_id = tenant and p.id in (before, new.to_provider_id) and p.user_id is not null
         order by 1
    loop
        perform app.follow_referrals(tenant, new.patient_id, member);
    end loop;
    return null;
end
$$;
alter function app.join_team_of_referral() owner to chartwell_definer;
revoke all on function app.join_team_of_referral() from public;
create constraint trigger referrals_team after insert or update of status, to_provider_id, closed_at on app.referrals
    deferrable initially deferred for each row when (new.status <> 'draft') execute function app.join_team_of_referral();

-- Merging ------------------------------------------------------------------------------------------------------------------
-- The flags a merge has put on the survivor, who had them not.
alter table app.patient_merges add column raised text[] not null default '{}';
grant update (is_vip, is_confidential) on app.patients to chartwell_definer;

create or replace function app.merge_patients(merge uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant   uuid := app.tenant_id();
    survivor uuid;
    merged   uuid;
    account  uuid;
    asked    text[];
    t        record;
begin
    select m.survivor_id, m.merged_id into strict survivor, merged from app.patient_merges m
     where m.tenant_id = tenant and m.id = merge and m.status = 'merged';
    if app.actor_role() not in ('admin', 'system')
       or exists (select from app.patients p where p.tenant_id = tenant and p.id in (survivor, merged) and (p.status = 'merged' or p.deleted_at is not null))
       or not (app.may_see(survivor) and app.may_see(merged)) then
        raise exception 'not to be merged' using errcode = 'insufficient_privilege';
    end if;
    perform from app.patients p where p.tenant_id = tenant and p.id in (survivor, merged) order by p.id for update;
    for t in select distinct l.parent as tbl, c.col from app.merge_links() l join app.patient_columns() c on c.tbl = l.parent loop
        execute format('select from %s t where t.tenant_id = $1 and t.%I = $2 for update', t.tbl, t.col) using tenant, merged;
    end loop;
    for t in select * from app.merge_tables() loop
        execute format(
            'insert into app.patient_merge_rows (tenant_id, merge_id, table_name, row_key, columns)
             select $1, $2, %L, %s, array_remove(array[%s], null) from %s t where t.tenant_id = $1 and (%s)
                 on conflict do nothing',
            t.plain, t.row_key,
            (select string_agg(format('case when t.%I = $3 then %L end', c, c), ', ') from unnest(t.cols) c), t.tbl,
            (select string_agg(format('t.%I = $3', c), ' or ') from unnest(t.cols) c))
            using tenant, merge, merged;
    end loop;
    perform app.keep_conflicts(merge, survivor, merged);
    update app.patient_merge_rows j set fate = 'superseded'
      from app.merge_yields() y
     where j.tenant_id = tenant and j.merge_id = merge and j.fate = 'stayed' and j.table_name = y.plain and j.because = y.because;
    perform app.keep_families(merge);
    for t in select j.id, j.table_name, j.row_key, y.changes
               from app.patient_merge_rows j join app.merge_yields() y on y.plain = j.table_name and y.because = j.because
              where j.tenant_id = tenant and j.merge_id = merge and j.fate = 'superseded' loop
        update app.patient_merge_rows j set former = app.change_merged(t.table_name, t.row_key, t.changes)
         where j.tenant_id = tenant and j.id = t.id;
    end loop;
    perform app.hand_over(merge, merged, survivor);
    perform app.withdraw_denied(merge, survivor);
    update app.patients p set portal_user_id = null
     where p.tenant_id = tenant and p.id = merged and p.portal_user_id is not null
       and exists (select from app.patients s where s.tenant_id = tenant and s.id = survivor and s.portal_user_id is null);
    if found then
        select m.moved_account into account from app.patient_merges m where m.tenant_id = tenant and m.id = merge;
        update app.patients p set portal_user_id = account, version = p.version + 1, updated_at = now()
         where p.tenant_id = tenant and p.id = survivor;
    end if;
    -- Whoever asked for discretion under one name asks for it under the other.
    select array_remove(array[case when d.is_vip and not s.is_vip then 'is_vip' end,
                              case when d.is_confidential and not s.is_confidential then 'is_confidential' end], null)
      into asked from app.patients d, app.patients s
     where d.tenant_id = tenant and d.id = merged and s.tenant_id = tenant and s.id = survivor;
    if cardinality(asked) > 0 then
        update app.patients p
           set is_vip = p.is_vip or 'is_vip' = any(asked), is_confidential = p.is_confidential or 'is_confidential' = any(asked),
               version = p.version + 1, updated_at = now()
         where p.tenant_id = tenant and p.id = survivor;
        update app.patient_merges m set raised = asked where m.tenant_id = tenant and m.id = merge;
    end if;
    update app.patients p set status = 'merged', replaced_by = survivor, version = p.version + 1, updated_at = now()
     where p.tenant_id = tenant and p.id = merged;
end
$$;

create or replace function app.unmerge_patients(merge uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant  uuid := app.tenant_id();
    m       record;
    other   record;
    link    record;
    lowered text[];
    touched bigint;
    changed bigint := 1;
begin
    select * into strict m from app.patient_merges p where p.tenant_id = tenant and p.id = merge and p.status = 'merged' for update;
    if app.actor_role() not in ('admin', 'system') or not (app.may_see(m.survivor_id) and app.may_see(m.merged_id))
       or not exists (select from app.patients p where p.tenant_id = tenant and p.id = m.merged_id and p.replaced_by = m.survivor_id) then
        raise exception 'not to be taken back' using errcode = 'insufficient_privilege';
    end if;
    perform from app.patients p where p.tenant_id = tenant and p.id in (m.survivor_id, m.merged_id) order by p.id for update;
    for link in select distinct l.parent as tbl, c.col from app.merge_links() l join app.patient_columns() c on c.tbl = l.parent loop
        execute format('select from %s t where t.tenant_id = $1 and t.%I = $2 for update', link.tbl, link.col) using tenant, m.survivor_id;
    end loop;
    update app.patients p set status = m.former_status, status_reason = m.former_reason, replaced_by = null,
                              version = p.version + 1, updated_at = now()
     where p.tenant_id = tenant and p.id = m.merged_id;
    -- A flag this merge put on the survivor is taken off again, unless another registration merged into his has it too: then it
    -- goes with that one.
    lowered := m.raised;
    for other in
        select o.id, d.is_vip, d.is_confidential
          from app.patient_merges o join app.patients d on d.tenant_id = o.tenant_id and d.id = o.merged_id
         where o.tenant_id = tenant and o.survivor_id = m.survivor_id and o.status = 'merged' and o.id <> merge
         order by o.created_at, o.id
    loop
        update app.patient_merges o
           set raised = o.raised || array(select f from unnest(lowered) f
                                           where f = 'is_vip' and other.is_vip or f = 'is_confidential' and other.is_confidential)
         where o.tenant_id = tenant and o.id = other.id;
        lowered := array(select f from unnest(lowered) f
                          where not (f = 'is_vip' and other.is_vip or f = 'is_confidential' and other.is_confidential));
    end loop;
    if cardinality(lowered) > 0 then
        update app.patients p
           set is_vip = p.is_vip and not 'is_vip' = any(lowered),
               is_confidential = p.is_confidential and not 'is_confidential' = any(lowered),
               version = p.version + 1, updated_at = now()
         where p.tenant_id = tenant and p.id = m.survivor_id;
    end if;
    if m.moved_account is not null then
        update app.patients p set portal_user_id = null, version = p.version + 1, updated_at = now()
         where p.tenant_id = tenant and p.id = m.survivor_id and p.portal_user_id = m.moved_account;
        if found then
            update app.patients p set portal_user_id = m.moved_account where p.tenant_id = tenant and p.id = m.merged_id;
        end if;
    end if;
    -- What a resource said before it changed goes where the resource goes (0037); no key says so, because a resource without a
    -- visit may be another patient's at its source tomorrow.
    insert into app.patient_merge_rows (tenant_id, merge_id, table_name, row_key, columns, fate)
    select tenant, merge, 'imported_resource_states', jsonb_build_object('id', s.id), array['patient_id'], 'followed'
      from app.patient_merge_rows j
      join app.imported_resource_states s
        on s.tenant_id = tenant and s.resource_id = (j.row_key ->> 'id')::uuid and s.patient_id = m.survivor_id
     where j.tenant_id = tenant and j.merge_id = merge and j.table_name = 'imported_resources' and j.fate in ('moved', 'followed')
        on conflict do nothing;
    while changed > 0 loop
        changed := 0;
        for link in
            select l.same, l.patient_column, c.plain as child, p.plain as parent, l.child as child_table, l.parent as parent_table,
                   replace(c.row_key, 't.', 'c.') as child_key, replace(p.row_key, 't.', 'p.') as parent_key
              from app.merge_links() l join app.merge_tables() c on c.tbl = l.child join app.merge_tables() p on p.tbl = l.parent
        loop
            execute format(
                'insert into app.patient_merge_rows (tenant_id, merge_id, table_name, row_key, columns, fate)
                 select $1, $2, %L, %s, array[%L], ''followed''
                   from app.patient_merge_rows j
                   join %s p on p.tenant_id = $1 and %s = j.row_key
                   join %s c on c.tenant_id = $1 and c.%I = $3 and %s
                  where j.tenant_id = $1 and j.merge_id = $2 and j.table_name = %L and j.fate in (''moved'', ''followed'', ''superseded'')
                     on conflict do nothing',
                link.child, link.child_key, link.patient_column, link.parent_table, link.parent_key, link.child_table,
                link.patient_column, link.same, link.parent)
                using tenant, merge, m.survivor_id;
            get diagnostics touched = row_count;
            changed := changed + touched;
        end loop;
    end loop;
    perform app.hand_over(merge, m.survivor_id, m.merged_id);
    perform app.restore_merged(merge);
    -- Who is on a team for an encounter or a referral is there for those of this registration, whatever changed while they were
    -- one; and each is known where its own visits are.
    for link in
        select p.id as patient, t.user_id as member
          from (values (m.survivor_id), (m.merged_id)) as p (id)
         cross join (select distinct c.user_id from app.care_team_members c
                      where c.tenant_id = tenant and c.patient_id in (m.survivor_id, m.merged_id)
                        and c.source in ('encounter', 'referral') and (c.valid_until is null or c.valid_until > now())) as t
         order by 1, 2
    loop
        perform app.follow_encounters(tenant, link.patient, link.member);
        perform app.follow_referrals(tenant, link.patient, link.member);
    end loop;
    perform app.follow_facilities(tenant, m.survivor_id);
    perform app.follow_facilities(tenant, m.merged_id);
end
$$;

-- Alerts -------------------------------------------------------------------------------------------------------------------
-- One whose number was wrong is withdrawn, and raised anew of the same readings: of a set one of each kind stands.
alter table app.clinical_alerts drop constraint clinical_alerts_set_key;
create unique index clinical_alerts_set_key on app.clinical_alerts (tenant_id, set_id, kind) where status <> 'withdrawn';

-- What was imported, in a chart ----------------------------------------------------------------------------------------------
-- Which section of a chart shows a resource, if any does. Reports that were cancelled or an error are none; what must not be
-- done is no order, and what was only proposed is not taken.
create function app.section_of_imported(resource_type text, content jsonb) returns text
    language sql immutable parallel safe
as $$
    select case
        when resource_type = 'DiagnosticReport' then
            case when coalesce(content ->> 'status', '') not in ('entered-in-error', 'cancelled') then 'results' end
        when content @> '{"doNotPerform": true}' then null
        when resource_type in ('MedicationRequest', 'MedicationStatement') then
            case when content ->> 'status' in ('active', 'on-hold')
                  and coalesce(content ->> 'intent', '') not in ('proposal', 'option') then 'medications' end
        when resource_type in ('ServiceRequest', 'NutritionOrder') then
            case when content ->> 'status' in ('draft', 'active', 'on-hold') then 'open_orders' end
        when resource_type = 'Task' then
            case when content ->> 'status' in ('draft', 'requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold')
                 then 'tasks' end
    end
$$;
revoke all on function app.section_of_imported(text, jsonb) from public;
grant execute on function app.section_of_imported(text, jsonb) to chartwell_runtime;

-- What a Medication that was kept says it is: a code of the world, and nobody's, as a Medication has no patient. For which no
-- policy can tell who may read it.
create function app.medication_named(source_id text) returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select m.content -> 'code' from app.imported_resources m
     where m.tenant_id = app.tenant_id() and m.resource_type = 'Medication' and m.source_id = medication_named.source_id
       and m.patient_id is null and app.actor_role() in ('admin', 'provider', 'nurse', 'patient', 'system')
$$;
alter function app.medication_named(text) owner to chartwell_definer;
revoke all on function app.medication_named(text) from public;
grant execute on function app.medication_named(text) to chartwell_runtime;
grant select on app.imported_resources to chartwell_definer;

-- What a prescription is for: its own code, that of a Medication it contains, or of one that was imported. Sources that number
-- alike are told apart by what stands before a # (0007), the same for all of a source.
create function app.medication_of(source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select case
        when content ? 'medicationCodeableConcept' then content -> 'medicationCodeableConcept'
        when starts_with(content #>> '{medicationReference,reference}', '#') then
            jsonb_path_query_first(content, '$.contained[*] ? (@.id == $id).code',
                                   jsonb_build_object('id', substr(content #>> '{medicationReference,reference}', 2)))
        when content #>> '{medicationReference,reference}' is not null then
            app.medication_named(coalesce(substring(source_id from '^[^#]*#'), '')
                || regexp_replace(regexp_replace(content #>> '{medicationReference,reference}', '/_history/.*$', ''), '^(.*/|urn:uuid:)', ''))
    end
$$;
revoke all on function app.medication_of(text, jsonb) from public;
grant execute on function app.medication_of(text, jsonb) to chartwell_runtime;

-- What a chart says of a resource.
create function app.told_of_imported(resource_type text, source_id text, content jsonb) returns jsonb
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'resource_type', resource_type,
        'status', content ->> 'status',
        'title', coalesce(content #>> '{code,text}', content #>> '{code,coding,0,display}',
                          m.medication ->> 'text', m.medication #>> '{coding,0,display}',
                          content #>> '{medicationReference,display}', content #>> '{oralDiet,type,0,text}',
                          content #>> '{oralDiet,type,0,coding,0,display}', content ->> 'description'),
        'rxnorm', jsonb_path_query_first(m.medication,
            '$.coding[*] ? (@.system == "http://www.nlm.nih.gov/research/umls/rxnorm").code'),
        'dosage', (select string_agg(t #>> '{}', '; ')
                     from jsonb_path_query(case resource_type when 'MedicationRequest' then content -> 'dosageInstruction'
                                                              when 'MedicationStatement' then content -> 'dosage' end,
                                           '$[*].text') t)))
      from (select case when resource_type in ('MedicationRequest', 'MedicationStatement')
                        then app.medication_of(source_id, content) end as medication) m
$$;
revoke all on function app.told_of_imported(text, text, jsonb) from public;
grant execute on function app.told_of_imported(text, text, jsonb) to chartwell_runtime;

-- Once for what is there. As the role that row-level security does not bind, in nobody's context: the history says that no
-- caller did it.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
set local role chartwell_definer;
do $$
declare
    of record;
begin
    -- A membership that a referral opened bears its time.
    update app.care_team_members m set source = 'referral', updated_at = now(), version = m.version + 1
      from app.referrals r join app.providers p on p.tenant_id = r.tenant_id and p.id = r.to_provider_id
     where m.tenant_id = r.tenant_id and m.patient_id = r.patient_id and m.user_id = p.user_id and m.created_at = r.sent_at
       and m.source = 'assigned' and m.role = 'consulting' and m.valid_until is null;
    for of in
        select distinct r.tenant_id, r.patient_id, p.user_id
          from app.referrals r join app.providers p on p.tenant_id = r.tenant_id and p.id = r.to_provider_id
         where r.status <> 'draft' and p.user_id is not null
           and not exists (select from app.patients d where d.tenant_id = r.tenant_id and d.id = r.patient_id and d.status = 'merged')
         order by 1, 2, 3
    loop
        perform app.follow_referrals(of.tenant_id, of.patient_id, of.user_id);
    end loop;
    delete from app.patient_facilities f
     where not exists (select from app.patients p where p.tenant_id = f.tenant_id and p.id = f.patient_id
                        and (p.facility_id = f.facility_id or p.status = 'merged'))
       and not exists (select from app.patients p where p.tenant_id = f.tenant_id and p.replaced_by = f.patient_id)
       and not exists (select from app.encounters e where e.tenant_id = f.tenant_id and e.patient_id = f.patient_id
                        and e.facility_id = f.facility_id and e.status <> 'cancelled')
       and not exists (select from app.appointments a where a.tenant_id = f.tenant_id and a.patient_id = f.patient_id
                        and a.facility_id = f.facility_id and a.status not in ('cancelled', 'rescheduled'));
    insert into app.patient_facilities (tenant_id, patient_id, facility_id)
    select p.tenant_id, p.id, p.facility_id from app.patients p where p.facility_id is not null and p.status <> 'merged'
        on conflict do nothing;
    for of in select distinct p.tenant_id, p.replaced_by as patient_id from app.patients p
                join app.patients s on s.tenant_id = p.tenant_id and s.id = p.replaced_by and s.status <> 'merged' order by 1, 2
    loop
        perform app.follow_facilities(of.tenant_id, of.patient_id);
    end loop;
end
$$;
set local role chartwell_owner;
