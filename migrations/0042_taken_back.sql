-- What is taken back takes back what followed from it: a merge its warnings, and nothing that was said since; what an import
-- entered for the one who goes back; a consultant's answer the end of the referral it closed.

-- As in 0036, but that a row which took over is known by what it was given. It may have moved in the same merge, too, and then its
-- fate says that: it was restored whole, over what somebody has said of it since.
create or replace function app.part_likes(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant   uuid := app.tenant_id();
    survivor uuid;
    begun    timestamptz;
    met      record;
    given    record;
    later    record;
    own      jsonb;
    back     jsonb;
    lowered  text[];
begin
    select m.survivor_id, m.created_at into strict survivor, begun from app.patient_merges m where m.tenant_id = tenant and m.id = merge;
    for met in select j.table_name, j.row_key from app.patient_merge_rows j
                where j.tenant_id = tenant and j.merge_id = merge and j.made is not null and j.former is not null order by j.id loop
        lowered := '{}';
        for given in
            select j.id, j.merge_id, j.former, j.made
              from app.patient_merge_rows j join app.patient_merges m on m.tenant_id = tenant and m.id = j.merge_id
             where j.tenant_id = tenant and j.table_name = met.table_name and j.row_key = met.row_key
               and j.made is not null and j.former is not null
               and m.survivor_id = survivor and m.status = 'merged' and (m.created_at, m.id) >= (begun, merge)
             order by m.created_at desc, m.id desc
        loop
            own := app.merging_row(met.table_name, (met.row_key ->> 'id')::uuid);
            select coalesce(jsonb_object_agg(f.key, f.value), '{}') into back
              from jsonb_each(given.former) f where own -> f.key = given.made -> f.key;
            continue when back = '{}';
            perform app.say_merged(met.table_name, own, back);
            lowered := lowered || array(select jsonb_object_keys(back));
            update app.patient_merge_rows j
               set former = nullif(j.former - array(select jsonb_object_keys(back)), '{}'),
                   made = j.made - array(select jsonb_object_keys(back))
             where j.tenant_id = tenant and j.id = given.id and given.merge_id <> merge;
        end loop;
        for later in
            select m.id from app.patient_merges m
             where m.tenant_id = tenant and m.survivor_id = survivor and m.status = 'merged' and (m.created_at, m.id) > (begun, merge)
             order by m.created_at, m.id
        loop
            perform app.join_likes(later.id, survivor, (met.row_key ->> 'id')::uuid, lowered);
        end loop;
    end loop;
end
$$;

-- And what only gave way is restored as before.
create or replace function app.restore_merged(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    met record;
begin
    perform app.part_likes(merge);
    for met in select j.table_name, j.row_key, j.former from app.patient_merge_rows j
                where j.tenant_id = app.tenant_id() and j.merge_id = merge and j.former is not null and j.made is null
                  -- An allergy that was named since denies it still.
                  and not (j.table_name = 'allergy_statements'
                           and exists (select from app.allergy_statements s
                                         join app.allergies a on a.tenant_id = s.tenant_id and a.patient_id = s.patient_id
                                        where s.tenant_id = j.tenant_id and s.id = (j.row_key ->> 'id')::uuid
                                          and a.status = 'active' and a.verification in ('unconfirmed', 'confirmed')
                                          and (s.statement = 'no_known_allergies'
                                               or s.statement = 'no_known_drug_allergies' and a.substance_kind in ('drug', 'drug_class')
                                               or s.statement = 'no_known_food_allergies' and a.substance_kind = 'food'))) loop
        begin
            perform app.change_merged(met.table_name, met.row_key, met.former);
        exception when unique_violation then
            null;
        end;
    end loop;
end
$$;

-- Whom an imported resource names, as an import keeps it: by the id its source gives him, or by an identifier. Null where it says it in
-- another way.
create function app.patient_named(source_id text, content jsonb) returns text
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case when said.by like 'urn:uuid:%' then coalesce(substring(source_id from '^[^#]*#'), '') || substr(said.by, 10)
                when said.by ~ '(^|/)Patient[?]identifier=' then substring(said.by from '[?]identifier=(.*)$')
                when said.by ~ '(^|/)Patient/[^/]+(/_history/.*)?/?$'
                then coalesce(substring(source_id from '^[^#]*#'), '') || substring(said.by from '(?:^|/)Patient/([^/]+)') end
      from (select coalesce(content #>> '{subject,reference}', content #>> '{patient,reference}', content #>> '{beneficiary,reference}',
                            content #>> '{individual,reference}', content #>> '{for,reference}')) as said (by)
$$;
revoke all on function app.patient_named(text, jsonb) from public;
grant execute on function app.patient_named(text, jsonb) to chartwell_definer;

-- What an import has entered since for the registration that was merged away, as its source knows him by that one's name: the
-- resources, the entries made of them, and the visits of which they all tell. Whatever hangs on something that stays, stays.
create function app.return_imported(merge uuid, survivor uuid, merged uuid, since timestamptz) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    met    record;
begin
    for met in
    with whose as (
        select l.source_id from app.import_links l
         where l.tenant_id = tenant and l.resource_type = 'Patient'
           and (l.target_id = merged
                or exists (select from app.patient_merge_rows j
                            where j.tenant_id = tenant and j.merge_id = merge and j.table_name = 'patients' and j.fate = 'moved'
                              and j.row_key = jsonb_build_object('id', l.target_id)))),
    goes as (
        select j.table_name, (j.row_key ->> 'id')::uuid as id from app.patient_merge_rows j
         where j.tenant_id = tenant and j.merge_id = merge and j.fate in ('moved', 'superseded')),
    told as (
        select r.id, r.encounter_id, r.entry_id, e.plain, r.created_at > since and w.source_id is not null as theirs
          from app.imported_resources r
          left join whose w on w.source_id = app.patient_named(r.source_id, r.content)
          left join (values ('problem', 'problems'), ('diagnosis', 'encounter_diagnoses'), ('allergy', 'allergies'),
                            ('allergy_statement', 'allergy_statements'), ('procedure', 'procedures'), ('immunization', 'immunizations'),
                            ('vitals', 'vitals'), ('social_history', 'social_history'), ('care_plan', 'care_plans'), ('goal', 'goals'),
                            ('document', 'documents')) as e (kind, plain) on e.kind = r.entry_kind
         where r.tenant_id = tenant and r.patient_id = survivor and (r.entry_kind is null or e.plain is not null)
           and not exists (select from goes g where g.table_name = 'imported_resources' and g.id = r.id)),
    visits as (
        select t.encounter_id as id from told t
          join app.encounters v on v.tenant_id = tenant and v.id = t.encounter_id and v.created_at > since
         where exists (select from app.import_links l
                        where l.tenant_id = tenant and l.resource_type = 'Encounter' and l.target_id = t.encounter_id)
         group by t.encounter_id having bool_and(t.theirs)),
    entered (plain, entry_id, id, encounter_id) as (
        select 'problems', p.id, p.id, p.encounter_id from app.problems p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'encounter_diagnoses', p.id, p.id, p.encounter_id from app.encounter_diagnoses p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'allergies', p.id, p.id, p.encounter_id from app.allergies p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'allergy_statements', p.id, p.id, null from app.allergy_statements p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'procedures', p.id, p.id, p.encounter_id from app.procedures p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'immunizations', p.id, p.id, p.encounter_id from app.immunizations p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'vitals', p.set_id, p.id, p.encounter_id from app.vitals p
         where p.tenant_id = tenant and p.patient_id = survivor and p.recorded_at > since
        union all select 'social_history', p.id, p.id, p.encounter_id from app.social_history p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'care_plans', p.id, p.id, p.encounter_id from app.care_plans p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'goals', p.id, p.id, null from app.goals p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since
        union all select 'documents', p.id, p.id, p.encounter_id from app.documents p
         where p.tenant_id = tenant and p.patient_id = survivor and p.created_at > since),
    returning_entries as (
        select n.plain, n.entry_id, n.id from entered n
         where (n.encounter_id is null or n.encounter_id in (select v.id from visits v)
                or n.encounter_id in (select g.id from goes g where g.table_name = 'encounters'))
           -- No other says the same.
           and n.entry_id in (select t.entry_id from told t where t.plain = n.plain group by t.entry_id having bool_and(t.theirs)))
    select g.plain, g.id
      from (select 'imported_resources' as plain, t.id from told t
             where t.theirs
               and (t.encounter_id is null or t.encounter_id in (select v.id from visits v)
                    or t.encounter_id in (select g.id from goes g where g.table_name = 'encounters'))
               and (t.entry_id is null or (t.plain, t.entry_id) in (select n.plain, n.entry_id from returning_entries n)
                    or (t.plain, t.entry_id) in (select g.table_name, g.id from goes g))
            union all select n.plain, n.id from returning_entries n
            union all select 'encounters', v.id from visits v
            union all select 'encounter_register', v.id from visits v) g
    loop
        insert into app.patient_merge_rows (tenant_id, merge_id, table_name, row_key, columns, fate)
        values (tenant, merge, met.plain, jsonb_build_object('id', met.id), array['patient_id'], 'followed')
            on conflict do nothing;
    end loop;
end
$$;
revoke all on function app.return_imported(uuid, uuid, uuid, timestamptz) from public;
alter function app.return_imported(uuid, uuid, uuid, timestamptz) owner to chartwell_definer;

-- What belongs to a row that goes back goes back with it. As it was within app.unmerge_patients (0018).
create function app.return_families(merge uuid, survivor uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant  uuid := app.tenant_id();
    link    record;
    touched bigint;
    changed bigint := 1;
begin
    -- What a resource said before it changed goes where the resource goes; no key says so, because a resource without a
    -- visit may be another patient's at its source tomorrow.
    insert into app.patient_merge_rows (tenant_id, merge_id, table_name, row_key, columns, fate)
    select tenant, merge, 'imported_resource_states', jsonb_build_object('id', s.id), array['patient_id'], 'followed'
      from app.patient_merge_rows j
      join app.imported_resource_states s
        on s.tenant_id = tenant and s.resource_id = (j.row_key ->> 'id')::uuid and s.patient_id = survivor
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
                using tenant, merge, survivor;
            get diagnostics touched = row_count;
            changed := changed + touched;
        end loop;
    end loop;
end
$$;
revoke all on function app.return_families(uuid, uuid) from public;
alter function app.return_families(uuid, uuid) owner to chartwell_definer;

-- As in 0018, but that what an import entered for the one who goes back goes with him.
create or replace function app.unmerge_patients(merge uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant  uuid := app.tenant_id();
    m       record;
    other   record;
    link    record;
    lowered text[];
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
    -- What an import entered for the one who goes back goes with him, where all it hangs on does; else as before.
    begin
        perform app.return_imported(merge, m.survivor_id, m.merged_id, m.created_at);
        perform app.return_families(merge, m.survivor_id);
        perform app.hand_over(merge, m.survivor_id, m.merged_id);
    exception when foreign_key_violation or unique_violation or exclusion_violation then
        perform app.return_families(merge, m.survivor_id);
        perform app.hand_over(merge, m.survivor_id, m.merged_id);
    end;
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

-- An answer that was entered in error answers nothing: its referral is open again, at the step before. Whoever takes a letter back
-- need not be allowed to write referrals.
create function app.reopen_referrals() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update app.referrals r
       set status = case when r.scheduled_for is null then 'accepted' else 'scheduled' end,
           closed_at = null, consult_note_id = null, consult_document_id = null, version = r.version + 1, updated_at = now()
     where r.tenant_id = new.tenant_id and r.patient_id = new.patient_id and r.status = 'completed'
       and case tg_table_name when 'notes' then r.consult_note_id = new.id else r.consult_document_id = new.id end;
    return null;
end
$$;
alter function app.reopen_referrals() owner to chartwell_definer;
revoke all on function app.reopen_referrals() from public;
grant update (status, closed_at, consult_note_id, consult_document_id, version, updated_at) on app.referrals to chartwell_definer;
create trigger notes_reopen after update of status on app.notes
    for each row when (new.status = 'entered_in_error' and old.status <> 'entered_in_error') execute function app.reopen_referrals();
create trigger documents_reopen after update of status on app.documents
    for each row when (new.status = 'entered_in_error' and old.status <> 'entered_in_error') execute function app.reopen_referrals();

-- As in 0016, but that this reaches it for the front desk, too.
create or replace function app.guard_referral() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'staff' and current_user <> 'chartwell_definer'
       and (to_jsonb(new) - '{status,scheduled_for,version,updated_at}'::text[]
            is distinct from to_jsonb(old) - '{status,scheduled_for,version,updated_at}'::text[]
            or new.status is distinct from old.status and new.status <> 'scheduled') then
        raise exception 'the front desk keeps the appointment of a referral' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
