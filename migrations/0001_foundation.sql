-- The ground every table stands on: who is asking, what a tenant's table is, how a month's partition is made,
-- how a change is remembered.
--
-- The request's context is set by `SET LOCAL app.context` at the head of every transaction (platform/db/tx.rs): six words with
-- a blank between them, tenant role scope user patient request, of which the last three may be empty. One setting, because
-- each costs as much as reading a row. There is no default: an unset context raises, it never means "no rows" and never
-- means "all rows".

create extension if not exists pg_trgm with schema public;
create extension if not exists btree_gist with schema public;

create schema app;
grant create on schema app to chartwell_definer;      -- to be handed functions; it can't log in
grant usage on schema app to chartwell_runtime, chartwell_audit_writer, chartwell_glance, chartwell_sealer, chartwell_definer;

-- Who is asking -------------------------------------------------------------------------------------------------------
-- `stable` SQL, so that the planner inlines them and an index on tenant_id stays usable. `immutable` would let a cached
-- plan answer for another tenant; `volatile` would cost a sequential scan.

create function app.tenant_id() returns uuid language sql stable parallel safe
    as $$ select split_part(current_setting('app.context'), ' ', 1)::uuid $$;

create function app.user_id() returns uuid language sql stable parallel safe
    as $$ select nullif(split_part(current_setting('app.context'), ' ', 4), '')::uuid $$;

create function app.actor_role() returns text language sql stable parallel safe
    as $$ select split_part(current_setting('app.context'), ' ', 2) $$;

create function app.scope() returns text language sql stable parallel safe
    as $$ select split_part(current_setting('app.context'), ' ', 3) $$;

-- The chart of a caller who may see his own only.
create function app.own_patient_id() returns uuid language sql stable parallel safe
    as $$ select nullif(split_part(current_setting('app.context'), ' ', 5), '')::uuid $$;

create function app.request_id() returns uuid language sql stable parallel safe
    as $$ select nullif(split_part(current_setting('app.context'), ' ', 6), '')::uuid $$;

-- Organisation scope answers before the function that would look.
create function app.sees_every_patient() returns boolean language sql stable parallel safe
    as $$ select split_part(current_setting('app.context'), ' ', 3) = 'organization' $$;

-- Months --------------------------------------------------------------------------------------------------------------
-- A partition inherits neither the row-level security flag nor its FORCE, so both are set in the transaction that makes
-- it. It gets no grants and no policies: nobody reads a partition, everybody reads the table.
-- Months are made ahead, and several in one transaction: two hundred of them must be there before the first encounter of a
-- practice's past can be written.
--
-- Trap, tried: a partition made with its foreign keys is attached a third faster, because nothing has to be checked. But ATTACH then
-- drops the keys' own triggers on the tables they refer to, and for that locks these against everybody, readers too.

-- Any table of the schema that is partitioned by the month of a time gets its months; none has to be named here.
create function app.tables_with_months() returns setof text language sql stable set search_path = pg_catalog, pg_temp
as $$
    select c.relname::text
      from pg_partitioned_table p
      join pg_class c on c.oid = p.partrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
     where n.nspname = 'app' and p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'timestamptz'::regtype
     order by c.relname
$$;
revoke all on function app.tables_with_months() from public;

-- Which of these months a table has no partition for: making one locks what others write to, so whoever is about to have
-- some made looks first how many.
create function app.missing_months(parent text, months date[]) returns setof date
    language plpgsql stable set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    earliest date;
begin
    select substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''(\d{4}-\d\d-\d\d)')::date into earliest
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = ('app.' || parent)::regclass and pg_get_expr(c.relpartbound, c.oid) like '%MINVALUE%';
    return query
    select m.month from unnest(months) m (month)
     where to_regclass(format('app.%I', format('%s_y%sm%s', parent, to_char(m.month, 'YYYY'), to_char(m.month, 'MM')))) is null
       and (earliest is null or m.month >= earliest);
end
$$;
revoke all on function app.missing_months(text, date[]) from public;
grant execute on function app.missing_months(text, date[]) to chartwell_runtime;

-- The months named, in their order; those that are there are passed over. Returns how many were made. Few at a time: the locks
-- below last until the end.
create function app.ensure_these_months(parent text, months date[]) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    made  integer := 0;
    floor date;                         -- before it, everything lies in one partition
    first date;
    child text;
    held  boolean := false;
