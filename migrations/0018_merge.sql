-- Duplicates: pairs of registrations that may be one person, and the merging of two that are.
--
-- Nothing is merged but by a person. A merge moves every row that belongs to the one patient to the other, says in a journal
-- which, and can be taken back. Which tables those are, the foreign keys say (app.patient_columns, 0005). History is never
-- rewritten: audit_log and phi_access_log refer to nobody, and keep saying whom a row belonged to.

-- How a tenant looks for duplicates, how far it has come, and what it has learned of its own people.
create table app.matching_settings (
    tenant_id       uuid        not null,
    review_from     integer     not null default 900,      -- per mille: from here on a pair comes to the work list
    refuse_from     integer     not null default 900,      -- and from here on a registration is refused
    model           jsonb,                                 -- null: the weights everybody begins with
    learned_at      timestamptz,
    learned_from    integer     not null default 0,        -- people
    scanned_at      timestamptz,                           -- everybody changed before has been compared
    scanned_id      uuid,
    version         bigint      not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint matching_settings_pkey primary key (tenant_id),
    constraint matching_settings_tenant_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint matching_settings_range_check check (review_from between 500 and 999 and refuse_from between 500 and 999)
);
select app.tenant_table('app.matching_settings', read => '{admin,provider,nurse,staff,system}', write => '{admin,staff,system}',
                        history => false);

-- Pairs that may be one person, the smaller id first. A pair that was dismissed is remembered and not shown again.
create table app.duplicate_pairs (
    tenant_id    uuid        not null,
    id           uuid        not null,
    patient_id   uuid        not null,
    other_id     uuid        not null,
    status       text        not null default 'open',
    weight       integer     not null,                     -- tenths of a bit for their being one person
    agrees_on    jsonb       not null,
    found_at     timestamptz not null,
    decided_by   uuid,
    decided_at   timestamptz,
    reason       text,
    version      bigint      not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint duplicate_pairs_pkey primary key (tenant_id, id),
    constraint duplicate_pairs_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
    constraint duplicate_pairs_other_fkey foreign key (tenant_id, other_id) references app.patients (tenant_id, id),
    constraint duplicate_pairs_pair_key unique (tenant_id, patient_id, other_id),
    constraint duplicate_pairs_order_check check (patient_id < other_id),
    constraint duplicate_pairs_status_check check (status in ('open', 'dismissed')),
    constraint duplicate_pairs_decided_check check ((status = 'open') = (decided_at is null))
);
create index duplicate_pairs_list_idx on app.duplicate_pairs (tenant_id, status, weight, id);
create index duplicate_pairs_other_idx on app.duplicate_pairs (tenant_id, other_id);
select app.tenant_table('app.duplicate_pairs', of_patient => true, may_delete => '{admin,staff,system}',
                        read => '{admin,staff,system}', write => '{admin,staff,system}');

create table app.patient_merges (
    tenant_id        uuid        not null,
    id               uuid        not null,
    survivor_id      uuid        not null,
    merged_id        uuid        not null,
    status           text        not null default 'merged',
    reason           text        not null,
    former_status    text        not null,                 -- of the registration that was merged away
    former_reason    text,
    moved_account    uuid,                                 -- the patient's own account, where it changed hands
    raised           text[]      not null default '{}',    -- the flags it has put on the survivor, who had them not
    undone_reason    text,
    created_by       uuid,
    undone_by        uuid,
    undone_at        timestamptz,
    version          bigint      not null default 1,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    constraint patient_merges_pkey primary key (tenant_id, id),
    constraint patient_merges_survivor_fkey foreign key (tenant_id, survivor_id) references app.patients (tenant_id, id),
    constraint patient_merges_merged_fkey foreign key (tenant_id, merged_id) references app.patients (tenant_id, id),
    constraint patient_merges_two_check check (survivor_id <> merged_id),
    constraint patient_merges_status_check check (status in ('merged', 'undone'))
);
create unique index patient_merges_open_key on app.patient_merges (tenant_id, merged_id) where status = 'merged';
create index patient_merges_survivor_idx on app.patient_merges (tenant_id, survivor_id);
select app.tenant_table('app.patient_merges', of_patient => true, patient_column => 'survivor_id',
                        read => '{admin,staff,system}', write => '{admin,system}');

