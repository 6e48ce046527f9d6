-- The clinical record, third part: a merge that moves whole visits, signatures that cover the note, holds that hold.

-- Merging ---------------------------------------------------------------------------------------------------------------
-- Two charts that share an open problem have it twice once they are one. The second row used to stay behind, and with it, as
-- a row and what it belongs to have one patient, the visit it was found on and every visit coded with it. Now it goes along
-- and gives way: it leaves the rule that two of its like would break, and the journal keeps what it said before.
--   superseded   moved, and changed so that it stands beside the survivor's own
--   denied       a row of the survivor's that what was moved contradicts: changed, not moved
alter table app.patient_merge_rows add column former jsonb;
alter table app.patient_merge_rows drop constraint patient_merge_rows_fate_check;
alter table app.patient_merge_rows add constraint patient_merge_rows_fate_check
    check (fate in ('moved', 'stayed', 'followed', 'superseded', 'denied'));

-- How a row gives way that would break one of these rules. Rows under other rules stay with the registration that ends.
create function app.merge_yields() returns table (because text, plain text, changes jsonb)
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    values ('problems_open_icd10cm_key', 'problems',
            '{"verification": "entered_in_error", "error_reason": "Merged: the same problem stands on the list of the chart that goes on"}'::jsonb),
           ('problems_open_snomed_key', 'problems',
            '{"verification": "entered_in_error", "error_reason": "Merged: the same problem stands on the list of the chart that goes on"}'),
           ('allergies_active_key', 'allergies',
            '{"verification": "entered_in_error", "error_reason": "Merged: the same allergy is active in the chart that goes on"}'),
           ('immunizations_dose_key', 'immunizations',
            '{"status": "entered_in_error", "error_reason": "Merged: the same dose is recorded in the chart that goes on"}')
$$;
revoke all on function app.merge_yields() from public;
grant execute on function app.merge_yields() to chartwell_definer;
grant update (verification, error_reason) on app.problems, app.allergies to chartwell_definer;
grant update (status, error_reason) on app.immunizations to chartwell_definer;
grant update (withdrawn_by, withdrawn_at, withdrawal_reason) on app.allergy_statements to chartwell_definer;

-- Changes columns of a row, and returns what they held. Its version stays: nobody could have changed it in between, and a
-- merge that is taken back leaves the row as it was.
create function app.change_merged(plain text, key jsonb, changes jsonb) returns jsonb
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    names  text := (select string_agg(quote_ident(c), ', ' order by c) from jsonb_object_keys(changes) c);
    former jsonb;