begin
    if parent not in (select app.tables_with_months()) then
        raise exception 'not a table with months' using errcode = 'invalid_parameter_value';
    end if;
    if cardinality(months) > 24 then
        raise exception 'too many months at once' using errcode = 'invalid_parameter_value';
    end if;
    for first in select distinct date_trunc('month', m)::date from unnest(months) m order by 1 loop
        child := format('%s_y%sm%s', parent, to_char(first, 'YYYY'), to_char(first, 'MM'));
        continue when to_regclass('app.' || quote_ident(child)) is not null;
        if not held then
            select max(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''(\d{4}-\d\d-\d\d)')::date) into floor
              from pg_inherits i join pg_class c on c.oid = i.inhrelid
             where i.inhparent = ('app.' || quote_ident(parent))::regclass
               and pg_get_expr(c.relpartbound, c.oid) like '%MINVALUE%';
            continue when first < floor;
            -- Two servers may want the same month; the second waits here and then finds it made. On the table itself this lock,
            -- which is ATTACH's too, lets readers and writers go on. ATTACH also makes the partition's foreign keys, and for that it
            -- locks what they refer to (of encounters: the register, facilities, departments, providers) in share row exclusive
            -- mode: readers go on, whoever writes there waits until this transaction ends, and it waits for those who are writing.
            -- Hence a transaction of its own, of few months, and months made ahead.
            execute format('lock table app.%I in share update exclusive mode', parent);
            held := true;
            -- Attaching checks the (empty) partition's foreign keys through the policies, which want a context: nobody's.
            -- It lasts until the transaction ends, so months are made in a transaction of their own.
            set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
            continue when to_regclass('app.' || quote_ident(child)) is not null;
        end if;
        continue when first < floor;
        execute format('create table app.%I (like app.%I including defaults including constraints)', child, parent);
        execute format('alter table app.%I enable row level security', child);
        execute format('alter table app.%I force row level security', child);
        execute format('alter table app.%I attach partition app.%I for values from (%L) to (%L)', parent, child,
                       first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
        made := made + 1;
    end loop;
    return made;
end
$$;

-- One month. Returns whether it was made.
create function app.ensure_month(parent text, month date) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$ select app.ensure_these_months(parent, array[month]) > 0 $$;

-- The months from the present one on. Returns how many were made.
create function app.ensure_months(ahead integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    made   integer := 0;
    parent text;
    step   integer;
begin
    foreach parent in array array(select app.tables_with_months()) loop
        for step in -1 .. least(ahead, 120) loop
            if app.ensure_month(parent, (date_trunc('month', now() at time zone 'UTC') + step * interval '1 month')::date) then
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end
$$;
revoke all on function app.ensure_these_months(text, date[]), app.ensure_month(text, date), app.ensure_months(integer) from public;
grant execute on function app.ensure_these_months(text, date[]), app.ensure_month(text, date), app.ensure_months(integer)
    to chartwell_runtime;

-- History -------------------------------------------------------------------------------------------------------------
-- Every change of every row: who, when, in which request, the values it replaced and the row as it then stood. Written
-- by triggers that the runtime role can't bypass; it may read them, nothing else.

create table app.audit_log (
    tenant_id   uuid        not null,
    at          timestamptz not null,
    id          uuid        not null default gen_random_uuid(),
    table_name  text        not null,
    row_id      uuid        not null,
    patient_id  uuid,
    action      text        not null,
    user_id     uuid,
    role        text        not null,
    request_id  uuid,
    xid         bigint      not null default (pg_current_xact_id()::text::bigint),     -- for the sealer, who must know what is complete
    version     bigint,
    before      jsonb,                      -- the values that were replaced; null on insert
    after       jsonb       not null,       -- the row as it stood after the change
    constraint audit_log_pkey primary key (tenant_id, at, id),
    constraint audit_log_action_check check (action in ('insert', 'update', 'delete'))
) partition by range (at);

create index audit_log_row_idx on app.audit_log (tenant_id, table_name, row_id, at);
create index audit_log_patient_idx on app.audit_log (tenant_id, patient_id, at) where patient_id is not null;
-- The sealer walks in the order of transactions; rows lie nearly so, and a block range index costs nothing to keep.
create index audit_log_xid_idx on app.audit_log using brin (xid) with (autosummarize = on);

-- Arguments of the trigger: the column that names the patient ('' if none), then the columns whose values are secrets.
create function app.record_change() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    image    jsonb;
    previous jsonb;
    replaced jsonb;
    verb     text := lower(tg_op);
    origin   text := coalesce(nullif(tg_argv[2], ''), tg_table_name);
begin
    if tg_op = 'DELETE' then
        image := to_jsonb(old) - tg_argv[1]::text[];
        -- A row that moves to another month is deleted there and inserted here; only the arrival is a change.
        if tg_argv[3] = 'partitioned' then
            return null;
        end if;
    else
        image := to_jsonb(new) - tg_argv[1]::text[];
    end if;
    if tg_op = 'UPDATE' then
        previous := to_jsonb(old) - tg_argv[1]::text[];
    elsif tg_op = 'INSERT' and tg_argv[3] = 'partitioned' and (image ->> 'version')::bigint > 1 then
        verb := 'update';
        select a.after into previous from app.audit_log a
         where a.tenant_id = (image ->> 'tenant_id')::uuid and a.table_name = origin and a.row_id = (image ->> 'id')::uuid
         order by a.at desc, a.version desc limit 1;
    end if;
    if previous is not null then
        select jsonb_object_agg(p.key, p.value) into replaced
          from jsonb_each(previous) p where p.value is distinct from image -> p.key;
        if replaced is null then
            return null;
        end if;
    end if;
    insert into app.audit_log (tenant_id, at, table_name, row_id, patient_id, action, user_id, role, request_id, version, before, after)
    values ((image ->> 'tenant_id')::uuid, clock_timestamp(), origin, (image ->> 'id')::uuid,
            (image ->> nullif(tg_argv[0], ''))::uuid, verb,
            app.user_id(), app.actor_role(), app.request_id(), (image ->> 'version')::bigint, replaced, image);
    return null;
end
$$;
revoke all on function app.record_change() from public;
alter function app.record_change() owner to chartwell_definer;

-- A tenant's table ----------------------------------------------------------------------------------------------------
-- One call a table, after all else of it. Renders exactly one policy per command, each naming the tenant, the roles and, for
-- a table of a patient, the helper that decides who may see him. A second policy on a table would be ORed to the first and
-- silently widen it, so policies are made here and nowhere else. A table that names a patient is made ready to be merged, too
-- (app.join_merges, 0005).
--
--   read, write       roles that may select; that may insert and update
--   may_delete        roles that may delete; nearly always none: clinical rows are superseded
--   adds              roles that may insert, where they differ from those that update
--   of_patient        rows belong to a patient: only those who may see him see them
--   patient_column    the column that names him
--   strangers_add     an insert needs no sight of the patient (a new patient has no care team yet; a refusal is recorded
--                     against a patient the caller may not see)
--   own_column        the column that names the user a row is about; he may read it whatever his role
--   own_write         and change it, too
--   trusted_readers,  database roles that work across tenants (the access writer, the sealer)
--   trusted_writers
--   history           remember every change in audit_log
--   secrets           columns that history leaves out
create function app.tenant_table(
    tbl regclass, read text[], write text[], adds text[] default null, may_delete text[] default '{}',
    of_patient boolean default false, patient_column text default 'patient_id', strangers_add boolean default false,
    own_column text default null, trusted_readers text[] default '{}', trusted_writers text[] default '{}',
    history boolean default true, secrets text[] default '{}', own_write boolean default false
) returns void language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant      constant text := 'tenant_id = app.tenant_id()';
    sight       text := case when of_patient then format(' and (app.sees_every_patient() or app.may_see(%I))', patient_column) else '' end;
    plain       text := (select relname from pg_class where oid = tbl);
    partitioned boolean := (select relkind = 'p' from pg_class where oid = tbl);
    reads       text := format('%s and %s%s', tenant, app.role_test(read, own_column), sight);
    changes     text := format('%s and %s%s', tenant, app.role_test(write, case when own_write then own_column end), sight);
    inserts     text := format('%s and %s%s', tenant, app.role_test(coalesce(adds, write), null),
                               case when strangers_add then '' else sight end);
    deletes     text := format('%s and %s%s', tenant, app.role_test(may_delete, null), sight);
begin
    if cardinality(trusted_readers) > 0 then
        reads := format('case when current_user = any(%L::name[]) then tenant_id is not null else %s end', trusted_readers, reads);
    end if;
    if cardinality(trusted_writers) > 0 then
        inserts := format('case when current_user = any(%L::name[]) then tenant_id is not null else %s end', trusted_writers, inserts);
    end if;
    execute format('alter table %s enable row level security', tbl);
    execute format('alter table %s force row level security', tbl);
    execute format('create policy %I on %s for select using (%s)', plain || '_select', tbl, reads);
    execute format('create policy %I on %s for insert with check (%s)', plain || '_insert', tbl, inserts);
    execute format('create policy %I on %s for update using (%s) with check (%s)', plain || '_update', tbl, changes, changes);
    execute format('create policy %I on %s for delete using (%s)', plain || '_delete', tbl, deletes);
    execute format('grant select, insert on %s to chartwell_runtime', tbl);
    if cardinality(write) > 0 then
        execute format('grant update on %s to chartwell_runtime', tbl);
    end if;
    if cardinality(may_delete) > 0 then
        execute format('grant delete on %s to chartwell_runtime', tbl);
    end if;
    if history then
        execute format('create trigger %I after insert or update or delete on %s for each row execute function app.record_change(%L, %L, %L, %L)',
                       plain || '_history', tbl, case when of_patient then patient_column else '' end, secrets::text, plain,
                       case when partitioned then 'partitioned' else 'plain' end);
    end if;
    -- What is made before there are patients belongs to none.
    if to_regclass('app.patients') is not null then
        perform app.join_merges(tbl);
    end if;
end
$$;
revoke all on function app.tenant_table(regclass, text[], text[], text[], text[], boolean, text, boolean, text, text[], text[], boolean, text[], boolean)
    from public;

-- Whether a role may: the same answer for every row of a statement, and nearly always yes. `role = any(seven of them)` would be
-- estimated at 3.5 %, so every table would look a thirtieth of its size, and a page of 200 patients in the order of their
-- names would be read by sorting all of them. `array_position … is not null` asks the same and is estimated at 99.5 %.
create function app.role_test(roles text[], own_column text) returns text language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case
        when cardinality(roles) = 0 and own_column is null then 'false'
        when own_column is null then format('array_position(%L::text[], app.actor_role()) is not null', roles)
        else format('(array_position(%L::text[], app.actor_role()) is not null or %I = app.user_id())', roles, own_column)
    end
$$;
revoke all on function app.role_test(text[], text) from public;

-- Adds a condition to the policies a table has. It can only take away: each stays one policy, of its tenant and roles.
-- `commands` as in pg_policy: r select, a insert, w update, d delete.
create function app.narrow_policies(tbl regclass, condition text, commands text default 'rawd') returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    policy record;
begin
    for policy in select p.polname as name, pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as with_check
                    from pg_policy p where p.polrelid = tbl and position(p.polcmd::text in commands) > 0 loop
        execute format('alter policy %I on %s', policy.name, tbl)
             || case when policy.qual is null then '' else format(' using (%s and (%s))', policy.qual, condition) end
             || case when policy.with_check is null then '' else format(' with check (%s and (%s))', policy.with_check, condition) end;
    end loop;
end
$$;
revoke all on function app.narrow_policies(regclass, text, text) from public;

-- Whom a caller may see -------------------------------------------------------------------------------------------------
-- The one place that decides whose chart a caller may open: those whose team he is on, those of the facilities he works at,
-- everybody's, or his own. Grants that end (break-glass) and consent will join it here. SECURITY DEFINER, because the tables
-- it looks into (0004, 0005) are themselves behind it.
-- Some 10 µs under care-team scope: four hundred times an ordinary operator, where the planner assumes 100.
--
-- A chart reads hundreds of rows of one patient, and the policies ask of each whether he may be seen: under care-team scope
-- 22 µs a row, most of what a chart would cost. So whoever opens one asks once, and the answer is kept in a setting of the
-- transaction, beside the words of the context that it was given to: `app.opened` = context, blank, patient. may_see looks
-- there first (5 µs); an answer to another context, or about somebody else, is none.
-- It is kept only where it can't become untrue before the transaction ends: in a read-only one of one snapshot, whose now()
-- stands still. Policies, roles and the tenant are asked all the same.
create function app.may_see(patient uuid) returns boolean
    language plpgsql stable cost 400 security definer set search_path = pg_catalog, pg_temp
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
alter function app.may_see(uuid) owner to chartwell_definer;
revoke all on function app.may_see(uuid) from public;
-- The sealer's queries pass by the policy's question without asking it, but must be allowed to.
grant execute on function app.may_see(uuid) to chartwell_runtime, chartwell_glance, chartwell_sealer;

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

-- The fences of the history, which ask may_see. Only the triggers' definer writes it; the sealer reads that of every tenant.
select app.tenant_table('app.audit_log', read => '{admin,provider,nurse,patient,system}', write => '{}', of_patient => true,
                        trusted_readers => '{chartwell_sealer}', history => false);
revoke insert on app.audit_log from chartwell_runtime;
grant select, insert on app.audit_log to chartwell_definer;
grant select on app.audit_log to chartwell_sealer;

-- The newest migration that has run. The table that knows is the migration tool's own, in a schema of its own.
create function app.schema_version() returns bigint
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$ begin return (select max(version) from migration._sqlx_migrations where success); end $$;
revoke all on function app.schema_version() from public;
grant execute on function app.schema_version() to chartwell_runtime;
