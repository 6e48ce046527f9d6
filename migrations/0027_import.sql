-- What an import of a whole practice needs.
--
-- Months, several in one transaction: two hundred of them must be there before the first encounter of a practice's past can be
-- written. What is the same for all of them (whether the table has months, before which day everything lies in one partition) is
-- looked up once, and each commit serves some.
--
-- Trap, tried: a partition made with its foreign keys is attached a third faster, because nothing has to be checked. But ATTACH then
-- drops the keys' own triggers on the tables they refer to, and for that locks these against everybody, readers too.

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
revoke all on function app.ensure_these_months(text, date[]) from public;
grant execute on function app.ensure_these_months(text, date[]) to chartwell_runtime;

create or replace function app.ensure_month(parent text, month date) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$ select app.ensure_these_months(parent, array[month]) > 0 $$;

-- A care team from elsewhere remembers the memberships it has opened, one or more: they end when it says so, and no others do.
alter table app.imported_resources add column joined uuid[] not null default '{}';
