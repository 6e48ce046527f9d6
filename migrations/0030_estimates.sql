-- What the planner is told about questions that it can't estimate.

-- Whether a role may -----------------------------------------------------------------------------------------------------
-- The answer is the same for every row of a statement, and nearly always yes. `role = any(seven of them)` is estimated at
-- 3.5 %, so every table looked a thirtieth of its size, and a page of 200 patients in the order of their names was read by
-- sorting all of them. `array_position … is not null` asks the same and is estimated at 99.5 %.
create or replace function app.role_test(roles text[], own_column text) returns text language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case
        when cardinality(roles) = 0 and own_column is null then 'false'
        when own_column is null then format('array_position(%L::text[], app.actor_role()) is not null', roles)
        else format('(array_position(%L::text[], app.actor_role()) is not null or %I = app.user_id())', roles, own_column)
    end
$$;

-- The policies that stand already, in the new words.
do $$
declare
    asks   constant text := 'app\.actor_role\(\) = ANY \((''\{[a-z_,]*\}''::text\[\])\)';
    tells  constant text := 'array_position(\1, app.actor_role()) is not null';
    policy record;
begin
    for policy in
        select p.polname as name, p.polrelid::regclass as tbl, e.shows, e.checks
          from pg_policy p
          join pg_class c on c.oid = p.polrelid
         cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as shows, pg_get_expr(p.polwithcheck, p.polrelid) as checks) e
         where c.relnamespace = 'app'::regnamespace and concat(e.shows, e.checks) ~ asks
    loop
        execute format('alter policy %I on %s', policy.name, policy.tbl)
             || coalesce(' using (' || regexp_replace(policy.shows, asks, tells, 'g') || ')', '')
             || coalesce(' with check (' || regexp_replace(policy.checks, asks, tells, 'g') || ')', '');
    end loop;
end
$$;

-- Whom a caller may see --------------------------------------------------------------------------------------------------
-- Some 10 µs under care-team scope: four hundred times an ordinary operator, where 100 is assumed.
alter function app.may_see(uuid) cost 400;

-- Charts by a key ----------------------------------------------------------------------------------------------------------
-- A page of them; a thousand, which is assumed of every function, made the page a hash join with all the tenant's patients.
alter function app.charts_with_key(text, text, text, uuid, bigint) rows 25;