-- The journal: each row the merge looked at.
--   moved
--   superseded  moved, and changed so that it stands beside the survivor's own: it leaves the rule that two of its like would break
--               (merge_yields). Otherwise two charts that share an open problem would leave the one's behind, and with it, as a
--               row and what it belongs to have one patient, the visit it was found on and every visit coded with it.
--   stayed      because the survivor has one like it (`because` names the constraint)
--   denied      a row of the survivor's that what was moved contradicts: changed, not moved
--   followed    a newer row that went back with the row it belongs to
create table app.patient_merge_rows (
    tenant_id    uuid   not null,
    id           uuid   not null default gen_random_uuid(),
    merge_id     uuid   not null,
    table_name   text   not null,
    row_key      jsonb  not null,                          -- its primary key, without tenant and patient
    columns      text[] not null,                          -- which of its columns named the patient
    fate         text   not null default 'moved',
    because      text,
    former       jsonb,                                    -- of a changed one: what it said before
    constraint patient_merge_rows_pkey primary key (tenant_id, id),
    constraint patient_merge_rows_merge_fkey foreign key (tenant_id, merge_id) references app.patient_merges (tenant_id, id),
    constraint patient_merge_rows_row_key unique (tenant_id, merge_id, table_name, row_key),
    constraint patient_merge_rows_fate_check check (fate in ('moved', 'stayed', 'followed', 'superseded', 'denied'))
);
select app.tenant_table('app.patient_merge_rows', read => '{admin,staff,system}', write => '{}', history => false);
revoke insert on app.patient_merge_rows from chartwell_runtime;
grant select, insert, update on app.patient_merge_rows, app.patient_merges to chartwell_definer;
grant select, update (status, status_reason, replaced_by, portal_user_id, is_vip, is_confidential, version, updated_at)
    on app.patients to chartwell_definer;

-- Of a table: the columns that name patients, and its row's key without them and the tenant, as an expression over the alias t.
create function app.merge_tables() returns table (tbl regclass, plain text, cols name[], row_key text)
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select c.tbl, t.relname::text, array_agg(c.col order by c.col),
           (select 'jsonb_build_object(' || coalesce(string_agg(format('%L, t.%I', a.attname, a.attname), ', ' order by key.place), '') || ')'
              from pg_index x
             cross join lateral unnest(x.indkey) with ordinality as key (attnum, place)
              join pg_attribute a on a.attrelid = x.indrelid and a.attnum = key.attnum
             where x.indrelid = c.tbl and x.indisprimary and a.attname <> 'tenant_id'
               and a.attname not in (select o.col from app.patient_columns() o where o.tbl = c.tbl)
               -- An id is enough, and stays when a row moves to another month.
               and (a.attname = 'id' or not exists (select from pg_attribute d where d.attrelid = c.tbl and d.attname = 'id' and d.attnum > 0)))
      from app.patient_columns() c join pg_class t on t.oid = c.tbl
     group by c.tbl, t.relname
$$;
revoke all on function app.merge_tables() from public;
grant execute on function app.merge_tables() to chartwell_definer;

-- Foreign keys between two of those tables that bind the patient: such a row and the row it belongs to have one patient.
-- `same` compares child c with parent p.
create function app.merge_links() returns table (child regclass, parent regclass, conname name, patient_column name, same text)
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select k.conrelid::regclass, k.confrelid::regclass, k.conname,
           (array_agg(ca.attname order by pair.place) filter (where cc.col is not null and pc.col is not null))[1],
           string_agg(format('c.%I = p.%I', ca.attname, pa.attname), ' and ' order by pair.place)
      from pg_constraint k
     cross join lateral unnest(k.conkey, k.confkey) with ordinality as pair (child, parent, place)
      join pg_attribute ca on ca.attrelid = k.conrelid and ca.attnum = pair.child
      join pg_attribute pa on pa.attrelid = k.confrelid and pa.attnum = pair.parent
      left join app.patient_columns() cc on cc.tbl = k.conrelid and cc.col = ca.attname
      left join app.patient_columns() pc on pc.tbl = k.confrelid and pc.col = pa.attname
     where k.contype = 'f' and k.conparentid = 0 and k.connamespace = 'app'::regnamespace
       and k.confrelid <> 'app.patients'::regclass
     group by k.oid, k.conrelid, k.confrelid, k.conname
    having count(*) filter (where cc.col is not null and pc.col is not null) > 0
$$;
revoke all on function app.merge_links() from public;
grant execute on function app.merge_links() to chartwell_definer;

