-- The database roles, made once per cluster, before the first migration. None but the runtime role can log in.
--
--   chartwell_owner         owns every table; under FORCE even it sees no tenant's rows
--   chartwell_migrator      BYPASSRLS, for backfills: the owner would see 0 rows and change nothing, silently
--   chartwell_runtime       the server; owns nothing, bypasses nothing
--   chartwell_audit_writer  inserts access records, of every tenant, and can't read one
--   chartwell_glance        reads rows by id for many callers in one statement, each under his context; nothing else
--   chartwell_sealer        reads access records, writes seals
--   chartwell_definer       owns the few SECURITY DEFINER functions; narrow grants
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('chartwell_owner', 'nologin'),
            ('chartwell_migrator', 'nologin bypassrls'),
            ('chartwell_runtime', 'login noinherit'),
            ('chartwell_audit_writer', 'nologin'),
            ('chartwell_glance', 'nologin'),
            ('chartwell_sealer', 'nologin'),
            ('chartwell_definer', 'nologin bypassrls')
        ) as roles (name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.attributes);
        end if;
    end loop;
    execute format('grant create, connect on database %I to chartwell_owner', current_database());
    execute format('grant connect on database %I to chartwell_runtime', current_database());
end
$$;
grant chartwell_audit_writer, chartwell_glance, chartwell_sealer to chartwell_runtime;
grant chartwell_owner to chartwell_migrator;
-- The owner hands functions over to the definer role.
grant chartwell_definer to chartwell_owner;
grant create on schema public to chartwell_owner;

-- With it, an injected SELECT could switch tenants. `SET LOCAL`, which we use, is a statement and needs no function.
revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
-- The role of the glances runs statements of constant text only, and the functions they call take turns with contexts.
grant execute on function pg_catalog.set_config(text, text, boolean) to chartwell_glance;
