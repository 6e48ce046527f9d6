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

create function app.ensure_month(parent text, month date) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    first date := date_trunc('month', month)::date;
    next  date := (first + interval '1 month')::date;
    child text := format('%s_y%sm%s', parent, to_char(first, 'YYYY'), to_char(first, 'MM'));
begin
    if parent not in ('encounters', 'phi_access_log', 'audit_log', 'security_events') then
        raise exception 'not a table with months' using errcode = 'invalid_parameter_value';
    end if;
    if to_regclass('app.' || quote_ident(child)) is not null
       or exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                   where i.inhparent = ('app.' || parent)::regclass
                     and pg_get_expr(c.relpartbound, c.oid) like '%MINVALUE%'
                     and first < substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''(\d{4}-\d\d-\d\d)')::date) then
        return false;
    end if;
    -- Two servers may want the same month; the second waits here and then finds it made. On the table itself this lock,
    -- which is ATTACH's too, lets readers and writers go on. ATTACH also makes the partition's foreign keys, and for that it
    -- locks what they refer to (of encounters: the register, facilities, departments, providers) in share row exclusive
    -- mode: readers go on, whoever writes there waits until this transaction ends, and it waits for those who are writing.
    -- Hence a transaction of its own, and months made ahead.
    execute format('lock table app.%I in share update exclusive mode', parent);
    if to_regclass('app.' || quote_ident(child)) is not null then
        return false;
    end if;
    -- Attaching checks the (empty) partition's foreign keys through the policies, which want a context: nobody's.
    -- It lasts until the transaction ends, so a month is made in a transaction of its own.
    set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
    execute format('create table app.%I (like app.%I including defaults including constraints)', child, parent);
    execute format('alter table app.%I enable row level security', child);
    execute format('alter table app.%I force row level security', child);
    execute format('alter table app.%I attach partition app.%I for values from (%L) to (%L)',
                   parent, child, first::text || ' 00:00:00+00', next::text || ' 00:00:00+00');
    return true;
end
$$;

-- The months from the present one on. Returns how many were made.
create function app.ensure_months(ahead integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
    made   integer := 0;
    parent text;
    step   integer;
begin
    foreach parent in array array['encounters', 'phi_access_log', 'audit_log', 'security_events'] loop
        for step in -1 .. least(ahead, 120) loop
            if app.ensure_month(parent, (date_trunc('month', now() at time zone 'UTC') + step * interval '1 month')::date) then
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end
$$;
revoke all on function app.ensure_month(text, date), app.ensure_months(integer) from public;
grant execute on function app.ensure_month(text, date), app.ensure_months(integer) to chartwell_runtime;

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
    version     bigint,
    before      jsonb,                      -- the values that were replaced; null on insert
    after       jsonb       not null,       -- the row as it stood after the change
    constraint audit_log_pkey primary key (tenant_id, at, id),
    constraint audit_log_action_check check (action in ('insert', 'update', 'delete'))
) partition by range (at);

create index audit_log_row_idx on app.audit_log (tenant_id, table_name, row_id, at);
create index audit_log_patient_idx on app.audit_log (tenant_id, patient_id, at) where patient_id is not null;

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
-- One call a table. Renders exactly one policy per command, each naming the tenant, the roles and, for a table of a
-- patient, the helper that decides who may see him. A second policy on a table would be ORed to the first and silently
-- widen it, so policies are made here and nowhere else.
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
end
$$;

create function app.role_test(roles text[], own_column text) returns text language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case
        when cardinality(roles) = 0 and own_column is null then 'false'
        when own_column is null then format('app.actor_role() = any(%L::text[])', roles)
        else format('(app.actor_role() = any(%L::text[]) or %I = app.user_id())', roles, own_column)
    end
$$;
revoke all on function app.tenant_table(regclass, text[], text[], text[], text[], boolean, text, boolean, text, text[], text[], boolean, text[], boolean),
                       app.role_test(text[], text) from public;

-- Whom a caller may see -------------------------------------------------------------------------------------------------
-- Defined here because the policies name it; its body is replaced when the tables it looks into exist (0003).
create function app.may_see(patient uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$ begin return false; end $$;
alter function app.may_see(uuid) owner to chartwell_definer;

select app.tenant_table('app.audit_log', read => '{admin,provider,nurse,patient,system}', write => '{}', of_patient => true,
                        history => false);
revoke insert on app.audit_log from chartwell_runtime;
grant select, insert on app.audit_log to chartwell_definer;

-- The newest migration that has run. The table that knows is the migration tool's own, in a schema of its own.
create function app.schema_version() returns bigint
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$ begin return (select max(version) from migration._sqlx_migrations where success); end $$;
revoke all on function app.schema_version() from public;
grant execute on function app.schema_version() to chartwell_runtime;