-- Rows of the one patient that would break a unique or exclusion constraint beside the other's stay where they are.
create function app.keep_conflicts(merge uuid, survivor uuid, merged uuid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid := app.tenant_id();
    x      record;
begin
    for x in
        select m.tbl, m.plain, m.row_key, i.relname as name, o.col,
               string_agg(format('(%s) as e%s', pg_get_indexdef(n.indexrelid, key.place::integer, true), key.place), ', ') as parts,
               string_agg(format(case when n.indnullsnotdistinct then 'a.e%1$s is not distinct from b.e%1$s'
                                      else 'a.e%1$s operator(%2$s.%3$s) b.e%1$s' end,
                                 key.place, coalesce(ns.nspname, 'pg_catalog'), coalesce(op.oprname, '=')), ' and ')
                   filter (where att.attname is distinct from o.col) as same,
               coalesce(pg_get_expr(n.indpred, n.indrelid, true), 'true') as where_true
          from app.merge_tables() m
          join app.patient_columns() o on o.tbl = m.tbl
          join pg_index n on n.indrelid = m.tbl and (n.indisunique or n.indisexclusion)
          join pg_class i on i.oid = n.indexrelid
         cross join lateral generate_series(1, n.indnkeyatts) as key (place)
          left join pg_attribute att on att.attrelid = n.indrelid and att.attnum = n.indkey[key.place - 1]
          left join pg_constraint k on k.conindid = n.indexrelid and k.contype = 'x'
          left join pg_operator op on op.oid = k.conexclop[key.place]
          left join pg_namespace ns on ns.oid = op.oprnamespace
         where o.col = any(select a.attname from pg_attribute a
                            where a.attrelid = n.indrelid and a.attnum = any((n.indkey::int2[])[0:n.indnkeyatts - 1]))
         group by m.tbl, m.plain, m.row_key, i.relname, o.col, n.indexrelid, n.indpred, n.indrelid
    loop
        execute format(
            'update app.patient_merge_rows j set fate = ''stayed'', because = %L
              where j.tenant_id = $1 and j.merge_id = $2 and j.table_name = %L and j.fate = ''moved''
                and exists (select from (select %s as row_key, %s from %s t where t.tenant_id = $1 and t.%I = $4 and (%s)) a
                              join (select %s from %s t where t.tenant_id = $1 and t.%I = $3 and (%s)) b on %s
                             where a.row_key = j.row_key)',
            x.name, x.plain, x.row_key, x.parts, x.tbl, x.col, x.where_true, x.parts, x.tbl, x.col, x.where_true,
            coalesce(x.same, 'true'))
            using tenant, merge, survivor, merged;
    end loop;
end
$$;
revoke all on function app.keep_conflicts(uuid, uuid, uuid) from public;
alter function app.keep_conflicts(uuid, uuid, uuid) owner to chartwell_definer;

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

-- A row and the row it belongs to have one patient. What gives way does not stay of itself, but follows what it belongs to.
create function app.keep_families(merge uuid) returns void
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
revoke all on function app.keep_families(uuid) from public;
alter function app.keep_families(uuid) owner to chartwell_definer;

-- Gives the rows of the journal from one patient to the other: all tables in one statement, at whose end the foreign keys
-- between them hold again.
create function app.hand_over(merge uuid, giver uuid, taker uuid) returns void
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
revoke all on function app.hand_over(uuid, uuid, uuid) from public;
alter function app.hand_over(uuid, uuid, uuid) owner to chartwell_definer;

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

-- Moves everything of the merged patient to the survivor and writes the journal. The rows that others may come to refer to
-- are locked first, so that whoever writes into the chart meanwhile is either moved too or finds the chart merged.
create function app.merge_patients(merge uuid) returns void
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
alter function app.merge_patients(uuid) owner to chartwell_definer;
revoke all on function app.merge_patients(uuid) from public;
grant execute on function app.merge_patients(uuid) to chartwell_runtime;

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

-- Takes a merge back. What was written into a moved row's family since goes back with it; all else that is new stays.
create function app.unmerge_patients(merge uuid) returns void
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
    -- What a resource said before it changed goes where the resource goes; no key says so, because a resource without a
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
alter function app.unmerge_patients(uuid) owner to chartwell_definer;
revoke all on function app.unmerge_patients(uuid) from public;
grant execute on function app.unmerge_patients(uuid) to chartwell_runtime;

-- The registrations of one person, merged then or now. What was signed goes on naming the registration it was signed for.
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

-- The registrations whose merge into this one stands, directly or by way of another.
create function app.merged_into(patient uuid) returns setof uuid
    language sql stable rows 2 security definer set search_path = pg_catalog, pg_temp
as $$
    with recursive gone (id) as (
        select m.merged_id from app.patient_merges m
         where m.tenant_id = app.tenant_id() and m.survivor_id = patient and m.status = 'merged' and app.may_see(patient)
        union
        select m.merged_id from gone g
          join app.patient_merges m on m.tenant_id = app.tenant_id() and m.survivor_id = g.id and m.status = 'merged'
    )
    select id from gone
$$;
alter function app.merged_into(uuid) owner to chartwell_definer;
revoke all on function app.merged_into(uuid) from public;
grant execute on function app.merged_into(uuid) to chartwell_runtime, chartwell_sealer;

-- The access log is never rewritten: who opened a registration before it was merged away stands under its own id. Its patient
-- reads that too, as long as the merge stands; of the log alone.
do $$
declare
    plain    text := (select pg_get_expr(p.polqual, p.polrelid) from pg_policy p
                       where p.polrelid = 'app.phi_access_log'::regclass and p.polname = 'phi_access_log_select');
    admitted text := replace(plain, 'app.may_see(patient_id)',
                             'app.may_see(patient_id) or app.scope() = ''self'' and patient_id in (select app.merged_into(app.own_patient_id()))');
begin
    if admitted = plain then
        raise exception 'the policy of the access log does not ask who may see';
    end if;
    execute format('alter policy phi_access_log_select on app.phi_access_log using (%s)', admitted);
end
$$;