begin
    execute format('select (select jsonb_object_agg(c, to_jsonb(t) -> c) from jsonb_object_keys($2) c)
                      from app.%I t where t.tenant_id = $1 and t.id = $3', plain)
       into strict former using app.tenant_id(), changes, (key ->> 'id')::uuid;
    execute format('update app.%I t set (%s) = (select %s from jsonb_populate_record(null::app.%I, $2))
                     where t.tenant_id = $1 and t.id = $3', plain, names, names, plain)
      using app.tenant_id(), changes, (key ->> 'id')::uuid;
    return former;
end
$$;
revoke all on function app.change_merged(text, jsonb, jsonb) from public;
alter function app.change_merged(text, jsonb, jsonb) owner to chartwell_definer;

-- "No known allergies" does not stand beside an allergy: the statement is withdrawn, whichever chart brought it.
create function app.withdraw_denied(merge uuid, survivor uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant uuid := app.tenant_id();
    said   record;
begin
    for said in
        select s.id from app.allergy_statements s
         where s.tenant_id = tenant and s.patient_id = survivor and s.withdrawn_at is null
           and exists (select from app.allergies a
                        where a.tenant_id = tenant and a.patient_id = survivor
                          and a.status = 'active' and a.verification in ('unconfirmed', 'confirmed')
                          and (s.statement = 'no_known_allergies'
                               or s.statement = 'no_known_drug_allergies' and a.substance_kind in ('drug', 'drug_class')
                               or s.statement = 'no_known_food_allergies' and a.substance_kind = 'food'))
    loop
        insert into app.patient_merge_rows as j (tenant_id, merge_id, table_name, row_key, columns, fate, former)
        values (tenant, merge, 'allergy_statements', jsonb_build_object('id', said.id), '{}', 'denied',
                app.change_merged('allergy_statements', jsonb_build_object('id', said.id),
                                  jsonb_build_object('withdrawn_by', app.user_id(), 'withdrawn_at', now(),
                                                     'withdrawal_reason', 'Merged: the other chart names an allergy')))
        on conflict (tenant_id, merge_id, table_name, row_key) do update set former = excluded.former;
    end loop;
end
$$;
revoke all on function app.withdraw_denied(uuid, uuid) from public;
alter function app.withdraw_denied(uuid, uuid) owner to chartwell_definer;

-- A row and the row it belongs to have one patient: where the one stays the other does. What gives way does not stay of
-- itself, but follows what it belongs to.
create or replace function app.keep_families(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant  uuid := app.tenant_id();
    link    record;
    touched bigint;
    changed bigint := 1;
begin
    while changed > 0 loop
        changed := 0;
        exit when not exists (select from app.patient_merge_rows j where j.tenant_id = tenant and j.merge_id = merge and j.fate = 'stayed');
        for link in
            select l.conname, l.same, c.plain as child, p.plain as parent, l.child as child_table, l.parent as parent_table,
                   replace(c.row_key, 't.', 'c.') as child_key, replace(p.row_key, 't.', 'p.') as parent_key
              from app.merge_links() l join app.merge_tables() c on c.tbl = l.child join app.merge_tables() p on p.tbl = l.parent
        loop
            execute format(
                'with pairs as (
                     select jc.id as child, jp.id as parent, jc.fate as child_fate, jp.fate as parent_fate
                       from app.patient_merge_rows jc
                       join %s c on c.tenant_id = $1 and %s = jc.row_key
                       join %s p on p.tenant_id = $1 and %s
                       join app.patient_merge_rows jp on jp.tenant_id = $1 and jp.merge_id = $2 and jp.table_name = %L and jp.row_key = %s
                      where jc.tenant_id = $1 and jc.merge_id = $2 and jc.table_name = %L and jc.fate <> jp.fate)
                 update app.patient_merge_rows j set fate = ''stayed'', because = %L
                   from pairs
                  where j.tenant_id = $1 and j.fate in (''moved'', ''superseded'')
                    and (j.id = pairs.child and pairs.parent_fate = ''stayed'' or j.id = pairs.parent and pairs.child_fate = ''stayed'')',
                link.child_table, link.child_key, link.parent_table, link.same, link.parent, link.parent_key, link.child, link.conname)
                using tenant, merge;
            get diagnostics touched = row_count;
            changed := changed + touched;
        end loop;
    end loop;
end
$$;

create or replace function app.hand_over(merge uuid, giver uuid, taker uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    steps  text;
begin
    select string_agg(format(
               'm%s as (update %s t set %s from app.patient_merge_rows j
                  where t.tenant_id = $1 and (%s) and j.tenant_id = $1 and j.merge_id = $2 and j.table_name = %L
                    and j.fate in (''moved'', ''followed'', ''superseded'') and j.row_key = %s)',
               m.number, m.tbl,
               (select string_agg(format('%I = case when t.%I = $3 and %L = any(j.columns) then $4 else t.%I end', c, c, c, c), ', ')
                  from unnest(m.cols) c),
               (select string_agg(format('t.%I = $3', c), ' or ') from unnest(m.cols) c), m.plain, m.row_key), ', ')
      into steps
      from (select row_number() over (order by n.plain) as number, n.* from app.merge_tables() n
             where exists (select from app.patient_merge_rows j
                            where j.tenant_id = tenant and j.merge_id = merge and j.table_name = n.plain
                              and j.fate in ('moved', 'followed', 'superseded'))) m;
    if steps is not null then
        execute format('with %s select', steps) using tenant, merge, giver, taker;
    end if;
end
$$;

create or replace function app.merge_patients(merge uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant   uuid := app.tenant_id();
    survivor uuid;
    merged   uuid;
    account  uuid;
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
    update app.patients p set status = 'merged', replaced_by = survivor, version = p.version + 1, updated_at = now()
     where p.tenant_id = tenant and p.id = merged;
end
$$;

-- Gives the rows that a merge changed what they held before. One whose place another has taken since stays as it is.
create function app.restore_merged(merge uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    met record;
begin
    for met in select j.table_name, j.row_key, j.former from app.patient_merge_rows j
                where j.tenant_id = app.tenant_id() and j.merge_id = merge and j.former is not null
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
revoke all on function app.restore_merged(uuid) from public;
alter function app.restore_merged(uuid) owner to chartwell_definer;

create or replace function app.unmerge_patients(merge uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    tenant  uuid := app.tenant_id();
    m       record;
    link    record;
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
    -- Who is on a team for an encounter is there for those of this registration, whatever changed while they were one.
    for link in
        select p.id as patient, t.user_id as member
          from (values (m.survivor_id), (m.merged_id)) as p (id)
         cross join (select distinct c.user_id from app.care_team_members c
                      where c.tenant_id = tenant and c.patient_id in (m.survivor_id, m.merged_id) and c.source = 'encounter'
                        and (c.valid_until is null or c.valid_until > now())) as t
         order by 1, 2
    loop
        perform app.follow_encounters(tenant, link.patient, link.member);
    end loop;
    insert into app.patient_facilities (tenant_id, patient_id, facility_id)
    select distinct tenant, m.survivor_id, e.facility_id from app.encounters e
     where e.tenant_id = tenant and e.patient_id = m.survivor_id and e.facility_id is not null
        on conflict do nothing;
end
$$;

-- Co-signatures ---------------------------------------------------------------------------------------------------------
-- Whatever a supervised person signs is asked about, whoever wrote the note: so a note may wait for more than one supervisor.
drop index app.note_cosignatures_pending_key;
create unique index note_cosignatures_pending_key on app.note_cosignatures (tenant_id, note_id, supervisor_id) where status = 'pending';
create index note_cosignatures_note_idx on app.note_cosignatures (tenant_id, note_id);
-- A note that was returned waits for an answer, until it is asked about again.
alter table app.note_cosignatures add column answered boolean not null default false;
alter table app.note_cosignatures disable trigger user;
set local role chartwell_migrator;
update app.note_cosignatures c set answered = true
 where c.status = 'returned'
   and exists (select from app.note_cosignatures o
                where o.tenant_id = c.tenant_id and o.note_id = c.note_id and (o.requested_at, o.id) > (c.requested_at, c.id));
set local role chartwell_owner;
alter table app.note_cosignatures enable trigger user;

-- Signatures ------------------------------------------------------------------------------------------------------------
-- The chain can't tell that its newest entries were cut off. The note counts them, and names the hash of the last: the note's
-- changes are remembered and sealed, where entries are their own history.
alter table app.notes add column entry_count integer not null default 0;
alter table app.notes add column last_hash bytea;
-- Not a change of what was noted: the history has nothing to remember, and here is no caller it could name.
alter table app.notes disable trigger user;
set local role chartwell_migrator;
update app.notes n set entry_count = e.sequence, last_hash = e.hash
  from (select distinct on (tenant_id, note_id) tenant_id, note_id, sequence, hash from app.note_entries
         order by tenant_id, note_id, sequence desc) e
 where e.tenant_id = n.tenant_id and e.note_id = n.id;
set local role chartwell_owner;
alter table app.notes enable trigger user;
alter table app.notes add constraint notes_counted_check
    check ((entry_count = 0) = (last_hash is null));

-- The registrations of one person: this one, and those that were merged with it, then or now. What was signed goes on naming
-- the registration it was signed for.
create function app.registrations_of(patient uuid) returns setof uuid
    language sql stable rows 2 security definer set search_path = pg_catalog, pg_temp
as $$
    with recursive same (id) as (
        select patient where app.may_see(patient)
        union
        select case when m.survivor_id = s.id then m.merged_id else m.survivor_id end
          from same s join app.patient_merges m on m.tenant_id = app.tenant_id() and s.id in (m.survivor_id, m.merged_id)
    )
    select id from same
$$;
alter function app.registrations_of(uuid) owner to chartwell_definer;
revoke all on function app.registrations_of(uuid) from public;
grant execute on function app.registrations_of(uuid) to chartwell_runtime;

-- Those who have left ---------------------------------------------------------------------------------------------------
-- Adds a role to the policies a table has; the rest of each stays. `commands` as in pg_policy: a insert, w update, d delete.
create function app.admit_role(tbl regclass, role text, commands text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    policy record;
begin
    for policy in select p.polname as name, pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as with_check
                    from pg_policy p where p.polrelid = tbl and position(p.polcmd::text in commands) > 0 loop
        if position('array_position(''{' in coalesce(policy.qual, policy.with_check)) = 0 then
            raise exception '% of % names no roles', policy.name, tbl;
        end if;
        execute format('alter policy %I on %s', policy.name, tbl)
             || case when policy.qual is null then ''
                     else format(' using (%s)', replace(policy.qual, 'array_position(''{', format('array_position(''{%s,', role))) end
             || case when policy.with_check is null then ''
                     else format(' with check (%s)', replace(policy.with_check, 'array_position(''{', format('array_position(''{%s,', role))) end;
    end loop;
end
$$;
revoke all on function app.admit_role(regclass, text, text) from public;

-- An administrator hands on what waits for somebody who has left, and retracts what nobody else can any more. He writes and
-- signs no note: the trigger below says so.
select app.admit_role('app.note_cosignatures', 'admin', 'w');
select app.admit_role('app.notes', 'admin', 'w');
select app.admit_role('app.note_entries', 'admin', 'a');
select app.admit_role('app.released_notes', 'admin', 'd');
select app.admit_role('app.search_texts', 'admin', 'd');

create function app.guard_admin_of_notes() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- A merge, which an administrator asks for, moves notes to another chart.
    if app.actor_role() <> 'admin' or current_user = 'chartwell_definer' then
        return new;
    end if;
    if tg_table_name = 'note_entries' then
        if to_jsonb(new) ->> 'kind' <> 'retraction' then
            raise exception 'an administrator signs retractions only' using errcode = 'insufficient_privilege';
        end if;
    elsif (to_jsonb(new) - '{status,supervisor_id,retract_reason,released_at,entry_count,last_hash,version,updated_at}'::text[])
          is distinct from
          (to_jsonb(old) - '{status,supervisor_id,retract_reason,released_at,entry_count,last_hash,version,updated_at}'::text[])
          or (to_jsonb(new) ->> 'status' is distinct from to_jsonb(old) ->> 'status' and to_jsonb(new) ->> 'status' <> 'entered_in_error') then
        raise exception 'an administrator writes no notes' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger notes_admin before update on app.notes for each row execute function app.guard_admin_of_notes();
create trigger note_entries_admin before insert on app.note_entries for each row execute function app.guard_admin_of_notes();

-- Drafts ----------------------------------------------------------------------------------------------------------------
-- What somebody who was slower had said of the draft besides its text: title, specialty, encounter, time, supervisor.
alter table app.note_texts add column header jsonb;
alter table app.note_texts add constraint note_texts_header_check check (header is null or kind = 'conflicted');

-- Alerts ----------------------------------------------------------------------------------------------------------------
-- Monitors send neither consciousness nor oxygen: their score is at least what the parts they send add up to.
alter table app.clinical_alerts add column at_least boolean not null default false;

-- Referrals -------------------------------------------------------------------------------------------------------------
-- The loop is closed by the note of a consultant of the house, or by the document that one outside sent.
alter table app.referrals add column consult_document_id uuid;
-- Adding a foreign key checks the rows through the policies, which want a context: nobody's. The columns are new and empty.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.referrals add constraint referrals_consult_document_fkey
    foreign key (tenant_id, patient_id, consult_document_id) references app.documents (tenant_id, patient_id, id);
alter table app.referrals drop constraint referrals_loop_check;
alter table app.referrals add constraint referrals_loop_check
    check (status <> 'completed' or num_nonnulls(consult_note_id, consult_document_id) = 1);

-- Documents of an appointment -------------------------------------------------------------------------------------------
alter table app.documents add column appointment_id uuid;
alter table app.documents add constraint documents_appointment_fkey
    foreign key (tenant_id, patient_id, appointment_id) references app.appointments (tenant_id, patient_id, id);
alter table app.documents drop constraint documents_owner_check;
alter table app.documents add constraint documents_owner_check
    check (num_nonnulls(patient_id, provider_id) = 1 and (patient_id is not null or num_nonnulls(encounter_id, appointment_id) = 0));
create index documents_appointment_idx on app.documents (tenant_id, appointment_id) where appointment_id is not null;

-- Legal holds -----------------------------------------------------------------------------------------------------------
-- On what is filed about a provider, too.
alter table app.documents add constraint documents_provider_key unique (tenant_id, provider_id, id);
alter table app.legal_holds add column provider_id uuid;
alter table app.legal_holds alter column patient_id drop not null;
alter table app.legal_holds add constraint legal_holds_owner_check check (num_nonnulls(patient_id, provider_id) = 1);
alter table app.legal_holds add constraint legal_holds_provider_fkey
    foreign key (tenant_id, provider_id) references app.providers (tenant_id, id);
alter table app.legal_holds add constraint legal_holds_provider_document_fkey
    foreign key (tenant_id, provider_id, document_id) references app.documents (tenant_id, provider_id, id);
create index legal_holds_provider_idx on app.legal_holds (tenant_id, provider_id) where provider_id is not null;

-- Amendment requests ----------------------------------------------------------------------------------------------------
-- The rule speaks of the whole record, not of notes: a request is about a note, or about another entry the patient can read.
-- What is accepted of a note is a signed entry of its chain; of another entry it is what is appended here, beside the entry.
alter table app.note_amendment_requests alter column note_id drop not null;
alter table app.note_amendment_requests add column resource_type text;
alter table app.note_amendment_requests add column resource_id uuid;
alter table app.note_amendment_requests add column amendment text;
alter table app.note_amendment_requests add constraint note_amendment_requests_patient_fkey
    foreign key (tenant_id, patient_id) references app.patients (tenant_id, id) not valid;
select app.join_merges('app.note_amendment_requests');
alter table app.note_amendment_requests add constraint note_amendment_requests_about_check
    check (num_nonnulls(note_id, resource_id) = 1 and (resource_id is null) = (resource_type is null));
alter table app.note_amendment_requests add constraint note_amendment_requests_type_check
    check (resource_type in ('problem', 'allergy', 'procedure', 'immunization', 'document', 'family_history', 'social_history',
                             'care_plan', 'goal'));
alter table app.note_amendment_requests drop constraint note_amendment_requests_accepted_check;
alter table app.note_amendment_requests add constraint note_amendment_requests_accepted_check
    check ((status = 'accepted') = (num_nonnulls(entry_id, amendment) > 0) and (entry_id is null or note_id is not null));
create index note_amendment_requests_note_idx on app.note_amendment_requests (tenant_id, note_id) where note_id is not null;

create or replace function app.guard_amendment_request() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() <> 'patient' then
        return new;
    end if;
    if (tg_op = 'INSERT' and new.status <> 'requested')
       or (tg_op = 'UPDATE'
           and ((to_jsonb(new) - '{status,disagreement,version,updated_at}'::text[])
                is distinct from (to_jsonb(old) - '{status,disagreement,version,updated_at}'::text[])
                or (new.status <> old.status and (old.status, new.status) <> ('requested', 'withdrawn')))) then
        raise exception 'a patient does not decide on his request' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
